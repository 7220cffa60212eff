#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "contract_inside.h"
#include "inventory.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define ID_MAX        64

static const struct {
    enum operation operation;
    const char *name, *method, *path;
    const char *media;  /* of the body; NULL: it has none */
    const char *filter; /* the query parameter; NULL */
    bool is_paged;
} operations[] = {
    { OP_IMPORT_DEVICES, "importDevices", "POST", "/v2/devices/batch", "application/json", NULL, false },
    { OP_LIST_DEVICES, "listDevices", "GET", "/v2/devices", NULL, "filter[serial]", true },
    { OP_LIST_ASSIGNMENTS, "listAssignments", "GET", "/v2/assignments", NULL, "filter[deviceId]", true },
    { OP_PUT_ASSIGNMENT, "putAssignment", "PUT", "/v2/assignments/{}", CONTRACT_MEDIA, NULL, false },
    { OP_GET_ASSIGNMENT, "getAssignment", "GET", "/v2/assignments/{}", NULL, NULL, false },
    { OP_DELETE_ASSIGNMENT, "deleteAssignment", "DELETE", "/v2/assignments/{}", NULL, NULL, false },
    { OP_LIST_BLUEPRINTS, "listBlueprints", "GET", "/v2/blueprints", NULL, NULL, true },
    { OP_LIST_MDM_SERVERS, "listMdmServers", "GET", "/v2/mdmServers", NULL, NULL, true },
    { OP_ISSUE_TOKEN, "issueToken", "POST", "/v1/issuerTokens", "application/json", NULL, false },
    { OP_LIST_DEP_TOKENS, "listDepTokens", "GET", "/v2/depTokens", NULL, NULL, false },
    { OP_IMPORT_DEP_TOKEN, "importDepToken", "POST", "/v2/depTokens/import", CONTRACT_MEDIA, NULL, false },
    { OP_UNKNOWN, "unknown", "", "", NULL, NULL, false },
};

void contract_broken(struct check *check, int status, const char *code, const char *fmt, ...)
{
    char text[REFUSAL_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    stats_violation(check->stats, check->request->operation, "%s %s: %s", check->request->method,
                    check->request->path, text);
    if (check->refusal->status != 0)
        return;
    check->refusal->status = status;
    check->refusal->code = code;
    memcpy(check->refusal->detail, text, sizeof(text));
}

const char *operation_name(enum operation operation)
{
    return operations[operation].name;
}

enum operation operation_parse(const char *name)
{
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].operation;
    }
    return OP_COUNT;
}

/* Sets *parameter_r to what stands at "{}", which is one whole, non-empty segment. */
static bool path_matches(const char *path, const char *pattern, const char **parameter_r)
{
    const char *hole = strstr(pattern, "{}");
    size_t before = hole ? (size_t)(hole - pattern) : 0;

    if (!hole)
        return strcmp(path, pattern) == 0;
    if (strncmp(path, pattern, before) != 0 || path[before] == '\0' || strchr(path + before, '/'))
        return false;
    *parameter_r = path + before;
    return true;
}

static void find_operation(struct check *check)
{
    struct request *request = check->request;
    bool has_path = false;

    for (int i = 0; i < OP_UNKNOWN; i++) {
        const char *parameter = NULL;

        if (!path_matches(request->path, operations[i].path, &parameter))
            continue;
        has_path = true;
        if (strcmp(request->method, operations[i].method) != 0)
            continue;
        request->operation = operations[i].operation;
        request->device_id = parameter;
        return;
    }
    if (has_path)
        contract_broken(check, 405, "METHOD_NOT_ALLOWED", "the path does not take this method");
    else
        contract_broken(check, 404, "NOT_FOUND", "there is no such path");
}

/* Compares media types: case and blanks around ';' are free (RFC 9110, section 8.3.1). */
static bool is_media(const char *text, const char *want)
{
    while (*text && *want) {
        if (*want == ';') {
            text += strspn(text, " \t");
            if (*text++ != ';')
                return false;
            text += strspn(text, " \t");
            want += 1 + strspn(want + 1, " ");
        } else if (strncasecmp(text++, want++, 1) != 0) {
            return false;
        }
    }
    text += strspn(text, " \t");
    return *text == '\0' && *want == '\0';
}

