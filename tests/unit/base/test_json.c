#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Without a NUL behind it and in memory of its very size, so that a sanitizer sees a read too far. */
static int parse(const char *text, size_t len, struct json **doc_r, struct err *err)
{
    char *copy = malloc(len > 0 ? len : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, text, len);
    rc = json_parse(copy, len, doc_r, err);
    free(copy);
    return rc;
}

static void prints_what_it_read(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: the same */
    } rows[] = {
        { "{}", NULL },
        { "[]", NULL },
        { " \t\r\n[ ] ", "[]" },
        { "null", NULL },
        { "true", NULL },
        { "false", NULL },
        { "\"\"", NULL },
        { "0", NULL },
        { "-0", NULL },
        { "12.5", NULL },
        { "1e3", "1000" },
        { "-1.5E+2", "-150" },
        { "0.1", NULL },
        { "9007199254740991", NULL },
        { "-9007199254740991", NULL },
        { "1e300", "1e+300" },
        { "0.30000000000000004", NULL },
        { "{ \"a\" : [ 1 , { \"b\" : null } ] , \"c\" : \"d\" }", "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}" },
        { "\"\\u0041\\u00e9\\ud83d\\ude00\\/\"", "\"A\xc3\xa9\xf0\x9f\x98\x80/\"" },
        { "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\"", "\"\\\"\\\\\\u0008\\u000c\\n\\r\\t\\u001f\"" },
        { "\"\x7f\xc2\x80\xe2\x80\xae\"", NULL },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *want = rows[i].want != NULL ? rows[i].want : rows[i].text;
        struct err err = ERR_INIT;
        struct json *doc;
        struct buf out;

        if (parse(rows[i].text, strlen(rows[i].text), &doc, &err) != 0)
            fail_msg("%s: %s", rows[i].text, err.text);
        buf_init(&out, 10000);
        json_print(doc, &out);
        if (strcmp(out.data, want) != 0)
            fail_msg("%s: printed %s", rows[i].text, out.data);
        buf_release(&out);
        json_free(doc);
    }
}

