/* listBlueprints and listMdmServers: whole lists by pages, and the probe, which is the cheapest read there
 * is. */
#include <stdio.h>

#include "abm/exec.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "http/url.h"

static void build_blueprints(struct call *call)
{
    buf_add_str(&call->url, "/v2/blueprints");
    url_add_query(&call->url, "limit", V2_LIMIT_TEXT);
}

static void build_servers(struct call *call)
{
    buf_add_str(&call->url, "/v2/mdmServers");
    url_add_query(&call->url, "limit", V2_LIMIT_TEXT);
}

static void build_probe(struct call *call)
{
    buf_add_str(&call->url, "/v2/blueprints");
    url_add_query(&call->url, "limit", "1");
}

static int check_page(const struct json *doc, const struct shape *entry_shape, struct err *err)
{
    size_t i = 0;

    if (shape_check(doc, &shape_page_document, "", err) != 0)
        return -1;
    for (const struct json *entry = json_first(json_get(doc, "data")); entry != NULL;
         entry = json_next(entry), i++) {
        char path[32];

        snprintf(path, sizeof(path), "data[%zu]", i);
        if (shape_check(entry, entry_shape, path, err) != 0)
            return -1;
    }
    return 0;
}

static int answer_list(struct exec *exec, struct call *call, const struct json *doc,
                       const struct shape *entry_shape, struct err *err)
{
    if (check_page(doc, entry_shape, err) != 0)
        return -1;
    for (const struct json *entry = json_first(json_get(doc, "data")); entry != NULL;
         entry = json_next(entry))
        catalog_add(exec_user(exec), json_string(json_get(entry, "id")),
                    json_string(json_get(json_get(entry, "attributes"), "name")));
    return exec_next_page(exec, call, doc, err);
}

static int answer_blueprints(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    return answer_list(exec, call, doc, &shape_blueprint, err);
}

static int answer_servers(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    return answer_list(exec, call, doc, &shape_mdm_server, err);
}

static int answer_probe(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    (void)exec, (void)call;
    return check_page(doc, &shape_blueprint, err);
}

const struct abm_op v2_blueprints = {
    .id = "listBlueprints",
    .method = "GET",
    .path = "/v2/blueprints",
    .good = { 200 },
    .has_answer = true,
    .build = build_blueprints,
    .answer = answer_blueprints,
};

const struct abm_op v2_servers = {
    .id = "listMdmServers",
    .method = "GET",
    .path = "/v2/mdmServers",
    .good = { 200 },
    .has_answer = true,
    .build = build_servers,
    .answer = answer_servers,
};

const struct abm_op v2_probe = {
    .id = "listBlueprints",
    .method = "GET",
    .path = "/v2/blueprints",
    .good = { 200 },
    .has_answer = true,
    .build = build_probe,
    .answer = answer_probe,
};
