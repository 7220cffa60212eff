#include "domain/message.h"

#include <string.h>

#include "domain/message_inside.h"

#define VERSION_MAX INT64_C(1000000)

struct head {
    int64_t version, count;
    const char *uid, *run;
    bool is_close;
    const struct json *devices;
};

static int read_version(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return field_read_int(reader, name, value, 1, VERSION_MAX, &((struct head *)object)->version);
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

bool message_uid_is_valid(const char *uid)
{
    return run_id_is_valid(uid) && strlen(uid) <= MESSAGE_UID_MAX;
}

static int check_head(struct field_reader *reader, const struct head *head)
{
    size_t count = json_count(head->devices);

    if (!message_uid_is_valid(head->uid))
        return field_wrong(reader, "uid", "is no uid: wanted letters, digits, . _ -, at most %d",
                           MESSAGE_UID_MAX);
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
        if (message_device_read(reader, item, &message->devices[reader->place.index]) != 0)
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
