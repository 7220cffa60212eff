#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "evidence/record.h"

static const char full[] =
    "{\"serial\":\"FVFGH2345678\",\"run\":\"acme-7f3a\",\"row\":2,\"seq\":1,\"outcome\":\"failed\",\"code\":"
    "\"abm_refused\","
    "\"blueprint_id\":\"bp-1\",\"from_blueprint_id\":\"bp-0\",\"mdm_server\":\"mdm-1\",\"assignment_id\":"
    "\"as-9\","
    "\"attempts\":3,\"times\":{\"ingest\":\"2026-11-24T08:00:00.000Z\",\"validate\":\"2026-11-24T08:00:01."
    "000Z\","
    "\"import\":\"2026-11-24T08:00:02.000Z\",\"assign\":\"2026-11-24T08:00:03.000Z\",\"verify\":null,"
    "\"end\":\"2026-11-24T08:00:04.123Z\"},\"rule\":\"1: serial.startswith('F')\",\"from_mdm_server\":"
    "\"mdm-0\"}\n";

static const char bare[] =
    "{\"serial\":\"a\\\"b\\\\c\",\"run\":\"r\",\"row\":9,\"seq\":0,\"outcome\":\"rejected\",\"code\":null,"
    "\"blueprint_id\":null,"
    "\"from_blueprint_id\":null,\"mdm_server\":null,\"assignment_id\":null,\"attempts\":0,\"times\":{"
    "\"ingest\":null,"
    "\"validate\":null,\"import\":null,\"assign\":null,\"verify\":null,\"end\":null},\"rule\":null,"
    "\"from_mdm_server\":null}\n";

/* What was written before from_mdm_server was. */
static const char older[] =
    "{\"serial\":\"S\",\"run\":\"r\",\"row\":9,\"seq\":0,\"outcome\":\"assigned\",\"code\":null,"
    "\"blueprint_id\":null,"
    "\"from_blueprint_id\":null,\"mdm_server\":null,\"assignment_id\":null,\"attempts\":0,\"times\":{"
    "\"ingest\":null,"
    "\"validate\":null,\"import\":null,\"assign\":null,\"verify\":null,\"end\":null},"
    "\"rule\":\"\\\",\\\"from_mdm_server\\\":\"}\n";

#define T0 INT64_C(1795507200000) /* 2026-11-24T08:00:00Z */

static struct device full_device(void)
{
    return (struct device){
        .serial = "FVFGH2345678",
        .row = 2,
        .seq = 1,
        .outcome = OUTCOME_FAILED,
        .code = "abm_refused",
        .blueprint_id = "bp-1",
        .from_blueprint_id = "bp-0",
        .from_mdm_server_id = "mdm-0",
        .mdm_server_id = "mdm-1",
        .assignment_id = "as-9",
        .attempts = 1,
        .attempts_all = 3,
        .rule = "1: serial.startswith('F')",
        .text = "for people only",
        .times_ms = { T0, T0 + 1000, T0 + 2000, T0 + 3000, 0, T0 + 4123 },
    };
}

static void prints_every_member_in_order(void **state)
{
    struct device device = full_device();
    struct device nothing = { .serial = "a\"b\\c", .row = 9, .outcome = OUTCOME_REJECTED };
    struct buf line;

    (void)state;
    buf_init(&line, RECORD_LINE_MAX);
    record_print(&line, "acme-7f3a", &device);
    assert_string_equal(line.data, full);
    buf_reset(&line);
    record_print(&line, "r", &nothing);
    assert_string_equal(line.data, bare);
    buf_release(&line);
}

static void reads_back_what_it_prints(void **state)
{
    const char *const lines[] = { full, bare };
    struct pool *pool = pool_new(1 << 20);
    struct buf again;

    (void)state;
    buf_init(&again, RECORD_LINE_MAX);
    for (size_t i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        struct device device;
        const char *run;

        if (record_parse(lines[i], strlen(lines[i]), pool, &run, &device, &err) != 0)
            fail_msg("%s: %s", lines[i], err.text);
        buf_reset(&again);
        record_print(&again, run, &device);
        assert_string_equal(again.data, lines[i]);
    }
    buf_release(&again);
    pool_free(pool);
}

static const char numbered[] =
    "{\"serial\":\"S\",\"run\":\"r\",\"row\":9,\"seq\":0,\"outcome\":\"assigned\",\"code\":null,"
    "\"blueprint_id\":null,"
    "\"from_blueprint_id\":null,\"mdm_server\":null,\"assignment_id\":null,\"attempts\":0,\"times\":{"
    "\"ingest\":null,"
    "\"validate\":null,\"import\":null,\"assign\":null,\"verify\":null,\"end\":null},\"rule\":null,"
    "\"from_mdm_server\":7}\n";

