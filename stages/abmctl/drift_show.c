#include "drift_show.h"

#include <stdlib.h>

#include "table.h"

#define TEXT_BYTES  (1024u * 1024)
#define FLUSH_BYTES (64u * 1024)

void drift_release(struct drift *drift)
{
    free(drift->at);
    drift->at = NULL;
    drift->count = drift->room = 0;
}

static int make_room(struct drift *drift, struct err *err)
{
    size_t room = drift->room > 0 ? 2 * drift->room : 64;
    struct drift_device *at;

    if (drift->count < drift->room)
        return 0;
    at = realloc(drift->at, room * sizeof(*at));
    if (at == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu devices that drifted", room);
    drift->at = at;
    drift->room = room;
    return 0;
}

int drift_add(struct drift *drift, const char *serial, const struct plan_wanted *wanted,
              const struct plan_seen *seen, struct err *err)
{
    bool is_in_effect = seen->state == PLAN_STATE_ACCEPTED || seen->state == PLAN_STATE_PROPAGATED;
    struct plan_entry entry = { .row = 0 };
    enum plan_kind kind = plan_judge(wanted, seen, &entry);

    drift->checked++;
    /* A FAILED assignment where none is wanted is none that took effect. */
    if (kind == PLAN_SAME || (kind == PLAN_REMOVE && !is_in_effect))
        return 0;
    if (make_room(drift, err) != 0)
        return -1;
    drift->at[drift->count++] = (struct drift_device){
        .serial = serial,
        .wanted_blueprint_id = entry.to_blueprint_id,
        .wanted_server_id = entry.mdm_server_id,
        .blueprint_id = is_in_effect ? seen->blueprint_id : NULL,
        .mdm_server_id = is_in_effect ? seen->mdm_server_id : NULL,
        .state = seen->state,
    };
    return 0;
}

static void print_device(struct json_out *json, const struct drift_device *device)
{
    json_begin(json, NULL, '{');
    json_add_string(json, "serial", device->serial);
    json_begin(json, "wanted", '{');
    json_add_string(json, "blueprint_id", device->wanted_blueprint_id);
    json_add_string(json, "mdm_server", device->wanted_server_id);
    json_end(json, '}');
    json_begin(json, "is", '{');
    json_add_string(json, "blueprint_id", device->blueprint_id);
    json_add_string(json, "mdm_server", device->mdm_server_id);
    json_add_string(json, "state", plan_state_name(device->state));
    json_end(json, '}');
    json_end(json, '}');
}

static int flush(struct buf *text, size_t least, struct err *err)
{
    if (text->len < least)
        return 0;
    if (buf_check(text, "the result", err) != 0 || ctl_print(text->data, text->len, err) != 0)
        return -1;
    buf_reset(text);
    return 0;
}

static int show_json(const struct drift *drift, const struct ctl *ctl, struct err *err)
{
    struct json_out json;
    struct buf text;
    int rc = 0;

    buf_init(&text, TEXT_BYTES);
    json_out_init(&json, &text);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "org", ctl->org->name);
    json_add_string(&json, "declared_by", drift->declared_by);
    json_add_int(&json, "checked", drift->checked);
    json_add_int(&json, "as_declared", drift->checked - (int64_t)drift->count);
    json_add_int(&json, "drifted", (int64_t)drift->count);
    json_add_int(&json, "rejected", drift->rejected);
    json_begin(&json, "devices", '[');
    for (size_t i = 0; rc == 0 && i < drift->count; i++) {
        print_device(&json, &drift->at[i]);
        rc = flush(&text, FLUSH_BYTES, err);
    }
    json_end(&json, ']');
    json_end(&json, '}');
    buf_add_char(&text, '\n');
    if (rc == 0)
        rc = flush(&text, 1, err);
    buf_release(&text);
    return rc;
}

static int show_table(const struct drift *drift, size_t most, struct err *err)
{
    size_t named = most > 0 && drift->count > most ? most : drift->count;
    struct table table;
    int rc;

    table_init(&table, "serial|wanted|on|is|on|state");
    for (size_t i = 0; i < named; i++) {
        const struct drift_device *device = &drift->at[i];

        table_add(&table, device->serial);
        table_add(&table, device->wanted_blueprint_id);
        table_add(&table, device->wanted_server_id);
        table_add(&table, device->blueprint_id);
        table_add(&table, device->mdm_server_id);
        table_add(&table, plan_state_name(device->state));
    }
    rc = named > 0 ? table_show(&table, err) : 0;
    table_release(&table);
    if (rc == 0 && named < drift->count)
        printf("... and %zu more: -v names all\n", drift->count - named);
    return rc;
}

int drift_show(const struct drift *drift, struct ctl *ctl, size_t most, struct err *err)
{
    ctl_progress_end(ctl);
    if (ctl->is_json)
        return show_json(drift, ctl, err);
    if (show_table(drift, most, err) != 0)
        return -1;
    if (drift->count > 0)
        printf("\n%zu of %lld devices are not as the %s declares", drift->count, (long long)drift->checked,
               drift->declared_by);
    else
        printf("No drift: %lld devices are as the %s declares", (long long)drift->checked,
               drift->declared_by);
    if (drift->rejected > 0)
        printf("; %lld were rejected and not looked at", (long long)drift->rejected);
    putchar('\n');
    return 0;
}
