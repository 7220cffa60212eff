#include "plan_uses.h"

#include <string.h>

#define POOL_BYTES (16u * 1024 * 1024) /* 2 times 10,000 names of 128 bytes, and the tables as they grow */

/* Where the name is, or belongs. */
static size_t find_place(const struct plan_names *names, const char *id)
{
    size_t low = 0, high = names->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->at[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int grow(struct plan_uses *uses, struct plan_names *names, struct err *err)
{
    size_t room = names->room > 0 ? names->room * 2 : 64;
    struct plan_name *bigger = pool_array(uses->pool, room, sizeof(*bigger));

    if (bigger == NULL)
        return pool_failed(uses->pool, err);
    if (names->count > 0)
        memcpy(bigger, names->at, names->count * sizeof(*bigger));
    names->at = bigger;
    names->room = room;
    return 0;
}

static int count(struct plan_uses *uses, struct plan_names *names, const char *what, const char *id,
                 enum plan_kind kind, struct err *err)
{
    size_t place = find_place(names, id);

    if (place == names->count || strcmp(names->at[place].id, id) != 0) {
        const char *kept;

        if (names->count == PLAN_USES_MAX)
            return err_set(err, ERR_LIMIT, 0, "the plan names more than %d %s", PLAN_USES_MAX, what);
        if (names->count == names->room && grow(uses, names, err) != 0)
            return -1;
        kept = pool_strdup(uses->pool, id);
        if (kept == NULL)
            return pool_failed(uses->pool, err);
        memmove(&names->at[place + 1], &names->at[place], (names->count - place) * sizeof(*names->at));
        names->at[place] = (struct plan_name){ .id = kept };
        names->count++;
    }
    names->at[place].counts[kind]++;
    return 0;
}

int plan_uses_add(struct plan_uses *uses, enum plan_kind kind, const struct plan_entry *entry,
                  struct err *err)
{
    const char *blueprint = kind == PLAN_REMOVE ? entry->from_blueprint_id : entry->to_blueprint_id;

    if (kind == PLAN_REMOVE)
        uses->remove++;
    else
        uses->assign++;
    if (blueprint != NULL && count(uses, &uses->blueprints, "blueprints", blueprint, kind, err) != 0)
        return -1;
    if (kind == PLAN_REMOVE || entry->mdm_server_id == NULL)
        return 0;
    return count(uses, &uses->servers, "MDM servers", entry->mdm_server_id, kind, err);
}

static int add(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    return plan_uses_add(ctx, kind, entry, err);
}

int plan_uses_read(struct plan_uses *uses, struct plan_file *file, struct err *err)
{
    const struct plan_entry_sink sink = { .entry = add, .ctx = uses };

    *uses = (struct plan_uses){ .pool = pool_new(POOL_BYTES) };
    if (uses->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    return plan_file_each(file, &sink, err);
}

void plan_uses_release(struct plan_uses *uses)
{
    pool_free(uses->pool);
    uses->pool = NULL;
}

int64_t plan_name_wanted(const struct plan_name *name)
{
    return name->counts[PLAN_ADD] + name->counts[PLAN_CHANGE];
}
