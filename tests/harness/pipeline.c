/* Processes and pushes; what is asserted stands in pipeline_checks.c. */
#include "harness/pipeline.h"

#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/json.h"
#include "crypto/ec_key.h"

#define PIPELINE_ENV_MAX 16

static const char *const stage_names[PIPELINE_STAGES] = { "validate", "import", "assign", "verify", "audit" };

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

const char *pipeline_stage_name(enum pipeline_stage stage)
{
    return stage_names[stage];
}

static void write_settings(struct pipeline *pipeline, const struct pipeline_options *options)
{
    const char *rules = options->rules != NULL ? options->rules : PIPELINE_RULES;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 65536);
    buf_addf(&text, "version: 1\nredis: { url: \"%s\" }\norgs:\n  acme:\n", pipeline->desk.server.unix_url);
    buf_addf(&text, "    api: { dialect: abm-v2, base_url: \"%s\", ", pipeline->sim.base_url);
    if (options->issuer != NULL)
        buf_addf(&text,
                 "issuer: { url: \"%s\", issuer_id: e2e-issuer, key_id: KEY1, private_key: "
                 "\"file:issuer.p8\"%s%s }",
                 pipeline->sim.base_url, options->issuer[0] != '\0' ? ", " : "", options->issuer);
    else
        buf_add_str(&text, "token: \"env:ABM_TOKEN\"");
    buf_addf(&text, "%s%s }\n", options->api != NULL ? ", " : "", options->api != NULL ? options->api : "");
    buf_addf(&text, "    rate_limit: %s\n    rules: blueprints.yaml\n",
             options->rate_limit != NULL ? options->rate_limit
                                         : "{ requests: 100000, per: 1s, burst: 1000 }");
    if (options->org != NULL)
        buf_add_str(&text, options->org);
    if (options->limits != NULL)
        buf_addf(&text, "    limits: { %s }\n", options->limits);
    if (options->stages != NULL)
        buf_addf(&text, "stages:\n%s", options->stages);
    buf_add_str(&text,
                "audit: { signer: \"ed25519:file:audit.key\", spool: spool, sinks: [\"file:evidence\"] }\n");
    if (options->issuer != NULL)
        buf_add_str(&text, "secrets: { seal_key: \"file:seal.key\" }\n");
    if (options->more != NULL)
        buf_add_str(&text, options->more);
    must(buf_check(&text, "the settings", &err), &err);
    must(fsio_write(pipeline->desk.config, text.data, text.len, 0600, &err), &err);
    must(fsio_write(pipeline->desk.rules, rules, strlen(rules), 0600, &err), &err);
    buf_release(&text);
}

void pipeline_new_issuer_key(struct pipeline *pipeline)
{
    const char *path = desk_path(&pipeline->desk, "issuer.p8");
    struct err err = ERR_INIT;
    struct secret *pem;
    struct ec_key *key;
    struct buf public;

    buf_init(&public, 4096);
    must(ec_key_new(&key, &err), &err);
    must(ec_key_print(key, &pem, &err), &err);
    ec_public_print(&public, ec_key_public(key));
    must(abmsim_add_issuer_key(&pipeline->sim, "KEY1", public.data, &err), &err);
    must(fsio_write(path, secret_text(pem), secret_len(pem), 0600, &err), &err);
    buf_release(&public);
    secret_free(pem);
    ec_key_free(key);
}

static void start_issuer(struct pipeline *pipeline)
{
    /* base64 of 32 bytes that nobody drew, and that stand nowhere else */
    static const char seal_key[] = "c2VhbC1rZXktb2YtdGhlLWVuZC10by1lbmQtdGVzdHM=";

    desk_file(&pipeline->desk, "seal.key", seal_key, strlen(seal_key));
    pipeline_new_issuer_key(pipeline);
}

