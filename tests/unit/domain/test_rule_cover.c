/*
 * Rules that no device can hit. What is said is held against all devices of a small world; what is to be
 * found is in rows.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/rule_cover.h"

#define RULES_MAX 8

/* Conditions to a mapping; "": a default. */
static struct mapping *load(const char *const *conditions, size_t count)
{
    struct mapping *mapping;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, MAPPING_MAX_BYTES);
    buf_add_str(&text, "blueprint_mappings:\n");
    for (size_t i = 0; i < count; i++)
        if (conditions[i][0] == '\0')
            buf_add_str(&text, "  - default: bp\n");
        else
            buf_addf(&text, "  - { condition: \"%s\", blueprint_id: bp }\n", conditions[i]);
    if (mapping_load(text.data, text.len, "rules", &mapping, &err) != 0)
        fail_msg("%s\n%s", err.text, text.data);
    buf_release(&text);
    return mapping;
}

/* "reached", "unknown", "never", "taken 1 3" (numbers from 1). */
static const char *judge(struct rule_cover *cover, size_t index, struct rule_cover_result *result)
{
    static const char *const names[] = { "reached", "unknown", "never", "taken" };
    static char text[64 + 8 * RULE_COVER_TAKERS_MAX];
    size_t len;

    rule_cover_judge(cover, index, result);
    len = (size_t)snprintf(text, sizeof(text), "%s", names[result->kind]);
    for (size_t i = 0; i < result->taker_count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, " %zu", result->takers[i] + 1);
    return text;
}

