#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/rule.h"

static int setup(void **state)
{
    *state = pool_new(64 * 1024 * 1024);
    return *state == NULL;
}

static int teardown(void **state)
{
    pool_free(*state);
    return 0;
}

static struct device_extra columns[] = { { "site", "Berlin" },
                                         { "cost centre", "4711" },
                                         { "gr\xc3\xb6\xc3\x9f"
                                           "e",
                                           "14" } };
static const struct device mac = {
    .serial = "FVFGH2345678",
    .country = "JP",
    .model = "MacBook Air",
    .asset_tag = "it's \"A\\1\"\n\tx",
    .extra = columns,
    .extra_count = 3,
};

static void conditions_hold_or_not(void **state)
{
    static const struct {
        const char *condition;
        int holds;
    } rows[] = {
        { "serial.startswith('F')", 1 },
        { "serial.startswith('G')", 0 },
        { "serial.startswith('')", 1 },
        { "country == 'JP'", 1 },
        { "country == \"JP\"", 1 },
        { "'JP' == country", 1 },
        { "country=='JP'", 1 },
        { "country == 'jp'", 0 },
        { "country != 'JP'", 0 },
        { "country != 'DE'", 1 },
        { "country in ['DE', 'JP']", 1 },
        { "country in ['DE', 'JP',]", 1 },
        { "country in ['DE']", 0 },
        { "country not in ['DE']", 1 },
        { "country not in ['JP']", 0 },
        { "not country in ['JP']", 0 },
        { "not country == 'DE'", 1 },
        { "not not country == 'JP'", 1 },
        { "model.endswith('Air')", 1 },
        { "model.endswith('Pro')", 0 },
        { "model.contains('Book')", 1 },
        { "model.contains('book')", 0 },
        { "serial.matches('GH[0-9]+')", 1 },
        { "serial.matches('^GH[0-9]+')", 0 },
        { "serial.matches('^[A-Z]{5}[0-9]{7}$')", 1 },
        { "serial.matches('^FV\\w+\\d$')", 1 },
        { "serial.matches(\"^FV\\\\w+$\")", 1 },
        { "model.matches('(?i)macbook')", 1 },
        { "order_number == ''", 1 },
        { "order_number != ''", 0 },
        { "extra.site == 'Berlin'", 1 },
        { "extra.other == ''", 1 },
        { "extra.other.startswith('x')", 0 },
        { "extra['cost centre'] == '4711'", 1 },
        { "extra[\"site\"].endswith('lin')", 1 },
        { "extra.gr\xc3\xb6\xc3\x9f"
          "e in ['13', '14']",
          1 },
        { "asset_tag == 'it\\'s \"A\\\\1\"\\n\\tx'", 1 },
        { "asset_tag == \"it's \\\"A\\\\1\\\"\\n\\tx\"", 1 },
        { "serial == asset_tag", 0 },
        { "serial == serial", 1 },
        /* and binds tighter than or, not tighter than both */
        { "country == 'JP' or country == 'DE' and model == 'x'", 1 },
        { "(country == 'JP' or country == 'DE') and model == 'x'", 0 },
        { "not country == 'DE' and model == 'x'", 0 },
        { "not (country == 'DE' and model == 'x')", 1 },
        { "country == 'DE' or not model == 'x'", 1 },
        { "country == 'A' or country == 'B' or country == 'JP'", 1 },
        { "country == 'JP' and serial.startswith('F') and model.contains(' ')", 1 },
        { "  (  ( country == 'JP' ) )  ", 1 },
        { "country\n==\t'JP'\r\n", 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct rule *rule;
        int rc;

        if (rule_parse(rows[i].condition, strlen(rows[i].condition), *state, &rule, &err) != 0)
            fail_msg("%s: %s", rows[i].condition, err.text);
        rc = rule_match(rule, &mac, &err);
        if (rc != rows[i].holds)
            fail_msg("%s: %d %s", rows[i].condition, rc, err.text);
        rule_release(rule);
    }
}

static void errors_name_their_place(void **state)
{
    static const struct {
        const char *condition;
        enum err_code code;
        unsigned column;
        const char *says;
    } rows[] = {
        { "", ERR_RULE_SYNTAX, 1, "the condition is empty" },
        { "   ", ERR_RULE_SYNTAX, 1, "the condition is empty" },
        { "country", ERR_RULE_TYPE, 1, "a field alone is no condition" },
        { "'JP'", ERR_RULE_TYPE, 1, "a string alone is no condition" },
        { "not country", ERR_RULE_TYPE, 5, "a field alone" },
        { "country == 'JP' and model", ERR_RULE_TYPE, 21, "a field alone" },
        { "(model) == 'x'", ERR_RULE_TYPE, 2, "a field alone" },
        { "country and model == 'x'", ERR_RULE_TYPE, 1, "a field alone" },
        { "contry == 'JP'", ERR_RULE_FIELD, 1,
          "unknown field 'contry' \xe2\x80\x94 did you mean 'country'?" },
        { "model == ordernumber", ERR_RULE_FIELD, 10, "did you mean 'order_number'?" },
        { "colour == 'x'", ERR_RULE_FIELD, 1, "unknown field 'colour' (a further column is extra.NAME)" },
        { "extra == 'x'", ERR_RULE_SYNTAX, 7, "extra is all further columns" },
        { "extra. == 'x'", ERR_RULE_SYNTAX, 8, "wanted the column's name" },
        { "extra[''] == 'x'", ERR_RULE_FIELD, 6, "the column's name is empty" },
        { "extra['a' == 'x'", ERR_RULE_SYNTAX, 11, "wanted ']'" },
        { "country = 'JP'", ERR_RULE_SYNTAX, 9, "did you mean '=='?" },
        { "country == 'JP' && model == 'x'", ERR_RULE_SYNTAX, 17, "did you mean 'and'?" },
        { "country == 'JP' || model == 'x'", ERR_RULE_SYNTAX, 17, "did you mean 'or'?" },
        { "!country == 'JP'", ERR_RULE_SYNTAX, 1, "did you mean 'not'?" },
        { "country <> 'JP'", ERR_RULE_SYNTAX, 9, "did you mean '!='?" },
        { "country < 'JP'", ERR_RULE_SYNTAX, 9, "'<' has no place" },
        { "country == 5", ERR_RULE_SYNTAX, 12, "'5' has no place" },
        { "country == JP", ERR_RULE_FIELD, 12, "unknown field 'JP'" },
        { "country == 'JP", ERR_RULE_SYNTAX, 12, "has no end" },
        { "country == 'JP\"", ERR_RULE_SYNTAX, 12, "has no end" },
        { "country == 'J\\", ERR_RULE_SYNTAX, 12, "has no end" },
        { "country == 'J\\xP'", ERR_RULE_SYNTAX, 14, "unknown escape" },
        { "country in ['J\\d']", ERR_RULE_SYNTAX, 15, "unknown escape" },
        { "country == 'J\nP'", ERR_RULE_SYNTAX, 14, "a control character in a string" },
        { "country == ", ERR_RULE_SYNTAX, 12, "the condition ends here, wanted a field or a string" },
        { "== 'JP'", ERR_RULE_SYNTAX, 1, "'==' here, wanted a field or a string" },
        { "country == 'JP' model == 'x'", ERR_RULE_SYNTAX, 17, "'model' here, wanted and, or, or the end" },
        { "country == 'JP')", ERR_RULE_SYNTAX, 16, "')' here" },
        { "(country == 'JP'", ERR_RULE_SYNTAX, 17, "the condition ends here, wanted ')'" },
        { "()", ERR_RULE_SYNTAX, 2, "wanted a field or a string" },
        { "country == 'JP' and", ERR_RULE_SYNTAX, 20, "the condition ends here" },
        { "and country == 'JP'", ERR_RULE_SYNTAX, 1, "'and' here" },
        { "country == model == serial", ERR_RULE_SYNTAX, 18, "two comparisons" },
        { "'a' == 'b'", ERR_RULE_TYPE, 1, "two strings are compared" },
        { "country == ['JP']", ERR_RULE_TYPE, 12, "a list is not compared: use in" },
        { "country in 'JP'", ERR_RULE_SYNTAX, 12, "wanted a list" },
        { "'Air' in model", ERR_RULE_TYPE, 10, "use .contains()" },
        { "'JP' in ['JP']", ERR_RULE_TYPE, 1, "always the same" },
        { "country in []", ERR_RULE_SYNTAX, 12, "the list is empty" },
        { "country in ['JP' 'DE']", ERR_RULE_SYNTAX, 18, "wanted ',' or ']'" },
        { "country in ['JP'", ERR_RULE_SYNTAX, 17, "wanted ',' or ']'" },
        { "country in ['JP',", ERR_RULE_SYNTAX, 18, "wanted a string or ']'" },
        { "country in [,]", ERR_RULE_SYNTAX, 13, "wanted a string or ']'" },
        { "country in [model]", ERR_RULE_TYPE, 13, "only strings stand in a list" },
        { "country in [['JP']]", ERR_RULE_SYNTAX, 13, "wanted a string or ']'" },
        { "country not 'JP'", ERR_RULE_SYNTAX, 13, "wanted in" },
        { "serial.startwith('F')", ERR_RULE_SYNTAX, 8,
          "unknown method 'startwith' \xe2\x80\x94 did you mean 'startswith'?" },
        { "serial.upper()", ERR_RULE_SYNTAX, 8, "wanted startswith, endswith" },
        { "serial.startswith", ERR_RULE_SYNTAX, 18, "wanted '('" },
        { "serial.startswith()", ERR_RULE_SYNTAX, 19, "wanted a string in quotes" },
        { "serial.startswith(model)", ERR_RULE_TYPE, 19, "wanted one string" },
        { "serial.startswith(['F'])", ERR_RULE_TYPE, 19, "wanted one string" },
        { "serial.startswith('F', 'G')", ERR_RULE_SYNTAX, 22, "wanted ')'" },
        { "serial.startswith('F') == 'x'", ERR_RULE_SYNTAX, 24, "two comparisons" },
        { "'F'.startswith('F')", ERR_RULE_TYPE, 1, "wanted a field before" },
        { "serial.matches('[')", ERR_RULE_PATTERN, 18, "the pattern does not compile" },
        { "serial.matches('(a')", ERR_RULE_PATTERN, 19, "the pattern does not compile" },
        { "serial.matches('\\\\(a')", ERR_NONE, 0, "" },
        { "gr\xc3\xb6\xc3\x9f"
          "e == 'x' and",
          ERR_RULE_FIELD, 1, "unknown field" },
        { "model == '\xc3\xb6' x", ERR_RULE_SYNTAX, 14, "'x' here" }, /* columns are characters */
        { "country == \x01", ERR_RULE_SYNTAX, 12, "a control character" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct rule *rule = NULL;
        char column[32];

        snprintf(column, sizeof(column), "column %u: ", rows[i].column);
        rule_parse(rows[i].condition, strlen(rows[i].condition), *state, &rule, &err);
        if (err.code != rows[i].code ||
            (err.code != ERR_NONE && strncmp(err.text, column, strlen(column)) != 0) ||
            strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].condition, err_wire(err.code), err.text);
        rule_release(rule);
    }
}

static void a_caret_stands_under_the_place(void **state)
{
    struct err err = ERR_INIT;
    struct rule *rule;
    char text[400];

    snprintf(text, sizeof(text), "model == '\xc3\xb6' and contry == 'JP'");
    assert_int_equal(rule_parse(text, strlen(text), *state, &rule, &err), -1);
    assert_string_equal(err.text, "column 18: unknown field 'contry' \xe2\x80\x94 did you mean 'country'?\n"
                                  "    model == '\xc3\xb6' and contry == 'JP'\n"
                                  "                     ^");
    /* Far out, only the surroundings are shown. */
    snprintf(text, sizeof(text), "model == '%0200d' and contry == 'JP'", 0);
    assert_int_equal(rule_parse(text, strlen(text), *state, &rule, &err), -1);
    assert_non_null(strstr(err.text, "column 217: "));
    assert_non_null(strstr(err.text, "\n    0000"));
    assert_non_null(strstr(err.text, "' and contry == 'JP'\n                                        ^"));
}

/* Text that is repeated; malloc'd. */
static char *repeated(const char *head, const char *part, size_t count, const char *tail)
{
    struct buf out;

    buf_init(&out, 1024 * 1024);
    buf_add_str(&out, head);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&out, part);
    buf_add_str(&out, tail);
    return buf_detach(&out);
}

