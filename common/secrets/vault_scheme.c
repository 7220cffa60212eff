#include "secrets/vault_scheme.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "crypto/secret_scheme.h"
#include "secrets/vault_place.h"

#define SHOWN_MAX 256

/* Of one secret. */
struct seen {
    int64_t asked_ms; /* when it was asked for last, also where that failed */
    int64_t version;
    bool is_distrusted;
};

/* The process's one client: the schemes' functions know the secret alone. */
static struct {
    struct vault_client *vault; /* NULL: not served */
    struct vault_warn warn;
    int64_t (*now_ms)(void *clock);
    void *clock;
    int64_t warned_ms;
    bool has_warned;
} served;

static int64_t now_ms(void)
{
    return served.now_ms != NULL ? served.now_ms(served.clock) : clock_boot_ms();
}

static void warn(const char *event, const struct err *err)
{
    if (served.warn.warn == NULL || (served.has_warned && now_ms() - served.warned_ms < VAULT_WARN_MS))
        return;
    served.has_warned = true;
    served.warned_ms = now_ms();
    served.warn.warn(served.warn.user, event, err->text);
}

static int check(const char *target, struct err *err)
{
    const char *field;
    struct buf path;
    int rc;

    buf_init(&path, 8 * VAULT_PATH_MAX_BYTES);
    rc = vault_place_read(target, &path, &field, err);
    buf_release(&path);
    return rc;
}

/* The value as it is now; the error begins with the reference, which is no secret. */
static int ask(const struct secret *secret, struct secret **value_r, int64_t *version_r, struct err *err)
{
    struct seen *seen = secret->seen;
    struct buf shown;

    if (served.vault == NULL)
        return secret_fail(secret, ERR_SECRET, 0, "secrets.vault.address is not set", err);
    seen->asked_ms = now_ms();
    seen->is_distrusted = false;
    if (vault_read(served.vault, secret->target, value_r, version_r, err) == 0)
        return 0;
    buf_init(&shown, 8 * SHOWN_MAX);
    str_escape(&shown, secret->target, strlen(secret->target), SHOWN_MAX);
    err_prefix(err, "vault:%s", shown.data);
    buf_release(&shown);
    return -1;
}

static int read_value(struct secret *secret, struct err *err)
{
    struct seen *seen = secret->seen;
    struct secret *value;
    int rc;

    if (ask(secret, &value, &seen->version, err) != 0)
        return -1;
    rc = secret_hold(secret, secret_text(value), secret_len(value), err);
    secret_free(value);
    return rc;
}

static int refresh(struct secret *secret, struct err *err)
{
    struct seen *seen = secret->seen;
    struct secret *value;
    int64_t version;
    int rc = 0;

    if (served.vault == NULL ||
        now_ms() - seen->asked_ms < (seen->is_distrusted ? VAULT_DISTRUST_MS : VAULT_REFRESH_MS))
        return 0;
    if (ask(secret, &value, &version, err) != 0) {
        warn("secret_not_read_again", err);
        return -1;
    }
    /* A new version may hold the same value. */
    if (secret_len(value) != secret->len || memcmp(secret_text(value), secret->bytes, secret->len) != 0)
        rc = secret_hold(secret, secret_text(value), secret_len(value), err) == 0 ? 1 : -1;
    secret_free(value);
    if (rc >= 0)
        seen->version = version;
    return rc;
}

static void distrust(struct secret *secret)
{
    ((struct seen *)secret->seen)->is_distrusted = true;
}

static const struct secret_scheme scheme = {
    .prefix = "vault:",
    .form = "vault:PATH#FIELD",
    .seen_bytes = sizeof(struct seen),
    .check = check,
    .read = read_value,
    .refresh = refresh,
    .distrust = distrust,
};

int vault_scheme_serve(const struct vault_settings *settings, const struct vault_warn *warn_to,
                       struct err *err)
{
    struct vault_client *vault;

    if (vault_new(settings, &vault, err) != 0)
        return -1;
    if (secret_serve(&scheme, err) != 0) {
        vault_free(vault);
        return -1;
    }
    vault_scheme_close();
    served.vault = vault;
    served.warn = *warn_to;
    served.now_ms = settings->now_ms;
    served.clock = settings->clock;
    return 0;
}

void vault_scheme_tend(void)
{
    struct err err = ERR_INIT;

    if (served.vault != NULL && vault_tend(served.vault, &err) != 0)
        warn("vault_token_not_renewed", &err);
}

void vault_scheme_close(void)
{
    if (served.vault != NULL)
        vault_log_out(served.vault);
    vault_free(served.vault);
    memset(&served, 0, sizeof(served));
}
