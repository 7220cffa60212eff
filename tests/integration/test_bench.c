/* The bench works: with tiny sizes each part says all that it is to say, and it leaves nothing behind. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fsio.h"
#include "base/json.h"
#include "harness/proc.h"

/* What is 0 in so small a run is no fault there: processor time comes in steps of 10 ms, samples every 5 ms.
 */
static const struct {
    const char *part, *names, *may_be_zero;
} wanted[] = {
    { "engine",
      "of_floor of_entry_floor devices_a_second commands_a_device redis_cpu_a_device redis_cpu "
      "floor_devices_a_second floor_commands_a_device floor_redis_cpu_a_device floor_redis_cpu "
      "entry_floor_devices_a_second entry_floor_commands_a_device entry_floor_redis_cpu_a_device "
      "entry_floor_redis_cpu floor_workers_cpu_a_device entry_floor_workers_cpu_a_device "
      "worker_anonymous_peak bytes_a_device_in_redis",
      "workers_cpu_a_device" },
    { "pipeline", "devices_a_second", "cpu_redis cpu_simulator cpu_workers" },
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    { "pipeline", "sampled_devices_a_second",
      "share_http share_redis share_json share_rest busy_validate busy_import busy_assign busy_verify "
      "busy_audit busiest_http busiest_redis busiest_json busiest_rest" },
#endif
    { "crumbling",
      "devices_a_message_import devices_a_message_assign devices_a_message_verify devices_a_message_audit "
      "devices retried_a_stage devices_a_second",
      "" },
    { "growth",
      "bytes_a_device_in_redis devices_a_second_100 redis_peak_100 validate_peak_100 import_peak_100 "
      "assign_peak_100 verify_peak_100 audit_peak_100 abmctl_peak_100 devices_a_second_400 redis_peak_400 "
      "validate_peak_400 import_peak_400 assign_peak_400 verify_peak_400 audit_peak_400 abmctl_peak_400",
      "" },
    { "limit",
      "calls_a_device_1_workers utilisation_1_workers calls_a_device_4_workers utilisation_4_workers "
      "calls_a_device_20_workers utilisation_20_workers import_wait import_wait_longest",
      "answered_429_1_workers answered_429_4_workers answered_429_20_workers" },
    { "start", "slowest validate import assign verify audit", "" },
    { "idle", "ended closed", "" },
};

static char folder[96];

static int set_up(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    /* What a bench left behind would become a child of this test. */
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
                   proc_temp_dir("test-bench", folder, sizeof(folder), &err) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    proc_remove_dir(folder);
    return 0;
}

static const char *path_of(const char *name)
{
    static char slots[4][160];
    static unsigned turn;
    char *slot = slots[turn++ % 4];

    snprintf(slot, sizeof(slots[0]), "%s/%s", folder, name);
    return slot;
}

static void begin(struct proc *proc, const char *const *argv)
{
    static char temporary[128];
    const char *const env[] = { temporary, "ABM_TEST_KEEP", NULL };
    struct err err = ERR_INIT;

    snprintf(temporary, sizeof(temporary), "TMPDIR=%s", folder);
    if (proc_spawn(
            proc,
            &(struct proc_options){
                .argv = argv, .env = env, .stdout_file = path_of("out"), .stderr_file = path_of("err") },
            &err) != 0)
        fail_msg("%s", err.text);
}

static void show(const char *name)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    if (fsio_read(path_of(name), &text, &err) == 0 && text.len > 0)
        print_message("%s:\n%s\n", name, text.data);
    buf_release(&text);
}

/* Nothing but the two files of its output, and no process. */
static void assert_nothing_left(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "out") != 0 && strcmp(entry->d_name, "err") != 0)
            fail_msg("%s was left behind", entry->d_name);
    closedir(dir);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        fail_msg("a process was left behind");
}

static double median_of(const struct json *doc, const char *part, const char *name)
{
    const struct json *figure = json_get(json_get(doc, part), name);
    double median = 0;

    if (!json_number(json_get(figure, "median"), &median))
        fail_msg("no number %s.%s.median", part, name);
    if (json_string(json_get(figure, "unit")) == NULL)
        fail_msg("%s.%s has no unit", part, name);
    return median;
}

