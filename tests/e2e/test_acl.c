/* The least that Redis must allow, as config/users.acl says it: the whole pipeline under the one user, all
 * that an operator does under the other, and nothing else is allowed to either. */
#include "harness/check.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/pipeline.h"

#define PASSWORD "hunter2"
#define DEVICES  300

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* Sends a "user NAME RULES" of the file, with a password of the test's own. */
static void set_user(const struct redis_server *server, const char *line, size_t len)
{
    const char *hash = memmem(line, len, ">REPLACE-ME", 11);
    struct err err = ERR_INIT;
    struct buf command, out;

    buf_init(&command, 16384);
    buf_init(&out, 4096);
    assert_non_null(hash);
    buf_addf(&command, "ACL SETUSER %.*s>" PASSWORD "%.*s", (int)(hash - line) - 5, line + 5,
             (int)(line + len - hash) - 11, hash + 11);
    must(buf_check(&command, "user", &err), &err);
    must(redis_server_ask(server, command.data, &out, &err), &err);
    buf_release(&command);
    buf_release(&out);
}

static void read_users(const struct redis_server *server)
{
    struct err err = ERR_INIT;
    struct buf text;
    int users = 0;

    buf_init(&text, 65536);
    must(fsio_read(TEST_TOP "/config/users.acl", &text, &err), &err);
    for (const char *line = text.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, "user abm-", 9) != 0)
            continue;
        set_user(server, line, strcspn(line, "\n"));
        users++;
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    assert_int_equal(users, 2);
    buf_release(&text);
}

/* Adds all files of a folder that end so. */
static void add_sources(const char *folder, const char *end, struct buf *out)
{
    char path[512];
    struct dirent *entry;
    struct err err = ERR_INIT;
    DIR *dir;

    snprintf(path, sizeof(path), TEST_TOP "/%s", folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (!str_ends(entry->d_name, end))
            continue;
        snprintf(path, sizeof(path), TEST_TOP "/%s/%.200s", folder, entry->d_name);
        must(fsio_read(path, out, &err), &err);
    }
    closedir(dir);
}

/* A command stands in the sources as 'HSET' or "HSET". */
static bool is_named(const struct buf *sources, const char *word, size_t len)
{
    char lua[32] = "'", c[32] = "\"";

    for (size_t i = 0; i < len && i + 3 < sizeof(lua); i++) {
        lua[i + 1] = c[i + 1] = (char)toupper((unsigned char)word[i]);
        lua[i + 2] = c[i + 2] = '\0';
    }
    strcat(lua, "'");
    strcat(c, "\"");
    return strstr(sources->data, lua) != NULL || strstr(sources->data, c) != NULL;
}

static void be(const char *user)
{
    setenv("ABM_REDIS__USERNAME", user, 1);
    setenv("ABM_REDIS__PASSWORD", "env:TEST_PASSWORD", 1);
    setenv("TEST_PASSWORD", PASSWORD, 1);
}

static void ctl(struct desk *desk, int status, const char *a, const char *b, const char *c, const char *d)
{
    desk_expect(desk, desk_ctl(desk, a, b, c, d, NULL), status, NULL, NULL);
    assert_null(strstr(desk->err.data, "NOPERM"));
}

/* Each verb that asks Redis something. */
static void operate(struct desk *desk, const char *csv)
{
    ctl(desk, 0, "pause", "assign", NULL, NULL);
    ctl(desk, 0, "status", NULL, NULL, NULL);
    ctl(desk, 0, "resume", "assign", NULL, NULL);
    desk_expect(desk, desk_ctl(desk, "push", "--input", csv, "--run", "again", NULL), 0, NULL, NULL);
    ctl(desk, 0, "run", "list", NULL, NULL);
    ctl(desk, 0, "cancel", "--run", "again", NULL);
    ctl(desk, 0, "dead", "list", NULL, NULL);
    desk_expect(desk, desk_ctl(desk, "replay", "--all", "--dry-run", NULL), 0, NULL, NULL);
}

static bool has_come_to_import(void *user)
{
    return desk_number(&((struct pipeline *)user)->desk, "HGET", "@count:import", "stream", NULL) == 20;
}

/* What somebody deleted is put back by the operator. */
static void repair(struct pipeline *pipeline, const char *csv)
{
    struct desk *desk = &pipeline->desk;

    assert_int_equal(proc_stop(&pipeline->workers[PIPELINE_IMPORT][0], 20000), 0);
    desk_expect(desk, desk_ctl(desk, "push", "--input", csv, "--run", "lost", NULL), 0, NULL, NULL);
    assert_true(proc_until(has_come_to_import, pipeline, 30000));
    assert_int_equal(desk_number(desk, "DEL", "@import", NULL), 1);
    desk_expect(desk, desk_ctl(desk, "run", "repair", "--run", "lost", "--input", csv, NULL), 0,
                "put back 20 devices", NULL);
    be("abm-worker");
    pipeline_start_worker(pipeline, PIPELINE_IMPORT, 0);
    be("abm-operator");
    assert_true(pipeline_wait_state(pipeline, "lost", "closed", 30000));
}

