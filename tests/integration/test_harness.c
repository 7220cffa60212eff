/* The harness itself: what it says of processes and of Redis is true, since other tests are believed for it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/proc.h"
#include "harness/redis_server.h"

static void tells_how_a_child_ended(void **state)
{
    static const struct {
        const char *what, *script;
        int want;
    } rows[] = {
        { "exit status", "exit 7", 7 },
        { "a signal", "kill -9 $$", 137 },
        { "the environment given", "test \"$GIVEN\" = yes", 0 },
        { "the environment taken away", "test -z \"${HOME+set}\"", 0 },
    };
    static const char *const env[] = { "GIVEN=yes", "HOME", NULL };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const argv[] = { "sh", "-c", rows[i].script, NULL };
        struct err err = ERR_INIT;
        int got = proc_run(&(struct proc_options){ .argv = argv, .env = env }, 10000, &err);

        if (got != rows[i].want)
            fail_msg("%s: %d instead of %d %s", rows[i].what, got, rows[i].want, err.text);
    }
}

static void tells_what_does_not_start(void **state)
{
    const char *const argv[] = { "/nonexistent/program", NULL };
    struct err err = ERR_INIT;
    struct proc proc;

    (void)state;
    assert_int_equal(proc_spawn(&proc, &(struct proc_options){ .argv = argv }, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/program"));
}

static void holds_a_deadline(void **state)
{
    const char *const argv[] = { "sh", "-c", "trap '' TERM; exec sleep 60", NULL };
    struct err err = ERR_INIT;
    struct proc proc;

    (void)state;
    assert_int_equal(proc_spawn(&proc, &(struct proc_options){ .argv = argv }, &err), 0);
    assert_int_equal(proc_wait(&proc, 50), 0);
    assert_int_equal(proc_status(&proc), -1);
    proc_kill(&proc);
    assert_int_equal(proc_status(&proc), 128 + SIGKILL);
}

static void keeps_data_over_a_kill(void **state)
{
    static const char *const config[] = { "maxmemory 64mb", NULL };
    struct redis_server server;
    struct err err = ERR_INIT;
    struct buf reply;

    (void)state;
    buf_init(&reply, 4096);
    if (redis_server_start(&server, config, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(redis_server_number(&server, "RPUSH list one two"), 2);
    redis_server_kill(&server);
    assert_int_equal(redis_server_number(&server, "LLEN list"), -1);
    if (redis_server_restart(&server, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(redis_server_ask(&server, "LRANGE list 0 -1", &reply, &err), 0);
    assert_string_equal(reply.data, "one\ntwo");
    buf_reset(&reply);
    assert_int_equal(redis_server_ask(&server, "CONFIG GET maxmemory", &reply, &err), 0);
    assert_string_equal(reply.data, "maxmemory\n67108864");
    buf_reset(&reply);
    assert_int_equal(redis_server_ask(&server, "LLEN", &reply, &err), -1);
    assert_int_equal(err.code, ERR_REDIS_REPLY);
    assert_int_equal(redis_server_halt(&server), 0);
    redis_server_stop(&server);
    assert_int_not_equal(access(server.config, F_OK), 0);
    buf_release(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_a_child_ended),
        cmocka_unit_test(tells_what_does_not_start),
        cmocka_unit_test(holds_a_deadline),
        cmocka_unit_test(keeps_data_over_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
