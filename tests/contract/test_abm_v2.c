/*
 * The client against config/contract/abm-v2.openapi.yaml: its operations, their paths, statuses and media
 * types, the limits it keeps, what its bodies hold, and the shapes it checks answers against, member by
 * member. What the file says is read from the file, so a change there that the client does not follow fails
 * here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "abm/private.h"
#include "abm/shape.h"
#include "abm/v2.h"
#include "base/str.h"
#include "base/yaml.h"
#include "harness/schema.h"

#define CONTRACT TEST_TOP "/config/contract/abm-v2.openapi.yaml"

static const struct abm_op *const ops[] = {
    &v2_import,  &v2_read,        &v2_assign,     &v2_unassign, &v2_find,
    &v2_devices, &v2_assignments, &v2_blueprints, &v2_servers,  &v2_probe,
};

static int load(void **state)
{
    struct err err = ERR_INIT;
    struct yaml *doc;

    if (yaml_load(CONTRACT, YAML_SETTINGS_BYTES, &doc, &err) != 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    *state = doc;
    return 0;
}

static int unload(void **state)
{
    yaml_doc_free(*state);
    return 0;
}

static const char *text_at(const struct yaml_node *node, const char *path)
{
    const struct yaml_node *found = schema_at(node, path);

    return found != NULL ? found->text : NULL;
}

static const struct yaml_node *operation(const struct yaml *doc, const struct abm_op *op)
{
    return schema_operation(doc, op->method, op->path);
}

static bool has(const struct yaml_node *list, const char *text)
{
    for (const struct yaml_node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next)
        if (str_eq(node->text, text))
            return true;
    return false;
}

static void operations_are_those_of_the_contract(void **state)
{
    const struct yaml *doc = *state;

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        const struct yaml_node *node = operation(doc, ops[i]);
        const struct yaml_node *responses, *content;
        size_t good = 0;

        if (node == NULL || !str_eq(text_at(node, "operationId"), ops[i]->id))
            fail_msg("%s: %s %s is not in the contract", ops[i]->id, ops[i]->method, ops[i]->path);
        responses = yaml_get(node, "responses");
        for (const struct yaml_node *response = responses->first; response != NULL;
             response = response->next) {
            long status = strtol(response->key, NULL, 10);
            bool is_known = false;

            if (response->key[0] != '2')
                continue;
            good++;
            for (size_t s = 0; s < ABM_STATUS_MAX; s++)
                is_known |= ops[i]->good[s] == status;
            if (!is_known)
                fail_msg("%s: %ld is a success of the contract, not of the client", ops[i]->id, status);
            if (ops[i]->has_answer != (yaml_get(schema_resolve(doc, response), "content") != NULL))
                fail_msg("%s: %ld has a body, or has none", ops[i]->id, status);
        }
        for (size_t s = 0; s < ABM_STATUS_MAX && ops[i]->good[s] != 0; s++)
            good--;
        if (good != 0)
            fail_msg("%s: the client takes a status for success that the contract has not", ops[i]->id);
        content = schema_at(node, "requestBody|content");
        if ((content == NULL) != (ops[i]->content_type == NULL) ||
            (content != NULL && yaml_get(content, ops[i]->content_type) == NULL))
            fail_msg("%s: content type", ops[i]->id);
    }
}

static void limits_and_the_accept_header_are_those_of_the_contract(void **state)
{
    const struct yaml *doc = *state;
    const struct yaml_node *import = operation(doc, &v2_import), *read = operation(doc, &v2_read);
    const struct yaml_node *filter;
    char words[64];

    assert_string_equal(
        text_at(import, "requestBody|content|application/json|schema|properties|devices|maxItems"), "200");
    assert_int_equal(v2_import.max_items, 200);
    filter = yaml_get(read, "parameters")->first;
    assert_string_equal(text_at(filter, "name"), "filter[deviceId]");
    snprintf(words, sizeof(words), "At most %zu device ids", v2_read.max_items);
    assert_true(str_starts(text_at(filter, "description"), words));
    filter = schema_resolve(doc, yaml_get(operation(doc, &v2_find), "parameters")->first);
    assert_string_equal(text_at(filter, "name"), "filter[serial]");
    snprintf(words, sizeof(words), "At most %zu serials", v2_find.max_items);
    assert_true(str_starts(text_at(filter, "description"), words));
    assert_string_equal(text_at(doc->root, "components|parameters|Limit|schema|maximum"), "1000");
    assert_int_equal(V2_LIMIT_MAX, 1000);
    assert_non_null(strstr(text_at(doc->root, "info|description"), "`Accept: " V2_ACCEPT "`"));
    assert_string_equal(abm_dialect_v2.accept, V2_ACCEPT);
    assert_string_equal(text_at(doc->root, "components|securitySchemes|abmToken|scheme"), "bearer");
}

/* Builds the request of one device. */
static void build(const struct abm_op *op, struct call *call)
{
    static struct device device = { .serial = "FVFGH2345678",
                                    .country = "JP",
                                    .model = "m",
                                    .order_number = "o",
                                    .asset_tag = "a",
                                    .device_id = "d",
                                    .blueprint_id = "b",
                                    .mdm_server_id = "s" };
    static struct abm_item item = { .device = &device };
    static struct abm_item *items[] = { &item };

    memset(call, 0, sizeof(*call));
    call->op = op;
    call->items = items;
    call->count = op->max_items > 0 ? 1 : 0;
    buf_init(&call->url, 10000);
    buf_init(&call->body, 10000);
    op->build(call);
}

