#include "harness/check.h"

#include <string.h>

#include "base/json_canonical.h"

static void prints_each_value(void **state)
{
    static const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "members sorted, blanks gone", " { \"b\" : 1 ,\n\"a\" : [ true , null , false ] } ",
          "{\"a\":[true,null,false],\"b\":1}" },
        { "nothing in it", "{ \"o\" : { } , \"a\" : [ ] }", "{\"a\":[],\"o\":{}}" },
        { "inner objects too", "{\"z\":{\"y\":1,\"x\":[{\"d\":1,\"c\":2}]}}",
          "{\"z\":{\"x\":[{\"c\":2,\"d\":1}],\"y\":1}}" },
        { "a prefix stands first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}" },
        /* RFC 8785, 3.2.3: by UTF-16 code units, so U+1F600 (d83d de00) stands before U+FB33. */
        { "the example of RFC 8785",
          "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With "
          "Dagesh\","
          "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
          "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
          "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
          "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
          "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With "
          "Dagesh\"}" },
        { "the shortest escapes",
          "\"\\u0008\\u0009\\u000a\\u000b\\u000c\\u000d\\u001F\\u0022\\u005c\\u002f\\u007f\"",
          "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\x7f\"" },
        { "characters as they are", "\"\\u20ac \\u2028 \\ud83d\\ude00\"",
          "\"\xe2\x82\xac \xe2\x80\xa8 \xf0\x9f\x98\x80\"" },
        { "whole numbers", "[0,-0,-1,1e3,100e-2,9007199254740991,-9007199254740991]",
          "[0,0,-1,1000,1,9007199254740991,-9007199254740991]" },
        { "the name's own escapes", "{\"\\u0061\\\"\":1}", "{\"a\\\"\":1}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct json *doc;
        struct buf out;

        buf_init(&out, 4096);
        if (json_parse(rows[i].text, strlen(rows[i].text), &doc, &err) != 0 ||
            json_canonical(doc, &out, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (strcmp(out.data, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].what, out.data);
        json_free(doc);
        buf_release(&out);
    }
}

static void refuses_what_is_no_whole_number(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "{\"a\":[0,{\"b\":1.5}]}", "a: [1]: b: a number that is no whole one within 2^53 - 1" },
        { "1e-1", "a number that is no whole one within 2^53 - 1" },
        { "[9007199254740992]", "[0]: a number that is no whole one within 2^53 - 1" },
        { "[1e300]", "[0]: a number that is no whole one within 2^53 - 1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct json *doc;
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(json_parse(rows[i].text, strlen(rows[i].text), &doc, &err), 0);
        assert_int_equal(json_canonical(doc, &out, &err), -1);
        assert_int_equal(err.code, ERR_JSON);
        assert_string_equal(err.text, rows[i].want);
        json_free(doc);
        buf_release(&out);
    }
}

static void keeps_to_the_limit_of_the_buffer(void **state)
{
    struct err err = ERR_INIT;
    struct json *doc;
    struct buf out;

    (void)state;
    buf_init(&out, 6);
    assert_int_equal(json_parse("[1,2,3]", 7, &doc, &err), 0);
    assert_int_equal(json_canonical(doc, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    json_free(doc);
    buf_release(&out);
}

static void orders_names_by_utf16(void **state)
{
    /* each less than the next */
    static const char *const names[] = { "",
                                         "\r",
                                         "1",
                                         "A",
                                         "a",
                                         "aa",
                                         "b",
                                         "\xc2\x80",
                                         "\xc3\xb6",
                                         "\xe2\x82\xac",
                                         "\xed\x9f\xbf" /* U+D7FF */,
                                         "\xf0\x90\x80\x80" /* U+10000 */,
                                         "\xf0\x90\x80\x81",
                                         "\xf4\x8f\xbf\xbf" /* U+10FFFF */,
                                         "\xee\x80\x80" /* U+E000 */,
                                         "\xef\xbf\xbf" };
    size_t count = sizeof(names) / sizeof(names[0]);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int got = json_canonical_compare(names[i], names[j]);

            if ((got < 0) != (i < j) || (got > 0) != (i > j))
                fail_msg("names %zu and %zu: %d", i, j, got);
        }
}

static void replaces_what_is_no_text(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    json_canonical_string(&out,
                          "a\xff"
                          "b\0c",
                          5);
    assert_string_equal(out.data, "\"a\xef\xbf\xbd"
                                  "b\xef\xbf\xbd"
                                  "c\"");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_each_value),
        cmocka_unit_test(refuses_what_is_no_whole_number),
        cmocka_unit_test(keeps_to_the_limit_of_the_buffer),
        cmocka_unit_test(orders_names_by_utf16),
        cmocka_unit_test(replaces_what_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
