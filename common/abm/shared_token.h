/**
 * shared_token.h - the ABM token that the issuer gives, one for all workers of an organization: it lies
 * sealed in Redis (queue/sealed.h), is looked at before every call, and is renewed by one process while the
 * others use the one they have.
 *
 *   fresh                      used; Redis is asked once a second whether another was stored, or it was
 * removed due                        less than 1 h, or a tenth of its life, is left: whoever gets the lock
 * renews it
 *                              - the others, and this one where that fails, use it as long as it is good
 *   expired, refused, absent   nothing can be sent: who has the lock renews it, the others wait for that
 *   refused                    ABM's 401 for this very token: renewed once, unless a newer one is stored
 * (then that is taken and nobody asked), or it is younger than 5 s (then a new one would fare no better)
 *
 * A renewal that fails is told to all for 3 s, so that a dozen workers do not ask an issuer that is away.
 */
#ifndef ABM_SHARED_TOKEN_H
#define ABM_SHARED_TOKEN_H

#include <stdbool.h>

#include "domain/settings.h"
#include "http/http.h"
#include "queue/sealed.h"

#define SHARED_TOKEN_NAME "abm-token" /* in Redis: secret:abm-token */

struct secret;
struct shared_token;

struct shared_token_env {
    const struct org_settings *org;
    const char *seal_key; /* secrets.seal_key, a reference */
    bool allow_mount_mode;
    struct sealed *sealed;
    const char *user_agent;
    const struct http_transport *transport; /* NULL: the network */
    bool (*is_stopping)(void *stop);
    void *stop;
    void (*warn)(void *user, const char *event, const char *text);
    void *warn_user;
    /* Times and waiting; NULL: the clocks' own, and sleeping. */
    int64_t (*real_ms)(void *clock);
    int64_t (*boot_ms)(void *clock);
    void (*rest)(void *clock, int64_t ms);
    void *clock;
};

/** Nothing is read or asked yet. env is copied; what it points to must live as long. ERR_NOMEM. */
int shared_token_new(const struct shared_token_env *env, struct shared_token **shared_r, struct err *err);
void shared_token_free(struct shared_token *shared);

/**
 * Makes the token the present one, which may take an exchange, or the wait for another's.
 *
 * @return 1 it is another than before; 0 it is the same; -1: there is none that could be sent: ERR_ISSUER_*,
 *         ERR_SECRET*, ERR_KEY, ERR_SEAL, ERR_STOPPED, ERR_REDIS_*, ERR_NOMEM
 */
int shared_token_get(struct shared_token *shared, struct err *err);
/** Does shared_token_get have more to do than to give back 0? Asks nobody. */
bool shared_token_is_due(const struct shared_token *shared);
/** ABM has refused the present token: the next shared_token_get renews it. */
void shared_token_distrust(struct shared_token *shared);
/** Renews it whatever its age, or takes what another stores meanwhile. As shared_token_get. */
int shared_token_renew(struct shared_token *shared, struct err *err);

/** The token; NULL before shared_token_get was well. Borrowed until the next call. */
const struct secret *shared_token_text(const struct shared_token *shared);
/** The first 8 hex digits of its SHA-256. */
const char *shared_token_id(const struct shared_token *shared);

#endif
