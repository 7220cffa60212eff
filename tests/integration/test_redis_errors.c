/* What Redis itself refuses or takes away under a run, and gives back: nothing lost, named, nobody busy. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/redis_faults.h"

#define DEVICES  300
#define WATCH_MS 1500

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* At maxmemory a push waits, and what has come drains. */
static void full(struct redis_faults *faults)
{
    struct desk *desk = &faults->pipeline.desk;
    struct proc push;
    const char *csv;
    char command[64];

    redis_faults_load(faults, DEVICES);
    csv = pipeline_csv(&faults->pipeline, "full.csv", "FULL", 50);
    snprintf(command, sizeof(command), "CONFIG SET maxmemory %d", 1000 * 1000);
    redis_faults_tell(faults, command);
    desk_begin(desk, &push, "push", "--input", csv, "--run", "full", NULL);
    if (!desk_says(desk, "waiting: Redis is full"))
        fail_msg("push does not tell that Redis is full");
    redis_faults_release(faults);
    redis_faults_end(faults, "OOM: what came drains");
    assert_false(proc_wait(&push, 0));
    desk_begin(desk, &push, "status", NULL); /* the push goes on beside it */
    assert_int_equal(desk_wait(desk, &push), 0);
    assert_non_null(strstr(desk->out.data, "Redis is at maxmemory"));
    redis_faults_tell(faults, "CONFIG SET maxmemory 0");
    assert_true(pipeline_wait_state(&faults->pipeline, "full", "closed", 30000));
}

static void read_only(struct redis_faults *faults)
{
    redis_faults_load(faults, DEVICES);
    redis_faults_release(faults);
    redis_faults_tell(faults, "REPLICAOF 127.0.0.1 1");
    redis_faults_expect_logged(faults, "REPLICAOF NO ONE");
    redis_faults_expect_status(faults, "that Redis is a replica", NULL);
    redis_faults_watch(faults, WATCH_MS);
    redis_faults_tell(faults, "REPLICAOF NO ONE");
    redis_faults_end(faults, "READONLY: became a replica");
}

/* Somebody's script that never ends: the connection of who started it is given up, the script runs on. */
static void start_endless_script(struct redis_faults *faults)
{
    struct redis_settings settings = { .url = faults->pipeline.desk.server.url, .timeout_ms = 100 };
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct redis *redis;

    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    assert_int_equal(redis_callv(redis, &reply, &err, "EVAL", "while true do end", "0", NULL), -1);
    assert_int_equal(err.code, ERR_REDIS_LOST);
    redis_free(redis);
}

/* SCRIPT KILL is obeyed a moment later. */
static bool serves(void *user)
{
    struct redis_faults *faults = user;
    struct err err = ERR_INIT;
    struct buf out;
    int rc;

    buf_init(&out, 4096);
    rc = redis_server_ask(&faults->pipeline.desk.server, "PING", &out, &err);
    buf_release(&out);
    return rc == 0;
}

static void busy(struct redis_faults *faults)
{
    redis_faults_tell(faults, "CONFIG SET busy-reply-threshold 50");
    redis_faults_load(faults, DEVICES);
    redis_faults_watch_begin(faults);
    start_endless_script(faults);
    redis_faults_expect_logged(faults, "SCRIPT KILL");
    redis_faults_expect_status(faults, "SCRIPT KILL", NULL);
    redis_faults_let_pass(WATCH_MS);
    redis_faults_tell(faults, "SCRIPT KILL");
    assert_true(proc_until(serves, faults, 5000));
    redis_faults_watch_end(faults);
    redis_faults_release(faults);
    redis_faults_end(faults, "BUSY: an endless script");
}

static bool has_closed(void *user)
{
    struct redis_faults *faults = user;

    return pipeline_wait_state(&faults->pipeline, faults->run, "closed", 0);
}

static bool flushes_until_closed(void *user)
{
    redis_faults_tell(user, "SCRIPT FLUSH");
    return has_closed(user);
}

static void no_script(struct redis_faults *faults)
{
    redis_faults_load(faults, 2 * DEVICES);
    redis_faults_tell(faults, "SCRIPT FLUSH");
    redis_faults_release(faults);
    assert_true(proc_until(flushes_until_closed, faults, 60000));
    redis_faults_end(faults, "NOSCRIPT: SCRIPT FLUSH all along");
}

