/**
 * fixture.h - a client of ABM over doubles, devices to give it, and an ABM in a function that does as each
 * row says.
 */
#ifndef TEST_ABM_FIXTURE_H
#define TEST_ABM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "abm/client.h"
#include "base/str.h"
#include "harness/fake_cache.h"
#include "harness/fake_health.h"
#include "harness/fake_limiter.h"
#include "harness/fake_transport.h"

#define MAX_ITEMS 1000

#define ERROR_BODY(code)                                                                                     \
    "{\"errors\":[{\"status\":\"400\",\"code\":\"" code "\",\"title\":\"No \\u001b[31mgood\"}]}"

struct fixture {
    struct org_settings org;
    struct fake_limiter limiter;
    struct fake_cache cache;
    struct fake_health health;
    struct fake_transport transport;
    struct abm_client *client;
    struct pool *pool;
    struct device devices[MAX_ITEMS];
    struct abm_item items[MAX_ITEMS];
    size_t count;
    bool is_stopping;
    char warned[1024];
    int warnings;
    struct err err;
    void *own; /* the test's */
};

static inline bool fixture_is_stopping(void *user)
{
    return ((struct fixture *)user)->is_stopping;
}

static inline void fixture_warn(void *user, const char *event, const char *text)
{
    struct fixture *f = user;

    snprintf(f->warned, sizeof(f->warned), "%s: %s", event, text);
    f->warnings++;
}

static inline void fixture_init(struct fixture *f, void (*respond)(void *, struct http_request *, size_t))
{
    struct abm_env env = { .org = &f->org,
                           .concurrency = 4,
                           .limiter = &f->limiter.limiter,
                           .cache = &f->cache.cache,
                           .health = &f->health.health,
                           .user_agent = "unit/1",
                           .is_stopping = fixture_is_stopping,
                           .stop = f,
                           .warn = fixture_warn,
                           .warn_user = f,
                           .transport = &f->transport.transport };

    memset(f, 0, sizeof(*f));
    f->org = (struct org_settings){ .name = "acme",
                                    .api_dialect = "abm-v2",
                                    .api_base_url = "http://127.0.0.1:1",
                                    .api_token = "env:UNIT_ABM_TOKEN",
                                    .api_timeout_ms = 1000 };
    setenv("UNIT_ABM_TOKEN", "s3cret-token", 1);
    fake_limiter_init(&f->limiter);
    fake_cache_init(&f->cache);
    fake_health_init(&f->health);
    fake_transport_init(&f->transport, respond, f);
    f->pool = pool_new(16u << 20);
    assert_non_null(f->pool);
    if (abm_client_new(&env, &f->client, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static inline void fixture_release(struct fixture *f)
{
    abm_client_free(f->client);
    pool_free(f->pool);
    fake_cache_release(&f->cache);
    fake_transport_release(&f->transport);
}

/* count devices SN00000000.., id dev-0.., blueprint bp-1; all of one message. */
static inline void fixture_devices(struct fixture *f, size_t count)
{
    static const struct fence fence = { .id = "1-1", .run = "r" };

    assert_in_range(count, 0, MAX_ITEMS);
    f->count = count;
    memset(f->devices, 0, sizeof(f->devices));
    memset(f->items, 0, sizeof(f->items));
    for (size_t i = 0; i < count; i++) {
        f->devices[i].serial = pool_printf(f->pool, "SN%08zu", i);
        f->devices[i].country = "DE";
        f->devices[i].device_id = pool_printf(f->pool, "dev-%zu", i);
        f->devices[i].blueprint_id = "bp-1";
        f->items[i].device = &f->devices[i];
        f->items[i].fence = &fence;
    }
}

/* How many items ended so. */
static inline size_t fixture_kinds(const struct fixture *f, enum abm_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < f->count; i++)
        count += f->items[i].kind == kind;
    return count;
}

/* Every item but those whose index is in `but` (ended by -1) ended as kind; fails the test naming the first.
 */
static inline void fixture_all(const struct fixture *f, const char *what, enum abm_kind kind)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i].kind != kind)
            fail_msg("%s: item %zu ended as %d (%s: %s), not %d", what, i, f->items[i].kind,
                     err_wire(f->items[i].code), f->items[i].text != NULL ? f->items[i].text : "-", kind);
}

/* Requests sent with that method whose URL holds the text. */
static inline size_t fixture_sent(const struct fixture *f, const char *method, const char *part)
{
    size_t count = 0;

    for (size_t i = 0; i < f->transport.sent_count; i++)
        count += strcmp(f->transport.sent[i].method, method) == 0 &&
                 strstr(f->transport.sent[i].url, part) != NULL;
    return count;
}

#endif
