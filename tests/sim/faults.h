/**
 * faults.h - which request meets which fault. Rules are JSON objects, in a scenario file or over /sim/faults:
 *
 *   {"op": "putAssignment" or "*", "serial": "...", "share": 0.15 or "every": 200, "times": N, "after": N,
 *    "from_ms": T, "for_ms": T, "kind": "...", ...}
 *
 * README.md lists the kinds. The first rule that fires wins; slow, deprecation and what befalls a named item
 * of an import add to whatever else fires.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "contract.h"
#include "inventory.h"

enum fault_kind {
    FAULT_STATUS,
    FAULT_RATE,
    FAULT_HTML,
    FAULT_TRUNCATE,
    FAULT_MALFORMED,
    FAULT_CUT,
    FAULT_RESET_BEFORE,
    FAULT_RESET_AFTER,
    FAULT_SLOW,
    FAULT_HANG,
    FAULT_REFUSE_ITEM,
    FAULT_DROP_ITEM,
    FAULT_BAD_REQUEST,
    FAULT_NEVER_PROPAGATE,
    FAULT_FAIL_ASSIGNMENT,
    FAULT_FORGET,
    FAULT_PROFILE_IGNORED,
    FAULT_LACK_BLUEPRINT,
    FAULT_WRONG_DEVICE,
    FAULT_DEPRECATION,
    FAULT_TOKEN_EXPIRED,
    FAULT_KIND_COUNT,
    FAULT_NONE = FAULT_KIND_COUNT,
};

enum retry_after { RETRY_AFTER_SECONDS, RETRY_AFTER_DATE, RETRY_AFTER_NONE };

/** "seconds", "date" or "none"; also with ":N", the seconds (*seconds_r, untouched where absent). False:
 * neither. */
bool retry_after_read(const char *text, enum retry_after *form_r, int64_t *seconds_r)
    __attribute__((nonnull(1, 2, 3)));

struct fault {
    enum fault_kind kind;
    enum operation operation;    /* OP_COUNT: any */
    char serial[SERIAL_MAX + 1]; /* "": any */
    double share;                /* 1: each */
    int64_t every, times, after; /* 0: not limited by it */
    int64_t from_us, for_us;

    int64_t status, ms, retry_seconds;
    enum retry_after retry_after;
    bool is_html, has_effect, is_late;
    char code[64], link[128], deprecation[40], sunset[40];

    int64_t set_us;
    uint64_t seen, fired;
};

struct faults {
    struct fault *rules;
    size_t count;
    uint64_t random; /* the state of the generator; the seed before the first draw */
};

#define FAULT_ITEMS_MAX 16

/* What a request meets. A copy: rules may change while a slow request waits. */
struct fault_plan {
    struct fault main;                   /* kind FAULT_NONE: none */
    struct fault items[FAULT_ITEMS_MAX]; /* what befalls named items of it */
    size_t item_count;
    struct fault deprecation;
    int64_t delay_ms;
    bool is_late; /* the effect comes at the end of the delay, not at its start */
};

/** Reads one rule. ERR_JSON_SHAPE names the member. */
int fault_read(const struct json *value, struct fault *rule, struct err *err) __attribute__((nonnull(2, 3)));

void faults_release(struct faults *faults) __attribute__((nonnull(1)));
/** Takes every rule away; the generator goes on. */
void faults_clear(struct faults *faults) __attribute__((nonnull(1)));
/** Adds the rules of a list; all or none. ERR_JSON_SHAPE names the rule and the member, or that list is none
 * (NULL: absent). */
int faults_add(struct faults *faults, const struct json *list, int64_t now_us, struct err *err)
    __attribute__((nonnull(1, 4)));
void faults_print(const struct faults *faults, struct buf *out) __attribute__((nonnull(1, 2)));

/** names_serial: whether the request is about that device. */
void faults_choose(struct faults *faults, enum operation operation,
                   bool (*names_serial)(void *user, const char *serial), void *user, int64_t now_us,
                   struct fault_plan *plan) __attribute__((nonnull(1, 3, 6)));

/** A draw below limit (> 0). */
uint64_t faults_random(struct faults *faults, uint64_t limit) __attribute__((nonnull(1)));

#endif
