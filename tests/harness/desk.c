#include "harness/desk.h"

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

#define TIMEOUT_MS 30000

static const char rules[] = "blueprint_mappings:\n"
                            "  - condition: \"country == 'JP'\"\n"
                            "    blueprint_id: \"bp-jp\"\n"
                            "  - condition: \"country in ['DE', 'US']\"\n"
                            "    blueprint_id: \"bp-west\"\n";

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

const char *desk_path(const struct desk *desk, const char *name)
{
    static char slots[16][256];
    static unsigned turn;
    char *slot = slots[turn++ % 16];

    snprintf(slot, sizeof(slots[0]), "%s/%s", desk->dir, name);
    return slot;
}

const char *desk_file(const struct desk *desk, const char *name, const char *text, size_t len)
{
    const char *path = desk_path(desk, name);
    struct err err = ERR_INIT;

    must(fsio_write(path, text, len, 0600, &err), &err);
    return path;
}

const char *desk_devices(const struct desk *desk, const char *name, int count, const char *tail)
{
    const char *path;
    struct buf text;

    buf_init(&text, 64u * 1024 * 1024);
    buf_add_str(&text, "serial,country\n");
    for (int i = 0; i < count; i++)
        buf_addf(&text, "FVFGH%07d,DE\n", i);
    buf_add_str(&text, tail);
    assert_false(text.is_failed);
    path = desk_file(desk, name, text.data, text.len);
    buf_release(&text);
    return path;
}

static void connect_again(struct desk *desk)
{
    struct err err = ERR_INIT;

    if (!redis_is_connected(desk->redis))
        must(redis_connect(desk->redis, &err), &err);
}

void desk_start_with(struct desk *desk, const char *program, const char *more)
{
    struct redis_settings settings = { 0 };
    struct err err = ERR_INIT;
    struct buf text;

    memset(desk, 0, sizeof(*desk));
    desk->program = program;
    must(redis_server_start(&desk->server, NULL, &err), &err);
    must(proc_temp_dir("desk", desk->dir, sizeof(desk->dir), &err), &err);
    snprintf(desk->config, sizeof(desk->config), "%s/pipeline.yaml", desk->dir);
    snprintf(desk->rules, sizeof(desk->rules), "%s/blueprints.yaml", desk->dir);
    snprintf(desk->out_path, sizeof(desk->out_path), "%s/out", desk->dir);
    snprintf(desk->err_path, sizeof(desk->err_path), "%s/err", desk->dir);
    buf_init(&text, 65536);
    buf_addf(&text,
             "version: 1\nredis: { url: \"%s\" }\norgs:\n  acme:\n    api: { dialect: abm-v2, base_url: "
             "\"http://127.0.0.1:9\", token: \"env:NOTHING\" }\n    rate_limit: { requests: 100, per: 60s, "
             "burst: 20 }\n"
             "    rules: blueprints.yaml\naudit: { signer: \"ed25519:file:audit.key\", sinks: "
             "[\"file:evidence\"] }\n%s",
             desk->server.url, more);
    must(fsio_write(desk->config, text.data, text.len, 0600, &err), &err);
    must(fsio_write(desk->rules, rules, sizeof(rules) - 1, 0600, &err), &err);
    buf_release(&text);
    buf_init(&desk->out, 64u * 1024 * 1024);
    buf_init(&desk->err, 64u * 1024 * 1024);
    keys_init(&desk->keys, "acme");
    settings.url = desk->server.test_url;
    must(redis_new(&settings, &desk->redis, &err), &err);
    connect_again(desk);
}

void desk_stop(struct desk *desk)
{
    redis_free(desk->redis);
    redis_server_stop(&desk->server);
    proc_remove_dir(desk->dir);
    buf_release(&desk->out);
    buf_release(&desk->err);
}

static void collect_words(const char *word, va_list args, const char *words[DESK_WORDS_MAX])
{
    size_t count = 0;

    for (; word != NULL; word = va_arg(args, const char *)) {
        assert_true(count + 1 < DESK_WORDS_MAX);
        words[count++] = word;
    }
    words[count] = NULL;
}

static void spawn(struct desk *desk, struct proc *proc, const char *words[DESK_WORDS_MAX])
{
    static const char *const env[] = { "ABM_ORG", "ABM_OPERATOR=tester", "ABM_GIT_COMMIT=0123abc",
                                       "NO_COLOR=1", NULL };
    const char *argv[DESK_WORDS_MAX + 4] = { desk->program, "--config", desk->config };
    struct proc_options options = { .argv = argv,
                                    .env = env,
                                    .stdin_file = desk->stdin_file,
                                    .stdout_file = desk->out_path,
                                    .stderr_file = desk->err_path };
    struct err err = ERR_INIT;

    for (size_t i = 0; words[i] != NULL; i++)
        argv[3 + i] = words[i];
    must(proc_spawn(proc, &options, &err), &err);
}