static void allows_what_the_pipeline_does(void **state)
{
    static const char *const sim[] = { "--propagation", "100", NULL };
    struct pipeline_options options = { .bin = TEST_BIN, .api = "timeout: 1s", .sim_options = sim };
    struct pipeline_result result;
    struct pipeline_push push;
    struct pipeline pipeline;
    struct err err = ERR_INIT;
    const char *csv, *more;

    (void)state;
    pipeline_start(&pipeline, &options);
    read_users(&pipeline.desk.server);
    csv = pipeline_csv(&pipeline, "devices.csv", "C40", DEVICES);
    more = pipeline_csv(&pipeline, "more.csv", "C41", 20);
    be("abm-worker");
    pipeline_start_workers(&pipeline);
    be("abm-operator");
    /* Devices that fail leave letters, and one answer that is cut leaves retries and notes. */
    must(abmsim_set_faults(&pipeline.sim,
                           "[{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":500,\"share\":0.1}]",
                           &err),
         &err);
    pipeline_push_begin(&pipeline, &push, csv, NULL);
    pipeline_push_end(&pipeline, &push, 60000, &result);
    assert_int_equal(result.assigned, DEVICES);
    operate(&pipeline.desk, more);
    ctl(&pipeline.desk, 0, "run", "show", result.run, NULL);
    assert_true(pipeline_wait_state(&pipeline, "again", "cancelled", 30000));
    repair(&pipeline, more);
    pipeline_assert_clean(&pipeline);
    assert_int_equal(pipeline_log_count(&pipeline, "NOPERM"), 0);
    pipeline_stop_workers(&pipeline, 20000);
    pipeline_stop(&pipeline);
}

/* What is read for a plan, and before it is applied, takes slots of the limiter, and waits for them where
 * they are scarce. */
static void allows_a_plan_to_wait_for_its_slots(void **state)
{
    static const char *const sim[] = { "--token", "e2e-token", NULL };
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .rate_limit = "{ requests: 20, per: 1s, burst: 1 }",
                                        .sim_options = sim };
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *csv, *plan;

    (void)state;
    pipeline_start(&pipeline, &options);
    read_users(&desk->server);
    csv = pipeline_csv(&pipeline, "devices.csv", "C40", DEVICES);
    setenv("ABM_TOKEN", "e2e-token", 1);
    be("abm-operator");
    desk_expect(desk, desk_ctl(desk, "plan", "--input", csv, NULL), 0, "300", NULL);
    assert_null(strstr(desk->err.data, "NOPERM"));
    assert_int_equal(desk_number(desk, "HEXISTS", "@limit:default", "turn:abmctl", NULL), 1);
    assert_int_equal(pipeline_stat(&pipeline, "limited"), 0);
    plan = desk_path(desk, "plan.json");
    desk_expect(desk, desk_ctl(desk, "plan", "--input", csv, "-o", plan, NULL), 0, NULL, NULL);
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", plan, "--confirm", NULL), 0, "batches published",
                NULL);
    assert_null(strstr(desk->err.data, "NOPERM"));
    unsetenv("ABM_TOKEN");
    pipeline_stop(&pipeline);
}

static void allows_nothing_else(void **state)
{
    static const char *const commands[] = {
        "FLUSHALL",
        "FLUSHDB",
        "SWAPDB 0 1",
        "CONFIG GET dir",
        "ACL LIST",
        "KEYS *",
        "DEBUG SLEEP 0",
        "SHUTDOWN",
        "MIGRATE 127.0.0.1 1 {abm:acme}:runs 0 10",
        "GET other",
        "XADD {abm:acme}x * f v",
        "REPLICAOF NO ONE",
        "SAVE",
        "MONITOR",
        "CLIENT LIST",
        "SCRIPT FLUSH",
        "DUMP {abm:acme}:runs",
    };
    static const char *const users[] = { "abm-worker", "abm-operator" };
    struct redis_server server;
    struct err err = ERR_INIT;

    (void)state;
    must(redis_server_start(&server, NULL, &err), &err);
    read_users(&server);
    for (size_t u = 0; u < 2; u++) {
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
            char command[256];
            struct buf out;

            snprintf(command, sizeof(command), "ACL DRYRUN %s %s", users[u], commands[i]);
            buf_init(&out, 4096);
            must(redis_server_ask(&server, command, &out, &err), &err);
            if (strcmp(out.data, "OK") == 0)
                fail_msg("%s may %s", users[u], commands[i]);
            buf_release(&out);
        }
    }
    redis_server_stop(&server);
}

/* What no code of ours names any more is to be taken out of the rule, too. */
static void allows_no_command_that_nobody_sends(void **state)
{
    struct err err = ERR_INIT;
    struct buf rules, sources;
    const char *user;
    int count = 0;

    (void)state;
    buf_init(&rules, 65536);
    buf_init(&sources, 64u << 20);
    add_sources("common/queue/lua", ".lua", &sources);
    add_sources("common/queue", ".c", &sources);
    add_sources("common/stage", ".c", &sources);
    add_sources("stages/abmctl", ".c", &sources);
    must(fsio_read(TEST_TOP "/config/users.acl", &rules, &err), &err);
    user = strstr(rules.data, "\nuser abm-");
    assert_non_null(user);
    for (const char *at = strstr(user, " +"); at != NULL; at = strstr(at + 1, " +"), count++) {
        size_t len = strcspn(at + 2, " |\n");
        const char *sub = at + 2 + len;

        if (!is_named(&sources, at + 2, len) ||
            (*sub == '|' && !is_named(&sources, sub + 1, strcspn(sub + 1, " \n"))))
            fail_msg("nobody sends %.*s", (int)strcspn(at + 2, " \n"), at + 2);
    }
    assert_true(count > 60);
    buf_release(&rules);
    buf_release(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allows_what_the_pipeline_does),
        cmocka_unit_test(allows_a_plan_to_wait_for_its_slots),
        cmocka_unit_test(allows_nothing_else),
        cmocka_unit_test(allows_no_command_that_nobody_sends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
