/*
 * The ABM token that the issuer gives: it ends and is renewed in the middle of runs, its key is rotated and
 * revoked, clocks differ, the issuer is away, and whoever renews it dies.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/leaks.h"
#include "harness/pipeline.h"

#define END_MS 90000
#define SLOW   "{ requests: 40, per: 1s, burst: 10 }"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void control(struct pipeline *pipeline, const char *path, const char *body)
{
    struct err err = ERR_INIT;

    must(abmsim_control(&pipeline->sim, "POST", path, body, &err), &err);
}

static void set(struct pipeline *pipeline, const char *scenario)
{
    struct err err = ERR_INIT;

    must(abmsim_set(&pipeline->sim, scenario, &err), &err);
}

static void set_faults(struct pipeline *pipeline, const char *rules)
{
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, rules, &err), &err);
}

struct breaker_wait {
    struct pipeline *pipeline;
    const char *code, *words;
};

static bool is_open_with(void *user)
{
    struct breaker_wait *wait = user;

    return strcmp(desk_text(&wait->pipeline->desk, "HGET", "@pause:api", "code", NULL), wait->code) == 0 &&
           strstr(desk_text(&wait->pipeline->desk, "HGET", "@pause:api", "text", NULL), wait->words) != NULL;
}

/* The breaker is open for this reason, and says these words. */
static void await_cause(struct pipeline *pipeline, const char *code, const char *words)
{
    struct breaker_wait wait = { pipeline, code, words };
    const char *text;

    if (!proc_until(is_open_with, &wait, 30000))
        fail_msg("the breaker says '%s': %s", desk_text(&pipeline->desk, "HGET", "@pause:api", "code", NULL),
                 desk_text(&pipeline->desk, "HGET", "@pause:api", "text", NULL));
    text = desk_text(&pipeline->desk, "HGET", "@pause:api", "text", NULL);
    print_message("%s: %s\n", code, text);
}

static void assert_ended_well(struct pipeline *pipeline, const struct pipeline_result *result, int count)
{
    struct leaks leaks = { .count = 0 };

    assert_string_equal(result->state, "closed");
    assert_int_equal(result->assigned, count);
    assert_int_equal(result->failed, 0);
    pipeline_assert_all(pipeline, result->run, "T", count, OUTCOME_ASSIGNED);
    pipeline_assert_no_letters(pipeline);
    pipeline_assert_no_violations(pipeline);
    pipeline_assert_workers_run(pipeline);
    /* Whatever tokens there were: Redis holds none of them, but sealed. */
    assert_true(leaks_add_tokens(&leaks, &pipeline->sim) > 0);
    assert_true(leaks_check_redis(&leaks, &pipeline->desk) > 5);
    assert_int_equal(desk_number(&pipeline->desk, "HEXISTS", "@secret:abm-token", "sealed", NULL), 1);
    leaks_release(&leaks);
}

/* The token in Redis has been there for so long: a refused one is renewed from then on. */
static bool is_old_enough(void *user)
{
    struct pipeline *pipeline = user;

    return clock_real_ms() - desk_number(&pipeline->desk, "HGET", "@secret:abm-token", "at", NULL) > 5500;
}

static void expire(struct pipeline *pipeline)
{
    assert_true(proc_until(is_old_enough, pipeline, 20000));
    control(pipeline, "/sim/issuer/expire", "{}");
}

static void rotates_in_the_middle_of_a_run(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .issuer = "",
        .rate_limit = SLOW,
        .copies = { [PIPELINE_IMPORT] = 4, [PIPELINE_ASSIGN] = 4, [PIPELINE_VERIFY] = 4 }
    };
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 600), NULL);
    pipeline_await_stat(&pipeline, "puts_changed", 1, 30000);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 1);
    expire(&pipeline);
    pipeline_await_stat(&pipeline, "tokens_issued", 2, 30000);
    pipeline_new_issuer_key(&pipeline);
    expire(&pipeline);
    pipeline_await_stat(&pipeline, "tokens_issued", 3, 30000);
    assert_false(pipeline_push_ends(&push, 0));
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    print_message("600 devices, 12 workers, 2 tokens ended and 1 key rotated: %lld exchanges, %lld refused, "
                  "%lld answers of 401, %lld failed devices, %lld ms\n",
                  (long long)pipeline_stat(&pipeline, "tokens_issued"),
                  (long long)pipeline_stat(&pipeline, "tokens_refused"),
                  (long long)pipeline_stat(&pipeline, "by_status.401"), (long long)result.failed,
                  (long long)result.ms);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 3);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_refused"), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\"breaker_opened\""), 0);
    assert_ended_well(&pipeline, &result, 600);
    pipeline_stop(&pipeline);
}

