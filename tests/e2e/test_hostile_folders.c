/*
 * What surrounds a worker may be against it: a disk without room, a run's folder that holds something else, a
 * start without the standard descriptors. The worker lives, says which file it is about, nothing is lost,
 * other runs go on, and what waited ends by itself once the trouble is mended.
 */
#include "harness/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/pipeline.h"

#define END_MS 60000

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

struct status_wait {
    struct pipeline *pipeline;
    const char *first, *second;
};

static bool status_says(void *user)
{
    const struct status_wait *wait = user;
    struct desk *desk = &wait->pipeline->desk;

    return desk_ctl(desk, "--json", "status", NULL) == 0 && strstr(desk->out.data, wait->first) != NULL &&
           strstr(desk->out.data, wait->second) != NULL;
}

static void assert_status(struct pipeline *pipeline, const char *first, const char *second)
{
    struct status_wait wait = { pipeline, first, second };

    if (!proc_until(status_says, &wait, END_MS))
        fail_msg("status names neither '%s' nor '%s':\n%s", first, second, pipeline->desk.out.data);
}

static void limit_files(const struct pipeline *pipeline, rlim_t bytes)
{
    const struct rlimit limit = { bytes, RLIM_INFINITY };

    assert_int_equal(prlimit(pipeline->workers[PIPELINE_AUDIT][0].pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void assert_ended_well(struct pipeline *pipeline)
{
    pipeline_assert_workers_run(pipeline);
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_assert_evidence_whole(pipeline);
}

/* The same as a full disk to the worker: write(2) fails, in the spool first, then in the sink. */
static void no_room(void **state)
{
    static const char *const runs[] = { "spool", "sink" };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    /* A sanitizer's library writes files of its own as a program begins. */
    desk_await_number(&pipeline.desk, "HLEN", "@workers", NULL, PIPELINE_STAGES, END_MS);
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct pipeline_result result;
        struct pipeline_push push;
        char prefix[3] = { 'F', (char)('A' + i), '\0' };

        /* 120 devices: a part of them is smaller than the record file of the whole run. */
        limit_files(&pipeline, i == 0 ? 0 : 30000);
        pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "room.csv", prefix, i == 0 ? 120 : 400),
                            "--run", runs[i], NULL);
        assert_status(&pipeline, "File too large", i == 0 ? "spool/acme/spool/" : "fatal");
        assert_false(pipeline_push_ends(&push, 0));
        limit_files(&pipeline, RLIM_INFINITY);
        pipeline_push_end(&pipeline, &push, END_MS, &result);
        assert_int_equal(result.status, 0);
        assert_int_equal(result.assigned, result.total);
    }
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

/* Somebody else's file where a manifest is to stand: it is never written over, and only that run waits. */
static void a_file_in_the_way(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct pipeline_result result;
    struct pipeline_push push;
    struct err err = ERR_INIT;
    char path[256];
    struct buf text;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    snprintf(path, sizeof(path), "%s/acme/taken", pipeline.evidence);
    must(fsio_mkdirs(path, 0755, &err), &err);
    snprintf(path, sizeof(path), "%s/acme/taken/manifest-1.dsse.json", pipeline.evidence);
    must(fsio_write(path, "not ours\n", 9, 0644, &err), &err);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "taken.csv", "FA", 10), "--run", "taken",
                        NULL);
    assert_status(&pipeline, "manifest-1.dsse.json of run taken", "fatal");
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "other.csv", "FB", 10), END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_false(pipeline_push_ends(&push, 0));
    buf_init(&text, 4096);
    must(fsio_read(path, &text, &err), &err);
    assert_string_equal(text.data, "not ours\n");
    buf_release(&text);
    assert_int_equal(unlink(path), 0);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_ended_well(&pipeline);
    pipeline_stop(&pipeline);
}

/* Started with nothing open, what a worker opens first would be its stderr: its log would go to Redis. */
static void without_standard_descriptors(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct proc *audit = &pipeline.workers[PIPELINE_AUDIT][0];
    struct pipeline_result result;
    struct err err = ERR_INIT;
    char command[512];
    const char *const argv[] = { "sh", "-c", command, NULL };
    const struct proc_options bare = { .argv = argv };

    (void)state;
    pipeline_start(&pipeline, &options);
    snprintf(command, sizeof(command), "exec %s/abm-audit --config %s --log-level trace <&- >&- 2>&-",
             TEST_BIN, pipeline.desk.config);
    must(proc_spawn(audit, &bare, &err), &err);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "FA", 50), END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 50);
    assert_ended_well(&pipeline);
    for (int fd = 0; fd <= 2; fd++) {
        char path[64], target[256] = "";

        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)audit->pid, fd);
        if (readlink(path, target, sizeof(target) - 1) < 0 && errno == EACCES) {
            print_message("[   INFO   ] no CAP_SYS_PTRACE: only that the run ended well is shown\n");
            break;
        }
        assert_string_equal(target, "/dev/null");
    }
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_room),
        cmocka_unit_test(a_file_in_the_way),
        cmocka_unit_test(without_standard_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
