#include "harness/check.h"

#include <string.h>

#include "domain/ingest_head.h"

static void finds_the_registration(void **state)
{
    static const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "all three", "{\"version\":1,\"run\":\"r1\",\"batch\":2,\"batches\":3,\"devices\":[]}",
          "{\"run\":\"r1\",\"batch\":2,\"batches\":3}" },
        { "behind the devices", " {\"devices\":[{\"run\":\"no\",\"serial\":\"}],\\\"\"}] , \"run\" : \"r1\"}",
          "{\"run\":\"r1\"}" },
        { "none", "{\"devices\":[]}", "{}" },
        { "inside only", "{\"a\":{\"run\":\"no\"},\"devices\":[]}", "{}" },
        { "cut in a string", "{\"run\":\"r1\",\"devices\":[{\"serial\":\"", "{\"run\":\"r1\"}" },
        { "cut behind a backslash", "{\"run\":\"r1\\", "{\"run\":\"r1\\}" },
        { "a list", "[{\"run\":\"no\"}]", "{}" },
        { "nothing", "", "{}" },
        { "a name without a value", "{\"run\"", "{}" },
        { "a long value",
          "{\"run\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"batch\":1}",
          "{\"batch\":1}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;

        buf_init(&out, 4096);
        ingest_head_find(rows[i].text, strlen(rows[i].text), &out);
        if (out.is_failed || strcmp(out.data, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].what, out.data);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(finds_the_registration) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
