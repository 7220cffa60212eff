#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "look.h"

#define BATCH_DEVICES 1000 /* a message of ingest counts as so many: it may be another producer's */
#define WAIT_MIN_MS   100
#define WAIT_MAX_MS   1000
#define TELL_EVERY_MS 2000
#define POOL_BYTES    (4u * 1024 * 1024)

int publish_patiently(struct ctl *ctl, int (*step)(void *user, struct err *err), void *user, struct err *err)
{
    bool is_told = false;

    for (int64_t wait = WAIT_MIN_MS;; wait = wait * 2 < WAIT_MAX_MS ? wait * 2 : WAIT_MAX_MS) {
        struct err why = ERR_INIT;

        if (step(user, &why) == 0)
            return 0;
        if (ctl_is_passing(&why)) {
            if (ctl_outlast(ctl, &why, err) != 0)
                return -1;
            continue;
        }
        if (why.code != ERR_REDIS_OOM) {
            *err = why;
            return -1;
        }
        if (!is_told)
            ctl_say(ctl, "waiting: Redis is full (%s); it goes on once the stages have drained it", why.text);
        is_told = true;
        if (ctl_wait(ctl, wait))
            return err_set(err, ERR_STOPPED, 0, "stopped while Redis is full");
    }
}

static int learn(void *user, struct err *err)
{
    struct publish *publish = user;

    return push_come(publish->ctl->redis, &publish->ctl->keys, publish->run, publish->is_come,
                     (size_t)publish->batches, err);
}

