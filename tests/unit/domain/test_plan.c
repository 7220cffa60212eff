/* Plans: the judgement, and the document as it is written. */
#include "harness/check.h"

#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/plan_doc.h"

static void judges_as_assign_does(void **state)
{
    static const struct {
        const char *what;
        struct plan_wanted wanted;
        struct plan_seen seen;
        enum plan_kind kind;
        const char *from, *to, *server;
        bool has_servers;
        const char *from_server, *to_server;
    } rows[] = {
        { "nothing there",
          { false, "b", NULL },
          { PLAN_STATE_NONE, NULL, NULL },
          PLAN_ADD,
          NULL,
          "b",
          NULL,
          false,
          NULL,
          NULL },
        { "nothing there, on a server",
          { false, "b", "s" },
          { PLAN_STATE_NONE, NULL, NULL },
          PLAN_ADD,
          NULL,
          "b",
          "s",
          true,
          NULL,
          "s" },
        { "as wanted",
          { false, "b", NULL },
          { PLAN_STATE_PROPAGATED, "b", "s" },
          PLAN_SAME,
          "b",
          "b",
          NULL,
          false,
          NULL,
          NULL },
        { "as wanted, on its way",
          { false, "b", "s" },
          { PLAN_STATE_ACCEPTED, "b", "s" },
          PLAN_SAME,
          "b",
          "b",
          "s",
          false,
          NULL,
          NULL },
        { "failed",
          { false, "b", "s" },
          { PLAN_STATE_FAILED, "b", "s" },
          PLAN_ADD,
          NULL,
          "b",
          "s",
          true,
          NULL,
          "s" },
        { "another blueprint",
          { false, "b", NULL },
          { PLAN_STATE_ACCEPTED, "a", "s" },
          PLAN_CHANGE,
          "a",
          "b",
          NULL,
          false,
          NULL,
          NULL },
        { "another blueprint, the same server",
          { false, "b", "s" },
          { PLAN_STATE_PROPAGATED, "a", "s" },
          PLAN_CHANGE,
          "a",
          "b",
          "s",
          false,
          NULL,
          NULL },
        { "another server",
          { false, "b", "t" },
          { PLAN_STATE_PROPAGATED, "b", "s" },
          PLAN_CHANGE,
          "b",
          "b",
          "t",
          true,
          "s",
          "t" },
        { "no server yet",
          { false, "b", "t" },
          { PLAN_STATE_PROPAGATED, "b", NULL },
          PLAN_CHANGE,
          "b",
          "b",
          "t",
          true,
          NULL,
          "t" },
        { "a server, but no blueprint",
          { false, "b", "t" },
          { PLAN_STATE_PROPAGATED, NULL, "s" },
          PLAN_ADD,
          NULL,
          "b",
          "t",
          true,
          "s",
          "t" },
        { "remove: nothing there",
          { true, NULL, NULL },
          { PLAN_STATE_NONE, NULL, NULL },
          PLAN_SAME,
          NULL,
          NULL,
          NULL,
          false,
          NULL,
          NULL },
        { "remove",
          { true, NULL, NULL },
          { PLAN_STATE_PROPAGATED, "a", NULL },
          PLAN_REMOVE,
          "a",
          NULL,
          NULL,
          false,
          NULL,
          NULL },
        { "remove, from a server",
          { true, "x", "y" },
          { PLAN_STATE_ACCEPTED, "a", "s" },
          PLAN_REMOVE,
          "a",
          NULL,
          NULL,
          true,
          "s",
          NULL },
        { "remove what failed",
          { true, NULL, NULL },
          { PLAN_STATE_FAILED, "a", "s" },
          PLAN_REMOVE,
          NULL,
          NULL,
          NULL,
          false,
          NULL,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan_entry entry = { .serial = "S", .has_servers = !rows[i].has_servers };
        enum plan_kind kind = plan_judge(&rows[i].wanted, &rows[i].seen, &entry);

        if (kind != rows[i].kind)
            fail_msg("%s: %s", rows[i].what, plan_kind_name(kind));
        if (!str_eq(entry.from_blueprint_id, rows[i].from) || !str_eq(entry.to_blueprint_id, rows[i].to) ||
            !str_eq(entry.mdm_server_id, rows[i].server) || entry.has_servers != rows[i].has_servers ||
            !str_eq(entry.from_mdm_server_id, rows[i].from_server) ||
            !str_eq(entry.to_mdm_server_id, rows[i].to_server) || entry.state != rows[i].seen.state ||
            strcmp(entry.serial, "S") != 0)
            fail_msg("%s: another entry", rows[i].what);
    }
}

static void pauses_beyond_the_percentage(void **state)
{
    (void)state;
    assert_false(plan_would_pause(0, 0, 0));
    assert_false(plan_would_pause(10, 100, 10));
    assert_true(plan_would_pause(11, 100, 10));
    assert_true(plan_would_pause(1, 9, 10)); /* 0.9 are allowed */
    assert_true(plan_would_pause(1, 1, 0));
    assert_false(plan_would_pause(1000000, 1000000, 100));
}

static const char whole[] =
    "{\"add\":[{\"asset_tag\":\"A\\\\1\",\"country\":\"JP\",\"from\":null,\"from_mdm_server\":null,\"mdm_"
    "server\":\"mdm-1\","
    "\"model\":\"MacBook \\\"Air\\\" "
    "13\xe2\x80\xb3\",\"order_number\":\"W123\",\"row\":1,\"serial\":\"C02ADD000001\","
    "\"state\":null,\"to\":\"bp-jp\",\"to_mdm_server\":\"mdm-1\"},"
    "{\"country\":\"DE\",\"from\":null,\"row\":2,\"serial\":\"C02ADD000002\",\"state\":\"FAILED\",\"to\":"
    "\"bp-de\"}],"
    "\"api_version\":\"2.0\","
    "\"brake\":{\"changes\":3,\"existing\":20,\"max_changes\":\"10%\",\"would_pause\":true},"
    "\"change\":[{\"country\":\"DE\",\"from\":\"bp-old\",\"mdm_server\":\"mdm-1\",\"row\":3,\"serial\":"
    "\"C02CHG000001\","
    "\"state\":\"PROPAGATED\",\"to\":\"bp-de\"},"
    "{\"country\":\"FR\",\"from\":\"bp-fr\",\"from_mdm_server\":\"mdm-1\",\"mdm_server\":\"mdm-2\",\"row\":4,"
    "\"serial\":\"C02CHG000000\",\"state\":\"ACCEPTED\",\"to\":\"bp-fr\",\"to_mdm_server\":\"mdm-2\"}],"
    "\"complete\":true,\"created_at\":\"2026-11-24T08:17:00.123Z\",\"dialect\":\"abm-v2\",\"duplicate\":2,"
    "\"git_commit\":\"0123abc\",\"inputs\":{"
    "\"mapping_sha256\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"name\":"
    "\"devices.csv\","
    "\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},"
    "\"operator\":\"CI=github-actions, RUN_ID=1\",\"org\":\"acme\","
    "\"plan_sha256\":\"980627b5e0aab20e88e0e4924d6a58c25f0ca738a54b96d3399015dfd913abd6\","
    "\"rejected\":1,\"remove\":[{\"country\":\"GB\",\"from\":\"bp-gb\",\"from_mdm_server\":\"mdm-1\",\"row\":"
    "5,"
    "\"serial\":\"C02REM000001\",\"state\":\"PROPAGATED\",\"to_mdm_server\":null},"
    "{\"country\":\"GB\",\"from\":null,\"row\":6,\"serial\":\"C02REM000002\",\"state\":\"FAILED\"}],"
    "\"unchanged\":7,\"version\":1}\n";

static void writes_every_member_in_its_place(void **state)
{
    struct plan_head head;
    size_t count;
    const struct plan_doc_entry *entries = plan_doc_sample(&head, &count);
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    if (plan_doc_write(&out, &head, entries, count, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(out.data, whole);
    buf_release(&out);
}

static void writes_what_is_absent_as_absent(void **state)
{
    static const struct plan_head head = { .org = "acme",
                                           .dialect = "abm-v2",
                                           .api_version = "2.0",
                                           .operator_ = "",
                                           .reverts = "run-1",
                                           .is_only_new = true,
                                           .kept = 3 };
    static const char want[] =
        "{\"add\":[],\"api_version\":\"2.0\",\"change\":[],\"complete\":false,"
        "\"created_at\":\"1970-01-01T00:00:00.000Z\",\"dialect\":\"abm-v2\",\"duplicate\":0,\"git_commit\":"
        "null,"
        "\"inputs\":{\"mapping_sha256\":null,\"name\":null,\"sha256\":null},\"kept\":3,\"only_new\":true,"
        "\"operator\":\"\",\"org\":\"acme\",\"plan_sha256\":"
        "\"4e321410a4044b2dd6401d673d626609b3a4cc9415c22cb978a7d4d70e644d1f\","
        "\"rejected\":0,\"remove\":[],\"reverts\":\"run-1\",\"unchanged\":0,\"version\":1}\n";
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    if (plan_doc_write(&out, &head, NULL, 0, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(out.data, want);
    buf_release(&out);
}

/* One odd device stops no plan: validate rejects it. */
static void takes_what_an_input_may_say(void **state)
{
    static const struct plan_doc_entry odd = { PLAN_ADD,
                                               { .serial = "S",
                                                 .country = "",
                                                 .model = "",
                                                 .order_number = "",
                                                 .asset_tag = "",
                                                 .to_blueprint_id = "b" } };
    static const struct plan_head head = {
        .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = ""
    };
    struct pool *pool = pool_new(1 << 20);
    struct plan_head read;
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    if (plan_doc_write(&out, &head, &odd, 1, &err) != 0 ||
        plan_doc_read(out.data, out.len, 0, NULL, pool, &read, &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&out);
    pool_free(pool);
}

static void refuses_what_no_reader_takes(void **state)
{
    static char long_text[2048];
    static const struct {
        struct plan_doc_entry entry;
        const char *want;
    } rows[] = {
        { { PLAN_ADD, { .country = "DE", .to_blueprint_id = "b" } }, "add[0]: serial '' is missing" },
        { { PLAN_ADD, { .serial = "", .country = "DE", .to_blueprint_id = "b" } },
          "add[0]: serial '' is empty" },
        { { PLAN_ADD, { .serial = "S", .to_blueprint_id = "b" } }, "add[0]: country '' is missing" },
        { { PLAN_ADD, { .serial = "a\nb", .country = "DE", .to_blueprint_id = "b" } },
          "serial 'a\nb' has a control character" },
        { { PLAN_ADD, { .serial = "a\xff", .country = "DE", .to_blueprint_id = "b" } }, "is no valid UTF-8" },
        { { PLAN_ADD, { .serial = "S", .country = "DE", .to_blueprint_id = "a/b" } }, "to 'a/b' has a '/'" },
        { { PLAN_ADD, { .serial = "S", .country = "DE" } }, "to is missing" },
        { { PLAN_ADD, { .serial = "S", .country = "DE", .to_blueprint_id = "b", .model = long_text } },
          "is too long" },
        { { PLAN_ADD,
            { .serial = "S",
              .country = "DE",
              .to_blueprint_id = "b",
              .from_blueprint_id = "a",
              .state = PLAN_STATE_ACCEPTED } },
          "from: a device to be added has none" },
        { { PLAN_ADD, { .serial = "S", .country = "DE", .to_blueprint_id = "b", .to_mdm_server_id = "s" } },
          "stand together" },
        { { PLAN_ADD, { .serial = "S", .country = "DE", .to_blueprint_id = "b", .has_servers = true } },
          "are the same" },
        { { PLAN_ADD,
            { .serial = "S",
              .country = "DE",
              .to_blueprint_id = "b",
              .has_servers = true,
              .to_mdm_server_id = "s" } },
          "to_mdm_server is not mdm_server" },
        { { PLAN_CHANGE, { .serial = "S", .country = "DE", .to_blueprint_id = "b" } },
          "change[0]: from is missing" },
        { { PLAN_CHANGE,
            { .serial = "S", .country = "DE", .from_blueprint_id = "a", .to_blueprint_id = "b" } },
          "state: nothing is assigned" },
        { { PLAN_CHANGE,
            { .serial = "S",
              .country = "DE",
              .from_blueprint_id = "a",
              .to_blueprint_id = "a",
              .state = PLAN_STATE_ACCEPTED } },
          "nothing would change" },
        { { PLAN_REMOVE, { .serial = "S", .country = "DE" } },
          "remove[0]: state: there is nothing to be removed" },
        { { PLAN_REMOVE,
            { .serial = "S", .country = "DE", .to_blueprint_id = "b", .state = PLAN_STATE_ACCEPTED } },
          "to: a device to be removed gets none" },
        { { PLAN_REMOVE,
            { .serial = "S", .country = "DE", .mdm_server_id = "b", .state = PLAN_STATE_ACCEPTED } },
          "mdm_server: a device to be removed gets none" },
        { { PLAN_REMOVE,
            { .serial = "S", .country = "DE", .from_blueprint_id = "a", .state = PLAN_STATE_ACCEPTED } },
          "remove: only a complete plan" },
        { { PLAN_SAME, { .serial = "S", .country = "DE", .to_blueprint_id = "b" } }, "of another list" },
    };

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct plan_head head = {
            .org = "acme", .dialect = "d", .api_version = "2.0", .operator_ = "o"
        };
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 1 << 20);
        if (plan_doc_write(&out, &head, &rows[i].entry, 1, &err) == 0 ||
            strstr(err.text, rows[i].want) == NULL)
            fail_msg("row %zu, wanted '%s': %s", i, rows[i].want, err.text);
        buf_release(&out);
    }
}

static void refuses_a_head_that_does_not_agree(void **state)
{
    static const struct plan_doc_entry change = { PLAN_CHANGE,
                                                  { .serial = "S",
                                                    .country = "DE",
                                                    .from_blueprint_id = "a",
                                                    .to_blueprint_id = "b",
                                                    .state = PLAN_STATE_ACCEPTED } };
    static const struct {
        struct plan_head head;
        const char *want;
    } rows[] = {
        { { .dialect = "d", .api_version = "2.0", .operator_ = "o" }, "org '' is missing" },
        { { .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = "o\x1b[31m" },
          "operator 'o\x1b[31m' has a control character" },
        { { .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = "o", .input_sha256 = "AA" },
          "inputs.sha256 'AA' is no SHA-256" },
        { { .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = "o", .unchanged = -1 },
          "unchanged -1: wanted 0 to" },
        { { .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = "o", .kept = 1 },
          "kept stands only" },
        { { .org = "a", .dialect = "d", .api_version = "2.0", .operator_ = "o", .created_at_ms = -1 },
          "created_at" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "010%", 1, 1, true } },
          "max_changes '010%'" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "101%", 1, 1, true } },
          "max_changes '101%'" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "-1%", 1, 1, true } },
          "max_changes '-1%'" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "10", 1, 1, true } },
          "max_changes '10'" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "10%", 0, 1, false } },
          "the entries change 1 existing" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "10%", 1, 0, true } },
          "more than brake.existing" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "10%", 1, 5, false } },
          "1 of 5 are more than 10 %" },
        { { .org = "a",
            .dialect = "d",
            .api_version = "2.0",
            .operator_ = "o",
            .brake = { "10%", 1, 50, true } },
          "1 of 50 are not more than 10 %" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 1 << 20);
        if (plan_doc_write(&out, &rows[i].head, &change, 1, &err) == 0 ||
            strstr(err.text, rows[i].want) == NULL)
            fail_msg("row %zu, wanted '%s': %s", i, rows[i].want, err.text);
        buf_release(&out);
    }
}

