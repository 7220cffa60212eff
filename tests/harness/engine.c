#include "harness/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fsio.h"
#include "queue/lanes.h"
#include "queue/redis.h"

static const char *const names[ENGINE_STAGES] = { "validate", "import", "assign", "verify", "audit" };

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

void engine_start(struct engine *engine, const char *stages_yaml)
{
    struct err err = ERR_INIT;
    struct buf text;

    memset(engine, 0, sizeof(*engine));
    must(redis_server_start(&engine->redis, NULL, &err), &err);
    must(proc_temp_dir("engine", engine->dir, sizeof(engine->dir), &err), &err);
    snprintf(engine->config, sizeof(engine->config), "%s/pipeline.yaml", engine->dir);
    buf_init(&text, 65536);
    buf_addf(&text,
             "version: 1\nredis: { url: \"%s\" }\norgs:\n  t:\n    api: { dialect: abm-v2, base_url: "
             "\"http://127.0.0.1:9\", token: \"env:NOTHING\", timeout: 300ms }\n    rate_limit: { requests: "
             "100000, per: 1s, burst: "
             "1000 }\n    rules: blueprints.yaml\n%s%s"
             "audit: { signer: \"ed25519:file:audit.key\", spool: spool, sinks: [\"file:evidence\"] }\n",
             engine->redis.unix_url, stages_yaml[0] != '\0' ? "stages:\n" : "", stages_yaml);
    must(fsio_write(engine->config, text.data, text.len, 0600, &err), &err);
    buf_release(&text);
}

void engine_stop(struct engine *engine)
{
    for (int i = 0; i < ENGINE_STAGES; i++)
        proc_kill(&engine->workers[i]);
    redis_server_stop(&engine->redis);
    proc_remove_dir(engine->dir);
}

void engine_start_worker(struct engine *engine, int index)
{
    char log[192], stage[64];
    const char *argv[] = { TEST_STUB, "--config", engine->config, NULL };
    const char *env[16] = { stage, NULL };
    struct proc_options options = {
        .argv = argv, .env = env, .stdout_file = log, .stderr_file = log, .is_appended = true
    };
    struct err err = ERR_INIT;

    snprintf(log, sizeof(log), "%s/%s.log", engine->dir, names[index]);
    snprintf(stage, sizeof(stage), "STUB_STAGE=%s", names[index]);
    /* Validate and audit decide whole messages: with a share of retries hardly one would ever pass. */
    for (size_t i = 0; i < 8 && engine->extra_env[i] != NULL; i++)
        env[1 + i] = (index == 0 || index == 4) && strncmp(engine->extra_env[i], "STUB_RETRY", 10) == 0
                         ? "STUB_RETRY=0"
                         : engine->extra_env[i];
    must(proc_spawn(&engine->workers[index], &options, &err), &err);
}

void engine_start_all(struct engine *engine)
{
    for (int i = 0; i < ENGINE_STAGES; i++)
        engine_start_worker(engine, i);
}

static void push_batch(struct redis *redis, const char *run, int batch, int batches, int from, int to)
{
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_addf(&text, "{\"version\":1,\"run\":\"%s\",\"batch\":%d,\"batches\":%d,\"devices\":[", run, batch,
             batches);
    for (int i = from; i < to; i++)
        buf_addf(&text, "%s{\"row\":%d,\"serial\":\"DEV%09d\",\"country\":\"JP\",\"model\":\"MacBook Air\"}",
                 i > from ? "," : "", i + 1, i + 1);
    buf_add_str(&text, "]}");
    must(buf_check(&text, "batch", &err), &err);
    must(redis_callv(redis, &reply, &err, "XADD", "{abm:t}:ingest", "*", "batch", text.data, NULL), &err);
    redis_reply_free(reply);
    buf_release(&text);
}

void engine_push(struct engine *engine, const char *run, int count, int batch_size)
{
    engine_push_from(engine, run, 0, count, batch_size);
}

