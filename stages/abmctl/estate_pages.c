/* The lists of ABM page by page: all of them, or for as long as that is cheaper than filters. */
#include "estate_inside.h"

#include <string.h>

#include "abm/shape.h"
#include "base/str.h"
#include "domain/device.h"

/* One listing under way. */
struct listing {
    struct estate *estate;
    const char *what; /* "devices" */
    struct abm_place place;
    struct estate_facts facts;
    int64_t listed;
    bool is_restarted;
    int64_t passed_over; /* devices whose serial no plan can hold */
};

static void begin(struct listing *listing, struct estate *estate, const char *what, int64_t wanted,
                  int64_t size, int64_t least)
{
    memset(listing, 0, sizeof(*listing));
    listing->estate = estate;
    listing->what = what;
    listing->facts =
        (struct estate_facts){ .wanted = wanted, .unseen = wanted, .size = size, .least = least };
    abm_place_init(&listing->place);
}

/* A page is whole. 1: what is left is cheaper by filters. */
static int page(void *ctx, struct err *err)
{
    struct listing *listing = ctx;

    (void)err;
    estate_progress(listing->estate);
    listing->facts.pages++;
    ctl_progress(listing->estate->ctl, "reading ABM: %s, page %lld: %lld", listing->what,
                 (long long)listing->facts.pages, (long long)listing->listed);
    if (listing->place.url.len == 0 || listing->estate->is_whole)
        return 0;
    return estate_way(&listing->facts) == ESTATE_FILTERS;
}

/* The place where the list would go on may be refused after a while: once it is read from the start again. */
static bool restart(struct listing *listing, const struct err *why)
{
    if (why->code != ERR_ABM_CONTRACT || listing->place.url.len == 0 || listing->is_restarted)
        return false;
    listing->is_restarted = true;
    buf_reset(&listing->place.url);
    listing->place.pages = 0;
    listing->listed = listing->passed_over = 0;
    return true;
}

typedef int list_call(struct listing *listing, struct err *err);

/* Until the list ends or the pages cost too much; outlasts trouble where it is. */
static int run(struct listing *listing, list_call *list, bool *rest_r, struct err *err)
{
    struct err why = ERR_INIT;

    while (list(listing, &why) != 0) {
        if (restart(listing, &why))
            continue;
        if (estate_endure(listing->estate, &why, err) != 0)
            return -1;
    }
    *rest_r = listing->place.url.len > 0 && listing->facts.unseen > 0;
    return 0;
}

/* ---- devices ---- */

static struct estate_row *row_of(struct listing *listing, const char *serial, struct err *err, int *rc)
{
    struct estate *estate = listing->estate;
    struct estate_row *row = estate_table_by_serial(&estate->table, serial);

    *rc = 0;
    if (row != NULL || !estate->is_whole)
        return row;
    if (strlen(serial) > DEVICE_SERIAL_MAX || !shape_is_id(serial)) {
        listing->passed_over++;
        return NULL;
    }
    *rc = estate_table_add(&estate->table, serial, &row, err);
    return row;
}

static int take_device(void *ctx, const char *serial, const char *country, const char *device_id,
                       struct err *err)
{
    struct listing *listing = ctx;
    struct estate *estate = listing->estate;
    struct estate_row *row;
    int rc;

    listing->listed++;
    row = row_of(listing, serial, err, &rc);
    if (row == NULL)
        return rc;
    if ((row->flags & ROW_KNOWN) == 0)
        listing->facts.unseen -= (row->flags & ROW_WANTED) != 0;
    else if (!str_eq(estate_table_text(&estate->table, row->device_id), device_id))
        row->flags |= ROW_UNSURE; /* two ids for one serial */
    return estate_take_device(estate, row, country, device_id, err);
}

static int skip_device(void *ctx, const char *serial, const char *why, struct err *err)
{
    struct listing *listing = ctx;
    struct estate_row *row;
    int rc;

    (void)why;
    listing->listed++;
    row = row_of(listing, serial, err, &rc);
    if (row != NULL)
        row->flags |= ROW_UNSURE;
    return rc;
}

static int list_devices(struct listing *listing, struct err *err)
{
    const struct abm_device_sink sink = {
        .ctx = listing,
        .device = take_device,
        .unreadable = skip_device,
        .page = page,
        .place = &listing->place,
    };

    return abm_api_list_devices(listing->estate->api, &sink, err);
}

