#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "applying.h"

#define NOW    INT64_C(1795507200000) /* 2026-11-24T08:00:00Z */
#define MINUTE INT64_C(60000)
#define DAY    (24 * 60 * MINUTE)

static void a_plan_has_its_time(void **state)
{
    static const struct {
        const char *what;
        int64_t made_ms;
        const char *says; /* NULL: it may be applied */
    } rows[] = {
        { "just made", NOW, NULL },
        { "a day old", NOW - DAY, NULL },
        { "older than a day", NOW - DAY - 1, "2026-11-23T07:59:59.999Z, 1 d ago; plan.max_age is 1 d" },
        { "of another machine's clock", NOW + 5 * MINUTE, NULL },
        { "of a time to come", NOW + 5 * MINUTE + 1, "2026-11-24T08:05:00.001Z, which is 5" },
        { "of the first day there was", 0, "1970-01-01T00:00:00.000Z" },
        { "of the last day that can be said", INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct plan_head head = { .created_at_ms = rows[i].made_ms };
        struct err err = ERR_INIT;
        int rc = applying_check_age(&head, NOW, DAY, &err);

        if ((rc == 0) != (rows[i].says == NULL))
            fail_msg("%s: %d, %s", rows[i].what, rc, err.text);
        if (rc != 0 && (err.code != ERR_PLAN_STALE || strstr(err.text, rows[i].says) == NULL))
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_has_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
