#include "harness/check.h"

#include <string.h>

#include "queue/redis_url.h"

static void takes_every_form_apart(void **state)
{
    static const struct {
        const char *url;
        enum redis_url_kind kind;
        bool is_tls;
        size_t count;
        struct redis_place first, last;
        const char *path, *name;
        int db;
    } rows[] = {
        { "redis://", REDIS_URL_SERVER, false, 1, { "127.0.0.1", 6379 }, { "127.0.0.1", 6379 }, "", "", 0 },
        { "redis://h", REDIS_URL_SERVER, false, 1, { "h", 6379 }, { "h", 6379 }, "", "", 0 },
        { "redis://h:1/2", REDIS_URL_SERVER, false, 1, { "h", 1 }, { "h", 1 }, "", "", 2 },
        { "redis://:1/", REDIS_URL_SERVER, false, 1, { "127.0.0.1", 1 }, { "127.0.0.1", 1 }, "", "", 0 },
        { "rediss://[::1]:7/3", REDIS_URL_SERVER, true, 1, { "::1", 7 }, { "::1", 7 }, "", "", 3 },
        { "redis://[fe80::1]",
          REDIS_URL_SERVER,
          false,
          1,
          { "fe80::1", 6379 },
          { "fe80::1", 6379 },
          "",
          "",
          0 },
        { "unix:///run/r.sock", REDIS_URL_UNIX, false, 0, { "", 0 }, { "", 0 }, "/run/r.sock", "", 0 },
        { "unix:///r.sock?db=4", REDIS_URL_UNIX, false, 0, { "", 0 }, { "", 0 }, "/r.sock", "", 4 },
        { "sentinel://a/m", REDIS_URL_SENTINEL, false, 1, { "a", 26379 }, { "a", 26379 }, "", "m", 0 },
        { "sentinels://a:1,b,[::2]:3/jobs/5",
          REDIS_URL_SENTINEL,
          true,
          3,
          { "a", 1 },
          { "::2", 3 },
          "",
          "jobs",
          5 },
        { "cluster://a,b:2", REDIS_URL_CLUSTER, false, 2, { "a", 6379 }, { "b", 2 }, "", "", 0 },
        { "clusters://a:1/0", REDIS_URL_CLUSTER, true, 1, { "a", 1 }, { "a", 1 }, "", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct redis_url url;

        if (redis_url_parse(rows[i].url, &url, &err) != 0)
            fail_msg("%s: %s", rows[i].url, err.text);
        if (url.kind != rows[i].kind || url.is_tls != rows[i].is_tls || url.place_count != rows[i].count ||
            url.db != rows[i].db || strcmp(url.path, rows[i].path) != 0 ||
            strcmp(url.name, rows[i].name) != 0)
            fail_msg("%s: kind %d, TLS %d, %zu places, db %d, path '%s', name '%s'", rows[i].url, url.kind,
                     url.is_tls, url.place_count, url.db, url.path, url.name);
        if (url.place_count > 0 && (!redis_place_equal(&url.places[0], &rows[i].first) ||
                                    !redis_place_equal(&url.places[url.place_count - 1], &rows[i].last)))
            fail_msg("%s: '%s' %d, '%s' %d", rows[i].url, url.places[0].host, url.places[0].port,
                     url.places[url.place_count - 1].host, url.places[url.place_count - 1].port);
    }
}

static void refuses_what_is_none_and_shows_nothing(void **state)
{
    static const struct {
        const char *url, *want;
    } rows[] = {
        { "", "begins with none of" },
        { "http://hunter2", "begins with none of" },
        { "unixs:///hunter2", "begins with none of" },
        { "redis://u:hunter2@h", "user and password belong in redis.username" },
        { "redis://h:0", "redis://host:port/db" },
        { "redis://h:65536", "redis://host:port/db" },
        { "redis://h:1x", "redis://host:port/db" },
        { "redis://::1", "redis://host:port/db" },
        { "redis://[::1", "redis://host:port/db" },
        { "redis://[::1]x", "redis://host:port/db" },
        { "redis://a,b", "redis://host:port/db" },
        { "redis://h/x", "redis://host:port/db" },
        { "redis://h/65536", "redis://host:port/db" },
        { "unix://hunter2", "unix:///path?db=N" },
        { "unix:///x?hunter2", "unix:///path?db=N" },
        { "sentinel://a,b", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel://a,b/", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel:///m", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel://a,,b/m", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel://a,/m", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel://a/m/x", "sentinel://host:port,host:port/NAME/db" },
        { "sentinel://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a/m", "sentinel://host:port,host:port/NAME/db" },
        { "cluster://a,b/1", "cluster://host:port,host:port" },
        { "cluster://,a", "cluster://host:port,host:port" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct redis_url url;

        if (redis_url_parse(rows[i].url, &url, &err) == 0)
            fail_msg("'%s' was taken", rows[i].url);
        if (err.code != ERR_SETTINGS || strstr(err.text, rows[i].want) == NULL ||
            strstr(err.text, "hunter2") != NULL)
            fail_msg("'%s': %s", rows[i].url, err.text);
    }
}

/* As MOVED and CLUSTER SLOTS have it. */
static void reads_a_place(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        { "127.0.0.1:6381", "127.0.0.1", 6381 },
        { "::1:6381", "::1", 6381 },
        { "[::1]:6381", "::1", 6381 },
        { "a.example:1", "a.example", 1 },
        { ":6382", "asked", 6382 },
        { "6382", NULL, 0 },
        { "h:", NULL, 0 },
        { "h:0", NULL, 0 },
        { "h:99999", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_place place = { "asked", 1 };
        int rc = redis_place_parse(rows[i].text, strlen(rows[i].text), &place);

        if ((rc == 0) != (rows[i].host != NULL) ||
            (rc == 0 && (strcmp(place.host, rows[i].host) != 0 || place.port != rows[i].port)))
            fail_msg("%s: %d, '%s' %d", rows[i].text, rc, place.host, place.port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_form_apart),
        cmocka_unit_test(refuses_what_is_none_and_shows_nothing),
        cmocka_unit_test(reads_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
