/* yaml_events.c - the event half of yaml.h: libyaml behind a reader that checks each byte before it. */
#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/str.h"

#define CHUNK_BYTES 16384

struct yaml_events {
    const char *name;
    FILE *file;
    yaml_parser_t parser;
    yaml_event_t event; /* the last one: its text is lent to the caller */
    bool has_event;
    bool is_done;
    bool was_document;

    unsigned depth;
    uint64_t maps;  /* bit n: at depth n + 1 stands a map */
    uint64_t keyed; /* bit n: its key has come and the value is next */

    /* the reader: whole, checked characters from first to end; behind them up to 3 bytes of a cut one */
    unsigned char chunk[CHUNK_BYTES];
    size_t first, end, filled;
    bool is_started, is_eof;
    size_t since_event; /* bytes handed to libyaml since the last event */
    struct yaml_place at;
    const char *wrong; /* a bad character at `at` */
    bool is_over;
    int sys;
};

int yaml_fail(struct err *err, enum err_code code, const char *file, struct yaml_place at, const char *fmt,
              ...)
{
    va_list args;
    char text[ERR_TEXT_MAX];

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (at.line == 0)
        return err_set(err, code, 0, "%s: %s", file, text);
    return err_set(err, code, 0, "%s:%zu:%zu: %s", file, at.line, at.column, text);
}

/* What YAML calls printable (1.1, section 5.1). */
static bool is_printable(uint32_t point)
{
    if (point < 0x20)
        return point == '\t' || point == '\n' || point == '\r';
    return point < 0x7f || point == 0x85 ||
           (point >= 0xa0 && point != 0xfffe && point != 0xffff && point != 0xfeff);
}

/* Bytes at the end of [from, to) that begin a character without ending it; 0..3. */
static size_t cut_tail(const unsigned char *from, const unsigned char *to)
{
    for (size_t back = 1; back <= 3 && (size_t)(to - from) >= back; back++) {
        unsigned char c = to[-(ptrdiff_t)back];

        if ((c & 0xc0) == 0x80)
            continue;
        if ((c >= 0xc2 && back < 2) || (c >= 0xe0 && back < 3) || (c >= 0xf0 && back < 4))
            return back;
        return 0;
    }
    return 0;
}

/* Sets end behind the last good character of the chunk. */
static void check_chunk(struct yaml_events *events, size_t whole)
{
    const char *text = (const char *)events->chunk;
    uint32_t point;

    for (events->end = events->first; events->end < whole;) {
        size_t step = str_utf8_next(text + events->end, whole - events->end, &point);

        if (step == 0 || !is_printable(point)) {
            events->wrong = step == 0 ? "not UTF-8" : point == 0 ? "a NUL byte" : "a control character";
            return;
        }
        events->at.column++;
        if (point == '\n') {
            events->at.line++;
            events->at.column = 1;
        }
        events->end += step;
    }
}

static void fill_chunk(struct yaml_events *events)
{
    size_t rest = events->filled - events->end, got, whole;

    memmove(events->chunk, events->chunk + events->end, rest);
    errno = 0;
    got = fread(events->chunk + rest, 1, CHUNK_BYTES - rest, events->file);
    if (got == 0) {
        events->is_eof = true;
        if (ferror(events->file))
            events->sys = errno != 0 ? errno : EIO;
    }
    events->filled = rest + got;
    events->first = 0;
    if (!events->is_started) {
        events->is_started = true;
        if (events->filled >= 3 && memcmp(events->chunk, "\xef\xbb\xbf", 3) == 0)
            events->first = 3;
    }
    whole = events->filled;
    if (got > 0)
        whole -= cut_tail(events->chunk + events->first, events->chunk + events->filled);
    check_chunk(events, whole);
}

/* libyaml's reader: 1 with *len_r bytes (0 at the end), 0 on failure. */
static int read_some(void *data, unsigned char *buffer, size_t size, size_t *len_r)
{
    struct yaml_events *events = data;
    size_t len;

    while (events->first == events->end && events->wrong == NULL && !events->is_eof)
        fill_chunk(events); /* again where it brought but the beginning of a character */
    len = events->end - events->first;
    if (len == 0 && (events->wrong != NULL || events->sys != 0))
        return 0;
    if (len > size)
        len = size;
    events->since_event += len;
    if (events->since_event > YAML_MAX_EVENT_BYTES + CHUNK_BYTES) {
        events->is_over = true;
        return 0;
    }
    memcpy(buffer, events->chunk + events->first, len);
    events->first += len;
    *len_r = len;
    return 1;
}

int yaml_events_new(const char *name, FILE *file, struct yaml_events **events_r, struct err *err)
{
    struct yaml_events *events = calloc(1, sizeof(*events));

    if (events == NULL || yaml_parser_initialize(&events->parser) == 0) {
        free(events);
        return err_set(err, ERR_NOMEM, 0, "no memory to read %s", name);
    }
    events->name = name;
    events->file = file;
    events->at.line = events->at.column = 1;
    yaml_parser_set_encoding(&events->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&events->parser, read_some, events);
    *events_r = events;
    return 0;
}

static void drop_event(struct yaml_events *events)
{
    if (events->has_event)
        yaml_event_delete(&events->event);
    events->has_event = false;
}