static void hostile_sizes(void **state)
{
    static const struct {
        const char *what, *head, *part;
        size_t count;
        const char *tail;
        enum err_code code;
    } rows[] = {
        { "parentheses to the limit", "", "(", 32, "country == 'JP'", ERR_RULE_SYNTAX }, /* none is closed */
        { "parentheses beyond it", "", "(", 33, "country == 'JP'", ERR_LIMIT },
        { "four thousand of them", "", "(", 4000, "", ERR_LIMIT },
        { "nots to the limit", "", "not ", 32, "country == 'JP'", ERR_NONE },
        { "nots beyond it", "", "not ", 33, "country == 'JP'", ERR_LIMIT },
        { "a long chain", "country == 'JP'", " or model==''", 300, "", ERR_NONE },
        { "a list of strings", "country in ['JP'", ",''", 900, "]", ERR_NONE },
        { "too many strings", "country in ['JP'", ",''", 1001, "]", ERR_LIMIT },
        { "too many bytes", "country == 'JP'", " ", 4096, "", ERR_LIMIT },
        { "as many bytes as may be", "country == 'JP'", " ", 4096 - 15, "", ERR_NONE },
        { "a pattern too long", "serial.matches('", "a", 1025, "')", ERR_RULE_PATTERN },
        { "a pattern nested too deep", "serial.matches('", "(", 600, "')", ERR_RULE_PATTERN },
        { "a pattern that grows", "serial.matches('((((a{9999}){9999}){9999}){9999})", "", 0, "')",
          ERR_RULE_PATTERN },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = repeated(rows[i].head, rows[i].part, rows[i].count, rows[i].tail);
        struct err err = ERR_INIT;
        struct rule *rule = NULL;

        rule_parse(text, strlen(text), *state, &rule, &err);
        if (err.code != rows[i].code)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        rule_release(rule);
        free(text);
    }
}

