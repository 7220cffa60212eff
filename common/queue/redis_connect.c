/* redis_connect.c - from a place to a connection that serves: open, log in, see who it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/str.h"
#include "queue/redis_inside.h"
#include "queue/tls.h"

static struct timeval to_timeval(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

static int open_context(struct redis *redis, const struct redis_place *place, int64_t timeout_ms,
                        redisContext **context_r, struct err *err)
{
    struct timeval timeout = to_timeval(timeout_ms);
    redisContext *context = place == NULL ? redisConnectUnixWithTimeout(redis->url.path, timeout)
                                          : redisConnectWithTimeout(place->host, place->port, timeout);

    if (context == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a connection to Redis");
    if (context->err != 0) {
        err_set(err, ERR_REDIS_UNREACHABLE, 0, "cannot reach Redis at %s: %s", redis->where, context->errstr);
        redisFree(context);
        return -1;
    }
    redisSetTimeout(context, timeout);
    if (place != NULL)
        redisEnableKeepAlive(context);
    if (redis->tls != NULL && place != NULL && tls_start(redis->tls, context, place->host, err) != 0) {
        redisFree(context);
        return err_prefix(err, "Redis at %s", redis->where);
    }
    *context_r = context;
    return 0;
}

/* A server that does not know AUTH repeats what it was given in its error: its words are never told as they
 * are. */
static int fail_log_in(const struct redis *redis, const char *said, struct err *err)
{
    static const struct {
        const char *prefix, *words;
    } known[] = {
        { "WRONGPASS", "WRONGPASS" },
        { "NOAUTH", "NOAUTH" },
        { "NOPERM", "NOPERM" },
        { "LOADING", "LOADING" },
        { "ERR AUTH", "no password is set there" },
        { "ERR unknown command", "it does not know AUTH" },
    };
    const char *words = "another error";

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_starts(said, known[i].prefix))
            words = known[i].words;
    redis_error(said, err);
    return err_set(err, err->code, 0, "Redis at %s refuses the log-in: %s", redis->where, words);
}

static int log_in(struct redis *redis, redisContext *context, const char *username, const char *password,
                  struct err *err)
{
    const char *argv[3] = { "AUTH" };
    size_t lens[3] = { 4 };
    redisReply *reply;
    int argc = 1, rc = 0;

    if (password == NULL)
        return 0;
    if (username != NULL)
        argv[argc++] = username;
    argv[argc++] = password;
    for (int i = 1; i < argc; i++)
        lens[i] = strlen(argv[i]);
    if (redis_exchange(redis, context, argc, argv, lens, &reply, err) != 0)
        return -1;
    if (reply->type == REDIS_REPLY_ERROR)
        rc = fail_log_in(redis, reply->str, err);
    freeReplyObject(reply);
    return rc;
}

int redis_open(struct redis *redis, const struct redis_place *place, const char *username,
               const char *password, int64_t timeout_ms, redisContext **context_r, struct err *err)
{
    redisContext *context = NULL;

    if (open_context(redis, place, timeout_ms, &context, err) != 0)
        return -1;
    if (log_in(redis, context, username, password, err) != 0) {
        redisFree(context);
        return -1;
    }
    *context_r = context;
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
    char run_id[64], replid[64], version[32], mode[16], role[16];

    if (redis_callv(redis, &reply, err, "INFO", "server", NULL) != 0)
        return -1;
    info_line(redis_text(reply, NULL), "run_id", run_id, sizeof(run_id));
    info_line(redis_text(reply, NULL), "redis_version", version, sizeof(version));
    info_line(redis_text(reply, NULL), "redis_mode", mode, sizeof(mode));
    if (mode[0] == '\0') /* Valkey's word for it */
        info_line(redis_text(reply, NULL), "server_mode", mode, sizeof(mode));
    redis_reply_free(reply);
    if (strtol(version, NULL, 10) < 7)
        return err_set(err, ERR_REDIS_VERSION, 0, "Redis at %s is version %s, 7.0 or later is needed",
                       redis->where, version[0] != '\0' ? version : "unknown");
    if (redis_callv(redis, &reply, err, "INFO", "replication", NULL) != 0)
        return -1;
    info_line(redis_text(reply, NULL), "master_replid", replid, sizeof(replid));
    info_line(redis_text(reply, NULL), "role", role, sizeof(role));
    redis_reply_free(reply);
    snprintf(redis->identity, sizeof(redis->identity), "%s %s", run_id, replid);
    redis->is_cluster = strcmp(mode, "cluster") == 0;
    redis->is_primary = strcmp(role, "master") == 0;
    return 0;
}

static int select_db(struct redis *redis, struct err *err)
{
    struct redis_reply *reply;
    char db[16];

    if (redis->url.db == 0)
        return 0;
    snprintf(db, sizeof(db), "%d", redis->url.db);
    if (redis_callv(redis, &reply, err, "SELECT", db, NULL) != 0)
        return -1;
    redis_reply_free(reply);
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

/* The URL of one server names it; behind sentinels and in a cluster it is one of several. */
static void tell_where(struct redis *redis, const struct redis_place *place)
{
    bool is_told = place == NULL ||
                   (redis->url.kind == REDIS_URL_SERVER && redis_place_equal(place, &redis->url.places[0]));

    snprintf(redis->where, sizeof(redis->where), "%s", redis->settings.url);
    if (!is_told)
        snprintf(redis->where, sizeof(redis->where), "%.200s (%s:%d)", redis->settings.url, place->host,
                 place->port);
}

/* With TLS 1.3 a client learns only after the handshake that it was refused, and not always why. */
static int suspect_certificate(struct err *err)
{
    struct err why = *err;

    return err_set(
        err, ERR_REDIS_LOST, 0,
        "%s (so does a server that refuses the client's certificate: redis.tls.cert_file, key_file)",
        why.text);
}

int redis_connect_to(struct redis *redis, const struct redis_place *place, struct err *err)
{
    redis_disconnect(redis);
    tell_where(redis, place);
    redis->at = (struct redis_place){ 0 };
    if (redis_open(redis, place, redis->settings.username, redis->settings.password,
                   redis->settings.timeout_ms, &redis->context, err) != 0)
        return -1;
    if (select_db(redis, err) != 0 || read_identity(redis, err) != 0 || set_name(redis, err) != 0) {
        redis_disconnect(redis);
        return redis->tls != NULL && err->code == ERR_REDIS_LOST ? suspect_certificate(err) : -1;
    }
    redisSetTimeout(redis->context, to_timeval(redis->allowed_ms));
    if (place != NULL)
        redis->at = *place;
    return 0;
}

int redis_connect(struct redis *redis, struct err *err)
{
    redis_disconnect(redis);
    redis->shortage[0] = '\0'; /* of another connection's writes */
    switch (redis->url.kind) {
    case REDIS_URL_UNIX: return redis_connect_to(redis, NULL, err);
    case REDIS_URL_SENTINEL: return sentinel_connect(redis, err);
    case REDIS_URL_SERVER:
    case REDIS_URL_CLUSTER: return cluster_connect(redis, err);
    }
    return err_set(err, ERR_BUG, 0, "redis.url is of no kind");
}
