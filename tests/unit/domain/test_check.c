#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/check.h"
#include "domain/country.h"

static int setup(void **state)
{
    struct err err = ERR_INIT;
    struct serial_pattern *pattern = NULL;

    if (serial_pattern_new("^[A-Z0-9]{10,12}$", &pattern, &err) != 0)
        return -1;
    *state = pattern;
    return 0;
}

static int teardown(void **state)
{
    serial_pattern_free(*state);
    return 0;
}

static const char *repeat(char c, size_t count)
{
    static char text[2048];

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static void check_one(void **state, const char *what, const struct device *device, enum err_code code,
                      const char *says)
{
    struct err err = ERR_INIT;
    int rc = device_check(device, *state, &err);

    if (rc != (code == ERR_NONE ? 0 : -1) || err.code != code || strstr(err.text, says) == NULL)
        fail_msg("%s: %d %s: %s", what, rc, err_wire(err.code), err.text);
}

static void serials(void **state)
{
    static const struct {
        const char *what, *serial;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "twelve", "FVFGH2345678", ERR_NONE, "" },
        { "ten", "C02XL0THJG", ERR_NONE, "" },
        { "none", NULL, ERR_SERIAL_EMPTY, "serial is empty" },
        { "empty", "", ERR_SERIAL_EMPTY, "serial is empty" },
        { "nine", "C02XL0THJ", ERR_SERIAL_FORMAT,
          "'C02XL0THJ' does not match ^[A-Z0-9]{10,12}$: it has 9 characters" },
        { "eighteen", "C02XL0THJGH5C02XL0", ERR_SERIAL_FORMAT, "it has 18 characters" },
        { "lower case", "fvfgh2345678", ERR_SERIAL_FORMAT, "12 characters, and lower-case letters" },
        { "a blank", "FVFGH 234567", ERR_SERIAL_FORMAT, "and a blank in it" },
        { "a dash", "FVFGH-234567", ERR_SERIAL_FORMAT, "something other than letters and digits" },
        { "a newline behind it", "FVFGH2345678\n", ERR_SERIAL_FORMAT, "it has 13 characters" },
        { "no UTF-8",
          "FVFGH\xff"
          "345678",
          ERR_FIELD_TEXT, "no valid UTF-8" },
        { "an umlaut",
          "FVFGH\xc3\x84"
          "2345678",
          ERR_SERIAL_FORMAT, "it has 13 characters" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_one(state, rows[i].what, &(struct device){ .serial = rows[i].serial, .country = "JP" },
                  rows[i].code, rows[i].says);
    check_one(state, "a thousand", &(struct device){ .serial = repeat('A', 1000), .country = "JP" },
              ERR_SERIAL_FORMAT, "has 1000 characters");
}

static void countries(void **state)
{
    static const struct {
        const char *what, *country;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "Japan", "JP", ERR_NONE, "" },
        { "Zimbabwe", "ZW", ERR_NONE, "" },
        { "Andorra", "AD", ERR_NONE, "" },
        { "none", NULL, ERR_COUNTRY_EMPTY, "country is empty" },
        { "empty", "", ERR_COUNTRY_EMPTY, "country is empty" },
        { "UK", "UK", ERR_COUNTRY_UNKNOWN, "did you mean 'GB'?" },
        { "user-assigned", "XX", ERR_COUNTRY_UNKNOWN, "country 'XX' is no ISO 3166-1 alpha-2 code" },
        { "reserved", "EU", ERR_COUNTRY_UNKNOWN, "'EU'" },
        { "withdrawn", "YU", ERR_COUNTRY_UNKNOWN, "'YU'" },
        { "lower case", "jp", ERR_COUNTRY_UNKNOWN, "in lower case \xe2\x80\x94 did you mean 'JP'?" },
        { "alpha-3", "DEU", ERR_COUNTRY_UNKNOWN, "did you mean 'DE'?" },
        { "a name", "Germany", ERR_COUNTRY_UNKNOWN, "'Germany'" },
        { "a blank", "JP ", ERR_COUNTRY_UNKNOWN, "'JP '" },
        { "one letter", "J", ERR_COUNTRY_UNKNOWN, "'J'" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_one(state, rows[i].what,
                  &(struct device){ .serial = "FVFGH2345678", .country = rows[i].country }, rows[i].code,
                  rows[i].says);
    assert_string_equal(country_meant("GB"), "GB");
}

static void there_are_249_countries(void **state)
{
    char code[3] = "AA";
    unsigned count = 0;

    (void)state;
    for (code[0] = 'A'; code[0] <= 'Z'; code[0]++)
        for (code[1] = 'A'; code[1] <= 'Z'; code[1]++)
            count += country_is_assigned(code);
    assert_int_equal(count, 249);
    assert_false(country_is_assigned(NULL));
    assert_false(country_is_assigned(""));
    assert_false(country_is_assigned("GBX"));
    assert_null(country_meant("XX"));
    assert_null(country_meant(NULL));
    assert_null(country_meant("a longer word"));
}

static void other_values(void **state)
{
#define DEVICE .serial = "FVFGH2345678", .country = "JP"
    static char at64[65], at65[66], at129[130], extra512[509], extra513[510], unknown[DEVICE_UNKNOWN_MAX + 2];
    struct device_extra fits = { "site", extra512 }, too_long = { "site", extra513 }, unnamed = { "", "x" };
    struct device_extra tab = { "site", "a\tb" }, bad_name = { "a\x01", "b" };
    const struct {
        const char *what;
        struct device device;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "all there",
          { DEVICE, .model = "MacBook Air", .order_number = "W1", .asset_tag = "A-1" },
          ERR_NONE,
          "" },
        { "all empty", { DEVICE, .model = "", .order_number = "", .asset_tag = "" }, ERR_NONE, "" },
        { "a model of 64", { DEVICE, .model = at64 }, ERR_NONE, "" },
        { "a model of 65", { DEVICE, .model = at65 }, ERR_FIELD_LENGTH, "model has 65 bytes, at most 64" },
        { "an order of 64",
          { DEVICE, .order_number = at64 },
          ERR_FIELD_LENGTH,
          "order_number has 64 bytes, at most 32" },
        { "a tag of 64",
          { DEVICE, .asset_tag = at64 },
          ERR_FIELD_LENGTH,
          "asset_tag has 64 bytes, at most 32" },
        { "a tab", { DEVICE, .model = "Mac\tBook" }, ERR_FIELD_TEXT, "has a control character" },
        { "an escape", { DEVICE, .asset_tag = "\x1b[31m" }, ERR_FIELD_TEXT, "asset_tag" },
        { "a C1 control",
          { DEVICE, .model = "a\xc2\x9b"
                             "b" },
          ERR_FIELD_TEXT,
          "control character" },
        { "no control",
          { DEVICE, .model = "a\xc2\xa0\xc3\x9b"
                             "b" },
          ERR_NONE,
          "" },
        { "no UTF-8", { DEVICE, .model = "a\xe4" }, ERR_FIELD_TEXT, "model 'a\xe4' is no valid UTF-8" },
        { "columns of 512", { DEVICE, .extra = &fits, .extra_count = 1 }, ERR_NONE, "" },
        { "columns of 513",
          { DEVICE, .extra = &too_long, .extra_count = 1 },
          ERR_FIELD_LENGTH,
          "further columns" },
        { "a column without name",
          { DEVICE, .extra = &unnamed, .extra_count = 1 },
          ERR_FIELD_TEXT,
          "is empty" },
        { "a column with a tab",
          { DEVICE, .extra = &tab, .extra_count = 1 },
          ERR_FIELD_TEXT,
          "extra.site 'a\tb'" },
        { "a column's name",
          { DEVICE, .extra = &bad_name, .extra_count = 1 },
          ERR_FIELD_TEXT,
          "control character" },
        { "a blueprint", { DEVICE, .blueprint_id = "bp-1", .mdm_server_id = "Main server" }, ERR_NONE, "" },
        { "an empty blueprint", { DEVICE, .blueprint_id = "" }, ERR_FIELD_TEXT, "blueprint_id '' is empty" },
        { "a path", { DEVICE, .blueprint_id = "../x" }, ERR_FIELD_TEXT, "has a '/'" },
        { "a long id", { DEVICE, .mdm_server_id = at129 }, ERR_FIELD_LENGTH, "longer than 128 bytes" },
        { "a bad server", { DEVICE, .mdm_server_id = "a\nb" }, ERR_FIELD_TEXT, "mdm_server" },
        { "a bad state",
          { DEVICE, .expect_blueprint_id = "a/b" },
          ERR_FIELD_TEXT,
          "expected_from.blueprint_id" },
        { "a bad server before",
          { DEVICE, .expect_mdm_server_id = "" },
          ERR_FIELD_TEXT,
          "expected_from.mdm_server" },
        { "remove", { DEVICE, .action = ACTION_REMOVE }, ERR_NONE, "" },
        { "remove from a country of ABM's",
          { .serial = "FVFGH2345678", .country = "ZZ", .action = ACTION_REMOVE },
          ERR_NONE,
          "" },
        { "remove from what is none",
          { .serial = "FVFGH2345678", .country = "Zz", .action = ACTION_REMOVE },
          ERR_COUNTRY_UNKNOWN,
          "country 'Zz'" },
        { "remove and assign",
          { DEVICE, .action = ACTION_REMOVE, .blueprint_id = "bp-1" },
          ERR_ACTION,
          "'bp-1'" },
        { "another action",
          { DEVICE, .action = ACTION_UNKNOWN, .action_word = "wipe" },
          ERR_ACTION,
          "'wipe'" },
        { "much that is unknown", { DEVICE, .unknown = unknown }, ERR_FIELD_LENGTH, "not known" },
    };

    memset(at64, 'm', 64);
    memset(at65, 'm', 65);
    memset(at129, 'm', 129);
    memset(extra512, 'e', 508);
    memset(extra513, 'e', 509);
    memset(unknown, 'u', DEVICE_UNKNOWN_MAX + 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_one(state, rows[i].what, &rows[i].device, rows[i].code, rows[i].says);
}

static void patterns(void **state)
{
    struct serial_pattern *pattern = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(serial_pattern_new("^[A-Z", &pattern, &err), -1);
    assert_int_equal(err.code, ERR_SETTINGS);
    assert_non_null(strstr(err.text, "serial_pattern, at character 6"));
    assert_null(pattern);
    assert_int_equal(serial_pattern_new("^(a+)+$", &pattern, &err), 0);
    err.code = ERR_NONE;
    assert_int_equal(serial_check("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", pattern, &err), -1);
    assert_int_equal(err.code, ERR_SERIAL_FORMAT);
    assert_non_null(strstr(err.text, "limit"));
    serial_pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(serials, setup, teardown),
        cmocka_unit_test_setup_teardown(countries, setup, teardown),
        cmocka_unit_test(there_are_249_countries),
        cmocka_unit_test_setup_teardown(other_values, setup, teardown),
        cmocka_unit_test(patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
