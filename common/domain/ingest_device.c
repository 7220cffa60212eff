#include "domain/ingest_device.h"

#include <string.h>

#define TEXT_MAX 1024 /* bytes of a rejected row's text */

static int read_action(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct device *device = object;
    const char *word = json_string(value);

    if (json_kind(value) == JSON_NULL)
        return 0;
    if (word == NULL)
        return field_wrong_type(reader, name, value, "a string");
    if (strcmp(word, "assign") == 0) {
        device->action = ACTION_ASSIGN;
        return 0;
    }
    if (strcmp(word, "remove") == 0) {
        device->action = ACTION_REMOVE;
        return 0;
    }
    device->action = ACTION_UNKNOWN;
    return field_read_text(reader, name, value, &device->action_word);
}

static void print_action(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;
    const char *word = device->action == ACTION_REMOVE ? "remove" : device->action_word;

    if (device->action == ACTION_ASSIGN || word == NULL)
        return;
    buf_add(out, field->label, field->label_len);
    json_quote(out, word, strlen(word));
}

static int read_no_server(struct field_reader *reader, const struct json *value, struct device *device)
{
    const struct json *word = json_get(value, "no_mdm_server");

    if (word != NULL && json_kind(word) != JSON_NULL && !json_bool(word, &device->expects_no_server))
        return field_wrong_type(reader, "expected_from.no_mdm_server", word, "a boolean");
    if (!device->expects_no_server)
        return 0;
    if (device->expect_blueprint_id == NULL)
        return field_wrong(reader, "expected_from.no_mdm_server", "stands without a blueprint_id");
    return device->expect_mdm_server_id == NULL
               ? 0
               : field_wrong(reader, "expected_from.no_mdm_server", "stands beside mdm_server");
}

static int read_expected_object(struct field_reader *reader, const struct json *value, struct device *device)
{
    const struct json *blueprint = json_get(value, "blueprint_id"), *server = json_get(value, "mdm_server");

    if (blueprint == NULL)
        return field_wrong(reader, "expected_from.blueprint_id", "is missing (null: no blueprint)");
    if (json_kind(blueprint) != JSON_NULL &&
        field_read_text(reader, "expected_from.blueprint_id", blueprint, &device->expect_blueprint_id) != 0)
        return -1;
    if (server != NULL && json_kind(server) != JSON_NULL &&
        field_read_text(reader, "expected_from.mdm_server", server, &device->expect_mdm_server_id) != 0)
        return -1;
    device->expect = device->expect_blueprint_id == NULL && device->expect_mdm_server_id == NULL
                         ? EXPECT_UNASSIGNED
                         : EXPECT_STATE;
    return read_no_server(reader, value, device);
}

/* "bp-1", {"blueprint_id":"bp-1","mdm_server":"mdm-main"}, or null: unassigned. Absent: any state. A server
 * that is not named is any; "no_mdm_server": true says that there was none. */
static int read_expected(struct field_reader *reader, const char *name, const struct json *value,
                         void *object)
{
    struct device *device = object;

    switch (json_kind(value)) {
    case JSON_NULL: device->expect = EXPECT_UNASSIGNED; return 0;
    case JSON_STRING:
        device->expect = EXPECT_STATE;
        return field_read_text(reader, name, value, &device->expect_blueprint_id);
    case JSON_OBJECT: return read_expected_object(reader, value, device);
    default: return field_wrong_type(reader, name, value, "a blueprint id, an object or null");
    }
}

static void print_expected(struct buf *out, const struct field *field, const void *object)
{
    const struct device *device = object;
    struct json_out json;

    if (device->expect == EXPECT_ANY)
        return;
    buf_add(out, field->label, field->label_len);
    json_out_init(&json, out);
    if (device->expect == EXPECT_UNASSIGNED) {
        json_add_null(&json, NULL);
    } else if (device->expects_no_server) {
        json_begin(&json, NULL, '{');
        json_add_string(&json, "blueprint_id", device->expect_blueprint_id);
        json_add_bool(&json, "no_mdm_server", true);
        json_end(&json, '}');
    } else if (device->expect_mdm_server_id == NULL && device->expect_blueprint_id != NULL) {
        json_add_string(&json, NULL, device->expect_blueprint_id);
    } else {
        json_begin(&json, NULL, '{');
        json_add_string(&json, "blueprint_id", device->expect_blueprint_id);
        json_add_string(&json, "mdm_server", device->expect_mdm_server_id);
        json_end(&json, '}');
    }
}

/* A producer's member that bears a name of the messages between stages would be taken there for ours. */
static int read_nothing(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    (void)reader, (void)name, (void)value, (void)object;
    return 0;
}

static void print_nothing(struct buf *out, const struct field *field, const void *object)
{
    (void)out, (void)field, (void)object;
}

#define NOT_THEIRS(name) FIELD_BY(name, read_nothing, print_nothing)