/* Tokens of 3 s: each is renewed once, before it ends, and at no time twice. */
static void renews_before_the_end(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = {
        .bin = TEST_BIN,
        .issuer = "expires_in: 60s",
        .rate_limit = SLOW,
        .copies = { [PIPELINE_IMPORT] = 4, [PIPELINE_ASSIGN] = 4, [PIPELINE_VERIFY] = 4 }
    };
    struct pipeline_result result;
    const struct json *token;
    struct err err = ERR_INIT;
    int64_t last_ms = 0, expires_ms;
    struct json *doc;
    int count = 0;

    (void)state;
    pipeline_start(&pipeline, &options);
    set(&pipeline, "{\"token_life_s\":3}");
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", "T", 300), END_MS, &result);
    must(abmsim_get(&pipeline.sim, "/sim/issuer", &doc, &err), &err);
    for (token = json_first(json_get(doc, "tokens")); token != NULL; token = json_next(token), count++) {
        assert_int_equal(clock_parse_iso(json_string(json_get(token, "expires_at")), &expires_ms), 0);
        if (expires_ms - last_ms < 1600) /* exp has whole seconds: 2.7 s are at least 1.7 of these */
            fail_msg("token %d was asked for %lld ms after the one before", count,
                     (long long)(expires_ms - last_ms));
        last_ms = expires_ms;
    }
    json_free(doc);
    print_message("tokens of 3 s: %d in %lld ms, %lld answers of 401\n", count, (long long)result.ms,
                  (long long)pipeline_stat(&pipeline, "by_status.401"));
    assert_true(count >= 3);
    assert_ended_well(&pipeline, &result, 300);
    pipeline_stop(&pipeline);
}

static void a_revoked_key_is_named_and_replaced(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = {
        .bin = TEST_BIN, .issuer = "", .rate_limit = SLOW, .copies = { [PIPELINE_ASSIGN] = 2 }
    };
    struct pipeline_result result;
    struct pipeline_push push;
    char id[32];

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 400), NULL);
    pipeline_await_stat(&pipeline, "puts_changed", 1, 30000);
    assert_true(proc_until(is_old_enough, &pipeline, 20000));
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "show", NULL), 0, "expires", NULL);
    print_message("%s", pipeline.desk.out.data);
    control(&pipeline, "/sim/issuer/revoke", "{\"kid\":\"KEY1\",\"with_tokens\":true}");
    await_cause(&pipeline, "issuer_key", "refuses the key 'KEY1' of issuer 'e2e-issuer'");
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "refresh", NULL), 69, NULL,
                "refuses the key 'KEY1'");
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 1);

    pipeline_new_issuer_key(&pipeline);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_ended_well(&pipeline, &result, 400);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 2);

    snprintf(id, sizeof(id), "%s", desk_text(&pipeline.desk, "HGET", "@secret:abm-token", "id", NULL));
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "show", "--json", NULL), 0, id, NULL);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "refresh", NULL), 0, "by       abmctl-",
                NULL);
    assert_string_not_equal(desk_text(&pipeline.desk, "HGET", "@secret:abm-token", "id", NULL), id);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "revoke-local", NULL), 0, "removed", NULL);
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "show", NULL), 1, "there is no token",
                NULL);
    pipeline_stop(&pipeline);
}

static void what_keeps_the_token_away_is_told(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .issuer = "", .copies = { [PIPELINE_ASSIGN] = 2 } };
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    set(&pipeline, "{\"clock_offset_ms\":-600000}");
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 50), NULL);
    await_cause(&pipeline, "issuer_clock", "10 m ahead of the issuer's");
    set(&pipeline, "{\"clock_offset_ms\":1500000}");
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "token", "refresh", NULL), 69, NULL,
                "25 m behind the issuer's");
    set(&pipeline, "{\"clock_offset_ms\":0}");
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_ended_well(&pipeline, &result, 50);
    pipeline_stop(&pipeline);
}

static void an_issuer_that_is_away_is_waited_for(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .issuer = "", .copies = { [PIPELINE_ASSIGN] = 4 } };
    struct pipeline_result result;
    struct pipeline_push push;
    int64_t asked;

    (void)state;
    pipeline_start(&pipeline, &options);
    set_faults(&pipeline, "[{\"op\":\"issueToken\",\"kind\":\"reset_before\",\"for_ms\":20000}]");
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 50), NULL);
    await_cause(&pipeline, "issuer_unreachable", "cannot be reached");
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    asked = pipeline_stat(&pipeline, "by_operation.issueToken");
    print_message("issuer away for 20 s: the run took %lld ms, the issuer was asked %lld times\n",
                  (long long)result.ms, (long long)asked);
    if (result.ms < 15000)
        fail_msg("the run took %lld ms: nothing was away", (long long)result.ms);
    assert_ended_well(&pipeline, &result, 50);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 1);
    pipeline_stop(&pipeline);
}

