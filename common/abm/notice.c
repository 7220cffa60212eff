#include "abm/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "http/http_date.h"
#include "http/link.h"

#define FLUSH_EVERY_MS  60000
#define LOCK_MS         5000
#define CACHE_BYTES_MAX (256u << 10)

/* "@1688169599": a Date of structured fields (RFC 9651, 3.3.7). Older servers sent an HTTP date, or "true".
 */
static int64_t parse_deprecation(const char *value, int64_t now_ms)
{
    int64_t seconds, unix_ms = 0;

    if (value[0] == '@' && str_to_int(value + 1, 0, INT64_C(253402300799), &seconds))
        return seconds * 1000;
    return http_date_parse(value, now_ms, &unix_ms) ? unix_ms : 0;
}

static bool parse_link(const char *value, struct notice *notice)
{
    const char *at = value;
    struct link link;
    struct buf text;

    while (link_next(&at, &link)) {
        if (!link_has_rel(&link, "deprecation") && !link_has_rel(&link, "sunset"))
            continue;
        buf_init(&text, 4 * NOTICE_LINK_MAX);
        str_escape(&text, link.target, link.target_len, NOTICE_LINK_MAX);
        snprintf(notice->link, sizeof(notice->link), "%s", text.data);
        buf_release(&text);
        return true;
    }
    return false;
}

bool notice_parse(const struct http_answer_headers *got, int64_t now_ms, struct notice *notice_r)
{
    bool is_said = false;

    memset(notice_r, 0, sizeof(*notice_r));
    if (got->deprecation != NULL) {
        notice_r->deprecated_ms = parse_deprecation(got->deprecation, now_ms);
        is_said = true;
    }
    if (got->sunset != NULL && http_date_parse(got->sunset, now_ms, &notice_r->sunset_ms))
        is_said = true;
    if (got->link != NULL && parse_link(got->link, notice_r))
        is_said = true;
    return is_said;
}

void notice_see(struct notices *notices, const char *op, const struct http_answer_headers *got,
                int64_t now_ms)
{
    struct notice said, *known = NULL;

    if (!notice_parse(got, now_ms, &said))
        return;
    for (size_t i = 0; i < notices->count && known == NULL; i++)
        if (strcmp(notices->at[i].op, op) == 0)
            known = &notices->at[i];
    if (known == NULL) {
        if (notices->count == NOTICE_OPS)
            return;
        known = &notices->at[notices->count++];
        memset(known, 0, sizeof(*known));
        notices->is_new = true;
    }
    if (known->deprecated_ms != said.deprecated_ms || known->sunset_ms != said.sunset_ms)
        notices->is_new = true;
    said.op = op;
    said.count = known->count + 1;
    *known = said;
}

static void add_date(struct json_out *out, const char *name, int64_t unix_ms)
{
    char iso[CLOCK_ISO_BYTES];

    if (unix_ms == 0)
        json_add_null(out, name);
    else
        json_add_string(out, name, clock_iso(unix_ms, iso));
}

static void add_notice(struct json_out *out, const struct notice *notice, const struct json *before,
                       int64_t now_ms)
{
    char iso[CLOCK_ISO_BYTES];
    const char *first = json_string(json_get(before, "first"));
    int64_t count = 0;

    (void)json_int(json_get(before, "count"), &count);
    json_begin(out, NULL, '{');
    json_add_string(out, "op", notice->op);
    add_date(out, "deprecated_at", notice->deprecated_ms);
    add_date(out, "sunset_at", notice->sunset_ms);
    json_add_string(out, "link", notice->link[0] != '\0' ? notice->link : NULL);
    json_add_int(out, "count", count + notice->count);
    json_add_string(out, "first", first != NULL ? first : clock_iso(now_ms, iso));
    json_add_string(out, "last", clock_iso(now_ms, iso));
    json_end(out, '}');
}

static const struct json *entry_of(const struct json *list, const char *op)
{
    for (const struct json *entry = json_first(list); entry != NULL; entry = json_next(entry))
        if (str_eq(json_string(json_get(entry, "op")), op))
            return entry;
    return NULL;
}