static void refuses_entries_out_of_order(void **state)
{
    struct plan_head head;
    size_t count;
    const struct plan_doc_entry *sample = plan_doc_sample(&head, &count);
    struct plan_doc_entry entries[6];
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    memcpy(entries, sample, sizeof(entries));
    entries[0] = sample[2];
    entries[2] = sample[0];
    assert_int_equal(plan_doc_write(&out, &head, entries, count, &err), -1);
    assert_int_equal(err.code, ERR_BUG);
    memcpy(entries, sample, sizeof(entries));
    entries[4] = sample[5];
    entries[5] = sample[4];
    assert_int_equal(plan_doc_write(&out, &head, entries, count, &err), -1);
    assert_string_equal(err.text,
                        "remove[1]: serial 'C02REM000001' stands behind 'C02REM000002': they are sorted");
    buf_release(&out);
}

/* Each member of value must be a property of the schema's object, and each that it requires be there. */
static void fits(const struct json *value, const struct json *schema, const char *what)
{
    assert_int_equal(json_kind(json_get(schema, "properties")), JSON_OBJECT);
    for (const struct json *member = json_first(value); member != NULL; member = json_next(member))
        if (json_get(json_get(schema, "properties"), json_name(member)) == NULL)
            fail_msg("%s: the schema does not know '%s'", what, json_name(member));
    for (const struct json *name = json_first(json_get(schema, "required")); name != NULL;
         name = json_next(name))
        if (json_get(value, json_string(name)) == NULL)
            fail_msg("%s: the schema requires '%s'", what, json_string(name));
}

