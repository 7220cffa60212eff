#include "evidence/witness.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "evidence/dsse.h"

#define VERSION       1
#define HEAD_MAX      4096
#define WITNESS_BYTES (DSSE_ENVELOPE_MAX + HEAD_MAX)

static int folder_of(const struct spool *spool, struct buf *path, struct err *err)
{
    if (!spool_name_is_safe(spool->org))
        return err_set(err, ERR_SETTINGS, 0,
                       "the organization's name is no folder name: use letters, digits, . _ -");
    buf_addf(path, "%s/%s", spool->dir, spool->org);
    return buf_check(path, "the path of the spool", err);
}

static bool take(const struct json *doc, const char *name, char *text_r, size_t size)
{
    const char *text = json_string(json_get(doc, name));

    return text != NULL && (size_t)snprintf(text_r, size, "%s", text) < size;
}

static bool read_head(const char *text, size_t len, struct witness *witness)
{
    struct err ignored = ERR_INIT;
    struct json *doc;
    bool is_good;

    if (json_parse(text, len, &doc, &ignored) != 0)
        return false;
    memset(witness, 0, sizeof(*witness));
    is_good = json_int(json_get(doc, "sequence"), &witness->sequence) && witness->sequence > 0 &&
              take(doc, "payload_sha256", witness->payload_sha256, sizeof(witness->payload_sha256)) &&
              take(doc, "previous_sha256", witness->previous, sizeof(witness->previous)) &&
              take(doc, "run", witness->run, sizeof(witness->run)) &&
              take(doc, "name", witness->name, sizeof(witness->name));
    json_free(doc);
    return is_good;
}

int witness_read(const struct spool *spool, struct witness *witness_r, struct buf *envelope, struct err *err)
{
    struct buf path, text;
    const char *end;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    buf_init(&text, WITNESS_BYTES);
    if (folder_of(spool, &path, err) != 0)
        goto out;
    buf_add_str(&path, "/.chain");
    if (buf_check(&path, "the path of the witness", err) != 0)
        goto out;
    if (fsio_read(path.data, &text, err) != 0) {
        if (err->code == ERR_FILE_MISSING) {
            err_reset(err);
            rc = 0;
        } else if (err->code != ERR_NOMEM) {
            err->code = ERR_SPOOL;
        }
        goto out;
    }
    end = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
    if (end == NULL || !read_head(text.data, (size_t)(end - text.data), witness_r)) {
        err_set(err, ERR_CHAIN, 0,
                "%s cannot be read: restore it, or move it away once `chain` in Redis is right", path.data);
        goto out;
    }
    buf_add(envelope, end + 1, text.len - (size_t)(end + 1 - text.data));
    rc = buf_check(envelope, "the witness", err) == 0 ? 1 : -1;
out:
    buf_release(&path);
    buf_release(&text);
    return rc;
}

int witness_write(const struct spool *spool, const struct witness *witness, const struct buf *envelope,
                  struct err *err)
{
    struct buf path, text;
    struct json_out json;
    int rc = -1;

    buf_init(&path, PATH_MAX);
    buf_init(&text, WITNESS_BYTES);
    json_out_init(&json, &text);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "version", VERSION);
    json_add_int(&json, "sequence", witness->sequence);
    json_add_string(&json, "payload_sha256", witness->payload_sha256);
    json_add_string(&json, "previous_sha256", witness->previous);
    json_add_string(&json, "run", witness->run);
    json_add_string(&json, "name", witness->name);
    json_end(&json, '}');
    buf_add_char(&text, '\n');
    buf_add(&text, envelope->data, envelope->len);
    if (buf_check(&text, "the witness", err) != 0 || folder_of(spool, &path, err) != 0)
        goto out;
    rc = fsio_mkdirs(path.data, 0750, err);
    buf_add_str(&path, "/.chain");
    if (rc == 0)
        rc = buf_check(&path, "the path of the witness", err);
    if (rc == 0)
        rc = fsio_write(path.data, text.data, text.len, 0640, err);
    if (rc != 0 && err->code != ERR_NOMEM) {
        err->code = ERR_SPOOL;
        err_prefix(err, "audit.spool");
    }
out:
    buf_release(&path);
    buf_release(&text);
    return rc;
}