static void read_output(struct desk *desk)
{
    struct err err = ERR_INIT;

    buf_reset(&desk->out);
    buf_reset(&desk->err);
    buf_add_str(&desk->out, "");
    buf_add_str(&desk->err, "");
    must(fsio_read(desk->out_path, &desk->out, &err), &err);
    must(fsio_read(desk->err_path, &desk->err, &err), &err);
}

int desk_wait(struct desk *desk, struct proc *proc)
{
    if (proc_wait(proc, TIMEOUT_MS) != 1) {
        proc_kill(proc);
        read_output(desk);
        fail_msg("abmctl did not end; it printed: %s%s", desk->out.data, desk->err.data);
    }
    read_output(desk);
    return proc_status(proc);
}

int desk_ctl(struct desk *desk, const char *word, ...)
{
    const char *words[DESK_WORDS_MAX];
    struct proc proc;
    va_list args;

    va_start(args, word);
    collect_words(word, args, words);
    va_end(args);
    spawn(desk, &proc, words);
    return desk_wait(desk, &proc);
}

void desk_begin(struct desk *desk, struct proc *proc, const char *word, ...)
{
    const char *words[DESK_WORDS_MAX];
    va_list args;

    va_start(args, word);
    collect_words(word, args, words);
    va_end(args);
    spawn(desk, proc, words);
}

struct saying {
    struct desk *desk;
    const char *text;
};

static bool has_said(void *user)
{
    struct saying *saying = user;

    read_output(saying->desk);
    return strstr(saying->desk->err.data, saying->text) != NULL ||
           strstr(saying->desk->out.data, saying->text) != NULL;
}

bool desk_says(struct desk *desk, const char *text)
{
    struct saying saying = { desk, text };

    return proc_until(has_said, &saying, TIMEOUT_MS);
}

static struct redis_reply *ask(struct desk *desk, const char *word, va_list list)
{
    char whole[DESK_WORDS_MAX][256];
    const char *words[DESK_WORDS_MAX];
    struct redis_reply *reply = NULL;
    struct err err = ERR_INIT;
    struct redis_args args;

    collect_words(word, list, words);
    connect_again(desk);
    redis_args_init(&args);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (words[i][0] == '@')
            snprintf(whole[i], sizeof(whole[i]), "%s%s", desk->keys.prefix, words[i] + 1);
        redis_arg(&args, words[i][0] == '@' ? whole[i] : words[i]);
    }
    if (redis_call(desk->redis, &args, &reply, &err) != 0 && err.code == ERR_REDIS_LOST) {
        /* The test killed the server since the last question. */
        err_reset(&err);
        connect_again(desk);
        must(redis_call(desk->redis, &args, &reply, &err), &err);
    }
    must(err.code == ERR_NONE ? 0 : -1, &err);
    redis_args_release(&args);
    return reply;
}

struct redis_reply *desk_ask(struct desk *desk, const char *word, ...)
{
    struct redis_reply *reply;
    va_list args;

    va_start(args, word);
    reply = ask(desk, word, args);
    va_end(args);
    return reply;
}

int64_t desk_number(struct desk *desk, const char *word, ...)
{
    struct redis_reply *reply;
    int64_t number;
    va_list args;

    va_start(args, word);
    reply = ask(desk, word, args);
    va_end(args);
    number = redis_integer(reply);
    redis_reply_free(reply);
    return number;
}

const char *desk_text(struct desk *desk, const char *word, ...)
{
    static char slots[8][4096];
    static unsigned turn;
    char *slot = slots[turn++ % 8];
    struct redis_reply *reply;
    va_list args;

    va_start(args, word);
    reply = ask(desk, word, args);
    va_end(args);
    snprintf(slot, sizeof(slots[0]), "%s", redis_text(reply, NULL));
    redis_reply_free(reply);
    return slot;
}

void desk_check(const char *file, int line, const struct desk *desk, int got, int want, const char *out,
                const char *err)
{
    bool has_out = out == NULL || strstr(desk->out.data, out) != NULL;
    bool has_err = err == NULL || strstr(desk->err.data, err) != NULL;

    if (got != want || !has_out || !has_err)
        fail_msg("%s:%d: exit %d instead of %d, or no \"%s\" / \"%s\" in:\n%s\n%s", file, line, got, want,
                 out != NULL ? out : "", err != NULL ? err : "", desk->out.data, desk->err.data);
}

struct number_wait {
    struct desk *desk;
    const char *command, *key, *field;
    int64_t number;
};

static bool is_number(void *user)
{
    const struct number_wait *wait = user;

    return desk_number(wait->desk, wait->command, wait->key, wait->field, NULL) == wait->number;
}

void desk_await_number(struct desk *desk, const char *command, const char *key, const char *field,
                       int64_t number, int64_t timeout_ms)
{
    struct number_wait wait = { desk, command, key, field, number };

    if (!proc_until(is_number, &wait, timeout_ms))
        fail_msg("%s %s %s: never %lld, but %lld", command, key, field != NULL ? field : "",
                 (long long)number, (long long)desk_number(desk, command, key, field, NULL));
}
