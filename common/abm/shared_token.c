#include "abm/shared_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abm/issuer.h"
#include "base/clock.h"
#include "crypto/jwt.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#define HOUR_MS        INT64_C(3600000)
#define LOOK_EVERY_MS  1000
#define ASK_AGAIN_MS   1000 /* while the one in hand is good and another renews it */
#define REST_MS        50
#define WAIT_MOST_MS   60000 /* for others that renew it and end without a word */
#define TTL_MORE_MS    5000  /* of the lock, beyond the time-out of an exchange */
#define YOUNG_MS       5000
#define FAILED_HOLD_MS 3000
#define WARN_EVERY_MS  60000
#define ANSWER_MAX     (256u << 10)

struct shared_token {
    struct shared_token_env env;
    struct seal_key *seal_key;
    struct secret *pem; /* of the issuer's key, as it was read last */
    struct ec_key *key;

    struct secret *token; /* NULL: none in hand */
    char id[SEALED_ID_MAX + 1];
    int64_t expires_ms, at_ms; /* Unix time */
    bool is_refused, is_forced;
    int64_t look_after_ms, ask_after_ms, warn_after_ms; /* boot time */
};

static int64_t real_ms(const struct shared_token *shared)
{
    return shared->env.real_ms != NULL ? shared->env.real_ms(shared->env.clock) : clock_real_ms();
}

static int64_t boot_ms(const struct shared_token *shared)
{
    return shared->env.boot_ms != NULL ? shared->env.boot_ms(shared->env.clock) : clock_boot_ms();
}

static void rest(const struct shared_token *shared, int64_t ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    if (shared->env.rest != NULL)
        shared->env.rest(shared->env.clock, ms);
    else
        (void)nanosleep(&span, NULL); /* a signal is why is_stopping is to be looked at */
}

