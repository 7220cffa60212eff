#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "domain/ingest.h"
#include "domain/message_inside.h"

#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int setup(void **state)
{
    *state = pool_new(16 * 1024 * 1024);
    return *state == NULL;
}

static int teardown(void **state)
{
    pool_free(*state);
    return 0;
}

static void parse(struct pool *pool, const char *text, struct ingest *got)
{
    struct err err = ERR_INIT;

    if (ingest_parse(text, strlen(text), pool, got, &err) != 0)
        fail_msg("%s\n%s", err.text, text);
}

static void the_documented_example(void **state)
{
    static const char text[] =
        "{\"version\":1,\"run\":\"2026-11-24-acme-7f3a\",\"batch\":1,\"batches\":10,\"mode\":\"apply\","
        "\"operator\":\"CI=github-actions, "
        "RUN_ID=12345\",\"source\":{\"name\":\"devices.csv\",\"sha256\":\"" HASH
        "\"},\"mapping_sha256\":\"" HASH "\",\"git_commit\":\"0a1b2c\",\"devices\":[{\"row\":2,\"serial\":"
        "\"FVFGH2345678\",\"country\":\"JP\",\"model\":\"MacBook "
        "Air\",\"order_number\":\"W123\",\"asset_tag\":"
        "\"A-1\"}],\"rejected\":[{\"row\":9,\"serial\":\"abc\",\"code\":\"serial_format\",\"text\":\"short\"}"
        "]}";
    struct ingest got;

    parse(*state, text, &got);
    assert_string_equal(got.run, "2026-11-24-acme-7f3a");
    assert_int_equal(got.batch, 1);
    assert_int_equal(got.batches, 10);
    assert_string_equal(got.mode, "apply");
    assert_string_equal(got.operator_, "CI=github-actions, RUN_ID=12345");
    assert_string_equal(got.source_name, "devices.csv");
    assert_string_equal(got.source_sha256, HASH);
    assert_string_equal(got.mapping_sha256, HASH);
    assert_string_equal(got.git_commit, "0a1b2c");
    assert_int_equal(got.count, 1);
    assert_int_equal(got.devices[0].row, 2);
    assert_string_equal(got.devices[0].serial, "FVFGH2345678");
    assert_string_equal(got.devices[0].country, "JP");
    assert_string_equal(got.devices[0].model, "MacBook Air");
    assert_string_equal(got.devices[0].order_number, "W123");
    assert_string_equal(got.devices[0].asset_tag, "A-1");
    assert_int_equal(got.rejected_count, 1);
    assert_int_equal(got.rejected[0].row, 9);
    assert_string_equal(got.rejected[0].serial, "abc");
    assert_string_equal(got.rejected[0].code, "serial_format");
    assert_string_equal(got.rejected[0].text, "short");
    assert_string_equal(got.part.path, "");
    assert_null(got.part.sha256);
}

static void the_least_there_can_be(void **state)
{
    struct ingest got;

    parse(*state,
          "{\"devices\":[{\"serial\":\"A\",\"country\":\"\"},{\"country\":\"DE\",\"serial\":\"\",\"model\":"
          "null}],"
          "\"version\":1,\"run\":null,\"git_commit\":null,\"rejected\":null,\"plan_sha256\":null,"
          "\"approvers\":null,"
          "\"only_new\":null}",
          &got);
    assert_null(got.run);
    assert_int_equal(got.batch, 1);
    assert_int_equal(got.batches, 1);
    assert_string_equal(got.mode, "apply");
    assert_null(got.mapping_sha256);
    assert_null(got.plan_sha256);
    assert_null(got.approvers);
    assert_false(got.is_only_new);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.devices[0].row, 1);
    assert_int_equal(got.devices[1].row, 2);
    assert_string_equal(got.devices[0].country, "");
    assert_null(got.devices[1].model);
    assert_int_equal(got.devices[0].expect, EXPECT_ANY);
    assert_int_equal(got.devices[0].action, ACTION_ASSIGN);
    assert_false(device_is_planned(&got.devices[0]));
}

