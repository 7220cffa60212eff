/* abmctl health: whether the organization's pipeline can work now. 0 it can, 1 it cannot (the reasons), 69 no
 * Redis. */
#include "commands.h"

#include <string.h>

#include "look.h"

#define POOL_BYTES (4u * 1024 * 1024)

static bool is_well(const struct status_stage *stage)
{
    return stage->why == STATUS_IDLE || stage->why == STATUS_WORKING || stage->why == STATUS_PARKED ||
           stage->why == STATUS_NEXT_FULL || stage->why == STATUS_LIMITED;
}

static int show(struct ctl *ctl, const struct status_view *view, bool is_all_well, struct err *err)
{
    struct json_out json;
    struct buf out;
    int rc;

    buf_init(&out, 64 * 1024);
    json_out_init(&json, &out);
    if (ctl->is_json) {
        json_begin(&json, NULL, '{');
        json_add_string(&json, "org", ctl->org->name);
        json_add_bool(&json, "healthy", is_all_well);
        json_begin(&json, "stages", '[');
    } else {
        buf_addf(&out, "%s: %s", ctl_shown(ctl->org->name), is_all_well ? "healthy" : "not healthy");
    }
    for (int i = 0; i < STATUS_STAGES; i++) {
        const struct status_stage *stage = &view->stages[i];

        if (ctl->is_json) {
            json_begin(&json, NULL, '{');
            json_add_string(&json, "stage", stage->name);
            json_add_bool(&json, "healthy", is_well(stage));
            json_add_int(&json, "workers", stage->workers);
            json_add_string(&json, "reason", stage->reason);
            json_end(&json, '}');
        } else if (!is_well(stage)) {
            buf_addf(&out, "\n  %s: %s", stage->name, ctl_shown(stage->reason));
        }
    }
    if (ctl->is_json) {
        json_end(&json, ']');
        json_end(&json, '}');
    }
    rc = ctl_print_line(&out, err);
    buf_release(&out);
    return rc;
}

int cmd_health(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct status_view view;
    struct pool *pool;
    bool is_all_well = true;
    int first, rc;

    rc = ctl_options(ctl, NULL, 0, argc, argv, 0, 0, &first, err);
    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (ctl_open_redis(ctl, err) != 0)
        return -1;
    pool = pool_new(POOL_BYTES);
    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = look_status(ctl, pool, &view, err);
    for (int i = 0; rc == 0 && i < STATUS_STAGES; i++)
        is_all_well = is_all_well && is_well(&view.stages[i]);
    if (rc == 0)
        rc = show(ctl, &view, is_all_well, err);
    pool_free(pool);
    return rc != 0 ? -1 : (is_all_well ? CTL_DONE : CTL_NO);
}
