#include "harness/redis_faults.h"

#include "harness/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/str.h"

#define NAMED_MS 20000
#define END_MS   60000
/* Five workers: idle they send some 30 a second, before a closed gate some 60, at work some hundreds. A loop
 * would be ten thousand. */
#define COMMANDS_MOST 5000 /* each look at ten lanes counts two dozen; a loop makes tens of thousands */
#define LINES_MOST    20

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

int64_t redis_faults_tell(struct redis_faults *faults, const char *command)
{
    struct err err = ERR_INIT;
    struct buf whole, out;
    int64_t number;

    buf_init(&whole, 65536);
    buf_init(&out, 1 << 20);
    for (const char *c = command; *c != '\0'; c++) {
        if (*c == '@' && (c == command || c[-1] == ' '))
            buf_add_str(&whole, faults->pipeline.desk.keys.prefix);
        else
            buf_add_char(&whole, *c);
    }
    if (redis_server_ask(&faults->pipeline.desk.server, whole.data, &out, &err) != 0)
        fail_msg("%s: %s", whole.data, err.text);
    number = out.len > 0 ? strtoll(out.data, NULL, 10) : 0;
    buf_release(&whole);
    buf_release(&out);
    return number;
}

static bool have_begun(void *user)
{
    struct redis_faults *faults = user;

    return desk_number(&faults->pipeline.desk, "HLEN", "@workers", NULL) == PIPELINE_STAGES;
}

void redis_faults_start(struct redis_faults *faults, const char *bin, bool has_user)
{
    static const char *const sim[] = { "--propagation", "200", NULL };
    struct pipeline_options options = {
        .bin = bin,
        .stages = "  validate: { lease: 2s }\n  import: { lease: 2s }\n  assign: { lease: 2s }\n"
                  "  verify: { lease: 2s }\n  audit: { lease: 2s }\n",
        .api = "timeout: 600ms",
        .sim_options = sim,
    };

    memset(faults, 0, sizeof(*faults));
    pipeline_start(&faults->pipeline, &options);
    if (has_user) {
        redis_faults_tell(faults, "ACL SETUSER worker on >pw ~{abm:acme}:* resetchannels +@all");
        setenv("ABM_REDIS__USERNAME", "worker", 1);
        setenv("ABM_REDIS__PASSWORD", "env:WORKER_PASSWORD", 1);
        setenv("WORKER_PASSWORD", "pw", 1);
    }
    pipeline_start_workers(&faults->pipeline);
    /* One that has not connected yet may end by a fault; one that has must not. */
    assert_true(proc_until(have_begun, faults, END_MS));
    unsetenv("ABM_REDIS__USERNAME");
    unsetenv("ABM_REDIS__PASSWORD");
    print_message("%-30s %8s %5s %8s %11s %8s  %s\n", "fault", "devices", "lost", "doubled", "commands/s",
                  "lines/s", "named");
}

void redis_faults_stop(struct redis_faults *faults)
{
    pipeline_assert_no_letters(&faults->pipeline);
    pipeline_assert_no_violations(&faults->pipeline);
    pipeline_assert_evidence_whole(&faults->pipeline);
    pipeline_assert_workers_run(&faults->pipeline);
    pipeline_stop_workers(&faults->pipeline, 10000);
    pipeline_stop(&faults->pipeline);
}

static const char *log_path(struct redis_faults *faults, int stage)
{
    char name[32];

    snprintf(name, sizeof(name), "%s-0.log", pipeline_stage_name((enum pipeline_stage)stage));
    return desk_path(&faults->pipeline.desk, name);
}

static void mark_logs(struct redis_faults *faults)
{
    struct stat info;

    for (int i = 0; i < PIPELINE_STAGES; i++)
        faults->logged[i] = stat(log_path(faults, i), &info) == 0 ? info.st_size : 0;
}

