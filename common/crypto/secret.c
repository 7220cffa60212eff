#include "crypto/secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "crypto/secret_scheme.h"

#define SHOWN_MAX   256
#define SCHEMES_MAX 8

/* One row a scheme: first those of this machine, then what secret_serve has added. */
static const struct secret_scheme *schemes[SCHEMES_MAX] = { &secret_env, &secret_file, &secret_systemd };

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, 0, "no memory for a secret");
}

int secret_serve(const struct secret_scheme *scheme, struct err *err)
{
    for (size_t i = 0; i < SCHEMES_MAX; i++) {
        if (schemes[i] != NULL && strcmp(schemes[i]->prefix, scheme->prefix) != 0)
            continue;
        schemes[i] = scheme;
        return 0;
    }
    return err_set(err, ERR_BUG, 0, "more than %d schemes of secrets", SCHEMES_MAX);
}

int secret_hold(struct secret *secret, const char *bytes, size_t len, struct err *err)
{
    char *guarded = sodium_malloc(len + 1);

    if (guarded == NULL)
        return no_memory(err);
    memcpy(guarded, bytes, len);
    guarded[len] = '\0';
    sodium_mprotect_readonly(guarded);
    sodium_free(secret->bytes);
    secret->bytes = guarded;
    secret->len = len;
    return 0;
}

int secret_fail(const struct secret *secret, enum err_code code, int sys, const char *what, struct err *err)
{
    struct buf shown;

    buf_init(&shown, 8 * SHOWN_MAX);
    str_escape(&shown, secret->target, strlen(secret->target), SHOWN_MAX);
    err_set(err, code, sys, "%s%s: %s", secret->scheme->prefix, shown.data, what);
    buf_release(&shown);
    return -1;
}

/* "env:NAME, file:PATH or systemd:NAME". */
static void list_forms(struct buf *out)
{
    for (size_t i = 0; i < SCHEMES_MAX && schemes[i] != NULL; i++) {
        bool is_last = i + 1 == SCHEMES_MAX || schemes[i + 1] == NULL;

        buf_addf(out, "%s%s", i == 0 ? "" : is_last ? " or " : ", ", schemes[i]->form);
    }
}

/* Never names the reference: without a known scheme it may be the secret itself. */
static const struct secret_scheme *find_scheme(const char *reference, struct err *err)
{
    struct buf forms;

    for (size_t i = 0; i < SCHEMES_MAX && schemes[i] != NULL; i++) {
        if (!str_starts(reference, schemes[i]->prefix))
            continue;
        return schemes[i]->check(reference + strlen(schemes[i]->prefix), err) == 0 ? schemes[i] : NULL;
    }
    buf_init(&forms, 512);
    list_forms(&forms);
    err_set(err, ERR_SECRET, 0, "a secret is given as %s, not as the value itself", forms.data);
    buf_release(&forms);
    return NULL;
}

int secret_check_reference(const char *reference, struct err *err)
{
    return find_scheme(reference, err) != NULL ? 0 : -1;
}

int secret_resolve(const char *reference, bool allow_mount_mode, struct secret **secret_r, struct err *err)
{
    const struct secret_scheme *scheme = find_scheme(reference, err);
    struct secret *secret;

    if (scheme == NULL)
        return -1;
    if (sodium_init() < 0)
        return err_set(err, ERR_SECRET, 0, "libsodium cannot be initialized");
    secret = calloc(1, sizeof(*secret));
    if (secret != NULL)
        secret->target = strdup(reference + strlen(scheme->prefix));
    if (secret != NULL && scheme->seen_bytes > 0)
        secret->seen = calloc(1, scheme->seen_bytes);
    if (secret == NULL || secret->target == NULL || (scheme->seen_bytes > 0 && secret->seen == NULL)) {
        secret_free(secret);
        return no_memory(err);
    }
    secret->scheme = scheme;
    secret->allow_mount_mode = allow_mount_mode;
    if (scheme->read(secret, err) != 0) {
        secret_free(secret);
        return -1;
    }
    *secret_r = secret;
    return 0;
}

int secret_copy(const void *bytes, size_t len, struct secret **secret_r, struct err *err)
{
    struct secret *secret;

    if (sodium_init() < 0)
        return err_set(err, ERR_SECRET, 0, "libsodium cannot be initialized");
    if (len > SECRET_MAX_BYTES)
        return err_set(err, ERR_SECRET, 0, "a secret of more than %d bytes", SECRET_MAX_BYTES);
    secret = calloc(1, sizeof(*secret));
    if (secret == NULL)
        return no_memory(err);
    if (secret_hold(secret, bytes, len, err) != 0) {
        secret_free(secret);
        return -1;
    }
    *secret_r = secret;
    return 0;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    sodium_free(secret->bytes); /* wipes */
    free(secret->seen);
    free(secret->target);
    free(secret);
}

const char *secret_text(const struct secret *secret)
{
    return secret->bytes;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

int secret_refresh(struct secret *secret, struct err *err)
{
    if (secret->scheme == NULL || secret->scheme->refresh == NULL)
        return 0;
    return secret->scheme->refresh(secret, err);
}

void secret_distrust(struct secret *secret)
{
    if (secret->scheme != NULL && secret->scheme->distrust != NULL)
        secret->scheme->distrust(secret);
}
