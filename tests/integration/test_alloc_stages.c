/*
 * Memory that is not there: each allocation of our code in turn fails, once, in abmctl push and in one batch
 * of each real stage, over a real Redis and the simulator. Each point is a child of its own, forked from this
 * program, which starts as an operator's would: it says no_memory and ends with 75, or it goes on and the
 * batch is done; nothing crashes, leaks (under the address sanitizer) or is lost.
 *
 * ABM_ALLOC_EVERY=N takes each N-th point alone, for a test that is run often; 1: all.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/fsio.h"
#include "harness/fail_alloc.h"
#include "harness/desk_plan.h"
#include "harness/pipeline.h"
#include "queue/stream.h"

#define DEVICES       3
#define EVERY_DEFAULT "11"
#define POINTS_MOST   20000
#define EMPTY_READS   2 /* then all that was there is done */

int abmctl_main(int argc, char **argv);
int validate_main(int argc, char **argv);
int import_main(int argc, char **argv);
int assign_main(int argc, char **argv);
int verify_main(int argc, char **argv);
int audit_main(int argc, char **argv);

/* A worker of ours ends by itself once nothing is left to be read; and rests for no time. */
void __wrap_worker_rest(int64_t ms);
int __wrap_stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                       unsigned lanes, size_t count, int64_t block_ms, struct stream_entries *entries_r,
                       struct err *err);
int __real_stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                       unsigned lanes, size_t count, int64_t block_ms, struct stream_entries *entries_r,
                       struct err *err);

void __wrap_worker_rest(int64_t ms)
{
    (void)ms;
}

int __wrap_stream_read(struct redis *redis, const struct keys *keys, const char *stage, const char *consumer,
                       unsigned lanes, size_t count, int64_t block_ms, struct stream_entries *entries_r,
                       struct err *err)
{
    static int empty;
    int rc =
        __real_stream_read(redis, keys, stage, consumer, lanes, count, block_ms > 0 ? 1 : 0, entries_r, err);

    if (rc == 0 && entries_r->count == 0 && ++empty == EMPTY_READS)
        raise(SIGTERM);
    return rc;
}

/* Devices that a stage has handed on or ended; one that it made a dead letter of spoils the sum. */
#define GONE_ON(sum, stage)                                                                                  \
    "EVAL \"local function n(k) return tonumber(redis.call('HGET', '@count:' .. k, 'stream') or 0) end "     \
    "return " sum " - 100 * redis.call('XLEN', '@dead:" stage "')\" 0"

struct shared_memory {
    int64_t count; /* allocations of the child */
    bool has_failed;
};

struct path {
    const char *name;
    int (*main)(int argc, char **argv);
    int stage;        /* -1: abmctl */
    const char *done; /* its number in Redis once all is done */
    int64_t want;
};

struct sums {
    int64_t failed, done, ended, put_back;
    bool has_failed; /* at the last point */
};