void pipeline_start(struct pipeline *pipeline, const struct pipeline_options *options)
{
    static char programs[2][512];
    struct err err = ERR_INIT;

    memset(pipeline, 0, sizeof(*pipeline));
    pipeline->bin = options->bin;
    pipeline->log_level = options->log_level != NULL ? options->log_level : "info";
    snprintf(programs[0], sizeof(programs[0]), "%s/abmctl", options->bin);
    snprintf(programs[1], sizeof(programs[1]), "%s/abmsim", options->bin);
    desk_start_with(&pipeline->desk, programs[0], "");
    must(abmsim_start(&pipeline->sim, programs[1], options->sim_options, &err), &err);
    if (options->issuer != NULL)
        start_issuer(pipeline);
    write_settings(pipeline, options);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        pipeline->copies[stage] = options->copies[stage] > 0 ? options->copies[stage] : 1;
        assert_true(pipeline->copies[stage] <= PIPELINE_COPIES_MAX);
    }
    snprintf(pipeline->evidence, sizeof(pipeline->evidence), "%s/evidence", pipeline->desk.dir);
    desk_expect(
        &pipeline->desk,
        desk_ctl(&pipeline->desk, "audit", "keygen", "--out", desk_path(&pipeline->desk, "audit.key"), NULL),
        0, NULL, NULL);
}

void pipeline_stop(struct pipeline *pipeline)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            proc_kill(&pipeline->workers[stage][copy]);
    abmsim_stop(&pipeline->sim);
    desk_stop(&pipeline->desk);
}

static void log_path(const struct pipeline *pipeline, enum pipeline_stage stage, int copy, char path[192])
{
    snprintf(path, 192, "%s/%s-%d.log", pipeline->desk.dir, stage_names[stage], copy);
}

void pipeline_start_worker(struct pipeline *pipeline, enum pipeline_stage stage, int copy)
{
    const char *const *more = pipeline->env[stage][copy];
    /* Audit is given no token. */
    const char *env[PIPELINE_ENV_MAX] = { "ABM_ORG",
                                          stage == PIPELINE_AUDIT ? "ABM_TOKEN" : "ABM_TOKEN=e2e-token" };
    char program[512], log[192];
    const char *argv[] = { program,       "--config",          pipeline->desk.config,
                           "--log-level", pipeline->log_level, NULL };
    struct proc_options options = {
        .argv = argv,
        .env = env,
        .stdout_file = log,
        .stderr_file = log,
        .is_appended = true,
    };
    struct err err = ERR_INIT;

    assert_int_equal(pipeline->workers[stage][copy].pid, 0);
    for (size_t i = 2; more != NULL && *more != NULL; more++, i++) {
        assert_true(i + 1 < PIPELINE_ENV_MAX);
        env[i] = *more;
    }
    snprintf(program, sizeof(program), "%s/abm-%s", pipeline->bin, stage_names[stage]);
    log_path(pipeline, stage, copy, log);
    must(proc_spawn(&pipeline->workers[stage][copy], &options, &err), &err);
    pipeline->starts++;
}

void pipeline_start_workers(struct pipeline *pipeline)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            if (pipeline->workers[stage][copy].pid == 0)
                pipeline_start_worker(pipeline, stage, copy);
}

void pipeline_kill_worker(struct pipeline *pipeline, enum pipeline_stage stage, int copy)
{
    proc_kill(&pipeline->workers[stage][copy]);
    pipeline->kills++;
}

static void show_log(const struct pipeline *pipeline, enum pipeline_stage stage, int copy)
{
    struct err err = ERR_INIT;
    struct buf text;
    char path[192];

    log_path(pipeline, stage, copy, path);
    buf_init(&text, 256u * 1024 * 1024);
    if (fsio_read(path, &text, &err) == 0 && text.len > 0)
        print_message("%s ends so:\n%s\n", path, text.data + (text.len > 3000 ? text.len - 3000 : 0));
    buf_release(&text);
}

void pipeline_stop_workers(struct pipeline *pipeline, int64_t timeout_ms)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            proc_signal(&pipeline->workers[stage][copy], SIGTERM);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            struct proc *worker = &pipeline->workers[stage][copy];

            if (worker->pid == 0)
                continue;
            if (proc_wait(worker, timeout_ms) != 1 || proc_status(worker) != 0) {
                show_log(pipeline, stage, copy);
                fail_msg("%s-%d after SIGTERM: status %d", stage_names[stage], copy, proc_status(worker));
            }
        }
    }
}

void pipeline_assert_workers_run(struct pipeline *pipeline)
{
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            struct proc *worker = &pipeline->workers[stage][copy];

            if (worker->pid != 0 && proc_wait(worker, 0) == 0)
                continue;
            show_log(pipeline, stage, copy);
            fail_msg("%s-%d does not run any more: status %d", stage_names[stage], copy, proc_status(worker));
        }
    }
}

