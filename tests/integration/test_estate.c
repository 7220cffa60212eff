/*
 * An organization read over the real limiter and real connections: the requests that each case takes, counted
 * by the simulator; the rate that holds while a run is under way; faults, a stop and a Redis that goes away;
 * what 100,000 devices take in memory. What is chosen when, tests/unit/abmctl has row by row.
 */
#include "harness/check.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "ctl_portal.h"
#include "estate.h"
#include "harness/pipeline.h"

#define DEVICES_MOST 1000000

/* A command of the operator's, in the test's own process. */
struct command {
    struct ctl ctl;
    struct ctl_portal portal;
    struct estate *estate;
    struct err err;
};

/* A child of the test ends where the test itself would fail. */
static bool is_child;

static void must(int rc, const struct err *err)
{
    if (rc != 0 && is_child) {
        print_error("%s: %s\n", err_wire(err->code), err->text);
        _exit(1);
    }
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void begin(struct command *command, struct pipeline *pipeline, bool is_whole)
{
    memset(command, 0, sizeof(*command));
    command->ctl.config = pipeline->desk.config;
    command->ctl.org_name = "acme";
    command->ctl.signal_fd = -1;
    setenv("ABM_TOKEN", "e2e-token", 1);
    must(ctl_portal_open(&command->ctl, &command->portal, &command->err), &command->err);
    must(estate_open(&command->estate, &command->ctl, &command->portal.api, is_whole, &command->err),
         &command->err);
}

static void end(struct command *command)
{
    struct timespec now = { 0 };
    sigset_t none, stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    while (sigtimedwait(&stops, NULL, &now) > 0)
        ; /* the test's own, taken before it is let through */
    estate_free(command->estate);
    ctl_portal_close(&command->portal);
    redis_free(command->ctl.redis);
    settings_free(command->ctl.settings);
    close(command->ctl.signal_fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* count serials, every `step`th from first on. */
static void want(struct command *command, size_t count, size_t first, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        char serial[16];

        snprintf(serial, sizeof(serial), "FVFGH%07zu", first + i * step);
        must(estate_want(command->estate, serial, &command->err), &command->err);
    }
}

/* Every fifth device is unassigned, every second one has a server. */
static const char *known_devices(const char *dir, size_t count)
{
    static char path[128];
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 64u << 20);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "FVFGH%07zu,JP%s%s\n", i, i % 5 == 0 ? "" : ",bp-5e6f7g8h",
                 i % 10 == 4 ? ",mdm-apac" : "");
    must(buf_check(&text, "devices", &err), &err);
    snprintf(path, sizeof(path), "%s/known.csv", dir);
    must(fsio_write(path, text.data, text.len, 0600, &err), &err);
    buf_release(&text);
    return path;
}

static void check(struct command *command, const char *what, size_t size)
{
    struct estate_device device;
    size_t count = estate_count(command->estate);

    for (size_t i = 0; i < count; i++) {
        size_t number;
        bool is_known, is_there;

        estate_at(command->estate, i, &device);
        number = (size_t)strtoul(device.serial + 5, NULL, 10);
        is_known = number < size;
        is_there = is_known && number % 5 != 0;
        if (device.is_known != is_known || device.is_there != is_there ||
            (is_there && (!str_eq(device.blueprint_id, "bp-5e6f7g8h") ||
                          !str_eq(device.mdm_server_id, number % 10 == 4 ? "mdm-apac" : NULL))))
            must(err_set(&command->err, ERR_BUG, 0, "%s: %s: known %d, there %d, %s %s", what, device.serial,
                         device.is_known, device.is_there, device.blueprint_id, device.mdm_server_id),
                 &command->err);
    }
}

static void start(struct pipeline *pipeline, size_t devices, const char *rate, const char *sim_rate)
{
    static char dir[] = "/tmp/estate-XXXXXX", template[sizeof(dir)];
    static const char *options[8];
    struct pipeline_options of = {
        .bin = TEST_BIN, .api = "timeout: 29s", .rate_limit = rate, .sim_options = options
    };
    size_t count = 0;

    memcpy(template, dir, sizeof(dir));
    assert_non_null(mkdtemp(template));
    options[count++] = "--devices-known";
    options[count++] = known_devices(template, devices);
    if (sim_rate != NULL) {
        options[count++] = "--rate";
        options[count++] = sim_rate;
        options[count++] = "--burst";
        options[count++] = "10";
    }
    options[count] = NULL;
    pipeline_start(pipeline, &of);
    assert_int_equal(unlink(options[1]), 0);
    assert_int_equal(rmdir(template), 0);
}

