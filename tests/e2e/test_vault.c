/*
 * Workers whose secrets are in Vault: they begin while it is away, go on as it comes, take a rotated token
 * when ABM answers 401, and work on while it is away again. What is secret is in no log.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pipeline.h"
#include "harness/vault_server.h"

#define END_MS    60000
#define SECRET_ID "secret-id-of-the-test"
#define TOKEN_ONE "token-one-of-the-test"
#define TOKEN_TWO "token-two-of-the-test"
#define PASSWORD  "password-of-the-test"

static struct vault_server *vault;
static struct err err;
static char address[96];
static const char *const env[] = {
    address,
    "ABM_ORGS__ACME__API__TOKEN=vault:secret/abm#token",
    "ABM_SECRETS__VAULT__AUTH=approle",
    "ABM_SECRETS__VAULT__ROLE_ID=role",
    "ABM_SECRETS__VAULT__SECRET_ID=env:TEST_SECRET_ID",
    "TEST_SECRET_ID=" SECRET_ID,
    NULL,
};

static void must(int rc)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err.code), err.text);
}

static void start_vault(void)
{
    static const struct vault_server_options options = { .role_id = "role", .secret_id = SECRET_ID };

    err_reset(&err);
    must(vault_server_start(&options, &vault, &err));
    must(vault_server_put(vault, "abm", "{\"token\":\"" TOKEN_ONE "\",\"redis\":\"" PASSWORD "\"}", &err));
    snprintf(address, sizeof(address), "ABM_SECRETS__VAULT__ADDRESS=%s", vault_server_url(vault));
}

struct wait {
    struct pipeline *pipeline;
    const char *text;
    int64_t at_least;
};

static bool is_logged(void *user)
{
    const struct wait *wait = user;

    return pipeline_log_count(wait->pipeline, wait->text) >= wait->at_least;
}

static void await_log(struct pipeline *pipeline, const char *text, int64_t at_least)
{
    struct wait wait = { pipeline, text, at_least };

    if (!proc_until(is_logged, &wait, END_MS))
        fail_msg("%s is not in the logs", text);
}

static void assert_nothing_is_told(struct pipeline *pipeline)
{
    static const char *const secrets[] = { SECRET_ID, TOKEN_ONE, TOKEN_TWO, PASSWORD, "hvs." };

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (pipeline_log_count(pipeline, secrets[i]) > 0)
            fail_msg("a secret is in the logs");
}

static void set_token(struct pipeline *pipeline, const char *body)
{
    must(abmsim_control(&pipeline->sim, "POST", "/sim/token", body, &err));
}

static void the_token_outlasts_vault(void **state)
{
    static const char *const sim_options[] = { "--token", TOKEN_ONE, NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .sim_options = sim_options };
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    start_vault();
    pipeline_start(&pipeline, &options);
    for (int stage = PIPELINE_VALIDATE; stage <= PIPELINE_VERIFY; stage++)
        pipeline.env[stage][0] = env;

    vault_server_down(vault);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "one.csv", "A", 20), NULL);
    await_log(&pipeline, "vault_away", 1);
    assert_false(pipeline_push_ends(&push, 0));
    must(vault_server_up(vault, &err));
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 20);

    /* Rotated in Vault and at ABM: nobody waits for a minute. */
    must(vault_server_put(vault, "abm", "{\"token\":\"" TOKEN_TWO "\"}", &err));
    set_token(&pipeline, "{\"token\":\"" TOKEN_TWO "\"}");
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "two.csv", "B", 20), END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 20);

    vault_server_down(vault);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "three.csv", "C", 20), END_MS, &result);
    assert_string_equal(result.state, "closed");
    assert_int_equal(result.assigned, 20);

    pipeline_stop_workers(&pipeline, END_MS);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    assert_nothing_is_told(&pipeline);
    pipeline_stop(&pipeline);
    vault_server_stop(vault);
}

/* Without the password of Redis nothing begins: a worker waits for Vault, and stops when it is told to. */
static void a_worker_awaits_its_password(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .copies = { [PIPELINE_VALIDATE] = 2 } };
    const char *with_password[16] = { "ABM_REDIS__PASSWORD=vault:secret/abm#redis" };

    (void)state;
    start_vault();
    for (size_t i = 0; env[i] != NULL; i++)
        with_password[i + 1] = env[i];
    pipeline_start(&pipeline, &options);
    desk_text(&pipeline.desk, "CONFIG", "SET", "requirepass", PASSWORD, NULL);
    vault_server_down(vault);
    for (int copy = 0; copy < 2; copy++) {
        pipeline.env[PIPELINE_VALIDATE][copy] = with_password;
        pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, copy);
    }
    await_log(&pipeline, "\"secret_awaited\"", 2);
    assert_true(proc_signal(&pipeline.workers[PIPELINE_VALIDATE][0], SIGTERM));
    assert_int_equal(proc_wait(&pipeline.workers[PIPELINE_VALIDATE][0], END_MS), 1);
    assert_int_equal(proc_status(&pipeline.workers[PIPELINE_VALIDATE][0]), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"started\""), 0);
    must(vault_server_up(vault, &err));
    await_log(&pipeline, "\"started\"", 1);
    pipeline_stop_workers(&pipeline, END_MS);
    assert_nothing_is_told(&pipeline);

    /* What no waiting mends ends the start. */
    must(vault_server_put(vault, "abm", "{\"token\":\"" TOKEN_ONE "\"}", &err));
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 1);
    assert_int_equal(proc_wait(&pipeline.workers[PIPELINE_VALIDATE][1], END_MS), 1);
    assert_int_equal(proc_status(&pipeline.workers[PIPELINE_VALIDATE][1]), 78);
    assert_int_equal(pipeline_log_count(&pipeline, "redis.password: vault:secret/abm#redis: "
                                                   "the secret has no such field"),
                     1);
    pipeline_stop(&pipeline);
    vault_server_stop(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_outlasts_vault),
        cmocka_unit_test(a_worker_awaits_its_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
