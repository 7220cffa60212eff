#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define LINE_MAX_BYTES  16384
#define VALUE_MAX_BYTES 2048
#define INT_SLOTS       16
#define INT_BYTES       24

/* Set once by log_init before any thread starts, and only read after. */
static struct {
    const char *program;
    enum log_level level;
    bool is_json;
} config = { "abm", LOG_LEVEL_INFO, false };

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };

static _Thread_local char int_slots[INT_SLOTS][INT_BYTES];
static _Thread_local unsigned int_next;

void log_init(const char *program, enum log_level level, bool is_json)
{
    config.program = program;
    config.level = level;
    config.is_json = is_json;
}

int log_level_parse(const char *text, enum log_level *level_r)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level_r = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

bool log_enabled(enum log_level level)
{
    return level <= config.level;
}

const char *log_int(int64_t number)
{
    char *slot = int_slots[int_next++ % INT_SLOTS];

    snprintf(slot, INT_BYTES, "%" PRId64, number);
    return slot;
}

/* Text made by log_int is a number in a JSON line. */
static bool is_log_int(const char *value)
{
    uintptr_t at = (uintptr_t)value, first = (uintptr_t)int_slots;

    return at >= first && at < first + sizeof(int_slots);
}

static void add_json_pair(struct json_out *out, const char *name, const char *value)
{
    struct buf shown;

    if (value == NULL || is_log_int(value)) {
        json_add_raw(out, name, value == NULL ? "null" : value, strlen(value == NULL ? "null" : value));
        return;
    }
    buf_init(&shown, 8 * VALUE_MAX_BYTES);
    str_escape(&shown, value, strlen(value), VALUE_MAX_BYTES);
    json_add_string(out, name, shown.data);
    buf_release(&shown);
}

/* name=value; the value in quotes where it would not be told from its surroundings. */
static void add_text_pair(struct buf *line, const char *name, const char *value)
{
    struct buf shown;

    buf_addf(line, " %s=", name);
    if (value == NULL) {
        buf_add_char(line, '-');
        return;
    }
    buf_init(&shown, 8 * VALUE_MAX_BYTES);
    str_escape(&shown, value, strlen(value), VALUE_MAX_BYTES);
    if (shown.len > 0 && strpbrk(shown.data, " \"=") == NULL) {
        buf_add(line, shown.data, shown.len);
    } else {
        buf_add_char(line, '"');
        for (size_t i = 0; i < shown.len; i++) {
            if (shown.data[i] == '"')
                buf_add_char(line, '\\');
            buf_add_char(line, shown.data[i]);
        }
        buf_add_char(line, '"');
    }
    buf_release(&shown);
}

static void write_line(const struct buf *line)
{
    ssize_t wrote;

    /* One write a line: what a full pipe does not take is lost rather than blocking a worker's loop for ever.
     */
    do
        wrote = write(STDERR_FILENO, line->data, line->len);
    while (wrote < 0 && errno == EINTR);
}

struct line {
    struct buf buf;
    struct json_out json;
    bool is_json;
};

static void line_begin(struct line *line, enum log_level level, const char *event)
{
    char now[CLOCK_ISO_BYTES];

    buf_init(&line->buf, LINE_MAX_BYTES);
    line->is_json = config.is_json;
    clock_iso(clock_real_ms(), now);
    if (!line->is_json) {
        buf_addf(&line->buf, "%s %s %s", now, level_names[level], event);
        return;
    }
    json_out_init(&line->json, &line->buf);
    json_begin(&line->json, NULL, '{');
    json_add_string(&line->json, "time", now);
    json_add_string(&line->json, "level", level_names[level]);
    json_add_string(&line->json, "program", config.program);
    json_add_string(&line->json, "event", event);
}

/* A pair that no longer fits is left out whole, so that the line stays well formed. */
static void line_add(struct line *line, const char *name, const char *value)
{
    size_t before = line->buf.len;

    if (line->is_json)
        add_json_pair(&line->json, name, value);
    else
        add_text_pair(&line->buf, name, value);
    if (line->buf.is_failed || line->buf.len > LINE_MAX_BYTES - 2) {
        line->buf.is_failed = false;
        line->buf.is_out_of_memory = false;
        buf_truncate(&line->buf, before);
    }
}

static void line_add_all(struct line *line, va_list args)
{
    for (const char *name; (name = va_arg(args, const char *)) != NULL;)
        line_add(line, name, va_arg(args, const char *));
}

static void line_end(struct line *line)
{
    if (line->is_json)
        json_end(&line->json, '}');
    buf_add_char(&line->buf, '\n');
    if (!line->buf.is_failed)
        write_line(&line->buf);
    buf_release(&line->buf);
}

void log_event(enum log_level level, const char *event, ...)
{
    struct line line;
    va_list args;

    if (!log_enabled(level))
        return;
    line_begin(&line, level, event);
    va_start(args, event);
    line_add_all(&line, args);
    va_end(args);
    line_end(&line);
}

void log_err(enum log_level level, const char *event, const struct err *err, ...)
{
    struct line line;
    va_list args;

    if (!log_enabled(level))
        return;
    line_begin(&line, level, event);
    line_add(&line, "error", err_wire(err->code));
    line_add(&line, "text", err->text);
    line_add(&line, "advice", err_advice(err->code));
    va_start(args, err);
    line_add_all(&line, args);
    va_end(args);
    line_end(&line);
}
