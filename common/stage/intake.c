#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "stage/worker.h"

#define BLOCK_MS         500 /* the longest that a stop, or a message parked by another, waits for us */
#define HELD_UP_MS       100 /* the same while the next stage has enough */
#define READ_MOST        64  /* messages a read */
#define OWN_MOST         256
#define RECLAIM_MOST     1 /* alone: what is in hand beside a crasher would be counted as one too */
#define CONSUMER_GONE_MS 60000

static int hold(struct worker *worker, const struct stream_entry *entry, bool is_redelivered, struct err *err)
{
    struct held *held;
    size_t at;

    if (worker->hand_count == worker->hand_cap) {
        size_t cap = worker->hand_cap > 0 ? worker->hand_cap * 2 : 16;
        struct held **hand = realloc(worker->hand, cap * sizeof(*hand));

        if (hand == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for the messages in hand");
        worker->hand = hand;
        worker->hand_cap = cap;
    }
    held = held_new(entry, worker_is_ingest(worker) ? worker->stage->crypto->sha256_hex : NULL,
                    is_redelivered, err);
    if (held == NULL)
        return -1;
    /* What is urgent passes what is in hand as well. */
    for (at = worker->hand_count++; at > 0 && held->is_urgent && !worker->hand[at - 1]->is_urgent; at--)
        worker->hand[at] = worker->hand[at - 1];
    worker->hand[at] = held;
    lease_add(worker->lease, held->id);
    worker->devices_a_message = worker->devices_a_message * 0.8 + (double)held_jobs(held) * 0.2;
    return 0;
}

static bool is_in_hand(const struct worker *worker, const char *id)
{
    for (size_t i = 0; i < worker->hand_count; i++)
        if (strcmp(worker->hand[i]->id, id) == 0)
            return true;
    return false;
}

/* Without memory for one, the rest stays pending for us and is read again as our own. */
static int hold_all(struct worker *worker, struct stream_entries *entries, bool is_redelivered,
                    struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < entries->count; i++)
        if (!is_in_hand(worker, entries->at[i].id))
            rc = hold(worker, &entries->at[i], is_redelivered, err);
    if (rc != 0)
        worker->has_own_pending = true;
    stream_entries_release(entries);
    return rc;
}

static int read_own_pending(struct worker *worker, struct err *err)
{
    char after[STREAM_ID_MAX] = "";
    struct stream_entries entries;

    for (;;) {
        size_t count;

        if (stream_read_own(worker->redis, &worker->keys, worker->stage->name, worker->consumer, after,
                            OWN_MOST, &entries, err) != 0)
            return -1;
        count = entries.count;
        if (count > 0)
            memcpy(after, entries.at[count - 1].id, sizeof(after));
        if (hold_all(worker, &entries, true, err) != 0)
            return -1;
        if (count == 0)
            break;
    }
    worker->has_own_pending = false;
    return 0;
}

/* How often dead workers' messages are looked for: several times a lease, each by whoever comes along. */
static int reclaim(struct worker *worker, struct err *err)
{
    int64_t now = clock_boot_ms(), every = worker->own->lease_ms / 4;
    struct stream_entries entries;

    if (now < worker->reclaim_boot_ms)
        return 0;
    worker->reclaim_boot_ms = now + (every > 5000 ? 5000 : every < 100 ? 100 : every);
    if (stream_reclaim(worker->redis, &worker->keys, worker->stage->name, worker->consumer,
                       worker->own->lease_ms, RECLAIM_MOST, CONSUMER_GONE_MS, &entries, err) != 0)
        return -1;
    if (entries.count > 0) {
        log_info("reclaimed", "id", entries.at[0].id, "deliveries", log_int(entries.at[0].deliveries), NULL);
        worker->reclaim_boot_ms = now; /* there may be more */
    }
    return hold_all(worker, &entries, true, err);
}

static size_t jobs_in_hand(const struct worker *worker)
{
    size_t count = 0;

    for (size_t i = 0; i < worker->hand_count; i++)
        count += held_jobs(worker->hand[i]);
    return count;
}

/* One message at a time for validate and audit, whose settle is one run's; else what fills the batch. */
static size_t wanted_messages(const struct worker *worker)
{
    size_t have = jobs_in_hand(worker), batch = (size_t)worker->own->batch;
    double each = worker->devices_a_message > 1.0 ? worker->devices_a_message : 1.0;
    double want;

    if (worker_is_ingest(worker) || worker_is_audit(worker) || worker_has_suspect(worker))
        return worker->hand_count == 0 ? 1 : 0;
    if (have >= batch)
        return 0;
    want = (double)(batch - have) / each;
    return want < 1.0 ? 1 : want > READ_MOST ? READ_MOST : (size_t)want;
}