int shared_token_new(const struct shared_token_env *env, struct shared_token **shared_r, struct err *err)
{
    struct shared_token *shared = calloc(1, sizeof(*shared));

    if (shared == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the token");
    shared->env = *env;
    *shared_r = shared;
    return 0;
}

static void forget(struct shared_token *shared)
{
    secret_free(shared->token);
    shared->token = NULL;
    shared->id[0] = '\0';
    shared->is_refused = false;
}

void shared_token_free(struct shared_token *shared)
{
    if (shared == NULL)
        return;
    forget(shared);
    seal_key_free(shared->seal_key);
    ec_key_free(shared->key);
    secret_free(shared->pem);
    free(shared);
}

/* Times as the issuer's token tells them: a clock that is wrong here is told by a 401, or at the exchange. */
static bool is_usable(const struct shared_token *shared)
{
    return shared->token != NULL && !shared->is_refused && shared->expires_ms > real_ms(shared);
}

static bool is_fresh(const struct shared_token *shared)
{
    int64_t margin = (shared->expires_ms - shared->at_ms) / 10;

    if (margin > HOUR_MS)
        margin = HOUR_MS;
    return is_usable(shared) && shared->expires_ms - real_ms(shared) > margin && !shared->is_forced;
}

bool shared_token_is_due(const struct shared_token *shared)
{
    return !is_fresh(shared) || boot_ms(shared) >= shared->look_after_ms;
}

/* --- what is sealed in Redis --- */

static int open_seal_key(struct shared_token *shared, struct err *err)
{
    struct secret *text;
    int rc;

    if (shared->seal_key != NULL)
        return 0;
    if (secret_resolve(shared->env.seal_key, shared->env.allow_mount_mode, &text, err) != 0)
        return err_prefix(err, "secrets.seal_key");
    rc = seal_key_new(text, &shared->seal_key, err);
    secret_free(text);
    return rc == 0 ? 0 : err_prefix(err, "secrets.seal_key");
}

/* So that one organization's cannot be put in another's place. */
static char *seal_name(const struct shared_token *shared, char *name, size_t len)
{
    snprintf(name, len, "%s:" SHARED_TOKEN_NAME, shared->env.org->name);
    return name;
}

static void make_id(const struct secret *token, char *id)
{
    char hex[SHA256_HEX];

    sha256_hex(secret_text(token), secret_len(token), hex);
    snprintf(id, SEALED_ID_MAX + 1, "%.8s", hex);
}

/* Takes the token over; what was said beside it in Redis counts only where the token itself does not tell. */
static void adopt(struct shared_token *shared, struct secret *token, int64_t expires_ms, int64_t at_ms)
{
    struct err ignored = ERR_INIT;
    int64_t own_ms;

    forget(shared);
    shared->token = token;
    make_id(token, shared->id);
    shared->expires_ms =
        jwt_expiry(secret_text(token), secret_len(token), &own_ms, &ignored) == 1 ? own_ms : expires_ms;
    shared->at_ms = at_ms;
    shared->is_forced = false;
    shared->ask_after_ms = 0;
}

static int open_value(struct shared_token *shared, const struct sealed_value *value, struct err *err)
{
    struct secret *token;
    char name[128];

    if (open_seal_key(shared, err) != 0)
        return -1;
    if (unseal(shared->seal_key, seal_name(shared, name, sizeof(name)), value->text.data, value->text.len,
               &token, err) != 0)
        return err_prefix(err,
                          "the token in Redis (secret:" SHARED_TOKEN_NAME
                          ", stored by %.100s; abmctl token revoke-local removes it)",
                          value->by);
    adopt(shared, token, value->expires_ms, value->at_ms);
    return 0;
}

/* 1: another token is in hand now, or none any more; 0: the same. */
static int look(struct shared_token *shared, struct err *err)
{
    struct sealed_value value;
    int rc;

    sealed_value_init(&value);
    rc = sealed_read(shared->env.sealed, SHARED_TOKEN_NAME, &value, err);
    if (rc == 0 && shared->token != NULL) {
        forget(shared);
        rc = 1;
    } else if (rc == 1) {
        if (shared->token != NULL && strcmp(value.id, shared->id) == 0)
            rc = 0;
        else
            rc = open_value(shared, &value, err) == 0 ? 1 : -1;
    }
    sealed_value_release(&value);
    if (rc >= 0)
        shared->look_after_ms = boot_ms(shared) + LOOK_EVERY_MS;
    return rc;
}

/* --- the exchange --- */

/* Reads the key again where its file has changed: a rotated one needs no restart. */
static int load_key(struct shared_token *shared, struct err *err)
{
    const char *reference = shared->env.org->api_issuer.private_key;
    struct err ignored = ERR_INIT;

    if (shared->pem == NULL) {
        if (secret_resolve(reference, shared->env.allow_mount_mode, &shared->pem, err) != 0)
            return err_prefix(err, "api.issuer.private_key");
    } else if (secret_refresh(shared->pem, &ignored) != 1 && shared->key != NULL) {
        return 0;
    }
    ec_key_free(shared->key);
    shared->key = NULL;
    if (ec_key_read(secret_text(shared->pem), secret_len(shared->pem), &shared->key, err) != 0)
        return err_prefix(err, "api.issuer.private_key (%s)", reference);
    return 0;
}

static int exchange(struct shared_token *shared, struct issued_token *issued_r, struct err *err)
{
    const struct org_settings *org = shared->env.org;
    struct http_settings settings = {
        .user_agent = shared->env.user_agent,
        .ca_file = org->api_ca_file,
        .timeout_ms = org->api_timeout_ms,
        .concurrency = 1,
        .max_body_bytes = ANSWER_MAX,
        .allow_http = org->api_allow_http,
    };
    struct http_transport transport;
    struct http *http = NULL;
    int rc;

    if (load_key(shared, err) != 0)
        return -1;
    if (shared->env.transport != NULL) {
        transport = *shared->env.transport;
    } else {
        if (http_new(&settings, &http, err) != 0)
            return -1;
        transport = http_transport(http);
    }
    rc = issuer_exchange(&org->api_issuer, shared->key, &transport, real_ms(shared), issued_r, err);
    http_free(http);
    if (rc != 0 && err->code == ERR_ISSUER_KEY)
        secret_distrust(shared->pem);
    return rc;
}

/* 1: stored, and in hand; 0: another took the turn meanwhile, and what it stored counts; -1. */
static int store(struct shared_token *shared, int64_t fence, struct issued_token *issued, struct err *err)
{
    struct sealed_value value;
    char name[128];
    int rc;

    sealed_value_init(&value);
    make_id(issued->text, value.id);
    value.expires_ms = issued->expires_ms;
    rc = seal(shared->seal_key, seal_name(shared, name, sizeof(name)), secret_text(issued->text),
              secret_len(issued->text), &value.text, err);
    if (rc == 0)
        rc = sealed_put(shared->env.sealed, SHARED_TOKEN_NAME, fence, &value, err);
    sealed_value_release(&value);
    if (rc == 1)
        adopt(shared, issued->text, issued->expires_ms, real_ms(shared));
    else
        secret_free(issued->text);
    return rc;
}

/* Our turn. As store; the failure is told to whoever asks next. */
static int renew(struct shared_token *shared, int64_t fence, struct err *err)
{
    struct issued_token issued = { .text = NULL };
    struct err ignored = ERR_INIT;
    int rc = open_seal_key(shared, err); /* before anything is asked that could not be kept */

    if (rc == 0 && exchange(shared, &issued, err) == 0)
        rc = store(shared, fence, &issued, err);
    else
        rc = -1;
    if (rc < 0)
        (void)sealed_give_up(shared->env.sealed, SHARED_TOKEN_NAME, fence, FAILED_HOLD_MS, err, &ignored);
    return rc;
}

/* --- the rules --- */

static bool is_about_redis(const struct err *err)
{
    return strncmp(err_wire(err->code), "redis_", 6) == 0;
}

/* The one in hand is good all the same: go on with it, and look again in a second. */
static int keep(struct shared_token *shared, const struct err *why)
{
    int64_t now = boot_ms(shared);

    shared->ask_after_ms = now + ASK_AGAIN_MS;
    if (why != NULL && shared->env.warn != NULL && now >= shared->warn_after_ms) {
        shared->warn_after_ms = now + WARN_EVERY_MS;
        shared->env.warn(shared->env.warn_user, "token_not_renewed", why->text);
    }
    return 0;
}

static int refuse(const struct sealed_turn *turn, struct err *err)
{
    enum err_code code = err_from_wire(turn->code);

    return err_set(err, code == ERR_CODE_COUNT ? ERR_ISSUER_AWAY : code, 0, "%s", turn->why);
}

static int await(struct shared_token *shared, int64_t until_ms, struct err *err)
{
    if (shared->env.is_stopping != NULL && shared->env.is_stopping(shared->env.stop))
        return err_set(err, ERR_STOPPED, 0, "told to stop while the token was renewed");
    if (boot_ms(shared) >= until_ms)
        return err_set(err, ERR_ISSUER_AWAY, 0,
                       "the token is being renewed by another process, which does not come to an end");
    rest(shared, REST_MS);
    return 0;
}

/* 1: done, *rc_r is what to return; 0: once more. */
static int step(struct shared_token *shared, int64_t until_ms, int *rc_r, struct err *err)
{
    struct sealed_ask ask = { .known_id = shared->id,
                              .ttl_ms = shared->env.org->api_timeout_ms + TTL_MORE_MS,
                              .min_age_ms = shared->is_refused && !shared->is_forced ? YOUNG_MS : 0,
                              .is_forced = shared->is_forced };
    struct sealed_turn turn;
    struct err why = ERR_INIT;

    *rc_r = -1;
    if (sealed_take(shared->env.sealed, SHARED_TOKEN_NAME, &ask, &turn, err) != 0)
        return 1;
    switch (turn.kind) {
    case SEALED_NEWER: return look(shared, err) < 0;
    case SEALED_YOUNG:
        shared->is_refused = false;
        *rc_r = keep(shared, NULL);
        return 1;
    case SEALED_HELD:
        if (is_usable(shared) && !shared->is_forced)
            *rc_r = keep(shared, NULL);
        else if (await(shared, until_ms, err) == 0)
            return look(shared, err) < 0;
        return 1;
    case SEALED_FAILED: refuse(&turn, &why); break;
    case SEALED_TAKEN: {
        int rc = renew(shared, turn.fence, &why);

        if (rc >= 0) {
            *rc_r = 0;
            return rc == 1 ? 1 : look(shared, err) < 0 ? (*rc_r = -1, 1) : 0;
        }
        break;
    }
    }
    if (is_usable(shared) && !shared->is_forced && !is_about_redis(&why)) {
        *rc_r = keep(shared, &why);
    } else {
        *err = why;
    }
    return 1;
}

int shared_token_get(struct shared_token *shared, struct err *err)
{
    char before[SEALED_ID_MAX + 1];
    int64_t until_ms;
    int rc = 0;

    if (!shared_token_is_due(shared))
        return 0;
    snprintf(before, sizeof(before), "%s", shared->id);
    if (shared->token == NULL || boot_ms(shared) >= shared->look_after_ms)
        if (look(shared, err) < 0)
            return -1;
    until_ms = boot_ms(shared) + WAIT_MOST_MS;
    while (!is_fresh(shared)) {
        if (is_usable(shared) && !shared->is_forced && boot_ms(shared) < shared->ask_after_ms)
            break;
        if (step(shared, until_ms, &rc, err) != 0)
            break;
        rc = 0;
    }
    shared->is_forced = false;
    return rc < 0 ? -1 : strcmp(before, shared->id) != 0;
}

void shared_token_distrust(struct shared_token *shared)
{
    shared->is_refused = shared->token != NULL;
}

int shared_token_renew(struct shared_token *shared, struct err *err)
{
    if (look(shared, err) < 0)
        return -1;
    shared->is_forced = true;
    return shared_token_get(shared, err);
}

const struct secret *shared_token_text(const struct shared_token *shared)
{
    return shared->token;
}

const char *shared_token_id(const struct shared_token *shared)
{
    return shared->id;
}
