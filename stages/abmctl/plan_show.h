/**
 * plan_show.h - what would change, for people: grouped by blueprint, with counts, and the serials of what
 * differs.
 *
 *   bp-5e6f7g8h
 *     + add 120 on mdm-apac
 *         C02XL0THJGH5
 *         ... and 119 more: -v names all
 *     ~ change 3: bp-9i0j1k2l -> bp-5e6f7g8h, server (none) -> mdm-apac
 *         ...
 *     - remove 2
 *         ...
 *     = unchanged 9859
 *
 * A device stands under the blueprint that it would have, one to be removed under the one that it has. Pure
 * but for memory: about 8 bytes a named device.
 */
#ifndef ABMCTL_PLAN_SHOW_H
#define ABMCTL_PLAN_SHOW_H

#include "domain/plan.h"

#define PLAN_SHOWN_MAX 20 /* serials of a group on a terminal */

struct plan_show;

/** most: serials named of each group; 0: all. NULL without memory. */
struct plan_show *plan_show_new(size_t most);
void plan_show_free(struct plan_show *show);

/**
 * One device, as plan_judge left its entry. entry->serial is borrowed until plan_show_free, all other text is
 * copied. Of PLAN_SAME only the blueprint is looked at. ERR_LIMIT, ERR_NOMEM.
 */
int plan_show_add(struct plan_show *show, enum plan_kind kind, const struct plan_entry *entry,
                  struct err *err);

/** Appends the groups by blueprint; errors stand in out. Text from outside is escaped. */
void plan_show_print(struct plan_show *show, bool is_coloured, struct buf *out);

#endif
