#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain/approvers.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A list of count ids, all different, as JSON or divided by commas. */
static void make_many(struct buf *out, int count, const char *before, const char *after)
{
    for (int i = 0; i < count; i++)
        buf_addf(out, "%s%s%064d%s", i > 0 ? "," : "", before, i, after);
}

static void text_and_list_are_one(void **state)
{
    static const struct {
        const char *list, *text;
    } rows[] = {
        { "[]", "" },
        { "[\"" A "\"]", A },
        { "[\"" A "\",\"" B "\"]", A "," B },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[APPROVERS_BYTES];
        struct err err = ERR_INIT;
        struct json_out json;
        struct json *doc;
        struct buf out;

        assert_int_equal(json_parse(rows[i].list, strlen(rows[i].list), &doc, &err), 0);
        assert_null(approvers_read(doc, text));
        assert_string_equal(text, rows[i].text);
        assert_true(text[0] == '\0' || approvers_are_valid(text));
        json_free(doc);
        buf_init(&out, 4096);
        json_out_init(&json, &out);
        approvers_print(&json, NULL, text);
        assert_string_equal(out.data, rows[i].list);
        buf_release(&out);
    }
    assert_true(approvers_are_valid(NULL));
}

static void takes_sixteen_and_no_more(void **state)
{
    (void)state;
    for (int count = 15; count <= 17; count++) {
        char text[APPROVERS_BYTES];
        struct err err = ERR_INIT;
        struct json *doc;
        struct buf out;

        buf_init(&out, 4096);
        buf_add_char(&out, '[');
        make_many(&out, count, "\"", "\"");
        buf_add_char(&out, ']');
        assert_int_equal(json_parse(out.data, out.len, &doc, &err), 0);
        if ((approvers_read(doc, text) == NULL) != (count <= APPROVERS_MAX))
            fail_msg("a list of %d", count);
        json_free(doc);
        buf_reset(&out);
        make_many(&out, count, "", "");
        if (approvers_are_valid(out.data) != (count <= APPROVERS_MAX))
            fail_msg("a text of %d", count);
        buf_release(&out);
    }
}

static void refuses_what_is_none(void **state)
{
    static const char *const lists[] = {
        "{}",           "\"" A "\"",         "null", "[1]", "[\"\"]", "[\"" A "a\"]", "[\"" A "\",\"" A "\"]",
        "[\"A" A "\"]", "[\"" A "," B "\"]",
    };
    static const char *const texts[] = {
        "", A ",", "," A, A "," A, A "a", A ";" B, A "," B ",",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char text[APPROVERS_BYTES];
        struct err err = ERR_INIT;
        struct json *doc;

        assert_int_equal(json_parse(lists[i], strlen(lists[i]), &doc, &err), 0);
        if (approvers_read(doc, text) == NULL)
            fail_msg("%s was taken", lists[i]);
        json_free(doc);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (approvers_are_valid(texts[i]))
            fail_msg("'%s' was taken", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_list_are_one),
        cmocka_unit_test(takes_sixteen_and_no_more),
        cmocka_unit_test(refuses_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
