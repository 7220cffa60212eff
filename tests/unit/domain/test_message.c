#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/message.h"
#include "domain/message_inside.h"

#define POOL_MAX (4 * 1024 * 1024)

static int setup(void **state)
{
    *state = pool_new(POOL_MAX);
    return *state == NULL;
}

static int teardown(void **state)
{
    pool_free(*state);
    return 0;
}

/* Everything a device can carry, at the length that it usually has. */
static struct device full_device(void)
{
    static struct device_extra extra[] = { { "site", "Berlin \"Mitte\"" }, { "cost centre", "" } };
    struct device device = {
        .row = 1000,
        .serial = "FVFGH2345678",
        .country = "JP",
        .model = "MacBook Air",
        .order_number = "W123",
        .asset_tag = "A-1",
        .extra = extra,
        .extra_count = 2,
        .action = ACTION_REMOVE,
        .expect = EXPECT_STATE,
        .expect_blueprint_id = "bp-old",
        .expect_mdm_server_id = "mdm-old",
        .blueprint_id = "bp-5e6f7g8h",
        .mdm_server_id = "mdm-apac",
        .rule = "2: country == 'JP'",
        .device_id = "dev-1",
        .is_noted = true,
        .from_blueprint_id = "bp-old",
        .from_mdm_server_id = "mdm-old",
        .assignment_id = "asg-1",
        .is_maybe_sent = true,
        .seq = 1,
        .attempts = 2,
        .attempts_all = 3,
        .returns = 1,
        .looks = 4,
        .suspect = { "assign", "abm_server_error", 1795000000123 },
        .since_ms = 1795000000001,
        .stalled_ms = 60000,
        .times_ms = { 1795000000000, 1795000000005, 1795000000005, 1795000000900, 0, 1795000000800 },
        .outcome = OUTCOME_FAILED,
        .code = "abm_refused",
        .text = "line\nbreak and \xc3\xbc",
        .unknown = "\"later\":{\"a\":[1,2]},\"b\":null",
    };

    return device;
}

static void assert_same_text(const char *what, const char *got, const char *want)
{
    if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0))
        fail_msg("%s: got %s, want %s", what, got != NULL ? got : "NULL", want != NULL ? want : "NULL");
}

#define SAME_TEXT(member)   assert_same_text(#member, got->member, want->member)
#define SAME_NUMBER(member) assert_int_equal(got->member, want->member)

static void assert_same_device(const struct device *got, const struct device *want)
{
    SAME_NUMBER(row);
    SAME_TEXT(serial);
    SAME_TEXT(country);
    SAME_TEXT(model);
    SAME_TEXT(order_number);
    SAME_TEXT(asset_tag);
    SAME_NUMBER(extra_count);
    for (size_t i = 0; i < want->extra_count; i++) {
        SAME_TEXT(extra[i].name);
        SAME_TEXT(extra[i].value);
    }
    SAME_NUMBER(action);
    SAME_NUMBER(expect);
    SAME_TEXT(expect_blueprint_id);
    SAME_TEXT(expect_mdm_server_id);
    SAME_NUMBER(expects_no_server);
    SAME_TEXT(blueprint_id);
    SAME_TEXT(mdm_server_id);
    SAME_TEXT(rule);
    SAME_TEXT(device_id);
    SAME_NUMBER(is_noted);
    SAME_TEXT(from_blueprint_id);
    SAME_TEXT(from_mdm_server_id);
    SAME_TEXT(assignment_id);
    SAME_NUMBER(is_maybe_sent);
    SAME_NUMBER(seq);
    SAME_NUMBER(attempts);
    SAME_NUMBER(attempts_all);
    SAME_NUMBER(returns);
    SAME_NUMBER(looks);
    SAME_TEXT(suspect.op);
    SAME_TEXT(suspect.code);
    SAME_NUMBER(suspect.at_ms);
    SAME_NUMBER(since_ms);
    SAME_NUMBER(stalled_ms);
    for (int step = 0; step < STEP_COUNT; step++)
        SAME_NUMBER(times_ms[step]);
    SAME_NUMBER(outcome);
    SAME_TEXT(code);
    SAME_TEXT(text);
    SAME_TEXT(unknown);
}