static const struct field device_fields[] = {
    FIELD("row", FIELD_ROW, device, row),
    FIELD("serial", FIELD_TEXT, device, serial),
    FIELD("country", FIELD_TEXT, device, country),
    FIELD("model", FIELD_TEXT, device, model),
    FIELD("order_number", FIELD_TEXT, device, order_number),
    FIELD("asset_tag", FIELD_TEXT, device, asset_tag),
    FIELD_BY("extra", field_read_extra, field_print_extra),
    FIELD("blueprint_id", FIELD_TEXT, device, blueprint_id),
    FIELD("mdm_server", FIELD_TEXT, device, mdm_server_id),
    FIELD_BY("action", read_action, print_action),
    FIELD_BY("expected_from", read_expected, print_expected),
    /* what only a part says (ingest.h), under the names of a message */
    FIELD("seq", FIELD_COUNT, device, seq),
    FIELD("noted", FIELD_FLAG, device, is_noted),
    FIELD("from", FIELD_TEXT, device, from_blueprint_id),
    FIELD("from_mdm", FIELD_TEXT, device, from_mdm_server_id),
    NOT_THEIRS("expect"),
    NOT_THEIRS("only_new"),
    NOT_THEIRS("bp"),
    NOT_THEIRS("mdm"),
    NOT_THEIRS("rule"),
    NOT_THEIRS("id"),
    NOT_THEIRS("asg"),
    NOT_THEIRS("maybe_sent"),
    NOT_THEIRS("attempts"),
    NOT_THEIRS("attempts_all"),
    NOT_THEIRS("returns"),
    NOT_THEIRS("looks"),
    NOT_THEIRS("weight"),
    NOT_THEIRS("suspect"),
    NOT_THEIRS("since"),
    NOT_THEIRS("stalled"),
    NOT_THEIRS("held"),
    NOT_THEIRS("times"),
    NOT_THEIRS("outcome"),
    NOT_THEIRS("code"),
    NOT_THEIRS("text"),
};

int ingest_device_read(struct field_reader *reader, const struct json *value, struct device *device_r)
{
    memset(device_r, 0, sizeof(*device_r));
    if (field_read(reader, device_fields, sizeof(device_fields) / sizeof(device_fields[0]), value, device_r,
                   &device_r->unknown) != 0)
        return -1;
    if (device_r->serial == NULL)
        return field_wrong(reader, "serial", "is missing");
    if (device_r->country == NULL)
        return field_wrong(reader, "country", "is missing");
    return 0;
}

void ingest_device_print(struct buf *out, const struct device *device)
{
    field_print(out, device_fields, sizeof(device_fields) / sizeof(device_fields[0]), device,
                device->unknown);
}

/* The serial as it was written may be anything: only its beginning is kept. */
static int read_serial(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest_rejected *rejected = object;
    struct device device = { 0 };

    if (json_kind(value) == JSON_NULL)
        return 0;
    if (field_read_text(reader, name, value, &device.serial) != 0 ||
        device_shorten(&device, reader->pool, reader->err) != 0)
        return -1;
    rejected->serial = device.serial;
    return 0;
}

/* Any code that looks like one: a newer abmctl may know more of them than this worker. */
static int read_code(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest_rejected *rejected = object;

    if (field_read_text(reader, name, value, &rejected->code) != 0)
        return -1;
    if (*rejected->code == '\0' || strlen(rejected->code) > 64 ||
        strspn(rejected->code, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(rejected->code))
        return field_wrong(reader, name, "wanted 1 to 64 of a-z, 0-9 and _");
    return 0;
}

static int read_text(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return field_read_word(reader, name, value, TEXT_MAX, &((struct ingest_rejected *)object)->text);
}

static const struct field rejected_fields[] = {
    FIELD("row", FIELD_ROW, ingest_rejected, row),
    FIELD_READ("serial", FIELD_TEXT, ingest_rejected, serial, read_serial),
    FIELD_READ("code", FIELD_TEXT, ingest_rejected, code, read_code),
    FIELD_READ("text", FIELD_TEXT, ingest_rejected, text, read_text),
};

int ingest_rejected_read(struct field_reader *reader, const struct json *value,
                         struct ingest_rejected *rejected_r)
{
    const char *ignored = NULL;

    memset(rejected_r, 0, sizeof(*rejected_r));
    if (field_read(reader, rejected_fields, sizeof(rejected_fields) / sizeof(rejected_fields[0]), value,
                   rejected_r, &ignored) != 0)
        return -1;
    if (rejected_r->row == 0)
        return field_wrong(reader, "row", "is missing");
    if (rejected_r->code == NULL)
        return field_wrong(reader, "code", "is missing");
    return 0;
}

void ingest_rejected_print(struct buf *out, const struct ingest_rejected *rejected)
{
    field_print(out, rejected_fields, sizeof(rejected_fields) / sizeof(rejected_fields[0]), rejected, NULL);
}
