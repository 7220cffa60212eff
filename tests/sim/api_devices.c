#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* What befalls the item: a rule that names it, or one that took it by chance. NULL: nothing. */
static const struct fault *fault_of_item(const struct call *call, const char *serial, size_t index,
                                         size_t target)
{
    for (size_t i = 0; i < call->plan->item_count; i++)
        if (strcmp(call->plan->items[i].serial, serial) == 0)
            return &call->plan->items[i];
    if (call->fault->kind != FAULT_DROP_ITEM && call->fault->kind != FAULT_REFUSE_ITEM)
        return NULL;
    return index == target ? call->fault : NULL;
}

static void keep_text(char **to, const struct json *from)
{
    if (json_string(from) && !*to)
        *to = strdup(json_string(from));
}

static void import_item(const struct call *call, const struct json *item, size_t index, size_t target,
                        struct json_out *out)
{
    const char *serial = json_string(json_get(item, "serial"));
    const struct fault *fault = fault_of_item(call, serial, index, target);
    bool is_dropped = fault && fault->kind == FAULT_DROP_ITEM;
    bool is_refused = fault && fault->kind == FAULT_REFUSE_ITEM;
    int refused_status = is_refused && fault->status ? (int)fault->status : 422;
    struct sim_device *device = NULL;
    struct err err = ERR_INIT;
    bool is_new = false;
    char id[DEVICE_ID_BYTES];

    if (is_dropped && !fault->has_effect)
        return;
    if (!is_refused) {
        device = inventory_add(&call->sim->inventory, serial, json_string(json_get(item, "country")), &is_new,
                               &err);
        refused_status = 500; /* no memory is the one way for it to fail */
    }
    if (is_dropped)
        return;
    json_begin(out, NULL, '{');
    json_add_string(out, "serial", serial);
    json_add_int(out, "status", !device ? refused_status : is_new ? 201 : 409);
    if (device) {
        keep_text(&device->model, json_get(item, "model"));
        keep_text(&device->order_number, json_get(item, "orderNumber"));
        keep_text(&device->asset_tag, json_get(item, "assetTag"));
        json_add_string(out, "id", device_id(device, id));
    } else {
        error_object_print(out, "error", refused_status, is_refused ? fault->code : "",
                           "the device is refused");
    }
    json_end(out, '}');
}

void api_import_devices(const struct call *call, struct answer *answer)
{
    const struct json *devices = json_get(call->request->doc, "devices"), *item;
    const struct json *items[CONTRACT_MAX_ITEMS];
    size_t count = 0, target;
    struct json_out out;

    for (item = json_first(devices); item && count < CONTRACT_MAX_ITEMS; item = json_next(item))
        items[count++] = item;
    target = call->fault->kind == FAULT_DROP_ITEM || call->fault->kind == FAULT_REFUSE_ITEM
                 ? faults_random(&call->sim->faults, count)
                 : 0;
    answer->status = 207;
    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    /* The contract says in any order: last first, so that nobody reads them by their place. */
    for (size_t i = count; i-- > 0;)
        import_item(call, items[i], i, target, &out);
    json_end(&out, ']');
    json_end(&out, '}');
}

static void print_device(const struct sim_device *device, struct json_out *out)
{
    char id[DEVICE_ID_BYTES];

    json_begin(out, NULL, '{');
    json_add_string(out, "id", device_id(device, id));
    json_add_string(out, "type", "devices");
    json_begin(out, "attributes", '{');
    json_add_string(out, "serial", device->serial);
    json_add_string(out, "country", device->country);
    if (device->model)
        json_add_string(out, "model", device->model);
    if (device->order_number)
        json_add_string(out, "orderNumber", device->order_number);
    if (device->asset_tag)
        json_add_string(out, "assetTag", device->asset_tag);
    json_add_string(out, "enrollmentState", "NOT_ENROLLED");
    json_add_null(out, "lastContactAt");
    json_end(out, '}');
    json_end(out, '}');
}

void api_list_devices(const struct call *call, struct answer *answer)
{
    const struct request *request = call->request;
    struct inventory *inventory = &call->sim->inventory;
    size_t count = request->filter ? filter_count(request->filter) : inventory->count;
    size_t at = (size_t)request->cursor;
    char serial[SERIAL_MAX + 1];
    struct json_out out;

    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    for (int64_t shown = 0; at < count && shown < request->limit; at++) {
        const struct sim_device *device;

        if (request->filter)
            filter_element(request->filter, count - 1 - at, serial, sizeof(serial));
        device = request->filter ? inventory_find(inventory, serial, call->now_us)
                                 : inventory_at(inventory, at, call->now_us);
        if (!device)
            continue;
        print_device(device, &out);
        shown++;
    }
    json_end(&out, ']');
    api_print_links(call, &out, at < count ? at : 0);
    json_end(&out, '}');
}

void api_list_catalog(const struct call *call, const struct catalog *catalog, const char *type,
                      struct answer *answer)
{
    size_t at = (size_t)call->request->cursor;
    struct json_out out;
    char url[256];

    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    for (int64_t shown = 0; at < catalog->count && shown < call->request->limit; at++) {
        const struct catalog_entry *entry = &catalog->entries[at];

        if (!entry->is_listed)
            continue;
        json_begin(&out, NULL, '{');
        json_add_string(&out, "id", entry->id);
        json_add_string(&out, "type", type);
        json_begin(&out, "attributes", '{');
        json_add_string(&out, "name", entry->name);
        if (catalog == &call->sim->servers) {
            snprintf(url, sizeof(url), "https://%.200s.example.com/mdm", entry->id);
            json_add_string(&out, "url", url);
        }
        json_end(&out, '}');
        json_end(&out, '}');
        shown++;
    }
    json_end(&out, ']');
    api_print_links(call, &out, at < catalog->count ? at : 0);
    json_end(&out, '}');
}

static void add_encoded(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("-._~,", *text) || (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
            (*text >= 'a' && *text <= 'z'))
            buf_add_char(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

static void add_url(const struct call *call, struct buf *url, size_t cursor)
{
    const struct request *request = call->request;
    char separator = '?';

    buf_addf(url, "http://%s%s", request->host ? request->host : "localhost", request->path);
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, "cursor") == 0)
            continue;
        buf_add_char(url, separator);
        separator = '&';
        add_encoded(url, request->query[i].name);
        buf_add_char(url, '=');
        add_encoded(url, request->query[i].value);
    }
    if (cursor > 0)
        buf_addf(url, "%ccursor=c%zu", separator, cursor);
}

void api_print_links(const struct call *call, struct json_out *out, size_t next)
{
    struct buf url;

    buf_init(&url, 64 * 1024);
    json_begin(out, "links", '{');
    add_url(call, &url, (size_t)call->request->cursor);
    json_add_string(out, "self", url.data);
    if (next > 0) {
        buf_reset(&url);
        add_url(call, &url, next);
        json_add_string(out, "next", url.data);
    } else {
        json_add_null(out, "next");
    }
    json_end(out, '}');
    buf_release(&url);
}
