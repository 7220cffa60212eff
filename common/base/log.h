/**
 * log.h - one line an event on stderr: text for people (default on a terminal) or JSON lines.
 *
 * Only the skeleton and abmctl log: common/ reports errors and leaves the word to its caller. Every value
 * is escaped (no control character reaches a terminal), every line is one write(2), and a secret is never
 * passed in. Levels: error, warn, info, debug, trace.
 *
 *     log_info("run_closed", "run", run, "devices", log_int(n), NULL);
 *     2026-11-24T08:17:00.123Z info run_closed run=acme-7f3a devices=1000
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };

/** program stands in each JSON line; borrowed. */
void log_init(const char *program, enum log_level level, bool is_json);
/** "error" ... "trace"; -1 where it is none of them. */
int log_level_parse(const char *text, enum log_level *level_r);
bool log_enabled(enum log_level level);

/** event is a fixed word; then pairs of name and value (both const char *), ended by NULL. A NULL value
 * prints "-". */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

/** An error with its code, text and advice, then further pairs. */
void log_err(enum log_level level, const char *event, const struct err *err, ...) __attribute__((sentinel));

/** A number as text, in one of 16 thread-local slots: for use within one log call. */
const char *log_int(int64_t number);

#endif
