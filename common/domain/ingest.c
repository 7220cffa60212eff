#include "domain/ingest.h"

#include <stdlib.h>
#include <string.h>

#include "domain/approvers.h"
#include "domain/field.h"
#include "domain/ingest_device.h"
#include "domain/ingest_head.h"
#include "domain/message.h"

#define VERSION_MAX    INT64_C(1000000)
#define UNCHANGED_MAX  INT64_C(100000000)
#define WORD_MAX       1024 /* bytes of operator and source.name, which stand in manifests */
#define HEAD_MAX_BYTES 1024 /* of ingest_head_find */

bool sha256_hex_is_valid(const char *text)
{
    return text != NULL && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* --- the members of the batch; devices and rejected are kept and read last --- */

struct head {
    struct ingest *ingest;
    int64_t version;
    const struct json *devices, *rejected;
};

static int read_version(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return field_read_int(reader, name, value, 1, VERSION_MAX, &((struct head *)object)->version);
}

/* run, batch and batches were read before everything else. */
static int read_nothing(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    (void)reader, (void)name, (void)value, (void)object;
    return 0;
}

static int read_hash(struct field_reader *reader, const char *name, const struct json *value,
                     const char **hash_r)
{
    const char *hash = NULL;

    if (field_read_word(reader, name, value, WORD_MAX, &hash) != 0)
        return -1;
    if (hash != NULL && !sha256_hex_is_valid(hash))
        return field_wrong(reader, name, "wanted 64 lower-case hex digits");
    *hash_r = hash;
    return 0;
}

static int read_mode(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest *ingest = ((struct head *)object)->ingest;
    const char *mode = NULL;

    if (field_read_word(reader, name, value, WORD_MAX, &mode) != 0)
        return -1;
    if (mode != NULL && strcmp(mode, "apply") != 0)
        return field_wrong(reader, name, "'%.32s' is not known, wanted 'apply'", mode);
    if (mode != NULL)
        ingest->mode = mode;
    return 0;
}

static int read_operator(struct field_reader *reader, const char *name, const struct json *value,
                         void *object)
{
    return field_read_word(reader, name, value, WORD_MAX, &((struct head *)object)->ingest->operator_);
}

static int read_mapping(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return read_hash(reader, name, value, &((struct head *)object)->ingest->mapping_sha256);
}

static int read_commit(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return field_read_word(reader, name, value, 128, &((struct head *)object)->ingest->git_commit);
}

static int read_urgent(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest *ingest = ((struct head *)object)->ingest;

    if (json_kind(value) == JSON_NULL)
        return 0;
    if (!json_bool(value, &ingest->is_urgent))
        return field_wrong_type(reader, name, value, "true or false");
    if (ingest->is_urgent && ingest->batches > 1)
        return field_wrong(reader, name, "only a run of one batch may be urgent, this one has %lld",
                           (long long)ingest->batches);
    return 0;
}

static int read_only_new(struct field_reader *reader, const char *name, const struct json *value,
                         void *object)
{
    struct ingest *ingest = ((struct head *)object)->ingest;

    if (json_kind(value) == JSON_NULL || json_bool(value, &ingest->is_only_new))
        return 0;
    return field_wrong_type(reader, name, value, "true or false");
}

static int read_plan(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    return read_hash(reader, name, value, &((struct head *)object)->ingest->plan_sha256);
}

static int read_unchanged(struct field_reader *reader, const char *name, const struct json *value,
                          void *object)
{
    if (json_kind(value) == JSON_NULL)
        return 0;
    return field_read_int(reader, name, value, 0, UNCHANGED_MAX,
                          &((struct head *)object)->ingest->plan_unchanged);
}

static int read_approvers(struct field_reader *reader, const char *name, const struct json *value,
                          void *object)
{
    struct ingest *ingest = ((struct head *)object)->ingest;
    char text[APPROVERS_BYTES];
    const char *wanted;

    if (json_kind(value) == JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_ARRAY)
        return field_wrong_type(reader, name, value, "a list");
    wanted = approvers_read(value, text);
    if (wanted != NULL)
        return field_wrong(reader, name, "%s", wanted);
    if (text[0] == '\0')
        return 0;
    ingest->approvers = pool_strdup(reader->pool, text);
    return ingest->approvers != NULL ? 0 : pool_failed(reader->pool, reader->err);
}

static int read_source(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest *ingest = ((struct head *)object)->ingest;

    if (json_kind(value) == JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, name, value, "an object");
    if (json_get(value, "name") != NULL &&
        field_read_word(reader, "source.name", json_get(value, "name"), WORD_MAX, &ingest->source_name) != 0)
        return -1;
    if (json_get(value, "sha256") == NULL)
        return 0;
    return read_hash(reader, "source.sha256", json_get(value, "sha256"), &ingest->source_sha256);
}

static int read_part(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    struct ingest_part *part = &((struct head *)object)->ingest->part;

    if (json_kind(value) != JSON_OBJECT)
        return field_wrong_type(reader, name, value, "an object");
    if (field_read_text(reader, "part.path", json_get(value, "path"), &part->path) != 0 ||
        read_hash(reader, "part.sha256", json_get(value, "sha256"), &part->sha256) != 0 ||
        field_read_int(reader, "part.total", json_get(value, "total"), 1, 2 * INGEST_MAX_DEVICES,
                       &part->total) != 0)
        return -1;
    if (strspn(part->path, "01") != strlen(part->path) || strlen(part->path) > INGEST_PART_DEPTH ||
        *part->path == '\0')
        return field_wrong(reader, "part.path", "wanted 1 to %d digits 0 or 1", INGEST_PART_DEPTH);
    if (part->sha256 == NULL)
        return field_wrong(reader, "part.sha256", "is missing");
    return 0;
}

static int keep_devices(struct field_reader *reader, const char *name, const struct json *value, void *object)
{
    if (json_kind(value) != JSON_ARRAY)
        return field_wrong_type(reader, name, value, "a list");
    ((struct head *)object)->devices = value;
    return 0;
}

static int keep_rejected(struct field_reader *reader, const char *name, const struct json *value,
                         void *object)
{
    if (json_kind(value) == JSON_NULL)
        return 0;
    if (json_kind(value) != JSON_ARRAY)
        return field_wrong_type(reader, name, value, "a list");
    ((struct head *)object)->rejected = value;
    return 0;
}

static const struct field head_fields[] = {
    FIELD_BY("version", read_version, NULL),
    FIELD_BY("run", read_nothing, NULL),
    FIELD_BY("batch", read_nothing, NULL),
    FIELD_BY("batches", read_nothing, NULL),
    FIELD_BY("mode", read_mode, NULL),
    FIELD_BY("operator", read_operator, NULL),
    FIELD_BY("source", read_source, NULL),
    FIELD_BY("mapping_sha256", read_mapping, NULL),
    FIELD_BY("git_commit", read_commit, NULL),
    FIELD_BY("urgent", read_urgent, NULL),
    FIELD_BY("only_new", read_only_new, NULL),
    FIELD_BY("plan_sha256", read_plan, NULL),
    FIELD_BY("plan_unchanged", read_unchanged, NULL),
    FIELD_BY("approvers", read_approvers, NULL),
    FIELD_BY("part", read_part, NULL),
    FIELD_BY("devices", keep_devices, NULL),
    FIELD_BY("rejected", keep_rejected, NULL),
};

/* --- run, batch, batches --- */

static bool is_given(const struct json *value)
{
    return json_kind(value) != JSON_ABSENT && json_kind(value) != JSON_NULL;
}

static int read_number(struct field_reader *reader, const struct json *doc, const char *name,
                       int64_t *number_r)
{
    if (!is_given(json_get(doc, name)))
        return 0;
    return field_read_int(reader, name, json_get(doc, name), 1, INGEST_MAX_BATCHES, number_r);
}

/*
 * Sets run, batch and batches only where all three make sense together: else a malformed batch would be
 * counted under a number that is another's.
 */
static int read_registration(struct field_reader *reader, const struct json *doc, struct ingest *ingest)
{
    const char *run = NULL;
    int64_t batch = 1, batches = 1;

    if (is_given(json_get(doc, "run")) && field_read_text(reader, "run", json_get(doc, "run"), &run) != 0)
        return -1;
    if (run != NULL && !run_id_is_valid(run))
        return field_wrong(reader, "run", "'%.80s' is no run id: [A-Za-z0-9][A-Za-z0-9._-]{0,63}", run);
    if (read_number(reader, doc, "batch", &batch) != 0 || read_number(reader, doc, "batches", &batches) != 0)
        return -1;
    if (batch > batches)
        return field_wrong(reader, "batch", "%lld of %lld", (long long)batch, (long long)batches);
    if (batches > 1 && run == NULL)
        return field_wrong(reader, "run", "is missing, but there are %lld batches", (long long)batches);
    if (batches > 1 && !is_given(json_get(doc, "batch")))
        return field_wrong(reader, "batch", "is missing, but there are %lld batches", (long long)batches);
    ingest->run = run;
    ingest->batch = batch;
    ingest->batches = batches;
    return 0;
}

/* --- devices and rejected rows --- */

static int compare_rows(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* Names the later of two entries with this row. */
static int refuse_row(struct field_reader *reader, const struct ingest *ingest, int64_t row)
{
    reader->place.path = "rejected";
    for (size_t i = ingest->rejected_count; i-- > 0;) {
        reader->place.index = (long)i;
        if (ingest->rejected[i].row == row)
            return field_wrong(reader, "row", "%lld stands twice in the batch", (long long)row);
    }
    reader->place.path = "devices";
    for (size_t i = ingest->count; i-- > 0;) {
        reader->place.index = (long)i;
        if (ingest->devices[i].row == row)
            break;
    }
    return field_wrong(reader, "row", "%lld stands twice in the batch", (long long)row);
}

/* The record has one line a row: a row named twice could never be written truthfully. */
static int check_rows(struct field_reader *reader, const struct ingest *ingest)
{
    size_t total = ingest->count + ingest->rejected_count;
    int64_t *rows = pool_array(reader->pool, total, sizeof(*rows));

    if (rows == NULL)
        return pool_failed(reader->pool, reader->err);
    for (size_t i = 0; i < ingest->count; i++)
        rows[i] = ingest->devices[i].row;
    for (size_t i = 0; i < ingest->rejected_count; i++)
        rows[ingest->count + i] = ingest->rejected[i].row;
    qsort(rows, total, sizeof(*rows), compare_rows);
    for (size_t i = 1; i < total; i++)
        if (rows[i] == rows[i - 1])
            return refuse_row(reader, ingest, rows[i]);
    return 0;
}

/* A producer knows nothing of what a device has been through: evidence must not say it on its word. */
static void forget_past(struct device *device)
{
    device->seq = 0;
    device->is_noted = false;
    device->from_blueprint_id = NULL;
    device->from_mdm_server_id = NULL;
}

static int read_devices(struct field_reader *reader, const struct json *list, struct ingest *ingest)
{
    long i = 0;

    ingest->devices = pool_array(reader->pool, ingest->count, sizeof(*ingest->devices));
    if (ingest->devices == NULL)
        return pool_failed(reader->pool, reader->err);
    reader->place.path = "devices";
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item), i++) {
        reader->place.index = i;
        if (ingest_device_read(reader, item, &ingest->devices[i]) != 0)
            return -1;
        if (ingest->part.sha256 == NULL)
            forget_past(&ingest->devices[i]);
        if (ingest->devices[i].row == 0)
            ingest->devices[i].row = i + 1;
    }
    return 0;
}

