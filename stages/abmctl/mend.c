#include "mend.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/heads.h"
#include "look.h"

#define POOL_BYTES (256u * 1024 * 1024)
#define PART_ROWS  400 /* of a part: what a device has been through makes it a little longer than it was */
#define TRIES      20
#define AGAIN_MS   250

/* What is known of a row of the input. */
#define ROW_ON_WAY 1u
#define ROW_ENDED  2u
#define ROW_LOST   4u

int mend_init(struct mend *mend, struct pushing *pushing, struct err *err)
{
    memset(mend, 0, sizeof(*mend));
    mend->pushing = pushing;
    mend->pool = pool_new(POOL_BYTES);
    return mend->pool != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory");
}

void mend_release(struct mend *mend)
{
    mend_notes_release(&mend->notes);
    pool_free(mend->pool);
    free(mend->row_flags);
    free(mend->row_turns);
    free(mend->hashes);
    memset(mend, 0, sizeof(*mend));
}

/* --- a pass over the input, batch by batch --- */

static int pass(struct mend *mend, batcher_flush_fn *flush, struct err *err)
{
    struct batcher batcher;
    struct ingest head;
    int rc;

    pushing_head(mend->pushing, &head);
    if (batcher_init(&batcher, &head, mend->pushing->size, flush, mend, err) != 0)
        return -1;
    mend->batcher = &batcher;
    rc = feed_pass(&mend->pushing->feed, &batcher, err);
    mend->batcher = NULL;
    batcher_release(&batcher);
    return rc;
}

static size_t rows_of(const struct batcher *batcher)
{
    return batcher->device_count + batcher->rejected_count;
}

/* Row i of the batch: its devices, then its rejected rows. */
static struct repair_device row_at(const struct batcher *batcher, size_t i)
{
    const struct ingest_rejected *rejected;

    if (i < batcher->device_count)
        return (struct repair_device){ batcher->devices[i]->serial, batcher->devices[i]->row };
    rejected = &batcher->rejected[i - batcher->device_count];
    return (struct repair_device){ rejected->serial != NULL ? rejected->serial : "", rejected->row };
}

/* --- comparing --- */

static int read_hashes(void *user, struct err *err)
{
    struct mend *mend = user;
    struct ctl *ctl = mend->pushing->ctl;
    char key[KEY_MAX_BYTES], name[RUNID_BYTES + 16];
    struct redis_reply *reply;

    snprintf(name, sizeof(name), "%s:batches", mend->pushing->id);
    if (redis_callv(ctl->redis, &reply, err, "HGETALL", keys_make(&ctl->keys, "run", name, key), NULL) != 0)
        return -1;
    memset(mend->hashes, 0, (size_t)mend->pushing->batches * sizeof(*mend->hashes));
    for (size_t i = 0; i + 1 < redis_count(reply); i += 2) {
        int64_t number;

        if (str_to_int(redis_text(redis_at(reply, i), NULL), 1, mend->pushing->batches, &number))
            snprintf(mend->hashes[number - 1], sizeof(*mend->hashes), "%s",
                     redis_text(redis_at(reply, i + 1), NULL));
    }
    redis_reply_free(reply);
    return 0;
}

