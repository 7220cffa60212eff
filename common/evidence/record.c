#include "evidence/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

void record_print(struct buf *out, const char *run, const struct device *device)
{
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "serial", device->serial != NULL ? device->serial : "");
    json_add_string(&json, "run", run);
    json_add_int(&json, "row", device->row);
    json_add_int(&json, "seq", device->seq);
    json_add_string(&json, "outcome", outcome_name(device->outcome));
    json_add_string(&json, "code", device->code);
    json_add_string(&json, "blueprint_id", device->blueprint_id);
    json_add_string(&json, "from_blueprint_id", device->from_blueprint_id);
    json_add_string(&json, "mdm_server", device->mdm_server_id);
    json_add_string(&json, "assignment_id", device->assignment_id);
    json_add_int(&json, "attempts", device->attempts_all);
    json_begin(&json, "times", '{');
    for (int step = 0; step < STEP_COUNT; step++) {
        char text[CLOCK_ISO_BYTES];
        int64_t ms = device->times_ms[step];

        json_add_string(&json, device_step_name((enum device_step)step), ms > 0 ? clock_iso(ms, text) : NULL);
    }
    json_end(&json, '}');
    json_add_string(&json, "rule", device->rule);
    json_add_string(&json, "from_mdm_server", device->from_mdm_server_id);
    json_end(&json, '}');
    buf_add_char(out, '\n');
}

/* A reader of the fixed beginning of a line. */
struct scan {
    const char *at, *end;
};

static bool scan_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* The inside of a JSON string, and the quote that ends it. */
static bool scan_text(struct scan *scan, const char **text_r, size_t *len_r)
{
    const char *from = scan->at;

    for (; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\' && ++scan->at == scan->end)
            return false;
    if (scan->at >= scan->end)
        return false;
    *text_r = from;
    *len_r = (size_t)(scan->at - from);
    scan->at++;
    return true;
}

static bool scan_int(struct scan *scan, int64_t *number_r)
{
    const char *from = scan->at;
    int64_t number = 0;

    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        if (scan->at - from == 16) /* beyond 2^53 no writer of ours goes */
            return false;
        number = number * 10 + (*scan->at - '0');
    }
    *number_r = number;
    return scan->at > from;
}

bool record_read_head(const char *line, size_t len, struct record_head *head_r)
{
    struct scan scan = { line, line + len };
    struct record_head head;
    const char *run, *outcome;
    size_t run_len, outcome_len;
    char name[16];

    if (!scan_word(&scan, "{\"serial\":\"") || !scan_text(&scan, &head.serial, &head.serial_len) ||
        !scan_word(&scan, ",\"run\":\"") || !scan_text(&scan, &run, &run_len) ||
        !scan_word(&scan, ",\"row\":") || !scan_int(&scan, &head.row) || !scan_word(&scan, ",\"seq\":") ||
        !scan_int(&scan, &head.seq) || !scan_word(&scan, ",\"outcome\":\"") ||
        !scan_text(&scan, &outcome, &outcome_len) || !scan_word(&scan, ",\"code\":") ||
        outcome_len >= sizeof(name))
        return false;
    memcpy(name, outcome, outcome_len);
    name[outcome_len] = '\0';
    head.outcome = outcome_from_name(name);
    if (head.outcome == OUTCOME_NONE)
        return false;
    *head_r = head;
    return true;
}

static int compare_serials(const struct record_head *a, const struct record_head *b)
{
    size_t least = a->serial_len < b->serial_len ? a->serial_len : b->serial_len;
    int order = memcmp(a->serial, b->serial, least);

    if (order != 0)
        return order;
    return (a->serial_len > b->serial_len) - (a->serial_len < b->serial_len);
}

/* A producer that gives no rows counts them anew in each batch: the same serial in the same place of two
 * batches is a device and its duplicate under one row, not one device twice. */
static bool is_duplicate(const struct record_head *head)
{
    return head->outcome == OUTCOME_DUPLICATE;
}

