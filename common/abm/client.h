/**
 * client.h - what the stages need of Apple's business portal, for many devices at once, each with its own
 * result (DESIGN.md 7). Behind it, dialects (dialect.h): abm-v2 by config/contract/abm-v2.openapi.yaml.
 *
 * Every request takes a slot of the shared limiter; a mutation also a permit for its message. Nothing is
 * believed: an answer that lacks what its schema requires is a broken contract, an item that is missing is
 * missing.
 */
#ifndef ABM_CLIENT_H
#define ABM_CLIENT_H

#include "base/pool.h"
#include "domain/device.h"
#include "domain/settings.h"
#include "http/http.h"
#include "queue/cache.h"
#include "queue/health.h"
#include "queue/limiter.h"
#include "queue/sealed.h"

struct abm_client;

struct abm_env {
    const struct org_settings *org;
    bool allow_mount_mode; /* secrets.allow_mount_mode */
    int concurrency;
    struct limiter *limiter;
    struct cache *cache;
    struct health *health;
    struct sealed *sealed;  /* for the token of api.issuer; NULL where that is not set */
    const char *seal_key;   /* the same: secrets.seal_key, a reference */
    const char *user_agent; /* "abm-pipeline/0.1.0" */
    bool (*is_stopping)(void *stop);
    void *stop;
    bool leaves_reads; /* where it stops, a read that is under way is not awaited; a mutation always is */
    void (*warn)(void *user, const char *event,
                 const char *text); /* deprecation notices, once an hour each */
    void *warn_user;
    const struct http_transport *transport; /* NULL: the network; else what runs the requests (unit tests) */
};

enum abm_kind {
    ABM_UNSENT,    /* stopping or breaker: nothing was sent, put the device back */
    ABM_OK,        /* done or found */
    ABM_ACCEPTED,  /* 202: in effect once a later read says so */
    ABM_NONE,      /* read: ABM shows nothing for this device */
    ABM_REFUSED,   /* ABM's final word about this device: code, text */
    ABM_RETRY,     /* a transient answer about this device, charged: code, text, delay_ms */
    ABM_SUSPECT,   /* a failure charged to nobody yet: op, code, text */
    ABM_LOST,      /* the message is another's */
    ABM_CANCELLED, /* its run was cancelled, nothing was sent */
    ABM_PAUSED,    /* its run is paused, nothing was sent: it waits */
};

enum abm_state { ABM_STATE_ACCEPTED, ABM_STATE_PROPAGATED, ABM_STATE_FAILED };

/* One device in a call. Text of results lives in the pool given to the call. */
struct abm_item {
    struct device *device;
    const struct fence *fence;

    enum abm_kind kind;
    enum err_code code;
    const char *text;
    const char *op;
    int64_t delay_ms;   /* ABM_RETRY: -1 or what ABM asked */
    bool is_maybe_sent; /* a mutation went out and no readable answer came back */

    const char *device_id;     /* import, find */
    const char *country;       /* find: as ABM shows it */
    const char *assignment_id; /* read, assign */
    const char *blueprint_id;  /* read */
    const char *mdm_server_id; /* read; NULL: none */
    enum abm_state state;      /* read, assign */
    const char *failure;       /* read: failureReason, escaped; NULL */
};

int abm_client_new(const struct abm_env *env, struct abm_client **client_r, struct err *err);
void abm_client_free(struct abm_client *client);

/*
 * Each call gives every item a result. -1: nobody can go on (all requests failed as the organization's
 * trouble and a probe failed too: class SERVICE; or Redis went away) and every item is ABM_UNSENT or has its
 * result.
 */

/** Makes devices known, 200 to a request. OK with device_id; REFUSED, RETRY (missing from the 207), SUSPECT.
 */
int abm_import(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
               struct err *err);
/** Reads what is assigned, 200 to a request (device->device_id). OK with blueprint_id, state...; NONE. */
int abm_read(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
             struct err *err);
/** Sets device->blueprint_id (and mdm_server_id where given). OK (200) or ACCEPTED (202), both with
 * assignment_id. */
