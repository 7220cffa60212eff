#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/mapping.h"

static const char documented[] = "blueprint_mappings:\n"
                                 "  - condition: \"serial.startswith('F')\"\n"
                                 "    blueprint_id: \"bp-1a2b3c4d\"\n"
                                 "    description: \"Education devices (MacBook Air)\"\n"
                                 "  - condition: \"country == 'JP'\"\n"
                                 "    blueprint_id: \"bp-5e6f7g8h\"\n"
                                 "    mdm_server: \"mdm-apac\"            # optional\n"
                                 "  - default: \"bp-9i0j1k2l\"\n";

static struct mapping *load(const char *text)
{
    struct mapping *mapping = NULL;
    struct err err = ERR_INIT;

    if (mapping_load(text, strlen(text), "blueprints.yaml", &mapping, &err) != 0)
        fail_msg("%s", err.text);
    return mapping;
}

static void the_documented_file(void **state)
{
    static const struct {
        struct device device;
        size_t number, line;
        const char *blueprint_id, *mdm_server, *text;
    } rows[] = {
        { { .serial = "FVFGH2345678", .country = "JP" },
          1,
          2,
          "bp-1a2b3c4d",
          NULL,
          "1: serial.startswith('F')" },
        { { .serial = "C02XL0THJGH5", .country = "JP" },
          2,
          5,
          "bp-5e6f7g8h",
          "mdm-apac",
          "2: country == 'JP'" },
        { { .serial = "C02XL0THJGH5", .country = "DE" }, 3, 8, "bp-9i0j1k2l", NULL, "3: default" },
    };
    struct mapping *mapping = load(documented);

    (void)state;
    assert_int_equal(mapping_count(mapping), 3);
    assert_string_equal(mapping_at(mapping, 0)->description, "Education devices (MacBook Air)");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct mapping_rule *rule = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(mapping_resolve(mapping, &rows[i].device, &rule, &err), 1);
        assert_int_equal(rule->number, rows[i].number);
        assert_int_equal(rule->line, rows[i].line);
        assert_string_equal(rule->blueprint_id, rows[i].blueprint_id);
        assert_string_equal(rule->text, rows[i].text);
        if (rows[i].mdm_server == NULL)
            assert_null(rule->mdm_server);
        else
            assert_string_equal(rule->mdm_server, rows[i].mdm_server);
    }
    mapping_free(mapping);
}

static void without_a_default_there_may_be_no_rule(void **state)
{
    struct mapping *mapping =
        load("blueprint_mappings:\n- {condition: \"country == 'JP'\", blueprint_id: bp-1}\n");
    const struct device device = { .serial = "S", .country = "DE" };
    const struct mapping_rule *rule = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(mapping_resolve(mapping, &device, &rule, &err), 0);
    assert_null(rule);
    mapping_free(mapping);
}

static void a_pattern_that_gives_up_names_its_rule(void **state)
{
    struct mapping *mapping = load("blueprint_mappings:\n- condition: \"model.matches('^(a+)+$')\"\n"
                                   "  blueprint_id: bp-1\n- default: bp-2\n");
    const struct device hostile = { .model = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" },
                        plain = { .model = "b" };
    const struct mapping_rule *rule = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(mapping_resolve(mapping, &hostile, &rule, &err), -1);
    assert_int_equal(err.code, ERR_RULE_LIMIT);
    assert_non_null(strstr(err.text, "blueprints.yaml:2: rule 1: model.matches('^(a+)+$')"));
    assert_int_equal(mapping_resolve(mapping, &plain, &rule, &err), 1);
    assert_string_equal(rule->blueprint_id, "bp-2");
    mapping_free(mapping);
}

static void equal_targets_have_equal_numbers(void **state)
{
    static const uint32_t wanted[] = { 1, 2, 1, 4, 2, 4 };
    struct mapping *mapping = load("blueprint_mappings:\n"
                                   "- {condition: \"model == '1'\", blueprint_id: z}\n"
                                   "- {condition: \"model == '2'\", blueprint_id: a, mdm_server: m}\n"
                                   "- {condition: \"model == '3'\", blueprint_id: z}\n"
                                   "- {condition: \"model == '4'\", blueprint_id: a}\n"
                                   "- {condition: \"model == '5'\", blueprint_id: a, mdm_server: m}\n"
                                   "- {default: a}\n");

    (void)state;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(mapping_at(mapping, i)->target, wanted[i]);
    mapping_free(mapping);
}

static void explains_each_rule(void **state)
{
    static const struct {
        int holds;
        const char *why;
    } rows[] = {
        { 0, "serial 'C02XL0THJGH5' does not start with 'F'" },
        { 1, "country is 'JP'" },
        { 1, "the default takes every device" },
    };
    const struct device device = { .serial = "C02XL0THJGH5", .country = "JP" };
    struct mapping *mapping = load(documented);
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct buf why;

        buf_init(&why, 1024);
        assert_int_equal(mapping_explain(mapping, i, &device, &why, &err), rows[i].holds);
        assert_string_equal(why.data, rows[i].why);
        buf_release(&why);
    }
    mapping_free(mapping);
}

