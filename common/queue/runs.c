#include "queue/runs.h"

#include <stdio.h>

int runs_list(struct redis *redis, const struct keys *keys, size_t max, struct pool *pool,
              const char ***ids_r, size_t *count_r, struct err *err)
{
    char key[KEY_MAX_BYTES], last[24];
    struct redis_reply *reply;
    size_t count;

    snprintf(last, sizeof(last), "%zu", max > 0 ? max - 1 : 0);
    if (redis_callv(redis, &reply, err, "ZREVRANGE", keys_make(keys, "runs", NULL, key), "0", last, NULL) !=
        0)
        return -1;
    count = redis_count(reply);
    *ids_r = pool_array(pool, count > 0 ? count : 1, sizeof(**ids_r));
    for (size_t i = 0; i < count && *ids_r != NULL; i++) {
        (*ids_r)[i] = pool_strdup(pool, redis_text(redis_at(reply, i), NULL));
        if ((*ids_r)[i] == NULL)
            *ids_r = NULL;
    }
    redis_reply_free(reply);
    if (*ids_r == NULL)
        return pool_failed(pool, err);
    *count_r = count;
    return 0;
}