int abm_assign(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
               struct err *err);
/** Removes the assignment. OK (204; 404: nothing was assigned). */
int abm_unassign(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
                 struct err *err);

/**
 * Looks devices up by device->serial, 200 to a request. OK with device_id and country; NONE: ABM does not
 * have it; RETRY (the answer contradicts itself), SUSPECT, REFUSED (no serial that can be asked for).
 */
int abm_find(struct abm_client *client, struct abm_item *items, size_t count, struct pool *pool,
             struct err *err);

/* One assignment as a list shows it. */
struct abm_assignment {
    const char *device_id, *assignment_id, *blueprint_id;
    const char *mdm_server_id; /* NULL: none */
    const char *failure;       /* failureReason as it came, not escaped; NULL */
    enum abm_state state;
    int64_t updated_ms; /* 0: not said */
};

enum abm_newer { ABM_KEEP, ABM_TAKE, ABM_CONTRADICT };

/**
 * Of two assignments of one device: the newer counts. Where their times do not say which that is, the one not
 * in effect, so that nothing is believed too early; two different ones in effect contradict each other. Pure.
 */
enum abm_newer abm_assignment_newer(const struct abm_assignment *known, const struct abm_assignment *other)
    __attribute__((nonnull(1, 2)));

/* Where a listing goes on: the URL of its next page. */
struct abm_place {
    struct buf url; /* empty: at the start */
    int pages;      /* read so far */
};

void abm_place_init(struct abm_place *place);
void abm_place_release(struct abm_place *place);

/*
 * What takes the entries of a listing, by pages in ABM's order. Text is borrowed for the call. An entry may
 * come twice: in two pages, since the list changes meanwhile, or since its page was read again after trouble.
 * All return 0, or -1 with err (any code but ERR_ABM_CONTRACT), which ends the listing with it.
 */
struct abm_device_sink {
    void *ctx;
    int (*device)(void *ctx, const char *serial, const char *country, const char *device_id, struct err *err);
    /** An entry that breaks the contract but names its device. NULL: it breaks the list. */
    int (*unreadable)(void *ctx, const char *serial, const char *why, struct err *err);
    /** A page is whole. Also 1: the listing ends here, well. NULL: none. */
    int (*page)(void *ctx, struct err *err);
    struct abm_place
        *place; /* where to begin; out: where to go on, empty at the end of the list. NULL: all */
};

struct abm_assignment_sink {
    void *ctx;
    int (*assignment)(void *ctx, const struct abm_assignment *assignment, struct err *err);
    int (*unreadable)(void *ctx, const char *device_id, const char *why, struct err *err);
    int (*page)(void *ctx, struct err *err);
    struct abm_place *place;
};

/** All devices of the organization, 1,000 to a page. -1 as above, ERR_STOPPED, or what the sink said. */
int abm_list_devices(struct abm_client *client, const struct abm_device_sink *sink, struct err *err);
/** All assignments of the organization, likewise. */
int abm_list_assignments(struct abm_client *client, const struct abm_assignment_sink *sink, struct err *err);

/** Renews the token of api.issuer now, whatever its age. ERR_USAGE where there is none; as shared_token_get.
 */
int abm_renew_token(struct abm_client *client, struct err *err);

/** One cheap read. 0: the API serves this account. */
int abm_probe(struct abm_client *client, struct err *err);

enum abm_known { ABM_KNOWN, ABM_UNKNOWN };

/**
 * Whether ABM has the blueprint: from the shared cache (5 minutes); on a miss it is read again, at most once
 * in 30 s for all processes. -1: err, as above.
 */
int abm_blueprint_known(struct abm_client *client, const char *id, enum abm_known *known_r, struct err *err);
/** The id of an MDM server given by id or name; ABM_UNKNOWN: there is none (or several of that name). */
int abm_server_find(struct abm_client *client, const char *id_or_name, struct pool *pool, const char **id_r,
                    enum abm_known *known_r, struct err *err);

#endif