static int make_room_for_row(struct mend *mend, int64_t row, struct err *err)
{
    size_t cap = mend->row_cap > 0 ? mend->row_cap : 4096;
    uint8_t *flags;
    int32_t *turns;

    while (cap <= (uint64_t)row)
        cap *= 2;
    if (cap == mend->row_cap)
        return 0;
    flags = realloc(mend->row_flags, cap * sizeof(*flags));
    if (flags != NULL)
        mend->row_flags = flags;
    turns = realloc(mend->row_turns, cap * sizeof(*turns));
    if (turns != NULL)
        mend->row_turns = turns;
    if (flags == NULL || turns == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu rows", cap);
    memset(flags + mend->row_cap, 0, (cap - mend->row_cap) * sizeof(*flags));
    memset(turns + mend->row_cap, 0, (cap - mend->row_cap) * sizeof(*turns));
    mend->row_cap = cap;
    return 0;
}

static int compare_batch(void *user, int64_t number, const struct buf *text, struct err *err)
{
    struct mend *mend = user;
    char hex[SHA256_HEX];

    if (number > mend->pushing->batches)
        return err_set(err, ERR_INPUT_CHANGED, 0, "%s has more rows than before", mend->pushing->feed.path);
    sha256_hex(text->data, text->len, hex);
    if (mend->hashes[number - 1][0] != '\0' && strcmp(mend->hashes[number - 1], hex) != 0)
        return err_set(err, ERR_INPUT_OTHER, 0,
                       "batch %lld of run %s was registered with other bytes than %s makes of it",
                       (long long)number, mend->pushing->id, mend->pushing->feed.name);
    for (size_t i = 0; i < rows_of(mend->batcher); i++)
        if (make_room_for_row(mend, row_at(mend->batcher, i).row, err) != 0)
            return -1;
    return 0;
}

int mend_compare(struct mend *mend, struct err *err)
{
    mend->hashes = calloc((size_t)mend->pushing->batches, sizeof(*mend->hashes));
    if (mend->hashes == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %lld batches", (long long)mend->pushing->batches);
    if (publish_patiently(mend->pushing->ctl, read_hashes, mend, err) != 0)
        return -1;
    return pass(mend, compare_batch, err);
}

/* --- looking --- */

static void see_on_way(void *user, int64_t row)
{
    struct mend *mend = user;

    if (row > 0 && (uint64_t)row < mend->row_cap)
        mend->row_flags[row] |= ROW_ON_WAY;
}

static void see_ended(void *user, const struct record_head *head)
{
    struct mend *mend = user;

    if (head->row <= 0 || (uint64_t)head->row >= mend->row_cap || head->seq < 0 || head->seq >= INT32_MAX)
        return;
    mend->row_flags[head->row] |= ROW_ENDED;
    if (mend->row_turns[head->row] <= head->seq)
        mend->row_turns[head->row] = (int32_t)head->seq + 1;
}

/* Of a run that was closed before, and reopened by a replay: its record files in the first sink. */
static int read_shipped(struct mend *mend, struct err *err)
{
    const char *path = mend->view.manifest_path != NULL ? mend->view.manifest_path : "";
    const char *slash = strrchr(path, '/');
    const char *folder = slash != NULL ? pool_strndup(mend->pool, path, (size_t)(slash - path)) : ".";

    if (folder == NULL)
        return pool_failed(mend->pool, err);
    return heads_of_records(folder, mend->view.records_files, see_ended, mend, err);
}

static int read_ended(struct mend *mend, struct err *err)
{
    const struct ctl *ctl = mend->pushing->ctl;
    const struct spool spool = { ctl->settings->audit_spool, ctl->org->name };
    struct runbook book = shared_runbook(&mend->pushing->ctl->shared);
    struct run_part *parts;
    size_t count;

    if (runbook_parts(&book, mend->pushing->id, mend->pool, &parts, &count, err) != 0 ||
        heads_of_parts(&spool, mend->pushing->id, parts, count, see_ended, mend, err) != 0)
        return -1;
    return mend->view.manifest > 0 ? read_shipped(mend, err) : 0;
}

/* First who is on the way, then who has ended: a device never goes the other way but by a replay, and then it
 * is seen when it is put back. */
static int look_around(void *user, struct err *err)
{
    struct mend *mend = user;
    struct ctl *ctl = mend->pushing->ctl;

    pool_reset(mend->pool);
    if (mend->row_cap > 0) {
        memset(mend->row_flags, 0, mend->row_cap * sizeof(*mend->row_flags));
        memset(mend->row_turns, 0, mend->row_cap * sizeof(*mend->row_turns));
    }
    if (read_hashes(mend, err) != 0 ||
        repair_look(ctl->redis, &ctl->keys, mend->pushing->id, &mend->look, see_on_way, mend, err) != 0 ||
        look_run(ctl, mend->pushing->id, mend->pool, &mend->view, err) != 0)
        return -1;
    if (repair_missing_devices(&mend->look) == 0)
        return 0;
    if (read_ended(mend, err) != 0)
        return -1;
    return mend_notes_read(&mend->notes, ctl->redis, &ctl->keys, mend->pool, err);
}

/* Of one batch: who is not on the way, and either still held by the run or without a record. */
static int find_lost(void *user, int64_t number, const struct buf *text, struct err *err)
{
    struct mend *mend = user;
    struct ctl *ctl = mend->pushing->ctl;
    struct repair_device devices[2 * INGEST_MAX_DEVICES];
    bool is_held[2 * INGEST_MAX_DEVICES];
    size_t count = 0;

    (void)text;
    if (mend->hashes[number - 1][0] == '\0')
        return 0;
    for (size_t i = 0; i < rows_of(mend->batcher); i++) {
        struct repair_device device = row_at(mend->batcher, i);

        if ((mend->row_flags[device.row] & ROW_ON_WAY) == 0)
            devices[count++] = device;
    }
    if (count == 0)
        return 0;
    if (repair_held(ctl->redis, &ctl->keys, mend->pushing->id, devices, count, is_held, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint8_t *flags = &mend->row_flags[devices[i].row];

        if (!is_held[i] && (*flags & ROW_ENDED) != 0)
            continue;
        *flags |= ROW_LOST;
        mend->lost++;
    }
    return 0;
}

/* --- putting back --- */

/* Rows of one batch that make a part. */
struct part {
    struct mend *mend;
    struct ingest head;
    struct device copies[PART_ROWS];
    const struct device *devices[PART_ROWS];
    struct ingest_rejected rejected[PART_ROWS];
    struct repair_device rows[PART_ROWS];
    size_t device_count, row_count;
    struct buf text;
    enum repair_answer answer;
};

static int put_once(void *user, struct err *err)
{
    struct part *part = user;
    struct mend *mend = part->mend;
    struct ctl *ctl = mend->pushing->ctl;
    const struct repair_step step = {
        .run = mend->pushing->id,
        .missing = mend->lost - mend->put_back,
        .devices = part->rows,
        .device_count = part->row_count,
        .part = part->text.data,
        .part_len = part->text.len,
    };

    return repair_put(ctl->redis, &ctl->keys, &step, &part->answer, err);
}

/* 1: the pipeline moved on; -1 err. */
static int put_part(struct part *part, struct err *err)
{
    struct mend *mend = part->mend;

    if (part->row_count == 0)
        return 0;
    buf_reset(&part->text);
    ingest_print(&part->text, &part->head, part->devices, part->device_count);
    if (buf_check(&part->text, "the devices to be put back", err) != 0 ||
        publish_patiently(mend->pushing->ctl, put_once, part, err) != 0)
        return -1;
    if (part->answer == REPAIR_OVER)
        return err_set(err, ERR_RUN_STATE, 0, "run %s is not open any more", mend->pushing->id);
    mend->is_moved = part->answer == REPAIR_MOVED;
    if (mend->is_moved)
        return err_set(err, ERR_RUN_STATE, 0, "run %s moves", mend->pushing->id);
    mend->put_back += (int64_t)part->row_count;
    part->device_count = part->row_count = part->head.rejected_count = 0;
    return 0;
}

static void add_row(struct part *part, const struct batcher *batcher, size_t i)
{
    struct mend *mend = part->mend;

    part->rows[part->row_count++] = row_at(batcher, i);
    if (i < batcher->device_count) {
        struct device *copy = &part->copies[part->device_count];

        *copy = *batcher->devices[i];
        copy->seq = mend->row_turns[copy->row];
        mend_notes_give(&mend->notes, copy);
        part->devices[part->device_count++] = copy;
    } else {
        part->rejected[part->head.rejected_count++] = batcher->rejected[i - batcher->device_count];
    }
}

static int put_batch(void *user, int64_t number, const struct buf *text, struct err *err)
{
    struct mend *mend = user;
    const struct batcher *batcher = mend->batcher;
    struct part *part;
    int rc = 0;

    (void)text;
    if (mend->hashes[number - 1][0] == '\0')
        return 0;
    part = calloc(1, sizeof(*part));
    if (part == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a part");
    buf_init(&part->text, INGEST_MAX_BYTES);
    part->mend = mend;
    pushing_head(mend->pushing, &part->head);
    part->head.batch = number;
    part->head.part = (struct ingest_part){ .path = "1",
                                            .sha256 = mend->hashes[number - 1],
                                            .total = (int64_t)rows_of(batcher) };
    part->head.rejected = part->rejected;
    for (size_t i = 0; rc == 0 && i < rows_of(batcher); i++) {
        if ((mend->row_flags[row_at(batcher, i).row] & ROW_LOST) == 0)
            continue;
        add_row(part, batcher, i);
        if (part->row_count == PART_ROWS)
            rc = put_part(part, err);
    }
    if (rc == 0)
        rc = put_part(part, err);
    buf_release(&part->text);
    free(part);
    return rc;
}

/* Notes whose content has gone into parts: nobody asks for them any more. Left where that fails: audit trims
 * them. */
static void remove_used_notes(struct mend *mend)
{
    struct ctl *ctl = mend->pushing->ctl;
    struct err ignored = ERR_INIT;

    for (size_t i = 0; i < mend->notes.count; i++) {
        struct redis_reply *reply = NULL;
        char key[KEY_MAX_BYTES];

        if (mend->notes.at[i].is_used &&
            redis_callv(ctl->redis, &reply, &ignored, "HDEL",
                        keys_make(&ctl->keys, "note", mend->notes.at[i].uid, key), mend->notes.at[i].serial,
                        NULL) != 0)
            return;
        redis_reply_free(reply);
    }
}

/* 1: all is done; 0: look again; -1 err. */
static int try_once(struct mend *mend, bool is_dry, struct err *err)
{
    mend->lost = mend->put_back = 0;
    mend->is_moved = false;
    if (publish_patiently(mend->pushing->ctl, look_around, mend, err) != 0)
        return -1;
    if (strcmp(mend->look.state, "open") != 0)
        return err_set(err, ERR_RUN_STATE, 0, "run %s is %s: nothing of it can be missing", mend->pushing->id,
                       mend->look.state);
    if (repair_missing_devices(&mend->look) == 0)
        return 1;
    if (pass(mend, find_lost, err) != 0)
        return -1;
    if (mend->lost != repair_missing_devices(&mend->look))
        return 0;
    if (is_dry)
        return 1;
    if (pass(mend, put_batch, err) != 0)
        return mend->is_moved ? 0 : -1;
    remove_used_notes(mend);
    return 1;
}

int mend_devices(struct mend *mend, bool is_dry, struct err *err)
{
    int64_t put_back = 0;

    for (int i = 0; i < TRIES; i++) {
        struct err why = ERR_INIT;
        int rc = try_once(mend, is_dry, &why);

        put_back += mend->put_back;
        mend->put_back = put_back;
        if (rc > 0)
            return 0;
        if (rc < 0 && why.code != ERR_REDIS_LOST) {
            *err = why;
            return -1;
        }
        if (rc < 0 && ctl_reconnect(mend->pushing->ctl, err) != 0)
            return -1;
        if (ctl_wait(mend->pushing->ctl, AGAIN_MS))
            return err_set(err, ERR_STOPPED, 0, "stopped while it looked for what is missing");
    }
    return err_set(err, ERR_RUN_STATE, 0,
                   "run %s: %lld of its devices have neither ended nor stand in a message, and %lld could be "
                   "made out by "
                   "the input: pause the stages, then try again",
                   mend->pushing->id, (long long)repair_missing_devices(&mend->look), (long long)mend->lost);
}