static size_t devices_of_many(void)
{
    const char *number = getenv("ABM_TEST_DEVICES");
    size_t count = number != NULL ? (size_t)strtoul(number, NULL, 10) : 100000;

    assert_in_range(count, 100000, DEVICES_MOST);
    return count;
}

/* Reads the whole in a process of its own, which ends with 0 where it has so many devices at least. */
static pid_t read_beside(struct pipeline *pipeline, size_t size)
{
    static struct command command;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child != 0)
        return child;
    is_child = true;
    signal(SIGPIPE, SIG_IGN); /* as every program of ours (base/start.h) */
    begin(&command, pipeline, true);
    must(estate_read(command.estate, &command.err), &command.err);
    if (estate_count(command.estate) < size)
        must(err_set(&command.err, ERR_BUG, 0, "%zu devices", estate_count(command.estate)), &command.err);
    end(&command);
    _exit(0);
}

static void expect_well(pid_t child)
{
    int status = -1;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the reading beside ended with status %x", status);
}

/* ---- requests ---- */

static void forget_requests(struct pipeline *pipeline, bool size_too)
{
    struct err err = ERR_INIT;

    must(abmsim_control(&pipeline->sim, "DELETE", "/sim/stats", NULL, &err), &err);
    if (size_too)
        (void)desk_number(&pipeline->desk, "DEL", "@cache:inventory", NULL);
}

/* Fails unless so many requests of each of the two lists were sent, and none besides. */
static void expect_requests(struct pipeline *pipeline, const char *what, int64_t devices, int64_t assignments)
{
    int64_t got[3] = { pipeline_stat(pipeline, "by_operation.listDevices"),
                       pipeline_stat(pipeline, "by_operation.listAssignments"),
                       pipeline_stat(pipeline, "requests") };

    print_message("%s: %lld + %lld requests\n", what, (long long)got[0], (long long)got[1]);
    if (got[0] != devices || got[1] != assignments || got[2] != devices + assignments)
        fail_msg("%s: %lld + %lld requests of %lld, not %lld + %lld", what, (long long)got[0],
                 (long long)got[1], (long long)got[2], (long long)devices, (long long)assignments);
}

static void read_case(struct pipeline *pipeline, const char *what, size_t size, size_t count, size_t first,
                      size_t step, bool is_whole)
{
    static struct command command;

    begin(&command, pipeline, is_whole);
    want(&command, count, first, step);
    if (estate_read(command.estate, &command.err) != 0)
        fail_msg("%s: %s", what, command.err.text);
    check(&command, what, size);
    end(&command);
}

static void takes_few_requests(void **state)
{
    static struct pipeline pipeline;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    start(&pipeline, 10000, NULL, NULL);
    read_case(&pipeline, "10 of 10,000", 10000, 10, 7, 900, false);
    expect_requests(&pipeline, "10 of 10,000", 1, 1);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "10,000 of 10,000", 10000, 10000, 0, 1, false);
    expect_requests(&pipeline, "10,000 of 10,000", 10, 8);
    forget_requests(&pipeline, false);
    read_case(&pipeline, "again", 10000, 10000, 0, 1, false);
    expect_requests(&pipeline, "again, its size known", 10, 8);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "10,000 new ones", 10000, 10000, 10000, 1, false);
    expect_requests(&pipeline, "10,000 that ABM does not have", 10, 0);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "5,000 at the end", 10000, 5000, 5000, 1, false);
    expect_requests(&pipeline, "5,000 at the end of the pages", 10, 8);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "the whole", 10000, 10, 0, 1, true);
    expect_requests(&pipeline, "the whole", 10, 8);
    buf_init(&text, 100000);
    assert_int_equal(abmsim_violations(&pipeline.sim, &text, &err), 0);
    buf_release(&text);
    pipeline_stop(&pipeline);
}

