/* listAssignments: what up to 200 devices are assigned now, by pages. Nothing is believed before the last
 * page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/url.h"

static const char *device_id_of(const struct abm_item *item)
{
    return item->device->device_id;
}

static void build(struct call *call)
{
    v2_build_filtered(call, "/v2/assignments", "deviceId");
}

/* What the pages so far show for one device; stands at the first item with its id. */
struct shown {
    bool is_there, is_broken, is_contradicted;
    struct abm_assignment it;
    const char *broken;
};

static enum abm_state state_of(const char *name)
{
    if (str_eq(name, "PROPAGATED"))
        return ABM_STATE_PROPAGATED;
    return str_eq(name, "FAILED") ? ABM_STATE_FAILED : ABM_STATE_ACCEPTED;
}

static const char *escaped(struct exec *exec, const char *text)
{
    const char *copy;
    struct buf out;

    if (text == NULL)
        return NULL;
    buf_init(&out, 8 * ABM_TEXT_MAX);
    str_escape(&out, text, strlen(text), ABM_TEXT_MAX);
    copy = exec_copy(exec, out.data);
    buf_release(&out);
    return copy;
}

void v2_take_assignment(const struct json *entry, struct abm_assignment *assignment_r)
{
    const struct json *attributes = json_get(entry, "attributes");
    const char *updated = json_string(json_get(attributes, "updatedAt"));

    *assignment_r = (struct abm_assignment){
        .device_id = json_string(json_get(attributes, "deviceId")),
        .assignment_id = json_string(json_get(entry, "id")),
        .blueprint_id = json_string(json_get(attributes, "blueprintId")),
        .mdm_server_id = json_string(json_get(attributes, "mdmServerId")),
        .failure = json_string(json_get(attributes, "failureReason")),
        .state = state_of(json_string(json_get(attributes, "state"))),
    };
    if (updated != NULL && clock_parse_iso(updated, &assignment_r->updated_ms) != 0)
        assignment_r->updated_ms = 0;
}

/* Takes what the document shows where it counts more than what is known; its text is copied. */
static void take(struct exec *exec, const struct json *entry, struct shown *shown)
{
    struct abm_assignment other;
    enum abm_newer word = ABM_TAKE;

    v2_take_assignment(entry, &other);
    if (shown->is_there)
        word = abm_assignment_newer(&shown->it, &other);
    if (word == ABM_CONTRADICT)
        shown->is_contradicted = true;
    if (word != ABM_TAKE)
        return;
    shown->is_there = true;
    shown->is_contradicted = false;
    shown->it = other;
    shown->it.device_id = NULL; /* the document's; nobody asks for it */
    shown->it.assignment_id = exec_copy(exec, other.assignment_id);
    shown->it.blueprint_id = exec_copy(exec, other.blueprint_id);
    shown->it.mdm_server_id = exec_copy(exec, other.mdm_server_id);
    shown->it.failure = escaped(exec, other.failure);
}

static int take_page(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct shown *all = call->state;
    size_t index = 0;

    for (const struct json *entry = json_first(json_get(doc, "data")); entry != NULL;
         entry = json_next(entry), index++) {
        const char *id = json_string(json_get(json_get(entry, "attributes"), "deviceId"));
        size_t end, at = id != NULL ? call_find(call, id, &end) : call->count;
        struct err why = ERR_INIT;
        char path[32];

        if (id != NULL && at == call->count)
            continue; /* not asked for */
        snprintf(path, sizeof(path), "data[%zu]", index);
        if (shape_check(entry, &shape_assignment, path, &why) != 0) {
            if (at == call->count) {
                *err = why; /* whose it is nobody knows: it may be any device's of the request */
                return -1;
            }
            all[at].is_broken = true;
            all[at].broken = exec_copy(exec, why.text);
            continue;
        }
        take(exec, entry, &all[at]);
    }
    return 0;
}

static void conclude(struct exec *exec, struct abm_item *item, const struct shown *shown)
{
    if (shown->is_broken) {
        exec_result(exec, item, ABM_SUSPECT, ERR_ABM_CONTRACT, shown->broken);
    } else if (!shown->is_there) {
        exec_result(exec, item, ABM_NONE, ERR_NONE, NULL);
    } else if (shown->is_contradicted) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER,
                    "ABM shows two different assignments in effect");
    } else {
        item->assignment_id = shown->it.assignment_id;
        item->blueprint_id = shown->it.blueprint_id;
        item->mdm_server_id = shown->it.mdm_server_id;
        item->state = shown->it.state;
        item->failure = shown->it.failure;
        exec_result(exec, item, ABM_OK, ERR_NONE, NULL);
    }
}

static int answer(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    const struct shown *all;
    int rc;

    if (shape_check(doc, &shape_page_document, "", err) != 0)
        return -1;
    if (call->state == NULL)
        call->state = calloc(call->count, sizeof(struct shown));
    if (call->state == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for an answer");
    if (take_page(exec, call, doc, err) != 0)
        return -1;
    rc = exec_next_page(exec, call, doc, err);
    if (rc != 0)
        return rc;
    all = call->state;
    for (size_t i = 0; i < call->count; i++) {
        struct abm_item *item = call->items[i];
        size_t end;

        if (call_wants(item))
            conclude(exec, item, &all[call_find(call, device_id_of(item), &end)]);
    }
    return 0;
}

const struct abm_op v2_read = {
    .id = "listAssignments",
    .method = "GET",
    .path = "/v2/assignments",
    .good = { 200 },
    .max_items = V2_DEVICES_MAX,
    .has_answer = true,
    .is_by_id = true,
    .key = device_id_of,
    .build = build,
    .answer = answer,
};