int estate_page_devices(struct estate *estate, bool *rest_r, struct err *err)
{
    struct estate_size *size = &estate->size;
    struct listing listing;
    int rc;

    begin(&listing, estate, "devices", (int64_t)estate->table.count, size->devices, size->devices_least);
    *rest_r = true;
    if (!estate->is_whole && estate_way(&listing.facts) == ESTATE_FILTERS)
        return 0;
    rc = run(&listing, list_devices, rest_r, err);
    if (rc == 0 && listing.facts.unseen == 0)
        estate->seen_within = listing.listed;
    if (rc == 0)
        estate_learn(&size->devices, &size->devices_least, listing.listed, listing.place.url.len == 0);
    if (rc == 0 && listing.passed_over > 0)
        ctl_say(estate->ctl, "passed over in ABM: %lld with a serial that no plan can hold",
                (long long)listing.passed_over);
    abm_place_release(&listing.place);
    return rc;
}

/* ---- assignments ---- */

static struct estate_row *known_row(const struct estate *estate, const char *device_id)
{
    struct estate_row *row = estate_table_by_id(&estate->table, device_id);

    return row != NULL && (row->flags & ROW_KNOWN) != 0 ? row : NULL;
}

static struct abm_assignment known_of(const struct estate *estate, const struct estate_row *row)
{
    return (struct abm_assignment){
        .blueprint_id = estate_table_text(&estate->table, row->blueprint),
        .mdm_server_id = estate_table_text(&estate->table, row->server),
        .state = (enum abm_state)row->state,
        .updated_ms = row->updated_ms,
    };
}

static int take_assignment(void *ctx, const struct abm_assignment *assignment, struct err *err)
{
    struct listing *listing = ctx;
    struct estate *estate = listing->estate;
    struct estate_row *row = known_row(estate, assignment->device_id);
    struct abm_assignment known;

    listing->listed++;
    if (row == NULL)
        return 0;
    if ((row->flags & ROW_THERE) != 0) {
        known = known_of(estate, row);
        switch (abm_assignment_newer(&known, assignment)) {
        case ABM_KEEP: return 0;
        case ABM_CONTRADICT: row->flags |= ROW_UNSURE_ASSIGNMENT; return 0;
        case ABM_TAKE: break;
        }
    } else {
        listing->facts.unseen--;
    }
    return estate_take_assignment(estate, row, assignment, err);
}

static int skip_assignment(void *ctx, const char *device_id, const char *why, struct err *err)
{
    struct listing *listing = ctx;
    struct estate_row *row = known_row(listing->estate, device_id);

    (void)why, (void)err;
    listing->listed++;
    if (row != NULL)
        row->flags |= ROW_UNSURE_ASSIGNMENT;
    return 0;
}

static int list_assignments(struct listing *listing, struct err *err)
{
    const struct abm_assignment_sink sink = {
        .ctx = listing,
        .assignment = take_assignment,
        .unreadable = skip_assignment,
        .page = page,
        .place = &listing->place,
    };

    return abm_api_list_assignments(listing->estate->api, &sink, err);
}

/*
 * Not more than there are devices, where these were counted. Where pages showed all that were wanted before
 * their end, the assignments may well stand as near the beginning. -1: nothing is known.
 */
static int64_t assignments_expected(const struct estate *estate)
{
    const struct estate_size *size = &estate->size;

    if (size->assignments >= 0)
        return size->assignments;
    return size->devices >= 0 ? size->devices : estate->seen_within;
}

int estate_page_assignments(struct estate *estate, bool *rest_r, struct err *err)
{
    struct estate_size *size = &estate->size;
    struct listing listing;
    int64_t known = 0;
    int rc;

    for (size_t i = 0; i < estate->table.count; i++)
        known += (estate->table.rows[i].flags & ROW_KNOWN) != 0;
    begin(&listing, estate, "assignments", known, assignments_expected(estate), size->assignments_least);
    listing.facts.is_sparse = true;
    *rest_r = true;
    if (!estate->is_whole && (listing.facts.size < 0 || estate_way(&listing.facts) == ESTATE_FILTERS))
        return 0;
    rc = run(&listing, list_assignments, rest_r, err);
    if (rc == 0)
        estate_learn(&size->assignments, &size->assignments_least, listing.listed,
                     listing.place.url.len == 0);
    abm_place_release(&listing.place);
    return rc;
}
