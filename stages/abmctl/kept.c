#include "kept.h"

#include <string.h>

#include "base/fsio.h"

#define PEM_BYTES 4096u

struct ctl_option kept_path_option(const char **path)
{
    return (struct ctl_option){ .name = "path",
                                .kind = CTL_TEXT,
                                .to.text = path,
                                .value = "DIR",
                                .help =
                                    "where the evidence is (the organization's folder in the first sink)" };
}

struct ctl_option kept_pubkey_option(const char **pubkey)
{
    return (struct ctl_option){ .name = "pubkey",
                                .kind = CTL_TEXT,
                                .to.text = pubkey,
                                .value = "FILE",
                                .help = "the public key as PEM (the configured signer's)" };
}

int kept_path(struct ctl *ctl, const char **path, char buffer[PATH_MAX], struct err *err)
{
    const char *sink;

    if (*path != NULL)
        return 0;
    if (ctl_open_org(ctl, err) != 0)
        return -1;
    sink = ctl->settings->audit_sink_count > 0 ? ctl->settings->audit_sinks[0] : "";
    if (strncmp(sink, "file:", 5) != 0)
        return err_set(err, ERR_USAGE, 0,
                       "audit.sinks has no folder first: name a copy of the evidence by --path");
    if (snprintf(buffer, PATH_MAX, "%s/%s", sink + 5, ctl->org->name) >= PATH_MAX)
        return err_set(err, ERR_SETTINGS, 0, "audit.sinks: the path is too long");
    *path = buffer;
    return 0;
}

int kept_signer(struct ctl *ctl, struct signer **signer_r, struct err *err)
{
    struct signer_options options;

    if (ctl_open_settings(ctl, err) != 0)
        return -1;
    options = (struct signer_options){ .base = ctl->settings->path,
                                       .allow_mount_mode = ctl->settings->secrets_allow_mount_mode };
    return signer_open(ctl->settings->audit_signer, &options, signer_r, err);
}

int kept_verifier(struct ctl *ctl, const char *file, struct verifier *verifier_r, struct err *err)
{
    struct signer *signer;
    struct buf pem;
    int rc = -1;

    if (file == NULL) {
        if (kept_signer(ctl, &signer, err) != 0)
            return -1;
        rc = verifier_from_pem(signer->public_pem, verifier_r, err);
        signer_free(signer);
        return rc;
    }
    buf_init(&pem, PEM_BYTES);
    if (fsio_read(file, &pem, err) == 0) {
        rc = verifier_from_pem(pem.data, verifier_r, err);
        if (rc != 0)
            err_prefix(err, "%s", file);
    }
    buf_release(&pem);
    return rc;
}