/* The issuer is another service, which answers in application/json: what names it, or all, or nothing will
 * do. */
static bool accepts_json(const char *accept)
{
    return !accept || strcmp(accept, "*/*") == 0 || is_media(accept, "application/json") ||
           is_media(accept, CONTRACT_ACCEPT);
}

static void check_headers(struct check *check)
{
    const struct request *request = check->request;
    const char *media = operations[request->operation].media;

    if (!request->authorization)
        contract_broken(check, 401, "NOT_AUTHORIZED", "there is no Authorization header");
    else if (strncasecmp(request->authorization, "Bearer ", 7) != 0 || request->authorization[7] == '\0')
        contract_broken(check, 401, "NOT_AUTHORIZED", "the Authorization header is no bearer token");
    if (request->operation == OP_ISSUE_TOKEN
            ? !accepts_json(request->accept)
            : !request->accept || !is_media(request->accept, CONTRACT_ACCEPT))
        contract_broken(check, 406, "NOT_ACCEPTABLE", "Accept is '%s', not '%s'",
                        request->accept ? request->accept : "", CONTRACT_ACCEPT);
    if (media && (!request->content_type || !is_media(request->content_type, media)))
        contract_broken(check, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is '%s', not '%s'",
                        request->content_type ? request->content_type : "", media);
}

static void check_filter(struct check *check)
{
    const struct request *request = check->request;
    size_t count = filter_count(request->filter);
    char element[ID_MAX + 2];

    if (count == 0 || count > CONTRACT_MAX_ITEMS) {
        contract_broken(check, 400, "PARAMETER_ERROR.INVALID",
                        "a filter of %zu elements; 1 to %d are allowed", count, CONTRACT_MAX_ITEMS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        filter_element(request->filter, i, element, sizeof(element));
        if (request->operation == OP_LIST_DEVICES && !is_serial(element))
            contract_broken(check, 400, "PARAMETER_ERROR.INVALID", "'%s' in the filter is no serial",
                            element);
        if (*element == '\0' || strlen(element) > ID_MAX)
            contract_broken(check, 400, "PARAMETER_ERROR.INVALID",
                            "an empty or overlong element in the filter");
    }
}

static void check_query(struct check *check)
{
    struct request *request = check->request;
    const char *filter = operations[request->operation].filter;
    bool is_paged = operations[request->operation].is_paged;

    request->limit = LIMIT_DEFAULT;
    for (size_t i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name, *value = request->query[i].value;

        if (filter && strcmp(name, filter) == 0) {
            request->filter = value;
            check_filter(check);
        } else if (is_paged && strcmp(name, "limit") == 0) {
            if (!str_to_int(value, 1, LIMIT_MAX, &request->limit))
                contract_broken(check, 400, "PARAMETER_ERROR.INVALID", "limit is '%s', not 1 to %d", value,
                                LIMIT_MAX);
        } else if (is_paged && strcmp(name, "cursor") == 0) {
            /* The cursor is for the server alone to read: a client that makes one up is caught by the letter.
             */
            if (value[0] != 'c' || !str_to_int(value + 1, 1, INT32_MAX, &request->cursor))
                contract_broken(check, 400, "PARAMETER_ERROR.INVALID", "cursor '%s' is none of this server",
                                value);
        } else {
            contract_broken(check, 400, "PARAMETER_ERROR.ILLEGAL",
                            "query parameter '%s' is not of this operation", name);
        }
    }
}

static void check_device_input(struct check *check, const struct json *item, size_t index)
{
    static const char *const optional[] = { "model", "orderNumber", "assetTag" };
    const char *serial = json_string(json_get(item, "serial"));
    const char *country = json_string(json_get(item, "country"));

    if (!serial || !is_serial(serial))
        contract_broken(check, 400, "ENTITY_ERROR.ATTRIBUTE.INVALID", "devices[%zu].serial is %s%.40s", index,
                        serial ? "" : "no string", serial ? serial : "");
    if (!country || !is_country(country))
        contract_broken(check, 400, "ENTITY_ERROR.ATTRIBUTE.INVALID", "devices[%zu].country is %s%.40s",
                        index, country ? "" : "no string", country ? country : "");
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        enum json_kind kind = json_kind(json_get(item, optional[i]));

        if (kind != JSON_ABSENT && kind != JSON_STRING)
            contract_broken(check, 400, "ENTITY_ERROR.ATTRIBUTE.TYPE", "devices[%zu].%s is %s", index,
                            optional[i], json_kind_name(kind));
    }
}

