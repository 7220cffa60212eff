#include "stage/lease.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "queue/stream.h"
#include "queue/tick.h"

#define BEAT_EVERY_MS 2000
#define QUIET_MS      4000 /* the main loop has not beaten for so long: the thread does */
#define BEAT_MAX      8192

struct lease {
    struct lease_settings settings;
    struct redis *redis; /* the thread's alone */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool is_stopping;
    int64_t moved_ms, renew_ms; /* when the leases are renewed next */
    char *head;                 /* of the heartbeat; NULL: nothing was said yet */
    int64_t said_ms;            /* boot time: of the last heartbeat */
    int64_t ahead_ms;           /* Redis time is ahead of boot time by this */
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

/* The heartbeat that is due, into out; false: none is. */
static bool print_due_beat(struct lease *lease, struct buf *out)
{
    int64_t now = clock_boot_ms();

    if (lease->head == NULL || now - lease->said_ms < QUIET_MS)
        return false;
    lease->said_ms = now - QUIET_MS + BEAT_EVERY_MS;
    buf_add_str(out, lease->head);
    lease_end_beat(out, now + lease->ahead_ms);
    return !out->is_failed;
}

static void beat(struct lease *lease, const char *text)
{
    const struct lease_settings *s = &lease->settings;
    struct err err = ERR_INIT;

    if (redis_is_connected(lease->redis) || redis_connect(lease->redis, &err) == 0)
        (void)tick_beat(lease->redis, s->keys, s->consumer, text, &err);
}

/* Until the next renewal or the next look at the heartbeat. */
static void wait_a_little(struct lease *lease)
{
    int64_t ms = lease->renew_ms - clock_boot_ms();
    struct timespec until;

    ms = ms > BEAT_EVERY_MS ? BEAT_EVERY_MS : ms < 1 ? 1 : ms;

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
    struct buf text;

    buf_init(&text, BEAT_MAX);
    pthread_mutex_lock(&lease->lock);
    while (!lease->is_stopping) {
        char(*ids)[STREAM_ID_MAX] = NULL;
        size_t count = 0;
        bool is_due, is_quiet;

        wait_a_little(lease);
        if (lease->is_stopping)
            break;
        is_due = lease->renew_ms <= clock_boot_ms();
        if (is_due)
            lease->renew_ms = clock_boot_ms() + lease->settings.lease_ms / 3;
        if (clock_boot_ms() - lease->moved_ms > lease->settings.max_hold_ms)
            continue;
        if (is_due)
            ids = copy_ids(lease, &count);
        buf_reset(&text);
        is_quiet = print_due_beat(lease, &text);
        pthread_mutex_unlock(&lease->lock);
        if (count > 0)
            renew(lease, ids, count);
        if (is_quiet)
            beat(lease, text.data);
        free(ids);
        pthread_mutex_lock(&lease->lock);
    }
    pthread_mutex_unlock(&lease->lock);
    buf_release(&text);
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
    lease->renew_ms = lease->moved_ms + settings->lease_ms / 3;
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
    free(lease->head);
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

void lease_end_beat(struct buf *out, int64_t at_ms)
{
    buf_addf(out, ",\"at\":%" PRId64 "}", at_ms);
}

void lease_say(struct lease *lease, const char *head, int64_t now_ms)
{
    char *copy = strdup(head);

    pthread_mutex_lock(&lease->lock);
    free(lease->head);
    lease->head = copy;
    lease->ahead_ms = now_ms - clock_boot_ms();
    pthread_mutex_unlock(&lease->lock);
}

void lease_said(struct lease *lease)
{
    pthread_mutex_lock(&lease->lock);
    lease->said_ms = clock_boot_ms();
    pthread_mutex_unlock(&lease->lock);
}
