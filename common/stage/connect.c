#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "queue/stream.h"
#include "stage/worker.h"

void worker_drop_hand(struct worker *worker)
{
    for (size_t i = 0; i < worker->hand_count; i++)
        held_free(worker->hand[i]);
    worker->hand_count = 0;
    worker->has_own_pending = true; /* it is still pending for us where it came from */
    lease_clear(worker->lease);
}

void worker_notice_server(struct worker *worker)
{
    if (strcmp(worker->identity, redis_identity(worker->redis)) == 0)
        return;
    if (worker->identity[0] != '\0') {
        log_warn("redis_changed", "in_hand", log_int((int64_t)worker->hand_count), "text",
                 "the server was restarted or another took over: messages in hand are read again", NULL);
        worker_drop_hand(worker);
    }
    snprintf(worker->identity, sizeof(worker->identity), "%s", redis_identity(worker->redis));
}

/*
 * After a reconnect: the same server still holds our messages; another one (a restart, a failover) may have
 * lost its last second, and an old id may name another message there. What is pending for us is read again in
 * both cases, since a read may have been answered into the broken connection.
 */
static int settle_in(struct worker *worker, struct err *err)
{
    /* First, since a cluster may answer by naming another node. */
    if (stream_make_group(worker->redis, &worker->keys, worker->stage->name, err) != 0)
        return -1;
    worker_notice_server(worker);
    worker->has_own_pending = true;
    worker->tick_boot_ms = 0;
    /* Idle time counts the outage: others get one interval to renew before anything is taken from them. */
    worker->reclaim_boot_ms = clock_boot_ms() + worker->own->lease_ms / 3 + 1;
    return 0;
}

int worker_connect(struct worker *worker, bool is_first, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        if (worker_is_stopping(NULL))
            return err_set(err, ERR_STOPPED, 0, "told to stop while Redis was away");
        if (redis_connect(worker->redis, err) == 0 && settle_in(worker, err) == 0) {
            if (attempt > 1) {
                log_info("redis_back", "attempts", log_int(attempt), NULL);
                worker_trouble_forget(worker);
            }
            return 0; /* of any other trouble the next step tells whether it is over */
        }
        if (is_first)
            return -1;
        worker_trouble(worker, "redis_away", err);
        redis_disconnect(worker->redis);
        lease_moved(worker->lease);
        worker_rest(backoff_ms(100, 5000, attempt, rand_u32()));
    }
}