/* How often text stands in what the workers have logged since the load. */
static int64_t count_logged(struct redis_faults *faults, const char *text)
{
    int64_t count = 0;
    struct buf log;

    buf_init(&log, 256u * 1024 * 1024);
    for (int i = 0; i < PIPELINE_STAGES; i++) {
        struct err err = ERR_INIT;

        buf_reset(&log);
        must(fsio_read(log_path(faults, i), &log, &err), &err);
        for (const char *at = log.data + faults->logged[i];
             (int64_t)log.len > faults->logged[i] && (at = strstr(at, text)) != NULL; at++)
            count++;
    }
    buf_release(&log);
    return count;
}

/* A validate that waits in a read still takes what comes to it: the pause holds once its last command is
 * another. */
static bool has_stopped_reading(void *user)
{
    struct redis_faults *faults = user;
    struct err err = ERR_INIT;
    bool is = true;
    struct buf out;

    buf_init(&out, 1 << 20);
    must(redis_server_ask(&faults->pipeline.desk.server, "CLIENT LIST TYPE normal", &out, &err), &err);
    for (const char *line = strstr(out.data, " name=validate-"); line != NULL;
         line = strstr(line + 1, " name=validate-")) {
        const char *end = strchr(line, '\n'), *command = strstr(line, " cmd=xreadgroup");

        is = is && (command == NULL || (end != NULL && command > end));
    }
    buf_release(&out);
    return is;
}

void redis_faults_load(struct redis_faults *faults, int devices)
{
    struct desk *desk = &faults->pipeline.desk;
    char name[48];

    faults->loads++;
    faults->devices = devices;
    faults->is_watched = false;
    snprintf(faults->said, sizeof(faults->said), "-");
    snprintf(faults->run, sizeof(faults->run), "f-%03d", faults->loads);
    snprintf(faults->prefix, sizeof(faults->prefix), "C%03d", faults->loads);
    snprintf(name, sizeof(name), "%s.csv", faults->run);
    desk_expect(desk, desk_ctl(desk, "pause", "validate", "--reason", "the test loads", NULL), 0, NULL, NULL);
    assert_true(proc_until(has_stopped_reading, faults, 10000));
    desk_expect(desk,
                desk_ctl(desk, "push", "--run", faults->run, "--input",
                         pipeline_csv(&faults->pipeline, name, faults->prefix, devices), NULL),
                0, NULL, NULL);
    mark_logs(faults);
}

void redis_faults_release(struct redis_faults *faults)
{
    redis_faults_tell(faults, "DEL @pause:validate");
}

bool redis_faults_is_logged(struct redis_faults *faults, const char *words)
{
    char lower[REDIS_FAULTS_WORDS_MAX];
    size_t i;

    for (i = 0; words[i] != '\0' && i + 1 < sizeof(lower); i++)
        lower[i] = (char)tolower((unsigned char)words[i]);
    lower[i] = '\0';
    return count_logged(faults, words) > 0 || count_logged(faults, lower) > 0;
}

struct wanted {
    struct redis_faults *faults;
    const char *words, *or_words;
};

static bool comes_to_be_logged(void *user)
{
    struct wanted *wanted = user;

    return redis_faults_is_logged(wanted->faults, wanted->words);
}

void redis_faults_expect_logged(struct redis_faults *faults, const char *words)
{
    struct wanted wanted = { faults, words, NULL };

    if (!proc_until(comes_to_be_logged, &wanted, NAMED_MS))
        fail_msg("'%s' stands in no worker's log", words);
    snprintf(faults->said, sizeof(faults->said), "%s", words);
}

static bool is_shown(void *user)
{
    struct wanted *wanted = user;
    struct desk *desk = &wanted->faults->pipeline.desk;

    (void)desk_ctl(desk, "status", NULL);
    for (int i = 0; i < 2; i++) {
        const char *words = i == 0 ? wanted->words : wanted->or_words;

        if (words != NULL &&
            (strcasestr(desk->out.data, words) != NULL || strcasestr(desk->err.data, words) != NULL))
            return true;
    }
    return false;
}

void redis_faults_expect_status(struct redis_faults *faults, const char *words, const char *or_words)
{
    struct wanted wanted = { faults, words, or_words };

    if (!proc_until(is_shown, &wanted, NAMED_MS))
        fail_msg("status never showed '%s':\n%s%s", words, faults->pipeline.desk.out.data,
                 faults->pipeline.desk.err.data);
}