static void requests_hold_what_the_contract_has(void **state)
{
    const struct yaml *doc = *state;

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t stem = strcspn(ops[i]->path, "{");
        struct err err = ERR_INIT;
        struct json *body;
        struct call call;

        build(ops[i], &call);
        if (strncmp(call.url.data, ops[i]->path, stem) != 0)
            fail_msg("%s: %s", ops[i]->id, call.url.data);
        if (ops[i]->content_type != NULL) {
            const struct yaml_node *media =
                yaml_get(schema_at(operation(doc, ops[i]), "requestBody|content"), ops[i]->content_type);

            assert_int_equal(json_parse(call.body.data, call.body.len, &body, &err), 0);
            if (schema_check(doc, yaml_get(media, "schema"), body, ops[i]->id, &err) != 0)
                fail_msg("%s", err.text);
            json_free(body);
        } else {
            assert_int_equal(call.body.len, 0);
        }
        buf_release(&call.url);
        buf_release(&call.body);
    }
}

/* ---- shapes against schemas ---- */

static const struct shape_member *member_of(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->member_count; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return &shape->members[i];
    return NULL;
}

static enum json_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum json_kind kind;
    } kinds[] = { { "string", JSON_STRING },
                  { "integer", JSON_NUMBER },
                  { "object", JSON_OBJECT },
                  { "array", JSON_ARRAY } };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_eq(kinds[i].type, type))
            return kinds[i].kind;
    fail_msg("type %s is new to the contract", type);
    return JSON_ABSENT;
}

static void compare(const struct yaml *doc, const struct yaml_node *schema, const struct shape *shape,
                    const char *path)
{
    const struct yaml_node *properties, *values;

    schema = schema_resolve(doc, schema);
    if (shape->kind != kind_of(text_at(schema, "type")))
        fail_msg("%s: another type", path);
    values = yaml_get(schema, "enum");
    for (const struct yaml_node *value = values != NULL ? values->first : NULL; value != NULL;
         value = value->next) {
        bool is_known = false;

        for (const char *const *known = shape->values; known != NULL && *known != NULL; known++)
            is_known |= strcmp(*known, value->text) == 0;
        if (!is_known)
            fail_msg("%s: %s is a value of the contract, not of the shape", path, value->text);
    }
    for (const char *const *known = shape->values; known != NULL && *known != NULL; known++)
        if (!has(values, *known))
            fail_msg("%s: %s is a value of the shape, not of the contract", path, *known);
    if (shape->items != NULL)
        compare(doc, yaml_get(schema, "items"), shape->items, path);
    if (shape->min_items != 0)
        assert_int_equal(shape->min_items, strtoul(text_at(schema, "minItems"), NULL, 10));
    properties = yaml_get(schema, "properties");
    for (const struct yaml_node *child = properties != NULL ? properties->first : NULL; child != NULL;
         child = child->next) {
        const struct shape_member *member = member_of(shape, child->key);
        bool is_required = has(yaml_get(schema, "required"), child->key);
        char here[256];

        snprintf(here, sizeof(here), "%s.%s", path, child->key);
        if (member == NULL)
            fail_msg("%s: not in the shape", here);
        if (member->is_required != is_required)
            fail_msg("%s: required or not", here);
        if (member->is_nullable != str_eq(text_at(schema_resolve(doc, child), "nullable"), "true"))
            fail_msg("%s: nullable or not", here);
        compare(doc, child, member->shape, here);
    }
    for (size_t i = 0; i < shape->member_count; i++)
        if (properties == NULL || yaml_get(properties, shape->members[i].name) == NULL)
            fail_msg("%s.%s: not in the contract", path, shape->members[i].name);
}

static const struct yaml_node *answer_schema(const struct yaml *doc, const struct abm_op *op,
                                             const char *status)
{
    const struct yaml_node *response =
        schema_resolve(doc, yaml_get(yaml_get(operation(doc, op), "responses"), status));

    return schema_at(response, "content|" V2_JSON_API "|schema");
}

