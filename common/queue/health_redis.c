#include <string.h>

#include "queue/scripts.h"
#include "queue/shared.h"

static int report(void *ctx, const struct health_report *report, struct err *err)
{
    struct shared *shared = ctx;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "cache", "health", key));
    redis_arg(&args, report->op);
    redis_arg_int(&args, report->succeeded);
    redis_arg(&args, report->serial_a != NULL ? report->serial_a : "-");
    redis_arg(&args, report->serial_b);
    redis_arg_int(&args, report->answered);
    rc = scripts_run(shared->redis, SCRIPT_report, &args, &reply, err);
    redis_args_release(&args);
    if (rc == 0)
        redis_reply_free(reply);
    return rc;
}

struct health shared_health(struct shared *shared)
{
    static const struct health_ops ops = { .report = report };

    return (struct health){ .ops = &ops, .ctx = shared };
}

int shared_judge(struct shared *shared, const char *op, const char *serial, int64_t at_ms,
                 enum judgement *judgement_r, struct err *err)
{
    static const char *const words[] = { "charge", "probe", "wait", "open", "again" };
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 1);
    redis_arg(&args, keys_make(shared->keys, "cache", "health", key));
    redis_arg(&args, op);
    redis_arg(&args, serial);
    redis_arg_int(&args, at_ms);
    rc = scripts_run(shared->redis, SCRIPT_judge, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    *judgement_r = JUDGE_OPEN;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(redis_text(reply, NULL), words[i]) == 0)
            *judgement_r = (enum judgement)i;
    redis_reply_free(reply);
    return 0;
}

int shared_breaker(struct shared *shared, const char *action, const char *code, const char *text,
                   const char *op, struct err *err)
{
    char keys[2][KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 2);
    redis_arg(&args, keys_make(shared->keys, "pause", "api", keys[0]));
    redis_arg(&args, keys_make(shared->keys, "cache", "health", keys[1]));
    redis_arg(&args, action);
    redis_arg(&args, code);
    redis_arg(&args, text);
    redis_arg(&args, op);
    rc = scripts_run(shared->redis, SCRIPT_breaker, &args, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    rc = (int)redis_integer(reply);
    redis_reply_free(reply);
    return rc;
}
