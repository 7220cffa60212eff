/*
 * Known secrets, faults of many kinds, and then a search for those bytes wherever somebody could read them:
 * logs at the level trace, every key of Redis, evidence, dead letters, what abmctl prints, command lines and
 * environments. Each search also looks for something that is there, so that one that sees nothing fails.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/fsio.h"
#include "harness/leaks.h"
#include "harness/pipeline.h"

#define DEVICES 300
#define END_MS  120000

/* base64 of what every JWT of the key KEY1 begins with. */
#define JWT_BEGIN      "eyJhbGciOiJFUzI1NiIsImtpZCI6IktFWTEi"
#define REDIS_PASSWORD "r3dis-pa55word-that-nobody-may-read"

static const char *const own_files[] = { "issuer.p8", "seal.key", "audit.key", "redis.password", NULL };

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void control(struct pipeline *pipeline, const char *path, const char *body)
{
    struct err err = ERR_INIT;

    must(abmsim_control(&pipeline->sim, "POST", path, body, &err), &err);
}

/* Workers log in to Redis as a user of their own; its password is a file's, as all secrets here. */
static void set_up(struct pipeline *pipeline)
{
    static char password_file[300];
    static const char *env[] = { "ABM_REDIS__USERNAME=worker", password_file, NULL };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .issuer = "",
        .log_level = "trace",
        .api = "timeout: 2s",
        .rate_limit = "{ requests: 60, per: 1s, burst: 10 }",
        .stages = "  import: { retry: { attempts: 4, base: 100ms, cap: 500ms } }\n"
                  "  assign: { lease: 5s, retry: { attempts: 4, base: 100ms, cap: 500ms } }\n",
        .copies = { [PIPELINE_IMPORT] = 2, [PIPELINE_ASSIGN] = 3, [PIPELINE_VERIFY] = 2 },
    };

    pipeline_start(pipeline, &options);
    snprintf(password_file, sizeof(password_file), "ABM_REDIS__PASSWORD=file:%s",
             desk_file(&pipeline->desk, "redis.password", REDIS_PASSWORD, strlen(REDIS_PASSWORD)));
    redis_reply_free(desk_ask(&pipeline->desk, "ACL", "SETUSER", "worker", "on", ">" REDIS_PASSWORD, "~*",
                              "&*", "+@all", NULL));
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            pipeline->env[stage][copy] = env;
}

static void learn(struct leaks *leaks, struct pipeline *pipeline)
{
    leaks_add_lines(leaks, "the key of the issuer", desk_path(&pipeline->desk, "issuer.p8"));
    leaks_add_lines(leaks, "the seal key", desk_path(&pipeline->desk, "seal.key"));
    leaks_add_lines(leaks, "the key of the signer", desk_path(&pipeline->desk, "audit.key"));
    leaks_add(leaks, "the password of Redis", REDIS_PASSWORD);
    leaks_add(leaks, "a JWT", JWT_BEGIN);
}

/* What an operator would run meanwhile; nothing that it prints may hold a secret. */
static void look_at_what_is_printed(struct leaks *leaks, struct pipeline *pipeline)
{
    static const char *const words[][4] = {
        { "token", "show", "--json" }, { "status", "--json", NULL }, { "config", "print", NULL },
        { "config", "check", NULL },   { "dead", "list", "--json" }, { "health", NULL, NULL },
        { "token", "refresh", NULL },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        (void)desk_ctl(&pipeline->desk, words[i][0], words[i][1], words[i][2], NULL);
        leaks_check(leaks, words[i][0], pipeline->desk.out.data, pipeline->desk.out.len);
        leaks_check(leaks, words[i][0], pipeline->desk.err.data, pipeline->desk.err.len);
        if (pipeline->desk.out.len + pipeline->desk.err.len == 0)
            fail_msg("abmctl %s printed nothing", words[i][0]);
    }
}

static void look_everywhere(struct leaks *leaks, struct pipeline *pipeline)
{
    size_t keys, files, processes = 0;

    look_at_what_is_printed(leaks, pipeline);
    leaks->canary = "acme";
    leaks->canaries = 0;
    keys = leaks_check_redis(leaks, &pipeline->desk);
    if (leaks->canaries < keys)
        fail_msg("of %zu keys of Redis the names of only %zu were seen", keys, leaks->canaries);
    leaks->canary = "L00000000007"; /* a dead letter's serial */
    leaks->canaries = 0;
    (void)leaks_check_redis(leaks, &pipeline->desk);
    assert_true(leaks->canaries > 0);
    leaks->canaries = 0;
    files = leaks_check_folder(leaks, pipeline->evidence, own_files);
    assert_true(files > 0 && leaks->canaries > 0);
    leaks->canary = "\"event\":\"started\"";
    leaks->canaries = 0;
    files = leaks_check_folder(leaks, pipeline->desk.dir, own_files);
    assert_true(leaks->canaries >= 5);
    leaks->canary = pipeline->desk.config;
    leaks->canaries = 0;
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            if (pipeline->workers[stage][copy].pid != 0)
                processes += leaks_check_process(leaks, pipeline->workers[stage][copy].pid);
    assert_true(leaks->canaries >= 5);
    print_message("no secret of %zu (with their parts) in %zu keys, %zu files, %zu processes\n", leaks->count,
                  keys, files, processes);
}

