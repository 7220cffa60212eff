#include "stage/lease.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "queue/stream.h"

struct lease {
    struct lease_settings settings;
    struct redis *redis; /* the thread's alone */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool is_stopping;
    int64_t moved_ms;
    char (*ids)[STREAM_ID_MAX];
    size_t count, cap;
};

/* A copy of the ids, so that nothing is locked while Redis is asked. NULL: none, or no memory (they are tried
 * again). */
static char (*copy_ids(struct lease *lease, size_t *count_r))[STREAM_ID_MAX]
{
    char(*copy)[STREAM_ID_MAX] = lease->count > 0 ? malloc(lease->count * sizeof(*copy)) : NULL;

    *count_r = copy != NULL ? lease->count : 0;
    if (copy != NULL)
        memcpy(copy, lease->ids, lease->count * sizeof(*copy));
    return copy;
}

static void renew(struct lease *lease, char (*ids)[STREAM_ID_MAX], size_t count)
{
    const struct lease_settings *s = &lease->settings;
    const char **list = malloc(count * sizeof(*list));
    struct err err = ERR_INIT;
    size_t lost;

    if (list == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        list[i] = ids[i];
    /* A failure is met again, and reported, by the main loop on its own connection. */
    if (redis_is_connected(lease->redis) || redis_connect(lease->redis, &err) == 0)
        (void)stream_renew(lease->redis, s->keys, s->stage, s->consumer, list, count, &lost, &err);
    free(list);
}

static void wait_a_third(struct lease *lease)
{
    int64_t ms = lease->settings.lease_ms / 3;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!lease->is_stopping && pthread_cond_timedwait(&lease->wake, &lease->lock, &until) == 0)
        ;
}

static void *run(void *user)
{
    struct lease *lease = user;

    pthread_mutex_lock(&lease->lock);
    while (!lease->is_stopping) {
        char(*ids)[STREAM_ID_MAX];
        size_t count;

        wait_a_third(lease);
        if (lease->is_stopping || clock_boot_ms() - lease->moved_ms > lease->settings.max_hold_ms)
            continue;
        ids = copy_ids(lease, &count);
        pthread_mutex_unlock(&lease->lock);
        if (count > 0)
            renew(lease, ids, count);
        free(ids);
        pthread_mutex_lock(&lease->lock);
    }
    pthread_mutex_unlock(&lease->lock);
    return NULL;
}

static int start_thread(struct lease *lease, struct err *err)
{
    pthread_condattr_t attr;
    int rc;

    pthread_mutex_init(&lease->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lease->wake, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&lease->thread, NULL, run, lease);
    if (rc == 0)
        return 0;
    pthread_cond_destroy(&lease->wake);
    pthread_mutex_destroy(&lease->lock);
    return err_set(err, ERR_NOMEM, rc, "cannot start the thread that renews leases");
}

int lease_start(const struct lease_settings *settings, struct lease **lease_r, struct err *err)
{
    struct lease *lease = calloc(1, sizeof(*lease));

    if (lease == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the leases");
    lease->settings = *settings;
    lease->moved_ms = clock_boot_ms();
    if (redis_new(settings->redis, &lease->redis, err) != 0)
        goto failed;
    if (start_thread(lease, err) != 0)
        goto failed;
    *lease_r = lease;
    return 0;
failed:
    redis_free(lease->redis);
    free(lease);
    return -1;
}

void lease_stop(struct lease *lease)
{
    if (lease == NULL)
        return;
    pthread_mutex_lock(&lease->lock);
    lease->is_stopping = true;
    pthread_cond_signal(&lease->wake);
    pthread_mutex_unlock(&lease->lock);
    pthread_join(lease->thread, NULL);
    pthread_cond_destroy(&lease->wake);
    pthread_mutex_destroy(&lease->lock);
    redis_free(lease->redis);
    free(lease->ids);
    free(lease);
}

void lease_add(struct lease *lease, const char *id)
{
    pthread_mutex_lock(&lease->lock);
    if (lease->count == lease->cap) {
        size_t cap = lease->cap > 0 ? lease->cap * 2 : 16;
        char(*ids)[STREAM_ID_MAX] = realloc(lease->ids, cap * sizeof(*ids));

        if (ids != NULL) {
            lease->ids = ids;
            lease->cap = cap;
        }
    }
    /* Without memory it is not renewed: at worst another takes it over, and our settle is refused. */
    if (lease->count < lease->cap) {
        memset(lease->ids[lease->count], 0, STREAM_ID_MAX);
        strncpy(lease->ids[lease->count++], id, STREAM_ID_MAX - 1);
    }
    pthread_mutex_unlock(&lease->lock);
}

void lease_remove(struct lease *lease, const char *id)
{
    pthread_mutex_lock(&lease->lock);
    for (size_t i = 0; i < lease->count; i++) {
        if (strcmp(lease->ids[i], id) != 0)
            continue;
        memcpy(lease->ids[i], lease->ids[--lease->count], STREAM_ID_MAX);
        break;
    }
    pthread_mutex_unlock(&lease->lock);
}

void lease_clear(struct lease *lease)
{
    pthread_mutex_lock(&lease->lock);
    lease->count = 0;
    pthread_mutex_unlock(&lease->lock);
}

void lease_moved(struct lease *lease)
{
    pthread_mutex_lock(&lease->lock);
    lease->moved_ms = clock_boot_ms();
    pthread_mutex_unlock(&lease->lock);
}
