#include "queue/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/str.h"
#include "queue/redis_url.h"

#define DEFAULT_TIMEOUT_MS 5000
#define IDENTITY_BYTES     128

struct redis {
    struct redis_settings settings;
    struct redis_url url;
    redisContext *context; /* NULL: not connected */
    char identity[IDENTITY_BYTES];
};

static struct timeval to_timeval(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

int redis_new(const struct redis_settings *settings, struct redis **redis_r, struct err *err)
{
    struct redis *redis = calloc(1, sizeof(*redis));

    if (redis == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a connection to Redis");
    redis->settings = *settings;
    if (redis->settings.timeout_ms == 0)
        redis->settings.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (redis_url_parse(settings->url, &redis->url, err) != 0) {
        free(redis);
        return -1;
    }
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

/* The wire failed: the connection is closed, since what stands in its buffers belongs to no command any more.
 */
static int wire_failed(struct redis *redis, struct err *err)
{
    redisContext *context = redis->context;
    int sys = context->err == REDIS_ERR_IO ? errno : 0;

    if (sys == EAGAIN || sys == EWOULDBLOCK)
        err_set(err, ERR_REDIS_LOST, 0, "Redis at %s did not answer in %lld ms", redis->settings.url,
                (long long)redis->settings.timeout_ms);
    else
        err_set(err, ERR_REDIS_LOST, 0, "the connection to Redis at %s broke: %s", redis->settings.url,
                context->errstr);
    redis_disconnect(redis);
    return -1;
}

/* Redis's error words, by their first one, as codes of ours. */
static int error_reply(const char *words, struct err *err)
{
    static const struct {
        const char *prefix;
        enum err_code code;
    } rows[] = {
        { "OOM ", ERR_REDIS_OOM },         { "NOAUTH", ERR_REDIS_AUTH },
        { "WRONGPASS", ERR_REDIS_AUTH },   { "NOPERM", ERR_REDIS_AUTH },
        { "WRONGTYPE", ERR_REDIS_TYPE },   { "KEYTYPE", ERR_REDIS_TYPE },
        { "NOGROUP", ERR_REDIS_NOGROUP },  { "ERR AUTH", ERR_REDIS_AUTH },
        { "ERR KEYTYPE", ERR_REDIS_TYPE }, { "-NOGROUP", ERR_REDIS_NOGROUP },
        { "-OOM ", ERR_REDIS_OOM },        { "-WRONGTYPE", ERR_REDIS_TYPE },
        { "-NOPERM", ERR_REDIS_AUTH },     { "READONLY", ERR_REDIS_READONLY },
        { "LOADING", ERR_REDIS_LOADING },  { "BUSY ", ERR_REDIS_BUSY },
        { "MISCONF", ERR_REDIS_DISK },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(words, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return err_set(err, rows[i].code, 0, "Redis: %s", words);
    /* Inside a script the first word is ERR and the cause comes later. */
    if (strstr(words, "NOGROUP") != NULL)
        return err_set(err, ERR_REDIS_NOGROUP, 0, "Redis: %s", words);
    if (strstr(words, "NOPERM") != NULL || strstr(words, "can't run this command") != NULL ||
        strstr(words, "ACL failure") != NULL)
        return err_set(err, ERR_REDIS_AUTH, 0, "Redis: %s", words);
    if (strstr(words, "WRONGTYPE") != NULL || strstr(words, "KEYTYPE") != NULL)
        return err_set(err, ERR_REDIS_TYPE, 0, "Redis: %s", words);
    return err_set(err, ERR_REDIS_REPLY, 0, "Redis: %s", words);
}

static int command(struct redis *redis, int argc, const char **argv, const size_t *lens,
                   struct redis_reply **reply_r, struct err *err)
{
    redisReply *reply;

    if (redis->context == NULL)
        return err_set(err, ERR_REDIS_LOST, 0, "not connected to Redis at %s", redis->settings.url);
    reply = redisCommandArgv(redis->context, argc, argv, lens);
    if (reply == NULL)
        return wire_failed(redis, err);
    if (reply->type == REDIS_REPLY_ERROR) {
        error_reply(reply->str, err);
        freeReplyObject(reply);
        return -1;
    }
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

int redis_call_blocking(struct redis *redis, const struct redis_args *args, int64_t block_ms,
                        struct redis_reply **reply_r, struct err *err)
{
    int rc;

    if (redis->context == NULL)
        return err_set(err, ERR_REDIS_LOST, 0, "not connected to Redis at %s", redis->settings.url);
    redisSetTimeout(redis->context, to_timeval(redis->settings.timeout_ms + block_ms));
    rc = redis_call(redis, args, reply_r, err);
    if (redis->context != NULL)
        redisSetTimeout(redis->context, to_timeval(redis->settings.timeout_ms));
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

static int open_context(struct redis *redis, struct err *err)
{
    struct timeval timeout = to_timeval(redis->settings.timeout_ms);
    redisContext *context;

    context = redis->url.path[0] != '\0' ? redisConnectUnixWithTimeout(redis->url.path, timeout)
                                         : redisConnectWithTimeout(redis->url.host, redis->url.port, timeout);
    if (context == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a connection to Redis");
    if (context->err != 0) {
        err_set(err, ERR_REDIS_UNREACHABLE, 0, "cannot reach Redis at %s: %s", redis->settings.url,
                context->errstr);
        redisFree(context);
        return -1;
    }
    redisSetTimeout(context, timeout);
    if (redis->url.path[0] == '\0')
        redisEnableKeepAlive(context);
    redis->context = context;
    return 0;
}

/* The line "name:value" of INFO's text, as value; "" where it is absent. */
static void info_line(const char *info, const char *name, char *value, size_t size)
{
    size_t len = strlen(name);

    value[0] = '\0';
    for (const char *line = info; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            size_t n = strcspn(line + len + 1, "\r\n");

            snprintf(value, size, "%.*s", (int)(n < size ? n : size - 1), line + len + 1);
            return;
        }
    }
}

static int read_identity(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;
    char run_id[64], replid[64], version[32];

    if (redis_callv(redis, &reply, err, "INFO", "server", NULL) != 0)
        return -1;
    info_line(redis_text(reply, NULL), "run_id", run_id, sizeof(run_id));
    info_line(redis_text(reply, NULL), "redis_version", version, sizeof(version));
    redis_reply_free(reply);
    if (strtol(version, NULL, 10) < 7)
        return err_set(err, ERR_REDIS_VERSION, 0, "Redis at %s is version %s, 7.0 or later is needed",
                       redis->settings.url, version[0] != '\0' ? version : "unknown");
    if (redis_callv(redis, &reply, err, "INFO", "replication", NULL) != 0)
        return -1;
    info_line(redis_text(reply, NULL), "master_replid", replid, sizeof(replid));
    redis_reply_free(reply);
    snprintf(redis->identity, sizeof(redis->identity), "%s %s", run_id, replid);
    return 0;
}

/* A server that does not know AUTH repeats what it was given in its error: its words are never told as they
 * are. */
static int fail_log_in(const struct redis *redis, struct err *err)
{
    static const struct {
        const char *prefix, *words;
    } known[] = {
        { "Redis: WRONGPASS", "WRONGPASS" },
        { "Redis: NOAUTH", "NOAUTH" },
        { "Redis: NOPERM", "NOPERM" },
        { "Redis: LOADING", "LOADING" },
        { "Redis: ERR AUTH", "no password is set there" },
        { "Redis: ERR unknown command", "it does not know AUTH" },
    };
    const char *words = "another error";

    if (err->code == ERR_REDIS_LOST)
        return -1;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_starts(err->text, known[i].prefix))
            words = known[i].words;
    return err_set(err, err->code, 0, "Redis at %s refuses the log-in: %s", redis->settings.url, words);
}

static int log_in(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;
    char db[16];

    if (redis->settings.password != NULL) {
        int rc = redis->settings.username != NULL
                     ? redis_callv(redis, &reply, err, "AUTH", redis->settings.username,
                                   redis->settings.password, NULL)
                     : redis_callv(redis, &reply, err, "AUTH", redis->settings.password, NULL);

        if (rc != 0)
            return fail_log_in(redis, err);
        redis_reply_free(reply);
    }
    if (redis->url.db > 0) {
        snprintf(db, sizeof(db), "%d", redis->url.db);
        if (redis_callv(redis, &reply, err, "SELECT", db, NULL) != 0)
            return -1;
        redis_reply_free(reply);
    }
    return 0;
}

static int set_name(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;

    if (redis->settings.name == NULL)
        return 0;
    if (redis_callv(redis, &reply, err, "CLIENT", "SETNAME", redis->settings.name, NULL) != 0)
        return -1;
    redis_reply_free(reply);
    return 0;
}

int redis_connect(struct redis *redis, struct err *err)
{
    redis_disconnect(redis);
    if (open_context(redis, err) != 0)
        return -1;
    if (log_in(redis, err) != 0 || read_identity(redis, err) != 0 || set_name(redis, err) != 0) {
        redis_disconnect(redis);
        return -1;
    }
    return 0;
}

void redis_reply_free(struct redis_reply *reply)
{
    if (reply != NULL)
        freeReplyObject((redisReply *)reply);
}

static const redisReply *inner(const struct redis_reply *reply)
{
    return (const redisReply *)reply;
}

enum redis_kind redis_kind(const struct redis_reply *reply)
{
    if (reply == NULL)
        return REDIS_NIL;
    switch (inner(reply)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR: return REDIS_TEXT;
    case REDIS_REPLY_INTEGER: return REDIS_INTEGER;
    case REDIS_REPLY_ARRAY: return REDIS_LIST;
    default: return REDIS_NIL;
    }
}

const char *redis_text(const struct redis_reply *reply, size_t *len_r)
{
    bool is_text = redis_kind(reply) == REDIS_TEXT;

    if (len_r != NULL)
        *len_r = is_text ? (size_t)inner(reply)->len : 0;
    return is_text ? inner(reply)->str : "";
}

int64_t redis_integer(const struct redis_reply *reply)
{
    int64_t number = 0;

    if (redis_kind(reply) == REDIS_INTEGER)
        number = inner(reply)->integer;
    else if (redis_kind(reply) == REDIS_TEXT)
        number = strtoll(inner(reply)->str, NULL, 10);
    return number > REDIS_NUMBER_MAX    ? REDIS_NUMBER_MAX
           : number < -REDIS_NUMBER_MAX ? -REDIS_NUMBER_MAX
                                        : number;
}

size_t redis_count(const struct redis_reply *reply)
{
    return redis_kind(reply) == REDIS_LIST ? inner(reply)->elements : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *reply, size_t index)
{
    return index < redis_count(reply) ? (const struct redis_reply *)inner(reply)->element[index] : NULL;
}

const struct redis_reply *redis_field(const struct redis_reply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < redis_count(reply); i += 2)
        if (strcmp(redis_text(redis_at(reply, i), NULL), name) == 0)
            return redis_at(reply, i + 1);
    return NULL;
}
