/* Whom the sentinels name, and what is said where they name nobody, or the wrong one. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "harness/redis_group.h"
#include "queue/redis.h"

#define PASSWORD "hunter2"

struct scene {
    struct redis_server server; /* with a replica and three sentinels */
    struct proc own;            /* a sentinel of the test's own */
    char dir[64];
    int own_port, closed_port;
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* One more sentinel, which wants a password, and takes the replica for the primary of `wrong`. */
static void start_own(struct scene *scene)
{
    struct err err = ERR_INIT;
    char path[128], text[1024];

    must(proc_temp_dir("sentinel", scene->dir, sizeof(scene->dir), &err), &err);
    scene->own_port = proc_free_port(&err);
    scene->closed_port = proc_free_port(&err);
    snprintf(path, sizeof(path), "%s/own.conf", scene->dir);
    snprintf(text, sizeof(text),
             "port %d\nbind 127.0.0.1\ndir %s\nlogfile %s/log\nrequirepass %s\n"
             "sentinel monitor right 127.0.0.1 %d 1\nsentinel monitor wrong 127.0.0.1 %d 1\n",
             scene->own_port, scene->dir, scene->dir, PASSWORD, scene->server.port,
             scene->server.group->replica->port);
    must(fsio_write(path, text, strlen(text), 0600, &err), &err);
    must(redis_server_spawn(&scene->own, path, "--sentinel", &err), &err);
}

static int try_connect(const struct redis_settings *settings, struct err *err)
{
    struct redis *redis;
    int rc;

    must(redis_new(settings, &redis, err), err);
    rc = redis_connect(redis, err);
    redis_free(redis);
    return rc;
}

struct arrival {
    struct redis_settings settings;
    struct err err;
};

static bool has_arrived(void *user)
{
    struct arrival *arrival = user;

    err_reset(&arrival->err);
    return try_connect(&arrival->settings, &arrival->err) == 0;
}

static int start(void **state)
{
    static struct scene scene;
    struct arrival arrival = { .err = ERR_INIT };
    struct err err = ERR_INIT;
    char url[64];

    memset(&scene, 0, sizeof(scene));
    *state = &scene;
    must(redis_server_start(&scene.server, NULL, &err), &err);
    start_own(&scene);
    snprintf(url, sizeof(url), "sentinel://127.0.0.1:%d/right", scene.own_port);
    arrival.settings = (struct redis_settings){ .url = url, .sentinel_password = PASSWORD };
    if (!proc_until(has_arrived, &arrival, 20000))
        fail_msg("the sentinel does not serve: %s", arrival.err.text);
    return 0;
}

static int stop(void **state)
{
    struct scene *scene = *state;

    proc_kill(&scene->own);
    proc_remove_dir(scene->dir);
    redis_server_stop(&scene->server);
    return 0;
}

static void says_who_is_missing(void **state)
{
    struct scene *scene = *state;
    const int sentinel = atoi(strchr(scene->server.url + strlen("sentinel://"), ':') + 1);
    const struct {
        const char *what;
        int ports[2]; /* 0: one sentinel alone */
        const char *name, *username, *password;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "a sentinel that knows it", { sentinel, 0 }, "tests", NULL, NULL, ERR_NONE, "" },
        { "the first is down", { scene->closed_port, sentinel }, "tests", NULL, NULL, ERR_NONE, "" },
        { "the first wants a log-in", { scene->own_port, sentinel }, "tests", NULL, NULL, ERR_NONE, "" },
        { "all are down",
          { scene->closed_port, 0 },
          "tests",
          NULL,
          NULL,
          ERR_REDIS_UNREACHABLE,
          "cannot reach Redis at sentinel 127.0.0.1:" },
        { "another name",
          { sentinel, 0 },
          "jobs",
          NULL,
          NULL,
          ERR_REDIS_UNREACHABLE,
          "knows no primary named 'jobs': correct redis.url" },
        { "no password",
          { scene->own_port, 0 },
          "right",
          NULL,
          NULL,
          ERR_REDIS_AUTH,
          "redis.sentinel_password" },
        { "a wrong password",
          { scene->own_port, 0 },
          "right",
          NULL,
          "hunter3",
          ERR_REDIS_AUTH,
          "refuses the log-in: WRONGPASS" },
        { "the password", { scene->own_port, 0 }, "right", NULL, PASSWORD, ERR_NONE, "" },
        { "the user, too", { scene->own_port, 0 }, "right", "default", PASSWORD, ERR_NONE, "" },
        { "a replica for the primary",
          { scene->own_port, 0 },
          "wrong",
          NULL,
          PASSWORD,
          ERR_REDIS_UNREACHABLE,
          "says it is a replica: a failover is under way" },
        { "one is wrong, the next is not",
          { scene->own_port, sentinel },
          "wrong",
          NULL,
          PASSWORD,
          ERR_REDIS_UNREACHABLE,
          "says it is a replica" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_settings settings = { .sentinel_username = rows[i].username,
                                           .sentinel_password = rows[i].password };
        struct err err = ERR_INIT;
        char url[128], second[32] = "";
        int rc;

        if (rows[i].ports[1] != 0)
            snprintf(second, sizeof(second), ",127.0.0.1:%d", rows[i].ports[1]);
        snprintf(url, sizeof(url), "sentinel://127.0.0.1:%d%s/%s", rows[i].ports[0], second, rows[i].name);
        settings.url = url;
        rc = try_connect(&settings, &err);
        if ((rc == 0) != (rows[i].code == ERR_NONE) || err.code != rows[i].code ||
            strstr(err.text, rows[i].want) == NULL || strstr(err.text, "hunter") != NULL)
            fail_msg("%s: %d, %s: %s", rows[i].what, rc, err_wire(err.code), err.text);
    }
}

/* One pass over them all, and the one that served is asked first the next time. */
static void comes_back_after_a_failover(void **state)
{
    struct scene *scene = *state;
    struct redis_settings settings = { .url = scene->server.url };
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct redis *redis;
    char was[128];

    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    snprintf(was, sizeof(was), "%s", redis_identity(redis));
    must(redis_server_fail_over(&scene->server, &err), &err);
    assert_int_equal(redis_callv(redis, &reply, &err, "PING", NULL), -1);
    assert_int_equal(err.code, ERR_REDIS_LOST);
    assert_non_null(strstr(err.text, "sentinel://"));
    err_reset(&err);
    for (int i = 0; i < 400 && redis_connect(redis, &err) != 0; i++) {
        assert_int_equal(err.code, ERR_REDIS_UNREACHABLE); /* they name the dead one a little longer */
        err_reset(&err);
        (void)proc_wait(&scene->own, 50);
    }
    must(redis_callv(redis, &reply, &err, "SET", "k", "v", NULL), &err);
    redis_reply_free(reply);
    assert_string_not_equal(redis_identity(redis), was);
    redis_free(redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_who_is_missing, start, stop),
        cmocka_unit_test_setup_teardown(comes_back_after_a_failover, start, stop),
    };

    setenv("TEST_REDIS", "sentinel", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
