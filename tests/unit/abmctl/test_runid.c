/* A run's id says when it was pushed and what. */
#include "harness/check.h"

#include <string.h>

#include "domain/message.h"
#include "runid.h"

static void makes_ids(void **state)
{
    static const struct {
        const char *name;
        int try;
        const char *want;
    } rows[] = {
        { "devices.csv", 1, "2026-11-24-devices-7f3a" },
        { "devices.csv", 2, "2026-11-24-devices-7f3a-2" },
        { "devices", 1, "2026-11-24-devices-7f3a" },
        { "Q4 order (Tokyo).csv", 1, "2026-11-24-Q4-order-Tokyo-7f3a" },
        { ".csv", 1, "2026-11-24-.csv-7f3a" },
        { "\xe6\x9d\xb1\xe4\xba\xac.csv", 1, "2026-11-24-devices-7f3a" },
        { "--.csv", 1, "2026-11-24-devices-7f3a" },
        { "", 1, "2026-11-24-devices-7f3a" },
        { "a.b.jsonl", 1, "2026-11-24-a.b-7f3a" },
    };
    char id[RUNID_BYTES], longest[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        runid_make(INT64_C(1795478400000), rows[i].name, "7f3a00", rows[i].try, id);
        if (strcmp(id, rows[i].want) != 0 || !run_id_is_valid(id))
            fail_msg("%s: %s", rows[i].name, id);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    runid_make(INT64_C(1795478400000), longest, "7f3a00", 999, id);
    assert_true(run_id_is_valid(id));
    assert_string_equal(id + strlen(id) - 9, "-7f3a-999");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(makes_ids) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
