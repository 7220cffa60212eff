#include "harness/overload.h"

#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/pipeline.h"

#define PREFIX "C02"
#define BATCH  1000

struct load {
    const struct overload *overload;
    struct pipeline pipeline;
    int64_t most_waiting, most_import, most_memory;
    int64_t wanted_come;
};

static int64_t ask(struct load *load, const char *word, const char *key, const char *field)
{
    return desk_number(&load->pipeline.desk, word, key, field, NULL);
}

static int64_t memory_of(struct load *load)
{
    struct redis_reply *reply = desk_ask(&load->pipeline.desk, "INFO", "memory", NULL);
    const char *at = strstr(redis_text(reply, NULL), "used_memory:");
    int64_t bytes = at != NULL ? strtoll(at + strlen("used_memory:"), NULL, 10) : -1;

    redis_reply_free(reply);
    return bytes;
}

/* Entries that ingest ever had. */
static int64_t published(struct load *load)
{
    struct redis_reply *reply = desk_ask(&load->pipeline.desk, "XINFO", "STREAM", "@ingest", NULL);
    int64_t count = redis_integer(redis_field(reply, "entries-added"));

    redis_reply_free(reply);
    return count;
}

static void look(struct load *load)
{
    int64_t waiting = ask(load, "XLEN", "@ingest", NULL) * BATCH,
            import = ask(load, "HGET", "@count:import", "stream");
    int64_t memory = memory_of(load), limit = load->overload->backlog;

    load->most_waiting = waiting > load->most_waiting ? waiting : load->most_waiting;
    load->most_import = import > load->most_import ? import : load->most_import;
    load->most_memory = memory > load->most_memory ? memory : load->most_memory;
    /* One batch that was let in below the limit may stand above it. */
    if (waiting > limit || import >= limit + BATCH)
        fail_msg("%lld devices wait for validate and %lld for import; the limit is %lld", (long long)waiting,
                 (long long)import, (long long)limit);
}

static bool is_told(void *user)
{
    struct load *load = user;

    look(load);
    return desk_says(&load->pipeline.desk, "; validate: waits for import; import: no worker");
}

static bool has_come(void *user)
{
    struct load *load = user;

    look(load);
    return ask(load, "HGET", "@run:big", "come") == load->wanted_come;
}

/* A push that waits for import, looked at for a while and then stopped by ^C. Returns how many batches it
 * says are published. */
static int64_t push_until_it_waits(struct load *load, const char *csv)
{
    struct pipeline *pipeline = &load->pipeline;
    long long done = -1, all = -1;
    struct proc push;
    const char *at;

    desk_begin(&pipeline->desk, &push, "push", "--input", csv, "--run", "big", NULL);
    if (!proc_until(is_told, load, load->overload->timeout_ms))
        fail_msg("push does not say for whom it waits");
    for (int i = 0; i < load->overload->looks; i++)
        look(load);
    assert_true(proc_signal(&push, SIGINT));
    desk_expect(&pipeline->desk, desk_wait(&pipeline->desk, &push), 75, NULL, "stopped after ");
    at = strstr(pipeline->desk.err.data, "stopped after ");
    assert_int_equal(sscanf(at, "stopped after %lld of %lld batches", &done, &all), 2);
    assert_int_equal(all, load->overload->devices / BATCH);
    return done;
}

static void end_it(struct load *load, const char *csv)
{
    struct pipeline *pipeline = &load->pipeline;
    struct proc push;

    desk_begin(&pipeline->desk, &push, "push", "--input", csv, "--run", "big", NULL);
    pipeline_start_worker(pipeline, PIPELINE_IMPORT, 0);
    load->wanted_come = load->overload->devices / BATCH;
    if (!proc_until(has_come, load, load->overload->timeout_ms))
        fail_msg("not all batches come");
    assert_int_equal(desk_wait(&pipeline->desk, &push), 0);
    assert_int_equal(published(load), load->wanted_come);
    assert_true(pipeline_wait_state(pipeline, "big", "closed", load->overload->timeout_ms));
    pipeline_assert_all(pipeline, "big", PREFIX, load->overload->devices, OUTCOME_ASSIGNED);
    pipeline_assert_evidence_whole(pipeline);
    pipeline_assert_clean(pipeline);
    pipeline_assert_workers_run(pipeline);
}

void overload_run(const struct overload *overload)
{
    struct load *load = calloc(1, sizeof(*load));
    int64_t began = clock_boot_ms(), idle, first, second;
    char stages[160];
    const char *csv;

    assert_non_null(load);
    load->overload = overload;
    snprintf(stages, sizeof(stages), "  validate: { max_backlog: %d }\n  import: { max_backlog: %d }\n",
             overload->backlog, overload->backlog);
    pipeline_start(&load->pipeline, &(struct pipeline_options){ .bin = overload->bin, .stages = stages });
    csv = pipeline_csv(&load->pipeline, "big.csv", PREFIX, overload->devices);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        if (stage != PIPELINE_IMPORT)
            pipeline_start_worker(&load->pipeline, (enum pipeline_stage)stage, 0);
    idle = memory_of(load);
    first = push_until_it_waits(load, csv);
    assert_int_equal(published(load), first);
    /* Again: it finds what it published, and publishes nothing more. */
    second = push_until_it_waits(load, csv);
    assert_int_equal(second, first);
    assert_int_equal(published(load), first);
    print_message("%d devices: %lld batches published when it waits; at most %lld devices wait for validate, "
                  "%lld for import; "
                  "Redis %lld KB over the idle one's %lld; %lld ms\n",
                  overload->devices, (long long)first, (long long)load->most_waiting,
                  (long long)load->most_import, (long long)(load->most_memory - idle) / 1024,
                  (long long)idle / 1024, (long long)(clock_boot_ms() - began));
    if (overload->ends)
        end_it(load, csv);
    pipeline_stop(&load->pipeline);
    free(load);
}
