/* importDevices: up to 200 devices a request, a 207 read item by item. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abm/answer.h"
#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "base/str.h"

static const char *serial_of(const struct abm_item *item)
{
    return item->device->serial;
}

static void add_if_there(struct json_out *out, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_add_string(out, name, text);
}

static void build(struct call *call)
{
    const char *before = NULL;
    struct json_out out;

    buf_add_str(&call->url, "/v2/devices/batch");
    json_out_init(&out, &call->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "devices", '[');
    for (size_t i = 0; i < call->count; i++) {
        const struct device *device = call->items[i]->device;

        /* Sorted, so the same serial twice stands side by side, and goes out once. */
        if (!call_wants(call->items[i]) || str_eq(before, device->serial))
            continue;
        before = device->serial;
        json_begin(&out, NULL, '{');
        json_add_string(&out, "serial", device->serial);
        json_add_string(&out, "country", device->country);
        add_if_there(&out, "model", device->model);
        add_if_there(&out, "orderNumber", device->order_number);
        add_if_there(&out, "assetTag", device->asset_tag);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}

/* What the answer has for one item of the request. */
struct found {
    const struct json *result;
    size_t times;
    size_t index; /* in data[] */
};

/* Notes each result at the first item of its serial. Serials that were not asked for are passed over. */
static void match(const struct call *call, const struct json *data, struct found *found)
{
    size_t index = 0;

    for (const struct json *result = json_first(data); result != NULL; result = json_next(result), index++) {
        const char *serial = json_string(json_get(result, "serial"));
        size_t end, at = serial != NULL ? call_find(call, serial, &end) : call->count;

        if (at == call->count)
            continue;
        found[at].result = result;
        found[at].times++;
        found[at].index = index;
    }
}

/* An id that two serials were given leads to the wrong device: neither is believed. */
static bool is_id_shared(const struct call *call, const struct found *found, size_t at)
{
    const char *id = json_string(json_get(found[at].result, "id"));

    for (size_t i = 0; id != NULL && i < call->count; i++)
        if (i != at && found[i].result != NULL && str_eq(json_string(json_get(found[i].result, "id")), id))
            return true;
    return false;
}

static void refuse(struct exec *exec, struct abm_item *item, const struct json *result, int64_t status)
{
    bool is_transient = status == 408 || status == 429 || status >= 500;
    struct buf text;

    buf_init(&text, ERR_TEXT_MAX);
    answer_error_text(json_get(result, "error"), status, &text);
    if (is_transient)
        exec_result(exec, item, ABM_RETRY, status == 429 ? ERR_ABM_RATE : ERR_ABM_SERVER, text.data);
    else
        exec_result(exec, item, ABM_REFUSED, ERR_ABM_REFUSED, text.data);
    buf_release(&text);
}

static void judge(struct exec *exec, const struct call *call, const struct found *found, size_t at,
                  struct abm_item *item)
{
    const struct json *result = found[at].result;
    struct err why = ERR_INIT;
    char path[32];
    int64_t status = 0;

    if (found[at].times == 0) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_ITEM_MISSING, "the answer left this device out");
        return;
    }
    if (found[at].times > 1) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER,
                    "the answer has two results for this serial");
        return;
    }
    snprintf(path, sizeof(path), "data[%zu]", found[at].index);
    if (shape_check(result, &shape_import_result, path, &why) != 0) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER, why.text);
        return;
    }
    (void)json_int(json_get(result, "status"), &status);
    if (status != 201 && status != 409) {
        refuse(exec, item, result, status);
        return;
    }
    if (json_string(json_get(result, "id")) == NULL) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER, "the answer gives this device no id");
        return;
    }
    if (is_id_shared(call, found, at)) {
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER, "the answer gives two devices one id");
        return;
    }
    item->device_id = exec_copy(exec, json_string(json_get(result, "id")));
    exec_result(exec, item, ABM_OK, ERR_NONE, NULL);
}

static int answer(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct found *found;

    if (shape_check(doc, &shape_import_document, "", err) != 0)
        return -1;
    found = calloc(call->count, sizeof(*found));
    if (found == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for an answer");
    match(call, json_get(doc, "data"), found);
    for (size_t i = 0; i < call->count; i++) {
        struct abm_item *item = call->items[i];
        size_t end;

        if (call_wants(item))
            judge(exec, call, found, call_find(call, serial_of(item), &end), item);
    }
    free(found);
    return 0;
}

const struct abm_op v2_import = {
    .id = "importDevices",
    .method = "POST",
    .path = "/v2/devices/batch",
    .content_type = "application/json",
    .good = { 207 },
    .max_items = V2_DEVICES_MAX,
    .is_mutation = true,
    .has_answer = true,
    .key = serial_of,
    .build = build,
    .answer = answer,
};