/* What the cache holds, with our counts added. */
static void merge(const struct notices *notices, const struct json *list, int64_t now_ms, struct buf *text)
{
    struct json_out out;

    json_out_init(&out, text);
    json_begin(&out, NULL, '[');
    for (size_t i = 0; i < notices->count; i++)
        add_notice(&out, &notices->at[i], entry_of(list, notices->at[i].op), now_ms);
    for (const struct json *entry = json_first(list); entry != NULL; entry = json_next(entry)) {
        struct buf raw;
        bool is_ours = false;

        for (size_t i = 0; i < notices->count; i++)
            is_ours |= str_eq(json_string(json_get(entry, "op")), notices->at[i].op);
        if (is_ours)
            continue;
        buf_init(&raw, CACHE_BYTES_MAX);
        json_print(entry, &raw);
        json_add_raw(&out, NULL, raw.data, raw.len);
        buf_release(&raw);
    }
    json_end(&out, ']');
}

/* 0 where the cache holds all now. Nobody waits: another process that holds the lock is done in a moment. */
static int store(const struct notices *notices, struct cache *cache, int64_t now_ms)
{
    struct err ignored = ERR_INIT;
    struct json *list = NULL;
    struct buf text;
    int64_t age_ms;
    int rc = -1;

    if (cache_lock(cache, NOTICE_CACHE_NAME, LOCK_MS, &ignored) != 1)
        return -1;
    buf_init(&text, CACHE_BYTES_MAX);
    if (cache_get(cache, NOTICE_CACHE_NAME, &text, &age_ms, &ignored) == 1)
        (void)!json_parse(text.data, text.len, &list, &ignored);
    buf_reset(&text);
    merge(notices, list, now_ms, &text);
    if (buf_check(&text, NOTICE_CACHE_NAME, &ignored) == 0)
        rc = cache_set(cache, NOTICE_CACHE_NAME, text.data, text.len, NOTICE_KEEP_MS, &ignored);
    (void)!cache_unlock(cache, NOTICE_CACHE_NAME, &ignored);
    json_free(list);
    buf_release(&text);
    return rc;
}

static void describe(const struct notice *notice, struct buf *text)
{
    char iso[CLOCK_ISO_BYTES];

    buf_addf(text, "%s is deprecated", notice->op);
    if (notice->deprecated_ms != 0)
        buf_addf(text, " (%s)", clock_iso(notice->deprecated_ms, iso));
    if (notice->sunset_ms != 0)
        buf_addf(text, "; it ends %s", clock_iso(notice->sunset_ms, iso));
    if (notice->link[0] != '\0')
        buf_addf(text, "; see %s", notice->link);
}

/* A lock that is left to run out is the shared "not again within the hour". */
static void warn_once(const struct notice *notice, struct cache *cache,
                      void (*warn)(void *user, const char *event, const char *text), void *user)
{
    struct err ignored = ERR_INIT;
    char name[96];
    struct buf text;

    snprintf(name, sizeof(name), "deprecation-warned-%s", notice->op);
    if (cache_lock(cache, name, NOTICE_EVERY_MS, &ignored) != 1)
        return;
    buf_init(&text, ERR_TEXT_MAX);
    describe(notice, &text);
    warn(user, "api_deprecated", text.data);
    buf_release(&text);
}

void notice_flush(struct notices *notices, struct cache *cache, int64_t now_ms, int64_t boot_ms,
                  void (*warn)(void *user, const char *event, const char *text), void *user)
{
    bool has_any = false;

    for (size_t i = 0; i < notices->count; i++)
        has_any |= notices->at[i].count > 0;
    if (!has_any || (!notices->is_new && boot_ms - notices->flushed_ms < FLUSH_EVERY_MS))
        return;
    for (size_t i = 0; i < notices->count && warn != NULL; i++)
        if (notices->at[i].count > 0)
            warn_once(&notices->at[i], cache, warn, user);
    notices->flushed_ms = boot_ms;
    if (store(notices, cache, now_ms) != 0)
        return; /* counted still, and handed on with the next */
    for (size_t i = 0; i < notices->count; i++)
        notices->at[i].count = 0;
    notices->is_new = false;
}
