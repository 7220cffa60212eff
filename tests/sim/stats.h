/**
 * stats.h - what the simulator counts: requests by operation and by status, the fullest second, and what
 * broke the contract. Tests assert on these, so each request counts once, when it came.
 */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include "base/json.h"
#include "contract.h"

#define STATUS_COUNT    600
#define VIOLATIONS_KEPT 1000
#define VIOLATION_MAX   256

struct violation {
    int64_t at_ms; /* Unix time */
    enum operation operation;
    char text[VIOLATION_MAX];
};

struct stats {
    uint64_t requests, by_operation[OP_COUNT], by_status[STATUS_COUNT];
    uint64_t closed;  /* ended without an answer, by a fault */
    uint64_t limited; /* 429, by the bucket or by a fault */
    uint64_t early;   /* came after a 429 was some time out, and before its Retry-After had passed */
    uint64_t faults;  /* requests that met one */
    uint64_t puts_received, puts_changed;
    uint64_t tokens_issued, tokens_refused; /* by the issuer; refused: a JWT that was not taken */
    int64_t first_ms, last_ms;              /* Unix time */
    uint64_t max_in_second;
    int64_t *window; /* ring: monotonic times of the last second's requests */
    size_t window_cap, window_start, window_len;
    int64_t paused_from_us, paused_until_us;
    uint64_t violation_count;
    struct violation *violations; /* the first VIOLATIONS_KEPT, malloc'd */
};

void stats_release(struct stats *stats) __attribute__((nonnull(1)));
void stats_reset(struct stats *stats) __attribute__((nonnull(1)));
void stats_forget_violations(struct stats *stats) __attribute__((nonnull(1)));

/** A request came. One to the issuer, which has no limit, counts as such alone. */
void stats_request(struct stats *stats, enum operation operation, int64_t now_us) __attribute__((nonnull(1)));
/** It was told to wait this long (0: not told). */
void stats_limited(struct stats *stats, int64_t now_us, int64_t wait_us) __attribute__((nonnull(1)));
/** It was answered; status 0: closed without an answer. */
void stats_answer(struct stats *stats, int status) __attribute__((nonnull(1)));

void stats_violation(struct stats *stats, enum operation operation, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), nonnull(1, 3)));

void stats_print(const struct stats *stats, struct buf *out) __attribute__((nonnull(1, 2)));
void stats_print_violations(const struct stats *stats, struct buf *out) __attribute__((nonnull(1, 2)));

#endif