static void takes_few_requests_of_many(void **state)
{
    static struct pipeline pipeline;
    size_t size = devices_of_many();
    int64_t first;

    (void)state;
    start(&pipeline, size, NULL, NULL);
    read_case(&pipeline, "10 of many", size, 10, 0, size / 10, false);
    expect_requests(&pipeline, "10 of many", 1, 1);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "10,000 of many", size, 10000, 0, size / 10000, false);
    first = pipeline_stat(&pipeline, "by_operation.listDevices");
    print_message("10,000 of %zu, its size unknown: %lld + %lld requests\n", size, (long long)first,
                  (long long)pipeline_stat(&pipeline, "by_operation.listAssignments"));
    assert_in_range(first, 50, 100); /* never more than twice the 50 of the filters */
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.listAssignments"), 50);
    forget_requests(&pipeline, false);
    read_case(&pipeline, "10,000 of many, again", size, 10000, 0, size / 10000, false);
    expect_requests(&pipeline, "10,000 of many, something of its size known", 50, 50);
    forget_requests(&pipeline, true);
    read_case(&pipeline, "the whole of many", size, 0, 0, 1, true);
    expect_requests(&pipeline, "the whole of many", (int64_t)size / 1000,
                    (int64_t)(size - size / 5 + 999) / 1000);
    forget_requests(&pipeline, false);
    read_case(&pipeline, "10,000 of many counted", size, 10000, 0, size / 10000, false);
    expect_requests(&pipeline, "10,000 of many, its size known", 50, 50);
    pipeline_stop(&pipeline);
}

/* ---- memory and time of one's own ---- */

static int64_t own_cpu_ms(void)
{
    struct rusage use;

    assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
    return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
           (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
}

static size_t own_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void a_hundred_thousand_devices_fit(void **state)
{
    static struct pipeline pipeline;
    static struct command command;
    size_t before, held;
    int64_t cpu_ms;

    (void)state;
    start(&pipeline, 100000, NULL, NULL);
    begin(&command, &pipeline, false);
    before = own_bytes();
    cpu_ms = own_cpu_ms();
    want(&command, 100000, 0, 1);
    must(estate_read(command.estate, &command.err), &command.err);
    held = own_bytes() - before;
    print_message("100,000 devices: %lld ms of processor, %zu KiB held, %zu bytes a device\n",
                  (long long)(own_cpu_ms() - cpu_ms), held / 1024, held / 100000);
    check(&command, "100,000", 100000);
    expect_requests(&pipeline, "100,000 of 100,000", 100, 80);
    assert_true(held < 20u << 20);
    end(&command);
    pipeline_stop(&pipeline);
}

/* ---- the rate ---- */

/* Two readings and a run at once: all of them ask the one bucket, and nothing is ever refused. */
static void the_rate_holds_beside_a_run(void **state)
{
    static struct pipeline pipeline;
    static struct command one;
    struct pipeline_result result;
    struct pipeline_push push;
    pid_t child;

    (void)state;
    start(&pipeline, 40000, "{ requests: 60, per: 1s, burst: 10 }", "60/1");
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "run.csv", "R", 200), NULL);
    pipeline_await_stat(&pipeline, "by_operation.putAssignment", 1, 60000);
    child = read_beside(&pipeline, 40000);
    begin(&one, &pipeline, true);
    must(estate_read(one.estate, &one.err), &one.err);
    assert_true(estate_count(one.estate) >= 40000);
    expect_well(child);
    end(&one);
    pipeline_push_end(&pipeline, &push, 120000, &result);
    assert_int_equal(result.assigned, 200);
    assert_true(pipeline_stat(&pipeline, "by_operation.listDevices") >= 80);
    assert_int_equal(pipeline_stat(&pipeline, "limited"), 0);
    /* They took turns with the stages, and nobody waits for them any more. */
    assert_int_equal(desk_number(&pipeline.desk, "HEXISTS", "@limit:default", "turn:abmctl", NULL), 1);
    assert_int_equal(desk_number(&pipeline.desk, "ZCARD", "@limit:default:wait", NULL), 0);
    pipeline_stop_workers(&pipeline, 20000);
    pipeline_stop(&pipeline);
}

/* ---- trouble ---- */