struct log_wait {
    struct pipeline *pipeline;
    const char *text;
};

static bool has_logged(void *user)
{
    struct log_wait *wait = user;

    return pipeline_log_count(wait->pipeline, wait->text) > 0;
}

static void a_wrong_seal_key_stops_only_its_worker(void **state)
{
    static const char *const wrong[] = { "ABM_SECRETS__SEAL_KEY=env:OTHER_SEAL_KEY",
                                         "OTHER_SEAL_KEY=b3RoZXIta2V5LW9mLXRoZS1lbmQtdG8tZW5kLXRlc3Q=",
                                         NULL };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .issuer = "", .copies = { [PIPELINE_ASSIGN] = 1 } };
    struct log_wait wait = { &pipeline, "secret:abm-token" };
    struct pipeline_result result;
    struct pipeline_push push;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline.env[PIPELINE_ASSIGN][0] = wrong;
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 50), NULL);
    if (!proc_until(has_logged, &wait, 30000))
        fail_msg("nobody says that the seal is another's");
    assert_int_equal(desk_number(&pipeline.desk, "EXISTS", "@pause:api", NULL), 0);
    assert_int_equal(pipeline_stat(&pipeline, "puts_received"), 0);
    pipeline_kill_worker(&pipeline, PIPELINE_ASSIGN, 0);
    pipeline.env[PIPELINE_ASSIGN][0] = NULL;
    pipeline_start_worker(&pipeline, PIPELINE_ASSIGN, 0);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_ended_well(&pipeline, &result, 50);
    assert_int_equal(pipeline_stat(&pipeline, "tokens_issued"), 1);
    pipeline_stop(&pipeline);
}

struct holder {
    struct pipeline *pipeline;
    enum pipeline_stage stage;
    int copy;
};

/* Who has the turn to renew: the consumer's name holds its pid. */
static bool has_holder(void *user)
{
    struct holder *holder = user;
    const char *lock = desk_text(&holder->pipeline->desk, "HGET", "@secret:abm-token", "lock", NULL);

    for (int stage = PIPELINE_IMPORT; stage <= PIPELINE_VERIFY; stage++) {
        for (int copy = 0; copy < holder->pipeline->copies[stage]; copy++) {
            char pid[24];

            snprintf(pid, sizeof(pid), "-%d-", (int)holder->pipeline->workers[stage][copy].pid);
            holder->stage = (enum pipeline_stage)stage;
            holder->copy = copy;
            if (strstr(lock, pid) != NULL)
                return true;
        }
    }
    return false;
}

/* What waits for the dead one's turn to end goes on once it has: by its time, not by anybody's hand. */
static void whoever_renews_it_may_die(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN,
                                        .issuer = "",
                                        .api = "timeout: 2s",
                                        .rate_limit = SLOW,
                                        .stages = "  assign: { lease: 5s }\n",
                                        .copies = { [PIPELINE_ASSIGN] = 3 } };
    struct pipeline_result result;
    struct pipeline_push push;
    struct holder holder = { .pipeline = &pipeline };

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "T", 400), NULL);
    pipeline_await_stat(&pipeline, "puts_changed", 1, 30000);
    assert_true(proc_until(is_old_enough, &pipeline, 20000));
    set_faults(&pipeline, "[{\"op\":\"issueToken\",\"kind\":\"hang\",\"ms\":60000,\"times\":1}]");
    control(&pipeline, "/sim/issuer/expire", "{}");
    assert_true(proc_until(has_holder, &holder, 20000));
    pipeline_kill_worker(&pipeline, holder.stage, holder.copy);
    pipeline_start_worker(&pipeline, holder.stage, holder.copy);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    print_message("the holder was killed: %lld exchanges, %lld ms\n",
                  (long long)pipeline_stat(&pipeline, "tokens_issued"), (long long)result.ms);
    assert_in_range(pipeline_stat(&pipeline, "tokens_issued"), 2,
                    3); /* the killed one's may have been made */
    assert_ended_well(&pipeline, &result, 400);
    pipeline_stop(&pipeline);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotates_in_the_middle_of_a_run),
        cmocka_unit_test(renews_before_the_end),
        cmocka_unit_test(a_revoked_key_is_named_and_replaced),
        cmocka_unit_test(what_keeps_the_token_away_is_told),
        cmocka_unit_test(an_issuer_that_is_away_is_waited_for),
        cmocka_unit_test(a_wrong_seal_key_stops_only_its_worker),
        cmocka_unit_test(whoever_renews_it_may_die),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