static void the_schema_knows_every_member(void **state)
{
    static const char *const lists[] = { "add", "change", "remove" };
    struct err err = ERR_INIT;
    struct json *schema, *doc;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    if (fsio_read(TEST_TOP "/config/schema/plan.schema.json", &text, &err) != 0 ||
        json_parse(text.data, text.len, &schema, &err) != 0 ||
        json_parse(whole, strlen(whole), &doc, &err) != 0)
        fail_msg("%s", err.text);
    fits(doc, schema, "the plan");
    fits(json_get(doc, "brake"), json_get(json_get(schema, "properties"), "brake"), "brake");
    fits(json_get(doc, "inputs"), json_get(json_get(schema, "properties"), "inputs"), "inputs");
    for (size_t i = 0; i < 3; i++)
        for (const struct json *entry = json_first(json_get(doc, lists[i])); entry != NULL;
             entry = json_next(entry))
            fits(entry, json_get(json_get(schema, "$defs"), "entry"), lists[i]);
    json_free(doc);
    json_free(schema);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_assign_does),
        cmocka_unit_test(pauses_beyond_the_percentage),
        cmocka_unit_test(writes_every_member_in_its_place),
        cmocka_unit_test(writes_what_is_absent_as_absent),
        cmocka_unit_test(takes_what_an_input_may_say),
        cmocka_unit_test(refuses_what_no_reader_takes),
        cmocka_unit_test(refuses_a_head_that_does_not_agree),
        cmocka_unit_test(refuses_entries_out_of_order),
        cmocka_unit_test(the_schema_knows_every_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
