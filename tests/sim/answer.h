/**
 * answer.h - an answer as it will be sent: made here whole, so that a fault can still spoil it.
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "base/json.h"

#define ANSWER_MAX_BYTES ((size_t)1 << 30)
#define ANSWER_HEADERS   8

enum answer_end {
    ANSWER_WHOLE,
    ANSWER_CUT,   /* half of what Content-Length says, then the connection is closed */
    ANSWER_CLOSE, /* the connection is closed with no answer at all */
};

struct answer {
    int status;
    const char *content_type; /* static */
    struct buf body;
    struct {
        const char *name; /* static */
        char value[256];
    } headers[ANSWER_HEADERS];
    size_t header_count;
    enum answer_end end;
};

void answer_init(struct answer *answer) __attribute__((nonnull(1)));
void answer_release(struct answer *answer) __attribute__((nonnull(1)));
/** As after init, memory kept. */
void answer_reset(struct answer *answer) __attribute__((nonnull(1)));

void answer_header(struct answer *answer, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), nonnull(1, 2, 3)));

/** Replaces all by a JSON:API error document. code NULL: one that goes with the status; detail NULL: none. */
void answer_error(struct answer *answer, int status, const char *code, const char *detail)
    __attribute__((nonnull(1)));
/** Replaces all by a web page, as a proxy or a maintenance page would send it. */
void answer_html(struct answer *answer, int status) __attribute__((nonnull(1)));

/** Appends {"status","code","title","detail"} under that name. */
void error_object_print(struct json_out *out, const char *name, int status, const char *code,
                        const char *detail) __attribute__((nonnull(1)));

/** An HTTP-date (RFC 9110, section 5.6.7) of this Unix time into text[40]. Returns text. */
char *http_date(int64_t unix_seconds, char *text) __attribute__((nonnull(2)));

#endif
