/*
 * An ACL that lost a command: each command that a worker or a script of its sends, in turn (each fifth here,
 * all in
 * --full). What was begun is
 * whole or not begun, the log and the status name the command, nobody is busy, and all goes on once it is
 * back.
 */
#include "harness/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/redis_faults.h"

#define DEVICES  20
#define WATCH_MS 500
#define FORMS    3

static const char *const commands[] = {
    "EVALSHA", "XREADGROUP", "XPENDING", "XACK",   "XDEL",   "XLEN",          "XADD", "XRANGE",   "XCLAIM",
    "XINFO",   "HSET",       "HSETNX",   "HGET",   "HMGET",  "HGETALL",       "HDEL", "HEXISTS",  "HINCRBY",
    "HLEN",    "ZADD",       "ZREM",     "ZCARD",  "ZRANGE", "ZRANGEBYSCORE", "SREM", "SMEMBERS", "SISMEMBER",
    "SET",     "GET",        "DEL",      "UNLINK", "INCR",   "PEXPIRE",       "TYPE", "EXISTS",   "TIME",
};
/* Sent only while connecting, or where the server has lost the scripts. */
static const char *const at_connect[] = { "INFO", "SCRIPT", "CLIENT" };
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct turn {
    struct redis_faults *faults;
    const char *command;
};

/* As our scripts tell it, as the place in a script shows it, as Redis tells it. */
static void forms(const char *command, char form[FORMS][64])
{
    char lower[32];
    size_t i;

    for (i = 0; command[i] != '\0' && i + 1 < sizeof(lower); i++)
        lower[i] = (char)tolower((unsigned char)command[i]);
    lower[i] = '\0';
    snprintf(form[0], 64, "lacks %s on", command);
    snprintf(form[1], 64, "call('%s'", command);
    snprintf(form[2], 64, "run the '%s", lower);
}

static bool is_named(struct redis_faults *faults, const char *command)
{
    char form[FORMS][64];
    bool is = false;

    forms(command, form);
    for (size_t i = 0; i < FORMS; i++)
        is = is || redis_faults_is_logged(faults, form[i]);
    return is;
}

static bool is_shown(void *user)
{
    struct turn *turn = user;
    struct desk *desk = &turn->faults->pipeline.desk;
    bool is;
    char form[FORMS][64];

    forms(turn->command, form);
    assert_int_equal(desk_ctl(desk, "status", NULL), 0);
    /* Where not even a heartbeat passes, status sends to the log. */
    is = strstr(desk->out.data, "one was last heard of") != NULL;
    for (size_t i = 0; i < FORMS; i++)
        is = is || strstr(desk->out.data, form[i]) != NULL;
    return is;
}

static bool is_named_or_closed(void *user)
{
    struct turn *turn = user;

    return is_named(turn->faults, turn->command) ||
           pipeline_wait_state(&turn->faults->pipeline, turn->faults->run, "closed", 0);
}

static void take_command(struct redis_faults *faults, const char *command)
{
    char words[96];

    snprintf(words, sizeof(words), "ACL SETUSER worker -%s", command);
    redis_faults_tell(faults, words);
}

static void give_command(struct redis_faults *faults, const char *command)
{
    char words[96];

    snprintf(words, sizeof(words), "ACL SETUSER worker +%s", command);
    redis_faults_tell(faults, words);
}

static void end(struct redis_faults *faults, const char *command)
{
    struct turn turn = { faults, command };

    snprintf(faults->said, sizeof(faults->said), "not met by this run");
    if (is_named(faults, command)) {
        snprintf(faults->said, sizeof(faults->said), "yes");
        if (!proc_until(is_shown, &turn, 20000))
            fail_msg("status never showed %s:\n%s", command, faults->pipeline.desk.out.data);
        redis_faults_watch(faults, WATCH_MS);
    }
    give_command(faults, command);
    redis_faults_end(faults, command);
}

static void lose(struct redis_faults *faults, const char *command)
{
    struct turn turn = { faults, command };

    redis_faults_load(faults, DEVICES);
    take_command(faults, command);
    redis_faults_release(faults);
    if (!proc_until(is_named_or_closed, &turn, 30000))
        fail_msg("without %s the run stands still, and no log names it", command);
    end(faults, command);
}

static void lose_at_connect(struct redis_faults *faults, const char *command)
{
    struct turn turn = { faults, command };

    redis_faults_load(faults, DEVICES);
    take_command(faults, command);
    redis_faults_tell(faults, "SCRIPT FLUSH");
    redis_faults_tell(faults, "CLIENT KILL USER worker");
    redis_faults_release(faults);
    if (!proc_until(is_named_or_closed, &turn, 30000))
        fail_msg("without %s the run stands still, and no log names it", command);
    assert_true(is_named(faults, command));
    end(faults, command);
}

static void loses_nothing_to_an_acl(void **state)
{
    struct redis_faults faults;

    (void)state;
    redis_faults_start(&faults, TEST_BIN, true);
    for (size_t i = 0; i < COMMANDS; i += proc_every(5))
        lose(&faults, commands[i]);
    for (size_t i = 0; i < sizeof(at_connect) / sizeof(at_connect[0]); i++)
        lose_at_connect(&faults, at_connect[i]);
    pipeline_assert_clean(&faults.pipeline);
    redis_faults_stop(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(loses_nothing_to_an_acl) };

    unsetenv("TEST_REDIS"); /* what one server is told; the nodes of a cluster would be told one by one */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
