/**
 * answer.h - what one whole answer means, before anybody looks at its devices (DESIGN.md 4, Breaker). Pure.
 */
#ifndef ABM_ANSWER_H
#define ABM_ANSWER_H

#include "abm/dialect.h"
#include "http/http.h"

enum answer_kind {
    ANSWER_GOOD,    /* a success of the contract; doc is its JSON */
    ANSWER_AGAIN,   /* nothing was sent, for want of time: a new slot is needed */
    ANSWER_RATE,    /* 429: delay_ms or -1 */
    ANSWER_REFUSED, /* 4xx with an error document: about what was asked; code, text */
    ANSWER_TROUBLE, /* charged to nobody yet; code, text */
};

struct answer {
    enum answer_kind kind;
    enum err_code code;
    struct json *doc;        /* freed by answer_release */
    int64_t delay_ms;        /* Retry-After, or -1 */
    bool is_maybe_sent;      /* something went out, and no word came back on what it did */
    bool is_perhaps_one;     /* trouble that one device among many may have caused */
    char text[ERR_TEXT_MAX]; /* "putAssignment: 503 SERVICE_UNAVAILABLE: words"; escaped, never a token */
};

/** now_ms: Unix time, for dates where the answer has no Date of its own. */
void answer_read(const struct abm_op *op, const struct http_request *http, int64_t now_ms,
                 struct answer *answer);
void answer_release(struct answer *answer);

/** "CODE: title (status)" of an ErrorObject, escaped and bounded; NULL error: "(status)". */
void answer_error_text(const struct json *error, int64_t status, struct buf *out);

#endif