/* The last of the conditions is judged. */
static void judges_rules(void **state)
{
    static const struct {
        const char *want;
        const char *conditions[RULES_MAX];
    } rows[] = {
        { "reached", { "country == 'JP'" } },
        /* contradictions */
        { "never", { "country == 'JP' and country == 'DE'" } },
        { "never", { "country == 'JP' and country != 'JP'" } },
        { "never", { "country == 'JP' and country in ['DE', 'FR']" } },
        { "never", { "country in ['JP', 'KR'] and country not in ['KR', 'JP', 'DE']" } },
        { "never", { "serial.startswith('F') and serial.startswith('G')" } },
        { "never", { "serial.endswith('12') and serial.endswith('13')" } },
        { "never", { "serial.startswith('FV') and not serial.startswith('F')" } },
        { "never", { "serial.endswith('FV') and not serial.endswith('V')" } },
        { "never", { "serial.startswith('FVX') and not serial.contains('VX')" } },
        { "never", { "model.contains('Air') and not model.contains('i')" } },
        { "never", { "serial == 'F1' and serial.startswith('G')" } },
        { "never", { "serial == 'F1' and serial.matches('^[A-Z]+$')" } },
        { "never", { "serial.matches('^F[0-9]') and not serial.matches('^F[0-9]')" } },
        { "never", { "serial.matches('^FV') and serial.matches('^G')" } },
        { "never", { "serial.matches('^FV$') and serial != 'FV'" } },
        { "never", { "not serial.startswith('')" } },
        { "never", { "not model.contains('')" } },
        { "never", { "not serial == serial" } },
        { "never", { "serial == model and serial == 'a' and model == 'b'" } },
        { "never", { "serial == model and model == asset_tag and serial != asset_tag" } },
        { "never", { "not (country == 'JP' or country != 'JP')" } },
        { "never", { "(country == 'JP' or country == 'DE') and (country == 'FR' or country == 'IT')" } },
        { "never", { "extra.site == 'x' and extra['site'] == 'y'" } },
        { "never", { "country == 'A'", "country == 'JP' and country == 'DE'" } },
        /* what can be */
        { "reached", { "serial.startswith('F') and serial.startswith('FV')" } },
        { "reached", { "serial.startswith('F') and not serial.startswith('FV')" } },
        { "reached", { "serial.startswith('ab') and serial.endswith('ba') and not serial.contains('aba')" } },
        { "reached", { "serial.contains('a') and serial.contains('b') and not serial.contains('ab')" } },
        { "reached", { "extra.site == 'x' and model == 'y'" } },
        { "reached", { "serial == model and model != ''" } },
        { "reached", { "serial != model" } },
        { "reached", { "serial in ['F1', 'FA'] and serial.matches('^[A-Z]+$')" } },
        { "reached", { "model == '' and extra.none == ''" } },
        { "reached", { "not serial.matches('^F[0-9]')" } },
        { "reached", { "extra.serial == 'x' and serial == 'y'" } },
        { "unknown", { "serial.matches('^F[0-9]')" } },
        { "unknown",
          { "serial.matches('^(a+)+$') and serial == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'" } },
        /* taken by one */
        { "taken 1", { "country == 'JP'", "country == 'JP'" } },
        { "taken 1", { "country == 'JP'", "'JP' == country" } },
        { "taken 1", { "country == 'JP'", "country in ['JP']" } },
        { "taken 1", { "country in ['DE', 'JP']", "country == 'JP'" } },
        { "taken 1", { "country in ['DE', 'JP', 'KR']", "country in ['KR', 'JP']" } },
        { "reached", { "country in ['DE', 'JP']", "country in ['KR', 'JP']" } },
        { "taken 1", { "serial.startswith('F')", "serial.startswith('FV')" } },
        { "reached", { "serial.startswith('FV')", "serial.startswith('F')" } },
        { "taken 1", { "serial.startswith('F')", "serial == 'FV1'" } },
        { "taken 1", { "serial.endswith('1')", "serial.endswith('01')" } },
        { "taken 1", { "model.contains('Air')", "model.endswith('MacBook Air')" } },
        { "taken 1", { "serial.matches('^FV')", "serial.startswith('FVF')" } },
        { "taken 1", { "serial.startswith('F')", "serial.matches('^FV$')" } },
        { "taken 1", { "country == 'JP'", "country == 'JP' and model == 'x'" } },
        { "reached", { "country == 'JP' and model == 'x'", "country == 'JP'" } },
        { "taken 1", { "country == 'JP' or country == 'DE'", "country == 'DE'" } },
        { "taken 1", { "country == 'JP' or country == 'DE'", "country in ['DE', 'JP']" } },
        { "taken 1", { "not country == 'JP'", "country == 'DE'" } },
        { "taken 1", { "country != 'JP'", "country == 'DE'" } },
        { "taken 1", { "country not in ['JP', 'KR']", "country == 'DE'" } },
        { "reached", { "country != 'JP'", "country in ['DE', 'JP']" } },
        { "taken 1", { "not (country == 'JP' and model == 'x')", "model == 'y'" } },
        { "taken 1", { "not model == 'x'", "not model in ['x', 'y']" } },
        { "taken 1", { "serial.startswith('')", "country == 'JP'" } },
        { "taken 1", { "serial == serial", "" } },
        { "taken 1", { "serial == model", "model == serial and country == 'JP'" } },
        { "taken 1", { "serial.matches('^F[0-9]')", "serial.matches('^F[0-9]')" } },
        { "taken 2",
          { "country == 'JP'", "serial.matches('^F[0-9]')", "serial.matches('^F[0-9]') and model == 'x'" } },
        { "taken 1", { "serial.matches('^F[0-9]')", "serial == 'F1'" } },
        { "taken 2",
          { "country == 'JP'", "serial.startswith('F')", "serial.startswith('FV') and model == 'x'" } },
        { "taken 1", { "extra.site == 'x'", "extra['site'] == 'x' and country == 'DE'" } },
        /* by several */
        { "taken 1 2", { "country == 'JP'", "country == 'KR'", "country in ['JP', 'KR']" } },
        { "taken 1 2", { "country == 'JP'", "country != 'JP'", "" } },
        { "taken 1 2", { "model == 'x'", "model != 'x'", "country == 'JP'", "" } },
        { "taken 2 3",
          { "country == 'FR'", "country == 'JP' and model == 'x'", "model != 'x'", "country == 'JP'" } },
        { "taken 1 2 3 4",
          { "country == 'A' and model == 'x'", "country != 'A' and model == 'x'",
            "country == 'A' and model != 'x'", "country != 'A' and model != 'x'", "" } },
        { "reached", { "country == 'JP'", "serial.startswith('F')", "" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rule_cover_result result;
        struct rule_cover *cover;
        struct mapping *mapping;
        const char *got;
        size_t count = 0;

        while (count < RULES_MAX && rows[i].conditions[count] != NULL)
            count++;
        mapping = load(rows[i].conditions, count);
        cover = rule_cover_new(mapping);
        assert_non_null(cover);
        got = judge(cover, count - 1, &result);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s (%zu): %s instead of %s", rows[i].conditions[count - 1], i, got, rows[i].want);
        rule_cover_free(cover);
        mapping_free(mapping);
    }
}

/* A default that is not there: is one needed? */
static void asks_for_a_default(void **state)
{
    static const char *const open[] = { "country == 'JP'", "country == 'DE'" };
    static const char *const whole[] = { "country == 'JP'", "not country in ['JP', 'KR']",
                                         "country == 'KR'" };
    static const char *const fallback[] = { "country == 'JP'", "" };
    static const char *const pattern[] = { "serial.matches('.')" };
    struct rule_cover_result result;
    struct rule_cover *cover;
    struct mapping *mapping;

    (void)state;
    mapping = load(open, 2);
    cover = rule_cover_new(mapping);
    assert_string_equal(judge(cover, 2, &result), "reached");
    rule_cover_free(cover);
    mapping_free(mapping);
    mapping = load(whole, 3);
    cover = rule_cover_new(mapping);
    assert_string_equal(judge(cover, 3, &result), "taken 1 2 3");
    rule_cover_free(cover);
    mapping_free(mapping);
    mapping = load(pattern, 1);
    cover = rule_cover_new(mapping);
    assert_string_equal(judge(cover, 1, &result), "reached"); /* the empty serial */
    rule_cover_free(cover);
    mapping_free(mapping);
    mapping = load(fallback, 2);
    cover = rule_cover_new(mapping);
    assert_string_equal(judge(cover, 2, &result), "taken 2");
    rule_cover_free(cover);
    mapping_free(mapping);
}

/* --- all devices of a small world --- */

#define WORDS_MAX 15

static const char *const world[WORDS_MAX] = { "",    "a",   "b",   "aa",  "ab",  "ba",  "bb", "aaa",
                                              "aab", "aba", "abb", "baa", "bab", "bba", "bbb" };

static uint32_t chance(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static const char *word(uint32_t *seed)
{
    return world[chance(seed) % 7];
}

static void make_test(struct buf *out, uint32_t *seed, bool is_exact)
{
    static const char *const fields[] = { "serial", "country", "extra.x" };
    static const char *const patterns[] = { "^a", "b$", "^ab$", "a", "a+b", "^[ab]$", "^b?a", "." };
    const char *field = fields[chance(seed) % 3];

    switch (chance(seed) % (is_exact ? 8 : 11)) {
    case 0:
    case 1: buf_addf(out, "%s == '%s'", field, word(seed)); break;
    case 2: buf_addf(out, "%s != '%s'", field, word(seed)); break;
    case 3: buf_addf(out, "%s in ['%s', '%s']", field, word(seed), word(seed)); break;
    case 4: buf_addf(out, "%s not in ['%s', '%s']", field, word(seed), word(seed)); break;
    case 5: buf_addf(out, "%s.startswith('%s')", field, word(seed)); break;
    case 6: buf_addf(out, "%s.endswith('%s')", field, word(seed)); break;
    case 7: buf_addf(out, "%s.contains('%s')", field, word(seed)); break;
    case 8: buf_addf(out, "%s == %s", field, fields[chance(seed) % 3]); break;
    default: buf_addf(out, "%s.matches('%s')", field, patterns[chance(seed) % 8]); break;
    }
}

static void make_condition(struct buf *out, uint32_t *seed, bool is_exact, int depth)
{
    uint32_t kind = chance(seed) % (depth > 0 ? 6 : 2);

    if (kind < 2) {
        make_test(out, seed, is_exact);
    } else if (kind == 2) {
        buf_add_str(out, "not (");
        make_condition(out, seed, is_exact, depth - 1);
        buf_add_char(out, ')');
    } else {
        buf_add_char(out, '(');
        make_condition(out, seed, is_exact, depth - 1);
        buf_add_str(out, kind < 5 ? " and " : " or ");
        make_condition(out, seed, is_exact, depth - 1);
        buf_add_char(out, ')');
    }
}

static bool holds(const struct mapping *mapping, size_t index, const struct device *device)
{
    struct err err = ERR_INIT;
    struct buf why;
    int rc;

    buf_init(&why, 65536);
    rc = mapping_explain(mapping, index, device, &why, &err);
    buf_release(&why);
    assert_true(rc >= 0);
    return rc == 1;
}

/* No device of the world hits a rule of which that is said. */
static void check_against_world(const struct mapping *mapping, size_t index,
                                const struct rule_cover_result *result, const char *text)
{
    if (result->kind != COVER_NEVER && result->kind != COVER_TAKEN)
        return;
    for (size_t i = 0; i < WORDS_MAX * WORDS_MAX * WORDS_MAX; i++) {
        struct device_extra extra = { "x", world[i / WORDS_MAX / WORDS_MAX] };
        struct device device = { .row = 1,
                                 .serial = world[i % WORDS_MAX],
                                 .country = world[i / WORDS_MAX % WORDS_MAX],
                                 .extra = &extra,
                                 .extra_count = 1 };
        bool is_taken = !holds(mapping, index, &device);

        for (size_t k = 0; !is_taken && k < result->taker_count; k++) {
            assert_true(result->takers[k] < index);
            is_taken = holds(mapping, result->takers[k], &device);
        }
        if (!is_taken)
            fail_msg("rule %zu is hit by '%s' '%s' '%s':\n%s", index + 1, device.serial, device.country,
                     extra.value, text);
    }
}

static void check_any(bool is_exact, int tries, unsigned want[4])
{
    uint32_t seed = is_exact ? 362436069u : 521288629u;

    for (int i = 0; i < tries; i++) {
        size_t count = 1 + chance(&seed) % (RULES_MAX - 1);
        const char *conditions[RULES_MAX];
        struct buf texts[RULES_MAX], all;
        struct rule_cover *cover;
        struct mapping *mapping;

        buf_init(&all, 65536);
        for (size_t k = 0; k < count; k++) {
            buf_init(&texts[k], 4096);
            make_condition(&texts[k], &seed, is_exact, 2);
            conditions[k] = texts[k].data;
            buf_addf(&all, "%s\n", conditions[k]);
        }
        conditions[count] = "";
        mapping = load(conditions, count + 1);
        cover = rule_cover_new(mapping);
        assert_non_null(cover);
        for (size_t k = 0; k <= count; k++) {
            struct rule_cover_result result;

            rule_cover_judge(cover, k, &result);
            check_against_world(mapping, k, &result, all.data);
            if (is_exact && result.kind == COVER_UNKNOWN)
                fail_msg("rule %zu is not judged:\n%s", k + 1, all.data);
            want[result.kind]++;
        }
        rule_cover_free(cover);
        mapping_free(mapping);
        for (size_t k = 0; k < count; k++)
            buf_release(&texts[k]);
        buf_release(&all);
    }
}

/*
 * REACHED is said only of a device that the rules themselves have been asked about, NEVER and TAKEN are held
 * against the world here, and nothing is left open: so the answers are exact.
 */
static void nothing_wrong_is_said(void **state)
{
    unsigned said[4] = { 0 };

    (void)state;
    check_any(true, 1000, said);
    printf("exact: %u reached, %u never, %u taken\n", said[COVER_REACHED], said[COVER_NEVER],
           said[COVER_TAKEN]);
    assert_true(said[COVER_REACHED] > 1000 && said[COVER_NEVER] > 200 && said[COVER_TAKEN] > 800);
}

static void nor_with_patterns_and_two_fields(void **state)
{
    unsigned said[4] = { 0 };

    (void)state;
    check_any(false, 1000, said);
    printf("any: %u reached, %u unknown, %u never, %u taken\n", said[COVER_REACHED], said[COVER_UNKNOWN],
           said[COVER_NEVER], said[COVER_TAKEN]);
    assert_true(said[COVER_REACHED] > 1000 && said[COVER_NEVER] > 150 && said[COVER_TAKEN] > 500);
}

/* --- limits --- */

/* 20 choices of 20 that all end in a contradiction: more ways than there is time for. */
static void too_many_ways_are_unknown(void **state)
{
    const char *conditions[2];
    struct rule_cover_result result;
    struct rule_cover *cover;
    struct mapping *mapping;
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    for (int i = 0; i < 18; i++) {
        buf_addf(&text, "%s(", i > 0 ? " and " : "");
        for (int k = 0; k < 6; k++)
            buf_addf(&text, "%sextra.f%d == '%c'", k > 0 ? " or " : "", i, 'a' + k);
        buf_add_char(&text, ')');
    }
    buf_add_str(&text, " and (model == 'a' or model == 'b') and (model == 'c' or model == 'd')");
    assert_false(text.is_failed);
    conditions[0] = text.data;
    conditions[1] = "";
    mapping = load(conditions, 2);
    cover = rule_cover_new(mapping);
    /* The contradiction may be met first or last: either is right, but never "reached". */
    rule_cover_judge(cover, 0, &result);
    assert_true(result.kind == COVER_UNKNOWN || result.kind == COVER_NEVER);
    assert_string_equal(judge(cover, 1, &result),
                        "reached"); /* the limit of one rule is not that of the next */
    rule_cover_free(cover);
    mapping_free(mapping);
    buf_release(&text);
}

/* Thousands of rules, the last of them taken by one in the middle. */
static void many_rules(void **state)
{
    enum { RULES = 3000 };
    static char texts[RULES][40];
    const char *conditions[RULES + 1];
    struct rule_cover_result result;
    struct rule_cover *cover;
    struct mapping *mapping;

    (void)state;
    for (int i = 0; i < RULES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "serial.startswith('F%05d')", i);
        conditions[i] = texts[i];
    }
    conditions[RULES] = "serial == 'F01234X' and country == 'JP'";
    mapping = load(conditions, RULES + 1);
    cover = rule_cover_new(mapping);
    for (size_t i = 0; i < RULES; i++) {
        rule_cover_judge(cover, i, &result);
        assert_int_equal(result.kind, COVER_REACHED);
    }
    assert_string_equal(judge(cover, RULES, &result), "taken 1235");
    rule_cover_free(cover);
    mapping_free(mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_rules),
        cmocka_unit_test(asks_for_a_default),
        cmocka_unit_test(nothing_wrong_is_said),
        cmocka_unit_test(nor_with_patterns_and_two_fields),
        cmocka_unit_test(too_many_ways_are_unknown),
        cmocka_unit_test(many_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