int record_compare(const struct record_head *a, const struct record_head *b)
{
    int order;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    order = compare_serials(a, b);
    if (order != 0)
        return order;
    if (is_duplicate(a) != is_duplicate(b))
        return is_duplicate(a) ? 1 : -1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

bool record_is_same_device(const struct record_head *a, const struct record_head *b)
{
    return a->row == b->row && compare_serials(a, b) == 0 && !is_duplicate(a) && !is_duplicate(b);
}

/* A text or null; a member that is absent, or of another kind, is an error. */
static int read_text(const struct json *doc, const char *name, bool is_required, struct pool *pool,
                     const char **text_r, struct err *err)
{
    const struct json *value = json_get(doc, name);
    enum json_kind kind = json_kind(value);

    if (kind != JSON_STRING && (is_required || kind != JSON_NULL))
        return err_set(err, ERR_EVIDENCE, 0, "%s: %s, wanted a string%s", name, json_kind_name(kind),
                       is_required ? "" : " or null");
    *text_r = pool_strdup(pool, json_string(value));
    if (kind == JSON_STRING && *text_r == NULL)
        return pool_failed(pool, err);
    return 0;
}

/* A member that older records do not have. */
static int read_new_text(const struct json *doc, const char *name, struct pool *pool, const char **text_r,
                         struct err *err)
{
    return json_get(doc, name) != NULL ? read_text(doc, name, false, pool, text_r, err) : 0;
}

static int read_int(const struct json *doc, const char *name, int64_t *number_r, struct err *err)
{
    const struct json *value = json_get(doc, name);

    if (!json_int(value, number_r) || *number_r < 0)
        return err_set(err, ERR_EVIDENCE, 0, "%s: %s, wanted a whole number from 0", name,
                       json_kind_name(json_kind(value)));
    return 0;
}

static int read_times(const struct json *times, int64_t *times_ms, struct err *err)
{
    if (json_kind(times) != JSON_OBJECT)
        return err_set(err, ERR_EVIDENCE, 0, "times: %s, wanted an object", json_kind_name(json_kind(times)));
    for (int step = 0; step < STEP_COUNT; step++) {
        const char *name = device_step_name((enum device_step)step);
        const struct json *value = json_get(times, name);

        if (json_kind(value) == JSON_NULL)
            continue;
        if (json_string(value) == NULL || clock_parse_iso(json_string(value), &times_ms[step]) != 0)
            return err_set(err, ERR_EVIDENCE, 0, "times.%s: wanted a time or null", name);
    }
    return 0;
}

static int read_members(const struct json *doc, struct pool *pool, const char **run_r, struct device *device,
                        struct err *err)
{
    const char *outcome = NULL;
    int64_t seq = 0, attempts = 0;

    if (read_text(doc, "serial", true, pool, &device->serial, err) != 0 ||
        read_text(doc, "run", true, pool, run_r, err) != 0 || read_int(doc, "row", &device->row, err) != 0 ||
        read_int(doc, "seq", &seq, err) != 0 || read_text(doc, "outcome", true, pool, &outcome, err) != 0 ||
        read_text(doc, "code", false, pool, &device->code, err) != 0 ||
        read_text(doc, "blueprint_id", false, pool, &device->blueprint_id, err) != 0 ||
        read_text(doc, "from_blueprint_id", false, pool, &device->from_blueprint_id, err) != 0 ||
        read_text(doc, "mdm_server", false, pool, &device->mdm_server_id, err) != 0 ||
        read_text(doc, "assignment_id", false, pool, &device->assignment_id, err) != 0 ||
        read_int(doc, "attempts", &attempts, err) != 0 ||
        read_times(json_get(doc, "times"), device->times_ms, err) != 0 ||
        read_text(doc, "rule", false, pool, &device->rule, err) != 0 ||
        read_new_text(doc, "from_mdm_server", pool, &device->from_mdm_server_id, err) != 0)
        return -1;
    device->outcome = outcome_from_name(outcome);
    if (device->outcome == OUTCOME_NONE)
        return err_set(err, ERR_EVIDENCE, 0, "outcome: '%.40s' is none", outcome);
    if (seq > INT32_MAX || attempts > INT32_MAX)
        return err_set(err, ERR_EVIDENCE, 0, "seq or attempts: too large a number");
    device->seq = (int)seq;
    device->attempts_all = (int)attempts;
    return 0;
}

int record_parse(const char *line, size_t len, struct pool *pool, const char **run_r, struct device *device_r,
                 struct err *err)
{
    struct device device = { 0 };
    struct json *doc;
    int rc;

    if (json_parse(line, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_EVIDENCE;
        return -1;
    }
    rc = read_members(doc, pool, run_r, &device, err);
    if (rc == 0)
        *device_r = device;
    json_free(doc);
    return rc;
}

/* Inside a string a quote has a backslash before it, so a comma and a bare quote end one member and begin the
 * next. */
bool record_tells_from_server(const char *line, size_t len)
{
    static const char member[] = ",\"from_mdm_server\":";

    return memmem(line, len, member, sizeof(member) - 1) != NULL;
}
