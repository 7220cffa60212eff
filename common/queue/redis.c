#include "queue/redis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/str.h"
#include "queue/redis_inside.h"
#include "queue/tls.h"

#define DEFAULT_TIMEOUT_MS      5000
#define DEFAULT_WAIT_TIMEOUT_MS 1000

static struct timeval to_timeval(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

/* Settings that say how TLS is spoken, and a URL that speaks none: somebody believes the wire to be safe. */
static int check_tls(const struct redis *redis, struct err *err)
{
    const struct redis_tls *tls = &redis->settings.tls;

    if (redis->url.is_tls ||
        (tls->ca_file == NULL && tls->cert_file == NULL && tls->key_file == NULL && tls->server_name == NULL))
        return 0;
    return err_set(err, ERR_SETTINGS, 0,
                   "redis.tls is set, but redis.url speaks no TLS: begin it with rediss://, sentinels:// or "
                   "clusters://, or remove redis.tls");
}

int redis_new(const struct redis_settings *settings, struct redis **redis_r, struct err *err)
{
    struct redis *redis = calloc(1, sizeof(*redis));

    if (redis == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a connection to Redis");
    redis->settings = *settings;
    if (redis->settings.timeout_ms == 0)
        redis->settings.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (redis->settings.wait_timeout_ms == 0)
        redis->settings.wait_timeout_ms = DEFAULT_WAIT_TIMEOUT_MS;
    redis->allowed_ms = redis->settings.timeout_ms;
    if (redis_url_parse(settings->url, &redis->url, err) != 0 || check_tls(redis, err) != 0 ||
        (redis->url.is_tls && tls_new(&settings->tls, &redis->tls, err) != 0)) {
        free(redis);
        return -1;
    }
    snprintf(redis->where, sizeof(redis->where), "%s", settings->url);
    *redis_r = redis;
    return 0;
}

void redis_disconnect(struct redis *redis)
{
    if (redis->context != NULL)
        redisFree(redis->context);
    redis->context = NULL;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL)
        return;
    redis_disconnect(redis);
    tls_free(redis->tls);
    free(redis);
}

bool redis_is_connected(const struct redis *redis)
{
    return redis->context != NULL;
}

const char *redis_identity(const struct redis *redis)
{
    return redis->identity;
}

static int wire_failed(const struct redis *redis, const redisContext *context, struct err *err)
{
    int sys = context->err == REDIS_ERR_IO ? errno : 0;
    const char *reason;

    if (sys == EAGAIN || sys == EWOULDBLOCK)
        return err_set(err, ERR_REDIS_LOST, 0, "Redis at %s did not answer in %lld ms", redis->where,
                       (long long)redis->allowed_ms);
    reason = redis->tls != NULL ? tls_reason() : NULL;
    return err_set(err, ERR_REDIS_LOST, 0, "the connection to Redis at %s broke: %s%s%s", redis->where,
                   context->errstr, reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

int redis_exchange(struct redis *redis, redisContext *context, int argc, const char **argv,
                   const size_t *lens, redisReply **reply_r, struct err *err)
{
    redisReply *reply = redisCommandArgv(context, argc, argv, lens);

    if (reply == NULL)
        return wire_failed(redis, context, err);
    *reply_r = reply;
    return 0;
}

/* One whose server was demoted under it, or is cut off from its replicas and may be soon: the sentinels are
 * asked again. */
static bool is_demoted(const struct redis *redis, const redisReply *reply)
{
    return redis->url.kind == REDIS_URL_SENTINEL &&
           (str_starts(reply->str, "READONLY") || str_starts(reply->str, "NOREPLICAS"));
}

static int fail_reply(struct redis *redis, redisReply *reply, struct err *err)
{
    if (is_demoted(redis, reply)) {
        err_set(err, ERR_REDIS_LOST, 0, "Redis at %s takes no writes: %s", redis->where, reply->str);
        redis_disconnect(redis);
    } else {
        redis_error(reply->str, err);
    }
    freeReplyObject(reply);
    return -1;
}

static int command(struct redis *redis, int argc, const char **argv, const size_t *lens,
                   struct redis_reply **reply_r, struct err *err)
{
    struct cluster_way way = { 0 };
    redisReply *reply;
    int again;

    do {
        again = 0;
        if (redis->context == NULL)
            return err_set(err, ERR_REDIS_LOST, 0, "not connected to Redis at %s", redis->where);
        if (redis_exchange(redis, redis->context, argc, argv, lens, &reply, err) != 0) {
            /* What stands in its buffers belongs to no command any more. */
            redis_disconnect(redis);
            return -1;
        }
        if (reply->type == REDIS_REPLY_ERROR && cluster_is_redirection(reply->str))
            again = cluster_follow(redis, &way, argc, argv, lens, &reply, err);
    } while (again > 0);
    if (again < 0)
        return -1;
    if (reply->type == REDIS_REPLY_ERROR)
        return fail_reply(redis, reply, err);
    *reply_r = (struct redis_reply *)reply;
    return 0;
}

int redis_call(struct redis *redis, const struct redis_args *args, struct redis_reply **reply_r,
               struct err *err)
{
    if (args->is_failed)
        return err_set(err, ERR_NOMEM, 0, "no memory for the arguments of a Redis command");
    return command(redis, (int)args->count, args->at, args->len, reply_r, err);
}

/* On the way a cluster may send to another node, whose connection gets the same time. */
static void allow(struct redis *redis, int64_t ms)
{
    redis->allowed_ms = ms;
    if (redis->context != NULL)
        redisSetTimeout(redis->context, to_timeval(ms));
}

/* What a short command may take longer after one that blocked. */
#define SLACK_MS 1000

int redis_call_blocking(struct redis *redis, const struct redis_args *args, int64_t block_ms,
                        struct redis_reply **reply_r, struct err *err)
{
    int rc;

    /* Two system calls each time it is set: a read that blocks comes with each message. */
    if (redis->allowed_ms < redis->settings.timeout_ms + block_ms)
        allow(redis, redis->settings.timeout_ms + block_ms);
    rc = redis_call(redis, args, reply_r, err);
    if (redis->allowed_ms > redis->settings.timeout_ms + SLACK_MS)
        allow(redis, redis->settings.timeout_ms);
    return rc;
}

int redis_callv(struct redis *redis, struct redis_reply **reply_r, struct err *err, ...)
{
    struct redis_args args;
    const char *text;
    va_list list;
    int rc;

    redis_args_init(&args);
    va_start(list, err);
    while ((text = va_arg(list, const char *)) != NULL)
        redis_arg(&args, text);
    va_end(list);
    rc = redis_call(redis, &args, reply_r, err);
    redis_args_release(&args);
    return rc;
}

int redis_confirm(struct redis *redis, struct err *err)
{
    int64_t want = redis->settings.wait_replicas, have;
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    if (want == 0)
        return 1;
    redis_args_init(&args);
    redis_arg(&args, "WAIT");
    redis_arg_int(&args, want);
    redis_arg_int(&args, redis->settings.wait_timeout_ms);
    rc = redis_call_blocking(redis, &args, redis->settings.wait_timeout_ms, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    have = redis_integer(reply);
    redis_reply_free(reply);
    if (have >= want)
        redis->shortage[0] = '\0';
    else
        snprintf(redis->shortage, sizeof(redis->shortage),
                 "waits for replicas: %lld of %lld hold what was written", (long long)have, (long long)want);
    return have >= want;
}

int redis_secure(struct redis *redis, struct err *err)
{
    int rc = redis_confirm(redis, err);

    if (rc == 0)
        return err_set(err, ERR_REDIS_REPLICAS, 0, "Redis at %s: %s", redis->where, redis->shortage);
    return rc < 0 ? -1 : 0;
}

const char *redis_shortage(const struct redis *redis)
{
    return redis->shortage[0] != '\0' ? redis->shortage : NULL;
}
