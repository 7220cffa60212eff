/**
 * estate_way.h - pages or filters: which of them reads a list of ABM with fewer requests. Pure.
 *
 * A filter asks for 200 devices, a page shows 1,000 entries, and how many pages there are ABM does not say
 * before the last. So for a list of unknown size this is the ski-rental problem (Karlin et al. 1988): pages
 * are read for as long as they may still turn out to be the cheaper way, and filters for what was not seen by
 * then never make the whole cost more than twice what the better way would have. Within that bound the share
 * of the devices seen so far tells how many pages are left.
 */
#ifndef ABMCTL_ESTATE_WAY_H
#define ABMCTL_ESTATE_WAY_H

#include <stdbool.h>
#include <stdint.h>

#define ESTATE_FILTER_DEVICES 200
#define ESTATE_PAGE_ENTRIES   1000
/* So few requests by filters are made without a look at the pages. */
#define ESTATE_FEW_REQUESTS 4

enum estate_way { ESTATE_PAGES, ESTATE_FILTERS };

/* What is known of a list while it is read. */
struct estate_facts {
    int64_t wanted; /* devices asked for */
    int64_t unseen; /* of them, that no page has shown yet */
    int64_t pages;  /* read so far, without the end of the list */
    int64_t size;   /* entries of the whole list, as it was when last counted; -1: unknown */
    int64_t least;  /* entries that it had at least, when last looked at; 0: nothing is known */
    bool is_sparse; /* many may have no entry at all: how many are unseen tells nothing of the pages left */
};

/** How to go on: by the next page, or by filters for all that is unseen (also where that is nothing). */
enum estate_way estate_way(const struct estate_facts *facts);

/** Requests that filters take for so many devices, and pages for so many entries: one at least. */
int64_t estate_filters(int64_t devices);
int64_t estate_pages(int64_t entries);

#endif