/* What stages tell each other of a device no producer can tell them. */
static void the_stages_own_words_stay_behind(void **state)
{
    static const char *const theirs[] = { "row",   "serial", "country", "model", "order_number", "asset_tag",
                                          "extra", "action", "seq",     "noted", "from",         "from_mdm" };

    for (size_t i = 0; i < MESSAGE_DEVICE_FIELDS; i++) {
        const char *name = message_device_fields[i].name;
        bool is_theirs = false;
        struct ingest got;
        char text[256];

        for (size_t k = 0; k < sizeof(theirs) / sizeof(theirs[0]); k++)
            is_theirs = is_theirs || strcmp(theirs[k], name) == 0;
        if (is_theirs) /* read, and the last four kept for a part alone */
            continue;
        snprintf(text, sizeof(text),
                 "{\"version\":1,\"devices\":[{\"serial\":\"A\",\"country\":\"DE\",\"%s\":[1],\"zone\":2}]}",
                 name);
        parse(*state, text, &got);
        if (got.devices[0].unknown == NULL || strcmp(got.devices[0].unknown, "\"zone\":2") != 0)
            fail_msg("%s travels on: %s", name, got.devices[0].unknown);
    }
}

static void planned_devices(void **state)
{
    static const struct {
        const char *what, *members;
        enum device_action action;
        enum device_expect expect;
        const char *blueprint_id, *mdm_server, *from, *from_server;
        bool is_planned;
    } rows[] = {
        { "a blueprint", "\"blueprint_id\":\"bp-1\"", ACTION_ASSIGN, EXPECT_ANY, "bp-1", NULL, NULL, NULL,
          true },
        { "and a server", "\"blueprint_id\":\"bp-1\",\"mdm_server\":\"m\",\"action\":\"assign\"",
          ACTION_ASSIGN, EXPECT_ANY, "bp-1", "m", NULL, NULL, true },
        { "from nothing", "\"blueprint_id\":\"bp-1\",\"expected_from\":null", ACTION_ASSIGN,
          EXPECT_UNASSIGNED, "bp-1", NULL, NULL, NULL, true },
        { "from an id", "\"blueprint_id\":\"bp-1\",\"expected_from\":\"bp-0\"", ACTION_ASSIGN, EXPECT_STATE,
          "bp-1", NULL, "bp-0", NULL, true },
        { "from a state",
          "\"action\":\"remove\",\"expected_from\":{\"blueprint_id\":\"bp-0\",\"mdm_server\":\"m0\"}",
          ACTION_REMOVE, EXPECT_STATE, NULL, NULL, "bp-0", "m0", true },
        { "from a server alone",
          "\"action\":\"remove\",\"expected_from\":{\"blueprint_id\":null,\"mdm_server\":\"m0\"}",
          ACTION_REMOVE, EXPECT_STATE, NULL, NULL, NULL, "m0", true },
        { "from no server",
          "\"action\":\"remove\",\"expected_from\":{\"blueprint_id\":\"bp-0\",\"no_mdm_server\":true}",
          ACTION_REMOVE, EXPECT_STATE, NULL, NULL, "bp-0", "(none)", true },
        { "from nothing, at length", "\"expected_from\":{\"blueprint_id\":null,\"mdm_server\":null}",
          ACTION_ASSIGN, EXPECT_UNASSIGNED, NULL, NULL, NULL, NULL, false },
        { "another action", "\"action\":\"wipe\"", ACTION_UNKNOWN, EXPECT_ANY, NULL, NULL, NULL, NULL,
          false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct ingest got;
        const struct device *device;

        snprintf(text, sizeof(text), "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",%s}]}",
                 rows[i].members);
        parse(*state, text, &got);
        device = &got.devices[0];
        if (device->expects_no_server) {
            assert_null(device->expect_mdm_server_id);
            got.devices[0].expect_mdm_server_id = "(none)";
        }
        if (device->action != rows[i].action || device->expect != rows[i].expect ||
            device_is_planned(device) != rows[i].is_planned)
            fail_msg("%s: action %d, expect %d", rows[i].what, device->action, device->expect);
#define CHECK(member, want)                                                                                  \
    if ((device->member == NULL) != (rows[i].want == NULL) ||                                                \
        (rows[i].want && strcmp(device->member, rows[i].want) != 0))                                         \
    fail_msg("%s: " #member, rows[i].what)
        CHECK(blueprint_id, blueprint_id);
        CHECK(mdm_server_id, mdm_server);
        CHECK(expect_blueprint_id, from);
        CHECK(expect_mdm_server_id, from_server);
#undef CHECK
    }
}