int publish_init(struct publish *publish, struct ctl *ctl, const struct feed *feed, const char *run,
                 bool is_urgent, int64_t batches, struct err *err)
{
    memset(publish, 0, sizeof(*publish));
    publish->ctl = ctl;
    publish->feed = feed;
    publish->run = run;
    publish->is_urgent = is_urgent;
    publish->batches = batches;
    publish->is_come = calloc((size_t)batches, sizeof(*publish->is_come));
    if (publish->is_come == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    if (publish_patiently(ctl, learn, publish, err) == 0)
        return 0;
    publish_release(publish);
    return -1;
}

void publish_release(struct publish *publish)
{
    free(publish->is_come);
    publish->is_come = NULL;
}

static long long done(const struct publish *publish)
{
    return publish->published + publish->skipped;
}

struct backlog {
    struct ctl *ctl;
    const char *run;
    int64_t messages, come;
    char state[PUSH_STATE_BYTES];
};

/* And whether the run still takes batches: one that was cancelled or closed meanwhile would refuse each of
 * them. */
static int ask_backlog(void *user, struct err *err)
{
    struct backlog *backlog = user;

    if (push_state(backlog->ctl->redis, &backlog->ctl->keys, backlog->run, backlog->state, err) != 0)
        return -1;
    return push_backlog(backlog->ctl->redis, &backlog->ctl->keys, backlog->run, &backlog->messages,
                        &backlog->come, err);
}

/* What keeps validate from taking more, and who holds it up in the end: "validate: waits for import; import:
 * no worker". */
static void find_reason(struct ctl *ctl, char reason[PUBLISH_REASON_MAX])
{
    struct pool *pool = pool_new(POOL_BYTES);
    const struct status_stage *obstacle;
    struct status_view view;
    struct err ignored;

    reason[0] = '\0';
    if (pool != NULL && look_status(ctl, pool, &view, &ignored) == 0) {
        obstacle = look_obstacle(&view);
        snprintf(reason, PUBLISH_REASON_MAX, "; validate: %s", view.stages[0].reason);
        if (obstacle != NULL && obstacle != &view.stages[0])
            snprintf(reason + strlen(reason), PUBLISH_REASON_MAX - strlen(reason), "; %s: %s", obstacle->name,
                     obstacle->reason);
    }
    pool_free(pool);
}

/* Says why the push waits, and again where another reason has come and stayed for a look: not of each batch
 * that a busy stage makes it wait for. */
static void tell_backlog(struct publish *publish, int64_t messages, int64_t limit)
{
    int64_t devices = messages * BATCH_DEVICES;
    char reason[PUBLISH_REASON_MAX];

    if (publish->told_boot_ms != 0 && clock_boot_ms() - publish->told_boot_ms < TELL_EVERY_MS)
        return;
    find_reason(publish->ctl, reason);
    if (publish->told_boot_ms == 0 ||
        (strcmp(reason, publish->told) != 0 && strcmp(reason, "; validate: working") != 0))
        ctl_say(publish->ctl, "waiting: validate has a backlog of %lld devices (limit %lld)%s",
                (long long)devices, (long long)limit, reason);
    snprintf(publish->told, sizeof(publish->told), "%s", reason);
    publish->told_boot_ms = clock_boot_ms();
}

static int wait_for_room(struct publish *publish, struct err *err)
{
    struct ctl *ctl = publish->ctl;
    int64_t limit = ctl->settings->stages[STAGE_VALIDATE].max_backlog;

    for (int64_t wait = WAIT_MIN_MS;; wait = wait * 2 < WAIT_MAX_MS ? wait * 2 : WAIT_MAX_MS) {
        struct backlog backlog = { .ctl = ctl, .run = publish->run };

        if (publish_patiently(ctl, ask_backlog, &backlog, err) != 0)
            return -1;
        if (backlog.state[0] != '\0' && strcmp(backlog.state, "open") != 0)
            return err_set(err, ERR_RUN_STATE, 0, "run %s is %s: %lld of %lld batches were published",
                           publish->run, backlog.state, done(publish), (long long)publish->batches);
        /* A run of which nothing waits has room for one batch: else whoever comes second waits for all of the
         * first. */
        if (backlog.come >= done(publish) || backlog.messages * BATCH_DEVICES < limit)
            return 0;
        tell_backlog(publish, backlog.messages, limit);
        if (ctl_wait(ctl, wait))
            return err_set(err, ERR_STOPPED, 0, "stopped while validate has enough");
    }
}

struct sending {
    struct ctl *ctl;
    bool is_urgent, is_sent;
    const struct buf *text;
};

/* Published is what a failover does not forget (redis.wait_replicas). After a lost connection it is sent
 * again: where it was not forgotten, validate drops the same batch. */
static int send_text(void *user, struct err *err)
{
    struct sending *sending = user;
    struct redis *redis = sending->ctl->redis;

    if (!sending->is_sent && push_batch(redis, &sending->ctl->keys, sending->is_urgent, sending->text->data,
                                        sending->text->len, err) != 0)
        return -1;
    sending->is_sent = true;
    if (redis_secure(redis, err) == 0)
        return 0;
    sending->is_sent = err->code == ERR_REDIS_REPLICAS;
    return -1;
}

static int stopped(const struct publish *publish, struct err *err)
{
    return err_set(err, ERR_PUSH_STOPPED, 0, "stopped after %lld of %lld batches of run %s", done(publish),
                   (long long)publish->batches, publish->run);
}

int publish_batch(void *user, int64_t number, const struct buf *text, struct err *err)
{
    struct publish *publish = user;
    struct sending sending = { .ctl = publish->ctl, .is_urgent = publish->is_urgent, .text = text };

    if (number > publish->batches || feed_check(publish->feed, err) != 0) {
        if (number > publish->batches)
            err_set(err, ERR_INPUT_CHANGED, 0, "%s has more rows than before", publish->feed->path);
        return err_prefix(err, "after %lld of %lld batches of run %s (abmctl cancel --run %s ends it)",
                          done(publish), (long long)publish->batches, publish->run, publish->run);
    }
    if (publish->is_come[number - 1]) {
        publish->skipped++;
        return 0;
    }
    if (ctl_is_stopped(publish->ctl))
        return stopped(publish, err);
    if (wait_for_room(publish, err) != 0 || publish_patiently(publish->ctl, send_text, &sending, err) != 0)
        return err->code == ERR_STOPPED ? stopped(publish, err) : -1;
    publish->published++;
    ctl_progress(publish->ctl, "%s: %lld of %lld batches published", publish->run, done(publish),
                 (long long)publish->batches);
    return 0;
}