static void refuses_hostile_text(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *what, *text;
        size_t len;
        const char *want;
    } rows[] = {
        { "nothing", BYTES(""), "byte 0: the text ends too early" },
        { "blanks", BYTES("  "), "byte 2: the text ends too early" },
        { "an open object", BYTES("{"), "byte 1: a member's name was expected" },
        { "an open array", BYTES("[1"), "byte 2: ',' or ']' was expected" },
        { "a comma too many", BYTES("[1,]"), "byte 3: a value was expected" },
        { "a comma too many in an object", BYTES("{\"a\":1,}"), "byte 7: a member's name was expected" },
        { "no comma", BYTES("[1 2]"), "byte 3: ',' or ']'" },
        { "the wrong bracket", BYTES("[1}"), "byte 2: ',' or ']'" },
        { "no colon", BYTES("{\"a\" 1}"), "byte 5: ':' was expected" },
        { "a name without quotes", BYTES("{a:1}"), "byte 1: a member's name" },
        { "something behind", BYTES("{} x"), "byte 3: something stands behind" },
        { "a NUL behind", BYTES("{}\0"), "byte 2: something stands behind" },
        { "a NUL within", BYTES("{\0}"), "byte 1: " },
        { "a NUL in a string", BYTES("\"a\0b\""), "byte 2: a control character" },
        { "an escaped NUL", BYTES("\"ab\\u0000\""), "byte 3: \\u0000 is refused" },
        { "an escaped NUL in a name", BYTES("{\"a\\u0000\":1}"), "\\u0000 is refused" },
        { "a newline in a string", BYTES("\"a\nb\""), "byte 2: a control character" },
        { "an open string", BYTES("\"abc"), "byte 4: the string does not end" },
        { "a string open at an escape", BYTES("\"abc\\"), "byte 4: the string does not end" },
        { "an unknown escape", BYTES("\"\\x\""), "byte 1: an unknown escape" },
        { "three digits", BYTES("\"\\u12g4\""), "byte 1: \\u wants four" },
        { "a cut escape", BYTES("\"\\u12"), "byte 1: \\u wants four" },
        { "a low surrogate", BYTES("\"\\udc00\""), "byte 1: half a surrogate pair" },
        { "a high surrogate", BYTES("\"\\ud800\""), "byte 1: half a surrogate pair" },
        { "two high surrogates", BYTES("\"\\ud800\\ud800\""), "byte 1: half a surrogate pair" },
        { "a byte of no UTF-8", BYTES("\"a\xff\""), "byte 2: not UTF-8" },
        { "an overlong form", BYTES("\"\xc0\xaf\""), "byte 1: not UTF-8" },
        { "a surrogate in UTF-8", BYTES("\"\xed\xa0\x80\""), "byte 1: not UTF-8" },
        { "beyond Unicode", BYTES("\"\xf4\x90\x80\x80\""), "byte 1: not UTF-8" },
        { "a cut character", BYTES("\"\xe2\x82"), "byte 1: not UTF-8" },
        { "a byte order mark", BYTES("\xef\xbb\xbf{}"), "byte 0: a value was expected" },
        { "a leading zero", BYTES("01"), "byte 1: something stands behind" },
        { "a plus", BYTES("+1"), "byte 0: a value was expected" },
        { "a minus alone", BYTES("-"), "byte 1: a digit is missing" },
        { "a point without digits", BYTES("1."), "byte 2: a digit is missing" },
        { "a point first", BYTES(".5"), "byte 0: a value was expected" },
        { "an exponent without digits", BYTES("1e+"), "byte 3: a digit is missing" },
        { "hexadecimal", BYTES("0x10"), "byte 1: something stands behind" },
        { "not a number", BYTES("NaN"), "byte 0: a value was expected" },
        { "a number too large", BYTES("[1e999]"), "[0]: a number that is too large" },
        { "a number too large alone", BYTES("-1e999"), "a number that is too large" },
        { "64 digits", BYTES("1234567890123456789012345678901234567890123456789012345678901234"),
          "byte 0: a number of more than 63 characters" },
        { "a word cut", BYTES("tru"), "byte 0: a value was expected" },
        { "a word in capitals", BYTES("True"), "byte 0: a value was expected" },
        { "a word too long", BYTES("nullx"), "byte 4: something stands behind" },
        { "depth 33", BYTES("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
          "byte 32: nested too deep" },
        { "a name twice", BYTES("{\"a\":1,\"b\":2,\"a\":3}"), "member \"a\" stands twice in one object" },
        { "a name twice below", BYTES("{\"x\":[0,{\"a\":1,\"a\":1}]}"), "x: [1]: member \"a\" stands twice" },
        { "a name twice by an escape", BYTES("{\"a\":1,\"\\u0061\":2}"), "member \"a\" stands twice" },
        { "an empty name twice", BYTES("{\"\":1,\"\":2}"), "member \"\" stands twice" },
        { "a comment", BYTES("{} // x"), "byte 3: something stands behind" },
        { "single quotes", BYTES("{'a':1}"), "byte 1: a member's name" },
        { "a control blank", BYTES("\x0b{}"), "byte 0: a value was expected" },
    };
#undef BYTES

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json *doc = (struct json *)(uintptr_t)1;
        struct err err = ERR_INIT;

        if (parse(rows[i].text, rows[i].len, &doc, &err) == 0)
            fail_msg("%s: it was read", rows[i].what);
        if (err.code != ERR_JSON || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void finds_one_name_twice_among_many(void **state)
{
    static const size_t counts[] = { 2, 31, 32, 33, 34, 5000 };

    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct err err = ERR_INIT;
        struct json *doc = NULL;
        struct buf text;

        buf_init(&text, 1 << 20);
        buf_add_char(&text, '{');
        for (size_t at = 0; at < counts[i]; at++)
            buf_addf(&text, "%s\"name%zu\":%zu", at > 0 ? "," : "", at, at);
        buf_add_char(&text, '}');
        if (parse(text.data, text.len, &doc, &err) != 0)
            fail_msg("%zu names: %s", counts[i], err.text);
        assert_int_equal(json_count(doc), counts[i]);
        json_free(doc);
        buf_truncate(&text, text.len - 1);
        buf_add_str(&text, ",\"name1\":0}");
        if (parse(text.data, text.len, &doc, &err) == 0 || strstr(err.text, "\"name1\" stands twice") == NULL)
            fail_msg("%zu names and one again: %s", counts[i], err.text);
        buf_release(&text);
    }
}

static void gives_each_kind(void **state)
{
    static const char text[] =
        "{\"s\":\"x\",\"n\":5,\"b\":true,\"z\":null,\"a\":[1,2,3],\"o\":{\"k\":\"v\"}}";
    struct err err = ERR_INIT;
    const struct json *child;
    struct json *doc;
    double number;
    bool is_true;
    int64_t whole;

    (void)state;
    assert_int_equal(parse(text, strlen(text), &doc, &err), 0);
    assert_string_equal(json_string(json_get(doc, "s")), "x");
    assert_true(json_int(json_get(doc, "n"), &whole) && whole == 5);
    assert_true(json_number(json_get(doc, "n"), &number) && number > 4.5 && number < 5.5);
    assert_true(json_bool(json_get(doc, "b"), &is_true) && is_true);
    assert_int_equal(json_kind(json_get(doc, "z")), JSON_NULL);
    assert_int_equal(json_kind(json_get(doc, "absent")), JSON_ABSENT);
    assert_int_equal(json_count(json_get(doc, "a")), 3);
    assert_string_equal(json_string(json_get(json_get(doc, "o"), "k")), "v");
    child = json_first(doc);
    assert_string_equal(json_name(child), "s");
    assert_string_equal(json_name(json_next(child)), "n");
    assert_null(json_name(json_first(json_get(doc, "a"))));

    /* each answer for the wrong kind, and for nothing */
    assert_null(json_string(json_get(doc, "n")));
    assert_null(json_string(NULL));
    assert_false(json_int(json_get(doc, "s"), &whole));
    assert_false(json_int(NULL, &whole));
    assert_false(json_bool(json_get(doc, "n"), &is_true));
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(json_get(doc, "a"), "a"));
    assert_null(json_get(doc, "S"));
    assert_null(json_get(doc, ""));
    assert_null(json_first(NULL));
    assert_null(json_first(json_get(doc, "s")));
    assert_int_equal(json_count(NULL), 0);
    json_free(doc);
    json_free(NULL);
    for (int kind = JSON_ABSENT; kind <= JSON_OBJECT; kind++)
        assert_true(json_kind_name((enum json_kind)kind)[0] != '\0');
}

