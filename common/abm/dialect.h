/**
 * dialect.h - the seam between what the stages ask for and one API contract: a table of operations. How
 * requests are sent, limited, repeated and judged is exec.c's, the same for all.
 */
#ifndef ABM_DIALECT_H
#define ABM_DIALECT_H

#include "abm/client.h"
#include "base/json.h"

struct call;
struct exec;

#define ABM_STATUS_MAX 3

struct abm_op {
    const char *id; /* operationId of the contract */
    const char *method;
    const char *path;          /* as the contract has it */
    const char *content_type;  /* of the body; NULL: no body */
    long good[ABM_STATUS_MAX]; /* statuses that the contract has for success; 0: none more */
    size_t max_items;          /* devices a request; 0: it is about no device (a list) */
    int max_pages;             /* of one list; 0: ABM_PAGES_MAX */
    bool is_mutation;          /* needs the permit of each message whose devices it carries */
    bool has_answer;           /* success has a JSON body */
    bool is_by_id;             /* the key is the device id, which must be usable as one */
    const char *(*key)(const struct abm_item *item); /* what names the device; NULL: max_items 0 */

    /** A list that may go on where an earlier one ended: sets call->url and call->pages so. NULL: it may not.
     */
    void (*begin)(struct exec *exec, struct call *call);
    /** Appends the URL behind base_url to call->url and the body to call->body; errors stand in the buffers.
     */
    void (*build)(struct call *call);
    /**
     * Reads a good answer and gives items their results; doc is NULL where !has_answer.
     * @return 1: call->url is the next page, to be sent; 0: done; -1: err is the trouble (ERR_ABM_CONTRACT:
     * broken contract, charged to nobody yet) or ERR_NOMEM, ERR_LIMIT
     */
    int (*answer)(struct exec *exec, struct call *call, const struct json *doc, struct err *err);
    /** A 4xx about a single device: its result. NULL: ABM_REFUSED. */
    void (*refused)(struct exec *exec, struct abm_item *item, long status, const char *text);
};

struct abm_dialect {
    const char *name;
    const char *version; /* of the API, as its contract numbers it */
    const char *accept;  /* of each request */
    const struct abm_op *import, *read, *assign, *unassign, *find, *devices, *assignments, *blueprints,
        *servers, *probe;
};

extern const struct abm_dialect abm_dialect_v2;

/** NULL where no such dialect is served; then *served_r names those that are. */
const struct abm_dialect *abm_dialect_find(const char *name, const char **served_r);

#endif