int64_t pipeline_worker_cpu_ms(const struct pipeline *pipeline, enum pipeline_stage stage, int copy)
{
    return pipeline->workers[stage][copy].pid != 0 ? proc_cpu_ms(pipeline->workers[stage][copy].pid) : 0;
}

int64_t pipeline_cpu_ms(const struct pipeline *pipeline)
{
    int64_t sum = 0;

    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < pipeline->copies[stage]; copy++)
            sum += pipeline_worker_cpu_ms(pipeline, (enum pipeline_stage)stage, copy);
    return sum;
}

int64_t pipeline_log_bytes(const struct pipeline *pipeline)
{
    struct stat info;
    int64_t sum = 0;
    char path[192];

    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            log_path(pipeline, stage, copy, path);
            if (stat(path, &info) == 0)
                sum += info.st_size;
        }
    }
    return sum;
}

int64_t pipeline_log_count(const struct pipeline *pipeline, const char *text)
{
    struct buf log;
    char path[192];
    int64_t count = 0;

    buf_init(&log, 256u * 1024 * 1024);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            struct err err = ERR_INIT;

            log_path(pipeline, stage, copy, path);
            buf_reset(&log);
            if (fsio_read(path, &log, &err) != 0)
                continue; /* it was never started */
            for (const char *at = log.data; log.len > 0 && (at = strstr(at, text)) != NULL; at++)
                count++;
        }
    }
    buf_release(&log);
    return count;
}

const char *pipeline_country(int at)
{
    static const char *const countries[] = { "JP", "DE", "US" };

    return countries[at % 3];
}

const char *pipeline_csv(struct pipeline *pipeline, const char *name, const char *prefix, int count)
{
    const char *path;
    struct buf text;

    buf_init(&text, 64u * 1024 * 1024);
    buf_add_str(&text, "serial,country,model\n");
    for (int i = 0; i < count; i++)
        buf_addf(&text, "%s%0*d,%s,MacBook Air\n", prefix, 12 - (int)strlen(prefix), i, pipeline_country(i));
    assert_false(text.is_failed);
    path = desk_file(&pipeline->desk, name, text.data, text.len);
    buf_release(&text);
    return path;
}

const char *pipeline_wanted(const char *serial, const char *country, const char **server_r)
{
    *server_r = NULL;
    if (serial[0] == 'F')
        return "bp-1a2b3c4d";
    if (strcmp(country, "JP") != 0)
        return "bp-9i0j1k2l";
    *server_r = "mdm-apac";
    return "bp-5e6f7g8h";
}

/* words: NULL-terminated; the call's further ones stand behind them. */
static void begin(struct pipeline *pipeline, struct pipeline_push *push, const char *const *words,
                  va_list args)
{
    static const char *const env[] = { "ABM_ORG", "ABM_OPERATOR=tester", "NO_COLOR=1", NULL };
    const char *argv[DESK_WORDS_MAX] = { pipeline->desk.program, "--config", pipeline->desk.config,
                                         "--json" };
    struct proc_options options = {
        .argv = argv, .env = env, .stdout_file = push->out_path, .stderr_file = push->err_path
    };
    static unsigned number;
    struct err err = ERR_INIT;
    const char *word;
    size_t count = 4;

    while (*words != NULL)
        argv[count++] = *words++;
    while ((word = va_arg(args, const char *)) != NULL && count + 1 < DESK_WORDS_MAX)
        argv[count++] = word;
    number++;
    snprintf(push->out_path, sizeof(push->out_path), "%s/push-%u.out", pipeline->desk.dir, number);
    snprintf(push->err_path, sizeof(push->err_path), "%s/push-%u.err", pipeline->desk.dir, number);
    push->began_boot_ms = clock_boot_ms();
    must(proc_spawn(&push->proc, &options, &err), &err);
}

void pipeline_push_begin(struct pipeline *pipeline, struct pipeline_push *push, const char *csv, ...)
{
    const char *const words[] = { "import", "--input", csv, NULL };
    va_list args;

    va_start(args, csv);
    begin(pipeline, push, words, args);
    va_end(args);
}

void pipeline_apply_begin(struct pipeline *pipeline, struct pipeline_push *push, const char *plan, ...)
{
    const char *const words[] = { "apply", "--confirm", "--wait", "--plan", plan, NULL };
    va_list args;

    va_start(args, plan);
    begin(pipeline, push, words, args);
    va_end(args);
}

