/* The turn to renew a shared secret, on the scripts that decide it: who gets it, what a late one may still
 * write, and what is told of a failure; and abmctl token beside it. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/desk.h"
#include "queue/shared.h"

#define NAME "abm-token"

struct bench {
    struct desk desk;
    struct shared shared[2];
    struct sealed at[2]; /* two workers */
};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    desk_start(&bench->desk, "");
    for (int i = 0; i < 2; i++) {
        bench->shared[i] = (struct shared){ .redis = bench->desk.redis,
                                            .keys = &bench->desk.keys,
                                            .stage = "assign",
                                            .consumer = i == 0 ? "one" : "two" };
        bench->at[i] = shared_sealed(&bench->shared[i]);
    }
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;

    desk_stop(&bench->desk);
    free(bench);
    return 0;
}

static int clear(void **state)
{
    struct bench *bench = *state;

    desk_number(&bench->desk, "DEL", "@secret:" NAME, NULL);
    return 0;
}

static struct sealed_turn ask(struct bench *bench, int who, const char *known, int64_t ttl_ms,
                              int64_t min_age_ms, bool is_forced)
{
    struct sealed_ask wanted = {
        .known_id = known, .ttl_ms = ttl_ms, .min_age_ms = min_age_ms, .is_forced = is_forced
    };
    struct sealed_turn turn;
    struct err err = ERR_INIT;

    must(sealed_take(&bench->at[who], NAME, &wanted, &turn, &err), &err);
    return turn;
}

static int store(struct bench *bench, int who, int64_t fence, const char *id, const char *text)
{
    struct sealed_value value;
    struct err err = ERR_INIT;
    int rc;

    sealed_value_init(&value);
    snprintf(value.id, sizeof(value.id), "%s", id);
    value.expires_ms = 4102444800000;
    buf_add_str(&value.text, text);
    rc = sealed_put(&bench->at[who], NAME, fence, &value, &err);
    must(rc, &err);
    sealed_value_release(&value);
    return rc;
}

static void assert_stored(struct bench *bench, const char *id, const char *by, const char *text)
{
    struct sealed_value value;
    struct err err = ERR_INIT;
    int rc;

    sealed_value_init(&value);
    rc = sealed_read(&bench->at[0], NAME, &value, &err);
    must(rc, &err);
    assert_int_equal(rc, id != NULL);
    if (id != NULL) {
        assert_string_equal(value.id, id);
        assert_string_equal(value.by, by);
        assert_string_equal(value.text.data, text);
        assert_true(value.expires_ms == 4102444800000);
        assert_true(value.at_ms > 0);
    }
    sealed_value_release(&value);
}

static void one_has_the_turn_and_stores(void **state)
{
    struct bench *bench = *state;
    struct sealed_turn turn = ask(bench, 0, "", 60000, 0, false), other;

    assert_int_equal(turn.kind, SEALED_TAKEN);
    other = ask(bench, 1, "", 60000, 0, false);
    assert_int_equal(other.kind, SEALED_HELD);
    assert_in_range(other.left_ms, 1, 60000);
    assert_int_equal(store(bench, 0, turn.fence, "aaaa0001", "sealed-1"), 1);
    assert_stored(bench, "aaaa0001", "one", "sealed-1");

    /* Who knows the value may renew it, who knows another reads this one first. */
    assert_int_equal(ask(bench, 1, "", 60000, 0, false).kind, SEALED_NEWER);
    assert_int_equal(ask(bench, 1, "bbbb", 60000, 0, false).kind, SEALED_NEWER);
    assert_int_equal(ask(bench, 1, "aaaa0001", 60000, 3600000, false).kind, SEALED_YOUNG);
    other = ask(bench, 1, "aaaa0001", 60000, 0, false);
    assert_int_equal(other.kind, SEALED_TAKEN);
    assert_true(other.fence > turn.fence);
    assert_int_equal(store(bench, 1, other.fence, "aaaa0002", "sealed-2"), 1);
    assert_stored(bench, "aaaa0002", "two", "sealed-2");
}

