#include "harness/check.h"

#include <string.h>

#include "crypto/server_token.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SECRETS                                                                                              \
    "\"consumer_secret\":\"CS_hunter2\",\"access_token\":\"AT_hunter2\",\"access_secret\":\"AS_hunter2\""
#define EXPIRY "\"access_token_expiry\":\"2027-11-24T08:17:00Z\""
#define WANT   "CK_0011"

static int read_text(const char *text, struct server_token *token, struct err *err)
{
    struct secret *json = NULL;
    int rc;

    assert_int_equal(secret_copy(text, strlen(text), &json, err), 0);
    rc = server_token_read(json, token, err);
    secret_free(json);
    return rc;
}

static void reads_tokens(void **state)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        { "Apple's", "{\"consumer_key\":\"CK_0011\"," SECRETS "," EXPIRY "}" },
        { "in another order", "{" EXPIRY "," SECRETS ",\"consumer_key\":\"CK_0011\"}" },
        { "with blanks", " \n{ \"consumer_key\" : \"CK_0011\" ,\t" SECRETS " , " EXPIRY " } " },
        { "with more members",
          "{\"a\":1,\"b\":[\"}\",{\"consumer_key\":\"no\"}],\"c\":{\"d\":\"\\\"]\"},\"e\":\"\\\\\","
          "\"consumer_key\":\"CK_0011\"," SECRETS ",\"f\":true," EXPIRY ",\"g\":null,\"\":-1e5}" },
        { "a name that begins like one",
          "{\"consumer_key2\":\"no\",\"consumer_ke\":\"no\",\"consumer_key\":\"CK_0011\"," SECRETS "," EXPIRY
          "}" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct server_token token;
        struct err err = ERR_INIT;

        if (read_text(rows[i].text, &token, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (strcmp(token.consumer_key, WANT) != 0 || token.expires_ms != INT64_C(1827044220000))
            fail_msg("%s: %s, %lld", rows[i].what, token.consumer_key, (long long)token.expires_ms);
    }
}

#define LONG_64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_256 LONG_64 LONG_64 LONG_64 LONG_64

static void refuses_without_showing(void **state)
{
    static const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "nothing", "", "it is no JSON object" },
        { "an array", "[\"consumer_key\"]", "it is no JSON object" },
        { "half of it", "{\"consumer_key\":\"hunter2", "it is no JSON object" },
        { "no members", "{}", "it has no consumer_key" },
        { "no secret", "{\"consumer_key\":\"CK_0011\"," EXPIRY "}", "it has no consumer_secret" },
        { "no expiry", "{\"consumer_key\":\"CK_0011\"," SECRETS "}", "it has no access_token_expiry" },
        { "twice", "{\"consumer_key\":\"CK_0011\"," SECRETS "," SECRETS "," EXPIRY "}", "stands twice" },
        { "one level down", "{\"a\":{\"consumer_key\":\"CK_0011\"}," SECRETS "," EXPIRY "}",
          "no consumer_key" },
        { "as a value", "{\"a\":\"consumer_key\"," SECRETS "," EXPIRY "}", "it has no consumer_key" },
        { "an escaped name", "{\"consumer\\u005fkey\":\"CK_0011\"," SECRETS "," EXPIRY "}",
          "no consumer_key" },
        { "empty", "{\"consumer_key\":\"\"," SECRETS "," EXPIRY "}",
          "its consumer_key is no text of 1 to 256" },
        { "a number", "{\"consumer_key\":1," SECRETS "," EXPIRY "}", "its consumer_key is no text" },
        { "an object", "{\"consumer_key\":{\"a\":\"b\"}," SECRETS "," EXPIRY "}",
          "its consumer_key is no text" },
        { "a blank", "{\"consumer_key\":\"hunter2 \"," SECRETS "," EXPIRY "}",
          "its consumer_key is no text" },
        { "an escape", "{\"consumer_key\":\"hunter2\\n\"," SECRETS "," EXPIRY "}",
          "its consumer_key is no text" },
        { "no ASCII", "{\"consumer_key\":\"hunter2\303\274\"," SECRETS "," EXPIRY "}",
          "its consumer_key is no" },
        { "257 bytes", "{\"consumer_key\":\"" LONG_256 "x\"," SECRETS "," EXPIRY "}",
          "its consumer_key is no" },
        { "no time", "{\"consumer_key\":\"CK_0011\"," SECRETS ",\"access_token_expiry\":\"hunter2\"}",
          "its access_token_expiry is no time" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct server_token token = { "untouched", 7 };
        struct err err = ERR_INIT;

        if (read_text(rows[i].text, &token, &err) != -1 || err.code != ERR_P7M ||
            strstr(err.text, rows[i].want) == NULL || strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strcmp(token.consumer_key, "untouched") != 0 || token.expires_ms != 7)
            fail_msg("%s: the result is touched", rows[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tokens),
        cmocka_unit_test(refuses_without_showing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
