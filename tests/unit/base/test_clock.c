#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define NONE        INT64_MIN

static void prints_iso(void **state)
{
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { INT64_C(1795508220123), "2026-11-24T08:17:00.123Z" },
        { INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[CLOCK_ISO_BYTES];

        assert_string_equal(clock_iso(rows[i].ms, text), rows[i].want);
    }
}

static void reads_iso(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* NONE: it is none */
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-24T08:17:00.123Z", INT64_C(1795508220123) },
        { "2026-11-24t08:17:00z", INT64_C(1795508220000) },
        { "2026-11-24 08:17:00Z", INT64_C(1795508220000) },
        { "2026-11-24T08:17:00.1Z", INT64_C(1795508220100) },
        { "2026-11-24T08:17:00.123999999999999999999Z", INT64_C(1795508220123) },
        { "2026-11-24T09:17:00+01:00", INT64_C(1795508220000) },
        { "2026-11-24T02:47:00-05:30", INT64_C(1795508220000) },
        { "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
        { "1990-12-31T23:59:60Z", INT64_C(662688000000) },
        { "2023-02-29T00:00:00Z", NONE },
        { "1900-02-29T00:00:00Z", NONE },
        { "2026-13-01T00:00:00Z", NONE },
        { "2026-00-01T00:00:00Z", NONE },
        { "2026-04-31T00:00:00Z", NONE },
        { "2026-04-00T00:00:00Z", NONE },
        { "2026-04-01T24:00:00Z", NONE },
        { "2026-04-01T00:60:00Z", NONE },
        { "2026-04-01T00:00:61Z", NONE },
        { "2026-04-01T00:00:00", NONE },
        { "2026-04-01T00:00:00.Z", NONE },
        { "2026-04-01T00:00:00+24:00", NONE },
        { "2026-04-01T00:00:00+0100", NONE },
        { "2026-04-01T00:00:00Zx", NONE },
        { "2026-04-01", NONE },
        { "26-04-01T00:00:00Z", NONE },
        { " 2026-04-01T00:00:00Z", NONE },
        { "+026-04-01T00:00:00Z", NONE },
        { "", NONE },
        { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
        { "9999-12-31T23:59:60Z", NONE }, /* no year of four digits any more */
        { "9999-12-31T23:59:59-00:01", NONE },
        { "0000-01-01T00:00:00+00:01", NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = NONE;
        int rc = clock_parse_iso(rows[i].text, &got);

        if (rc != (rows[i].want == NONE ? -1 : 0) || got != rows[i].want)
            fail_msg("'%s': %d, %lld", rows[i].text, rc, (long long)got);
    }
}

static void reads_what_it_prints(void **state)
{
    (void)state;
    for (int64_t ms = INT64_C(-62167219200000); ms < INT64_C(253402300800000); ms += INT64_C(98765432123)) {
        char text[CLOCK_ISO_BYTES];
        int64_t got = 0;

        if (clock_parse_iso(clock_iso(ms, text), &got) != 0 || got != ms)
            fail_msg("%s", text);
    }
}

static void prints_durations(void **state)
{
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        { 0, "0 ms" },
        { 850, "850 ms" },
        { -850, "-850 ms" },
        { 1000, "1 s" },
        { 12999, "12 s" },
        { 60000, "1 m" },
        { 200000, "3 m 20 s" },
        { 7500000, "2 h 5 m" },
        { 86400000, "1 d" },
        { INT64_C(273600000), "3 d 4 h" },
        { INT64_MAX, "106751991167 d 7 h" },
        { INT64_MIN, "-106751991167 d 7 h" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];

        assert_string_equal(clock_duration(rows[i].ms, text), rows[i].want);
    }
}

static void reads_clocks_that_go_on(void **state)
{
    int64_t before = clock_boot_ms();

    (void)state;
    assert_true(clock_boot_ms() >= before);
    assert_true(before > 0);
    assert_true(clock_real_ms() > INT64_C(1577836800000)); /* after 2020: in ms, not s */
    assert_true(clock_real_ms() < INT64_C(32503680000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_iso),
        cmocka_unit_test(reads_iso),
        cmocka_unit_test(reads_what_it_prints),
        cmocka_unit_test(prints_durations),
        cmocka_unit_test(reads_clocks_that_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