/* The holder stood still, its lock ran out, and another renewed: what it brings now is refused. */
static void a_late_one_writes_nothing(void **state)
{
    struct bench *bench = *state;
    struct sealed_turn late = ask(bench, 0, "", 60000, 0, false), turn;
    struct err why = ERR_INIT, err = ERR_INIT;

    desk_number(&bench->desk, "HSET", "@secret:" NAME, "until", "1", NULL); /* its time is over */
    turn = ask(bench, 1, "", 60000, 0, false);
    assert_int_equal(turn.kind, SEALED_TAKEN);
    assert_int_equal(store(bench, 0, late.fence, "aaaa0009", "late"), 0);
    assert_stored(bench, NULL, NULL, NULL);
    err_set(&why, ERR_ISSUER_AWAY, 0, "late");
    assert_int_equal(sealed_give_up(&bench->at[0], NAME, late.fence, 60000, &why, &err), 0);
    assert_int_equal(store(bench, 1, turn.fence, "aaaa0001", "sealed-1"), 1);
    assert_int_equal(store(bench, 0, late.fence, "aaaa0009", "late"), 0);
    assert_stored(bench, "aaaa0001", "two", "sealed-1");
}

static void a_failure_is_told_to_all_for_a_while(void **state)
{
    struct bench *bench = *state;
    struct sealed_turn turn = ask(bench, 0, "", 60000, 0, false);
    struct err why = ERR_INIT, err = ERR_INIT;

    err_set(&why, ERR_ISSUER_KEY, 0, "the issuer refuses the key 'K1'");
    assert_int_equal(sealed_give_up(&bench->at[0], NAME, turn.fence, 60000, &why, &err), 1);
    for (int who = 0; who < 2; who++) {
        turn = ask(bench, who, "", 60000, 0, false);
        assert_int_equal(turn.kind, SEALED_FAILED);
        assert_string_equal(turn.code, "issuer_key");
        assert_string_equal(turn.why, "the issuer refuses the key 'K1'");
    }
    turn = ask(bench, 1, "", 60000, 0, true);
    assert_int_equal(turn.kind, SEALED_TAKEN);
    assert_int_equal(sealed_give_up(&bench->at[1], NAME, turn.fence, 60000, &why, &err), 1);
    desk_number(&bench->desk, "HSET", "@secret:" NAME, "until", "1", NULL);
    assert_int_equal(ask(bench, 0, "", 60000, 0, false).kind, SEALED_TAKEN);
}

/* The fencing number outlives the value: else a late one's could be given out a second time. */
static void dropping_keeps_the_fence(void **state)
{
    struct bench *bench = *state;
    struct sealed_turn turn = ask(bench, 0, "", 60000, 0, false), next;
    struct err err = ERR_INIT;

    assert_int_equal(store(bench, 0, turn.fence, "aaaa0001", "sealed-1"), 1);
    assert_int_equal(sealed_drop(&bench->at[1], NAME, &err), 1);
    assert_int_equal(sealed_drop(&bench->at[1], NAME, &err), 0);
    assert_stored(bench, NULL, NULL, NULL);
    next = ask(bench, 1, "aaaa0001", 60000, 3600000, false);
    assert_int_equal(next.kind, SEALED_TAKEN);
    assert_true(next.fence > turn.fence);
}

static void a_key_of_another_type_is_named(void **state)
{
    struct bench *bench = *state;
    struct sealed_ask wanted = { .known_id = "", .ttl_ms = 1000 };
    struct sealed_turn turn;
    struct err err = ERR_INIT;

    desk_text(&bench->desk, "SET", "@secret:" NAME, "x", NULL);
    assert_int_equal(sealed_take(&bench->at[0], NAME, &wanted, &turn, &err), -1);
    assert_int_equal(err.code, ERR_REDIS_TYPE);
    assert_non_null(strstr(err.text, "secret:" NAME));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_has_the_turn_and_stores, clear),
        cmocka_unit_test_setup(a_late_one_writes_nothing, clear),
        cmocka_unit_test_setup(a_failure_is_told_to_all_for_a_while, clear),
        cmocka_unit_test_setup(dropping_keeps_the_fence, clear),
        cmocka_unit_test_setup(a_key_of_another_type_is_named, clear),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