static void round_trip(struct pool *pool, const struct device *const *list, size_t count, struct message *got)
{
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, MESSAGE_MAX_BYTES);
    message_print(&out, "5d0c-1f", "2026-11-24-acme-7f3a", NULL, list, count);
    assert_int_equal(buf_check(&out, "the message", &err), 0);
    if (message_parse(out.data, out.len, pool, got, &err) != 0)
        fail_msg("%s\n%s", err.text, out.data);
    buf_release(&out);
    assert_string_equal(got->uid, "5d0c-1f");
    assert_string_equal(got->run, "2026-11-24-acme-7f3a");
    assert_false(got->is_close);
    assert_int_equal(got->count, count);
}

static void nothing_is_lost_on_the_way(void **state)
{
    const struct device full = full_device(), bare = { .row = 1, .serial = "C02XL0THJGH5" };
    const struct device unassigned = { .row = 2, .serial = "C02XL0THJGH6", .expect = EXPECT_UNASSIGNED };
    const struct device on_server = {
        .row = 3, .serial = "C02XL0THJGH7", .expect = EXPECT_STATE, .expect_mdm_server_id = "mdm-1"
    };
    const struct device late = { .row = 4,
                                 .serial = "C02XL0THJGH8",
                                 .times_ms = { 0, 0, 0, 0, 1795000000000 } };
    const struct device serverless = { .row = 5,
                                       .serial = "C02XL0THJGH9",
                                       .expect = EXPECT_STATE,
                                       .expect_blueprint_id = "bp-1",
                                       .expects_no_server = true };
    const struct device *list[] = { &full, &bare, &unassigned, &on_server, &late, &serverless };
    struct message got;

    round_trip(*state, list, 6, &got);
    for (size_t i = 0; i < 6; i++)
        assert_same_device(&got.devices[i], list[i]);
}

static void absent_members_cost_nothing(void **state)
{
    const struct device bare = { .row = 7,
                                 .serial = "C02XL0THJGH5",
                                 .times_ms = { 1795000000000, 1795000000005 } };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    message_print_device(&out, &bare);
    assert_string_equal(out.data, "{\"row\":7,\"serial\":\"C02XL0THJGH5\",\"times\":[1795000000000,5]}");
    buf_release(&out);
}

/* DESIGN.md 5: below 256 bytes a device, with all that the last stage knows. */
static void a_usual_device_stays_small(void **state)
{
    struct device device = full_device();
    struct buf out;

    (void)state;
    device.model = device.order_number = device.asset_tag = NULL;
    device.extra_count = 0;
    device.action = ACTION_ASSIGN;
    device.expect = EXPECT_ANY;
    device.suspect.op = NULL;
    device.is_maybe_sent = false;
    device.seq = device.returns = device.looks = device.attempts = device.attempts_all = 0;
    device.stalled_ms = 0;
    device.since_ms = 0;
    device.outcome = OUTCOME_ASSIGNED;
    device.code = device.text = device.unknown = NULL;
    device.rule = "2: country == 'JP'";
    buf_init(&out, 4096);
    message_print_device(&out, &device);
    if (out.len > 256)
        fail_msg("%zu bytes: %s", out.len, out.data);
    buf_release(&out);
}

static void a_closing_message_has_no_devices(void **state)
{
    struct err err = ERR_INIT;
    struct message got;
    struct buf out;

    buf_init(&out, 4096);
    message_print_close(&out, "u-1", "run-1");
    assert_int_equal(message_parse(out.data, out.len, *state, &got, &err), 0);
    assert_true(got.is_close);
    assert_int_equal(got.count, 0);
    assert_string_equal(got.run, "run-1");
    buf_release(&out);
}

