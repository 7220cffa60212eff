#include "rules_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define TEXTS_MAX  ((size_t)1024 * 1024 * 1024)
#define INDEX_ROOM 1024

/* --- groups --- */

static uint32_t target_of(const struct mapping_rule *rule)
{
    return rule != NULL ? rule->target : 0;
}

static size_t hash(uint32_t from, uint32_t to)
{
    uint64_t key = ((uint64_t)from << 32 | to) * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(key >> 32);
}

/* The slot of the pair, or the free one where it belongs. */
static size_t find_slot(const struct rules_diff *diff, uint32_t from, uint32_t to)
{
    size_t slot = hash(from, to) & (diff->index_room - 1);

    while (diff->index[slot] != 0) {
        const struct rules_diff_group *group = &diff->groups[diff->index[slot] - 1];

        if (target_of(group->from) == from && target_of(group->to) == to)
            break;
        slot = (slot + 1) & (diff->index_room - 1);
    }
    return slot;
}

static int grow_index(struct rules_diff *diff, struct err *err)
{
    size_t room = diff->index_room > 0 ? 2 * diff->index_room : INDEX_ROOM;
    uint32_t *index = calloc(room, sizeof(*index));

    if (index == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    free(diff->index);
    diff->index = index;
    diff->index_room = room;
    for (size_t i = 0; i < diff->group_count; i++)
        index[find_slot(diff, target_of(diff->groups[i].from), target_of(diff->groups[i].to))] =
            (uint32_t)i + 1;
    return 0;
}

/* at with room for one more of size bytes; NULL without memory, and at stays as it is. */
static void *grow(void *at, size_t count, size_t *room, size_t size, struct err *err)
{
    size_t wanted = *room > 0 ? 2 * *room : 64;

    if (count < *room)
        return at;
    at = reallocarray(at, wanted, size);
    if (at == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory");
    else
        *room = wanted;
    return at;
}

static int find_group(struct rules_diff *diff, const struct mapping_rule *from, const struct mapping_rule *to,
                      struct rules_diff_group **group_r, struct err *err)
{
    size_t slot;

    if (2 * diff->group_count >= diff->index_room && grow_index(diff, err) != 0)
        return -1;
    slot = find_slot(diff, target_of(from), target_of(to));
    if (diff->index[slot] == 0) {
        struct rules_diff_group *groups =
            grow(diff->groups, diff->group_count, &diff->group_room, sizeof(*groups), err);

        if (groups == NULL)
            return -1;
        diff->groups = groups;
        diff->groups[diff->group_count++] = (struct rules_diff_group){ .from = from, .to = to };
        diff->index[slot] = (uint32_t)diff->group_count;
    }
    *group_r = &diff->groups[diff->index[slot] - 1];
    return 0;
}

static int add_serial(struct rules_diff *diff, struct rules_diff_group *group, const char *serial,
                      struct err *err)
{
    struct rules_diff_serial *serials =
        grow(diff->serials, diff->serial_count, &diff->serial_room, sizeof(*serials), err);
    size_t number;

    if (serials == NULL)
        return -1;
    diff->serials = serials;
    diff->serials[diff->serial_count] = (struct rules_diff_serial){ .text = diff->texts.len };
    number = ++diff->serial_count;
    buf_add(&diff->texts, serial, strlen(serial) + 1);
    if (group->last > 0)
        diff->serials[group->last - 1].next = number;
    else
        group->first = number;
    group->last = number;
    group->devices++;
    return buf_check(&diff->texts, "the serials of devices that differ", err);
}

const char *rules_diff_next(const struct rules_diff *diff, const struct rules_diff_group *group, size_t *at)
{
    *at = *at == 0 ? group->first : diff->serials[*at - 1].next;
    return *at != 0 ? diff->texts.data + diff->serials[*at - 1].text : NULL;
}

/* --- reading --- */

static bool is_same(const struct mapping_rule *old, const struct mapping_rule *new)
{
    if (old == NULL || new == NULL)
        return old == new;
    return str_eq(old->blueprint_id, new->blueprint_id) && str_eq(old->mdm_server, new->mdm_server);
}

static int take_device(void *ctx, const struct device *device, const struct mapping_rule *rule,
                       struct err *err)
{
    struct rules_diff *diff = ctx;
    const struct mapping_rule *old = NULL;
    struct rules_diff_group *group;
    struct err why = ERR_INIT;

    if (mapping_resolve(diff->old, device, &old, &why) != 1)
        old = NULL; /* a pattern that gives up rejects the device as well */
    if (is_same(old, rule))
        return 0;
    return find_group(diff, old, rule, &group, err) == 0 ? add_serial(diff, group, device->serial, err) : -1;
}

int rules_diff_read(struct rules_diff *diff, struct ctl *ctl, const struct mapping *old,
                    const struct mapping *new, struct source *source, struct err *err)
{
    struct serial_pattern *pattern;
    int rc;

    memset(diff, 0, sizeof(*diff));
    diff->old = old;
    diff->new = new;
    diff->list.ctl = ctl;
    buf_init(&diff->texts, TEXTS_MAX);
    if (serial_pattern_new(".", &pattern, err) !=
        0) /* what a serial looks like is a setting, and not asked here */
        return -1;
    rc = rows_init(&diff->rows, pattern, new, rows_list_row, &diff->list, err);
    if (rc == 0)
        rc = rows_visit(&diff->rows, source, take_device, diff, err);
    if (rc == 0)
        rows_list_end(&diff->list, &diff->rows, source->name);
    serial_pattern_free(pattern);
    return rc;
}

void rules_diff_release(struct rules_diff *diff)
{
    rows_release(&diff->rows);
    buf_release(&diff->texts);
    free(diff->groups);
    free(diff->index);
    free(diff->serials);
}

/* --- showing --- */

static int64_t count_devices(const struct rules_diff *diff)
{
    return diff->rows.total - diff->rows.rejected - diff->rows.duplicate;
}

static void add_target(struct json_out *json, const char *name, const struct mapping_rule *rule)
{
    if (rule == NULL) {
        json_add_string(json, name, NULL);
        return;
    }
    json_begin(json, name, '{');
    json_add_string(json, "blueprint_id", rule->blueprint_id);
    json_add_string(json, "mdm_server", rule->mdm_server);
    json_end(json, '}');
}

static int show_json(const struct rules_diff *diff, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 2 * TEXTS_MAX);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "devices", count_devices(diff));
    json_add_int(&json, "differing", (int64_t)diff->serial_count);
    json_add_int(&json, "rejected", diff->rows.rejected);
    json_add_int(&json, "duplicate", diff->rows.duplicate);
    json_begin(&json, "groups", '[');
    for (size_t i = 0; i < diff->group_count; i++) {
        const char *serial;
        size_t at = 0;

        json_begin(&json, NULL, '{');
        add_target(&json, "from", diff->groups[i].from);
        add_target(&json, "to", diff->groups[i].to);
        json_add_int(&json, "devices", diff->groups[i].devices);
        json_begin(&json, "serials", '[');
        while ((serial = rules_diff_next(diff, &diff->groups[i], &at)) != NULL)
            json_add_string(&json, NULL, serial);
        json_end(&json, ']');
        json_end(&json, '}');
    }
    json_end(&json, ']');
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static void show_target(const struct mapping_rule *rule)
{
    if (rule == NULL)
        printf("rejected (no rule)");
    else
        printf("%s%s%s", ctl_shown(rule->blueprint_id), rule->mdm_server != NULL ? " on " : "",
               rule->mdm_server != NULL ? ctl_shown(rule->mdm_server) : "");
}

static void show_group(const struct rules_diff *diff, const struct rules_diff_group *group, bool is_bounded)
{
    int64_t left = group->devices;
    const char *serial;
    size_t at = 0;

    show_target(group->from);
    printf(" -> ");
    show_target(group->to);
    printf(": %lld device%s\n", (long long)group->devices, group->devices == 1 ? "" : "s");
    while ((serial = rules_diff_next(diff, group, &at)) != NULL) {
        if (is_bounded && group->devices - left == ROWS_LISTED_MAX) {
            printf("  ... and %lld more; --json names all\n", (long long)left);
            break;
        }
        printf("  %s\n", ctl_shown(serial));
        left--;
    }
}

int rules_diff_show(const struct rules_diff *diff, struct ctl *ctl, struct err *err)
{
    if (ctl->is_json)
        return show_json(diff, err);
    for (size_t i = 0; i < diff->group_count; i++)
        show_group(diff, &diff->groups[i], ctl->is_out_terminal);
    printf("%lld of %lld devices would get another blueprint or server\n", (long long)diff->serial_count,
           (long long)count_devices(diff));
    return 0;
}