bool pipeline_push_ends(struct pipeline_push *push, int64_t ms)
{
    return proc_wait(&push->proc, ms) == 1;
}

static void read_result(const struct pipeline_push *push, struct pipeline_result *result)
{
    const struct {
        const char *name;
        int64_t *at;
    } numbers[] = {
        { "total", &result->total },         { "assigned", &result->assigned },
        { "unchanged", &result->unchanged }, { "removed", &result->removed },
        { "rejected", &result->rejected },   { "duplicate", &result->duplicate },
        { "conflict", &result->conflict },   { "failed", &result->failed },
        { "cancelled", &result->cancelled }, { "dead", &result->dead },
    };
    struct err err = ERR_INIT;
    struct json *doc = NULL;
    struct buf out, said;

    buf_init(&out, 1 << 20);
    buf_init(&said, 64u * 1024 * 1024);
    must(fsio_read(push->out_path, &out, &err), &err);
    must(fsio_read(push->err_path, &said, &err), &err);
    if (json_parse(out.data != NULL ? out.data : "", out.len, &doc, &err) != 0 ||
        json_string(json_get(doc, "run")) == NULL)
        fail_msg("abmctl ended with %d and no result (%s): %s%s", result->status, err.text,
                 out.len > 0 ? out.data : "", said.len > 0 ? said.data : "");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (!json_int(json_get(doc, numbers[i].name), numbers[i].at))
            fail_msg("no number %s in %s", numbers[i].name, out.data);
    snprintf(result->run, sizeof(result->run), "%s", json_string(json_get(doc, "run")));
    snprintf(result->state, sizeof(result->state), "%s",
             json_string(json_get(doc, "state")) != NULL ? json_string(json_get(doc, "state")) : "");
    snprintf(result->manifest, sizeof(result->manifest), "%s",
             json_string(json_get(doc, "manifest")) != NULL ? json_string(json_get(doc, "manifest")) : "");
    json_free(doc);
    buf_release(&out);
    buf_release(&said);
}

void pipeline_push_end(struct pipeline *pipeline, struct pipeline_push *push, int64_t timeout_ms,
                       struct pipeline_result *result_r)
{
    memset(result_r, 0, sizeof(*result_r));
    if (!pipeline_push_ends(push, timeout_ms)) {
        (void)desk_ctl(&pipeline->desk, "status", NULL);
        proc_kill(&push->proc);
        fail_msg("the import did not end within %lld ms; status says:\n%s%s", (long long)timeout_ms,
                 pipeline->desk.out.data, pipeline->desk.err.data);
    }
    result_r->ms = clock_boot_ms() - push->began_boot_ms;
    result_r->status = proc_status(&push->proc);
    read_result(push, result_r);
}

void pipeline_import(struct pipeline *pipeline, const char *csv, int64_t timeout_ms,
                     struct pipeline_result *result_r)
{
    struct pipeline_push push;

    pipeline_push_begin(pipeline, &push, csv, NULL);
    pipeline_push_end(pipeline, &push, timeout_ms, result_r);
}

void pipeline_apply(struct pipeline *pipeline, const char *plan, int64_t timeout_ms,
                    struct pipeline_result *result_r)
{
    struct pipeline_push push;

    pipeline_apply_begin(pipeline, &push, plan, NULL);
    pipeline_push_end(pipeline, &push, timeout_ms, result_r);
}

const char *pipeline_last_run(struct pipeline *pipeline)
{
    static char run[65];
    struct redis_reply *reply = desk_ask(&pipeline->desk, "ZREVRANGE", "@runs", "0", "0", NULL);

    snprintf(run, sizeof(run), "%s", redis_text(redis_at(reply, 0), NULL));
    redis_reply_free(reply);
    return run;
}

struct state_wait {
    struct pipeline *pipeline;
    const char *run, *state;
};

static bool has_state(void *user)
{
    struct state_wait *wait = user;
    char key[96];

    snprintf(key, sizeof(key), "@run:%s", wait->run);
    return strcmp(desk_text(&wait->pipeline->desk, "HGET", key, "state", NULL), wait->state) == 0;
}

bool pipeline_wait_state(struct pipeline *pipeline, const char *run, const char *state, int64_t timeout_ms)
{
    struct state_wait wait = { pipeline, run, state };

    return proc_until(has_state, &wait, timeout_ms);
}
