/* listDevices by filter[serial]: what ABM has of up to 200 devices. Nothing is believed before the last page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "base/str.h"
#include "http/url.h"

static const char *serial_of(const struct abm_item *item)
{
    return item->device->serial;
}

static void build(struct call *call)
{
    v2_build_filtered(call, "/v2/devices", "serial");
}

/* What the pages so far show for one serial; stands at the first item with it. */
struct shown {
    const char *device_id, *country; /* device_id NULL: nothing */
    const char *broken;              /* an entry that breaks the contract: why */
    bool is_contradicted;            /* two ids for the serial, or the id of another */
};

static void take(struct exec *exec, const struct json *entry, struct shown *shown)
{
    const char *device_id = json_string(json_get(entry, "id"));

    if (shown->device_id == NULL) {
        shown->device_id = exec_copy(exec, device_id);
        shown->country = exec_copy(exec, json_string(json_get(json_get(entry, "attributes"), "country")));
    } else if (!str_eq(shown->device_id, device_id)) {
        shown->is_contradicted = true;
    }
}

static int take_page(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct shown *all = call->state;
    size_t index = 0;

    for (const struct json *entry = json_first(json_get(doc, "data")); entry != NULL;
         entry = json_next(entry), index++) {
        const char *serial = json_string(json_get(json_get(entry, "attributes"), "serial"));
        size_t end, at = serial != NULL ? call_find(call, serial, &end) : call->count;
        struct err why = ERR_INIT;
        char path[32];

        if (serial != NULL && at == call->count)
            continue; /* not asked for */
        snprintf(path, sizeof(path), "data[%zu]", index);
        if (shape_check(entry, &shape_device, path, &why) == 0) {
            take(exec, entry, &all[at]);
            continue;
        }
        if (at == call->count) {
            *err = why; /* whose it is nobody knows: it may be any device's of the request */
            return -1;
        }
        all[at].broken = exec_copy(exec, why.text);
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct shown *const *one = a, *const *other = b;

    return strcmp((*one)->device_id, (*other)->device_id);
}

/* An id that two serials were given leads to the wrong device: neither is believed. */
static int find_shared_ids(struct call *call, struct err *err)
{
    struct shown *all = call->state, **list = calloc(call->count, sizeof(*list));
    size_t count = 0;

    if (list == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for an answer");
    for (size_t i = 0; i < call->count; i++)
        if (all[i].device_id != NULL)
            list[count++] = &all[i];
    qsort(list, count, sizeof(*list), by_id);
    for (size_t i = 1; i < count; i++)
        if (str_eq(list[i - 1]->device_id, list[i]->device_id))
            list[i - 1]->is_contradicted = list[i]->is_contradicted = true;
    free(list);
    return 0;
}

static void conclude(struct exec *exec, struct abm_item *item, const struct shown *shown)
{
    if (shown->broken != NULL) {
        exec_result(exec, item, ABM_SUSPECT, ERR_ABM_CONTRACT, shown->broken);
    } else if (shown->is_contradicted) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER,
                    "ABM shows two ids for this serial, or two serials with its id");
    } else if (shown->device_id == NULL) {
        exec_result(exec, item, ABM_NONE, ERR_NONE, NULL);
    } else {
        item->device_id = shown->device_id;
        item->country = shown->country;
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
    if (find_shared_ids(call, err) != 0)
        return -1;
    all = call->state;
    for (size_t i = 0; i < call->count; i++) {
        struct abm_item *item = call->items[i];
        size_t end;

        if (call_wants(item))
            conclude(exec, item, &all[call_find(call, serial_of(item), &end)]);
    }
    return 0;
}

const struct abm_op v2_find = {
    .id = "listDevices",
    .method = "GET",
    .path = "/v2/devices",
    .good = { 200 },
    .max_items = V2_DEVICES_MAX,
    .has_answer = true,
    .is_by_id = true, /* a serial stands between commas as an id does */
    .key = serial_of,
    .build = build,
    .answer = answer,
};