static void check_import(struct check *check)
{
    const struct json *doc = check->request->doc, *devices = json_get(doc, "devices");
    size_t count = json_count(devices), index = 0;

    for (const struct json *member = json_first(doc); member; member = json_next(member)) {
        if (json_kind(doc) == JSON_OBJECT && strcmp(json_name(member), "devices") != 0)
            contract_broken(check, 400, "ENTITY_ERROR.ATTRIBUTE.UNKNOWN",
                            "member '%.40s' is not of the schema", json_name(member));
    }
    if (json_kind(devices) != JSON_ARRAY || count == 0) {
        contract_broken(check, 400, "ENTITY_ERROR", "devices is %s, or empty",
                        json_kind_name(json_kind(devices)));
        return;
    }
    if (count > CONTRACT_MAX_ITEMS) {
        contract_broken(check, 413, "TOO_MANY_ITEMS", "%zu devices; at most %d are allowed", count,
                        CONTRACT_MAX_ITEMS);
        return;
    }
    for (const struct json *item = json_first(devices); item; item = json_next(item))
        check_device_input(check, item, index++);
}

static void check_put(struct check *check)
{
    const struct json *attributes = json_get(json_get(check->request->doc, "data"), "attributes");
    const struct json *server = json_get(attributes, "mdmServerId");
    const char *blueprint = json_string(json_get(attributes, "blueprintId"));

    if (json_get(attributes, "profileId")) {
        /* The v1 field. The real API takes it and assigns nothing, so it is noted, and not refused. */
        struct refusal ignored = { .status = 1 };
        struct check noted = { check->request, check->stats, &ignored };

        contract_broken(&noted, 0, "", "the body names profileId");
        return;
    }
    if (!blueprint || !*blueprint)
        contract_broken(check, 422, "ENTITY_ERROR.ATTRIBUTE.REQUIRED",
                        "data.attributes.blueprintId is missing or no text");
    if (server && !json_string(server))
        contract_broken(check, 422, "ENTITY_ERROR.ATTRIBUTE.TYPE", "data.attributes.mdmServerId is %s",
                        json_kind_name(json_kind(server)));
}

static void check_body(struct check *check)
{
    struct request *request = check->request;
    struct err err = ERR_INIT;

    if (!operations[request->operation].media)
        return;
    if (request->is_body_too_large) {
        contract_broken(check, 413, "TOO_LARGE", "the body is larger than %d bytes", CONTRACT_MAX_BODY);
        return;
    }
    if (json_parse(request->body ? request->body : "", request->body_len, &request->doc, &err) != 0) {
        contract_broken(check, 400, "ENTITY_ERROR", "the body is no JSON: %.150s", err.text);
        return;
    }
    switch (request->operation) {
    case OP_IMPORT_DEVICES: check_import(check); return;
    case OP_IMPORT_DEP_TOKEN: contract_check_dep_import(check); return;
    case OP_ISSUE_TOKEN: contract_check_issue(check); return;
    default: check_put(check); return;
    }
}

void contract_read(struct request *request, struct stats *stats, struct refusal *refusal)
{
    struct check check = { request, stats, refusal };

    request->operation = OP_UNKNOWN;
    *refusal = (struct refusal){ 0 };
    find_operation(&check);
    if (request->operation == OP_UNKNOWN)
        return;
    check_headers(&check);
    check_query(&check);
    check_body(&check);
}

void request_release(struct request *request)
{
    json_free(request->doc);
    request->doc = NULL;
}

size_t filter_count(const char *filter)
{
    size_t count = filter && *filter ? 1 : 0;

    for (const char *at = filter; at && *at; at++)
        count += *at == ',';
    return count;
}

void filter_element(const char *filter, size_t index, char *text, size_t size)
{
    for (; index > 0; index--)
        filter = strchr(filter, ',') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(filter, ","), filter);
}

bool filter_has(const char *filter, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = filter; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

bool is_serial(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    return text[len] == '\0' && len >= 10 && len <= SERIAL_MAX;
}

bool is_country(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2 && text[2] == '\0';
}