void yaml_events_free(struct yaml_events *events)
{
    if (events == NULL)
        return;
    drop_event(events);
    yaml_parser_delete(&events->parser);
    free(events);
}

static struct yaml_place place_of(yaml_mark_t mark)
{
    return (struct yaml_place){ .line = mark.line + 1, .column = mark.column + 1 };
}

static int fail_here(const struct yaml_events *events, struct err *err, const char *what)
{
    return yaml_fail(err, ERR_YAML, events->name, place_of(events->event.start_mark), "%s", what);
}

/* Why libyaml gave up. */
static int fail_parse(const struct yaml_events *events, struct err *err)
{
    const yaml_parser_t *parser = &events->parser;

    if (events->sys != 0)
        return err_set(err, ERR_IO, events->sys, "cannot read %s", events->name);
    if (events->is_over)
        return yaml_fail(err, ERR_LIMIT, events->name, place_of(parser->mark),
                         "one value is larger than %d bytes", YAML_MAX_EVENT_BYTES);
    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(err, ERR_NOMEM, 0, "no memory to read %s", events->name);
    if (events->wrong != NULL && parser->error == YAML_READER_ERROR)
        return yaml_fail(err, ERR_YAML, events->name, events->at, "%s", events->wrong);
    if (parser->problem == NULL)
        return yaml_fail(err, ERR_YAML, events->name, place_of(parser->mark), "this is no YAML");
    if (parser->context == NULL)
        return yaml_fail(err, ERR_YAML, events->name, place_of(parser->problem_mark), "%s", parser->problem);
    return yaml_fail(err, ERR_YAML, events->name, place_of(parser->problem_mark), "%s, %s", parser->problem,
                     parser->context);
}

/* True where the event just read stands as a key; a value or a key alternately. */
static bool take_place(struct yaml_events *events)
{
    uint64_t bit;
    bool is_key;

    if (events->depth == 0)
        return false;
    bit = UINT64_C(1) << (events->depth - 1);
    if ((events->maps & bit) == 0)
        return false;
    is_key = (events->keyed & bit) == 0;
    events->keyed ^= bit;
    return is_key;
}

static int open_node(struct yaml_events *events, bool is_map, struct yaml_event *event_r, struct err *err)
{
    uint64_t bit;

    if (take_place(events))
        return fail_here(events, err, "a key must be a plain or quoted value");
    if (events->depth == YAML_MAX_DEPTH)
        return fail_here(events, err, "nested too deep");
    bit = UINT64_C(1) << events->depth;
    event_r->kind = is_map ? YAML_EVENT_MAP : YAML_EVENT_SEQ;
    event_r->depth = events->depth++;
    events->maps = is_map ? events->maps | bit : events->maps & ~bit;
    events->keyed &= ~bit;
    return 1;
}

static int close_node(struct yaml_events *events, enum yaml_event_kind kind, struct yaml_event *event_r)
{
    event_r->kind = kind;
    event_r->depth = --events->depth;
    return 1;
}

static int take_scalar(struct yaml_events *events, struct yaml_event *event_r, struct err *err)
{
    const char *text = (const char *)events->event.data.scalar.value;
    size_t len = events->event.data.scalar.length;

    if (memchr(text, '\0', len) != NULL)
        return fail_here(events, err, "a NUL character in a value");
    event_r->kind = YAML_EVENT_SCALAR;
    event_r->is_key = take_place(events);
    event_r->is_plain = events->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    event_r->depth = events->depth;
    event_r->text = text;
    event_r->len = len;
    return 1;
}

static bool is_tagged(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.tag != NULL;
    default: return false;
    }
}

/* 1: *event_r is set; 0: the end; 2: nothing for the caller, read on; -1. */
static int take_event(struct yaml_events *events, struct yaml_event *event_r, struct err *err)
{
    memset(event_r, 0, sizeof(*event_r));
    event_r->at = place_of(events->event.start_mark);
    if (is_tagged(&events->event))
        return fail_here(events, err, "tags are not supported");
    switch (events->event.type) {
    case YAML_STREAM_END_EVENT: events->is_done = true; return 0;
    case YAML_DOCUMENT_START_EVENT:
        if (events->was_document)
            return fail_here(events, err, "a second document in one file");
        events->was_document = true;
        return 2;
    case YAML_ALIAS_EVENT: return fail_here(events, err, "aliases are not supported: write the value out");
    case YAML_SCALAR_EVENT: return take_scalar(events, event_r, err);
    case YAML_MAPPING_START_EVENT: return open_node(events, true, event_r, err);
    case YAML_SEQUENCE_START_EVENT: return open_node(events, false, event_r, err);
    case YAML_MAPPING_END_EVENT: return close_node(events, YAML_EVENT_MAP_END, event_r);
    case YAML_SEQUENCE_END_EVENT: return close_node(events, YAML_EVENT_SEQ_END, event_r);
    default: return 2;
    }
}

int yaml_events_next(struct yaml_events *events, struct yaml_event *event_r, struct err *err)
{
    int rc = 2;

    while (rc == 2) {
        if (events->is_done)
            return 0;
        drop_event(events);
        if (yaml_parser_parse(&events->parser, &events->event) == 0)
            return fail_parse(events, err);
        events->has_event = true;
        events->since_event = 0;
        rc = take_event(events, event_r, err);
    }
    return rc;
}
