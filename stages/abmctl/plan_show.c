#include "plan_show.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define POOL_BYTES  (64u * 1024 * 1024)
#define FIRST_SLOTS 256
#define TEXT_SHOWN  256 /* bytes of an id */

/* Devices of which the same is to be said. */
struct group {
    const char *blueprint; /* that it stands under; NULL: none */
    enum plan_kind kind;
    const char *from;                    /* of a change of the blueprint; NULL: it stays */
    const char *from_server, *to_server; /* where has_servers, and in to_server the server of an add */
    bool has_servers;
    const char **serials;
    size_t named, room;
    int64_t count;
};

struct plan_show {
    size_t most;
    struct pool *pool; /* text of the groups */
    struct group *groups;
    size_t count, room;
    uint32_t *slots; /* index of a group + 1; 0: free. A power of two of them */
    size_t slot_count;
};

struct plan_show *plan_show_new(size_t most)
{
    struct plan_show *show = calloc(1, sizeof(*show));

    if (show == NULL)
        return NULL;
    show->most = most;
    show->pool = pool_new(POOL_BYTES);
    show->slots = calloc(FIRST_SLOTS, sizeof(*show->slots));
    show->slot_count = FIRST_SLOTS;
    if (show->pool != NULL && show->slots != NULL)
        return show;
    plan_show_free(show);
    return NULL;
}

void plan_show_free(struct plan_show *show)
{
    if (show == NULL)
        return;
    for (size_t i = 0; i < show->count; i++)
        free(show->groups[i].serials);
    free(show->groups);
    free(show->slots);
    pool_free(show->pool);
    free(show);
}

static struct group key_of(enum plan_kind kind, const struct plan_entry *entry)
{
    struct group key = { .kind = kind };

    key.blueprint = kind == PLAN_REMOVE ? entry->from_blueprint_id : entry->to_blueprint_id;
    if (kind == PLAN_ADD)
        key.to_server = entry->mdm_server_id;
    if (kind != PLAN_CHANGE)
        return key;
    if (!str_eq(entry->from_blueprint_id, entry->to_blueprint_id))
        key.from = entry->from_blueprint_id;
    key.has_servers = entry->has_servers;
    if (entry->has_servers) {
        key.from_server = entry->from_mdm_server_id;
        key.to_server = entry->to_mdm_server_id;
    }
    return key;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return (hash ^ 0xff) * 16777619u; /* what ends one text does not stand in another */
}

static uint32_t hash_group(const struct group *group)
{
    uint32_t hash = 2166136261u ^ (uint32_t)group->kind;

    hash = hash_text(hash, group->blueprint);
    hash = hash_text(hash, group->from);
    hash = hash_text(hash, group->from_server);
    hash = hash_text(hash, group->to_server);
    return hash ^ hash >> 15;
}

static bool is_same(const struct group *a, const struct group *b)
{
    return a->kind == b->kind && a->has_servers == b->has_servers && str_eq(a->blueprint, b->blueprint) &&
           str_eq(a->from, b->from) && str_eq(a->from_server, b->from_server) &&
           str_eq(a->to_server, b->to_server);
}

/* The slot that holds the group, or the free one where it belongs. */
static size_t find_slot(const struct plan_show *show, const struct group *key)
{
    size_t mask = show->slot_count - 1, slot = hash_group(key) & mask;

    while (show->slots[slot] != 0 && !is_same(&show->groups[show->slots[slot] - 1], key))
        slot = (slot + 1) & mask;
    return slot;
}

static int grow_slots(struct plan_show *show)
{
    uint32_t *slots = calloc(2 * show->slot_count, sizeof(*slots));

    if (slots == NULL)
        return -1;
    free(show->slots);
    show->slots = slots;
    show->slot_count *= 2;
    for (size_t i = 0; i < show->count; i++)
        show->slots[find_slot(show, &show->groups[i])] = (uint32_t)(i + 1);
    return 0;
}

static int grow_groups(struct plan_show *show)
{
    size_t room = show->room > 0 ? 2 * show->room : 32;
    struct group *groups = realloc(show->groups, room * sizeof(*groups));

    if (groups == NULL)
        return -1;
    show->groups = groups;
    show->room = room;
    return 0;
}

static int copy_text(struct plan_show *show, const char **text)
{
    if (*text == NULL)
        return 0;
    *text = pool_strdup(show->pool, *text);
    return *text != NULL ? 0 : -1;
}

static struct group *find_group(struct plan_show *show, struct group key, struct err *err)
{
    size_t slot = find_slot(show, &key);

