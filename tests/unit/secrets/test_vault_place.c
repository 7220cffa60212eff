/* Where a value stands in Vault, as a reference says it. */
#include "harness/check.h"

#include <string.h>

#include "secrets/vault_place.h"

static void reads_places(void **state)
{
    static const struct {
        const char *target, *url, *field;
    } rows[] = {
        { "secret/abm#token", "/v1/secret/data/abm", "token" },
        { "secret/data/abm#token", "/v1/secret/data/abm", "token" },
        { "secret/abm/prod#token", "/v1/secret/data/abm/prod", "token" },
        { "team/kv/data/abm/prod#token", "/v1/team/kv/data/abm/prod", "token" },
        { "secret/data/data/abm#token", "/v1/secret/data/data/abm", "token" },
        { "secret/a b%#the field#2", "/v1/secret/data/a%20b%25", "the field#2" },
        { "secret/\xc3\xa9?x=1&y#f", "/v1/secret/data/%C3%A9%3Fx%3D1%26y", "f" },
        { "secret/database#f", "/v1/secret/data/database", "f" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        const char *field = NULL;
        struct buf url;

        buf_init(&url, 8192);
        if (vault_place_read(rows[i].target, &url, &field, &err) != 0)
            fail_msg("%s: %s", rows[i].target, err.text);
        assert_string_equal(url.data, rows[i].url);
        assert_string_equal(field, rows[i].field);
        buf_release(&url);
    }
}

static void refuses_others_unseen(void **state)
{
    static const char *const rows[] = {
        "",
        "hunter2",
        "hunter2#",
        "#hunter2",
        "hunter2#f",
        "/hunter2#f",
        "hunter2/#f",
        "a//hunter2#f",
        "../hunter2#f",
        "a/../hunter2#f",
        "a/data/./hunter2#f",
        "a/hunter2\n#f",
        "a/b#hunter2\t",
    };
    char target[1024];
    struct err err = ERR_INIT;
    const char *field;
    struct buf url;

    (void)state;
    buf_init(&url, 8192);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        err_reset(&err);
        if (vault_place_read(rows[i], &url, &field, &err) != -1 || err.code != ERR_SECRET)
            fail_msg("'%s' was taken", rows[i]);
        if (strstr(err.text, "hunter2") != NULL || strstr(err.text, "vault:secret/abm#token") == NULL)
            fail_msg("%s", err.text);
    }
    memset(target, 'a', sizeof(target));
    memcpy(target + VAULT_PATH_MAX_BYTES - 1, "#f", 3);
    target[1] = '/';
    assert_int_equal(vault_place_read(target, &url, &field, &err), 0);
    buf_reset(&url);
    memset(target, 'a', sizeof(target));
    memcpy(target + VAULT_PATH_MAX_BYTES + 1, "#f", 3);
    target[1] = '/';
    assert_int_equal(vault_place_read(target, &url, &field, &err), -1);
    memset(target, 'a', sizeof(target));
    memcpy(target, "a/b#", 4);
    target[4 + VAULT_FIELD_MAX_BYTES + 1] = '\0';
    assert_int_equal(vault_place_read(target, &url, &field, &err), -1);
    target[4 + VAULT_FIELD_MAX_BYTES] = '\0';
    assert_int_equal(vault_place_read(target, &url, &field, &err), 0);
    buf_release(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_places),
        cmocka_unit_test(refuses_others_unseen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
