/* What is said of a log-in that a real Redis refuses: why, and never the password. */
#include "harness/check.h"

#include <string.h>

#include "harness/redis_server.h"
#include "queue/redis.h"

#define PASSWORD "correct-horse-battery-staple"

static void never_tells_the_password(void **state)
{
    static const struct {
        const char *what, *config[2], *username;
        enum err_code want;
        const char *says;
    } rows[] = {
        { "another password", { "requirepass other" }, NULL, ERR_REDIS_AUTH, "WRONGPASS" },
        { "an unknown user", { NULL }, "nobody", ERR_REDIS_AUTH, "WRONGPASS" },
        { "no password set", { NULL }, NULL, ERR_REDIS_AUTH, "no password is set there" },
        /* it repeats the arguments of what it does not know */
        { "no AUTH", { "rename-command AUTH \"\"" }, NULL, ERR_REDIS_REPLY, "does not know AUTH" },
        { "no AUTH, with a user",
          { "rename-command AUTH \"\"" },
          "abm",
          ERR_REDIS_REPLY,
          "does not know AUTH" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_settings settings = { .username = rows[i].username, .password = PASSWORD };
        struct redis_server server;
        struct err err = ERR_INIT;
        struct redis *redis;

        if (redis_server_start(&server, rows[i].config, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        settings.url = server.unix_url;
        assert_int_equal(redis_new(&settings, &redis, &err), 0);
        if (redis_connect(redis, &err) != -1 || err.code != rows[i].want ||
            strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, PASSWORD) != NULL)
            fail_msg("%s: %s", rows[i].what, err.text);
        redis_free(redis);
        redis_server_stop(&server);
    }
}

static void never_tells_an_url_that_is_none(void **state)
{
    static const char *const urls[] = {
        "redis://h/0?password=" PASSWORD,
        "unix:///run/r.sock?password=" PASSWORD,
        "redis:" PASSWORD,
        "redis://abm:" PASSWORD "@h",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct redis_settings settings = { .url = urls[i] };
        struct err err = ERR_INIT;
        struct redis *redis;

        if (redis_new(&settings, &redis, &err) == 0)
            fail_msg("%s is taken", urls[i]);
        if (err.code != ERR_SETTINGS || strstr(err.text, PASSWORD) != NULL)
            fail_msg("%s: %s: %s", urls[i], err_wire(err.code), err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_tells_the_password),
        cmocka_unit_test(never_tells_an_url_that_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