static void a_pattern_cannot_hold_a_worker_up(void **state)
{
    static const char text[] = "serial.matches('^(a+)+$')";
    const struct device device = { .serial = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" };
    struct err err = ERR_INIT;
    struct rule *rule;
    struct buf why;

    assert_int_equal(rule_parse(text, strlen(text), *state, &rule, &err), 0);
    assert_int_equal(rule_match(rule, &device, &err), -1);
    assert_int_equal(err.code, ERR_RULE_LIMIT);
    assert_non_null(strstr(err.text, "serial.matches('^(a+)+$') on 'aaa"));
    buf_init(&why, 1024);
    assert_int_equal(rule_explain(rule, &device, &why, &err), -1);
    buf_release(&why);
    rule_release(rule);
}

static void no_room_is_an_error(void **state)
{
    static const char text[] = "serial.matches('F') and country in ['JP', 'DE'] and extra.site == 'x'";
    size_t refused = 0;

    (void)state;
    for (size_t room = 0; room < 4096; room += 16) {
        struct pool *pool = pool_new(room);
        struct err err = ERR_INIT;
        struct rule *rule = NULL;

        if (rule_parse(text, strlen(text), pool, &rule, &err) != 0) {
            assert_int_equal(err.code, ERR_LIMIT);
            refused++;
        }
        rule_release(rule);
        pool_free(pool);
    }
    assert_in_range(refused, 10, 255);
}

static void says_why(void **state)
{
    static const struct {
        const char *condition, *why;
    } rows[] = {
        { "country == 'JP'", "country is 'JP'" },
        { "country == 'DE'", "country is 'JP', not 'DE'" },
        { "country != 'DE'", "country is 'JP', not 'DE'" },
        { "country != 'JP'", "country is 'JP'" },
        { "'DE' == country", "country is 'JP', not 'DE'" },
        { "country == serial", "country is 'JP', but serial 'FVFGH2345678'" },
        { "country == country", "country is 'JP', as is country 'JP'" },
        { "country in ['JP', 'DE']", "country 'JP' is in the list" },
        { "country in ['DE']", "country 'JP' is not in the list" },
        { "country not in ['DE']", "country 'JP' is not in the list" },
        { "serial.startswith('F')", "serial 'FVFGH2345678' starts with 'F'" },
        { "serial.startswith('G')", "serial 'FVFGH2345678' does not start with 'G'" },
        { "model.endswith('Pro')", "model 'MacBook Air' does not end with 'Pro'" },
        { "model.contains('Book')", "model 'MacBook Air' contains 'Book'" },
        { "model.matches('^X')", "model 'MacBook Air' does not match '^X'" },
        { "extra.none == 'x'", "extra.none is '', not 'x'" },
        { "not country == 'JP'", "country is 'JP'" },
        { "country == 'JP' and model == 'x' and serial == 'y'", "model is 'MacBook Air', not 'x'" },
        { "country == 'JP' and model != 'x'", "country is 'JP', and model is 'MacBook Air', not 'x'" },
        { "country == 'DE' or serial.startswith('F') or model == 'x'",
          "serial 'FVFGH2345678' starts with 'F'" },
        { "country == 'DE' or model == 'x'",
          "country is 'JP', not 'DE', and model is 'MacBook Air', not 'x'" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct rule *rule;
        struct buf why;

        buf_init(&why, 1024);
        assert_int_equal(rule_parse(rows[i].condition, strlen(rows[i].condition), *state, &rule, &err), 0);
        assert_int_equal(rule_explain(rule, &mac, &why, &err), rule_match(rule, &mac, &err));
        if (strcmp(why.data, rows[i].why) != 0)
            fail_msg("%s: %s", rows[i].condition, why.data);
        buf_release(&why);
        rule_release(rule);
    }
}

/*
 * Conditions made by chance from the grammar must parse, and mean what a second evaluation, done while they
 * are made, says.
 */
static uint32_t chance(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int make_test(struct buf *out, uint32_t *seed)
{
    static const struct {
        const char *text;
        int holds;
    } tests[] = {
        { "country == 'JP'", 1 },         { "country=='DE'", 0 },           { "'x' != serial", 1 },
        { "country in ['JP',]", 1 },      { "country not in [\"JP\"]", 0 }, { "model.contains('Air')", 1 },
        { "serial.matches('^F\\d')", 0 }, { "extra.site != ''", 1 },        { "extra['no'] == 'x'", 0 },
    };
    size_t i = chance(seed) % (sizeof(tests) / sizeof(tests[0]));

    buf_add_str(out, tests[i].text);
    return tests[i].holds;
}

/* level 0: or, 1: and, 2: not and parentheses */
static int make_condition(struct buf *out, uint32_t *seed, int level, int depth)
{
    int holds;

    if (level == 2) {
        uint32_t kind = depth > 0 ? chance(seed) % 4 : 0;

        if (kind < 2)
            return make_test(out, seed);
        buf_add_str(out, kind == 2 ? "not " : "(");
        holds = make_condition(out, seed, kind == 2 ? 2 : 0, depth - 1);
        if (kind == 2)
            return !holds;
        buf_add_str(out, " )");
        return holds;
    }
    holds = make_condition(out, seed, level + 1, depth);
    for (uint32_t more = chance(seed) % 3; more > 0; more--) {
        int next;

        buf_add_str(out, level == 0 ? " or " : "\tand ");
        next = make_condition(out, seed, level + 1, depth);
        holds = level == 0 ? holds | next : holds & next;
    }
    return holds;
}

static void any_condition_means_what_it_says(void **state)
{
    uint32_t seed = 2463534242u;
    unsigned parsed = 0;

    for (int i = 0; i < 5000; i++) {
        struct err err = ERR_INIT;
        struct rule *rule;
        struct buf text, why;
        int holds;

        pool_reset(*state);
        buf_init(&text, 1024 * 1024);
        buf_init(&why, 1024 * 1024);
        holds = make_condition(&text, &seed, 0, 3);
        if (text.len <= RULE_CONDITION_MAX) {
            if (rule_parse(text.data, text.len, *state, &rule, &err) != 0)
                fail_msg("%s: %s", text.data, err.text);
            if (rule_match(rule, &mac, &err) != holds || rule_explain(rule, &mac, &why, &err) != holds)
                fail_msg("%s: wanted %d, %s", text.data, holds, why.data);
            assert_true(why.len > 0);
            rule_release(rule);
            parsed++;
        }
        buf_release(&text);
        buf_release(&why);
    }
    assert_in_range(parsed, 4000, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(conditions_hold_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_name_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(a_caret_stands_under_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pattern_cannot_hold_a_worker_up, setup, teardown),
        cmocka_unit_test(no_room_is_an_error),
        cmocka_unit_test_setup_teardown(says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(any_condition_means_what_it_says, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
