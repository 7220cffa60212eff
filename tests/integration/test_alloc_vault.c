/* Each allocation on the way to a secret in Vault fails in turn: it is told, nothing is kept, and the next
 * try works. */
#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/secret.h"
#include "harness/fail_alloc.h"
#include "harness/vault_server.h"
#include "secrets/vault_scheme.h"

static struct vault_server *server;
static int64_t ahead_ms;

static int64_t now_ms(void *clock)
{
    (void)clock;
    return clock_boot_ms() + ahead_ms;
}

/* Serve, log in, read, renew, read anew, log out. The first that fails fills err. */
static int all_of_it(struct err *err)
{
    static const struct vault_warn nowhere = { 0 };
    const struct vault_settings settings = {
        .address = vault_server_url(server),
        .auth = VAULT_AUTH_APPROLE,
        .role_id = "role",
        .secret_id = "env:TEST_VAULT_SECRET_ID",
        .timeout_ms = 20000,
        .now_ms = now_ms,
    };
    struct secret *secret = NULL;
    int rc = vault_scheme_serve(&settings, &nowhere, err);

    if (rc == 0)
        rc = secret_resolve("vault:secret/abm#token", false, &secret, err);
    if (rc == 0) {
        ahead_ms += 50000;
        vault_server_advance(server, 50000);
        vault_scheme_tend();
        secret_distrust(secret);
        rc = secret_refresh(secret, err);
        assert_memory_equal(secret_text(secret), "value", 6); /* whatever came of it */
    }
    secret_free(secret);
    vault_scheme_close();
    return rc;
}

static void memory_that_is_not_there(void **state)
{
    const struct vault_server_options options = { .role_id = "role", .secret_id = "s3cret", .lease_s = 60 };
    struct err err = ERR_INIT;
    int64_t count, told = 0;

    (void)state;
    setenv("TEST_VAULT_SECRET_ID", "s3cret", 1);
    assert_int_equal(vault_server_start(&options, &server, &err), 0);
    assert_int_equal(vault_server_put(server, "abm", "{\"token\":\"value\"}", &err), 0);
    assert_int_equal(all_of_it(&err), 0); /* what libraries make once */
    fail_alloc_arm(0);
    assert_int_equal(all_of_it(&err), 0);
    count = fail_alloc_disarm();
    assert_in_range(count, 20, 2000);
    for (int64_t nth = 1; nth <= count; nth++) {
        int rc;

        err_reset(&err);
        fail_alloc_arm(nth);
        rc = all_of_it(&err);
        fail_alloc_disarm();
        if (rc < 0 && err.code != ERR_NOMEM)
            fail_msg("allocation %lld: %s: %s", (long long)nth, err_wire(err.code), err.text);
        told += rc < 0;
    }
    print_message("%lld allocations failed in turn: %lld told, the others in a renewal or at the end\n",
                  (long long)count, (long long)told);
    assert_true(told > 0);
    assert_int_equal(all_of_it(&err), 0);
    vault_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(memory_that_is_not_there) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