/* Printed and parsed and printed again gives the same bytes, whatever the batch carries. */
static void halves_keep_everything(void **state)
{
    static const char text[] =
        "{\"version\":1,\"run\":\"r\",\"batch\":2,\"batches\":3,\"mode\":\"apply\",\"operator\":\"a\\tb\","
        "\"source\":{\"name\":\"x\"},\"git_commit\":\"0a\",\"only_new\":true,\"plan_sha256\":\"" HASH
        "\",\"plan_unchanged\":17,\"approvers\":[\"" HASH "\",\"" OTHER
        "\"],\"part\":{\"path\":\"01\",\"sha256\":\"" HASH
        "\",\"total\":40},\"zone\":[1],\"devices\":[{\"row\":4,\"serial\":\"A\",\"country\":\"JP\",\"extra\":"
        "{\"site\":"
        "\"Ulm\"},\"blueprint_id\":\"b\",\"mdm_server\":\"m\",\"action\":\"wipe\",\"expected_from\":null,"
        "\"hue\":{\"a\":1}},{\"row\":5,\"serial\":\"B\",\"country\":\"JP\",\"action\":\"remove\",\"expected_"
        "from\":"
        "\"bp-0\"},{\"row\":6,\"serial\":\"C\",\"country\":\"JP\",\"expected_from\":{\"blueprint_id\":null,"
        "\"mdm_server\":\"m0\"},\"seq\":2,\"noted\":true,\"from\":\"bp-1\",\"from_mdm\":\"m1\"},"
        "{\"row\":7,\"serial\":\"D\",\"country\":\"JP\",\"expected_from\":{\"blueprint_id\":\"bp-0\","
        "\"no_mdm_server\":true}}],"
        "\"rejected\":[{\"row\":9,\"code\":\"row_format\"}]}";
    const struct device *list[4];
    struct ingest got;
    struct buf out;

    parse(*state, text, &got);
    assert_string_equal(got.part.path, "01");
    assert_int_equal(got.part.total, 40);
    assert_string_equal(got.unknown, "\"zone\":[1]");
    assert_true(got.is_only_new);
    assert_int_equal(got.plan_unchanged, 17);
    assert_string_equal(got.plan_sha256, HASH);
    assert_string_equal(got.approvers, HASH "," OTHER);
    for (size_t i = 0; i < 4; i++)
        list[i] = &got.devices[i];
    buf_init(&out, INGEST_MAX_BYTES);
    ingest_print(&out, &got, list, 4);
    assert_string_equal(out.data, text);
    buf_release(&out);
}

/* A producer's word on what a device has been through is not believed; a part's is. */
static void believes_no_producer(void **state)
{
    static const char format[] =
        "{\"version\":1,\"run\":\"r\",%s\"devices\":[{\"row\":1,\"serial\":\"S\",\"country\":"
        "\"JP\",\"seq\":3,\"noted\":true,\"from\":\"b\",\"from_mdm\":\"m\"}]}";
    struct ingest got;
    char text[1024];

    snprintf(text, sizeof(text), format, "");
    parse(*state, text, &got);
    assert_int_equal(got.devices[0].seq, 0);
    assert_false(got.devices[0].is_noted);
    assert_null(got.devices[0].from_blueprint_id);
    assert_null(got.devices[0].from_mdm_server_id);
    assert_null(got.devices[0].unknown);
    snprintf(text, sizeof(text), format, "\"part\":{\"path\":\"1\",\"sha256\":\"" HASH "\",\"total\":4},");
    parse(*state, text, &got);
    assert_int_equal(got.devices[0].seq, 3);
    assert_true(got.devices[0].is_noted);
    assert_string_equal(got.devices[0].from_blueprint_id, "b");
    assert_string_equal(got.devices[0].from_mdm_server_id, "m");
}

