/* Devices and assignments by filters, 200 to a request, in parts that bound what is in memory. */
#include "estate_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PART       1600 /* devices a call: as many requests as go out at once */
#define POOL_BYTES (8u << 20)
#define ROUNDS     3 /* of devices that share an id */

/* One reading by filters under way. */
struct filtering {
    struct estate *estate;
    const char *what, *op;
    int (*call)(const struct abm_api *api, struct abm_item *items, size_t count, struct pool *pool,
                struct err *err);
    int (*take)(struct estate *estate, struct estate_row *row, const struct abm_item *item, struct err *err);
    uint32_t *rows; /* that are still to be read */
    size_t count, done;

    struct pool *pool;
    struct device devices[PART];
    struct abm_item items[PART];
};

static int take_found(struct estate *estate, struct estate_row *row, const struct abm_item *item,
                      struct err *err)
{
    row->flags &= (uint8_t) ~(ROW_UNSURE | ROW_KNOWN);
    if (item->kind != ABM_OK) {
        estate_table_drop_id(&estate->table, row);
        return 0;
    }
    return estate_take_device(estate, row, item->country, item->device_id, err);
}

static int take_read(struct estate *estate, struct estate_row *row, const struct abm_item *item,
                     struct err *err)
{
    const struct abm_assignment assignment = { .blueprint_id = item->blueprint_id,
                                               .mdm_server_id = item->mdm_server_id,
                                               .state = item->state };

    row->flags &= (uint8_t) ~(ROW_UNSURE_ASSIGNMENT | ROW_THERE);
    return item->kind == ABM_OK ? estate_take_assignment(estate, row, &assignment, err) : 0;
}

/* Whether the item has a word on its device; why: the first that has not. ABM has no device under a serial
 * that cannot be asked for. */
static bool is_answered(const struct abm_item *item, const char *serial, const char *op, struct err *why)
{
    enum err_code code;
    const char *text;

    if (item->kind == ABM_OK || item->kind == ABM_NONE)
        return true;
    if (item->kind == ABM_REFUSED && item->code == ERR_ABM_NOT_FOUND)
        return true;
    if (why->code != ERR_NONE || item->kind == ABM_UNSENT)
        return false;
    text = item->text != NULL ? item->text : "no word";
    /* A device's own trouble: what cannot be read is the service's, to whoever only reads. */
    code = err_class_of(item->code) == ERR_CLASS_SERVICE ? item->code : ERR_ABM_CONTRACT;
    if (str_starts(text, op))
        err_set(why, code, 0, "%s", text);
    else
        err_set(why, code, 0, "%s: %.*s: %s", op, (int)DEVICE_SERIAL_MAX, serial, text);
    return false;
}

/* One call for rows[from..from+count): those that have no answer are put at `kept` on. */
static int read_part(struct filtering *f, size_t from, size_t count, size_t *kept, struct err *why,
                     struct err *err)
{
    struct estate_table *table = &f->estate->table;
    struct err problem = ERR_INIT;
    int rc;

    for (size_t i = 0; i < count; i++) {
        const struct estate_row *row = &table->rows[f->rows[from + i]];

        f->devices[i] = (struct device){ .serial = estate_table_text(table, row->serial),
                                         .device_id = estate_table_text(table, row->device_id) };
        f->items[i] = (struct abm_item){ .device = &f->devices[i] };
    }
    pool_reset(f->pool);
    rc = f->call(f->estate->api, f->items, count, f->pool, &problem);
    for (size_t i = 0; i < count; i++) {
        struct estate_row *row = &table->rows[f->rows[from + i]];

        if (!is_answered(&f->items[i], f->devices[i].serial, f->op, why)) {
            f->rows[(*kept)++] = f->rows[from + i];
            continue;
        }
        if (f->take(f->estate, row, &f->items[i], err) != 0)
            return -1;
        f->done++;
    }
    if (rc != 0)
        *why = problem; /* nobody can go on: the better reason */
    return 0;
}

