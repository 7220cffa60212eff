/**
 * private.h - what the files of this layer share: the client, and one request on its way (struct call).
 * Not for other layers: they have client.h.
 */
#ifndef ABM_PRIVATE_H
#define ABM_PRIVATE_H

#include "abm/catalog.h"
#include "abm/client.h"
#include "abm/dialect.h"
#include "abm/notice.h"
#include "abm/token.h"
#include "base/json.h"
#include "http/http.h"

#define ABM_LIMIT_CLASS "default"
#define ABM_BODY_MAX    (8u << 20) /* of an answer */
#define ABM_REQUEST_MAX (1u << 20) /* of a request's body */
#define ABM_URL_MAX     (64u << 10)
#define ABM_PAGES_MAX   200 /* of one list, where its operation says nothing else */
#define ABM_TEXT_MAX    240 /* of what ABM says, in a text for people */

struct abm_client {
    struct abm_env env;
    const struct abm_dialect *dialect;
    struct http *http; /* NULL where the caller gave a transport */
    struct http_transport transport;
    struct token token;
    struct notices notices;
    struct catalog blueprints, servers;
    int64_t latency_ms; /* of answers, smoothed: how many slots to ask for ahead */
};

/* One request, sent once or several times (429, a page after another). */
struct call {
    struct call *next; /* in a queue */
    const struct abm_op *op;
    struct abm_item **items; /* count of them, sorted by op's key; borrowed from the exec */
    size_t count;
    struct http_request http;
    struct http_header headers[3];
    struct buf url, body;
    unsigned token_version; /* of the token it was sent with */
    bool is_token_renewed;  /* it was repeated once with a new token */
    bool is_probe;
    int failures;    /* the same devices, in a row, as a whole */
    int lates;       /* in a row: its permit ran out while connecting */
    int pages;       /* read so far */
    struct buf mark; /* the URL of an earlier page, moved on after 1, 2, 4, 8, ... pages: a list that goes
                        round comes by it again (Brent 1980) */
    void *state;     /* of the op across pages: malloc'd, one block, freed with the call */
};

/** Devices whose result this call brings: those that had none when it was sent. */
static inline bool call_wants(const struct abm_item *item)
{
    return item->kind == ABM_UNSENT;
}

/** The first and behind the last of the call's items with that key (sorted; several may share it). */
size_t call_find(const struct call *call, const char *key, size_t *end_r);

#endif