/* Commands that Redis has run or refused. */
static int64_t count_commands(struct redis_faults *faults)
{
    static const char *const names[] = { "total_commands_processed:", "total_error_replies:" };
    struct err err = ERR_INIT;
    int64_t count = 0;
    struct buf out;

    buf_init(&out, 1 << 20);
    must(redis_server_ask(&faults->pipeline.desk.server, "INFO stats", &out, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(out.data, names[i]);

        count += at != NULL ? strtoll(at + strlen(names[i]), NULL, 10) : 0;
    }
    buf_release(&out);
    return count;
}

void redis_faults_watch_begin(struct redis_faults *faults)
{
    faults->commands = count_commands(faults);
    faults->lines = count_logged(faults, "\n");
    faults->boot_ms = clock_boot_ms();
}

void redis_faults_watch_end(struct redis_faults *faults)
{
    double seconds = (double)(clock_boot_ms() - faults->boot_ms + 1) / 1000;

    faults->commands_a_second = (double)(count_commands(faults) - faults->commands) / seconds;
    faults->lines_a_second = (double)(count_logged(faults, "\n") - faults->lines) / seconds;
    faults->is_watched = true;
    if (faults->commands_a_second > COMMANDS_MOST || faults->lines_a_second > LINES_MOST)
        fail_msg("a loop: %.0f commands and %.1f lines logged a second", faults->commands_a_second,
                 faults->lines_a_second);
}

static bool is_past(void *user)
{
    return clock_boot_ms() >= *(int64_t *)user;
}

void redis_faults_let_pass(int64_t ms)
{
    int64_t until = clock_boot_ms() + ms;

    (void)proc_until(is_past, &until, ms + 1000);
}

void redis_faults_watch(struct redis_faults *faults, int64_t ms)
{
    redis_faults_watch_begin(faults);
    redis_faults_let_pass(ms);
    redis_faults_watch_end(faults);
}

struct tally {
    const char *prefix;
    int count;
    int *records;
};

static void count_record(void *user, const struct device *record)
{
    struct tally *tally = user;
    int64_t at;

    if (str_starts(record->serial, tally->prefix) &&
        str_to_int(record->serial + strlen(tally->prefix), 0, tally->count - 1, &at))
        tally->records[at]++;
}

void redis_faults_tally(struct redis_faults *faults, int *lost_r, int *doubled_r)
{
    struct tally tally = { faults->prefix, faults->devices, calloc((size_t)faults->devices, sizeof(int)) };

    assert_non_null(tally.records);
    (void)pipeline_records(&faults->pipeline, faults->run, count_record, &tally);
    *lost_r = *doubled_r = 0;
    for (int i = 0; i < faults->devices; i++) {
        *lost_r += tally.records[i] == 0;
        *doubled_r += tally.records[i] > 1;
    }
    free(tally.records);
}

void redis_faults_row(struct redis_faults *faults, const char *name, int lost, int doubled)
{
    char commands[24] = "-", lines[24] = "-";

    if (faults->is_watched) {
        snprintf(commands, sizeof(commands), "%.0f", faults->commands_a_second);
        snprintf(lines, sizeof(lines), "%.1f", faults->lines_a_second);
    }
    print_message("%-30s %8d %5d %8d %11s %8s  %s\n", name, faults->devices, lost, doubled, commands, lines,
                  faults->said);
}

void redis_faults_end(struct redis_faults *faults, const char *name)
{
    struct pipeline *pipeline = &faults->pipeline;
    int lost, doubled;

    if (!pipeline_wait_state(pipeline, faults->run, "closed", END_MS)) {
        (void)desk_ctl(&pipeline->desk, "status", "--run", faults->run, NULL);
        fail_msg("%s: run %s does not close:\n%s", name, faults->run, pipeline->desk.out.data);
    }
    redis_faults_tally(faults, &lost, &doubled);
    redis_faults_row(faults, name, lost, doubled);
    assert_int_equal(lost + doubled, 0);
    pipeline_assert_all(pipeline, faults->run, faults->prefix, faults->devices, OUTCOME_ASSIGNED);
}