static int64_t block_ms(const struct worker *worker)
{
    int64_t block = BLOCK_MS, now = worker_now_ms(worker), boot = clock_boot_ms();

    if (worker->tick.next_due_ms > 0 && worker->tick.next_due_ms - now < block)
        block = worker->tick.next_due_ms - now;
    if (worker->reclaim_boot_ms - boot < block)
        block = worker->reclaim_boot_ms - boot;
    return block < 1 ? 1 : block;
}

/* From some lanes, waiting for at most block ms (0: not at all). */
static int read_lanes(struct worker *worker, unsigned lanes, size_t count, int64_t block, struct err *err)
{
    struct stream_entries entries;

    if (stream_read(worker->redis, &worker->keys, worker->stage->name, worker->consumer, lanes, count, block,
                    &entries, err) != 0)
        return -1;
    worker->was_empty = entries.count == 0;
    for (size_t i = 0; i < entries.count; i++) {
        int lane = lane_of_id(entries.at[i].id);

        worker->tick.waiting[lane] -= worker->tick.waiting[lane] > 0;
        worker->tick.ahead[lane]++; /* it will be there soon: until the next look the gate counts it */
    }
    return hold_all(worker, &entries, false, err);
}

/* The lane whose turn it is, of those that had something when Redis was last asked; -1: none. */
static int next_in_turn(struct worker *worker, unsigned open)
{
    for (int i = 1; i <= LANE_URGENT; i++) {
        int lane = (worker->turn + i) % LANE_URGENT;

        if (worker->tick.waiting[lane] > 0 && (open & 1U << lane) != 0)
            return lane;
    }
    return -1;
}

static int read_new(struct worker *worker, unsigned open, size_t count, int64_t block, struct err *err)
{
    int lane;

    while ((lane = next_in_turn(worker, open)) >= 0) {
        worker->turn = lane;
        if (read_lanes(worker, 1U << lane, count, 0, err) != 0)
            return -1;
        if (!worker->was_empty)
            return 0;
        worker->tick.waiting[lane] = 0; /* others were faster */
    }
    return read_lanes(worker, open, count, block, err);
}

static int read_urgent(struct worker *worker, struct err *err)
{
    if (worker->tick.waiting[LANE_URGENT] == 0)
        return 0;
    if (read_lanes(worker, 1U << LANE_URGENT, 1, 0, err) != 0)
        return -1;
    if (worker->was_empty)
        worker->tick.waiting[LANE_URGENT] = 0;
    return 0;
}

/* Small messages, left over from retries, are waited for a little, so that they still fill a request. */
static int linger(struct worker *worker, unsigned open, struct err *err)
{
    int64_t until = clock_boot_ms() + worker->own->linger_ms;

    for (;;) {
        size_t want = wanted_messages(worker);
        int64_t left = until - clock_boot_ms();

        if (want == 0 || left <= 0 || worker_is_stopping(NULL) || worker->hand[0]->is_urgent)
            return 0;
        if (read_new(worker, open, want, left, err) != 0)
            return -1;
        if (worker->was_empty)
            return 0;
    }
}

int worker_intake(struct worker *worker, struct err *err)
{
    const char *held_up;
    unsigned open = worker_open_lanes(worker, &held_up);
    int64_t block;
    size_t want;

    if (worker->has_own_pending && read_own_pending(worker, err) != 0)
        return -1;
    if (worker->hand_count == 0 && reclaim(worker, err) != 0)
        return -1;
    if (read_urgent(worker, err) != 0)
        return -1;
    want = wanted_messages(worker);
    if (want == 0)
        return 0;
    if (worker->hand_count > 0) {
        worker->was_empty = false;
        return linger(worker, open, err);
    }
    worker->why = held_up != NULL ? held_up : "idle";
    block = block_ms(worker);
    if (held_up != NULL && block > HELD_UP_MS)
        block = HELD_UP_MS;
    if (read_new(worker, open, want, block, err) != 0)
        return -1;
    if (worker->hand_count == 0)
        return 0;
    worker->why = "working";
    return linger(worker, open, err);
}

void worker_let_go(struct worker *worker, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lease_remove(worker->lease, worker->hand[i]->id);
        held_free(worker->hand[i]);
    }
    worker->hand_count -= count;
    memmove(worker->hand, worker->hand + count, worker->hand_count * sizeof(*worker->hand));
}
