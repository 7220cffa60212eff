/* listDevices and listAssignments without a filter: the whole organization by pages, handed to a sink. */
#include <stdio.h>
#include <string.h>

#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "http/url.h"

void abm_place_init(struct abm_place *place)
{
    buf_init(&place->url, ABM_URL_MAX);
    place->pages = 0;
}

void abm_place_release(struct abm_place *place)
{
    buf_release(&place->url);
    place->pages = 0;
}

static void go_on(struct call *call, const struct abm_place *place)
{
    if (place == NULL || place->url.len == 0)
        return;
    buf_add(&call->url, place->url.data, place->url.len);
    call->pages = place->pages;
}

/* The page behind this one is where the list goes on, whatever comes of it. */
static int keep_place(struct abm_place *place, const struct call *call, bool is_last, struct err *err)
{
    if (place == NULL)
        return 0;
    buf_reset(&place->url);
    place->pages = is_last ? 0 : call->pages;
    if (!is_last)
        buf_add(&place->url, call->url.data, call->url.len);
    return buf_check(&place->url, "a page's URL", err);
}

/* What both lists do behind the entries of a page: 1 the next page is to be read; 0; -1. */
static int end_page(struct exec *exec, struct call *call, const struct json *doc,
                    int (*page)(void *ctx, struct err *err), void *ctx, struct abm_place *place,
                    struct err *err)
{
    int rc = exec_next_page(exec, call, doc, err), word;

    if (rc < 0 || keep_place(place, call, rc == 0, err) != 0)
        return -1;
    word = page != NULL ? page(ctx, err) : 0;
    if (word < 0)
        return -1;
    return word == 1 ? 0 : rc;
}

typedef int take_entry(void *user, const struct json *entry, const char *broken, struct err *err);

/* Each entry to take, with what is wrong with it. */
static int each_entry(const struct json *doc, const struct shape *shape, take_entry *take, void *user,
                      struct err *err)
{
    size_t index = 0;

    if (shape_check(doc, &shape_page_document, "", err) != 0)
        return -1;
    for (const struct json *entry = json_first(json_get(doc, "data")); entry != NULL;
         entry = json_next(entry), index++) {
        struct err why = ERR_INIT;
        char path[32];

        snprintf(path, sizeof(path), "data[%zu]", index);
        if (take(user, entry, shape_check(entry, shape, path, &why) != 0 ? why.text : NULL, err) != 0)
            return -1;
    }
    return 0;
}

/* An entry that breaks the contract: its device's affair where it names one, the list's otherwise. */
static int take_broken(int (*unreadable)(void *ctx, const char *key, const char *why, struct err *err),
                       void *ctx, const char *key, const char *broken, struct err *err)
{
    if (unreadable == NULL || key == NULL)
        return err_set(err, ERR_ABM_CONTRACT, 0, "%s", broken);
    return unreadable(ctx, key, broken, err);
}

static void build_devices(struct call *call)
{
    buf_add_str(&call->url, "/v2/devices");
    url_add_query(&call->url, "limit", V2_LIMIT_TEXT);
}

static void begin_devices(struct exec *exec, struct call *call)
{
    const struct abm_device_sink *sink = exec_user(exec);

    go_on(call, sink->place);
}

static int take_device(void *user, const struct json *entry, const char *broken, struct err *err)
{
    const struct abm_device_sink *sink = user;
    const struct json *attributes = json_get(entry, "attributes");
    const char *serial = json_string(json_get(attributes, "serial"));

    if (broken != NULL)
        return take_broken(sink->unreadable, sink->ctx, serial, broken, err);
    return sink->device(sink->ctx, serial, json_string(json_get(attributes, "country")),
                        json_string(json_get(entry, "id")), err);
}

static int answer_devices(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct abm_device_sink *sink = exec_user(exec);

    if (each_entry(doc, &shape_device, take_device, sink, err) != 0)
        return -1;
    return end_page(exec, call, doc, sink->page, sink->ctx, sink->place, err);
}

static void build_assignments(struct call *call)
{
    buf_add_str(&call->url, "/v2/assignments");
    url_add_query(&call->url, "limit", V2_LIMIT_TEXT);
}

static void begin_assignments(struct exec *exec, struct call *call)
{
    const struct abm_assignment_sink *sink = exec_user(exec);

    go_on(call, sink->place);
}

static int take_assignment(void *user, const struct json *entry, const char *broken, struct err *err)
{
    const struct abm_assignment_sink *sink = user;
    struct abm_assignment assignment;

    if (broken != NULL)
        return take_broken(sink->unreadable, sink->ctx,
                           json_string(json_get(json_get(entry, "attributes"), "deviceId")), broken, err);
    v2_take_assignment(entry, &assignment);
    return sink->assignment(sink->ctx, &assignment, err);
}

static int answer_assignments(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    struct abm_assignment_sink *sink = exec_user(exec);

    if (each_entry(doc, &shape_assignment, take_assignment, sink, err) != 0)
        return -1;
    return end_page(exec, call, doc, sink->page, sink->ctx, sink->place, err);
}

const struct abm_op v2_devices = {
    .id = "listDevices",
    .method = "GET",
    .path = "/v2/devices",
    .good = { 200 },
    .max_pages = V2_PAGES_MAX,
    .has_answer = true,
    .begin = begin_devices,
    .build = build_devices,
    .answer = answer_devices,
};

const struct abm_op v2_assignments = {
    .id = "listAssignments",
    .method = "GET",
    .path = "/v2/assignments",
    .good = { 200 },
    .max_pages = V2_PAGES_MAX,
    .has_answer = true,
    .begin = begin_assignments,
    .build = build_assignments,
    .answer = answer_assignments,
};
