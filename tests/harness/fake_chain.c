#include "harness/fake_chain.h"

#include <stdio.h>
#include <string.h>

static int crash(struct fake_chain *fake, enum fake_chain_crash at, struct err *err)
{
    if (fake->crash != at)
        return 0;
    fake->crash = FAKE_CHAIN_NO_CRASH;
    return err_set(err, ERR_REDIS_LOST, 0, "the test cut the connection");
}

static int check_turn(const struct fake_chain *fake, const struct chain_turn *turn, struct err *err)
{
    if (fake->is_locked && turn->token == fake->token)
        return 0;
    return err_set(err, ERR_LOST_MESSAGE, 0, "the turn is another's");
}

static int take(void *ctx, int64_t ttl_ms, struct chain_turn *turn_r, struct buf *envelope, struct err *err)
{
    struct fake_chain *fake = ctx;

    fake->takes++;
    if (ttl_ms <= 0)
        return err_set(err, ERR_BUG, 0, "a turn of no time");
    if (fake->is_locked)
        return 0;
    fake->is_locked = true;
    memset(turn_r, 0, sizeof(*turn_r));
    turn_r->token = ++fake->token;
    turn_r->sequence = fake->head_sequence + 1;
    snprintf(turn_r->previous, sizeof(turn_r->previous), "%s", fake->head_sha256);
    turn_r->is_stored = fake->is_stored;
    if (fake->is_stored) {
        snprintf(turn_r->run, sizeof(turn_r->run), "%s", fake->run);
        snprintf(turn_r->name, sizeof(turn_r->name), "%s", fake->name);
        buf_add(envelope, fake->envelope.data, fake->envelope.len);
    }
    return 1;
}

static int store(void *ctx, const struct chain_turn *turn, const char *run, const char *name,
                 const char *envelope, size_t len, struct err *err)
{
    struct fake_chain *fake = ctx;

    fake->stores++;
    if (crash(fake, FAKE_CHAIN_BEFORE_STORE, err) != 0 || check_turn(fake, turn, err) != 0)
        return -1;
    if (fake->is_stored)
        return err_set(err, ERR_BUG, 0, "an envelope is stored already");
    fake->is_stored = true;
    snprintf(fake->run, sizeof(fake->run), "%s", run);
    snprintf(fake->name, sizeof(fake->name), "%s", name);
    buf_reset(&fake->envelope);
    buf_add(&fake->envelope, envelope, len);
    return crash(fake, FAKE_CHAIN_AFTER_STORE, err);
}

static int move(void *ctx, const struct chain_turn *turn, const char *payload_sha256, struct err *err)
{
    struct fake_chain *fake = ctx;

    fake->moves++;
    if (crash(fake, FAKE_CHAIN_BEFORE_MOVE, err) != 0 || check_turn(fake, turn, err) != 0)
        return -1;
    if (turn->sequence <= fake->head_sequence ||
        (!fake->has_forgotten && (!fake->is_stored || turn->sequence != fake->head_sequence + 1)))
        return err_set(err, ERR_BUG, 0, "the head moves without a stored envelope");
    fake->head_sequence = turn->sequence;
    snprintf(fake->head_sha256, sizeof(fake->head_sha256), "%s", payload_sha256);
    fake->is_stored = false;
    fake->is_locked = false;
    return crash(fake, FAKE_CHAIN_AFTER_MOVE, err);
}

static int drop(void *ctx, const struct chain_turn *turn, struct err *err)
{
    struct fake_chain *fake = ctx;

    fake->drops++;
    if (check_turn(fake, turn, err) != 0)
        return -1;
    fake->is_locked = false;
    return 0;
}

void fake_chain_init(struct fake_chain *fake)
{
    static const struct chain_ops ops = { take, store, move, drop };

    memset(fake, 0, sizeof(*fake));
    fake->chain.ops = &ops;
    fake->chain.ctx = fake;
    buf_init(&fake->envelope, 16 * 1024 * 1024);
}

void fake_chain_release(struct fake_chain *fake)
{
    buf_release(&fake->envelope);
}

void fake_chain_expire(struct fake_chain *fake)
{
    fake->is_locked = false;
}
