#include "abm/shape.h"

#include <string.h>

#include "base/str.h"
#include "domain/device.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OBJECT(name, list)                                                                                   \
    {                                                                                                        \
        .schema = (name), .kind = JSON_OBJECT, .members = (list), .member_count = COUNT(list)                \
    }

static const struct shape string = { .kind = JSON_STRING };
static const struct shape number = { .kind = JSON_NUMBER };
static const struct shape id = { .kind = JSON_STRING, .is_id = true };
static const struct shape any_array = { .kind = JSON_ARRAY };

static const struct shape_member error_object_members[] = {
    { "id", &string, false, false },   { "status", &string, true, false },  { "code", &string, true, false },
    { "title", &string, true, false }, { "detail", &string, false, false },
};
static const struct shape error_object = OBJECT("ErrorObject", error_object_members);
static const struct shape errors = { .kind = JSON_ARRAY, .items = &error_object, .min_items = 1 };
static const struct shape_member error_document_members[] = { { "errors", &errors, true, false } };
const struct shape shape_error_document = OBJECT("ErrorDocument", error_document_members);

static const struct shape_member page_links_members[] = {
    { "self", &string, false, false },
    { "next", &string, false, true },
};
static const struct shape page_links = OBJECT("PageLinks", page_links_members);
static const struct shape_member page_members[] = {
    { "data", &any_array, true, false },
    { "links", &page_links, true, false },
};
const struct shape shape_page_document = OBJECT(NULL, page_members);

static const struct shape_member import_document_members[] = { { "data", &any_array, true, false } };
const struct shape shape_import_document = OBJECT(NULL, import_document_members);
static const struct shape_member import_result_members[] = {
    { "serial", &string, true, false },
    { "status", &number, true, false },
    { "id", &id, false, false },
    { "error", &error_object, false, false },
};
const struct shape shape_import_result = OBJECT("ImportResult", import_result_members);

static const char *const device_types[] = { "devices", NULL };
static const char *const enrollment_states[] = { "NOT_ENROLLED", "PENDING", "ENROLLED", "FAILED", NULL };
static const struct shape device_type = { .kind = JSON_STRING, .values = device_types };
static const struct shape enrollment_state = { .kind = JSON_STRING, .values = enrollment_states };
static const struct shape_member device_attributes_members[] = {
    { "serial", &string, true, false },        { "country", &string, true, false },
    { "model", &string, false, false },        { "orderNumber", &string, false, false },
    { "assetTag", &string, false, false },     { "enrollmentState", &enrollment_state, true, false },
    { "lastContactAt", &string, false, true },
};
static const struct shape device_attributes = OBJECT(NULL, device_attributes_members);
static const struct shape_member device_members[] = {
    { "id", &id, true, false },
    { "type", &device_type, true, false },
    { "attributes", &device_attributes, true, false },
};
const struct shape shape_device = OBJECT("Device", device_members);

static const char *const assignment_types[] = { "assignments", NULL };
static const char *const assignment_states[] = { "ACCEPTED", "PROPAGATED", "FAILED", NULL };
static const struct shape assignment_type = { .kind = JSON_STRING, .values = assignment_types };
static const struct shape assignment_state = { .kind = JSON_STRING, .values = assignment_states };
static const struct shape_member assignment_attributes_members[] = {
    { "deviceId", &id, true, false },          { "blueprintId", &id, true, false },
    { "mdmServerId", &id, false, true },       { "state", &assignment_state, true, false },
    { "failureReason", &string, false, true }, { "updatedAt", &string, false, false },
};
static const struct shape assignment_attributes = OBJECT(NULL, assignment_attributes_members);
static const struct shape_member assignment_members[] = {
    { "id", &id, true, false },
    { "type", &assignment_type, true, false },
    { "attributes", &assignment_attributes, true, false },
};
const struct shape shape_assignment = OBJECT("Assignment", assignment_members);
static const struct shape_member assignment_document_members[] = { { "data", &shape_assignment, true,
                                                                     false } };
const struct shape shape_assignment_document = OBJECT(NULL, assignment_document_members);

static const char *const blueprint_types[] = { "blueprints", NULL };
static const struct shape blueprint_type = { .kind = JSON_STRING, .values = blueprint_types };
static const struct shape_member blueprint_attributes_members[] = { { "name", &string, true, false } };
static const struct shape blueprint_attributes = OBJECT(NULL, blueprint_attributes_members);
static const struct shape_member blueprint_members[] = {
    { "id", &id, true, false },
    { "type", &blueprint_type, true, false },
    { "attributes", &blueprint_attributes, true, false },
};
const struct shape shape_blueprint = OBJECT(NULL, blueprint_members);