static void gives_whole_numbers_exactly(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        int64_t want;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "1.0", true, 1 },
        { "1e2", true, 100 },
        { "1.5", false, 0 },
        { "9007199254740991", true, INT64_C(9007199254740991) },
        { "-9007199254740991", true, INT64_C(-9007199254740991) },
        { "9007199254740992", false, 0 }, /* may stand for ...993 as well */
        { "9007199254740993", false, 0 },
        { "1e18", false, 0 },
        { "-1e300", false, 0 },
        { "1e-300", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct json *doc;
        int64_t got = 0;

        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &doc, &err), 0);
        if (json_int(doc, &got) != rows[i].is_whole || got != rows[i].want)
            fail_msg("%s: %lld", rows[i].text, (long long)got);
        json_free(doc);
    }
}

static void quotes_hostile_text(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } rows[] = {
        { BYTES(""), "\"\"" },
        { BYTES("plain"), "\"plain\"" },
        { BYTES("plain and long enough for several words"), "\"plain and long enough for several words\"" },
        { BYTES("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
        { BYTES("\n\r\t\x01\x1f\x7f"), "\"\\n\\r\\t\\u0001\\u001f\x7f\"" },
        { BYTES("a\0b"), "\"a\xef\xbf\xbd"
                         "b\"" },
        { BYTES("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
        { BYTES("x\xff\xfey"), "\"x\xef\xbf\xbd\xef\xbf\xbdy\"" },
        { BYTES("cut \xe2\x82"), "\"cut \xef\xbf\xbd\xef\xbf\xbd\"" },
        { BYTES("12345678\""), "\"12345678\\\"\"" },
        { BYTES("1234567\"8"), "\"1234567\\\"8\"" },
    };
#undef BYTES

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct json *doc;
        struct buf out;

        buf_init(&out, 1000);
        json_quote(&out, rows[i].text, rows[i].len);
        if (strcmp(out.data, rows[i].want) != 0)
            fail_msg("row %zu: %s", i, out.data);
        if (parse(out.data, out.len, &doc, &err) != 0) /* what is written can be read */
            fail_msg("row %zu: %s", i, err.text);
        json_free(doc);
        buf_release(&out);
    }
}

/* Each byte at each place of a run: the fast path and the slow one see the same. */
static void quotes_every_byte_at_every_place(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 256; byte++) {
        for (size_t at = 0; at < 20; at++) {
            struct err err = ERR_INIT;
            struct json *doc;
            struct buf out;
            char text[21];

            memset(text, 'x', sizeof(text));
            text[at] = (char)byte;
            buf_init(&out, 1000);
            json_quote(&out, text, sizeof(text));
            if (parse(out.data, out.len, &doc, &err) != 0)
                fail_msg("byte %u at %zu: %s: %s", byte, at, out.data, err.text);
            if (byte < 0x80)
                assert_memory_equal(json_string(doc), text, sizeof(text));
            json_free(doc);
            buf_release(&out);
        }
    }
}

static void writes_members_and_commas(void **state)
{
    struct json_out out;
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    json_out_init(&out, &buf);
    json_begin(&out, NULL, '{');
    json_add_string(&out, "s", "a\"b");
    json_add_string(&out, "plain", "text");
    json_add_string(&out, "none", NULL);
    json_add_int(&out, "n", -5);
    json_add_bool(&out, "t", true);
    json_add_bool(&out, "f", false);
    json_add_null(&out, "z");
    json_add_raw(&out, "raw", "[1]", 3);
    json_begin(&out, "empty", '[');
    json_end(&out, ']');
    json_begin(&out, "list", '[');
    json_add_int(&out, NULL, 1);
    json_add_string(&out, NULL, "two");
    json_begin(&out, NULL, '{');
    json_end(&out, '}');
    json_add_null(&out, NULL);
    json_end(&out, ']');
    json_add_string(&out, "na\"me", "x");
    json_add_string(&out, "\xff", "x");
    json_end(&out, '}');
    assert_string_equal(buf.data,
                        "{\"s\":\"a\\\"b\",\"plain\":\"text\",\"none\":null,\"n\":-5,\"t\":true,\"f\":false,"
                        "\"z\":null,\"raw\":[1],\"empty\":[],\"list\":[1,\"two\",{},null],"
                        "\"na\\\"me\":\"x\",\"\xef\xbf\xbd\":\"x\"}");
    buf_release(&buf);
}

static void leaves_its_failures_in_the_buffer(void **state)
{
    struct err err = ERR_INIT;
    struct json_out out;
    struct buf buf;

    (void)state;
    for (size_t limit = 0; limit < 21; limit++) {
        buf_init(&buf, limit);
        json_out_init(&out, &buf);
        json_begin(&out, NULL, '{');
        json_add_string(&out, "name", "a longer text");
        json_end(&out, '}');
        assert_true(buf.len <= limit);
        assert_int_equal(buf_check(&buf, "it", &err), -1);
        buf_release(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_it_read),
        cmocka_unit_test(refuses_hostile_text),
        cmocka_unit_test(finds_one_name_twice_among_many),
        cmocka_unit_test(gives_each_kind),
        cmocka_unit_test(gives_whole_numbers_exactly),
        cmocka_unit_test(quotes_hostile_text),
        cmocka_unit_test(quotes_every_byte_at_every_place),
        cmocka_unit_test(writes_members_and_commas),
        cmocka_unit_test(leaves_its_failures_in_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