static void kill_clients(struct redis_faults *faults)
{
    redis_reply_free(
        desk_ask(&faults->pipeline.desk, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL));
}

static bool kills_some(void *user)
{
    kill_clients(user);
    return has_closed(user) || clock_boot_ms() > ((struct redis_faults *)user)->boot_ms + 3000;
}

static void killed_clients(struct redis_faults *faults)
{
    redis_faults_load(faults, 2 * DEVICES);
    redis_faults_release(faults);
    faults->boot_ms = clock_boot_ms();
    (void)proc_until(kills_some, faults, 60000);
    redis_faults_end(faults, "CLIENT KILL all along");
}

/* The dump's name is a folder's: no BGSAVE succeeds, as on a full disk. */
static void no_disk(struct redis_faults *faults)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/dump.rdb", faults->pipeline.desk.server.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    redis_faults_load(faults, DEVICES);
    redis_faults_tell(faults, "CONFIG SET save \"3600 1000000\"");
    redis_faults_release(faults);
    redis_faults_tell(faults, "BGSAVE");
    redis_faults_expect_logged(faults, "cannot write to its disk");
    redis_faults_expect_status(faults, "cannot write to its disk", NULL);
    redis_faults_watch(faults, WATCH_MS);
    assert_int_equal(rmdir(path), 0);
    redis_faults_tell(faults, "BGSAVE");
    redis_faults_end(faults, "MISCONF: no disk for a dump");
    redis_faults_tell(faults, "CONFIG SET save \"\"");
}

static void no_password(struct redis_faults *faults)
{
    struct desk *desk = &faults->pipeline.desk;

    redis_faults_load(faults, DEVICES);
    redis_faults_watch_begin(faults);
    redis_reply_free(desk_ask(desk, "CONFIG", "SET", "requirepass", "secret", NULL));
    kill_clients(faults);
    redis_reply_free(desk_ask(desk, "DEL", "@pause:validate", NULL));
    redis_faults_expect_logged(faults, "NOAUTH");
    redis_faults_expect_status(faults, "NOAUTH", NULL);
    redis_faults_let_pass(WATCH_MS);
    redis_reply_free(desk_ask(desk, "CONFIG", "SET", "requirepass", "", NULL));
    redis_faults_watch_end(faults);
    redis_faults_end(faults, "NOAUTH: requirepass set");
}

/* The data is made to load slowly; who watches the status waits for it as the workers do. */
static void loading(struct redis_faults *faults)
{
    struct desk *desk = &faults->pipeline.desk;
    struct err err = ERR_INIT;
    struct proc watch;
    FILE *config;

    redis_faults_load(faults, DEVICES);
    redis_faults_tell(faults, "EVAL \"for i=1,3000 do redis.call('SET','pad:'..i,i) end\" 0");
    config = fopen(desk->server.config, "a");
    assert_non_null(config);
    fprintf(config, "key-load-delay 200\nloading-process-events-interval-bytes 1024\n");
    assert_int_equal(fclose(config), 0);
    desk_begin(desk, &watch, "status", "--watch", "--every", "100ms", NULL);
    assert_true(desk_says(desk, "validate"));
    redis_faults_release(faults);
    redis_server_kill(&desk->server);
    must(redis_server_restart(&desk->server, &err), &err);
    redis_disconnect(desk->redis);
    redis_faults_tell(faults, "CONFIG SET key-load-delay 0");
    redis_faults_expect_logged(faults, "Redis still loads its data");
    assert_true(desk_says(desk, "LOADING"));
    assert_int_equal(proc_stop(&watch, 5000), 0);
    redis_faults_end(faults, "LOADING: a slow restart");
}

static void loses_nothing_to_what_the_server_refuses(void **state)
{
    struct redis_faults faults;

    (void)state;
    redis_faults_start(&faults, TEST_BIN, false);
    full(&faults);
    read_only(&faults);
    busy(&faults);
    no_script(&faults);
    killed_clients(&faults);
    no_disk(&faults);
    no_password(&faults);
    loading(&faults);
    pipeline_assert_clean(&faults.pipeline);
    redis_faults_stop(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(loses_nothing_to_what_the_server_refuses) };

    unsetenv("TEST_REDIS"); /* what one server is told; the nodes of a cluster would be told one by one */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