static int read_rejected(struct field_reader *reader, const struct json *list, struct ingest *ingest)
{
    long i = 0;

    ingest->rejected = pool_array(reader->pool, ingest->rejected_count, sizeof(*ingest->rejected));
    if (ingest->rejected == NULL)
        return pool_failed(reader->pool, reader->err);
    reader->place.path = "rejected";
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item), i++) {
        reader->place.index = i;
        if (ingest_rejected_read(reader, item, &ingest->rejected[i]) != 0)
            return -1;
    }
    return 0;
}

static int check_counts(struct field_reader *reader, const struct head *head, struct ingest *ingest)
{
    if (head->version == 0)
        return field_wrong(reader, "version", "is missing");
    if (head->devices == NULL)
        return field_wrong(reader, "devices", "is missing");
    if (ingest->approvers != NULL && ingest->plan_sha256 == NULL)
        return field_wrong(reader, "plan_sha256", "is missing, but there are approvers");
    ingest->count = json_count(head->devices);
    ingest->rejected_count = json_count(head->rejected);
    if (ingest->count > INGEST_MAX_DEVICES || ingest->rejected_count > INGEST_MAX_DEVICES)
        return err_set(reader->err, ERR_MSG_TOO_MANY, 0, "%s: %zu, at most %d in a batch",
                       ingest->count > INGEST_MAX_DEVICES ? "devices" : "rejected",
                       ingest->count > INGEST_MAX_DEVICES ? ingest->count : ingest->rejected_count,
                       INGEST_MAX_DEVICES);
    if (ingest->count + ingest->rejected_count == 0)
        return field_wrong(reader, "devices", "is empty, and nothing is rejected either");
    return 0;
}