static void unknown_members_travel_on(void **state)
{
    static const char text[] =
        "{\"version\":1,\"uid\":\"u\",\"zone\":[true,{\"k\":\"v\"}],\"run\":\"r\",\"n\":1,"
        "\"devices\":[{\"row\":1,\"colour\":\"b\\u0001\",\"serial\":\"S\"}],\"x\":1}";
    const struct device *list[1];
    struct err err = ERR_INIT;
    struct message got, again;
    struct buf out;

    assert_int_equal(message_parse(text, strlen(text), *state, &got, &err), 0);
    assert_string_equal(got.unknown, "\"zone\":[true,{\"k\":\"v\"}],\"x\":1");
    assert_string_equal(got.devices[0].unknown, "\"colour\":\"b\\u0001\"");
    buf_init(&out, 4096);
    list[0] = &got.devices[0];
    message_print(&out, got.uid, got.run, got.unknown, list, 1);
    assert_int_equal(message_parse(out.data, out.len, *state, &again, &err), 0);
    assert_string_equal(again.unknown, got.unknown);
    assert_string_equal(again.devices[0].unknown, got.devices[0].unknown);
    buf_release(&out);
}

static void print_all(struct buf *out, const struct message *message)
{
    buf_addf(out, "%s %s\n", message->uid, message->run);
    for (size_t i = 0; i < message->count; i++)
        message_print_device(out, &message->devices[i]);
}

/*
 * The short way must take what is usual, and whatever it takes must mean the same to the tree. Each byte of a
 * message is changed to others in turn, and it is cut at each place.
 */
static void both_ways_agree(void **state)
{
    static const char others[] = "\"\\{}[],:0-19aeEn. \x01\x80";
    struct device device = full_device();
    const struct device bare = { .row = 7, .serial = "S" };
    const struct device *list[] = { &device, &bare };
    struct message own, tree;
    struct buf text, left, right;
    size_t taken = 0;

    device.extra_count = 0;
    device.action = ACTION_ASSIGN;
    device.expect = EXPECT_ANY;
    device.expect_blueprint_id = device.expect_mdm_server_id = NULL;
    device.suspect = (struct device_suspect){ 0 };
    device.text = "no, not this";
    device.unknown = NULL;
    buf_init(&text, 4096);
    buf_init(&left, 65536);
    buf_init(&right, 65536);
    message_print(&text, "u-1", "run-1", NULL, list, 2);
    assert_true(message_parse_own(text.data, text.len, *state, &own));
    assert_same_device(&own.devices[0], &device);
    assert_same_device(&own.devices[1], &bare);
    for (size_t i = 0; i < text.len; i++) {
        char kept = text.data[i];

        assert_false(message_parse_own(text.data, i, *state, &own));
        for (size_t j = 0; j < sizeof(others); j++) {
            struct err err = ERR_INIT;

            pool_reset(*state);
            text.data[i] = others[j];
            if (!message_parse_own(text.data, text.len, *state, &own))
                continue;
            taken++;
            if (message_parse_tree(text.data, text.len, *state, &tree, &err) != 0)
                fail_msg("%s: %s", text.data, err.text);
            buf_reset(&left);
            buf_reset(&right);
            print_all(&left, &own);
            print_all(&right, &tree);
            assert_string_equal(left.data, right.data);
        }
        text.data[i] = kept;
    }
    assert_true(taken > text.len); /* most bytes are text, and may be other text */
    buf_release(&text);
    buf_release(&left);
    buf_release(&right);
}