    if (show->slots[slot] != 0)
        return &show->groups[show->slots[slot] - 1];
    if ((show->count == show->room && grow_groups(show) != 0) ||
        (2 * show->count >= show->slot_count && grow_slots(show) != 0)) {
        err_set(err, ERR_NOMEM, 0, "no memory for the groups of the plan");
        return NULL;
    }
    if (copy_text(show, &key.blueprint) != 0 || copy_text(show, &key.from) != 0 ||
        copy_text(show, &key.from_server) != 0 || copy_text(show, &key.to_server) != 0) {
        pool_failed(show->pool, err);
        return NULL;
    }
    slot = find_slot(show, &key); /* the slots may be others now */
    show->groups[show->count] = key;
    show->slots[slot] = (uint32_t)++show->count;
    return &show->groups[show->count - 1];
}

static int name_serial(struct group *group, const char *serial, struct err *err)
{
    size_t room = group->room > 0 ? 2 * group->room : 4;
    const char **serials;

    if (group->named == group->room) {
        serials = realloc(group->serials, room * sizeof(*serials));
        if (serials == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for the serials of the plan");
        group->serials = serials;
        group->room = room;
    }
    group->serials[group->named++] = serial;
    return 0;
}

int plan_show_add(struct plan_show *show, enum plan_kind kind, const struct plan_entry *entry,
                  struct err *err)
{
    struct group *group = find_group(show, key_of(kind, entry), err);

    if (group == NULL)
        return -1;
    group->count++;
    if (kind == PLAN_SAME || (show->most > 0 && group->named == show->most))
        return 0;
    return name_serial(group, entry->serial, err);
}

/* --- printing --- */

static int compare(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int by_blueprint(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    int order = compare(a->blueprint, b->blueprint);

    if (order == 0 && a->kind != b->kind)
        order = a->kind < b->kind ? -1 : 1;
    if (order == 0)
        order = compare(a->from, b->from);
    if (order == 0)
        order = compare(a->from_server, b->from_server);
    return order != 0 ? order : compare(a->to_server, b->to_server);
}

static void add_shown(struct buf *out, const char *text)
{
    if (text == NULL)
        buf_add_str(out, "(none)");
    else
        str_escape(out, text, strlen(text), TEXT_SHOWN);
}

static void add_move(struct buf *out, const char *from, const char *to)
{
    add_shown(out, from);
    buf_add_str(out, " -> ");
    add_shown(out, to);
}

static void add_words(struct buf *out, const struct group *group)
{
    static const char *const words[] = { "+ add", "~ change", "- remove", "= unchanged" };

    buf_addf(out, "%s %lld", words[group->kind], (long long)group->count);
    if (group->kind == PLAN_ADD && group->to_server != NULL) {
        buf_add_str(out, " on ");
        add_shown(out, group->to_server);
    }
    if (group->kind != PLAN_CHANGE)
        return;
    buf_add_str(out, ": ");
    if (group->from != NULL)
        add_move(out, group->from, group->blueprint);
    if (group->has_servers) {
        buf_add_str(out, group->from != NULL ? ", server " : "server ");
        add_move(out, group->from_server, group->to_server);
    }
}

static void begin_colour(struct buf *out, const char *code, bool is_coloured)
{
    if (is_coloured)
        buf_addf(out, "\033[%sm", code);
}

static void end_line(struct buf *out, bool is_coloured)
{
    buf_add_str(out, is_coloured ? "\033[0m\n" : "\n");
}

static void print_group(const struct group *group, bool is_coloured, struct buf *out)
{
    static const char *const colours[] = { "32", "33", "31", "2" };

    begin_colour(out, colours[group->kind], is_coloured);
    buf_add_str(out, "  ");
    add_words(out, group);
    end_line(out, is_coloured);
    for (size_t i = 0; i < group->named; i++) {
        buf_add_str(out, "      ");
        str_escape(out, group->serials[i], strlen(group->serials[i]), TEXT_SHOWN);
        buf_add_char(out, '\n');
    }
    if (group->kind != PLAN_SAME && (int64_t)group->named < group->count)
        buf_addf(out, "      ... and %lld more: -v names all\n",
                 (long long)(group->count - (int64_t)group->named));
}

void plan_show_print(struct plan_show *show, bool is_coloured, struct buf *out)
{
    const char *heading = NULL;

    if (show->count > 0)
        qsort(show->groups, show->count, sizeof(*show->groups), by_blueprint);
    memset(show->slots, 0, show->slot_count * sizeof(*show->slots));
    for (size_t i = 0; i < show->count; i++) {
        const struct group *group = &show->groups[i];

        show->slots[find_slot(show, group)] = (uint32_t)(i + 1); /* each stands elsewhere now */
        if (i == 0 || !str_eq(heading, group->blueprint)) {
            heading = group->blueprint;
            begin_colour(out, "1", is_coloured);
            add_shown(out, heading);
            end_line(out, is_coloured);
        }
        print_group(group, is_coloured, out);
    }
}
