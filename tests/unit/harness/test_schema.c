#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "harness/schema.h"

static const char contract[] = "paths:\n"
                               "  /a:\n"
                               "    get:\n"
                               "      responses:\n"
                               "        \"200\": { $ref: \"#/components/responses/Good\" }\n"
                               "        \"5XX\": { description: bad }\n"
                               "components:\n"
                               "  responses:\n"
                               "    Good: { description: good }\n"
                               "  schemas:\n"
                               "    Whole:\n"
                               "      type: object\n"
                               "      required: [items]\n"
                               "      properties:\n"
                               "        items:\n"
                               "          type: array\n"
                               "          minItems: 1\n"
                               "          maxItems: 2\n"
                               "          items: { $ref: \"#/components/schemas/Item\" }\n"
                               "        lost: { $ref: \"#/components/schemas/None\" }\n"
                               "    Item:\n"
                               "      type: object\n"
                               "      properties:\n"
                               "        text: { type: string, nullable: true }\n"
                               "        word: { type: string, enum: [A, B] }\n"
                               "        number: { type: integer, minimum: 60, maximum: 90 }\n"
                               "        yes: { type: boolean }\n";

static void values_are_held_against_schemas(void **state)
{
    static const struct {
        const char *what, *json, *want; /* NULL: as the schema has it */
    } rows[] = {
        { "all of it", "{\"items\":[{\"text\":\"t\",\"word\":\"A\",\"number\":60,\"yes\":true},{}]}", NULL },
        { "null where it may be", "{\"items\":[{\"text\":null}]}", NULL },
        { "null where not", "{\"items\":[{\"word\":null}]}", "it.items.[0].word: null, not a string" },
        { "a required member", "{}", "it: lacks items" },
        { "another member", "{\"items\":[{}],\"more\":1}", "it.more: not in the contract" },
        { "another type", "{\"items\":{}}", "it.items: an object, not an array" },
        { "too few", "{\"items\":[]}", "it.items: 0 is out of bounds" },
        { "too many", "{\"items\":[{},{},{}]}", "it.items: 3 is out of bounds" },
        { "none of the values", "{\"items\":[{},{\"word\":\"C\"}]}", "it.items.[1].word: 'C' is none" },
        { "too small", "{\"items\":[{\"number\":59}]}", "59 is out of bounds" },
        { "too large", "{\"items\":[{\"number\":91}]}", "91 is out of bounds" },
        { "a fraction", "{\"items\":[{\"number\":60.5}]}", "no whole number" },
        { "a schema that is not there", "{\"items\":[{}],\"lost\":1}", "it.lost: its type is new" },
    };
    struct err err = ERR_INIT;
    struct yaml *doc;

    (void)state;
    assert_int_equal(yaml_parse("contract", contract, strlen(contract), &doc, &err), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json *value;
        int rc;

        err_reset(&err);
        assert_int_equal(json_parse(rows[i].json, strlen(rows[i].json), &value, &err), 0);
        rc = schema_check(doc, schema_at(doc->root, "components|schemas|Whole"), value, "it", &err);
        if (rc != (rows[i].want ? -1 : 0) || (rows[i].want && !strstr(err.text, rows[i].want)))
            fail_msg("%s: %d, %s", rows[i].what, rc, err.text);
        json_free(value);
    }
    yaml_doc_free(doc);
}

static void answers_are_found(void **state)
{
    const struct yaml_node *get;
    struct err err = ERR_INIT;
    struct yaml *doc;

    (void)state;
    assert_int_equal(yaml_parse("contract", contract, strlen(contract), &doc, &err), 0);
    get = schema_operation(doc, "GET", "/a");
    assert_non_null(get);
    assert_null(schema_operation(doc, "PUT", "/a"));
    assert_null(schema_operation(doc, "GET", "/b"));
    assert_string_equal(schema_at(schema_response(doc, get, 200), "description")->text, "good");
    assert_string_equal(schema_at(schema_response(doc, get, 503), "description")->text, "bad");
    assert_null(schema_response(doc, get, 404));
    yaml_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_held_against_schemas),
        cmocka_unit_test(answers_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