/* Absent is not null: nobody wrote down where the device had been. */
static void takes_a_record_of_before(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;
    struct device device;
    const char *run;

    (void)state;
    if (record_parse(older, strlen(older), pool, &run, &device, &err) != 0)
        fail_msg("%s", err.text);
    assert_null(device.from_mdm_server_id);
    assert_false(record_tells_from_server(older, strlen(older)));
    assert_true(record_tells_from_server(full, strlen(full)));
    assert_true(record_tells_from_server(bare, strlen(bare)));
    assert_int_equal(record_parse(numbered, strlen(numbered), pool, &run, &device, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    pool_free(pool);
}

static void reads_the_head(void **state)
{
    struct record_head head;

    (void)state;
    assert_true(record_read_head(full, strlen(full) - 1, &head));
    assert_int_equal(head.row, 2);
    assert_int_equal(head.seq, 1);
    assert_int_equal(head.outcome, OUTCOME_FAILED);
    assert_int_equal(head.serial_len, 12);
    assert_memory_equal(head.serial, "FVFGH2345678", 12);
    assert_true(record_read_head(bare, strlen(bare) - 1, &head));
    assert_int_equal(head.serial_len, 7);
}

/* Every proper beginning of a head is none, wherever it is cut. */
static void refuses_a_cut_head(void **state)
{
    size_t need = (size_t)(strstr(full, ",\"code\":") - full) + strlen(",\"code\":");
    struct record_head head;

    (void)state;
    for (size_t len = 0; len < need; len++) {
        char *cut = strndup(full, len); /* of its own, so that a sanitizer sees a read beyond it */

        if (record_read_head(cut, len, &head))
            fail_msg("taken with %zu bytes", len);
        free(cut);
    }
}

static void refuses_other_lines(void **state)
{
    static const struct {
        const char *what, *line;
    } rows[] = {
        { "no JSON", "hello" },
        { "another order",
          "{\"run\":\"r\",\"serial\":\"s\",\"row\":1,\"seq\":0,\"outcome\":\"failed\",\"code\":null}" },
        { "an unknown outcome",
          "{\"serial\":\"s\",\"run\":\"r\",\"row\":1,\"seq\":0,\"outcome\":\"lost\",\"code\":null}" },
        { "no outcome yet",
          "{\"serial\":\"s\",\"run\":\"r\",\"row\":1,\"seq\":0,\"outcome\":\"none\",\"code\":null}" },
        { "a negative row",
          "{\"serial\":\"s\",\"run\":\"r\",\"row\":-1,\"seq\":0,\"outcome\":\"failed\",\"code\":null}" },
        { "a row beyond all", "{\"serial\":\"s\",\"run\":\"r\",\"row\":99999999999999999999,\"seq\":0,"
                              "\"outcome\":\"failed\",\"code\":null}" },
        { "a row in quotes",
          "{\"serial\":\"s\",\"run\":\"r\",\"row\":\"1\",\"seq\":0,\"outcome\":\"failed\",\"code\":null}" },
        { "an endless outcome", "{\"serial\":\"s\",\"run\":\"r\",\"row\":1,\"seq\":0,\"outcome\":"
                                "\"failedfailedfailedfailed\",\"code\":null}" },
    };
    struct pool *pool = pool_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct record_head head;
        struct device device;
        const char *run;

        if (record_read_head(rows[i].line, strlen(rows[i].line), &head))
            fail_msg("%s: its head is taken", rows[i].what);
        if (record_parse(rows[i].line, strlen(rows[i].line), pool, &run, &device, &err) == 0 ||
            err.code != ERR_EVIDENCE)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
    pool_free(pool);
}

static void orders_by_row_serial_and_seq(void **state)
{
    static const struct {
        const char *what;
        struct record_head a, b;
        int want;
        bool is_same;
    } rows[] = {
        { "rows", { "b", 1, 1, 0, 1 }, { "a", 1, 2, 0, 1 }, -1, false },
        { "serials", { "a", 1, 1, 5, 1 }, { "b", 1, 1, 0, 1 }, -1, false },
        { "a beginning", { "a", 1, 1, 0, 1 }, { "aa", 2, 1, 0, 1 }, -1, false },
        { "seqs", { "a", 1, 1, 1, 1 }, { "a", 1, 1, 0, 1 }, 1, true },
        { "equals", { "a", 1, 1, 1, 1 }, { "a", 1, 1, 1, 2 }, 0, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int order = record_compare(&rows[i].a, &rows[i].b), back = record_compare(&rows[i].b, &rows[i].a);

        if ((order > 0) - (order < 0) != rows[i].want || (back > 0) - (back < 0) != -rows[i].want ||
            record_is_same_device(&rows[i].a, &rows[i].b) != rows[i].is_same)
            fail_msg("%s: %d, and back %d", rows[i].what, order, back);
    }
}

/* The schema that is handed out lists the very members that are printed, in their order. */
static void the_schema_lists_its_members(void **state)
{
    struct json *schema, *printed;
    const struct json *member, *name;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    if (fsio_read(TEST_TOP "/config/schema/record.schema.json", &text, &err) != 0 ||
        json_parse(text.data, text.len, &schema, &err) != 0 ||
        json_parse(full, strlen(full), &printed, &err) != 0)
        fail_msg("%s", err.text);
    name = json_first(json_get(schema, "required"));
    for (member = json_first(printed); member != NULL; member = json_next(member)) {
        assert_non_null(json_get(json_get(schema, "properties"), json_name(member)));
        if (strcmp(json_name(member), "from_mdm_server") == 0) /* older records lack it */
            continue;
        if (name == NULL)
            fail_msg("the schema does not require %s", json_name(member));
        assert_string_equal(json_string(name), json_name(member));
        name = json_next(name);
    }
    assert_null(name);
    assert_int_equal(json_count(json_get(schema, "properties")), json_count(printed));
    json_free(schema);
    json_free(printed);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_lists_its_members), cmocka_unit_test(prints_every_member_in_order),
        cmocka_unit_test(reads_back_what_it_prints),    cmocka_unit_test(reads_the_head),
        cmocka_unit_test(refuses_a_cut_head),           cmocka_unit_test(refuses_other_lines),
        cmocka_unit_test(takes_a_record_of_before),     cmocka_unit_test(orders_by_row_serial_and_seq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