/* A newer version may have changed any type, so the version is looked at before the other members. */
static int check_version(const struct json *doc, struct err *err)
{
    int64_t version;

    if (json_int(json_get(doc, "version"), &version) && version > INGEST_VERSION)
        return err_set(err, ERR_MSG_VERSION, 0, "version %lld, this worker knows %d", (long long)version,
                       INGEST_VERSION);
    return 0;
}

static int read_batch(const struct json *doc, struct pool *pool, struct ingest *ingest, struct err *err)
{
    struct field_reader reader = { pool, err, { "", -1 } };
    struct head head = { .ingest = ingest };

    if (json_kind(doc) != JSON_OBJECT)
        return field_wrong_type(&reader, NULL, doc, "an object");
    if (check_version(doc, err) != 0) {
        struct field_reader quiet = { pool, &(struct err)ERR_INIT, { "", -1 } };

        /* What is wrong with the registration of a newer version is not ours to say. */
        if (read_registration(&quiet, doc, ingest) != 0)
            ingest->run = NULL;
        return -1;
    }
    if (read_registration(&reader, doc, ingest) != 0 ||
        field_read(&reader, head_fields, sizeof(head_fields) / sizeof(head_fields[0]), doc, &head,
                   &ingest->unknown) != 0 ||
        check_counts(&reader, &head, ingest) != 0 || read_devices(&reader, head.devices, ingest) != 0 ||
        read_rejected(&reader, head.rejected, ingest) != 0)
        return -1;
    return check_rows(&reader, ingest);
}

