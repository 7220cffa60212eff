#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/dedupe.h"

static void the_first_row_wins(void **state)
{
    static const struct {
        const char *serial;
        int64_t row;
        uint32_t target;
        int rc;
        uint32_t first_row, first_target;
    } rows[] = {
        { "FVFGH2345678", 2, 1, 0, 0, 0 },
        { "C02XL0THJGH5", 3, 2, 0, 0, 0 },
        { "FVFGH2345678", 4, 1, 1, 2, 1 },
        { "FVFGH2345678", 5, 2, 1, 2, 1 },
        { "C02XL0THJGH5", 6, 2, 1, 3, 2 },
        { "FVFGH234567", 7, 3, 0, 0, 0 },
        { "fvfgh2345678", 8, 3, 0, 0, 0 },
        { "", 9, 4, 0, 0, 0 },
        { "", 10, 4, 1, 9, 4 },
        { "A", UINT32_MAX, 9, 0, 0, 0 },
        { "A", 11, 9, 1, UINT32_MAX, 9 },
    };
    struct dedupe *dedupe = dedupe_new();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dedupe_first first = { 0, 0 };
        struct err err = ERR_INIT;
        int rc = dedupe_add(dedupe, rows[i].serial, rows[i].row, rows[i].target, &first, &err);

        if (rc != rows[i].rc || first.row != rows[i].first_row || first.target != rows[i].first_target)
            fail_msg("row %lld: %d, row %u, target %u", (long long)rows[i].row, rc, first.row, first.target);
    }
    assert_int_equal(dedupe_count(dedupe), 6);
    dedupe_free(dedupe);
}

static void a_million_serials(void **state)
{
    struct dedupe *dedupe = dedupe_new();
    struct dedupe_first first;
    struct err err = ERR_INIT;
    char serial[32];

    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        snprintf(serial, sizeof(serial), "C02%09X", i);
        if (dedupe_add(dedupe, serial, i + 2, i, &first, &err) != 0)
            fail_msg("%s: taken for another", serial);
    }
    assert_int_equal(dedupe_count(dedupe), 1000000);
    for (uint32_t i = 0; i < 1000000; i += 7) {
        snprintf(serial, sizeof(serial), "C02%09X", i);
        if (dedupe_add(dedupe, serial, 2000000, 0, &first, &err) != 1 || first.row != i + 2 ||
            first.target != i)
            fail_msg("%s: row %u", serial, first.row);
    }
    dedupe_free(dedupe);
}

static void keeps_its_limits(void **state)
{
    struct dedupe *dedupe = dedupe_new();
    struct dedupe_first first;
    struct err err = ERR_INIT;
    char serial[300];

    (void)state;
    memset(serial, 'A', sizeof(serial));
    serial[256] = '\0';
    assert_int_equal(dedupe_add(dedupe, serial, 1, 0, &first, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    serial[255] = '\0';
    assert_int_equal(dedupe_add(dedupe, serial, 1, 0, &first, &err), 0);
    assert_int_equal(dedupe_add(dedupe, serial, 2, 0, &first, &err), 1);
    assert_int_equal(dedupe_add(dedupe, "A", (int64_t)UINT32_MAX + 1, 0, &first, &err), -1);
    dedupe_free(dedupe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_row_wins),
        cmocka_unit_test(a_million_serials),
        cmocka_unit_test(keeps_its_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
