/**
 * estate_inside.h - what the files of the estate share: its state, reading by pages (estate_pages.c), by
 * filters (estate_filters.c), what is remembered of sizes (estate_size.c), and how trouble is outlasted. For
 * them and their tests alone.
 */
#ifndef ABMCTL_ESTATE_INSIDE_H
#define ABMCTL_ESTATE_INSIDE_H

#include "estate.h"
#include "estate_table.h"
#include "estate_way.h"

/* How large the organization was when last read; in the shared cache as "inventory". */
struct estate_size {
    int64_t devices, assignments;             /* counted to the end; -1: never */
    int64_t devices_least, assignments_least; /* seen, at least */
};

struct estate {
    struct ctl *ctl;
    const struct abm_api *api;
    struct cache *cache; /* NULL: nothing is remembered */
    struct cache own_cache;
    bool is_whole;
    struct estate_table table;
    uint32_t *order; /* rows by serial; after estate_read */
    struct estate_size size;
    int64_t
        seen_within; /* so many entries of the list of devices had all that are wanted; -1: they had not */

    int64_t patience_ms, backoff_ms; /* the tests' are shorter */
    int64_t progress_ms;             /* boot time of the last success */
    int attempt;                     /* failures since then */
    enum err_code said;              /* the trouble that was told of last */
};

void estate_recall(struct estate *estate);
/** Takes in what was seen of a list: entries, and whether that was all of it. */
void estate_learn(int64_t *size, int64_t *least, int64_t listed, bool is_all);
void estate_remember(struct estate *estate);

/** Something was read: the patience begins anew. */
void estate_progress(struct estate *estate);
/**
 * After trouble: 0 it is worth another try, after a wait; -1 with what ends the reading.
 */
int estate_endure(struct estate *estate, const struct err *why, struct err *err);

/**
 * All devices, or those wanted as long as pages are the cheaper way.
 * @param rest_r  out: those wanted that no page has shown are to be asked for by filters
 */
int estate_page_devices(struct estate *estate, bool *rest_r, struct err *err);
/** Likewise the assignments of those that are known. */
int estate_page_assignments(struct estate *estate, bool *rest_r, struct err *err);

/** Finds the wanted devices that no page has shown (rest), and those the pages were unsure of. */
int estate_filter_devices(struct estate *estate, bool rest, struct err *err);
int estate_filter_assignments(struct estate *estate, bool rest, struct err *err);

/** ABM has the device under this id. Marks rows that cannot be told apart as unsure. */
int estate_take_device(struct estate *estate, struct estate_row *row, const char *country,
                       const char *device_id, struct err *err);
int estate_take_assignment(struct estate *estate, struct estate_row *row,
                           const struct abm_assignment *assignment, struct err *err);

#endif
