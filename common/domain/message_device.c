/* One device as it stands in a message: its members as a table, and those with a form of their own. */
#include "domain/message_inside.h"

#include <string.h>

#define TIME_MAX (INT64_C(1) << 53)

static int read_action(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    const char *word = json_string(value);

    if (word == NULL)
        return field_wrong_type(reader, name, value, "a string");
    if (strcmp(word, "remove") == 0)
        device->action = ACTION_REMOVE;
    else if (strcmp(word, "assign") != 0)
        return field_wrong(reader, name, "'%.32s', wanted 'assign' or 'remove'", word);
    return 0;
}

static void print_action(struct buf *out, const struct field *field, const void *object)
{
    if (((const struct device *)object)->action != ACTION_REMOVE)
        return;
    buf_add(out, field->label, field->label_len);
    buf_add_str(out, "\"remove\"");
}

static const struct field expect_fields[] = {
    FIELD("bp", FIELD_TEXT, device, expect_blueprint_id),
    FIELD("mdm", FIELD_TEXT, device, expect_mdm_server_id),
    FIELD("no_mdm", FIELD_FLAG, device, expects_no_server),
};

static int read_expect(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    const char *ignored = NULL;

    if (json_kind(value) == JSON_NULL) {
        device->expect = EXPECT_UNASSIGNED;
        return 0;
    }
    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, name, value, "an object or null");
    device->expect = EXPECT_STATE;
    return field_read(reader, expect_fields, sizeof(expect_fields) / sizeof(expect_fields[0]), value, device,
                      &ignored);
}

static void print_expect(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;

    if (device->expect == EXPECT_ANY)
        return;
    buf_add(out, field->label, field->label_len);
    if (device->expect == EXPECT_UNASSIGNED)
        buf_add(out, "null", 4);
    else
        field_print(out, expect_fields, sizeof(expect_fields) / sizeof(expect_fields[0]), device, NULL);
}

static const struct field suspect_fields[] = {
    FIELD("op", FIELD_TEXT, device, suspect.op),
    FIELD("code", FIELD_TEXT, device, suspect.code),
    FIELD("at", FIELD_TIME, device, suspect.at_ms),
};

static int read_suspect(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    const char *ignored = NULL;

    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, name, value, "an object");
    if (field_read(reader, suspect_fields, sizeof(suspect_fields) / sizeof(suspect_fields[0]), value, device,
                   &ignored) != 0)
        return -1;
    if (device->suspect.op == NULL)
        return field_wrong(reader, name, "without op");
    return 0;
}

static void print_suspect(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;

    if (device->suspect.op == NULL)
        return;
    buf_add(out, field->label, field->label_len);
    field_print(out, suspect_fields, sizeof(suspect_fields) / sizeof(suspect_fields[0]), device, NULL);
}

/*
 * Times stand as [first, delta, delta, ...] in the order of enum device_step: the first that was reached
 * whole, each later one as its distance from the one reached before; null: not reached; what is missing at
 * the end was not reached. A distance may be negative (a device sent back, a clock set right).
 */
static int read_times(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    int64_t last = 0, number;
    size_t step = 0;

    if (json_kind(value) != JSON_ARRAY)
        return field_wrong_type(reader, name, value, "a list");
    for (const struct json *item = json_first(value); item != NULL; item = json_next(item), step++) {
        if (step >= STEP_COUNT)
            return field_wrong(reader, name, "more than %d times", STEP_COUNT);
        if (json_kind(item) == JSON_NULL)
            continue;
        if (!json_int(item, &number))
            return field_wrong_type(reader, name, item, "whole numbers in the list");
        last += number; /* both within 2^53: it cannot overflow */
        if (last <= 0 || last > TIME_MAX)
            return field_wrong(reader, name, "a time that cannot be");
        device->times_ms[step] = last;
    }
    return 0;
}

static void print_times(struct buf *out, const struct field *field, const void *object)
{
    const int64_t *times = ((const struct device *)object)->times_ms;
    int64_t last = 0;
    int end = STEP_COUNT;

    while (end > 0 && times[end - 1] == 0)
        end--;
    if (end == 0)
        return;
    buf_add(out, field->label, field->label_len);
    for (int step = 0; step < end; step++) {
        buf_add_char(out, step == 0 ? '[' : ',');
        if (times[step] == 0) {
            buf_add(out, "null", 4);
            continue;
        }
        buf_add_int(out, times[step] - last);
        last = times[step];
    }
    buf_add_char(out, ']');
}

