/* What a dead device becomes before it goes back to work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain/message.h"
#include "replay.h"

static struct device dead_device(void)
{
    return (struct device){ .row = 7,
                            .serial = "FVFGH2345678",
                            .country = "JP",
                            .blueprint_id = "bp-1",
                            .rule = "1: x",
                            .device_id = "d-1",
                            .is_noted = true,
                            .from_blueprint_id = "bp-0",
                            .assignment_id = "a-1",
                            .seq = 2,
                            .attempts = 8,
                            .attempts_all = 9,
                            .returns = 1,
                            .looks = 4,
                            .since_ms = 5,
                            .stalled_ms = 6,
                            .suspect = { .op = "assign", .code = "abm_5xx", .at_ms = 3 },
                            .times_ms = { [STEP_INGEST] = 1, [STEP_ASSIGN] = 2, [STEP_END] = 3 },
                            .outcome = OUTCOME_FAILED,
                            .code = "abm_refused",
                            .text = "no" };
}

static void begins_anew(void **state)
{
    struct device device = dead_device();

    (void)state;
    replay_reset(&device);
    assert_int_equal(device.seq, 3);
    assert_int_equal(device.attempts, 0);
    assert_int_equal(device.looks, 0);
    assert_int_equal(device.returns, 0);
    assert_null(device.suspect.op);
    assert_int_equal(device.outcome, OUTCOME_NONE);
    assert_null(device.code);
    assert_null(device.text);
    assert_int_equal(device.times_ms[STEP_END], 0);
    assert_int_equal(device.since_ms, 0);
    /* what is known of it stays */
    assert_int_equal(device.attempts_all, 9);
    assert_true(device.is_noted);
    assert_string_equal(device.from_blueprint_id, "bp-0");
    assert_int_equal(device.times_ms[STEP_INGEST], 1);
}

static void makes_a_message_of_one(void **state)
{
    struct device device = dead_device();
    struct pool *pool = pool_new(1 << 20), *read = pool_new(1 << 20);
    struct dead_letter letter = { .stage = "assign", .id = "1-0", .run = "r1", .serial = device.serial };
    struct err err = ERR_INIT;
    struct message message;
    struct buf json, out;

    (void)state;
    buf_init(&json, 1 << 16);
    buf_init(&out, 1 << 16);
    message_print_device(&json, &device);
    letter.device = json.data;
    letter.device_len = json.len;
    assert_int_equal(replay_message(&letter, "assign", "uid-1", pool, &out, &err), 0);
    assert_int_equal(message_parse(out.data, out.len, read, &message, &err), 0);
    assert_string_equal(message.uid, "uid-1");
    assert_string_equal(message.run, "r1");
    assert_int_equal(message.count, 1);
    assert_string_equal(message.devices[0].serial, "FVFGH2345678");
    assert_int_equal(message.devices[0].seq, 3);
    assert_int_equal(message.devices[0].row, 7);
    assert_true(message.devices[0].is_noted);
    assert_int_equal(message.devices[0].outcome, OUTCOME_NONE);
    buf_release(&out);
    buf_release(&json);
    pool_free(read);
    pool_free(pool);
}

static void refuses(void **state)
{
    static const struct {
        const char *what, *run, *device, *target, *want;
        enum err_code code;
    } rows[] = {
        { "a batch without a device", "r1", NULL, "assign", "send the batch again", ERR_NOT_FOUND },
        { "no run", NULL, "{\"serial\":\"A\",\"row\":1}", "assign", "names no run", ERR_MSG_MALFORMED },
        { "to audit", "r1", "{\"serial\":\"A\",\"row\":1,\"blueprint_id\":\"b\"}", "audit", "audit cannot",
          ERR_RUN_STATE },
        { "to validate", "r1", "{\"serial\":\"A\",\"row\":1,\"blueprint_id\":\"b\"}", "validate",
          "validate cannot", ERR_RUN_STATE },
        { "no blueprint yet", "r1", "{\"serial\":\"A\",\"row\":1}", "import", "its blueprint",
          ERR_RUN_STATE },
        { "no JSON", "r1", "{", "assign", "cannot be read", ERR_JSON },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dead_letter letter = { .stage = "assign",
                                      .id = "1-0",
                                      .run = rows[i].run,
                                      .serial = "A",
                                      .device = rows[i].device,
                                      .device_len = rows[i].device != NULL ? strlen(rows[i].device) : 0 };
        struct pool *pool = pool_new(1 << 20);
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 1 << 16);
        if (replay_message(&letter, rows[i].target, "u", pool, &out, &err) != -1 ||
            err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        buf_release(&out);
        pool_free(pool);
    }
}

/* A message between stages that could not be read: which devices stood in it nobody can say. */
static void refuses_an_unreadable_message(void **state)
{
    const struct dead_letter letter = {
        .stage = "assign", .id = "1-0", .run = "", .message = "{", .message_len = 1
    };
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    assert_int_equal(replay_message(&letter, "assign", "u", pool, &out, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "a message that could not be read"));
    buf_release(&out);
    pool_free(pool);
}

static void sends_verify_back_to_assign(void **state)
{
    (void)state;
    assert_string_equal(replay_target("verify"), "assign");
    assert_string_equal(replay_target("assign"), "assign");
    assert_string_equal(replay_target("import"), "import");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_anew),
        cmocka_unit_test(makes_a_message_of_one),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_an_unreadable_message),
        cmocka_unit_test(sends_verify_back_to_assign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
