/*
 * secret_systemd.c - systemd:NAME: a credential that systemd has put into $CREDENTIALS_DIRECTORY for the
 * service (LoadCredential=, SetCredentialEncrypted=), a file with all that file: asks of one.
 * Source: systemd.exec(5), "Credentials"; https://systemd.io/CREDENTIALS.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "crypto/secret_scheme.h"

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4096

/* A name of a file, which cannot lead out of the folder. */
static int check(const char *name, struct err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_BYTES || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return err_set(err, ERR_SECRET, 0, "systemd: wants the name of a credential, which has no /");
    return 0;
}

static int make_path(const struct secret *secret, struct buf *path, struct err *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (folder == NULL || folder[0] != '/')
        return secret_fail(secret, ERR_SECRET, 0,
                           "$CREDENTIALS_DIRECTORY names no folder: give the unit LoadCredential=", err);
    buf_addf(path, "%s/%s", folder, secret->target);
    return buf_check(path, "the path of a credential", err);
}

static int read_systemd(struct secret *secret, struct err *err)
{
    struct buf path;
    int rc;

    buf_init(&path, PATH_MAX_BYTES);
    rc = make_path(secret, &path, err);
    if (rc == 0)
        rc = secret_file_read(secret, path.data, secret->seen, err);
    buf_release(&path);
    return rc;
}

static int refresh(struct secret *secret, struct err *err)
{
    struct buf path;
    int rc;

    buf_init(&path, PATH_MAX_BYTES);
    rc = make_path(secret, &path, err);
    if (rc == 0 && secret_file_has_changed(path.data, secret->seen))
        rc = secret_file_read(secret, path.data, secret->seen, err) == 0 ? 1 : -1;
    buf_release(&path);
    return rc;
}

const struct secret_scheme secret_systemd = {
    .prefix = "systemd:",
    .form = "systemd:NAME",
    .seen_bytes = sizeof(struct stat),
    .check = check,
    .read = read_systemd,
    .refresh = refresh,
};