/* All rows once; those without an answer are kept for the next round. why: the first trouble. */
static int read_round(struct filtering *f, struct err *why, struct err *err)
{
    size_t all = f->count, kept = 0, at = 0;

    while (at < all) {
        size_t part = all - at < PART ? all - at : PART, before = f->done;
        struct err part_why = ERR_INIT;

        if (read_part(f, at, part, &kept, &part_why, err) != 0)
            return -1;
        at += part;
        if (f->done > before)
            estate_progress(f->estate);
        ctl_progress(f->estate->ctl, "reading ABM: %s: %zu of %zu", f->what, f->done,
                     f->done + kept + all - at);
        if (part_why.code == ERR_NONE && kept > 0 && ctl_is_stopped(f->estate->ctl))
            err_set(&part_why, ERR_STOPPED, 0, "stopped");
        if (why->code == ERR_NONE && part_why.code != ERR_NONE)
            *why = part_why;
        if (part_why.code != ERR_NONE && f->done == before)
            break; /* nothing at all came back: the rest would fare no better */
    }
    memmove(f->rows + kept, f->rows + at, (all - at) * sizeof(*f->rows));
    f->count = kept + all - at;
    return 0;
}

static int read_all(struct filtering *f, struct err *err)
{
    while (f->count > 0) {
        struct err why = ERR_INIT;

        if (read_round(f, &why, err) != 0)
            return -1;
        if (f->count == 0)
            break;
        if (why.code == ERR_NONE)
            err_set(&why, ERR_ABM_TIMEOUT, 0, "%s: %zu devices were not read", f->op, f->count);
        if (estate_endure(f->estate, &why, err) != 0)
            return -1;
    }
    return 0;
}

/* The rows to be read: any with a flag of `unsure`, and with rest those that have all of `have` and none of
 * `lack`. */
static size_t choose(struct filtering *f, uint8_t unsure, bool rest, uint8_t have, uint8_t lack)
{
    const struct estate_table *table = &f->estate->table;

    f->count = 0;
    for (size_t i = 0; i < table->count; i++) {
        uint8_t flags = table->rows[i].flags;

        if ((flags & unsure) != 0 || (rest && (flags & have) == have && (flags & lack) == 0))
            f->rows[f->count++] = (uint32_t)i;
    }
    return f->count;
}

static struct filtering *filtering_new(struct estate *estate, struct err *err)
{
    struct filtering *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->estate = estate;
        f->pool = pool_new(POOL_BYTES);
        f->rows = calloc(estate->table.count + 1, sizeof(*f->rows));
    }
    if (f == NULL || f->pool == NULL || f->rows == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory to read %zu devices", estate->table.count);
    return f;
}

static bool is_usable(const struct filtering *f)
{
    return f != NULL && f->pool != NULL && f->rows != NULL;
}

static void filtering_free(struct filtering *f)
{
    if (f == NULL)
        return;
    pool_free(f->pool);
    free(f->rows);
    free(f);
}

int estate_filter_devices(struct estate *estate, bool rest, struct err *err)
{
    struct filtering *f = filtering_new(estate, err);
    int rc = -1;

    if (!is_usable(f))
        goto out;
    f->what = "devices";
    f->op = "listDevices";
    f->call = abm_api_find;
    f->take = take_found;
    choose(f, ROW_UNSURE, rest, ROW_WANTED, ROW_KNOWN);
    /* What is found may share its id with another device that was found before: both are asked for again. */
    for (int round = 0; f->count > 0; round++) {
        struct err why = ERR_INIT;

        if (read_all(f, err) != 0)
            goto out;
        if (choose(f, ROW_UNSURE, false, 0, 0) == 0)
            break;
        err_set(&why, ERR_ABM_CONTRACT, 0, "listDevices: %.*s: ABM shows its id for another device too",
                (int)DEVICE_SERIAL_MAX,
                estate_table_text(&estate->table, estate->table.rows[f->rows[0]].serial));
        if (round >= ROUNDS) {
            *err = why;
            goto out;
        }
        if (round > 0 && estate_endure(estate, &why, err) != 0)
            goto out;
    }
    rc = 0;
out:
    filtering_free(f);
    return rc;
}

int estate_filter_assignments(struct estate *estate, bool rest, struct err *err)
{
    struct filtering *f = filtering_new(estate, err);
    int rc = -1;

    if (!is_usable(f))
        goto out;
    f->what = "assignments";
    f->op = "listAssignments";
    f->call = abm_api_read;
    f->take = take_read;
    choose(f, ROW_UNSURE_ASSIGNMENT, rest, ROW_KNOWN, ROW_THERE);
    rc = read_all(f, err);
out:
    filtering_free(f);
    return rc;
}