static const char *const server_types[] = { "mdmServers", NULL };
static const struct shape server_type = { .kind = JSON_STRING, .values = server_types };
static const struct shape_member server_attributes_members[] = {
    { "name", &string, true, false },
    { "url", &string, true, false },
    { "depTokenId", &string, false, false },
};
static const struct shape server_attributes = OBJECT(NULL, server_attributes_members);
static const struct shape_member server_members[] = {
    { "id", &id, true, false },
    { "type", &server_type, true, false },
    { "attributes", &server_attributes, true, false },
};
const struct shape shape_mdm_server = OBJECT(NULL, server_members);

/* The way from the document to a value, for messages: each step stands on its caller's stack. */
struct step {
    const struct step *up;
    const char *name; /* NULL: an index */
    size_t index;
};

static void print_path(const struct step *step, struct buf *out)
{
    if (step == NULL)
        return;
    print_path(step->up, out);
    if (step->name == NULL)
        buf_addf(out, "[%zu]", step->index);
    else if (step->name[0] != '\0')
        buf_addf(out, "%s%s", out->len > 0 ? "." : "", step->name);
}

static int broken(struct err *err, const struct step *at, const char *what, const char *value)
{
    struct buf text;

    buf_init(&text, 512);
    print_path(at, &text);
    if (text.len == 0)
        buf_add_str(&text, "the document");
    buf_addf(&text, ": %s", what);
    if (value != NULL) {
        buf_add_str(&text, " \"");
        str_escape(&text, value, strlen(value), 60);
        buf_add_str(&text, "\"");
    }
    err_set(err, ERR_ABM_CONTRACT, 0, "%s", text.data);
    buf_release(&text);
    return -1;
}

static int check(const struct json *value, const struct shape *shape, const struct step *at, struct err *err);

static int check_object(const struct json *value, const struct shape *shape, const struct step *at,
                        struct err *err)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const struct json *child = json_get(value, member->name);
        struct step here = { .up = at, .name = member->name };

        if (child == NULL) {
            if (member->is_required)
                return broken(err, &here, "absent", NULL);
            continue;
        }
        if (member->is_nullable && json_kind(child) == JSON_NULL)
            continue;
        if (check(child, member->shape, &here, err) != 0)
            return -1;
    }
    return 0;
}

static int check_array(const struct json *value, const struct shape *shape, const struct step *at,
                       struct err *err)
{
    size_t i = 0;

    if (json_count(value) < shape->min_items)
        return broken(err, at, "empty", NULL);
    if (shape->items == NULL)
        return 0;
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child), i++) {
        struct step here = { .up = at, .index = i };

        if (check(child, shape->items, &here, err) != 0)
            return -1;
    }
    return 0;
}

static int check_string(const struct json *value, const struct shape *shape, const struct step *at,
                        struct err *err)
{
    const char *text = json_string(value);

    if (shape->is_id && !shape_is_id(text))
        return broken(err, at, "no usable id:", text);
    for (const char *const *known = shape->values; known != NULL; known++) {
        if (*known == NULL)
            return broken(err, at, "an unknown value:", text);
        if (strcmp(*known, text) == 0)
            break;
    }
    return 0;
}

static int check(const struct json *value, const struct shape *shape, const struct step *at, struct err *err)
{
    int64_t whole;

    if (json_kind(value) != shape->kind) {
        struct err why = ERR_INIT;

        err_set(&why, ERR_ABM_CONTRACT, 0, "%s where the contract has %s", json_kind_name(json_kind(value)),
                json_kind_name(shape->kind));
        return broken(err, at, why.text, NULL);
    }
    switch (shape->kind) {
    case JSON_OBJECT: return check_object(value, shape, at, err);
    case JSON_ARRAY: return check_array(value, shape, at, err);
    case JSON_STRING: return check_string(value, shape, at, err);
    case JSON_NUMBER: return json_int(value, &whole) ? 0 : broken(err, at, "no whole number", NULL);
    case JSON_BOOL:
    case JSON_NULL:
    case JSON_ABSENT: break;
    }
    return 0;
}

int shape_check(const struct json *value, const struct shape *shape, const char *path, struct err *err)
{
    struct step at = { .name = path };

    return check(value, shape, &at, err);
}

bool shape_is_id(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len == 0 || len > DEVICE_ID_MAX || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    return !str_has_control(text) && strpbrk(text, " ,/\\") == NULL;
}
