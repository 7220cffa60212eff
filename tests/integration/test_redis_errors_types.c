/*
 * A key of the wrong type: each key of common/queue/README.md's table in turn is moved aside by somebody, who
 * writes a string in its place (a list in that of a string), and puts it back by RENAME, or removes his own
 * by DEL where none was there. What was begun is whole or not begun, the log and the status name the key.
 */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "harness/redis_faults.h"

#define DEVICES  20
#define WATCH_MS 500

/* '!': the id of the run; '#': the mapping's hash; '%': the uid of a message in assign. */
static const char *const keys[] = {
    "ingest",
    "import",
    "assign",
    "verify",
    "audit",
    "retry:validate",
    "retry:import",
    "retry:assign",
    "retry:verify",
    "retry:audit",
    "dead:validate",
    "dead:import",
    "dead:assign",
    "dead:verify",
    "letters",
    "count:validate",
    "count:import",
    "count:assign",
    "count:verify",
    "count:audit",
    "pause:import",
    "pause:assign",
    "pause:verify",
    "pause:audit",
    "pause:api",
    "cache:health",
    "limit:default",
    "limit:default:wait",
    "limit:default:seen",
    "workers",
    "runs",
    "runs:open",
    "runs:last",
    "runs:cancelled",
    "runs:lane",
    "runs:lanes",
    "lane:import:1",
    "lane:verify:due",
    "lane:audit:7",
    "limit:default:given",
    "run:!",
    "run:!:batches",
    "run:!:parts",
    "claims:meta",
    "claims:0",
    "claims:1",
    "held",
    "rules:#",
    "chain",
    "note:%",
    "runs:paused",
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct turn {
    struct redis_faults *faults;
    const char *name; /* without the prefix */
};

static bool is_named_or_closed(void *user)
{
    struct turn *turn = user;
    char words[240];

    snprintf(words, sizeof(words), "{abm:acme}:%s holds ", turn->name);
    /* The heartbeat, each 2 s, is all that asks for workers; and a run whose hash is gone tells no state. */
    if (strcmp(turn->name, "workers") == 0 || strncmp(turn->name, "run:", 4) == 0)
        return redis_faults_is_logged(turn->faults, words);
    return redis_faults_is_logged(turn->faults, words) ||
           pipeline_wait_state(&turn->faults->pipeline, turn->faults->run, "closed", 0);
}

/* Moved aside and replaced in one step, as nobody can watch it. */
static void spoil(struct redis_faults *faults, const char *name)
{
    static const char script[] =
        "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end "
        "if ARGV[1] == 'string' then redis.call('RPUSH', KEYS[1], 'mistake') else redis.call('SET', KEYS[1], "
        "'mistake') end return 1";
    char key[200], aside[200];
    bool is_string = strncmp(name, "rules:", 6) == 0;

    snprintf(key, sizeof(key), "@%s", name);
    snprintf(aside, sizeof(aside), "@aside:%s", name);
    assert_int_equal(desk_number(&faults->pipeline.desk, "EVAL", script, "2", key, aside,
                                 is_string ? "string" : "other", NULL),
                     1);
}

static void mend(struct redis_faults *faults, const char *name)
{
    char key[200], aside[200];

    snprintf(key, sizeof(key), "@%s", name);
    snprintf(aside, sizeof(aside), "@aside:%s", name);
    if (desk_number(&faults->pipeline.desk, "EXISTS", aside, NULL) == 1)
        redis_reply_free(desk_ask(&faults->pipeline.desk, "RENAME", aside, key, NULL));
    else
        redis_reply_free(desk_ask(&faults->pipeline.desk, "DEL", key, NULL));
}

static bool has_message(void *user)
{
    struct redis_faults *faults = user;

    return desk_number(&faults->pipeline.desk, "XLEN", "@assign", NULL) > 0;
}

/* The uid of what waits in assign, which is paused. */
static void read_uid(struct redis_faults *faults, char *uid, size_t size)
{
    struct redis_reply *reply;
    const char *body, *at;

    assert_true(proc_until(has_message, faults, 20000));
    reply = desk_ask(&faults->pipeline.desk, "XRANGE", "@assign", "-", "+", "COUNT", "1", NULL);
    body = redis_text(redis_at(redis_at(redis_at(reply, 0), 1), 1), NULL);
    at = strstr(body, "\"uid\":\"");
    assert_non_null(at);
    snprintf(uid, size, "%.*s", (int)strcspn(at + 7, "\""), at + 7);
    redis_reply_free(reply);
}

static const char *name_of(struct redis_faults *faults, const char *key)
{
    static char name[180];
    char text[96];

    if (strchr(key, '!') != NULL) {
        snprintf(name, sizeof(name), "%.*s%s%s", (int)strcspn(key, "!"), key, faults->run,
                 strchr(key, '!') + 1);
        return name;
    }
    if (strchr(key, '#') != NULL) {
        struct redis_reply *reply = desk_ask(&faults->pipeline.desk, "KEYS", "@rules:*", NULL);

        assert_true(redis_count(reply) > 0);
        snprintf(name, sizeof(name), "%s", redis_text(redis_at(reply, 0), NULL) + strlen("{abm:acme}:"));
        redis_reply_free(reply);
        return name;
    }
    if (strchr(key, '%') != NULL) {
        read_uid(faults, text, sizeof(text));
        snprintf(name, sizeof(name), "note:%s", text);
        return name;
    }
    return key;
}

static void spoil_and_mend(struct redis_faults *faults, const char *key)
{
    bool is_note = strchr(key, '%') != NULL;
    struct desk *desk = &faults->pipeline.desk;
    struct turn turn = { faults, key };
    char words[240];

    /* So many claims make one hash into two, and more. */
    redis_faults_load(faults, strncmp(key, "claims:", 7) == 0 ? 10 * DEVICES : DEVICES);
    if (is_note) {
        desk_expect(desk, desk_ctl(desk, "pause", "assign", "--reason", "the test", NULL), 0, NULL, NULL);
        redis_faults_release(faults);
    }
    turn.name = name_of(faults, key);
    spoil(faults, turn.name);
    if (is_note)
        redis_faults_tell(faults, "DEL @pause:assign");
    else
        redis_faults_release(faults);
    if (!proc_until(is_named_or_closed, &turn, 30000))
        fail_msg("with a wrong %s the run stands still, and no log names it", turn.name);
    snprintf(words, sizeof(words), "{abm:acme}:%s holds ", turn.name);
    snprintf(faults->said, sizeof(faults->said), "not met by this run");
    if (redis_faults_is_logged(faults, words)) {
        snprintf(faults->said, sizeof(faults->said), "yes");
        redis_faults_expect_status(faults, words, NULL);
        redis_faults_watch(faults, WATCH_MS);
    }
    mend(faults, turn.name);
    redis_faults_end(faults, key);
}

static void loses_nothing_to_a_wrong_type(void **state)
{
    struct redis_faults faults;

    (void)state;
    redis_faults_start(&faults, TEST_BIN, false);
    for (size_t i = 0; i < KEYS; i += proc_every(5))
        spoil_and_mend(&faults, keys[i]);
    pipeline_assert_clean(&faults.pipeline);
    redis_faults_stop(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(loses_nothing_to_a_wrong_type) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