static void shapes_are_the_schemas(void **state)
{
    const struct yaml *doc = *state;
    const struct yaml_node *schemas = schema_at(doc->root, "components|schemas");
    const struct yaml_node *list;

    compare(doc, yaml_get(schemas, "ImportResult"), &shape_import_result, "ImportResult");
    compare(doc, yaml_get(schemas, "Device"), &shape_device, "Device");
    compare(doc, yaml_get(schemas, "Assignment"), &shape_assignment, "Assignment");
    compare(doc, yaml_get(schemas, "ErrorDocument"), &shape_error_document, "ErrorDocument");
    compare(doc, answer_schema(doc, &v2_import, "207"), &shape_import_document, "importDevices");
    compare(doc, answer_schema(doc, &v2_read, "200"), &shape_page_document, "listAssignments");
    compare(doc, answer_schema(doc, &v2_find, "200"), &shape_page_document, "listDevices");
    compare(doc, answer_schema(doc, &v2_assign, "200"), &shape_assignment_document, "putAssignment 200");
    compare(doc, answer_schema(doc, &v2_assign, "202"), &shape_assignment_document, "putAssignment 202");
    list = answer_schema(doc, &v2_blueprints, "200");
    compare(doc, list, &shape_page_document, "listBlueprints");
    compare(doc, schema_at(list, "properties|data|items"), &shape_blueprint, "a blueprint");
    list = answer_schema(doc, &v2_servers, "200");
    compare(doc, list, &shape_page_document, "listMdmServers");
    compare(doc, schema_at(list, "properties|data|items"), &shape_mdm_server, "an MDM server");
}

/* ---- answers that keep the contract, and every one that breaks it in one place ---- */

static const struct fixture {
    const char *what;
    const struct shape *shape;
    const char *json;
} fixtures[] = {
    { "Assignment", &shape_assignment,
      "{\"id\":\"a\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"d\",\"blueprintId\":\"b\","
      "\"mdmServerId\":null,"
      "\"state\":\"PROPAGATED\",\"failureReason\":null,\"updatedAt\":\"2026-11-24T08:00:00Z\"},\"new\":{"
      "\"x\":[1]}}" },
    { "Device", &shape_device,
      "{\"id\":\"a\",\"type\":\"devices\",\"attributes\":{\"serial\":\"s\",\"country\":\"JP\","
      "\"model\":\"m\",\"orderNumber\":\"o\",\"assetTag\":\"t\",\"enrollmentState\":\"ENROLLED\","
      "\"lastContactAt\":null}}" },
    { "ImportResult", &shape_import_result,
      "{\"serial\":\"s\",\"status\":422,\"id\":\"i\",\"error\":{\"status\":\"422\",\"code\":\"C\",\"title\":"
      "\"t\"}}" },
    { "ErrorDocument", &shape_error_document,
      "{\"errors\":[{\"id\":\"1\",\"status\":\"400\",\"code\":\"C\",\"title\":\"t\",\"detail\":\"d\"}]}" },
    { "page", &shape_page_document, "{\"data\":[],\"links\":{\"self\":\"x\",\"next\":null}}" },
    { "import document", &shape_import_document, "{\"data\":[]}" },
    { "assignment document", &shape_assignment_document,
      "{\"data\":{\"id\":\"a\",\"type\":\"assignments\",\"attributes\":{\"deviceId\":\"d\",\"blueprintId\":"
      "\"b\",\"state\":"
      "\"FAILED\"}}}" },
    { "blueprint", &shape_blueprint,
      "{\"id\":\"b\",\"type\":\"blueprints\",\"attributes\":{\"name\":\"n\"}}" },
    { "server", &shape_mdm_server,
      "{\"id\":\"m\",\"type\":\"mdmServers\",\"attributes\":{\"name\":\"n\",\"url\":\"u\",\"depTokenId\":"
      "\"t\"}}" },
};

/* Copies value into out without its member number `skip`, or with that member replaced by 0.5; counts
 * members. */
static void copy_without(const struct json *value, size_t *number, size_t skip, bool is_replaced,
                         struct json_out *out, const char *name)
{
    enum json_kind kind = json_kind(value);
    struct buf raw;

    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        buf_init(&raw, 10000);
        json_print(value, &raw);
        json_add_raw(out, name, raw.data, raw.len);
        buf_release(&raw);
        return;
    }
    json_begin(out, name, kind == JSON_OBJECT ? '{' : '[');
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        const char *child_name = kind == JSON_OBJECT ? json_name(child) : NULL;

        if (child_name != NULL && (*number)++ == skip) {
            if (is_replaced)
                json_add_raw(out, child_name, "0.5", 3);
            continue;
        }
        copy_without(child, number, skip, is_replaced, out, child_name);
    }
    json_end(out, kind == JSON_OBJECT ? '}' : ']');
}

