#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dep_tokens.h"

#define NOW_MS INT64_C(1800000000000)
#define KEY    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct err err;

static int start(void **state)
{
    static struct dep_tokens tokens;

    err_reset(&err);
    *state = &tokens;
    return dep_tokens_init(&tokens, NOW_MS, &err);
}

static int stop(void **state)
{
    dep_tokens_release(*state);
    return 0;
}

static int apply(struct dep_tokens *tokens, const char *text, bool is_change)
{
    struct json *doc;
    int rc;

    err_reset(&err);
    if (json_parse(text, strlen(text), &doc, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    rc = is_change ? dep_tokens_change(tokens, doc, NOW_MS, &err)
                   : dep_tokens_replace(tokens, doc, NOW_MS, &err);
    json_free(doc);
    return rc;
}

static bool shows(const struct dep_tokens *tokens, int64_t now_ms, const char *text)
{
    struct buf body;
    bool is_there;

    buf_init(&body, 1 << 20);
    dep_tokens_print(tokens, now_ms, &body);
    is_there = strstr(body.data, text) != NULL;
    buf_release(&body);
    return is_there;
}

static void begins_with_one(void **state)
{
    struct dep_tokens *tokens = *state;

    assert_int_equal(tokens->count, 1);
    assert_true(shows(tokens, NOW_MS, "\"id\":\"dep-0001\",\"token\":\"DT_"));
    assert_true(shows(tokens, NOW_MS, "\"environment\":\"production\""));
}

static void states_come_from_the_time_or_the_test(void **state)
{
    static const struct {
        const char *what, *list, *want;
        int64_t now_ms;
    } rows[] = {
        { "before", "[{\"expires_in_s\":10}]", "\"ACTIVE\"", NOW_MS + 9999 },
        { "at its end", "[{\"expires_in_s\":10}]", "\"EXPIRED\"", NOW_MS + 10000 },
        { "as ISO 8601", "[{\"expires_at\":\"2027-01-15T08:00:01Z\"}]", "\"ACTIVE\"", NOW_MS },
        { "gone by", "[{\"expires_at\":\"2027-01-15T08:00:00Z\"}]", "\"EXPIRED\"", NOW_MS },
        { "as told", "[{\"expires_in_s\":-10,\"status\":\"ACTIVE\"}]", "\"ACTIVE\"", NOW_MS },
        { "revoked", "[{\"expires_in_s\":10,\"status\":\"REVOKED\"}]", "\"REVOKED\"", NOW_MS },
        { "its own texts", "[{\"id\":\"a\",\"token\":\"b\",\"organization\":\"c\"}]",
          "{\"id\":\"a\",\"token\":\"b\",", NOW_MS },
        { "no environment", "[{}]", "\"organization\":\"Example Organization\",\"key_sha256\":null}",
          NOW_MS },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (apply(*state, rows[i].list, false) != 0 || !shows(*state, rows[i].now_ms, rows[i].want))
            fail_msg("%s: %s", rows[i].what, err.text);
    }
}

static void wrong_lists_change_nothing(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[1]",
        "[{\"expires_at\":\"soon\"}]",
        "[{\"expires_in_s\":1.5}]",
        "[{\"status\":\"GOOD\"}]",
        "[{\"id\":7}]",
        "[{},{\"tokn\":\"x\"}]",
        "[{\"id\":\"a-much-too-long-id-for-a-token-of-dep\"}]",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (apply(*state, rows[i], false) != -1 || !shows(*state, NOW_MS, "dep-0001"))
            fail_msg("%s was taken", rows[i]);
    }
}

static void one_is_changed_by_its_id(void **state)
{
    assert_int_equal(apply(*state, "[{\"id\":\"a\"},{\"id\":\"b\"}]", false), 0);
    assert_int_equal(apply(*state, "{\"id\":\"b\",\"status\":\"REVOKED\"}", true), 0);
    assert_true(
        shows(*state, NOW_MS, "\"REVOKED\",\"organization\":\"Example Organization\",\"key_sha256\":null}]"));
    assert_true(shows(*state, NOW_MS, "\"ACTIVE\""));
    assert_int_equal(apply(*state, "{\"id\":\"b\",\"status\":\"NEW\"}", true), -1);
    assert_int_equal(apply(*state, "{\"id\":\"c\",\"status\":\"REVOKED\"}", true), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void issues_by_key_and_environment(void **state)
{
    struct dep_tokens *tokens = *state;
    const struct dep_token *token;
    char first[DEP_TEXT_MAX];

    assert_null(dep_tokens_of_key(tokens, KEY));
    token = dep_tokens_issue(tokens, KEY, "staging", NOW_MS, &err);
    assert_non_null(token);
    assert_string_equal(token->environment, "staging");
    strcpy(first, token->token);
    assert_ptr_equal(dep_tokens_of_key(tokens, KEY), token);
    token = dep_tokens_issue(tokens, KEY, "staging", NOW_MS, &err);
    assert_string_not_equal(token->token, first);
    assert_true(shows(tokens, NOW_MS, "\"key_sha256\":\"" KEY "\""));
    while (tokens->count < DEP_TOKENS_MAX)
        assert_non_null(dep_tokens_issue(tokens, KEY, "staging", NOW_MS, &err));
    assert_null(dep_tokens_issue(tokens, KEY, "staging", NOW_MS, &err));
    assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begins_with_one, start, stop),
        cmocka_unit_test_setup_teardown(states_come_from_the_time_or_the_test, start, stop),
        cmocka_unit_test_setup_teardown(wrong_lists_change_nothing, start, stop),
        cmocka_unit_test_setup_teardown(one_is_changed_by_its_id, start, stop),
        cmocka_unit_test_setup_teardown(issues_by_key_and_environment, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
