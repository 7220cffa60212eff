/**
 * ctl.h - what the verbs of abmctl share: the table of commands, options, settings, Redis, and how results,
 * errors and progress are shown (DESIGN.md 10).
 *
 * Results go to stdout, all else to stderr. A command returns its exit status, or -1 with err filled:
 * ctl_main shows the error once and ends with err_exit_status. Text from outside is escaped wherever it is
 * shown.
 */
#ifndef ABMCTL_CTL_H
#define ABMCTL_CTL_H

#include <stdio.h>

#include "base/json.h"
#include "domain/settings.h"
#include "queue/keys.h"
#include "queue/redis.h"
#include "queue/shared.h"

#define CTL_DONE 0
#define CTL_NO   1 /* the answer is no, or not all ended well */

struct ctl;
struct secret;

/* One verb. A verb of two words has a row for each: { "dead", "list", ... }; it may be one alone, too. */
struct ctl_command {
    const char *verb, *sub; /* sub NULL: the verb alone */
    const char *args;       /* "--input FILE [--wait]", as the help shows it */
    const char *help;       /* one line */
    int (*run)(struct ctl *ctl, int argc, char **argv, struct err *err);
};

enum ctl_kind { CTL_FLAG, CTL_TEXT, CTL_LIST, CTL_INT, CTL_DURATION };

#define CTL_LIST_MAX 64

/* CTL_LIST: an option that may be given several times. */
struct ctl_list {
    const char *at[CTL_LIST_MAX];
    size_t count;
};

/*
 * One option of a command. Exactly the member of its kind is set; what it points to keeps its value where the
 * option is not given, so the caller sets the default.
 */
struct ctl_option {
    const char *name; /* without "--" */
    char letter;      /* '\0': none */
    enum ctl_kind kind;
    union {
        bool *flag;
        const char **text;
        struct ctl_list *list;
        int64_t *number; /* CTL_INT; CTL_DURATION in ms */
    } to;
    const char *value; /* "FILE": how the help names the value; NULL for flags */
    const char *help;
    int64_t min, max; /* CTL_INT */
};

struct ctl {
    const struct ctl_command *command; /* the one that runs */
    const char *config;                /* --config; NULL: not given */
    const char *org_name;              /* --org; NULL: not given */
    bool is_json;
    bool is_out_terminal, is_err_terminal;
    int columns; /* of the terminal; 0: none */

    struct settings *settings;        /* after ctl_open_settings */
    const struct org_settings *org;   /* after ctl_open_org */
    struct keys keys;                 /* the same */
    struct redis *redis;              /* after ctl_open_redis */
    enum err_code waits_for;          /* what ctl_outlast has said last */
    struct shared shared;             /* the same; for shared_runbook(&ctl->shared) */
    struct secret *password;          /* of Redis, borrowed by redis */
    struct secret *sentinel_password; /* the same */
    int signal_fd;                    /* after ctl_catch_signals; -1 before */
    bool is_stopped;
    bool has_progress; /* a progress line stands on the terminal */
};

/** Runs the command that argv names; the exit status. commands: rows of one verb stand together. */
int ctl_main(int argc, char **argv, const struct ctl_command *commands, size_t count);

/**
 * Reads the options of the running command and the common ones (--config, --org, --json, --help), which may
 * stand anywhere. options: count rows. What is left are operands: at least min and at most max, in
 * argv[*first_r..argc-1].
 *
 * @return 0; 1 where --help was given and printed (the command returns CTL_DONE); -1 ERR_USAGE
 */
int ctl_options(struct ctl *ctl, const struct ctl_option *options, size_t count, int argc, char **argv,
                int min, int max, int *first_r, struct err *err);

/** The path of the settings: --config, else $ABM_CONFIG, else config/pipeline.yaml. */
const char *ctl_config_path(const struct ctl *ctl);
/** Loads the settings, once. ERR_SETTINGS_*, ERR_FILE_*. */
int ctl_open_settings(struct ctl *ctl, struct err *err);
/** Settings and the organization: --org, else $ABM_ORG, else the only one. */
int ctl_open_org(struct ctl *ctl, struct err *err);
/** Settings, organization, and a connection to Redis. ERR_REDIS_*. */
int ctl_open_redis(struct ctl *ctl, struct err *err);
/**
 * After ERR_REDIS_LOST: connects again with back-off until it succeeds, saying so once on stderr.
 * @return 0; -1 with ERR_STOPPED after ^C, or with what no waiting mends (ERR_REDIS_AUTH, _VERSION).
 */
int ctl_reconnect(struct ctl *ctl, struct err *err);
/** Does why pass by itself? The connection was lost, or Redis loads, is busy, a replica, or its disk is full.
 */
bool ctl_is_passing(const struct err *err);
/** Waits a second for what passes, or as ctl_reconnect, saying once what for. 0: try again; -1 as there. */
int ctl_outlast(struct ctl *ctl, const struct err *why, struct err *err);

/** From here on SIGINT, SIGTERM and SIGHUP do not end the process but show in ctl_is_stopped. */
int ctl_catch_signals(struct ctl *ctl, struct err *err);
bool ctl_is_stopped(struct ctl *ctl);
/** Waits that long, or until a signal. True: stopped. */
bool ctl_wait(struct ctl *ctl, int64_t ms);

/** One line to stderr, escaped, a progress line cleared before it. */
void ctl_say(struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The progress line: only on a terminal and without --json; replaced by the next. */
void ctl_progress(struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ctl_progress_end(struct ctl *ctl);

/** Writes text to stdout as it is; for results. */
int ctl_print(const char *text, size_t len, struct err *err);
/** Writes buf and a newline to stdout; -1 where an append to it had failed before. */
int ctl_print_line(const struct buf *buf, struct err *err);
/** A value as it may be shown: escaped, at most 256 bytes of it, in one of 8 slots that take turns. NULL:
 * "-". */
const char *ctl_shown(const char *text);

/** Shows the error on stderr: "abmctl: TEXT" and "  what to do: ADVICE", or as JSON. */
void ctl_report(struct ctl *ctl, const struct err *err);

#endif
