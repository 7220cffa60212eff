#include "queue/scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_ROW(name) [SCRIPT_##name] = lua_##name,
static const char *const texts[SCRIPT_COUNT] = { SCRIPTS(SCRIPT_ROW) };
#undef SCRIPT_ROW

/* SCRIPT LOAD answers with the hash, so that no SHA-1 is needed here. Kept for the life of the process. */
struct loaded {
    char sha1[SCRIPT_COUNT][48];
};

static __thread struct loaded loaded;

static int load(struct redis *redis, enum script script, struct err *err)
{
    struct redis_reply *reply;

    if (redis_callv(redis, &reply, err, "SCRIPT", "LOAD", texts[script], NULL) != 0)
        return -1;
    snprintf(loaded.sha1[script], sizeof(loaded.sha1[script]), "%s", redis_text(reply, NULL));
    redis_reply_free(reply);
    return 0;
}

static int run_once(struct redis *redis, enum script script, const struct redis_args *args,
                    struct redis_reply **reply_r, struct err *err)
{
    struct redis_args whole;
    int rc;

    redis_args_init(&whole);
    redis_arg(&whole, "EVALSHA");
    redis_arg(&whole, loaded.sha1[script]);
    for (size_t i = 0; i < args->count; i++)
        redis_arg_len(&whole, args->at[i], args->len[i]);
    whole.is_failed = whole.is_failed || args->is_failed;
    rc = redis_call(redis, &whole, reply_r, err);
    redis_args_release(&whole);
    return rc;
}

int scripts_run(struct redis *redis, enum script script, const struct redis_args *args,
                struct redis_reply **reply_r, struct err *err)
{
    if (loaded.sha1[script][0] == '\0' && load(redis, script, err) != 0)
        return -1;
    if (run_once(redis, script, args, reply_r, err) == 0)
        return 0;
    if (err->code != ERR_REDIS_REPLY || strstr(err->text, "NOSCRIPT") == NULL)
        return -1;
    if (load(redis, script, err) != 0) /* the server was restarted or flushed */
        return -1;
    return run_once(redis, script, args, reply_r, err);
}