#define ONE "{\"serial\":\"S\",\"country\":\"JP\"}"

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *what, *text;
        enum err_code code;
        const char *says, *run; /* run: what could still be read */
    } rows[] = {
        { "no JSON", "devices.csv", ERR_MSG_MALFORMED, "", NULL },
        { "nothing", "", ERR_MSG_MALFORMED, "", NULL },
        { "a list", "[1]", ERR_MSG_MALFORMED, "the message: an array", NULL },
        { "no version", "{\"run\":\"r\",\"devices\":[" ONE "]}", ERR_MSG_MALFORMED, "version: is missing",
          "r" },
        { "version as text", "{\"version\":\"1\",\"run\":\"r\",\"devices\":[]}", ERR_MSG_MALFORMED,
          "version: a string", "r" },
        { "version 0", "{\"version\":0,\"devices\":[" ONE "]}", ERR_MSG_MALFORMED, "version: 0", NULL },
        { "version 2", "{\"version\":2,\"run\":\"r\",\"devices\":7}", ERR_MSG_VERSION, "version 2", "r" },
        { "version 2, its run another thing", "{\"version\":2,\"run\":{},\"devices\":7}", ERR_MSG_VERSION,
          "version 2", NULL },
        { "urgent as text", "{\"version\":1,\"run\":\"r\",\"urgent\":\"yes\",\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "urgent: a string, wanted true or false", "r" },
        { "two urgent batches",
          "{\"version\":1,\"run\":\"r\",\"batch\":1,\"batches\":2,\"urgent\":true,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "urgent: only a run of one batch", "r" },
        { "no devices", "{\"version\":1,\"run\":\"r\"}", ERR_MSG_MALFORMED, "devices: is missing", "r" },
        { "none at all", "{\"version\":1,\"devices\":[]}", ERR_MSG_MALFORMED, "devices: is empty", NULL },
        { "devices null", "{\"version\":1,\"devices\":null}", ERR_MSG_MALFORMED, "devices: null", NULL },
        { "devices an object", "{\"version\":1,\"devices\":{}}", ERR_MSG_MALFORMED, "devices: an object",
          NULL },
        { "a serial that is a number",
          "{\"version\":1,\"run\":\"r\",\"devices\":[" ONE ",{\"serial\":1,\"country\":\"JP\"}]}",
          ERR_MSG_MALFORMED, "devices[1].serial: a number, wanted a string", "r" },
        { "no serial", "{\"version\":1,\"devices\":[{\"country\":\"JP\"}]}", ERR_MSG_MALFORMED,
          "devices[0].serial: is missing", NULL },
        { "no country", "{\"version\":1,\"devices\":[{\"serial\":\"S\"}]}", ERR_MSG_MALFORMED,
          "devices[0].country: is missing", NULL },
        { "a device that is text", "{\"version\":1,\"devices\":[\"S\"]}", ERR_MSG_MALFORMED,
          "devices[0]: a string", NULL },
        { "row 0", "{\"version\":1,\"devices\":[{\"row\":0,\"serial\":\"S\",\"country\":\"JP\"}]}",
          ERR_MSG_MALFORMED, "devices[0].row: 0", NULL },
        { "row -1", "{\"version\":1,\"devices\":[{\"row\":-1,\"serial\":\"S\",\"country\":\"JP\"}]}",
          ERR_MSG_MALFORMED, "devices[0].row: -1", NULL },
        { "row as text", "{\"version\":1,\"devices\":[{\"row\":\"1\",\"serial\":\"S\",\"country\":\"JP\"}]}",
          ERR_MSG_MALFORMED, "devices[0].row: a string", NULL },
        { "a row twice",
          "{\"version\":1,\"devices\":[{\"row\":2,\"serial\":\"S\",\"country\":\"JP\"}," ONE "]}",
          ERR_MSG_MALFORMED, "devices[1].row: 2 stands twice", NULL },
        { "a row twice, one rejected",
          "{\"version\":1,\"devices\":[" ONE "],\"rejected\":[{\"row\":1,\"code\":\"x\"}]}",
          ERR_MSG_MALFORMED, "rejected[0].row: 1 stands twice", NULL },
        { "an unknown mode", "{\"version\":1,\"mode\":\"dry\",\"devices\":[" ONE "]}", ERR_MSG_MALFORMED,
          "mode: 'dry'", NULL },
        { "batch beyond batches",
          "{\"version\":1,\"run\":\"r\",\"batch\":3,\"batches\":2,\"devices\":[" ONE "]}", ERR_MSG_MALFORMED,
          "batch: 3 of 2", NULL },
        { "batch 0", "{\"version\":1,\"run\":\"r\",\"batch\":0,\"batches\":2,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "batch: 0", NULL },
        { "batches beyond the limit",
          "{\"version\":1,\"run\":\"r\",\"batch\":1,\"batches\":1000001,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "batches: 1000001", NULL },
        { "batches without batch", "{\"version\":1,\"run\":\"r\",\"batches\":2,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "batch: is missing", NULL },
        { "batches without run", "{\"version\":1,\"batch\":1,\"batches\":2,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "run: is missing", NULL },
        { "a bad run", "{\"version\":1,\"run\":\"a/b\",\"devices\":[" ONE "]}", ERR_MSG_MALFORMED,
          "run: 'a/b'", NULL },
        { "a run that is a number", "{\"version\":1,\"run\":7,\"devices\":[" ONE "]}", ERR_MSG_MALFORMED,
          "run: a number", NULL },
        { "a short hash", "{\"version\":1,\"run\":\"r\",\"mapping_sha256\":\"ab\",\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "mapping_sha256: wanted 64", "r" },
        { "a source that is text", "{\"version\":1,\"source\":\"x.csv\",\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "source: a string", NULL },
        { "a column that is a number",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"extra\":{\"a\":1}}]}",
          ERR_MSG_MALFORMED, "devices[0].extra: a number", NULL },
        { "an action that is a number",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"action\":1}]}",
          ERR_MSG_MALFORMED, "devices[0].action: a number", NULL },
        { "expected from a list",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"expected_from\":[]}]}",
          ERR_MSG_MALFORMED, "devices[0].expected_from: an array", NULL },
        { "expected from a server and none",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"expected_from\":"
          "{\"blueprint_id\":\"b\",\"mdm_server\":\"m\",\"no_mdm_server\":true}}]}",
          ERR_MSG_MALFORMED, "devices[0].expected_from.no_mdm_server: stands beside mdm_server", NULL },
        { "expected from no server and nothing else",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"expected_from\":"
          "{\"blueprint_id\":null,\"no_mdm_server\":true}}]}",
          ERR_MSG_MALFORMED, "devices[0].expected_from.no_mdm_server: stands without a blueprint_id", NULL },
        { "expected from no server, in words",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"expected_from\":"
          "{\"blueprint_id\":\"b\",\"no_mdm_server\":\"yes\"}}]}",
          ERR_MSG_MALFORMED, "devices[0].expected_from.no_mdm_server: a string", NULL },
        { "expected from an empty object",
          "{\"version\":1,\"devices\":[{\"serial\":\"S\",\"country\":\"JP\",\"expected_from\":{}}]}",
          ERR_MSG_MALFORMED, "devices[0].expected_from.blueprint_id: is missing", NULL },
        { "a rejected row without code", "{\"version\":1,\"devices\":[],\"rejected\":[{\"row\":1}]}",
          ERR_MSG_MALFORMED, "rejected[0].code: is missing", NULL },
        { "a rejected row with a code that is none",
          "{\"version\":1,\"devices\":[],\"rejected\":[{\"row\":1,\"code\":\"A B\"}]}", ERR_MSG_MALFORMED,
          "rejected[0].code: wanted", NULL },
        { "a plan that is no hash", "{\"version\":1,\"plan_sha256\":\"ab\",\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "plan_sha256: wanted 64", NULL },
        { "approvers of no plan", "{\"version\":1,\"approvers\":[\"" HASH "\"],\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "plan_sha256: is missing", NULL },
        { "approvers that are text",
          "{\"version\":1,\"plan_sha256\":\"" HASH "\",\"approvers\":\"" HASH "\",\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "approvers: a string, wanted a list", NULL },
        { "an approver twice",
          "{\"version\":1,\"plan_sha256\":\"" HASH "\",\"approvers\":[\"" HASH "\",\"" HASH
          "\"],\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "approvers: wanted a list of at most 16", NULL },
        { "plan_unchanged below none", "{\"version\":1,\"plan_unchanged\":-1,\"devices\":[" ONE "]}",
          ERR_MSG_MALFORMED, "plan_unchanged: -1, wanted 0 to 100000000", NULL },
        { "only_new as text", "{\"version\":1,\"only_new\":\"yes\",\"devices\":[" ONE "]}", ERR_MSG_MALFORMED,
          "only_new: a string, wanted true or false", NULL },
        { "a part of nothing",
          "{\"version\":1,\"part\":{\"path\":\"2\",\"sha256\":\"" HASH "\",\"total\":2},\"devices\":[" ONE
          "]}",
          ERR_MSG_MALFORMED, "part.path: wanted", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct ingest got;

        if (ingest_parse(rows[i].text, strlen(rows[i].text), *state, &got, &err) == 0)
            fail_msg("%s: was taken", rows[i].what);
        if (err.code != rows[i].code || strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if ((got.run == NULL) != (rows[i].run == NULL) ||
            (got.run != NULL && strcmp(got.run, rows[i].run) != 0))
            fail_msg("%s: run %s", rows[i].what, got.run != NULL ? got.run : "NULL");
    }
}

static void print_many(struct buf *out, size_t count)
{
    buf_add_str(out, "{\"version\":1,\"run\":\"r\",\"devices\":[");
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "%s" ONE, i > 0 ? "," : "");
    buf_add_str(out, "]}");
}

static void keeps_its_limits(void **state)
{
    struct err err = ERR_INIT;
    struct ingest got;
    struct buf out;

    buf_init(&out, 2 * INGEST_MAX_BYTES);
    print_many(&out, INGEST_MAX_DEVICES);
    assert_int_equal(ingest_parse(out.data, out.len, *state, &got, &err), 0);
    assert_int_equal(got.devices[INGEST_MAX_DEVICES - 1].row, INGEST_MAX_DEVICES);
    buf_reset(&out);
    print_many(&out, INGEST_MAX_DEVICES + 1);
    assert_int_equal(ingest_parse(out.data, out.len, *state, &got, &err), -1);
    assert_int_equal(err.code, ERR_MSG_TOO_MANY);
    assert_non_null(strstr(err.text, "1001"));
    assert_string_equal(got.run, "r");
    while (out.len <= INGEST_MAX_BYTES)
        buf_add(&out, "                                ", 32);
    assert_int_equal(ingest_parse(out.data, out.len, *state, &got, &err), -1);
    assert_int_equal(err.code, ERR_MSG_TOO_LARGE);
    assert_string_equal(got.run, "r"); /* which waits for it, and ends as incomplete */
    buf_release(&out);
}

/* A rejected row is shown with what was written, but never with all of it. */
static void a_long_rejected_serial_is_cut(void **state)
{
    char text[1024], serial[400];
    struct ingest got;

    for (size_t i = 0; i + 1 < sizeof(serial); i += 2)
        memcpy(serial + i, "\xc3\xa4", 2);
    serial[398] = '\0';
    snprintf(text, sizeof(text),
             "{\"version\":1,\"devices\":[],\"rejected\":[{\"row\":1,\"serial\":\"x%s\","
             "\"code\":\"serial_format\"}]}",
             serial);
    parse(*state, text, &got);
    assert_int_equal(strlen(got.rejected[0].serial), DEVICE_SHOWN_MAX - 1); /* no character is torn */
}

static void the_schema_is_json(void **state)
{
    char text[16384];
    struct err err = ERR_INIT;
    struct json *doc;
    FILE *file = fopen(TEST_TOP "/config/schema/ingest.schema.json", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof(text), file);
    fclose(file);
    if (json_parse(text, len, &doc, &err) != 0)
        fail_msg("%s", err.text);
    assert_non_null(json_get(json_get(doc, "properties"), "devices"));
    json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_documented_example, setup, teardown),
        cmocka_unit_test_setup_teardown(the_least_there_can_be, setup, teardown),
        cmocka_unit_test_setup_teardown(the_stages_own_words_stay_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(planned_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(believes_no_producer, setup, teardown),
        cmocka_unit_test_setup_teardown(halves_keep_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_rejected_serial_is_cut, setup, teardown),
        cmocka_unit_test(the_schema_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