static void a_long_condition_is_cut_for_the_way(void **state)
{
    struct mapping *mapping;
    const char *text;
    struct buf file;

    (void)state;
    buf_init(&file, 8192);
    buf_add_str(&file, "blueprint_mappings:\n- condition: |\n    model == '");
    for (int i = 0; i < 100; i++)
        buf_add_str(&file, "\xc3\xa4");
    buf_add_str(&file, "'\n    or country == 'JP'\n  blueprint_id: bp-1\n");
    mapping = load(file.data);
    text = mapping_at(mapping, 0)->text;
    assert_in_range(strlen(text), MAPPING_TEXT_MAX - 2, MAPPING_TEXT_MAX);
    assert_string_equal(text + strlen(text) - 5, "\xc3\xa4...");
    buf_release(&file);
    mapping_free(mapping);
}

#define RULES "blueprint_mappings:\n"
#define GOOD  RULES "- default: bp-1\n"

static void errors_name_their_place(void **state)
{
    static const struct {
        const char *what, *text;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "nothing", "", ERR_RULE_FILE, "blueprints.yaml:1:1: the file is empty" },
        { "a comment alone", "# rules\n", ERR_RULE_FILE, "the file is empty" },
        { "a list", "- a\n", ERR_RULE_FILE, "the file is a list, wanted a map" },
        { "no YAML", "a: [\n", ERR_YAML, "blueprints.yaml:" },
        { "a key twice", GOOD "blueprint_mappings: []\n", ERR_YAML, "blueprints.yaml:3:1" },
        { "another key", "rules: []\n", ERR_RULE_FILE,
          "blueprints.yaml:1:1: unknown key 'rules' in the file" },
        { "a near miss", "blueprint_mapping: []\n", ERR_RULE_FILE, "did you mean 'blueprint_mappings'?" },
        { "only tests", "tests: []\n", ERR_RULE_FILE, "blueprint_mappings: is missing" },
        { "no list", "blueprint_mappings: {}\n", ERR_RULE_FILE,
          "1:21: blueprint_mappings is a map, wanted a list" },
        { "an empty list", "blueprint_mappings: []\n", ERR_RULE_FILE, "blueprint_mappings is empty" },
        { "a rule that is text", RULES "- x\n", ERR_RULE_FILE, "2:3: a rule is a value, wanted a map" },
        { "a rule with another key", RULES "- {condition: \"model == 'x'\", blueprintid: a}\n", ERR_RULE_FILE,
          "unknown key 'blueprintid' in a rule \xe2\x80\x94 did you mean 'blueprint_id'?" },
        { "no condition", RULES "- {blueprint_id: a}\n", ERR_RULE_FILE, "2:3: the rule has no condition" },
        { "no blueprint", RULES "- {condition: \"model == 'x'\"}\n", ERR_RULE_FILE,
          "2:3: the rule has no blueprint_id" },
        { "an empty blueprint", RULES "- {condition: \"model == 'x'\", blueprint_id: }\n", ERR_RULE_FILE,
          "blueprint_id is empty" },
        { "a quoted empty blueprint", RULES "- {condition: \"model == 'x'\", blueprint_id: \"\"}\n",
          ERR_RULE_FILE, "blueprint_id '' is empty" },
        { "a path", RULES "- {condition: \"model == 'x'\", blueprint_id: a/b}\n", ERR_RULE_FILE,
          "2:45: blueprint_id 'a/b' has a '/'" },
        { "a bad server", RULES "- {default: a, mdm_server: a/b}\n", ERR_RULE_FILE,
          "mdm_server 'a/b' has a '/'" },
        { "a list for a blueprint", RULES "- {default: [a]}\n", ERR_RULE_FILE,
          "default is a list, wanted text" },
        { "condition and default", RULES "- {condition: \"model == 'x'\", default: a}\n", ERR_RULE_FILE,
          "not both" },
        { "default and blueprint", RULES "- {default: a, blueprint_id: b}\n", ERR_RULE_FILE,
          "the default names its blueprint itself: default: \"b\"" },
        { "a default before a rule", RULES "- default: a\n- {condition: \"model == 'x'\", blueprint_id: b}\n",
          ERR_RULE_FILE, "2:3: the default is not last" },
        { "two defaults", RULES "- default: a\n- default: b\n", ERR_RULE_FILE,
          "2:3: the default is not last" },
        { "a wrong condition", RULES "- default: a\n", ERR_NONE, "" },
        { "a condition that does not parse", RULES "- blueprint_id: a\n  condition: \"contry == 'JP'\"\n",
          ERR_RULE_FIELD,
          "blueprints.yaml:3:14: condition, rule 1: column 1: unknown field 'contry' \xe2\x80\x94 did you "
          "mean "
          "'country'?\n    contry == 'JP'\n    ^" },
        { "an empty condition", RULES "- {condition: \"\", blueprint_id: a}\n", ERR_RULE_SYNTAX,
          "condition is empty" },
        { "no condition at all", RULES "- {condition: , blueprint_id: a}\n", ERR_RULE_FILE,
          "condition is empty" },
        { "a type", RULES "- {condition: serial, blueprint_id: a}\n", ERR_RULE_TYPE, "a field alone" },
        { "tests that are text", GOOD "tests: x\n", ERR_RULE_FILE, "3:8: tests is a value, wanted a list" },
        { "no tests", GOOD "tests:\n", ERR_NONE, "" },
        { "a test without expect", GOOD "tests:\n- {serial: A}\n", ERR_RULE_FILE,
          "4:3: the test has no expect" },
        { "a test with another key", GOOD "tests:\n- {serial: A, expects: bp-1}\n", ERR_RULE_FILE,
          "did you mean 'expect'?" },
        { "a test whose extra is text", GOOD "tests:\n- {extra: x, expect: bp-1}\n", ERR_RULE_FILE,
          "extra is a value, wanted a map" },
        { "a test whose column is a list", GOOD "tests:\n- {extra: {a: []}, expect: bp-1}\n", ERR_RULE_FILE,
          "extra.a is a list" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mapping *mapping = NULL;
        struct err err = ERR_INIT;

        (void)!mapping_load(rows[i].text, strlen(rows[i].text), "blueprints.yaml", &mapping, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        mapping_free(mapping);
    }
}

static void keeps_its_limits(void **state)
{
    struct mapping *mapping = NULL;
    struct err err = ERR_INIT;
    struct buf file;

    (void)state;
    buf_init(&file, 2 * MAPPING_MAX_BYTES);
    buf_add_str(&file, RULES);
    for (int i = 0; i < MAPPING_MAX_RULES; i++)
        buf_addf(&file, "- {condition: \"serial.matches('^C%d')\", blueprint_id: bp-%d}\n", i, i);
    if (mapping_load(file.data, file.len, "big.yaml", &mapping, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(mapping_count(mapping), MAPPING_MAX_RULES);
    mapping_free(mapping);
    buf_add_str(&file, "- default: bp-1\n");
    assert_int_equal(mapping_load(file.data, file.len, "big.yaml", &mapping, &err), -1);
    assert_int_equal(err.code, ERR_RULE_FILE);
    assert_non_null(strstr(err.text, "10001 rules, at most 10000"));
    while (file.len <= MAPPING_MAX_BYTES)
        buf_add_str(&file, "# ................................................................\n");
    assert_int_equal(mapping_load(file.data, file.len, "big.yaml", &mapping, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_release(&file);
}

static void runs_the_tests_of_the_file(void **state)
{
    static const struct {
        bool is_passed;
        const char *text;
    } rows[] = {
        { true, "" },
        { false, "got 'bp-1a2b3c4d' by rule 1: serial.startswith('F'), wanted 'bp-5e6f7g8h'" },
        { false, "got 'bp-9i0j1k2l' by rule 3: default, wanted no rule" },
        { true, "" },
        { false, "got server 'mdm-apac' by rule 2: country == 'JP', wanted none" },
        { false, "got server none by rule 3: default, wanted 'mdm-1'" },
        { true, "" },
    };
    struct mapping *mapping;
    struct buf file;

    (void)state;
    buf_init(&file, 8192);
    buf_add_str(&file, documented);
    buf_add_str(&file, "tests:\n"
                       "- {serial: FVFGH2345678, expect: bp-1a2b3c4d, description: 'an F'}\n"
                       "- {serial: FVFGH2345678, expect: bp-5e6f7g8h}\n"
                       "- {serial: C02, expect: null}\n"
                       "- {serial: C02, country: JP, expect: bp-5e6f7g8h, expect_mdm_server: mdm-apac}\n"
                       "- {serial: C02, country: JP, expect: bp-5e6f7g8h, expect_mdm_server: null}\n"
                       "- {serial: C02, country: DE, expect: bp-9i0j1k2l, expect_mdm_server: mdm-1}\n"
                       "- {extra: {site: x}, model: 5, expect: bp-9i0j1k2l, expect_mdm_server: ~}\n");
    mapping = load(file.data);
    assert_int_equal(mapping_case_count(mapping), 7);
    assert_int_equal(mapping_case_at(mapping, 0)->line, 10);
    assert_string_equal(mapping_case_at(mapping, 0)->description, "an F");
    for (size_t i = 0; i < 7; i++) {
        struct mapping_case_result result;

        mapping_run_case(mapping, i, &result);
        if (result.is_passed != rows[i].is_passed || strcmp(result.text, rows[i].text) != 0)
            fail_msg("test %zu: %s", i, result.text);
    }
    buf_release(&file);
    mapping_free(mapping);
}

static void the_example_in_config_passes_its_tests(void **state)
{
    char text[8192];
    struct mapping *mapping;
    FILE *file = fopen(TEST_TOP "/config/blueprints.yaml", "r");

    (void)state;
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    mapping = load(text);
    assert_true(mapping_case_count(mapping) > 0);
    for (size_t i = 0; i < mapping_case_count(mapping); i++) {
        struct mapping_case_result result;

        mapping_run_case(mapping, i, &result);
        if (!result.is_passed)
            fail_msg("line %zu: %s", mapping_case_at(mapping, i)->line, result.text);
    }
    mapping_free(mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_file),
        cmocka_unit_test(without_a_default_there_may_be_no_rule),
        cmocka_unit_test(a_pattern_that_gives_up_names_its_rule),
        cmocka_unit_test(equal_targets_have_equal_numbers),
        cmocka_unit_test(explains_each_rule),
        cmocka_unit_test(a_long_condition_is_cut_for_the_way),
        cmocka_unit_test(errors_name_their_place),
        cmocka_unit_test(keeps_its_limits),
        cmocka_unit_test(runs_the_tests_of_the_file),
        cmocka_unit_test(the_example_in_config_passes_its_tests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
