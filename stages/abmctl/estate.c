#include "estate_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "domain/device.h"

#define PATIENCE_MS     (3 * INT64_C(60000))
#define BACKOFF_MS      1000
#define BACKOFF_MOST_MS 20000
#define CONTRACT_TRIES  3 /* a broken contract is mended by nobody's waiting */
#define COUNTRY_SHOWN   64

int estate_open(struct estate **estate_r, struct ctl *ctl, const struct abm_api *api, bool is_whole,
                struct err *err)
{
    struct estate *estate = calloc(1, sizeof(*estate));

    if (estate == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to read ABM");
    estate->ctl = ctl;
    estate->api = api;
    estate->is_whole = is_whole;
    estate->seen_within = -1;
    estate->patience_ms = PATIENCE_MS;
    estate->backoff_ms = BACKOFF_MS;
    if (ctl->redis != NULL) {
        estate->own_cache = shared_cache(&ctl->shared);
        estate->cache = &estate->own_cache;
    }
    estate_table_init(&estate->table, ESTATE_DEVICES_MAX);
    *estate_r = estate;
    return 0;
}

void estate_free(struct estate *estate)
{
    if (estate == NULL)
        return;
    estate_table_release(&estate->table);
    free(estate->order);
    free(estate);
}

int estate_want(struct estate *estate, const char *serial, struct err *err)
{
    struct estate_row *row;

    if (estate_table_add(&estate->table, serial, &row, err) != 0)
        return -1;
    row->flags |= ROW_WANTED;
    return 0;
}

/* ---- what the answers bring ---- */

/* ABM's own words, of which the plan of a removal carries this one: cut at a character's edge, and empty
 * where it is no text that a plan can hold, so that one odd device stops no plan. */
static void take_country(const char *country, char shown[COUNTRY_SHOWN + 1])
{
    size_t len;

    snprintf(shown, COUNTRY_SHOWN + 1, "%s", country);
    for (len = strlen(shown); len > 0 && !str_is_utf8(shown, len);)
        len--;
    shown[str_has_control(shown) ? 0 : len] = '\0';
}

int estate_take_device(struct estate *estate, struct estate_row *row, const char *country,
                       const char *device_id, struct err *err)
{
    struct estate_row *other;
    char shown[COUNTRY_SHOWN + 1];

    take_country(country, shown);
    if (estate_table_name(&estate->table, shown, &row->country, err) != 0 ||
        estate_table_set_id(&estate->table, row, device_id, &other, err) != 0)
        return -1;
    row->flags |= ROW_KNOWN;
    if (other != NULL && other != row) {
        other->flags |= ROW_UNSURE;
        row->flags |= ROW_UNSURE;
    }
    return 0;
}

int estate_take_assignment(struct estate *estate, struct estate_row *row,
                           const struct abm_assignment *assignment, struct err *err)
{
    struct estate_table *table = &estate->table;

    if (estate_table_name(table, assignment->blueprint_id, &row->blueprint, err) != 0 ||
        estate_table_name(table, assignment->mdm_server_id, &row->server, err) != 0)
        return -1;
    row->state = (uint8_t)assignment->state;
    row->updated_ms = assignment->updated_ms;
    row->flags |= ROW_THERE;
    return 0;
}

/* ---- trouble ---- */

void estate_progress(struct estate *estate)
{
    estate->progress_ms = clock_boot_ms();
    estate->attempt = 0;
}

/* Does waiting mend it? */
static bool is_worth_waiting(const struct estate *estate, const struct err *why)
{
    switch (why->code) {
    case ERR_ABM_CONTRACT: return estate->attempt < CONTRACT_TRIES;
    case ERR_ABM_UNREACHABLE:
    case ERR_ABM_TIMEOUT:
    case ERR_ABM_SERVER:
    case ERR_ABM_UNREADABLE:
    case ERR_ABM_RATE:
    case ERR_BREAKER_OPEN: return true;
    default: return false; /* a token, a permission, a certificate, settings: a person mends these */
    }
}

int estate_endure(struct estate *estate, const struct err *why, struct err *err)
{
    struct ctl *ctl = estate->ctl;
    char given[32];

    if (ctl_is_stopped(ctl) || why->code == ERR_STOPPED)
        return err_set(err, ERR_STOPPED, 0, "stopped while reading ABM");
    if (ctl->redis != NULL && ctl_is_passing(why))
        return ctl_outlast(ctl, why, err);
    estate->attempt++;
    if (!is_worth_waiting(estate, why)) {
        *err = *why;
        return -1;
    }
    if (clock_boot_ms() - estate->progress_ms >= estate->patience_ms) {
        *err = *why;
        return err_prefix(err, "reading ABM: tried for %s", clock_duration(estate->patience_ms, given));
    }
    if (estate->said != why->code)
        ctl_say(ctl, "waiting: %s", why->text);
    estate->said = why->code;
    if (ctl_wait(ctl, backoff_ms(estate->backoff_ms, BACKOFF_MOST_MS, estate->attempt, rand_u32())))
        return err_set(err, ERR_STOPPED, 0, "stopped while reading ABM");
    return 0;
}

/* ---- the whole ---- */

static int by_serial(const void *a, const void *b, void *user)
{
    const struct estate_table *table = user;

    return strcmp(estate_table_text(table, table->rows[*(const uint32_t *)a].serial),
                  estate_table_text(table, table->rows[*(const uint32_t *)b].serial));
}

static int sort(struct estate *estate, struct err *err)
{
    struct estate_table *table = &estate->table;

    estate->order = calloc(table->count > 0 ? table->count : 1, sizeof(*estate->order));
    if (estate->order == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices", table->count);
    for (size_t i = 0; i < table->count; i++)
        estate->order[i] = (uint32_t)i;
    qsort_r(estate->order, table->count, sizeof(*estate->order), by_serial, table);
    return 0;
}

int estate_read(struct estate *estate, struct err *err)
{
    bool has_rest;
    int rc = -1;

    estate_recall(estate);
    estate_progress(estate);
    if (estate_page_devices(estate, &has_rest, err) != 0 || estate_filter_devices(estate, has_rest, err) != 0)
        goto out;
    if (estate_page_assignments(estate, &has_rest, err) != 0 ||
        estate_filter_assignments(estate, has_rest, err) != 0)
        goto out;
    estate_remember(estate);
    rc = sort(estate, err);
out:
    ctl_progress_end(estate->ctl);
    return rc;
}

static void show(const struct estate *estate, const struct estate_row *row, struct estate_device *device_r)
{
    const struct estate_table *table = &estate->table;

    *device_r = (struct estate_device){
        .serial = estate_table_text(table, row->serial),
        .is_known = (row->flags & ROW_KNOWN) != 0,
        .is_there = (row->flags & ROW_THERE) != 0,
        .is_wanted = (row->flags & ROW_WANTED) != 0,
    };
    if (device_r->is_known) {
        device_r->country = estate_table_text(table, row->country);
        device_r->device_id = estate_table_text(table, row->device_id);
    }
    if (device_r->is_there) {
        device_r->blueprint_id = estate_table_text(table, row->blueprint);
        device_r->mdm_server_id = estate_table_text(table, row->server);
        device_r->state = (enum abm_state)row->state;
    }
}

bool estate_find(const struct estate *estate, const char *serial, struct estate_device *device_r)
{
    const struct estate_row *row = estate_table_by_serial(&estate->table, serial);

    memset(device_r, 0, sizeof(*device_r));
    if (row == NULL)
        return false;
    show(estate, row, device_r);
    return true;
}

size_t estate_count(const struct estate *estate)
{
    return estate->table.count;
}

void estate_at(const struct estate *estate, size_t i, struct estate_device *device_r)
{
    show(estate, &estate->table.rows[estate->order[i]], device_r);
}
