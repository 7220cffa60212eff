/* Members of JSON text where it lies: found as a tree would find them, and decoded as a tree would. */
#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_raw.h"

static struct json_raw open_text(const char *text)
{
    struct err err = ERR_INIT;
    struct json_raw value = { NULL, 0 };

    if (json_raw_open(text, strlen(text), &value, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    return value;
}

static void finds_members(void **state)
{
    static const struct {
        const char *what, *text, *name;
        int want;
        const char *value;
    } rows[] = {
        { "the only one", "{\"a\":1}", "a", 1, "1" },
        { "the last, blanks everywhere", " \t{ \"x\" : [ 1 , {\"a\":2} ] ,\r\n \"a\" : \"v\" } \n", "a", 1,
          "\"v\"" },
        { "not one further down", "{\"x\":{\"a\":1},\"y\":[{\"a\":2}]}", "a", 0, "" },
        { "behind a string that looks so", "{\"x\":\"\\\"a\\\":1,\",\"a\":3}", "a", 1, "3" },
        { "with brackets in strings", "{\"x\":\"}]{\",\"a\":{\"b\":\"]\"}}", "a", 1, "{\"b\":\"]\"}" },
        { "a name with escapes", "{\"\\u0061\\/\":true}", "a/", 1, "true" },
        { "a name twice", "{\"a\":1,\"b\":2,\"a\":3}", "a", -1, "" },
        { "a name twice, once by an escape", "{\"a\":1,\"\\u0061\":3}", "a", -1, "" },
        { "in an empty object", "{ }", "a", 0, "" },
        { "the empty name", "{\"\":null}", "", 1, "null" },
        { "in an array", "[\"a\"]", "a", 0, "" },
        { "in a string", "\"a\"", "a", 0, "" },
        { "in a number", "12", "a", 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_raw member = { "", 0 };
        int got = json_raw_get(open_text(rows[i].text), rows[i].name, &member);

        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].what, got);
        if (got == 1 &&
            (member.len != strlen(rows[i].value) || memcmp(member.at, rows[i].value, member.len) != 0))
            fail_msg("%s: %.*s", rows[i].what, (int)member.len, member.at);
    }
    assert_int_equal(json_raw_kind((struct json_raw){ NULL, 0 }), JSON_ABSENT);
}

static void decodes_texts(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "\"\"", "" },
        { "\"plain\"", "plain" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u0026\\u003C\\u00e9\\u20AC\\ud83d\\ude00\"", "&<\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"-----BEGIN\\nabc\\n\"", "-----BEGIN\nabc\n" },
        { "12", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = strdup(rows[i].text);
        struct json_raw value = open_text(text);
        size_t len = json_raw_text(value, text); /* onto itself */

        if (len != strlen(rows[i].want) || memcmp(text, rows[i].want, len) != 0)
            fail_msg("%s: %.*s", rows[i].text, (int)len, text);
        free(text);
    }
}

static void reads_numbers_and_words(void **state)
{
    static const struct {
        const char *text;
        bool want;
        int64_t number;
    } rows[] = {
        { "0", true, 0 },      { "3600", true, 3600 },
        { "-1", false, 0 },    { "4000", false, 0 },
        { "1.0", false, 0 },   { "1e3", false, 0 },
        { "\"1\"", false, 0 }, { "99999999999999999999999999999999999999", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number = -7;

        if (json_raw_int(open_text(rows[i].text), 0, 3600, &number) != rows[i].want ||
            (rows[i].want && number != rows[i].number))
            fail_msg("%s: %lld", rows[i].text, (long long)number);
    }
    assert_true(json_raw_is_true(open_text(" true ")));
    assert_false(json_raw_is_true(open_text("false")));
    assert_false(json_raw_is_true(open_text("\"true\"")));
    assert_int_equal(json_raw_first(open_text("[ \"a\" , 2]")).len, 3);
    assert_null(json_raw_first(open_text("[ ]")).at);
    assert_null(json_raw_first(open_text("{}")).at);
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const rows[] = {
        "", " ", "{", "{\"a\":1} x", "\"\\u0000\"", "\"\\ud800\"", "{\"a\" 1}"
    };
    struct json_raw value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;

        if (json_raw_open(rows[i], strlen(rows[i]), &value, &err) == 0 || err.code != ERR_JSON)
            fail_msg("'%s' was taken", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),
        cmocka_unit_test(decodes_texts),
        cmocka_unit_test(reads_numbers_and_words),
        cmocka_unit_test(refuses_what_is_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
