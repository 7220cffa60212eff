#include "fixture.h"

#include "abm/notice.h"

#define NOW INT64_C(1795508258000) /* 2026-11-24 */

static void reads_what_is_said(void **state)
{
    static const struct {
        const char *what, *deprecation, *sunset, *link;
        bool is_said;
        int64_t deprecated_ms, sunset_ms;
        const char *at;
    } rows[] = {
        { "nothing", NULL, NULL, NULL, false, 0, 0, "" },
        { "RFC 9745", "@1688169599", NULL, NULL, true, INT64_C(1688169599000), 0, "" },
        { "an HTTP date, as older servers say", "Sun, 06 Nov 1994 08:49:37 GMT", NULL, NULL, true,
          INT64_C(784111777000), 0, "" },
        { "true, as older servers say", "true", NULL, NULL, true, 0, 0, "" },
        { "garbage is said all the same", "@x", NULL, NULL, true, 0, 0, "" },
        { "sunset", NULL, "Sun, 06 Nov 1994 08:49:37 GMT", NULL, true, 0, INT64_C(784111777000), "" },
        { "an unreadable sunset", NULL, "soon", NULL, false, 0, 0, "" },
        { "a link", NULL, NULL, "<https://a/x>; rel=next, <https://a/d>; rel=\"deprecation\"", true, 0, 0,
          "https://a/d" },
        { "another link", NULL, NULL, "<https://a/x>; rel=next", false, 0, 0, "" },
        { "a hostile link", NULL, NULL, "<https://a/\x1b[31m>; rel=deprecation", true, 0, 0,
          "https://a/\\x1b[31m" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_answer_headers got = { .deprecation = (char *)(uintptr_t)rows[i].deprecation,
                                           .sunset = (char *)(uintptr_t)rows[i].sunset,
                                           .link = (char *)(uintptr_t)rows[i].link };
        struct notice notice;
        bool is_said = notice_parse(&got, NOW, &notice);

        if (is_said != rows[i].is_said || notice.deprecated_ms != rows[i].deprecated_ms ||
            notice.sunset_ms != rows[i].sunset_ms || strcmp(notice.link, rows[i].at) != 0)
            fail_msg("%s: %d %lld %lld \"%s\"", rows[i].what, is_said, (long long)notice.deprecated_ms,
                     (long long)notice.sunset_ms, notice.link);
    }
}

static void cached(struct fixture *f, char *text, size_t size)
{
    struct buf value;
    int64_t age_ms;

    buf_init(&value, 1u << 20);
    assert_int_equal(cache_get(&f->cache.cache, NOTICE_CACHE_NAME, &value, &age_ms, &f->err), 1);
    snprintf(text, size, "%s", value.data);
    buf_release(&value);
}

static void see(struct notices *notices, const char *op, const char *deprecation)
{
    struct http_answer_headers got = { .deprecation = (char *)(uintptr_t)deprecation };

    notice_see(notices, op, &got, NOW);
}

static void flush(struct fixture *f, struct notices *notices, int64_t boot_ms)
{
    notice_flush(notices, &f->cache.cache, NOW, boot_ms, fixture_warn, f);
}

static void respond_nothing(void *user, struct http_request *request, size_t index)
{
    (void)user, (void)index;
    fake_answer(request, 200, "{\"data\":[],\"links\":{}}");
}

static void warns_once_an_hour_for_all_and_counts(void **state)
{
    struct notices one = { .count = 0 }, other = { .count = 0 };
    static struct fixture f;
    char text[1024];

    (void)state;
    fixture_init(&f, respond_nothing);
    flush(&f, &one, 1000000);
    assert_int_equal(f.cache.locks, 0); /* nothing was said */
    see(&one, "putAssignment", "@1688169599");
    see(&one, "putAssignment", "@1688169599");
    flush(&f, &one, 1000000);
    assert_int_equal(f.warnings, 1);
    assert_string_equal(f.warned, "api_deprecated: putAssignment is deprecated (2023-06-30T23:59:59.000Z)");
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(
        text, "\"op\":\"putAssignment\",\"deprecated_at\":\"2023-06-30T23:59:59.000Z\",\"sunset_at\":null"));
    assert_non_null(strstr(text, "\"count\":2"));

    /* The same in another process: counted on top, not warned of again. */
    see(&other, "putAssignment", "@1688169599");
    flush(&f, &other, 1000000);
    assert_int_equal(f.warnings, 1);
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(text, "\"count\":3"));

    /* More of it is handed on once a minute; another operation at once, and it leaves the first in the list.
     */
    see(&one, "putAssignment", "@1688169599");
    flush(&f, &one, 1000001);
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(text, "\"count\":3"));
    see(&other, "listBlueprints", "true");
    flush(&f, &other, 1000002);
    assert_int_equal(f.warnings, 2);
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(text, "\"count\":3"));
    assert_non_null(strstr(text, "listBlueprints"));
    flush(&f, &one, 1070000);
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(text, "\"count\":4"));
    assert_non_null(strstr(text, "listBlueprints"));

    /* After an hour: again. */
    f.cache.now_ms += NOTICE_EVERY_MS + 1;
    see(&one, "putAssignment", "@1688169599");
    flush(&f, &one, 9000000);
    assert_int_equal(f.warnings, 3);
    fixture_release(&f);
}

static void a_cache_that_fails_only_makes_it_later(void **state)
{
    struct notices notices = { .count = 0 };
    static struct fixture f;
    char text[1024];

    (void)state;
    fixture_init(&f, respond_nothing);
    see(&notices, "putAssignment", "@1");
    f.cache.fail_after = 0;
    flush(&f, &notices, 1000);
    assert_int_equal(f.warnings, 0);
    f.cache.fail_after = -1;
    flush(&f, &notices, 1001);
    assert_int_equal(f.warnings, 1);
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(text, "\"count\":1"));
    fixture_release(&f);
}

static void respond_deprecated(void *user, struct http_request *request, size_t index)
{
    respond_nothing(user, request, index);
    request->got.deprecation = strdup("@1688169599");
    request->got.sunset = strdup("Sun, 06 Nov 2044 08:49:37 GMT");
    request->got.link = strdup("<https://developer.example/end>; rel=\"deprecation\"");
}

static void every_answer_of_the_api_is_looked_at(void **state)
{
    static struct fixture f;
    char text[1024];

    (void)state;
    fixture_init(&f, respond_deprecated);
    fixture_devices(&f, 1);
    assert_int_equal(abm_read(f.client, f.items, 1, f.pool, &f.err), 0);
    assert_int_equal(f.warnings, 1);
    assert_string_equal(f.warned,
                        "api_deprecated: listAssignments is deprecated (2023-06-30T23:59:59.000Z); it ends "
                        "2044-11-06T08:49:37.000Z; see https://developer.example/end");
    cached(&f, text, sizeof(text));
    assert_non_null(strstr(
        text, "\"sunset_at\":\"2044-11-06T08:49:37.000Z\",\"link\":\"https://developer.example/end\""));
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_said),
        cmocka_unit_test(warns_once_an_hour_for_all_and_counts),
        cmocka_unit_test(a_cache_that_fails_only_makes_it_later),
        cmocka_unit_test(every_answer_of_the_api_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