/* Whether the shape requires the member number `index` of the document; its path, its presence in the shape.
 */
static void look_up(const struct json *value, const struct shape *shape, size_t *number, size_t index,
                    const char *path, bool *is_required_r, bool *is_known_r, char *path_r, size_t size)
{
    size_t i = 0;

    for (const struct json *child = json_first(value); child != NULL; child = json_next(child), i++) {
        const struct shape_member *member = NULL;
        const struct shape *below;
        char here[200];

        if (json_kind(value) == JSON_OBJECT) {
            member = shape != NULL ? member_of(shape, json_name(child)) : NULL;
            snprintf(here, sizeof(here), "%s%s%s", path, path[0] != '\0' ? "." : "", json_name(child));
            if ((*number)++ == index) {
                *is_required_r = member != NULL && member->is_required;
                *is_known_r = member != NULL;
                snprintf(path_r, size, "%s", here);
            }
            below = member != NULL ? member->shape : NULL;
        } else {
            snprintf(here, sizeof(here), "%s[%zu]", path, i);
            below = shape != NULL ? shape->items : NULL;
        }
        if (json_kind(child) == JSON_OBJECT || json_kind(child) == JSON_ARRAY)
            look_up(child, below, number, index, here, is_required_r, is_known_r, path_r, size);
    }
}

static int check_copy(const struct fixture *fixture, const struct json *whole, size_t skip, bool is_replaced,
                      size_t *members_r, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct json_out out;
    struct json *copy;
    struct buf text;
    int rc;

    *members_r = 0;
    buf_init(&text, 10000);
    json_out_init(&out, &text);
    copy_without(whole, members_r, skip, is_replaced, &out, NULL);
    assert_int_equal(json_parse(text.data, text.len, &copy, &ignored), 0);
    rc = shape_check(copy, fixture->shape, "", err);
    json_free(copy);
    buf_release(&text);
    return rc;
}

static void each_required_member_is_missed_by_its_path(void **state)
{
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
        const struct fixture *fixture = &fixtures[i];
        struct err err = ERR_INIT;
        struct json *whole;
        size_t members, ignored;

        assert_int_equal(json_parse(fixture->json, strlen(fixture->json), &whole, &err), 0);
        if (shape_check(whole, fixture->shape, "", &err) != 0)
            fail_msg("%s: %s", fixture->what, err.text);
        assert_int_equal(check_copy(fixture, whole, SIZE_MAX, false, &members, &err), 0);
        for (size_t skip = 0; skip < members; skip++) {
            bool is_required = false, is_known = false;
            char path[256] = "", want[300];
            size_t number = 0;

            look_up(whole, fixture->shape, &number, skip, "", &is_required, &is_known, path, sizeof(path));
            if ((check_copy(fixture, whole, skip, false, &ignored, &err) != 0) != is_required)
                fail_msg("%s without %s: %s", fixture->what, path, is_required ? "taken" : err.text);
            if (is_required) {
                snprintf(want, sizeof(want), "%s: absent", path);
                assert_string_equal(err.text, want);
                assert_int_equal(err.code, ERR_ABM_CONTRACT);
                refused++;
            }
            /* Half a number is of no type that the contract has. */
            if ((check_copy(fixture, whole, skip, true, &ignored, &err) != 0) != is_known)
                fail_msg("%s with %s of a wrong type: %s", fixture->what, path,
                         is_known ? "taken" : err.text);
        }
        json_free(whole);
    }
    assert_true(refused >= 25);
}

static void what_an_id_is(void **state)
{
    static const struct {
        const char *id;
        bool is_id;
    } rows[] = {
        { "bp-1a2b3c4d", true }, { "ABC_123.x", true }, { "d%2F", true }, { "\xc3\xa9", true },
        { NULL, false },         { "", false },         { ".", false },   { "..", false },
        { "a/b", false },        { "a\\b", false },     { "a b", false }, { "a,b", false },
        { "a\n", false },        { "\x7f", false },
    };
    char longest[DEVICE_ID_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (shape_is_id(rows[i].id) != rows[i].is_id)
            fail_msg("\"%s\"", rows[i].id);
    memset(longest, 'x', sizeof(longest));
    longest[DEVICE_ID_MAX + 1] = '\0';
    assert_false(shape_is_id(longest));
    longest[DEVICE_ID_MAX] = '\0';
    assert_true(shape_is_id(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_those_of_the_contract),
        cmocka_unit_test(limits_and_the_accept_header_are_those_of_the_contract),
        cmocka_unit_test(requests_hold_what_the_contract_has),
        cmocka_unit_test(shapes_are_the_schemas),
        cmocka_unit_test(each_required_member_is_missed_by_its_path),
        cmocka_unit_test(what_an_id_is),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
