/**
 * estate_bench.h - an organization in memory, in the order of its serials, and readings of it: what the tests
 * of the estate share.
 */
#ifndef TEST_ESTATE_BENCH_H
#define TEST_ESTATE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "../../../stages/abmctl/estate_inside.h" /* this header must compile alone */
#include "harness/fake_abm.h"
#include "harness/fake_cache.h"

#define MOST 200000

/* One organization, in the order of its serials, and a reading of it. */
struct bench {
    struct fake_abm fake;
    struct fake_cache cache;
    struct abm_api api;
    struct ctl ctl;
    struct estate *estate;
    struct fake_abm_device *devices;
    char (*serials)[16], (*ids)[16];
    struct err err;
    int fail_at; /* the page of devices that fails so often */
    int fail_times;
};

static inline void new_organization(struct bench *bench, size_t count)
{
    static char serials[MOST][16], ids[MOST][16];
    static struct fake_abm_device devices[MOST];

    assert_in_range(count, 0, MOST);
    memset(bench, 0, sizeof(*bench));
    bench->ctl.signal_fd = -1;
    bench->devices = devices;
    bench->serials = serials;
    bench->ids = ids;
    for (size_t i = 0; i < count; i++) {
        snprintf(serials[i], sizeof(serials[i]), "C%09u", (unsigned)i % 1000000000);
        snprintf(ids[i], sizeof(ids[i]), "dev-%u", (unsigned)i % 1000000000);
        devices[i] =
            (struct fake_abm_device){ .serial = serials[i],
                                      .country = i % 3 == 0 ? "JP" : "DE",
                                      .device_id = ids[i],
                                      .blueprint_id = i % 5 == 0 ? NULL : "bp-1",
                                      .mdm_server_id = i % 2 == 0 ? "mdm-1" : NULL,
                                      .state = i % 7 == 0 ? ABM_STATE_FAILED : ABM_STATE_PROPAGATED };
    }
    bench->fake.inventory = devices;
    bench->fake.inventory_count = count;
    bench->fake.is_sorted = true;
    bench->api = fake_abm_of(&bench->fake);
    fake_cache_init(&bench->cache);
}

static inline void open_estate(struct bench *bench, bool is_whole)
{
    if (estate_open(&bench->estate, &bench->ctl, &bench->api, is_whole, &bench->err) != 0)
        fail_msg("%s", bench->err.text);
    bench->estate->cache = &bench->cache.cache;
    bench->estate->backoff_ms = 2;
}

static inline void want(struct bench *bench, const char *serial)
{
    if (estate_want(bench->estate, serial, &bench->err) != 0)
        fail_msg("%s", bench->err.text);
}

/* count devices: every `step`th of the organization from `first` on; beyond it they are new. */
static inline void want_some(struct bench *bench, size_t count, size_t first, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        char serial[16];

        snprintf(serial, sizeof(serial), "C%09zu", first + i * step);
        want(bench, serial);
    }
}

static inline void read_estate(struct bench *bench, const char *what)
{
    if (estate_read(bench->estate, &bench->err) != 0)
        fail_msg("%s: %s", what, bench->err.text);
}

static inline void close_estate(struct bench *bench)
{
    estate_free(bench->estate);
    bench->estate = NULL;
    memset(bench->fake.requests, 0, sizeof(bench->fake.requests));
    memset(bench->fake.calls, 0, sizeof(bench->fake.calls));
}

static inline void check_all(struct bench *bench, const char *what)
{
    for (size_t i = 0; i < estate_count(bench->estate); i++) {
        struct estate_device got, again;
        const struct fake_abm_device *has;
        size_t index;

        estate_at(bench->estate, i, &got);
        index = (size_t)strtoul(got.serial + 1, NULL, 10);
        has = index < bench->fake.inventory_count ? &bench->devices[index] : NULL;
        if (got.is_known != (has != NULL) || got.is_there != (has != NULL && has->blueprint_id != NULL))
            fail_msg("%s: %s: known %d, there %d", what, got.serial, got.is_known, got.is_there);
        if (has != NULL && (!str_eq(got.country, has->country) || !str_eq(got.device_id, has->device_id)))
            fail_msg("%s: %s: %s %s", what, got.serial, got.country, got.device_id);
        if (got.is_there && (!str_eq(got.blueprint_id, has->blueprint_id) || got.state != has->state ||
                             !str_eq(got.mdm_server_id, has->mdm_server_id)))
            fail_msg("%s: %s: %s %s %d", what, got.serial, got.blueprint_id, got.mdm_server_id, got.state);
        assert_true(estate_find(bench->estate, got.serial, &again));
        assert_memory_equal(&got, &again, sizeof(got));
        if (i > 0) {
            struct estate_device before;

            estate_at(bench->estate, i - 1, &before);
            assert_true(strcmp(before.serial, got.serial) < 0);
        }
    }
}

#endif
