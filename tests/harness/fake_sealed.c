#include "harness/fake_sealed.h"

#include <stdio.h>
#include <string.h>

static int count_call(struct fake_sealed *fake, struct err *err)
{
    if (fake->fail_after == 0)
        return err_set(err, ERR_REDIS_LOST, 0, "the connection was lost");
    if (fake->fail_after > 0)
        fake->fail_after--;
    return 0;
}

static int read_value(void *ctx, const char *name, struct sealed_value *value_r, struct err *err)
{
    struct fake_sealed_user *user = ctx;
    struct fake_sealed *fake = user->fake;
    struct buf text = value_r->text;

    (void)name;
    fake->reads++;
    if (count_call(fake, err) != 0)
        return -1;
    *value_r = fake->value;
    value_r->text = text;
    buf_reset(&value_r->text);
    snprintf(value_r->code, sizeof(value_r->code), "%s", fake->code);
    snprintf(value_r->why, sizeof(value_r->why), "%s", fake->why);
    if (!fake->has_value)
        return 0;
    buf_add(&value_r->text, fake->value.text.data, fake->value.text.len);
    return 1;
}

static int take(void *ctx, const char *name, const struct sealed_ask *ask, struct sealed_turn *turn_r,
                struct err *err)
{
    struct fake_sealed_user *user = ctx;
    struct fake_sealed *fake = user->fake;

    (void)name;
    fake->takes++;
    if (count_call(fake, err) != 0)
        return -1;
    *turn_r = (struct sealed_turn){ .kind = SEALED_TAKEN, .left_ms = fake->until_ms - fake->now_ms };
    if (fake->has_value && strcmp(fake->value.id, ask->known_id) != 0) {
        turn_r->kind = SEALED_NEWER;
        return 0;
    }
    if (fake->has_value && fake->now_ms - fake->value.at_ms < ask->min_age_ms) {
        turn_r->kind = SEALED_YOUNG;
        return 0;
    }
    if (turn_r->left_ms > 0 && fake->code[0] != '\0' && !ask->is_forced) {
        turn_r->kind = SEALED_FAILED;
        memcpy(turn_r->code, fake->code, sizeof(turn_r->code));
        memcpy(turn_r->why, fake->why, sizeof(turn_r->why));
        return 0;
    }
    if (turn_r->left_ms > 0 && fake->code[0] == '\0' && strcmp(fake->lock, user->name) != 0) {
        turn_r->kind = SEALED_HELD;
        return 0;
    }
    turn_r->fence = ++fake->token;
    fake->until_ms = fake->now_ms + ask->ttl_ms;
    fake->code[0] = fake->why[0] = '\0';
    snprintf(fake->lock, sizeof(fake->lock), "%s", user->name);
    return 0;
}

static int put(void *ctx, const char *name, int64_t fence, const struct sealed_value *value, struct err *err)
{
    struct fake_sealed_user *user = ctx;
    struct fake_sealed *fake = user->fake;
    struct buf text = fake->value.text;

    (void)name;
    fake->puts++;
    if (count_call(fake, err) != 0)
        return -1;
    if (fence != fake->token)
        return 0;
    fake->value = *value;
    fake->value.text = text;
    fake->value.at_ms = fake->now_ms;
    snprintf(fake->value.by, sizeof(fake->value.by), "%s", user->name);
    buf_reset(&fake->value.text);
    buf_add(&fake->value.text, value->text.data, value->text.len);
    fake->has_value = true;
    fake->fence = fence;
    fake->until_ms = 0;
    fake->code[0] = fake->why[0] = '\0';
    return 1;
}

static int give_up(void *ctx, const char *name, int64_t fence, int64_t hold_ms, const struct err *why,
                   struct err *err)
{
    struct fake_sealed_user *user = ctx;
    struct fake_sealed *fake = user->fake;

    (void)name;
    fake->fails++;
    if (count_call(fake, err) != 0)
        return -1;
    if (fence != fake->token)
        return 0;
    fake->until_ms = fake->now_ms + hold_ms;
    snprintf(fake->code, sizeof(fake->code), "%s", err_wire(why->code));
    snprintf(fake->why, sizeof(fake->why), "%.*s", SEALED_WHY_MAX - 1, why->text);
    return 1;
}

static int drop(void *ctx, const char *name, struct err *err)
{
    struct fake_sealed_user *user = ctx;
    struct fake_sealed *fake = user->fake;
    bool had_value = fake->has_value;

    (void)name;
    if (count_call(fake, err) != 0)
        return -1;
    fake->has_value = false;
    fake->value.id[0] = '\0';
    if (fake->code[0] != '\0')
        fake->until_ms = 0;
    fake->code[0] = fake->why[0] = '\0';
    return had_value;
}

void fake_sealed_init(struct fake_sealed *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->fail_after = -1;
    sealed_value_init(&fake->value);
}

void fake_sealed_release(struct fake_sealed *fake)
{
    sealed_value_release(&fake->value);
}

void fake_sealed_of(struct fake_sealed *fake, const char *name, struct fake_sealed_user *user)
{
    static const struct sealed_ops ops = {
        .read = read_value, .take = take, .put = put, .give_up = give_up, .drop = drop
    };

    user->fake = fake;
    user->name = name;
    user->sealed = (struct sealed){ .ops = &ops, .ctx = user };
}