static void check_names(const struct json *doc, const char *part, const char *names, bool may_be_zero)
{
    char list[1024], *at = list, *name;

    snprintf(list, sizeof(list), "%s", names);
    while ((name = strsep(&at, " ")) != NULL) {
        double median;

        if (*name == '\0')
            continue;
        median = median_of(doc, part, name);
        if (!isfinite(median) || median < 0 || (!may_be_zero && median == 0))
            fail_msg("%s.%s is %g", part, name, median);
    }
}

static void check_runs(const struct json *doc)
{
    const struct json *figure = json_get(json_get(doc, "engine"), "devices_a_second");
    double median = 0, p95 = 0, runs = 0;

    assert_true(json_number(json_get(figure, "median"), &median));
    assert_true(json_number(json_get(figure, "p95"), &p95));
    assert_true(json_number(json_get(figure, "runs"), &runs));
    assert_true(runs == 2);
    assert_true(p95 > 0 && p95 <= median); /* 95 % are at least so fast */
}

static void check_shares(const struct json *doc)
{
    double sum = median_of(doc, "pipeline", "share_http") + median_of(doc, "pipeline", "share_redis") +
                 median_of(doc, "pipeline", "share_json") + median_of(doc, "pipeline", "share_rest");

    if (fabs(sum - 100.0) > 0.5)
        fail_msg("the shares of the busy time add up to %g %%", sum);
}

static void tells_every_figure(void **state)
{
    const char *const argv[] = { TEST_BENCH, "--tiny", "--json", NULL };
    struct err err = ERR_INIT;
    struct json *doc = NULL;
    struct proc proc;
    struct buf text;

    (void)state;
    begin(&proc, argv);
    if (!proc_wait(&proc, 280000) || proc_status(&proc) != 0) {
        proc_kill(&proc);
        show("err");
        fail_msg("it ended with %d", proc_status(&proc));
    }
    buf_init(&text, 1 << 20);
    assert_int_equal(fsio_read(path_of("out"), &text, &err), 0);
    if (json_parse(text.data, text.len, &doc, &err) != 0)
        fail_msg("%s: %s", err.text, text.data);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        check_names(doc, wanted[i].part, wanted[i].names, false);
        check_names(doc, wanted[i].part, wanted[i].may_be_zero, true);
    }
    check_runs(doc);
    if (json_get(json_get(doc, "pipeline"), "share_http") != NULL)
        check_shares(doc);
    assert_non_null(json_string(json_get(json_get(doc, "machine"), "processor")));
    json_free(doc);
    buf_release(&text);
    assert_nothing_left();
}

static bool is_at_work(void *user)
{
    struct err err = ERR_INIT;
    struct buf text;
    bool is;

    (void)user;
    buf_init(&text, 1 << 20);
    is = fsio_read(path_of("err"), &text, &err) == 0 && text.len > 0 &&
         strstr(text.data, "engine 1 of") != NULL;
    buf_release(&text);
    return is;
}

static void leaves_nothing_when_it_is_stopped(void **state)
{
    static const struct {
        const char *what;
        int signal;
    } rows[] = { { "Ctrl-C", SIGINT }, { "an ordinary end", SIGTERM } };
    const char *const argv[] = {
        TEST_BENCH, "--only", "engine", "--devices", "2000", "--rounds", "100", NULL
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc proc;

        begin(&proc, argv);
        if (!proc_until(is_at_work, NULL, 60000)) {
            proc_kill(&proc);
            show("err");
            fail_msg("%s: it does not begin", rows[i].what);
        }
        proc_signal(&proc, rows[i].signal);
        if (!proc_wait(&proc, 30000) || proc_status(&proc) != 128 + rows[i].signal)
            fail_msg("%s: it ended with %d", rows[i].what, proc_status(&proc));
        assert_nothing_left();
    }
}

static void refuses_what_it_does_not_know(void **state)
{
    static const char *const words[][3] = { { "--only", "nothing" },
                                            { "--rounds", "0" },
                                            { "--fast", NULL } };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *const argv[] = { TEST_BENCH, words[i][0], words[i][1], NULL };
        struct proc proc;

        begin(&proc, argv);
        if (!proc_wait(&proc, 30000) || proc_status(&proc) != 64)
            fail_msg("%s: it ended with %d", words[i][0], proc_status(&proc));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_every_figure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_nothing_when_it_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_it_does_not_know, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
