/* What Vault's answers say, and what else may stand at its address. */
#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/secret.h"
#include "secrets/vault_answer.h"

#define META ",\"metadata\":{\"version\":3,\"created_time\":\"2026-11-24T08:00:00Z\"}"
#define KV(fields)                                                                                           \
    "{\"request_id\":\"a\",\"lease_id\":\"\",\"renewable\":false,\"data\":{\"data\":" fields META "},"       \
    "\"warnings\":null}\n"

static void reads_values(void **state)
{
    static const struct {
        const char *what, *body;
        enum err_code code;
        const char *want; /* the value, or words of the error */
    } rows[] = {
        { "a value", KV("{\"other\":\"x\",\"token\":\"hunter2\"}"), ERR_NONE, "hunter2" },
        { "lines", KV("{\"token\":\"-----BEGIN\\nhunter2\\n\"}"), ERR_NONE, "-----BEGIN\nhunter2\n" },
        { "as Go writes it", KV("{\"token\":\"\\u003c\\u0026\\u003e\"}"), ERR_NONE, "<&>" },
        { "a name with escapes", KV("{\"\\u0074oken\":\"v\"}"), ERR_NONE, "v" },
        { "no such field", KV("{\"hunter2\":\"x\"}"), ERR_VAULT_MISSING, "the secret has no such field" },
        { "a field twice", KV("{\"token\":\"hunter2\",\"token\":\"b\"}"), ERR_VAULT_MISSING,
          "the field twice" },
        { "an object", KV("{\"token\":{\"hunter2\":1}}"), ERR_VAULT_MISSING, "is an object, wanted text" },
        { "a list", KV("{\"token\":[\"hunter2\"]}"), ERR_VAULT_MISSING, "is a list, wanted text" },
        { "a number", KV("{\"token\":12}"), ERR_VAULT_MISSING, "is a number: store it as text" },
        { "null", KV("{\"token\":null}"), ERR_VAULT_MISSING, "is true, false or null" },
        { "empty", KV("{\"token\":\"\"}"), ERR_VAULT_MISSING, "the field is empty" },
        { "a deleted version", KV("null"), ERR_VAULT_MISSING, "its last version is deleted" },
        { "the engine's version 1", "{\"data\":{\"token\":\"hunter2\"}}", ERR_VAULT_ANSWER,
          "not KV version 2" },
        { "version 1 with a field data", "{\"data\":{\"data\":{\"token\":\"hunter2\"}}}", ERR_VAULT_ANSWER,
          "not KV version 2" },
        { "a page", "<html>hunter2</html>", ERR_VAULT_ANSWER, "the answer is no JSON: byte 0" },
        { "nothing", "", ERR_VAULT_ANSWER, "the answer is no JSON" },
        { "a list alone", "[\"hunter2\"]", ERR_VAULT_ANSWER, "is no JSON object" },
        { "no data", "{\"auth\":null}", ERR_VAULT_ANSWER, "has no object \"data\"" },
        { "data of another kind", KV("\"hunter2\""), ERR_VAULT_ANSWER, "has no object \"data\"" },
        { "cut", "{\"data\":{\"data\":{\"token\":\"hunter2", ERR_VAULT_ANSWER, "no JSON" },
        { "a NUL", KV("{\"token\":\"hunter2\\u0000\"}"), ERR_VAULT_ANSWER, "no JSON" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *body = strdup(rows[i].body);
        struct vault_piece value = { NULL, 0 };
        struct err err = ERR_INIT;
        int64_t version = -1;
        int rc = vault_answer_value(body, strlen(body), "token", &value, &version, &err);

        if (err.code != rows[i].code || (rc == 0) != (err.code == ERR_NONE))
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (rc != 0 && (strstr(err.text, rows[i].want) == NULL || strstr(err.text, "hunter2") != NULL))
            fail_msg("%s: %s", rows[i].what, err.text);
        if (rc == 0 && (value.len != strlen(rows[i].want) || memcmp(value.at, rows[i].want, value.len) != 0 ||
                        version != 3))
            fail_msg("%s: version %lld: %.*s", rows[i].what, (long long)version, (int)value.len, value.at);
        free(body);
    }
}

static void holds_the_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct vault_piece value;
        struct err err = ERR_INIT;
        int64_t version;
        struct buf body;

        buf_init(&body, 1 << 20);
        buf_add_str(&body, "{\"data\":{\"data\":{\"token\":\"");
        for (size_t i = 0; i < SECRET_MAX_BYTES + more; i++)
            buf_add_str(&body, "\\u0061"); /* 64 KiB count as what they say */
        buf_add_str(&body, "\"}" META "}}");
        assert_int_equal(vault_answer_value(body.data, body.len, "token", &value, &version, &err),
                         more == 0 ? 0 : -1);
        if (more == 0)
            assert_int_equal(value.len, SECRET_MAX_BYTES);
        else
            assert_string_equal(err.text, "the field has more than 65536 bytes");
        buf_release(&body);
    }
}

