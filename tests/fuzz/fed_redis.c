#include "fed_redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "queue/scripts.h"

#define URL         "unix:///nowhere"
#define NUMBER_MOST 100000 /* elements or bytes that one reply may announce */
#define CONNECTS_MOST                                                                                        \
    8 /* of one input: an answer may send the caller on to another server, and that one too */
#define SCRIPT_HASH  "+da39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"
#define SCRIPT_REPLY ":1\r\n"

static const char greeting[] = "$58\r\n# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef\r\n#\r\n"
                               "$45\r\n# Replication\r\nmaster_replid:0123456789abcdef\r\n";

static struct {
    bool is_greeted;
    const uint8_t *data;
    size_t size;
    int left; /* connections that still get the answers; those behind them get none */
    int peer; /* of the connection made last; -1: none */
} fed = { .peer = -1 };

void fed_redis_say(bool is_greeted, const uint8_t *data, size_t size)
{
    fed.is_greeted = is_greeted;
    fed.data = data;
    fed.size = size < FED_REDIS_MAX ? size : FED_REDIS_MAX;
    fed.left = CONNECTS_MOST;
}

static redisContext *connect_pair(const struct timeval *timeout)
{
    redisContext *context;
    int ends[2];

    if (fed.peer >= 0)
        close(fed.peer);
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    if (fed.left-- <= 0)
        fed.is_greeted = false, fed.size = 0;
    if (fed.is_greeted)
        FUZZ_CHECK(send(ends[1], greeting, sizeof(greeting) - 1, 0) == (ssize_t)sizeof(greeting) - 1);
    if (fed.size > 0)
        FUZZ_CHECK(send(ends[1], fed.data, fed.size, 0) == (ssize_t)fed.size);
    FUZZ_CHECK(shutdown(ends[1], SHUT_WR) == 0);
    fed.peer = ends[1]; /* stays open, so that commands find their way out */
    context = redisConnectFd(ends[0]);
    FUZZ_CHECK(context != NULL);
    redisSetTimeout(context, *timeout);
    return context;
}

redisContext *__wrap_redisConnectUnixWithTimeout(const char *path, const struct timeval timeout);
redisContext *__wrap_redisConnectWithTimeout(const char *host, int port, const struct timeval timeout);
int __wrap_redisEnableKeepAlive(redisContext *context);

redisContext *__wrap_redisConnectUnixWithTimeout(const char *path, const struct timeval timeout)
{
    (void)path;
    return connect_pair(&timeout);
}

redisContext *__wrap_redisConnectWithTimeout(const char *host, int port, const struct timeval timeout)
{
    (void)host, (void)port;
    return connect_pair(&timeout);
}

/* A pair of sockets has no keep-alive, and hiredis takes that for a broken connection. */
int __wrap_redisEnableKeepAlive(redisContext *context)
{
    (void)context;
    return REDIS_OK;
}

bool fed_redis_is_sane(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t number = 0;

        if (data[i] != '*' && data[i] != '$' && data[i] != '%' && data[i] != '~' && data[i] != '>')
            continue;
        while (i + 1 < size && data[i + 1] == '0')
            i++;
        for (; i + 1 < size && data[i + 1] >= '0' && data[i + 1] <= '9'; i++) {
            number = number * 10 + (uint64_t)(data[i + 1] - '0');
            if (number > NUMBER_MOST)
                return false;
        }
    }
    return true;
}

struct redis *fed_redis_connect(const uint8_t *data, size_t size)
{
    /* What is waited for at most, such as a cluster that asks to be tried again: nothing here gets better by
     * it. */
    const struct redis_settings settings = { .url = URL, .timeout_ms = 6 };
    struct err err = ERR_INIT;
    struct redis *redis;

    fed_redis_say(true, data, size);
    FUZZ_CHECK(redis_new(&settings, &redis, &err) == 0 && redis_connect(redis, &err) == 0);
    return redis;
}

void fed_redis_load_scripts(void)
{
    static bool is_done;
    struct err err = ERR_INIT;
    struct redis_args args;

    if (is_done)
        return;
    redis_args_init(&args);
    for (int script = 0; script < SCRIPT_COUNT; script++) {
        static const uint8_t answers[] = SCRIPT_HASH SCRIPT_REPLY;
        struct redis *redis = fed_redis_connect(answers, sizeof(answers) - 1);
        struct redis_reply *reply;

        FUZZ_CHECK(scripts_run(redis, (enum script)script, &args, &reply, &err) == 0);
        redis_reply_free(reply);
        redis_free(redis);
    }
    redis_args_release(&args);
    is_done = true;
}
