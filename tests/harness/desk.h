/**
 * desk.h - an operator's desk: a Redis, settings of one organization (acme) with rules, and abmctl run
 * against them. Everything that fails on the way fails the test.
 */
#ifndef HARNESS_DESK_H
#define HARNESS_DESK_H

#include "harness/proc.h"
#include "harness/redis_server.h"
#include "queue/keys.h"
#include "queue/redis.h"

#define DESK_WORDS_MAX 24

struct desk {
    const char *program;
    struct redis_server server;
    struct redis *redis; /* a connection of the test's own */
    struct keys keys;
    char dir[96];
    char config[128], rules[128];
    char out_path[128], err_path[128];
    struct buf out, err;    /* what the last abmctl printed */
    const char *stdin_file; /* for the next abmctl; NULL: /dev/null */
};

/** program: of abmctl. more: further YAML lines of the settings, or "". */
void desk_start_with(struct desk *desk, const char *program, const char *more);
#define desk_start(desk, more)                                                                               \
    desk_start_with(desk, TEST_BIN "/abmctl", more) /* TEST_BIN is known to tests alone */
void desk_stop(struct desk *desk);

/** DIR/name in one of 16 slots that take turns. */
const char *desk_path(const struct desk *desk, const char *name);
/** Writes DIR/name and returns its path. */
const char *desk_file(const struct desk *desk, const char *name, const char *text, size_t len);
/** A CSV of count good devices (DE, serials FVFGH0000000 on, rows from 2), then `tail`; returns its path. */
const char *desk_devices(const struct desk *desk, const char *name, int count, const char *tail);

/** Runs `abmctl WORDS...` to its end; its exit status. Output in desk->out and desk->err, also
 * NUL-terminated. */
int desk_ctl(struct desk *desk, const char *word, ...) __attribute__((sentinel));
/** The same in the background; desk_wait collects it. */
void desk_begin(struct desk *desk, struct proc *proc, const char *word, ...) __attribute__((sentinel));
int desk_wait(struct desk *desk, struct proc *proc);
/** True once the abmctl in the background has printed text, on stdout or stderr. */
bool desk_says(struct desk *desk, const char *text);

/** One Redis command, '@' at the begin of a word stands for "{abm:acme}:"; the reply as a number. */
int64_t desk_number(struct desk *desk, const char *word, ...) __attribute__((sentinel));
/** The same; the reply is the caller's. */
struct redis_reply *desk_ask(struct desk *desk, const char *word, ...) __attribute__((sentinel));
/** The text of a reply of one line, in one of 8 slots that take turns. */
const char *desk_text(struct desk *desk, const char *word, ...) __attribute__((sentinel));

/** Fails with what was printed unless status is as wanted and the output has the text (NULL: any). */
#define desk_expect(desk, got, want, out, err) desk_check(__FILE__, __LINE__, desk, got, want, out, err)
void desk_check(const char *file, int line, const struct desk *desk, int got, int want, const char *out,
                const char *err);

/** Waits until a command's number is so much (desk_number; field NULL: none); fails the test where it never
 * is. */
void desk_await_number(struct desk *desk, const char *command, const char *key, const char *field,
                       int64_t number, int64_t timeout_ms);

#endif