static void faults_that_pass_cost_requests_alone(void **state)
{
    static const struct {
        const char *what, *faults;
    } rows[] = {
        { "503, a web page, a cut, then good",
          "[{\"op\":\"listDevices\",\"kind\":\"status\",\"status\":503,\"after\":2,\"times\":1},"
          "{\"op\":\"listDevices\",\"kind\":\"html\",\"after\":4,\"times\":1},"
          "{\"op\":\"listAssignments\",\"kind\":\"cut\",\"after\":3,\"times\":1},"
          "{\"op\":\"listAssignments\",\"kind\":\"reset_before\",\"after\":1,\"times\":1}]" },
        { "429 with and without a time",
          "[{\"op\":\"listDevices\",\"kind\":\"rate429\",\"retry_after\":\"seconds:1\",\"after\":2,"
          "\"times\":1},{\"op\":\"listAssignments\",\"kind\":\"rate429\",\"retry_after\":\"none\",\"after\":"
          "2,"
          "\"times\":1}]" },
        { "half a page, as if it were all",
          "[{\"op\":\"listDevices\",\"kind\":\"malformed\",\"after\":3,\"times\":2},"
          "{\"op\":\"listAssignments\",\"kind\":\"truncate\",\"after\":3,\"times\":2}]" },
        { "entries that cannot be read, for a while",
          "[{\"op\":\"listAssignments\",\"kind\":\"lack_blueprint_id\",\"after\":1,\"times\":2}]" },
    };
    static struct pipeline pipeline;
    struct err err = ERR_INIT;

    (void)state;
    start(&pipeline, 6000, NULL, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        forget_requests(&pipeline, true);
        must(abmsim_set_faults(&pipeline.sim, rows[i].faults, &err), &err);
        read_case(&pipeline, rows[i].what, 6000, 5000, 500, 1, false);
        assert_true(pipeline_stat(&pipeline, "faults") >= 1);
    }
    pipeline_stop(&pipeline);
}

static void a_wrong_token_ends_at_once(void **state)
{
    static struct pipeline pipeline;
    static struct command command;
    struct err err = ERR_INIT;

    (void)state;
    start(&pipeline, 100, NULL, NULL);
    must(abmsim_set(&pipeline.sim, "{\"token\":\"another\"}", &err), &err);
    begin(&command, &pipeline, true);
    assert_int_equal(estate_read(command.estate, &command.err), -1);
    assert_int_equal(command.err.code, ERR_ABM_UNAUTHORIZED);
    assert_non_null(strstr(command.err.text, "listDevices"));
    end(&command);
    pipeline_stop(&pipeline);
}

static void a_stop_ends_it(void **state)
{
    static struct pipeline pipeline;
    static struct command command;

    (void)state;
    start(&pipeline, 5000, NULL, NULL);
    begin(&command, &pipeline, true);
    assert_int_equal(raise(SIGINT), 0); /* blocked: it is read as ctl_is_stopped does */
    assert_int_equal(estate_read(command.estate, &command.err), -1);
    assert_int_equal(command.err.code, ERR_STOPPED);
    assert_int_equal(pipeline_stat(&pipeline, "requests"), 0);
    end(&command);
    pipeline_stop(&pipeline);
}

static bool has_ended(void *user)
{
    return waitpid(*(pid_t *)user, NULL, WNOHANG) != 0;
}

/* An answer that never comes is not awaited, though the API is given 29 s for each. */
static void a_stop_ends_what_hangs(void **state)
{
    static struct pipeline pipeline;
    struct err err = ERR_INIT;
    pid_t child;

    (void)state;
    start(&pipeline, 5000, NULL, NULL);
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"listDevices\",\"kind\":\"hang\",\"ms\":600000}]", &err),
         &err);
    child = read_beside(&pipeline, 5000);
    pipeline_await_stat(&pipeline, "by_operation.listDevices", 1, 30000);
    assert_int_equal(kill(child, SIGINT), 0);
    if (!proc_until(has_ended, &child, 15000)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        fail_msg("the reading waits for an answer that nobody wants");
    }
    pipeline_stop(&pipeline);
}

/* Redis is killed while slots are asked for and is there again: the reading waits, and then goes on. */
static void a_redis_that_goes_away_is_waited_for(void **state)
{
    static struct pipeline pipeline;
    struct err err = ERR_INIT;
    pid_t child;

    (void)state;
    start(&pipeline, 20000, "{ requests: 20, per: 1s, burst: 5 }", NULL);
    child = read_beside(&pipeline, 20000);
    pipeline_await_stat(&pipeline, "by_operation.listDevices", 4, 60000);
    redis_server_kill(&pipeline.desk.server);
    must(redis_server_restart(&pipeline.desk.server, &err), &err);
    expect_well(child);
    assert_int_equal(pipeline_stat(&pipeline, "by_operation.listDevices"), 20);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_few_requests),
        cmocka_unit_test(takes_few_requests_of_many),
        cmocka_unit_test(a_hundred_thousand_devices_fit),
        cmocka_unit_test(the_rate_holds_beside_a_run),
        cmocka_unit_test(faults_that_pass_cost_requests_alone),
        cmocka_unit_test(a_wrong_token_ends_at_once),
        cmocka_unit_test(a_stop_ends_it),
        cmocka_unit_test(a_stop_ends_what_hangs),
        cmocka_unit_test(a_redis_that_goes_away_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
