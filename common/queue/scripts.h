/**
 * scripts.h - the Lua of the queue, run by its SHA1 and sent whole where the server does not have it (after a
 * restart or SCRIPT FLUSH). Each script checks everything before its first write (README.md).
 */
#ifndef QUEUE_SCRIPTS_H
#define QUEUE_SCRIPTS_H

#include "queue/redis.h"

/* clang-format off */
#define SCRIPTS(X) \
    X(tick) X(beat) X(settle) X(register) X(account) X(closed) X(renew) X(mine) X(make_group) \
    X(reclaim) X(limiter) X(pause_limit) X(note) X(cache) X(breaker) X(judge) \
    X(report) X(chain_take) X(chain_store) X(chain_move) X(replay) X(drop_letter) X(pause_stage) \
    X(cancel) X(unpark) X(close_run) X(begin_push) X(leave) \
    X(pause_run) X(resume_run) X(weigh) X(come) X(missing) X(claimed) X(repair) X(trim) \
    X(sealed_take) X(sealed_end)
/* clang-format on */

#define SCRIPT_ENUM(name) SCRIPT_##name,
enum script { SCRIPTS(SCRIPT_ENUM) SCRIPT_COUNT };
#undef SCRIPT_ENUM

#define SCRIPT_TEXT(name) extern const char lua_##name[];
SCRIPTS(SCRIPT_TEXT)
#undef SCRIPT_TEXT

/** args: numkeys, keys..., arguments... as EVALSHA takes them behind the hash. */
int scripts_run(struct redis *redis, enum script script, const struct redis_args *args,
                struct redis_reply **reply_r, struct err *err);

#endif
