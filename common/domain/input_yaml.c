/* YAML: `devices:` with a list of maps, read event by event. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "domain/input_inside.h"

/* Depths of struct yaml_event: the file's map stands at 0, its keys and the list at 1, a device at 2. */
enum { DEPTH_FILE = 0, DEPTH_LIST = 1, DEPTH_DEVICE = 2, DEPTH_MEMBER = 3 };

struct yaml_state {
    const struct input_source *source;
    struct input_builder *builder;
    struct err *err;
    char key[DEVICE_EXTRA_MAX + 1]; /* of the value that comes next */
    bool has_list;
    struct err read_err; /* what the source said; the stream can only say that it failed */
};

/* --- the caller's bytes as a stream --- */

static ssize_t read_cookie(void *cookie, char *data, size_t size)
{
    struct yaml_state *state = cookie;
    size_t got = 0;

    if (state->source->read(state->source->ctx, data, size, &got, &state->read_err) == 0)
        return (ssize_t)got;
    errno = EIO;
    return -1;
}

/* --- events --- */

static int fail_shape(struct yaml_state *state, const struct yaml_event *event, const char *what)
{
    return yaml_fail(state->err, ERR_INPUT_FORMAT, state->source->name, event->at, "%s", what);
}

static const char *event_name(const struct yaml_event *event)
{
    switch (event->kind) {
    case YAML_EVENT_MAP: return "a map";
    case YAML_EVENT_SEQ: return "a list";
    default: return "a value";
    }
}

/* The file's own map: devices, and nothing else. */
static int take_top(struct yaml_state *state, const struct yaml_event *event)
{
    if (event->depth == DEPTH_FILE && event->kind == YAML_EVENT_MAP)
        return 0;
    if (event->depth == DEPTH_FILE && event->kind != YAML_EVENT_MAP_END)
        return fail_shape(state, event, "wanted `devices:` with a list of devices");
    if (event->depth == DEPTH_FILE)
        return 0;
    if (event->is_key && strcmp(event->text, "devices") != 0)
        return yaml_fail(state->err, ERR_INPUT_FORMAT, state->source->name, event->at,
                         "unknown key '%.64s', wanted `devices:`", event->text);
    if (event->is_key && state->has_list)
        return fail_shape(state, event, "`devices:` stands twice");
    if (event->is_key || event->kind == YAML_EVENT_SEQ_END)
        return 0;
    state->has_list = true;
    /* `devices:` with nothing behind it is an empty list. */
    if (event->kind == YAML_EVENT_SEQ ||
        (event->kind == YAML_EVENT_SCALAR && event->is_plain && event->len == 0))
        return 0;
    return fail_shape(state, event, "`devices:` is no list");
}

static int take_item(struct yaml_state *state, const struct yaml_event *event)
{
    struct input_builder *builder = state->builder;

    if (event->kind == YAML_EVENT_MAP_END || event->kind == YAML_EVENT_SEQ_END)
        return input_row_end(builder, state->err);
    state->key[0] = '\0';
    input_row_begin(builder, builder->count + 1, event->at.line);
    if (event->kind == YAML_EVENT_MAP)
        return 0;
    input_row_wrong(builder, ERR_ROW_FORMAT, "%s, wanted a map with serial and country", event_name(event));
    return event->kind == YAML_EVENT_SCALAR ? input_row_end(builder, state->err) : 0;
}

static bool is_null(const struct yaml_event *event)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

    for (size_t i = 0; event->is_plain && i < sizeof(nulls) / sizeof(nulls[0]); i++)
        if (strcmp(nulls[i], event->text) == 0)
            return true;
    return false;
}

static void take_member(struct yaml_state *state, const struct yaml_event *event)
{
    if (event->is_key) {
        if (event->len > DEVICE_EXTRA_MAX)
            input_row_wrong(state->builder, ERR_FIELD_LENGTH, "a name of %zu bytes, at most %d", event->len,
                            DEVICE_EXTRA_MAX);
        snprintf(state->key, sizeof(state->key), "%s", event->len <= DEVICE_EXTRA_MAX ? event->text : "");
    } else if (event->kind == YAML_EVENT_SCALAR) {
        input_row_member(state->builder, state->key, event->text, is_null(event) ? 0 : event->len);
    } else if (event->kind == YAML_EVENT_MAP || event->kind == YAML_EVENT_SEQ) {
        input_row_wrong(state->builder, ERR_ROW_FORMAT, "'%.64s' is %s, wanted text", state->key,
                        event_name(event));
    }
}

static int take(struct yaml_state *state, const struct yaml_event *event)
{
    if (event->depth <= DEPTH_LIST)
        return take_top(state, event);
    if (event->depth == DEPTH_DEVICE)
        return take_item(state, event);
    if (event->depth == DEPTH_MEMBER)
        take_member(state, event);
    return 0; /* deeper: inside a value that made the row wrong already */
}

static int read_events(struct yaml_state *state, FILE *file)
{
    struct yaml_events *events;
    struct yaml_event event;
    bool is_any = false;
    int rc;

    if (yaml_events_new(state->source->name, file, &events, state->err) != 0)
        return -1;
    while ((rc = yaml_events_next(events, &event, state->err)) == 1) {
        is_any = true;
        if (take(state, &event) != 0) {
            rc = -1;
            break;
        }
    }
    yaml_events_free(events);
    if (rc == -1 && state->read_err.code != ERR_NONE)
        *state->err = state->read_err;
    if (rc == 0 && is_any && !state->has_list)
        return err_set(state->err, ERR_INPUT_FORMAT, 0, "%s: there is no `devices:`", state->source->name);
    return rc;
}

int input_yaml(const struct input_source *source, struct input_builder *builder, struct err *err)
{
    struct yaml_state state = { .source = source, .builder = builder, .err = err };
    FILE *file = fopencookie(&state, "r", (cookie_io_functions_t){ .read = read_cookie });
    int rc;

    if (file == NULL)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory to read it", source->name);
    rc = read_events(&state, file);
    fclose(file);
    return rc;
}
