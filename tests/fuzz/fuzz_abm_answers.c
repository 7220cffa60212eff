/*
 * Any answers of ABM to any operation: the call ends, and each device has a result that keeps what client.h
 * says of it. First byte: the operation (128 on: the cache holds the first answer; 200 on: one of those that
 * find and list); second: an index of the status table; the rest: answers parted by a line "%%", of which the
 * last is given to all further requests. An answer may begin with lines "> Name: value": headers, "Status"
 * and "Result" (how the request ended).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/client.h"
#include "abm/shape.h"
#include "base/str.h"
#include "fuzz.h"

#define LISTS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const char *at, *end; /* of the answers that are still to be given */
    long status;
    int left; /* requests; then the process "stops", so that 429 for ever ends too */
    bool is_cached;
};

/* The next answer; the last one stays. */
static const char *next_part(struct input *input, size_t *len_r)
{
    static const char mark[] = "\n%%\n";
    const char *from = input->at, *cut = NULL;

    if (from < input->end)
        cut = memmem(from, (size_t)(input->end - from), mark, sizeof(mark) - 1);
    if (cut != NULL)
        input->at = cut + sizeof(mark) - 1;
    *len_r = (size_t)((cut != NULL ? cut : input->end) - from);
    return from;
}

static void set_text(char **to, const char *value, size_t len)
{
    free(*to);
    *to = fuzz_string(value, len < HTTP_HEADER_MAX ? len : HTTP_HEADER_MAX);
}

static void set_header(struct http_request *request, const char *line, size_t len)
{
    const struct {
        const char *name;
        char **to;
    } rows[] = {
        { "> Content-Type: ", &request->got.content_type },
        { "> Retry-After: ", &request->got.retry_after },
        { "> Date: ", &request->got.date },
        { "> Deprecation: ", &request->got.deprecation },
        { "> Sunset: ", &request->got.sunset },
        { "> Link: ", &request->got.link },
    };
    char number[8] = "";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (len >= strlen(rows[i].name) && memcmp(line, rows[i].name, strlen(rows[i].name)) == 0)
            set_text(rows[i].to, line + strlen(rows[i].name), len - strlen(rows[i].name));
    if (len > 10 && memcmp(line, "> Status: ", 10) == 0) {
        snprintf(number, sizeof(number), "%.*s", (int)(len < 13 ? len - 10 : 3), line + 10);
        request->status = strtol(number, NULL, 10);
    }
    if (len > 10 && memcmp(line, "> Result: ", 10) == 0)
        request->result = (enum http_result)((unsigned char)line[10] % (HTTP_TOO_LARGE + 1));
}

static void answer(struct input *input, struct http_request *request)
{
    size_t len;
    const char *part = next_part(input, &len);

    request->result = HTTP_ANSWERED;
    request->status = input->status;
    while (len > 1 && part[0] == '>' && part[1] == ' ') {
        const char *line_end = memchr(part, '\n', len);
        size_t line = line_end != NULL ? (size_t)(line_end - part) : len;

        set_header(request, part, line);
        line += line < len;
        part += line;
        len -= line;
    }
    if (request->result == HTTP_ANSWERED || request->result == HTTP_CUT)
        buf_add(&request->answer, part, len);
    if (request->result <= HTTP_TLS_FAILED)
        request->status = 0;
}

static int run(void *ctx, const struct http_hooks *hooks, struct err *err)
{
    struct input *input = ctx;
    struct http_request *request;
    enum http_next word;
    int64_t wait_ms;

    (void)err;
    while ((word = hooks->next(hooks->user, &request, &wait_ms)) == HTTP_NEXT_SEND) {
        http_request_reset(request);
        request->answer.max_bytes = 1u << 20;
        answer(input, request);
        input->left--;
        hooks->done(hooks->user, request);
    }
    return word == HTTP_NEXT_NONE ? 0 : -1;
}

static int take(void *ctx, const char *class, const struct fence *fence, int want, enum permit *permit_r,
                int *count_r, int64_t *wait_ms_r, struct err *err)
{
    (void)ctx, (void)class, (void)fence, (void)err;
    *permit_r = PERMIT_GRANTED;
    *count_r = want;
    *wait_ms_r = 0;
    return 0;
}

static int pause_class(void *ctx, const char *class, int64_t pause_ms, struct err *err)
{
    (void)ctx, (void)class, (void)pause_ms, (void)err;
    return 0;
}

static int cache_read(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err)
{
    struct input *input = ctx;
    const char *text;
    size_t len;

    (void)name, (void)err;
    if (!input->is_cached)
        return 0;
    input->is_cached = false;
    text = next_part(input, &len);
    buf_add(value, text, len);
    *age_ms_r = 1000;
    return value->is_failed ? -1 : 1;
}

static int cache_put(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms,
                     struct err *err)
{
    (void)ctx, (void)name, (void)value, (void)len, (void)ttl_ms, (void)err;
    return 0;
}

static int cache_take(void *ctx, const char *name, int64_t ttl_ms, struct err *err)
{
    (void)ctx, (void)name, (void)ttl_ms, (void)err;
    return 1;
}

static int cache_give(void *ctx, const char *name, struct err *err)
{
    (void)ctx, (void)name, (void)err;
    return 0;
}

static int report(void *ctx, const struct health_report *health_report, struct err *err)
{
    (void)ctx, (void)err;
    if (health_report->succeeded < 0 || health_report->answered < 0)
        abort();
    return 0;
}

static bool is_stopping(void *stop)
{
    return ((struct input *)stop)->left <= 0;
}

