/**
 * sim.h - abmsim as a child of a test: started on a free loopback port, steered and asked over /sim/ (see
 * tests/sim/README.md for what it takes and tells).
 */
#ifndef HARNESS_SIM_H
#define HARNESS_SIM_H

#include "base/json.h"
#include "harness/proc.h"

struct abmsim {
    struct proc proc;
    int port;
    char dir[64];
    char base_url[48]; /* http://127.0.0.1:PORT */
    char log[96];
    const char *program;
    const char *const *options;
};

/**
 * Starts and returns once it answers.
 *
 * @param program  TEST_BIN "/abmsim"
 * @param options  further options of it, NULL-terminated, borrowed until stop; NULL: none
 */
int abmsim_start(struct abmsim *sim, const char *program, const char *const *options, struct err *err)
    __attribute__((nonnull(1, 2, 4)));
/** SIGTERM, and its folder is removed. The exit status. Safe on one that never started, if it was zeroed. */
int abmsim_stop(struct abmsim *sim) __attribute__((nonnull(1)));
/** SIGKILL: connections are refused from now on. What it knew is lost. */
void abmsim_kill(struct abmsim *sim) __attribute__((nonnull(1)));
/** Starts on the same port, with the same options. */
int abmsim_restart(struct abmsim *sim, struct err *err) __attribute__((nonnull(1, 2)));

/** One request to /sim/...; body NULL: none. -1 also for any status but 200: its detail is in err. */
int abmsim_control(const struct abmsim *sim, const char *method, const char *path, const char *body,
                   struct err *err) __attribute__((nonnull(1, 2, 3, 5)));
/** GET of /sim/..., parsed; the caller frees *doc_r. */
int abmsim_get(const struct abmsim *sim, const char *path, struct json **doc_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/** Replaces all faults by this JSON list; "[]" ends them. */
int abmsim_set_faults(const struct abmsim *sim, const char *rules, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** Replaces the settings that a scenario names: {"rate":"100/1","burst":20,"propagation_ms":300,...}. */
int abmsim_set(const struct abmsim *sim, const char *scenario, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** A device that is there already; blueprint NULL: unassigned; server NULL: none. */
int abmsim_add_device(const struct abmsim *sim, const char *serial, const char *country,
                      const char *blueprint, const char *server, struct err *err)
    __attribute__((nonnull(1, 2, 3, 6)));
/** Somebody else's change, in effect at once. */
int abmsim_assign(const struct abmsim *sim, const char *serial, const char *blueprint, const char *server,
                  struct err *err) __attribute__((nonnull(1, 2, 5)));

/** Its issuer takes JWTs of this key (a public one in PEM) from now on, and the API no token but the
 * issuer's. */
int abmsim_add_issuer_key(const struct abmsim *sim, const char *kid, const char *pem, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/** A number of /sim/stats: "requests", "limited", "by_operation.putAssignment", "by_status.429". 0 where
 * absent; -1: err. */
int64_t abmsim_stat(const struct abmsim *sim, const char *name, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
/** How many contract violations; the first of them as text, one a line, into text. -1: err. */
int64_t abmsim_violations(const struct abmsim *sim, struct buf *text, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

struct abmsim_device {
    char device_id[32], blueprint_id[64], mdm_server_id[64],
        state[16];                                    /* in effect; "" and "NONE" where nothing is */
    char pending_blueprint_id[64], pending_state[16]; /* asked for, or failed; "" */
    int64_t changes, puts_received, puts_changed;
};

/** 1 found, 0 the organization has no such device, -1 err. */
int abmsim_device(const struct abmsim *sim, const char *serial, struct abmsim_device *device_r,
                  struct err *err) __attribute__((nonnull(1, 2, 3, 4)));
/** Calls see for every device, in one request. */
int abmsim_each_device(const struct abmsim *sim,
                       void (*see)(void *user, const char *serial, const struct abmsim_device *device),
                       void *user, struct err *err) __attribute__((nonnull(1, 2, 4)));

#endif