void engine_push_from(struct engine *engine, const char *run, int first, int count, int batch_size)
{
    struct redis_settings settings = { .url = engine->redis.unix_url };
    struct err err = ERR_INIT;
    int batches = (count + batch_size - 1) / batch_size;
    struct redis *redis;

    must(redis_new(&settings, &redis, &err), &err);
    must(redis_connect(redis, &err), &err);
    for (int b = 0; b < batches; b++)
        push_batch(redis, run, b + 1, batches, first + b * batch_size,
                   first + ((b + 1) * batch_size < count ? (b + 1) * batch_size : count));
    redis_free(redis);
}

int64_t engine_number(struct engine *engine, const char *command)
{
    char whole[512];
    size_t len = 0;

    for (const char *c = command; *c != '\0' && len + 16 < sizeof(whole); c++) {
        if (*c == '@')
            len += (size_t)snprintf(whole + len, sizeof(whole) - len, "{abm:t}:");
        else
            whole[len++] = *c;
    }
    whole[len] = '\0';
    return redis_server_number(&engine->redis, whole);
}

int64_t engine_run_number(struct engine *engine, const char *run, const char *field)
{
    char command[256];

    snprintf(command, sizeof(command), "HGET @run:%s %s", run, field);
    return engine_number(engine, command);
}

struct state_wait {
    struct engine *engine;
    const char *run, *state;
};

static bool has_state(void *user)
{
    struct state_wait *wait = user;
    struct err err = ERR_INIT;
    char command[256];
    struct buf out;
    bool is;

    snprintf(command, sizeof(command), "HGET {abm:t}:run:%s state", wait->run);
    buf_init(&out, 4096);
    is = redis_server_ask(&wait->engine->redis, command, &out, &err) == 0 &&
         strcmp(out.data, wait->state) == 0;
    buf_release(&out);
    return is;
}

bool engine_wait_state(struct engine *engine, const char *run, const char *state, int64_t timeout_ms)
{
    struct state_wait wait = { engine, run, state };

    return proc_until(has_state, &wait, timeout_ms);
}

struct number_wait {
    struct engine *engine;
    const char *command;
    int64_t number;
};

static bool has_number(void *user)
{
    struct number_wait *wait = user;

    return engine_number(wait->engine, wait->command) == wait->number;
}

bool engine_wait_number(struct engine *engine, const char *command, int64_t number, int64_t timeout_ms)
{
    struct number_wait wait = { engine, command, number };

    return proc_until(has_number, &wait, timeout_ms);
}

void engine_await(struct engine *engine, const char *command, int64_t number, int64_t timeout_ms)
{
    if (!engine_wait_number(engine, command, number, timeout_ms))
        fail_msg("%s is %lld, not %lld", command, (long long)engine_number(engine, command),
                 (long long)number);
}

int64_t engine_messages(struct engine *engine, const char *stage)
{
    char command[KEY_MAX_BYTES + 8], key[KEY_MAX_BYTES];
    struct keys keys;
    int64_t count = 0;

    keys_init(&keys, "t");
    for (int lane = 0; lane < LANES; lane++) {
        snprintf(command, sizeof(command), "XLEN %s", lane_key(&keys, stage, lane, key));
        count += engine_number(engine, command);
    }
    return count;
}

void engine_assert_clean(struct engine *engine)
{
    static const char *const left[] = {
        "ZCARD @retry:validate", "ZCARD @retry:import", "ZCARD @retry:assign", "ZCARD @retry:verify",
        "ZCARD @retry:audit",    "EXISTS @claims:meta", "HLEN @runs:open",     "EXISTS @runs:lane",
    };

    for (int i = 0; i < ENGINE_STAGES; i++)
        if (engine_messages(engine, names[i]) != 0)
            fail_msg("%lld messages of %s are left", (long long)engine_messages(engine, names[i]), names[i]);

    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
        if (engine_number(engine, left[i]) != 0)
            fail_msg("%s is %lld", left[i], (long long)engine_number(engine, left[i]));
    for (int i = 1; i < ENGINE_STAGES; i++) {
        char command[64];

        snprintf(command, sizeof(command), "HGET @count:%s stream", names[i]);
        if (engine_number(engine, command) > 0)
            fail_msg("%s is %lld", command, (long long)engine_number(engine, command));
        snprintf(command, sizeof(command), "HGET @count:%s parked", names[i]);
        if (engine_number(engine, command) > 0)
            fail_msg("%s is %lld", command, (long long)engine_number(engine, command));
    }
}