static int read_outcome(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    const char *word = json_string(value);

    if (word == NULL)
        return field_wrong_type(reader, name, value, "a string");
    device->outcome = outcome_from_name(word);
    if (device->outcome == OUTCOME_NONE)
        return field_wrong(reader, name, "'%.32s' is no outcome", word);
    return 0;
}

static void print_outcome(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;

    if (device->outcome == OUTCOME_NONE)
        return;
    buf_add(out, field->label, field->label_len);
    buf_add_char(out, '"');
    buf_add_str(out, outcome_name(device->outcome));
    buf_add_char(out, '"');
}

/*
 * A device between stages. Names are short because each device pays for them at every stage. They are read by
 * workers of other versions during an upgrade: a name's meaning never changes, a new one is added.
 */
const struct field message_device_fields[MESSAGE_DEVICE_FIELDS] = {
    FIELD("row", FIELD_ROW, device, row),
    FIELD("serial", FIELD_TEXT, device, serial),
    FIELD("country", FIELD_TEXT, device, country),
    FIELD("model", FIELD_TEXT, device, model),
    FIELD("order_number", FIELD_TEXT, device, order_number),
    FIELD("asset_tag", FIELD_TEXT, device, asset_tag),
    FIELD_BY("extra", field_read_extra, field_print_extra),
    FIELD_BY("action", read_action, print_action),
    FIELD_BY("expect", read_expect, print_expect),
    FIELD("only_new", FIELD_FLAG, device, is_only_new),
    FIELD("bp", FIELD_TEXT, device, blueprint_id),
    FIELD("mdm", FIELD_TEXT, device, mdm_server_id),
    FIELD("rule", FIELD_TEXT, device, rule),
    FIELD("id", FIELD_TEXT, device, device_id),
    FIELD("noted", FIELD_FLAG, device, is_noted),
    FIELD("from", FIELD_TEXT, device, from_blueprint_id),
    FIELD("from_mdm", FIELD_TEXT, device, from_mdm_server_id),
    FIELD("asg", FIELD_TEXT, device, assignment_id),
    FIELD("maybe_sent", FIELD_FLAG, device, is_maybe_sent),
    FIELD("seq", FIELD_COUNT, device, seq),
    FIELD("attempts", FIELD_COUNT, device, attempts),
    FIELD("attempts_all", FIELD_COUNT, device, attempts_all),
    FIELD("returns", FIELD_COUNT, device, returns),
    FIELD("looks", FIELD_COUNT, device, looks),
    FIELD("weight", FIELD_COUNT, device, weight),
    FIELD_BY("suspect", read_suspect, print_suspect),
    FIELD("since", FIELD_TIME, device, since_ms),
    FIELD("stalled", FIELD_TIME, device, stalled_ms),
    FIELD("held", FIELD_TIME, device, held_ms),
    FIELD_BY("times", read_times, print_times),
    FIELD_BY("outcome", read_outcome, print_outcome),
    FIELD("code", FIELD_TEXT, device, code),
    FIELD("text", FIELD_TEXT, device, text),
};

int message_device_read(struct field_reader *reader, const struct json *value, struct device *device_r)
{
    memset(device_r, 0, sizeof(*device_r));
    if (field_read(reader, message_device_fields, MESSAGE_DEVICE_FIELDS, value, device_r,
                   &device_r->unknown) != 0)
        return -1;
    if (device_r->row == 0)
        return field_wrong(reader, "row", "is missing");
    if (device_r->serial == NULL)
        return field_wrong(reader, "serial", "is missing");
    return 0;
}

int message_read_device(const struct json *value, const char *path, struct pool *pool,
                        struct device *device_r, struct err *err)
{
    struct field_reader reader = { pool, err, { path, -1 } };

    return message_device_read(&reader, value, device_r);
}

void message_print_device(struct buf *out, const struct device *device)
{
    field_print(out, message_device_fields, MESSAGE_DEVICE_FIELDS, device, device->unknown);
}
