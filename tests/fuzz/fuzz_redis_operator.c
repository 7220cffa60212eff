/*
 * What the operator's calls make of any answer of Redis: status, runs, dead letters as they are shown and
 * replayed, push and control. First byte: the call; the rest: what Redis answers, as it comes over the wire.
 */
#include <string.h>

#include "base/str.h"
#include "fed_redis.h"
#include "fuzz.h"
#include "look.h"
#include "queue/control.h"
#include "queue/dead.h"
#include "queue/push.h"
#include "queue/runs.h"
#include "replay.h"

struct scene {
    struct redis *redis;
    struct keys keys;
    struct pool *pool;
};

static void status(struct scene *scene, struct err *err)
{
    struct status_limit limits[STATUS_STAGES];
    struct status_view view;

    if (status_fetch(scene->redis, &scene->keys, scene->pool, &view, err) != 0)
        return;
    for (int i = 0; i < STATUS_STAGES; i++)
        limits[i] = (struct status_limit){ 10000, 200000 };
    status_judge(&view, limits);
    for (int i = 0; i < STATUS_STAGES; i++)
        FUZZ_CHECK(view.stages[i].reason[0] != '\0' &&
                   memchr(view.stages[i].reason, '\0', STATUS_REASON_MAX) != NULL);
    (void)look_obstacle(&view);
}

static void runs(struct scene *scene, struct err *err)
{
    const char **ids;
    size_t count;

    while (runs_list(scene->redis, &scene->keys, 100, scene->pool, &ids, &count, err) == 0)
        for (size_t i = 0; i < count; i++)
            FUZZ_CHECK(ids[i] != NULL);
}

static int see_letter(void *user, const struct dead_letter *letter, struct err *err)
{
    struct pool *pool = pool_new(1u << 20);
    struct err why = ERR_INIT;
    struct buf text;

    (void)user, (void)err;
    FUZZ_CHECK(pool != NULL && letter->id != NULL);
    buf_init(&text, 1u << 20);
    if (replay_message(letter, "assign", "0123456789abcdef", pool, &text, &why) != 0)
        FUZZ_CHECK(why.code != ERR_NONE && why.text[0] != '\0');
    buf_reset(&text);
    str_escape(&text, letter->device != NULL ? letter->device : "-",
               letter->device != NULL ? letter->device_len : 1, 1024);
    FUZZ_CHECK(text.is_failed || !str_has_control(text.data));
    buf_release(&text);
    pool_free(pool);
    return 0;
}

static void letters(struct scene *scene, struct err *err)
{
    static const struct dead_filter all = { 0 }, of_run = { .run = "r" }, one = { .id = "1-1" };

    (void)!dead_each(scene->redis, &scene->keys, "assign", &all, see_letter, scene, err);
    (void)!dead_each(scene->redis, &scene->keys, "assign", &of_run, see_letter, scene, err);
    (void)!dead_each(scene->redis, &scene->keys, "assign", &one, see_letter, scene, err);
}

static void replay(struct scene *scene, struct err *err)
{
    static const struct dead_replay wanted = {
        .stage = "verify", .id = "1-1", .target = "assign", .message = "{}", .message_len = 2
    };
    enum dead_answer answer;
    int64_t wait_ms;
    char other[65];

    while (dead_replay(scene->redis, &scene->keys, &wanted, &answer, other, &wait_ms, err) == 0) {
        FUZZ_CHECK(answer <= DEAD_SUPERSEDED && memchr(other, '\0', sizeof(other)) != NULL);
        (void)!dead_drop(scene->redis, &scene->keys, "verify", "1-1", err);
    }
}

static void push(struct scene *scene, struct err *err)
{
    static const struct push_input input = {
        .source_sha256 = "00", .mapping_sha256 = "11", .run = "r", .head = "{}", .keep_ms = 1000
    };
    char run[PUSH_RUN_BYTES], state[PUSH_STATE_BYTES];
    enum push_begun begun;
    bool is_come[16];
    int64_t messages, come;
    struct buf head;

    buf_init(&head, 4096);
    if (push_begin(scene->redis, &scene->keys, &input, &begun, run, &head, err) == 0) {
        FUZZ_CHECK(begun <= PUSH_OPEN_AS && memchr(run, '\0', sizeof(run)) != NULL);
        (void)!push_rules(scene->redis, &scene->keys, "11", "x", 1, err);
        (void)!push_come(scene->redis, &scene->keys, "r", is_come, 16, err);
        (void)!push_backlog(scene->redis, &scene->keys, "r", &messages, &come, err);
        (void)!push_batch(scene->redis, &scene->keys, false, "{}", 2, err);
        if (push_state(scene->redis, &scene->keys, "r", state, err) == 0)
            FUZZ_CHECK(memchr(state, '\0', sizeof(state)) != NULL);
    }
    buf_release(&head);
}

static void control(struct scene *scene, struct err *err)
{
    char state[CONTROL_STATE_BYTES];
    enum control_answer answer;
    int64_t number;

    (void)!control_pause(scene->redis, &scene->keys, "assign", "me", "why", &number, err);
    (void)!control_resume(scene->redis, &scene->keys, "assign", &number, err);
    if (control_cancel(scene->redis, &scene->keys, "r", &answer, state, &number, err) == 0)
        FUZZ_CHECK(answer <= CONTROL_WHOLE && memchr(state, '\0', sizeof(state)) != NULL);
    if (control_pause_run(scene->redis, &scene->keys, "r", "me", "why", &answer, state, &number, err) == 0)
        FUZZ_CHECK(answer <= CONTROL_WHOLE && memchr(state, '\0', sizeof(state)) != NULL);
    (void)!control_resume_run(scene->redis, &scene->keys, "r", "me", &answer, state, &number, err);
    (void)!control_close(scene->redis, &scene->keys, "r", &answer, state, &number, err);
}

static void unpark(struct scene *scene, struct err *err)
{
    int64_t moved;

    (void)!control_unpark(scene->redis, &scene->keys, "r", &moved, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct scene * scene, struct err * err) = {
        status, runs, letters, replay, push, control, unpark,
    };
    struct err err = ERR_INIT;
    struct scene scene;

    if (size == 0 || !fed_redis_is_sane(data + 1, size - 1))
        return 0;
    scene.pool = pool_new(1u << 20);
    FUZZ_CHECK(scene.pool != NULL);
    keys_init(&scene.keys, "fuzz");
    fed_redis_load_scripts();
    scene.redis = fed_redis_connect(data + 1, size - 1);
    calls[data[0] % (sizeof(calls) / sizeof(calls[0]))](&scene, &err);
    redis_free(scene.redis);
    pool_free(scene.pool);
    return 0;
}
