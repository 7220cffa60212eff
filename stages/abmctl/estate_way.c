#include "estate_way.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t estate_filters(int64_t devices)
{
    return (devices + ESTATE_FILTER_DEVICES - 1) / ESTATE_FILTER_DEVICES;
}

int64_t estate_pages(int64_t entries)
{
    return entries <= 0 ? 1 : (entries + ESTATE_PAGE_ENTRIES - 1) / ESTATE_PAGE_ENTRIES;
}

/*
 * Pages that are left, were the devices spread evenly over the list: so many more as there are unseen ones
 * for each that was seen. One is added to these, since none seen yet says little.
 */
static int64_t estimate(const struct estate_facts *facts)
{
    int64_t left = facts->pages * facts->unseen / (facts->wanted - facts->unseen + 1);

    return left > 1 ? left : 1;
}

enum estate_way estate_way(const struct estate_facts *facts)
{
    int64_t all = estate_filters(facts->wanted), rest = estate_filters(facts->unseen);
    int64_t size = facts->size >= 0 ? estate_pages(facts->size) : 0;
    int64_t known = facts->pages + 1, best; /* pages that the list has at least */

    if (facts->unseen <= 0)
        return ESTATE_FILTERS;
    /* After one page more, filters might make it more than twice what they alone would have been. */
    if (facts->pages + 1 + rest > 2 * all)
        return ESTATE_FILTERS;
    if (size > facts->pages)
        return rest <= size - facts->pages ? ESTATE_FILTERS : ESTATE_PAGES;
    if (facts->pages == 0 && all <= ESTATE_FEW_REQUESTS)
        return ESTATE_FILTERS;
    if (facts->least > 0 && estate_pages(facts->least) > known)
        known = estate_pages(facts->least);
    best = least(all, known);
    if (facts->pages + rest > 2 * best)
        return ESTATE_PAGES;
    return facts->pages == 0 || facts->is_sparse || rest <= estimate(facts) ? ESTATE_FILTERS : ESTATE_PAGES;
}