/* Which run waits for it is still told, so that the run ends: as incomplete. */
static int too_large(const char *text, size_t len, struct pool *pool, struct ingest *ingest, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct field_reader quiet = { pool, &ignored, { "", -1 } };
    struct json *doc = NULL;
    struct buf head;

    buf_init(&head, HEAD_MAX_BYTES);
    ingest_head_find(text, len, &head);
    if (!head.is_failed && json_parse(head.data, head.len, &doc, &ignored) == 0)
        (void)read_registration(&quiet, doc, ingest);
    json_free(doc);
    buf_release(&head);
    return err_set(err, ERR_MSG_TOO_LARGE, 0, "%zu bytes, at most %d in a batch", len, INGEST_MAX_BYTES);
}

int ingest_parse(const char *text, size_t len, struct pool *pool, struct ingest *ingest_r, struct err *err)
{
    struct json *doc;
    int rc;

    memset(ingest_r, 0, sizeof(*ingest_r));
    ingest_r->batch = 1;
    ingest_r->batches = 1;
    ingest_r->mode = "apply";
    ingest_r->part.path = "";
    if (len > INGEST_MAX_BYTES)
        return too_large(text, len, pool, ingest_r, err);
    if (json_parse(text, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_MSG_MALFORMED;
        return -1;
    }
    rc = read_batch(doc, pool, ingest_r, err);
    json_free(doc);
    return rc;
}