static bool is_refused(void *user)
{
    return desk_number(user, "HEXISTS", "@pause:api", "text", NULL) == 1;
}

static void nothing_leaks_whatever_fails(void **state)
{
    static const char faults[] =
        "[{\"op\":\"importDevices\",\"kind\":\"refuse_item\",\"status\":422,\"serial\":\"L00000000007\"},"
        "{\"op\":\"issueToken\",\"kind\":\"truncate\",\"times\":1},"
        "{\"op\":\"issueToken\",\"kind\":\"malformed\",\"times\":1},"
        "{\"op\":\"issueToken\",\"kind\":\"cut\",\"times\":1},"
        "{\"op\":\"issueToken\",\"kind\":\"html\",\"times\":1},"
        "{\"op\":\"*\",\"kind\":\"status\",\"status\":500,\"share\":0.02},"
        "{\"op\":\"*\",\"kind\":\"status\",\"status\":502,\"html\":true,\"share\":0.02},"
        "{\"op\":\"*\",\"kind\":\"html\",\"share\":0.02},{\"op\":\"*\",\"kind\":\"truncate\",\"share\":0.02},"
        "{\"op\":\"*\",\"kind\":\"cut\",\"share\":0.02},{\"op\":\"*\",\"kind\":\"reset_after\",\"share\":0."
        "02}]";
    static struct pipeline pipeline;
    static struct leaks leaks;
    struct pipeline_result result;
    struct pipeline_push push;
    struct err err = ERR_INIT;

    (void)state;
    set_up(&pipeline);
    learn(&leaks, &pipeline);
    must(abmsim_set_faults(&pipeline.sim, faults, &err), &err);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "L", DEVICES), NULL);
    pipeline_await_stat(&pipeline, "puts_changed", 20, 60000);
    pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, 0);
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    control(&pipeline, "/sim/issuer/revoke", "{\"kid\":\"KEY1\",\"with_tokens\":true}");
    assert_true(proc_until(is_refused, &pipeline.desk, 60000));
    must(abmsim_set(&pipeline.sim, "{\"clock_offset_ms\":-900000}", &err), &err);
    (void)desk_ctl(&pipeline.desk, "token", "refresh", NULL);
    (void)leaks_add_tokens(&leaks, &pipeline.sim);
    leaks_check(&leaks, "token refresh", pipeline.desk.err.data, pipeline.desk.err.len);
    must(abmsim_set(&pipeline.sim, "{\"clock_offset_ms\":0}", &err), &err);
    pipeline_new_issuer_key(&pipeline);
    learn(&leaks, &pipeline);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.total, DEVICES);
    assert_true(result.failed >= 1);
    print_message("%d devices, %lld assigned, %lld failed, %lld exchanges, %lld refused, %lld faults\n",
                  DEVICES, (long long)result.assigned, (long long)result.failed,
                  (long long)pipeline_stat(&pipeline, "tokens_issued"),
                  (long long)pipeline_stat(&pipeline, "tokens_refused"),
                  (long long)pipeline_stat(&pipeline, "faults"));
    (void)leaks_add_tokens(&leaks, &pipeline.sim);
    look_everywhere(&leaks, &pipeline);
    pipeline_assert_workers_run(&pipeline);
    leaks_release(&leaks);
    pipeline_stop(&pipeline);
}

/* "Max core file size" of /proc/PID/limits; -1: it is not 0. */
static int core_limit(pid_t pid)
{
    char path[64], line[256];
    long most = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "Max core file size", 18) == 0 && sscanf(line + 18, " %ld", &most) != 1)
            most = -1; /* "unlimited" */
    fclose(file);
    return most == 0 ? 0 : -1;
}

static void an_abort_leaves_no_core(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .issuer = "" };
    struct rlimit limit, whole;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    whole = (struct rlimit){ limit.rlim_max, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_CORE, &whole), 0); /* what the children begin with */
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "L", 5), END_MS,
                    &(struct pipeline_result){ 0 });
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        struct proc *proc = &pipeline.workers[stage][0];

        if (core_limit(proc->pid) != 0)
            fail_msg("%s may write a core", pipeline_stage_name((enum pipeline_stage)stage));
        assert_true(proc_signal(proc, SIGABRT));
        assert_int_equal(proc_wait(proc, 10000), 1);
        assert_true(WIFSIGNALED(proc->wait_status));
        assert_int_equal(WTERMSIG(proc->wait_status), SIGABRT);
        assert_false(WCOREDUMP(proc->wait_status));
    }
    assert_int_equal(setrlimit(RLIMIT_CORE, &limit), 0);
    pipeline_stop(&pipeline);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaks_whatever_fails),
        cmocka_unit_test(an_abort_leaves_no_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