static void the_tree_has_what_the_short_way_leaves(void **state)
{
    static const struct {
        const char *what;
        struct device device;
        bool is_own;
    } rows[] = {
        { "the least", { .row = 1, .serial = "S" }, true },
        { "an outcome", { .row = 1, .serial = "S", .outcome = OUTCOME_ASSIGNED, .code = "none" }, true },
        { "times", { .row = 1, .serial = "S", .times_ms = { 0, 5, 9, 9, 2 } }, true },
        { "an escape", { .row = 1, .serial = "S", .text = "a\nb" }, false },
        { "beyond ASCII", { .row = 1, .serial = "S", .rule = "\xc3\xa4" }, false },
        { "a plan", { .row = 1, .serial = "S", .expect = EXPECT_UNASSIGNED }, false },
        { "to remove", { .row = 1, .serial = "S", .action = ACTION_REMOVE }, false },
        { "a suspicion", { .row = 1, .serial = "S", .suspect = { "assign", "abm_timeout", 5 } }, false },
        { "something unknown", { .row = 1, .serial = "S", .unknown = "\"x\":1" }, false },
        { "a large number", { .row = INT64_C(4503599627370496), .serial = "S" }, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct device *list[] = { &rows[i].device };
        struct message got;
        struct buf text;

        buf_init(&text, 4096);
        message_print(&text, "u", "r", NULL, list, 1);
        if (message_parse_own(text.data, text.len, *state, &got) != rows[i].is_own)
            fail_msg("%s: %s", rows[i].what, text.data);
        buf_release(&text);
        round_trip(*state, list, 1, &got);
        assert_same_device(&got.devices[0], &rows[i].device);
    }
}

#define HEAD "{\"version\":1,\"uid\":\"u\",\"run\":\"r\",\"n\":1,\"devices\":"

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *what, *text;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "no JSON", "hello", ERR_MSG_MALFORMED, "" },
        { "nothing", "", ERR_MSG_MALFORMED, "" },
        { "a list", "[]", ERR_MSG_MALFORMED, "the message: " },
        { "no version", "{\"uid\":\"u\",\"run\":\"r\",\"n\":0,\"close\":true}", ERR_MSG_MALFORMED,
          "version: is missing" },
        { "a newer version, types changed", "{\"version\":2,\"uid\":7}", ERR_MSG_VERSION, "version 2" },
        { "version zero", "{\"version\":0}", ERR_MSG_MALFORMED, "version: 0" },
        { "version as text", "{\"version\":\"1\"}", ERR_MSG_MALFORMED, "version: a string" },
        { "no uid", "{\"version\":1,\"run\":\"r\",\"close\":true}", ERR_MSG_MALFORMED, "uid: " },
        { "a uid that is a path", "{\"version\":1,\"uid\":\"../u\",\"run\":\"r\",\"close\":true}",
          ERR_MSG_MALFORMED, "uid: " },
        { "a uid with a blank",
          "{\"version\":1,\"uid\":\"u u\",\"run\":\"r\",\"n\":1,\"devices\":[{\"row\":1,\"serial\":\"x\"}]}",
          ERR_MSG_MALFORMED, "uid: " },
        { "a long uid",
          "{\"version\":1,\"uid\":\"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\",\"run\":\"r\","
          "\"close\":true}",
          ERR_MSG_MALFORMED, "uid: " },
        { "a bad run", "{\"version\":1,\"uid\":\"u\",\"run\":\"-r\",\"close\":true}", ERR_MSG_MALFORMED,
          "run: " },
        { "no devices", "{\"version\":1,\"uid\":\"u\",\"run\":\"r\",\"n\":0}", ERR_MSG_MALFORMED,
          "devices: none" },
        { "a closing one with devices",
          "{\"version\":1,\"uid\":\"u\",\"run\":\"r\",\"close\":true,\"devices\":[{\"row\":1,\"serial\":"
          "\"S\"}]}",
          ERR_MSG_MALFORMED, "in a closing message" },
        { "another count", HEAD "[{\"row\":1,\"serial\":\"S\"},{\"row\":2,\"serial\":\"T\"}]}",
          ERR_MSG_MALFORMED, "n: 1, but there are 2" },
        { "a device that is none", HEAD "[3]}", ERR_MSG_MALFORMED, "devices[0]: a number, wanted an object" },
        { "a serial that is a number", HEAD "[{\"row\":1,\"serial\":3}]}", ERR_MSG_MALFORMED,
          "devices[0].serial: a number, wanted a string" },
        { "no row", HEAD "[{\"serial\":\"S\"}]}", ERR_MSG_MALFORMED, "devices[0].row: is missing" },
        { "row zero", HEAD "[{\"row\":0,\"serial\":\"S\"}]}", ERR_MSG_MALFORMED, "devices[0].row: 0" },
        { "half a row", HEAD "[{\"row\":1.5,\"serial\":\"S\"}]}", ERR_MSG_MALFORMED,
          "devices[0].row: not a whole" },
        { "attempts below zero", HEAD "[{\"row\":1,\"serial\":\"S\",\"attempts\":-1}]}", ERR_MSG_MALFORMED,
          "devices[0].attempts: -1" },
        { "attempts that one more would overflow",
          HEAD "[{\"row\":1,\"serial\":\"S\",\"attempts\":2147483647}]}", ERR_MSG_MALFORMED,
          "devices[0].attempts: 2147483647" },
        { "attempts beyond an int", HEAD "[{\"row\":1,\"serial\":\"S\",\"attempts\":4294967296}]}",
          ERR_MSG_MALFORMED, "devices[0].attempts: 4294967296" },
        { "an outcome that is none", HEAD "[{\"row\":1,\"serial\":\"S\",\"outcome\":\"lost\"}]}",
          ERR_MSG_MALFORMED, "devices[0].outcome: 'lost'" },
        { "a flag as text", HEAD "[{\"row\":1,\"serial\":\"S\",\"noted\":\"yes\"}]}", ERR_MSG_MALFORMED,
          "devices[0].noted: " },
        { "seven times", HEAD "[{\"row\":1,\"serial\":\"S\",\"times\":[1,1,1,1,1,1,1]}]}", ERR_MSG_MALFORMED,
          "devices[0].times: more than 6" },
        { "a time before the first", HEAD "[{\"row\":1,\"serial\":\"S\",\"times\":[5,-9]}]}",
          ERR_MSG_MALFORMED, "devices[0].times: a time" },
        { "an action that is none", HEAD "[{\"row\":1,\"serial\":\"S\",\"action\":\"wipe\"}]}",
          ERR_MSG_MALFORMED, "devices[0].action: 'wipe'" },
        { "a member twice", HEAD "[{\"row\":1,\"serial\":\"S\",\"serial\":\"T\"}]}", ERR_MSG_MALFORMED, "" },
        { "something behind it", "{\"version\":1,\"uid\":\"u\",\"run\":\"r\",\"close\":true} x",
          ERR_MSG_MALFORMED, "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct message got;

        if (message_parse(rows[i].text, strlen(rows[i].text), *state, &got, &err) == 0)
            fail_msg("%s: was taken", rows[i].what);
        if (err.code != rows[i].code || strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void keeps_its_limits(void **state)
{
    struct device device = { .row = 1, .serial = "C02XL0THJGH5" };
    const struct device *list[MESSAGE_MAX_DEVICES + 1];
    struct pool *small = pool_new(2000);
    struct err err = ERR_INIT;
    struct message got;
    struct buf out;

    for (size_t i = 0; i <= MESSAGE_MAX_DEVICES; i++)
        list[i] = &device;
    buf_init(&out, 1024 * 1024);
    message_print(&out, "u", "r", NULL, list, MESSAGE_MAX_DEVICES);
    assert_int_equal(message_parse(out.data, out.len, *state, &got, &err), 0);
    assert_int_equal(message_parse(out.data, out.len, small, &got, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_reset(&out);
    message_print(&out, "u", "r", NULL, list, MESSAGE_MAX_DEVICES + 1);
    assert_int_equal(message_parse(out.data, out.len, *state, &got, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    while (out.len <= MESSAGE_MAX_BYTES)
        buf_add(&out, "                                ", 32);
    err.code = ERR_NONE;
    assert_int_equal(message_parse(out.data, out.len, *state, &got, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_release(&out);
    pool_free(small);
}

static void knows_run_ids(void **state)
{
    static const struct {
        const char *run;
        bool is_valid;
    } rows[] = {
        { "a", true },
        { "2026-11-24-acme_7f3a.x", true },
        { "", false },
        { "-a", false },
        { ".a", false },
        { "a b", false },
        { "a/b", false },
        { "a\n", false },
        { "\xc3\xa4", false },
        { NULL, false },
        { "0123456789012345678901234567890123456789012345678901234567890123", true },
        { "01234567890123456789012345678901234567890123456789012345678901234", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (run_id_is_valid(rows[i].run) != rows[i].is_valid)
            fail_msg("'%s'", rows[i].run != NULL ? rows[i].run : "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_on_the_way, setup, teardown),
        cmocka_unit_test(absent_members_cost_nothing),
        cmocka_unit_test(a_usual_device_stays_small),
        cmocka_unit_test_setup_teardown(a_closing_message_has_no_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_members_travel_on, setup, teardown),
        cmocka_unit_test_setup_teardown(both_ways_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(the_tree_has_what_the_short_way_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_its_limits, setup, teardown),
        cmocka_unit_test(knows_run_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
