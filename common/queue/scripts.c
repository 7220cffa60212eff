#include "queue/scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_ROW(name) [SCRIPT_##name] = lua_##name,
static const char *const texts[SCRIPT_COUNT] = { SCRIPTS(SCRIPT_ROW) };
#undef SCRIPT_ROW

#define SCRIPT_NAME(name) [SCRIPT_##name] = #name,
static const char *const names[SCRIPT_COUNT] = { SCRIPTS(SCRIPT_NAME) };
#undef SCRIPT_NAME

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

/* The line of that number (from 1), without the blanks around it. */
static const char *line_of(const char *text, long number, int *len_r)
{
    const char *line = text;

    for (; number > 1 && line != NULL; number--) {
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    if (line == NULL)
        line = "";
    line += strspn(line, " ");
    *len_r = (int)strcspn(line, "\n");
    return line;
}

/*
 * Redis tells of an error in a script the script's hash and the line, and not always the command that was
 * refused: the words of ours that stand there tell it.
 */
static int name_place(enum script script, struct err *err)
{
    const char *place = strstr(err->text, "@user_script:"), *hash = strstr(err->text, " script: "), *line;
    long number = place != NULL ? strtol(place + strlen("@user_script:"), NULL, 10) : 0;
    struct err why = *err;
    int len;

    if (hash == NULL || number <= 0)
        return err_set(err, why.code, 0, "%s (script %s)", why.text, names[script]);
    line = line_of(texts[script], number, &len);
    return err_set(err, why.code, 0, "%.*s (script %s, at: %.*s)", (int)(hash - err->text), why.text,
                   names[script], len, line);
}

/* What the server itself, and no script, refused or failed to answer. */
static bool is_of_server(enum err_code code)
{
    return code == ERR_REDIS_LOST || code == ERR_REDIS_READONLY || code == ERR_REDIS_LOADING ||
           code == ERR_REDIS_BUSY || code == ERR_REDIS_DISK || code == ERR_REDIS_REPLICAS ||
           code == ERR_REDIS_OOM || code == ERR_REDIS_UNREACHABLE || code == ERR_NOMEM;
}

int scripts_run(struct redis *redis, enum script script, const struct redis_args *args,
                struct redis_reply **reply_r, struct err *err)
{
    if (loaded.sha1[script][0] == '\0' && load(redis, script, err) != 0)
        return -1;
    if (run_once(redis, script, args, reply_r, err) == 0)
        return 0;
    if (err->code == ERR_REDIS_REPLY && strstr(err->text, "NOSCRIPT") != NULL) {
        if (load(redis, script, err) != 0) /* the server was restarted or flushed */
            return -1;
        if (run_once(redis, script, args, reply_r, err) == 0)
            return 0;
    }
    return is_of_server(err->code) ? -1 : name_place(script, err);
}