static void check(const struct abm_item *item, int op)
{
    bool is_done = item->kind == ABM_OK || item->kind == ABM_ACCEPTED;

    if ((op == 0 || op == 7) && item->kind == ABM_OK && !shape_is_id(item->device_id))
        abort();
    if (op == 7 && item->kind == ABM_OK && item->country == NULL)
        abort();
    if ((op == 1 || op == 2) && is_done &&
        (!shape_is_id(item->assignment_id) || !shape_is_id(item->blueprint_id)))
        abort();
    if (op == 2 && is_done && !str_eq(item->blueprint_id, item->device->blueprint_id))
        abort();
    if (item->text != NULL && str_has_control(item->text))
        abort();
    if (item->failure != NULL && str_has_control(item->failure))
        abort();
}

static int see_device(void *ctx, const char *serial, const char *country, const char *device_id,
                      struct err *err)
{
    (void)ctx, (void)err;
    if (serial == NULL || country == NULL || !shape_is_id(device_id))
        abort();
    return 0;
}

static int see_assignment(void *ctx, const struct abm_assignment *assignment, struct err *err)
{
    (void)ctx, (void)err;
    if (!shape_is_id(assignment->device_id) || !shape_is_id(assignment->blueprint_id) ||
        (assignment->mdm_server_id != NULL && !shape_is_id(assignment->mdm_server_id)))
        abort();
    return 0;
}

static int see_unreadable(void *ctx, const char *key, const char *why, struct err *err)
{
    (void)ctx, (void)err;
    if (key == NULL || why == NULL || str_has_control(why))
        abort();
    return 0;
}

static int see_page(void *ctx, struct err *err)
{
    (void)err;
    return ++*(int *)ctx % 3 == 0; /* ends early now and then, and goes on */
}

/* A list in calls of three pages, each going on where the last one ended. */
static void list_all(struct abm_client *client, bool is_devices, struct err *err)
{
    struct abm_place place;
    int pages = 0, rc;
    const struct abm_device_sink devices = { &pages, see_device, see_unreadable, see_page, &place };
    const struct abm_assignment_sink assignments = { &pages, see_assignment, NULL, see_page, &place };

    abm_place_init(&place);
    do
        rc = is_devices ? abm_list_devices(client, &devices, err)
                        : abm_list_assignments(client, &assignments, err);
    while (rc == 0 && place.url.len > 0);
    if (rc == 0 && place.pages != 0)
        abort();
    abm_place_release(&place);
}

static void call_op(struct abm_client *client, int op, struct pool *pool)
{
    static const struct fence fence = { .id = "1-1", .run = "r" };
    struct device devices[3];
    struct abm_item items[3];
    struct err err = ERR_INIT;
    enum abm_known known;
    const char *id;

    memset(devices, 0, sizeof(devices));
    memset(items, 0, sizeof(items));
    for (int i = 0; i < 3; i++) {
        devices[i].serial = i == 0 ? "AAAAAAAAAA" : i == 1 ? "BBBBBBBBBB" : "CCCCCCCCCC";
        devices[i].country = "DE";
        devices[i].device_id = i == 0 ? "a" : i == 1 ? "b" : "c";
        devices[i].blueprint_id = "bp";
        items[i].device = &devices[i];
        items[i].fence = &fence;
    }
    switch (op) {
    case 0: (void)!abm_import(client, items, 3, pool, &err); break;
    case 1: (void)!abm_read(client, items, 3, pool, &err); break;
    case 2: (void)!abm_assign(client, items, 3, pool, &err); break;
    case 3: (void)!abm_unassign(client, items, 3, pool, &err); break;
    case 4: (void)!abm_blueprint_known(client, "a", &known, &err); break;
    case 5: (void)!abm_server_find(client, "a", pool, &id, &known, &err); break;
    case 7: (void)!abm_find(client, items, 3, pool, &err); break;
    case 8: list_all(client, true, &err); break;
    case 9: list_all(client, false, &err); break;
    default: (void)!abm_probe(client, &err); break;
    }
    for (int i = 0; i < 3 && (op < 4 || op == 7); i++)
        check(&items[i], op);
    if (str_has_control(err.text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = { 200, 202, 204, 207, 400, 401, 404, 409, 422, 429, 500, 302 };
    static const struct limiter_ops limiter_ops = { .take = take, .pause = pause_class };
    static const struct cache_ops cache_ops = { cache_read, cache_put, cache_take, cache_give };
    static const struct health_ops health_ops = { .report = report };
    struct org_settings org = { .name = "o",
                                .api_dialect = "abm-v2",
                                .api_base_url = "http://127.0.0.1:1",
                                .api_token = "env:FUZZ_ABM_TOKEN",
                                .api_timeout_ms = 1000 };
    struct limiter limiter = { &limiter_ops, NULL };
    struct input input = { .left = 100 };
    struct cache cache = { &cache_ops, &input };
    struct health health = { &health_ops, NULL };
    struct http_transport transport = { .run = run, .ctx = &input };
    struct abm_env env = { .org = &org,
                           .concurrency = 2,
                           .limiter = &limiter,
                           .cache = &cache,
                           .health = &health,
                           .is_stopping = is_stopping,
                           .stop = &input,
                           .transport = &transport };
    struct abm_client *client;
    struct err err = ERR_INIT;
    struct pool *pool;

    if (size < 2)
        return 0;
    setenv("FUZZ_ABM_TOKEN", "t", 1);
    input.at = (const char *)data + 2;
    input.end = (const char *)data + size;
    input.is_cached = data[0] >= 128 && data[0] < LISTS;
    input.status = statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))];
    pool = pool_new(1u << 20);
    if (pool != NULL && abm_client_new(&env, &client, &err) == 0) {
        call_op(client, data[0] < LISTS ? data[0] % 7 : 7 + (data[0] - LISTS) % 3, pool);
        abm_client_free(client);
    }
    pool_free(pool);
    return 0;
}