static void reads_logins(void **state)
{
    static const struct {
        const char *what, *body;
        const char *token; /* NULL: refused */
        int64_t seconds;
        bool is_renewable;
    } rows[] = {
        { "a login",
          "{\"auth\":{\"client_token\":\"hvs.a\",\"lease_duration\":1200,\"renewable\":true},\"data\":null}",
          "hvs.a", 1200, true },
        { "a batch token",
          "{\"auth\":{\"client_token\":\"hvb.b\",\"lease_duration\":60,\"renewable\":false}}", "hvb.b", 60,
          false },
        { "no word on renewing", "{\"auth\":{\"client_token\":\"t\",\"lease_duration\":0}}", "t", 0, false },
        { "a word for a bool",
          "{\"auth\":{\"client_token\":\"t\",\"lease_duration\":1,\"renewable\":\"true\"}}", "t", 1, false },
        { "no auth", "{\"auth\":null}", NULL, 0, false },
        { "no token", "{\"auth\":{\"lease_duration\":1}}", NULL, 0, false },
        { "an empty token", "{\"auth\":{\"client_token\":\"\",\"lease_duration\":1}}", NULL, 0, false },
        { "a token with a line", "{\"auth\":{\"client_token\":\"a\\r\\nX: b\",\"lease_duration\":1}}", NULL,
          0, false },
        { "no lease", "{\"auth\":{\"client_token\":\"hunter2\"}}", NULL, 0, false },
        { "a lease of words", "{\"auth\":{\"client_token\":\"hunter2\",\"lease_duration\":\"1h\"}}", NULL, 0,
          false },
        { "a negative lease", "{\"auth\":{\"client_token\":\"hunter2\",\"lease_duration\":-1}}", NULL, 0,
          false },
        { "a lease beyond all time",
          "{\"auth\":{\"client_token\":\"hunter2\",\"lease_duration\":9223372036854775807}}", NULL, 0,
          false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *body = strdup(rows[i].body);
        struct vault_piece token = { NULL, 0 };
        struct vault_lease lease = { 0 };
        struct err err = ERR_INIT;
        int rc = vault_answer_auth(body, strlen(body), &token, &lease, &err);

        if ((rc == 0) != (rows[i].token != NULL) || (rc != 0 && err.code != ERR_VAULT_ANSWER) ||
            strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (rc == 0 &&
            (token.len != strlen(rows[i].token) || memcmp(token.at, rows[i].token, token.len) != 0 ||
             lease.seconds != rows[i].seconds || lease.is_renewable != rows[i].is_renewable))
            fail_msg("%s: %.*s, %lld s", rows[i].what, (int)token.len, token.at, (long long)lease.seconds);
        free(body);
    }
}

static void reads_lookups_and_errors(void **state)
{
    static const char lookup[] = "{\"data\":{\"ttl\":77,\"renewable\":true,\"id\":\"hvs.x\"}}";
    char denied[] = "{\"errors\":[\"permission \\u0064enied\",\"more\"]}", page[] = "<html>",
         none[] = "{\"errors\":[]}", number[] = "{\"errors\":[1]}";
    struct vault_lease lease = { 0 };
    struct err err = ERR_INIT;
    struct vault_piece words;

    (void)state;
    assert_int_equal(vault_answer_lookup(lookup, strlen(lookup), &lease, &err), 0);
    assert_int_equal(lease.seconds, 77);
    assert_true(lease.is_renewable);
    assert_int_equal(vault_answer_lookup(page, strlen(page), &lease, &err), -1);
    words = vault_answer_words(denied, strlen(denied));
    assert_int_equal(words.len, strlen("permission denied"));
    assert_memory_equal(words.at, "permission denied", words.len);
    assert_int_equal(vault_answer_words(page, strlen(page)).len, 0);
    assert_int_equal(vault_answer_words(none, strlen(none)).len, 0);
    assert_int_equal(vault_answer_words(number, strlen(number)).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(holds_the_limit),
        cmocka_unit_test(reads_logins),
        cmocka_unit_test(reads_lookups_and_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