struct bench {
    struct pipeline pipeline;
    struct shared_memory *memory;
    char *argv[12];
    int argc, wrong;
    char log[160];
    struct buf said;
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int64_t ask(struct bench *bench, const char *command)
{
    struct err err = ERR_INIT;
    struct buf whole;
    int64_t number;

    buf_init(&whole, 4096);
    for (const char *c = command; *c != '\0'; c++) {
        if (*c == '@')
            buf_add_str(&whole, bench->pipeline.desk.keys.prefix);
        else
            buf_add_char(&whole, *c);
    }
    must(buf_check(&whole, "a command", &err), &err);
    number = redis_server_number(&bench->pipeline.desk.server, whole.data);
    buf_release(&whole);
    return number;
}

/* What stands in Redis is kept in its second database, and comes back from there. */
static void keep(struct bench *bench)
{
    ask(bench,
        "EVAL \"redis.call('SELECT', 1) redis.call('FLUSHDB') redis.call('SELECT', 0) "
        "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', k, k, 'DB', 1) end return 1\" 0");
}

static void bring_back(struct bench *bench)
{
    if (ask(bench,
            "EVAL \"redis.call('FLUSHDB') redis.call('SELECT', 1) for _, k in ipairs(redis.call('KEYS', "
            "'*')) do redis.call('COPY', k, k, 'DB', 0) end return 1\" 0") != 1)
        fail_msg("what was kept does not come back");
}

/* The API and the evidence as the stage finds them. */
static void set_scene(struct bench *bench, const struct path *path)
{
    struct pipeline *pipeline = &bench->pipeline;
    struct err err = ERR_INIT;

    bring_back(bench);
    must(abmsim_control(&pipeline->sim, "POST", "/sim/reset", NULL, &err), &err);
    for (int i = 0; path->stage >= PIPELINE_ASSIGN && i < DEVICES; i++) {
        char serial[16];
        const char *server = NULL, *blueprint = NULL;

        snprintf(serial, sizeof(serial), "ALLOC%07d", i);
        if (path->stage > PIPELINE_ASSIGN)
            blueprint = pipeline_wanted(serial, pipeline_country(i), &server);
        must(abmsim_add_device(&pipeline->sim, serial, pipeline_country(i), blueprint, server, &err), &err);
    }
    if (path->stage == PIPELINE_AUDIT) {
        const char *argv[] = { "rm", "-rf", pipeline->evidence, desk_path(&pipeline->desk, "spool"), NULL };

        assert_int_equal(proc_run(&(struct proc_options){ .argv = argv }, 10000, &err), 0);
    }
}

static void be_the_child(struct bench *bench, const struct path *path, int64_t nth)
{
    int log = open(bench->log, O_WRONLY | O_CREAT | O_TRUNC, 0600), status;

    if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
        _exit(99);
    if (path->stage != PIPELINE_AUDIT)
        setenv("ABM_TOKEN", "token", 1);
    fail_alloc_arm(nth);
    status = path->main(bench->argc, bench->argv);
    bench->memory->count = fail_alloc_disarm();
    bench->memory->has_failed = fail_alloc_has_failed();
    exit(status); /* and what leaks is told */
}

/* The child's exit status; what it said is in bench->said. */
static int run_child(struct bench *bench, const struct path *path, int64_t nth)
{
    struct err err = ERR_INIT;
    int status;
    pid_t pid;

    memset(bench->memory, 0, sizeof(*bench->memory));
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_the_child(bench, path, nth);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    buf_reset(&bench->said);
    buf_add_str(&bench->said, "");
    must(fsio_read(bench->log, &bench->said, &err), &err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Time goes by: what was put back for a moment is due, and a closer's lock has run out. */
static void make_due(struct bench *bench)
{
    ask(bench,
        "EVAL \"for _, k in ipairs(redis.call('KEYS', '*}:retry:*')) do for _, m in ipairs(redis.call("
        "'ZRANGE', k, 0, -1)) do redis.call('ZADD', k, 0, m) end end redis.call('HDEL', '@chain', 'until') "
        "return 1\" 0");
}

/* All of a path are shown before it fails. */
static void show_point(struct bench *bench, const struct path *path, int64_t nth, const char *what)
{
    bench->wrong++;
    print_message("%s, allocation %lld: %s; %s is %lld\n%.1500s\n", path->name, (long long)nth, what,
                  path->done, (long long)ask(bench, path->done), bench->said.data);
}

/* Done at once, or after a clear word by who comes next. */
static void check_point(struct bench *bench, const struct path *path, int64_t nth, struct sums *sums)
{
    int status = run_child(bench, path, nth);

    sums->has_failed = bench->memory->has_failed;
    sums->failed += sums->has_failed;
    if (status != 0 && status != 75)
        show_point(bench, path, nth, "it ended neither well nor with 75");
    if (ask(bench, path->done) == path->want) {
        sums->done += sums->has_failed;
        return;
    }
    if (status == 75 && strstr(bench->said.data, "memory") == NULL)
        show_point(bench, path, nth, "ended, and no word of memory");
    sums->ended += status == 75;
    sums->put_back += status == 0;
    make_due(bench);
    if (run_child(bench, path, 0) != 0 || ask(bench, path->done) != path->want)
        show_point(bench, path, nth, "what it left is not taken up");
}

static void walk(struct bench *bench, const struct path *path)
{
    const char *text = getenv("ABM_ALLOC_EVERY"), *only = getenv("ABM_ALLOC_ONLY");
    int64_t every = strtoll(text != NULL ? text : EVERY_DEFAULT, NULL, 10), count;
    struct sums sums = { 0 };

    keep(bench);
    set_scene(bench, path);
    if (run_child(bench, path, 0) != 0 || ask(bench, path->done) != path->want)
        show_point(bench, path, 0, "not done without a fault");
    count = bench->memory->count;
    for (int64_t nth = only != NULL ? strtoll(only, NULL, 10) : 1; nth < POINTS_MOST; nth += every) {
        set_scene(bench, path);
        check_point(bench, path, nth, &sums);
        if (!sums.has_failed && nth > count)
            break;
    }
    print_message(
        "%-10s %6lld allocations, %5lld of them failed in turn: %5lld done all the same, %5lld put back, "
        "%5lld ended with no_memory\n",
        path->name, (long long)count, (long long)sums.failed, (long long)sums.done, (long long)sums.put_back,
        (long long)sums.ended);
    assert_int_equal(bench->wrong, 0);
    set_scene(bench, path);
    assert_int_equal(run_child(bench, path, 0), 0);
}

static void fill(struct bench *bench, const char *const *words)
{
    for (bench->argc = 0; words[bench->argc] != NULL; bench->argc++)
        bench->argv[bench->argc] = (char *)(uintptr_t)words[bench->argc];
    bench->argv[bench->argc] = NULL;
}

static void open_bench(struct bench *bench, const struct pipeline_options *options)
{
    memset(bench, 0, sizeof(*bench));
    pipeline_start(&bench->pipeline, options);
    buf_init(&bench->said, 16u * 1024 * 1024);
    snprintf(bench->log, sizeof(bench->log), "%s/child.log", bench->pipeline.desk.dir);
    bench->memory =
        mmap(NULL, sizeof(*bench->memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(bench->memory != MAP_FAILED);
}

static void close_bench(struct bench *bench)
{
    munmap(bench->memory, sizeof(*bench->memory));
    buf_release(&bench->said);
    pipeline_stop(&bench->pipeline);
}

static void outlasts_memory_that_is_not_there(void **state)
{
    static const struct path paths[] = {
        { "push", abmctl_main, -1, "XLEN @ingest", 1 },
        { "validate", validate_main, PIPELINE_VALIDATE, GONE_ON("n('import') + n('audit')", "validate"),
          DEVICES },
        { "import", import_main, PIPELINE_IMPORT, GONE_ON("n('assign') + n('audit')", "import"), DEVICES },
        { "assign", assign_main, PIPELINE_ASSIGN, GONE_ON("n('verify') + n('audit')", "assign"), DEVICES },
        { "verify", verify_main, PIPELINE_VERIFY, GONE_ON("n('audit')", "verify"), DEVICES },
        { "audit", audit_main, PIPELINE_AUDIT, "HGET @run:r1 manifest", 1 },
    };
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .stages = "  validate: { linger: 0ms, lease: 1s }\n  import: { linger: 0ms, lease: 1s }\n"
                  "  assign: { linger: 0ms, lease: 1s }\n  verify: { linger: 0ms, lease: 1s }\n"
                  "  audit: { linger: 0ms, lease: 1s }\n",
    };
    struct bench bench;

    (void)state;
    open_bench(&bench, &options);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *const push[] = { "abmctl",
                                     "--config",
                                     bench.pipeline.desk.config,
                                     "push",
                                     "--run",
                                     "r1",
                                     "--input",
                                     pipeline_csv(&bench.pipeline, "a.csv", "ALLOC", DEVICES),
                                     NULL };
        const char *const work[] = { paths[i].name, "--config", bench.pipeline.desk.config, NULL };

        fill(&bench, paths[i].stage < 0 ? push : work);
        walk(&bench, &paths[i]);
    }
    close_bench(&bench);
}

/* A plan is published whole or not, and what is left of it is gone on with. */
static void a_plan_is_applied_all_the_same(void **state)
{
    static const struct path path = { "apply", abmctl_main, -1, "XLEN @ingest", 1 };
    static struct desk_plan plan;
    const struct pipeline_options options = { .bin = TEST_BIN };
    const char *words[] = { "abmctl", "--config", NULL,     "apply", "--confirm",
                            "--run",  "r1",       "--plan", NULL,    NULL };
    struct bench bench;

    (void)state;
    open_bench(&bench, &options);
    desk_plan_init(&plan);
    for (int i = 0; i < DEVICES; i++) {
        char serial[16];

        snprintf(serial, sizeof(serial), "ALLOC%07d", i);
        desk_plan_add(&plan, PLAN_ADD, serial, "DE", NULL, "bp-1a2b3c4d")->mdm_server_id = "mdm-main";
    }
    words[2] = bench.pipeline.desk.config;
    words[8] = desk_plan_write(&plan, &bench.pipeline.desk, "plan.json");
    setenv("ABM_TOKEN", "e2e-token", 1);
    fill(&bench, words);
    walk(&bench, &path);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlasts_memory_that_is_not_there),
        cmocka_unit_test(a_plan_is_applied_all_the_same),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
