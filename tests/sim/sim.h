/**
 * sim.h - the simulated organization and its API: everything but HTTP itself (server.h). One thread.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "answer.h"
#include "bucket.h"
#include "catalog.h"
#include "contract.h"
#include "dep_tokens.h"
#include "faults.h"
#include "inventory.h"
#include "issuer.h"
#include "stats.h"

#define TOKEN_MAX 4096

struct sim {
    struct catalog blueprints, servers;
    struct inventory inventory;
    struct bucket bucket;
    struct stats stats;
    struct faults faults;
    struct dep_tokens dep_tokens;
    struct issuer issuer;

    int64_t rate_requests, rate_per_us, burst; /* rate_requests 0: no limit */
    enum retry_after retry_after;              /* how a 429 of the bucket tells when to come back */
    int64_t propagation_us;                    /* 0: a PUT is in effect at once */
    bool shows_older;                          /* reads show what is in effect until a change is */
    char token[TOKEN_MAX + 1];                 /* "": any that is not empty */
    bool is_token_expired;
    int64_t clock_offset_ms; /* its clock is ahead of this machine's by so much */
};

int64_t sim_now_us(void); /* monotonic */
/** Unix time as the simulator's clock tells it. */
int64_t sim_real_ms(const struct sim *sim) __attribute__((nonnull(1)));

/** With blueprints and servers of its own; none of the pointers inside is set by the caller. */
int sim_init(struct sim *sim, struct err *err) __attribute__((nonnull(1, 2)));
void sim_release(struct sim *sim) __attribute__((nonnull(1)));
/** No devices, nothing counted, no faults, a full bucket, the token good again. Settings, catalogs,
 * issuer and DEP tokens stay. */
void sim_reset(struct sim *sim) __attribute__((nonnull(1)));
void sim_fill_bucket(struct sim *sim) __attribute__((nonnull(1)));

/* scenario.c: settings and faults as JSON; README.md lists the members. */

/** "100/60": requests and seconds; "0": no limit. */
bool sim_read_rate(struct sim *sim, const char *text) __attribute__((nonnull(1, 2)));
/** ERR_JSON_SHAPE names the member; what came before it is in force. */
int sim_apply(struct sim *sim, const struct json *scenario, struct err *err) __attribute__((nonnull(1, 3)));
int sim_apply_file(struct sim *sim, const char *path, struct err *err) __attribute__((nonnull(1, 2, 3)));
/** Lines of SERIAL[,COUNTRY[,BLUEPRINT[,SERVER]]]: devices that the organization has already. */
int sim_load_devices(struct sim *sim, const char *path, struct err *err) __attribute__((nonnull(1, 2, 3)));
/** One device that is there already; blueprint NULL: nothing is assigned. ERR_JSON_SHAPE. */
int sim_seed(struct sim *sim, const char *serial, const char *country, const char *blueprint,
             const char *server, struct err *err) __attribute__((nonnull(1, 2, 3, 6)));

/* api.c */

/* What was decided of a request as it came. */
struct ticket {
    struct refusal refusal;
    int64_t wait_us; /* status 429: until the next slot */
    struct fault_plan plan;
};

/** Reads, counts and judges a request; nothing has its effect yet. */
void api_admit(struct sim *sim, struct request *request, int64_t now_us, struct ticket *ticket)
    __attribute__((nonnull(1, 2, 4)));
/** Does it, as far as the ticket lets it. answer is initialised. */
void api_perform(struct sim *sim, struct request *request, const struct ticket *ticket, int64_t now_us,
                 struct answer *answer) __attribute__((nonnull(1, 2, 3, 5)));

/* api_devices.c, api_assignments.c, api_tokens.c: the operations, for requests that keep the contract. */

struct call {
    struct sim *sim;
    const struct request *request;
    const struct fault_plan *plan;
    const struct fault *fault;
    int64_t now_us;
};

void api_import_devices(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_list_devices(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_list_catalog(const struct call *call, const struct catalog *catalog, const char *type,
                      struct answer *answer) __attribute__((nonnull(1, 2, 3, 4)));
void api_list_assignments(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_put_assignment(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_get_assignment(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_delete_assignment(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_issue_token(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_list_dep_tokens(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));
void api_import_dep_token(const struct call *call, struct answer *answer) __attribute__((nonnull(1, 2)));

/** Adds "links" to a page whose next element is number next; 0: this is the last page. */
void api_print_links(const struct call *call, struct json_out *out, size_t next)
    __attribute__((nonnull(1, 2)));

/* control.c: what stands under /sim/, for tests. Neither counted nor limited. */
void control_perform(struct sim *sim, const struct request *request, struct answer *answer)
    __attribute__((nonnull(1, 2, 3)));

#endif
