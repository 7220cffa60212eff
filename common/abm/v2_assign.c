/* putAssignment and deleteAssignment: one device a request. */
#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "base/str.h"
#include "http/url.h"

static const char *device_id_of(const struct abm_item *item)
{
    return item->device->device_id;
}

static void build_unassign(struct call *call)
{
    buf_add_str(&call->url, "/v2/assignments");
    url_add_segment(&call->url, device_id_of(call->items[0]));
}

static void build_assign(struct call *call)
{
    const struct device *device = call->items[0]->device;
    struct json_out out;

    build_unassign(call); /* the same URL */
    json_out_init(&out, &call->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '{');
    json_begin(&out, "attributes", '{');
    json_add_string(&out, "blueprintId", device->blueprint_id);
    if (device->mdm_server_id != NULL)
        json_add_string(&out, "mdmServerId", device->mdm_server_id);
    json_end(&out, '}');
    json_end(&out, '}');
    json_end(&out, '}');
}

/* An answer about something else than what was asked. Verify would see it, but only after the propagation
 * time. */
static const char *what_is_wrong(const struct device *device, const struct json *attributes)
{
    const char *server = json_string(json_get(attributes, "mdmServerId"));

    if (!str_eq(json_string(json_get(attributes, "deviceId")), device->device_id))
        return "the answer is about another device";
    if (!str_eq(json_string(json_get(attributes, "blueprintId")), device->blueprint_id))
        return "the answer names another blueprint";
    if (device->mdm_server_id != NULL && server != NULL && !str_eq(server, device->mdm_server_id))
        return "the answer names another MDM server";
    return NULL;
}

static int answer_assign(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct abm_item *item = call->items[0];
    const struct json *attributes = json_get(json_get(doc, "data"), "attributes");
    const char *wrong;
    bool is_in_effect;

    if (shape_check(doc, &shape_assignment_document, "", err) != 0)
        return -1;
    wrong = what_is_wrong(item->device, attributes);
    if (wrong != NULL) {
        item->is_maybe_sent = true; /* what it did nobody can say */
        exec_result(exec, item, ABM_RETRY, ERR_ABM_WRONG_ANSWER, wrong);
        return 0;
    }
    item->assignment_id = exec_copy(exec, json_string(json_get(json_get(doc, "data"), "id")));
    item->blueprint_id = item->device->blueprint_id;
    item->mdm_server_id = exec_copy(exec, json_string(json_get(attributes, "mdmServerId")));
    /* 200 says "in effect", and is taken at its word only where the state, and the server, say so too. */
    is_in_effect = call->http.status == 200 &&
                   str_eq(json_string(json_get(attributes, "state")), "PROPAGATED") &&
                   (item->device->mdm_server_id == NULL || item->mdm_server_id != NULL);
    item->state = is_in_effect ? ABM_STATE_PROPAGATED : ABM_STATE_ACCEPTED;
    exec_result(exec, item, is_in_effect ? ABM_OK : ABM_ACCEPTED, ERR_NONE, NULL);
    return 0;
}

/* Import has just confirmed the device: 404 is ABM not keeping up with itself, and is charged. */
static void refused_assign(struct exec *exec, struct abm_item *item, long status, const char *text)
{
    if (status == 404)
        exec_result(exec, item, ABM_RETRY, ERR_ABM_NOT_FOUND, text);
    else
        exec_result(exec, item, ABM_REFUSED, ERR_ABM_REFUSED, text);
}

static int answer_unassign(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    (void)doc, (void)err;
    exec_result(exec, call->items[0], ABM_OK, ERR_NONE, NULL);
    return 0;
}

static void refused_unassign(struct exec *exec, struct abm_item *item, long status, const char *text)
{
    if (status == 404)
        exec_result(exec, item, ABM_OK, ERR_NONE, NULL); /* nothing was assigned */
    else
        exec_result(exec, item, ABM_REFUSED, ERR_ABM_REFUSED, text);
}

const struct abm_op v2_assign = {
    .id = "putAssignment",
    .method = "PUT",
    .path = "/v2/assignments/{deviceId}",
    .content_type = V2_JSON_API,
    .good = { 200, 202 },
    .max_items = 1,
    .is_mutation = true,
    .has_answer = true,
    .is_by_id = true,
    .key = device_id_of,
    .build = build_assign,
    .answer = answer_assign,
    .refused = refused_assign,
};

const struct abm_op v2_unassign = {
    .id = "deleteAssignment",
    .method = "DELETE",
    .path = "/v2/assignments/{deviceId}",
    .good = { 204 },
    .max_items = 1,
    .is_mutation = true,
    .is_by_id = true,
    .key = device_id_of,
    .build = build_unassign,
    .answer = answer_unassign,
    .refused = refused_unassign,
};
