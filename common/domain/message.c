#include "domain/message.h"

#include <string.h>

#include "domain/message_inside.h"

#define TIME_MAX (INT64_C(1) << 53)

/* --- members with a form of their own --- */

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
    FIELD_BY("suspect", read_suspect, print_suspect),
    FIELD("since", FIELD_TIME, device, since_ms),
    FIELD("stalled", FIELD_TIME, device, stalled_ms),
    FIELD_BY("times", read_times, print_times),
    FIELD_BY("outcome", read_outcome, print_outcome),
    FIELD("code", FIELD_TEXT, device, code),
    FIELD("text", FIELD_TEXT, device, text),
};

static int read_device(struct field_reader *reader, const struct json *value, struct device *device_r)
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

    return read_device(&reader, value, device_r);
}

void message_print_device(struct buf *out, const struct device *device)
{
    field_print(out, message_device_fields, MESSAGE_DEVICE_FIELDS, device, device->unknown);
}

/* --- the message --- */

struct head {
    int64_t version, count;
    const char *uid, *run;
    bool is_close;
    const struct json *devices;
};

static int read_version(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return field_read_int(reader, name, value, 1, TIME_MAX, &((struct head *)object)->version);
}

static int keep_devices(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    if (json_kind(value) != JSON_ARRAY)
        return field_wrong_type(reader, name, value, "a list");
    ((struct head *)object)->devices = value;
    return 0;
}

static const struct field head_fields[] = {
    FIELD_BY("version", read_version, NULL), FIELD("uid", FIELD_TEXT, head, uid),
    FIELD("run", FIELD_TEXT, head, run),     FIELD("close", FIELD_FLAG, head, is_close),
    FIELD("n", FIELD_TIME, head, count),     FIELD_BY("devices", keep_devices, NULL),
};

bool run_id_is_valid(const char *run)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t len = run != NULL ? strnlen(run, RUN_ID_MAX + 1) : 0;

    if (len == 0 || len > RUN_ID_MAX || strchr(alnum, run[0]) == NULL)
        return false;
    for (size_t i = 1; i < len; i++)
        if (strchr(alnum, run[i]) == NULL && run[i] != '.' && run[i] != '_' && run[i] != '-')
            return false;
    return true;
}

static int check_head(struct field_reader *reader, const struct head *head)
{
    size_t count = json_count(head->devices);

    if (head->uid == NULL || *head->uid == '\0' || strlen(head->uid) > MESSAGE_UID_MAX)
        return field_wrong(reader, "uid", "wanted a string of 1 to %d bytes", MESSAGE_UID_MAX);
    if (!run_id_is_valid(head->run))
        return field_wrong(reader, "run", "is no run id");
    if (head->is_close && count > 0)
        return field_wrong(reader, "devices", "in a closing message");
    if (!head->is_close && count == 0)
        return field_wrong(reader, "devices", "none, and it does not close the run");
    if (!head->is_close && (uint64_t)head->count != count)
        return field_wrong(reader, "n", "%lld, but there are %zu devices", (long long)head->count, count);
    if (count > MESSAGE_MAX_DEVICES)
        return err_set(reader->err, ERR_LIMIT, 0, "devices: %zu, at most %d in a message", count,
                       MESSAGE_MAX_DEVICES);
    return 0;
}

static int read_devices(struct field_reader *reader, const struct json *list, struct message *message)
{
    message->count = json_count(list);
    message->devices = pool_array(reader->pool, message->count, sizeof(*message->devices));
    if (message->devices == NULL)
        return pool_failed(reader->pool, reader->err);
    reader->place.path = "devices";
    reader->place.index = 0;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (read_device(reader, item, &message->devices[reader->place.index]) != 0)
            return -1;
        reader->place.index++;
    }
    return 0;
}

/* A newer version may have changed any type, so the version is looked at before everything else. */
static int check_version(const struct json *doc, struct err *err)
{
    int64_t version;

    if (json_int(json_get(doc, "version"), &version) && version > MESSAGE_VERSION)
        return err_set(err, ERR_MSG_VERSION, 0, "version %lld, this worker knows %d", (long long)version,
                       MESSAGE_VERSION);
    return 0;
}

static int read_message(const struct json *doc, struct pool *pool, struct message *message_r, struct err *err)
{
    struct field_reader reader = { pool, err, { "", -1 } };
    struct head head = { 0 };

    if (check_version(doc, err) != 0 ||
        field_read(&reader, head_fields, sizeof(head_fields) / sizeof(head_fields[0]), doc, &head,
                   &message_r->unknown) != 0)
        return -1;
    if (head.version == 0)
        return field_wrong(&reader, "version", "is missing");
    if (check_head(&reader, &head) != 0)
        return -1;
    message_r->uid = head.uid;
    message_r->run = head.run;
    message_r->is_close = head.is_close;
    return head.is_close ? 0 : read_devices(&reader, head.devices, message_r);
}

int message_parse_tree(const char *text, size_t len, struct pool *pool, struct message *message_r,
                       struct err *err)
{
    struct json *doc;
    int rc;

    memset(message_r, 0, sizeof(*message_r));
    if (json_parse(text, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_MSG_MALFORMED;
        return -1;
    }
    rc = read_message(doc, pool, message_r, err);
    json_free(doc);
    return rc;
}

int message_parse(const char *text, size_t len, struct pool *pool, struct message *message_r, struct err *err)
{
    if (len > MESSAGE_MAX_BYTES)
        return err_set(err, ERR_LIMIT, 0, "a message of %zu bytes, at most %d", len, MESSAGE_MAX_BYTES);
    if (message_parse_own(text, len, pool, message_r))
        return 0;
    return message_parse_tree(text, len, pool, message_r, err);
}

static void print_head(struct buf *out, const char *uid, const char *run)
{
    buf_add_str(out, "{\"version\":1,\"uid\":");
    json_quote(out, uid, strlen(uid));
    buf_add_str(out, ",\"run\":");
    json_quote(out, run, strlen(run));
}

void message_print(struct buf *out, const char *uid, const char *run, const char *unknown,
                   const struct device *const *list, size_t count)
{
    print_head(out, uid, run);
    buf_add_str(out, ",\"n\":");
    buf_add_int(out, (int64_t)count);
    if (unknown != NULL) {
        buf_add_char(out, ',');
        buf_add_str(out, unknown);
    }
    buf_add_str(out, ",\"devices\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        message_print_device(out, list[i]);
    }
    buf_add_str(out, "]}");
}

void message_print_close(struct buf *out, const char *uid, const char *run)
{
    print_head(out, uid, run);
    buf_add_str(out, ",\"close\":true,\"n\":0}");
}
