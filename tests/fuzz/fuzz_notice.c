/*
 * "deprecation\nsunset\nlink\ncached": what an answer says of the API's own end, and what the cache holds of
 * it, whatever stands there. A header "-" is absent.
 */
#include <stdlib.h>
#include <string.h>

#include "abm/notice.h"
#include "base/json.h"
#include "base/str.h"
#include "fuzz.h"

#define NOW_MS INT64_C(1795508258000)

struct store {
    const char *before;
    struct buf after;
};

static int get(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err)
{
    const struct store *store = ctx;

    (void)name, (void)err;
    *age_ms_r = 1;
    if (store->before == NULL)
        return 0;
    buf_add_str(value, store->before);
    return value->is_failed ? -1 : 1;
}

static int set(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms, struct err *err)
{
    struct store *store = ctx;

    (void)name, (void)ttl_ms, (void)err;
    buf_reset(&store->after);
    buf_add(&store->after, value, len);
    return 0;
}

static int lock(void *ctx, const char *name, int64_t ttl_ms, struct err *err)
{
    (void)ctx, (void)name, (void)ttl_ms, (void)err;
    return 1;
}

static int unlock(void *ctx, const char *name, struct err *err)
{
    (void)ctx, (void)name, (void)err;
    return 0;
}

static void warn(void *user, const char *event, const char *text)
{
    (void)user;
    FUZZ_CHECK(event[0] != '\0' && text[0] != '\0' && !str_has_control(text));
}

static void check_kept(const struct store *store)
{
    struct err err = ERR_INIT;
    struct json *list;

    if (store->after.len == 0)
        return;
    FUZZ_CHECK(json_parse(store->after.data, store->after.len, &list, &err) == 0);
    FUZZ_CHECK(json_kind(list) == JSON_ARRAY && json_string(json_get(json_first(list), "op")) != NULL);
    json_free(list);
}

static char *header(char **rest)
{
    char *value = *rest != NULL ? strsep(rest, "\n") : NULL;

    return value != NULL && strcmp(value, "-") == 0 ? NULL : value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cache_ops ops = { get, set, lock, unlock };
    char *text = fuzz_string(data, size), *rest = text;
    struct notices notices = { .count = 0 };
    struct store store = { .before = NULL };
    struct cache cache = { &ops, &store };
    struct http_answer_headers got = { .link = NULL };

    FUZZ_CHECK(text != NULL);
    got.deprecation = header(&rest);
    got.sunset = header(&rest);
    got.link = header(&rest);
    store.before = rest;
    buf_init(&store.after, 1u << 20);
    notice_see(&notices, "listDevices", &got, NOW_MS);
    notice_see(&notices, "listDevices", &got, NOW_MS);
    FUZZ_CHECK(notices.count <= 1);
    if (notices.count == 1)
        FUZZ_CHECK(notices.at[0].count == 2 && !str_has_control(notices.at[0].link));
    notice_flush(&notices, &cache, NOW_MS, 1, warn, NULL);
    check_kept(&store);
    buf_release(&store.after);
    free(text);
    return 0;
}
