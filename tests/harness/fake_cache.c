#include "harness/fake_cache.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define VALUE_MAX (16u << 20)

static int count_call(struct fake_cache *fake, struct err *err)
{
    if (fake->fail_after == 0)
        return err_set(err, ERR_REDIS_LOST, 0, "the connection was lost");
    if (fake->fail_after > 0)
        fake->fail_after--;
    return 0;
}

static int get(void *ctx, const char *name, struct buf *value, int64_t *age_ms_r, struct err *err)
{
    struct fake_cache *fake = ctx;

    fake->gets++;
    if (count_call(fake, err) != 0)
        return -1;
    for (int i = 0; i < FAKE_CACHE_ENTRIES; i++) {
        if (!str_eq(fake->values[i].name, name) || fake->values[i].until_ms <= fake->now_ms)
            continue;
        buf_add(value, fake->values[i].value.data, fake->values[i].value.len);
        *age_ms_r = fake->now_ms - fake->values[i].set_ms;
        return buf_check(value, name, err) == 0 ? 1 : -1;
    }
    return 0;
}

static int set(void *ctx, const char *name, const char *value, size_t len, int64_t ttl_ms, struct err *err)
{
    struct fake_cache *fake = ctx;
    int at = -1;

    fake->sets++;
    if (count_call(fake, err) != 0)
        return -1;
    for (int i = 0; i < FAKE_CACHE_ENTRIES && at < 0; i++)
        if (str_eq(fake->values[i].name, name))
            at = i;
    for (int i = 0; i < FAKE_CACHE_ENTRIES && at < 0; i++)
        if (fake->values[i].name[0] == '\0')
            at = i;
    if (at < 0)
        return err_set(err, ERR_LIMIT, 0, "the test's cache is full");
    snprintf(fake->values[at].name, sizeof(fake->values[at].name), "%s", name);
    buf_reset(&fake->values[at].value);
    buf_add(&fake->values[at].value, value, len);
    fake->values[at].set_ms = fake->now_ms;
    fake->values[at].until_ms = fake->now_ms + ttl_ms;
    return buf_check(&fake->values[at].value, name, err);
}

static int lock(void *ctx, const char *name, int64_t ttl_ms, struct err *err)
{
    struct fake_cache *fake = ctx;
    int at = -1;

    fake->locks++;
    if (count_call(fake, err) != 0)
        return -1;
    if (fake->held_times > 0 && str_eq(fake->held_name, name)) {
        if (--fake->held_times == 0 && fake->what_then != NULL)
            fake->what_then(fake, fake->user);
        return 0;
    }
    for (int i = 0; i < FAKE_CACHE_ENTRIES; i++) {
        if (str_eq(fake->held[i].name, name) && fake->held[i].until_ms > fake->now_ms)
            return 0;
        if (at < 0 && (fake->held[i].name[0] == '\0' || str_eq(fake->held[i].name, name)))
            at = i;
    }
    if (at < 0)
        return err_set(err, ERR_LIMIT, 0, "the test's cache is full");
    snprintf(fake->held[at].name, sizeof(fake->held[at].name), "%s", name);
    fake->held[at].until_ms = fake->now_ms + ttl_ms;
    return 1;
}

static int unlock(void *ctx, const char *name, struct err *err)
{
    struct fake_cache *fake = ctx;

    fake->unlocks++;
    if (count_call(fake, err) != 0)
        return -1;
    for (int i = 0; i < FAKE_CACHE_ENTRIES; i++)
        if (str_eq(fake->held[i].name, name))
            fake->held[i].until_ms = 0;
    return 0;
}

static const struct cache_ops ops = { .get = get, .set = set, .lock = lock, .unlock = unlock };

void fake_cache_init(struct fake_cache *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->cache.ops = &ops;
    fake->cache.ctx = fake;
    fake->fail_after = -1;
    for (int i = 0; i < FAKE_CACHE_ENTRIES; i++) {
        buf_init(&fake->values[i].value, VALUE_MAX);
        buf_init(&fake->held[i].value, VALUE_MAX);
    }
}

void fake_cache_release(struct fake_cache *fake)
{
    for (int i = 0; i < FAKE_CACHE_ENTRIES; i++) {
        buf_release(&fake->values[i].value);
        buf_release(&fake->held[i].value);
    }
}
