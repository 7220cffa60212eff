/*
 * abmctl plan against the simulator: what it says of each kind of device, in a diff and in the document, what
 * it refuses, and that it changes nothing.
 */
#include "harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/pipeline.h"

static const char rules[] = "blueprint_mappings:\n"
                            "  - condition: \"serial.startswith('F')\"\n"
                            "    blueprint_id: bp-edu\n"
                            "  - condition: \"country == 'JP'\"\n"
                            "    blueprint_id: bp-jp\n"
                            "    mdm_server: \"Asia Pacific\"\n"
                            "  - condition: \"country == 'FR'\"\n"
                            "    blueprint_id: bp-gone\n"
                            "  - condition: \"country == 'GB'\"\n"
                            "    blueprint_id: bp-jp\n"
                            "    mdm_server: mdm-gone\n"
                            "  - condition: \"country == 'US'\"\n"
                            "    blueprint_id: bp-us\n";

#define HEADER      "serial,country,model,order_number,asset_tag,room\n"
#define NEW_KNOWN   "FVFGH0000001" /* ABM has it, unassigned */
#define NEW_UNKNOWN "FVFGH0000002"
#define SAME        "C02000000003"
#define SERVER      "C02000000004" /* on no server, wanted on one */
#define BLUEPRINT   "C02000000005" /* another blueprint; its server stays */
#define FAILED      "C02000000006"
#define ACCEPTED    "C02000000007"
#define OTHER       "C02000000090" /* not in the input, assigned */
#define BARE        "C02000000091" /* not in the input, unassigned */
#define GOOD_ROWS                                                                                            \
    NEW_KNOWN ",DE,MacBook Air,W1,A-1,12\n" NEW_UNKNOWN ",DE,,,,\n" SAME ",JP,,,,\n" SERVER                  \
              ",JP,,,,\n" BLUEPRINT ",US,,,,\n" FAILED ",US,,,,\n" ACCEPTED ",US,,,,\n" NEW_KNOWN            \
              ",DE,,,,\n"
#define WRONG_ROWS "C02000000010,FR,,,,\nC02000000011,GB,,,,\nC02000000012,IT,,,,\nnone,DE,,,,\n"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static bool is_failed(void *user)
{
    struct abmsim_device device;
    struct err err = ERR_INIT;

    return abmsim_device(user, FAILED, &device, &err) == 1 && str_eq(device.pending_state, "FAILED");
}

/* The assignments that only a request can bring about: one that FAILED, and one that stays ACCEPTED. */
static void make_states(struct pipeline *pipeline)
{
    static const char failed[] = "serial,country\n" FAILED ",US\n",
                      accepted[] = "serial,country\n" ACCEPTED ",US\n";
    struct desk *desk = &pipeline->desk;
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, "[{\"op\":\"putAssignment\",\"kind\":\"fail_assignment\"}]", &err),
         &err);
    desk_expect(
        desk, desk_ctl(desk, "push", "--input", desk_file(desk, "failed.csv", failed, strlen(failed)), NULL),
        0, NULL, NULL);
    pipeline_start_workers(pipeline);
    if (!proc_until(is_failed, &pipeline->sim, 20000))
        fail_msg("no assignment failed");
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        pipeline_kill_worker(pipeline, (enum pipeline_stage)stage, 0);
    must(abmsim_set_faults(
             &pipeline->sim,
             "[{\"op\":\"putAssignment\",\"kind\":\"never_propagate\",\"serial\":\"" ACCEPTED "\"},"
             "{\"op\":\"putAssignment\",\"kind\":\"status\",\"status\":503,\"serial\":\"" FAILED "\"}]",
             &err),
         &err);
    desk_expect(
        desk,
        desk_ctl(desk, "push", "--input", desk_file(desk, "accepted.csv", accepted, strlen(accepted)), NULL),
        0, NULL, NULL);
    pipeline_start_workers(pipeline);
    pipeline_await_stat(pipeline, "puts_changed", 2, 20000);
    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        pipeline_kill_worker(pipeline, (enum pipeline_stage)stage, 0);
    must(abmsim_set_faults(&pipeline->sim, "[]", &err), &err);
}

static void start(struct pipeline *pipeline)
{
    static const char *const sim[] = { "--blueprints", "bp-edu,bp-jp,bp-us,bp-old", NULL };
    const struct pipeline_options options = {
        .bin = TEST_BIN, .rules = rules, .sim_options = sim, .org = "    limits: { max_changes: 10% }\n"
    };
    struct err err = ERR_INIT;

    pipeline_start(pipeline, &options);
    must(abmsim_add_device(&pipeline->sim, NEW_KNOWN, "DE", NULL, NULL, &err), &err);
    must(abmsim_add_device(&pipeline->sim, SAME, "JP", "bp-jp", "mdm-apac", &err), &err);
    must(abmsim_add_device(&pipeline->sim, SERVER, "JP", "bp-jp", NULL, &err), &err);
    must(abmsim_add_device(&pipeline->sim, BLUEPRINT, "US", "bp-old", "mdm-main", &err), &err);
    must(abmsim_add_device(&pipeline->sim, OTHER, "DE", "bp-old", "mdm-main", &err), &err);
    must(abmsim_add_device(&pipeline->sim, BARE, "DE", NULL, NULL, &err), &err);
}

static const char *csv(struct pipeline *pipeline, const char *rows)
{
    return desk_file(&pipeline->desk, "devices.csv", rows, strlen(rows));
}

/* The plan that was printed last. The caller frees it. */
static struct json *parse(const struct buf *text)
{
    struct err err = ERR_INIT;
    struct json *doc;

    must(json_parse(text->data, text->len, &doc, &err), &err);
    return doc;
}

static const struct json *entry_of(const struct json *plan, const char *list, const char *serial)
{
    const struct json *entry = json_first(json_get(plan, list));

    while (entry != NULL && !str_eq(json_string(json_get(entry, "serial")), serial))
        entry = json_next(entry);
    if (entry == NULL)
        fail_msg("%s does not hold %s", list, serial);
    return entry;
}

/* Exactly the entry's bytes. */
static void assert_entry(const struct json *plan, const char *list, const char *serial, const char *want)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    json_print(entry_of(plan, list, serial), &text);
    assert_string_equal(text.data, want);
    buf_release(&text);
}

static void assert_count(const struct json *plan, const char *name, int64_t want)
{
    int64_t got = -1;

    if (!json_int(json_get(plan, name), &got))
        got = (int64_t)json_count(json_get(plan, name));
    if (got != want)
        fail_msg("%s: %lld instead of %lld", name, (long long)got, (long long)want);
}

/* What only the time makes differ is made the same. */
static void blank(struct buf *text)
{
    static const char *const members[] = { "\"created_at\":\"", "\"plan_sha256\":\"" };

    for (size_t i = 0; i < 2; i++) {
        char *at = strstr(text->data, members[i]);

        assert_non_null(at);
        for (at += strlen(members[i]); *at != '"'; at++)
            *at = '.';
    }
}

static void assert_document(struct pipeline *pipeline, const struct json *plan)
{
    struct desk *desk = &pipeline->desk;

    assert_count(plan, "add", 3);
    assert_count(plan, "change", 2);
    assert_count(plan, "remove", 0);
    assert_count(plan, "unchanged", 2);
    assert_count(plan, "rejected", 4);
    assert_count(plan, "duplicate", 1);
    assert_entry(plan, "add", NEW_KNOWN,
                 "{\"asset_tag\":\"A-1\",\"country\":\"DE\",\"from\":null,\"model\":\"MacBook Air\","
                 "\"order_number\":\"W1\",\"row\":1,\"serial\":\"" NEW_KNOWN
                 "\",\"state\":null,\"to\":\"bp-edu\"}");
    assert_entry(plan, "add", NEW_UNKNOWN,
                 "{\"country\":\"DE\",\"from\":null,\"row\":2,\"serial\":\"" NEW_UNKNOWN
                 "\",\"state\":null,\"to\":\"bp-edu\"}");
    assert_entry(plan, "add", FAILED,
                 "{\"country\":\"US\",\"from\":null,\"row\":3,\"serial\":\"" FAILED
                 "\",\"state\":\"FAILED\",\"to\":\"bp-us\"}");
    assert_entry(
        plan, "change", SERVER,
        "{\"country\":\"JP\",\"from\":\"bp-jp\",\"from_mdm_server\":null,\"mdm_server\":\"mdm-apac\","
        "\"row\":4,\"serial\":\"" SERVER
        "\",\"state\":\"PROPAGATED\",\"to\":\"bp-jp\",\"to_mdm_server\":\"mdm-apac\"}");
    assert_entry(plan, "change", BLUEPRINT,
                 "{\"country\":\"US\",\"from\":\"bp-old\",\"row\":5,\"serial\":\"" BLUEPRINT
                 "\",\"state\":\"PROPAGATED\",\"to\":\"bp-us\"}");
    assert_string_equal(json_string(json_get(plan, "org")), "acme");
    assert_string_equal(json_string(json_get(plan, "dialect")), "abm-v2");
    assert_string_equal(json_string(json_get(plan, "api_version")), "2.0");
    assert_string_equal(json_string(json_get(plan, "operator")), "tester");
    assert_string_equal(json_string(json_get(plan, "git_commit")), "0123abc");
    assert_string_equal(json_string(json_get(json_get(plan, "inputs"), "name")), "devices.csv");
    assert_int_equal(strlen(json_string(json_get(plan, "plan_sha256"))), 64);
    /* What cannot be done is told once, with the place. */
    assert_non_null(strstr(desk->err.data,
                           "blueprints.yaml:7: rule 3 names blueprint bp-gone, which ABM does not "
                           "have: 1 device is rejected"));
    assert_non_null(strstr(desk->err.data, "rule 4 names MDM server mdm-gone, which ABM does not have"));
    assert_non_null(strstr(desk->err.data, "\"code\":\"no_rule\""));
    assert_non_null(strstr(desk->err.data, "\"code\":\"serial_format\""));
    assert_non_null(strstr(desk->err.data, "\"code\":\"duplicate\""));
}

static void assert_diff(struct desk *desk)
{
    static const char want[] =
        "bp-edu\n"
        "  + add 2\n"
        "      " NEW_KNOWN "\n"
        "      " NEW_UNKNOWN "\n"
        "bp-jp\n"
        "  ~ change 1: server (none) -> mdm-apac\n"
        "      " SERVER "\n"
        "  = unchanged 1\n"
        "bp-us\n"
        "  + add 1\n"
        "      " FAILED "\n"
        "  ~ change 1: bp-old -> bp-us\n"
        "      " BLUEPRINT "\n"
        "  = unchanged 1\n"
        "\n"
        "3 to add, 2 to change, 0 to remove, 2 unchanged; 4 rejected, 1 duplicates\n"
        "apply would pause: 50 % of the existing assignments would change (max_changes 10%)\n";

    assert_memory_equal(desk->out.data, want, sizeof(want) - 1);
}

static void says_what_would_change(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct json *plan;
    struct buf first;
    const char *input, *file;
    int64_t puts;
    struct err err = ERR_INIT;

    (void)state;
    start(&pipeline);
    make_states(&pipeline);
    puts = pipeline_stat(&pipeline, "puts_received");
    input = csv(&pipeline, HEADER GOOD_ROWS WRONG_ROWS);
    desk_expect(desk, desk_ctl(desk, "--json", "plan", "--input", input, NULL), 0, "\"add\":[", NULL);
    plan = parse(&desk->out);
    assert_document(&pipeline, plan);
    assert_string_equal(json_string(json_get(json_get(plan, "brake"), "max_changes")), "10%");
    json_free(plan);
    /* Again, and to a file: the same bytes but for the time. */
    buf_init(&first, 1 << 20);
    buf_add(&first, desk->out.data, desk->out.len);
    blank(&first);
    file = desk_path(desk, "plan.json");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", input, "-o", file, NULL), 0, "plan_sha256", NULL);
    assert_diff(desk);
    buf_reset(&desk->out);
    must(fsio_read(file, &desk->out, &err), &err);
    blank(&desk->out);
    assert_string_equal(desk->out.data, first.data);
    buf_release(&first);
    assert_int_equal(pipeline_stat(&pipeline, "puts_received"), puts);
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
}

static void removes_only_with_complete(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct json *plan;
    const char *good;
    int64_t requests;

    (void)state;
    start(&pipeline);
    good = csv(&pipeline, HEADER GOOD_ROWS);
    desk_expect(desk, desk_ctl(desk, "--json", "plan", "-i", good, "--complete", NULL), 0, NULL, NULL);
    plan = parse(&desk->out);
    assert_count(plan, "remove", 1);
    assert_entry(plan, "remove", OTHER,
                 "{\"country\":\"DE\",\"from\":\"bp-old\",\"from_mdm_server\":\"mdm-main\",\"row\":7,"
                 "\"serial\":\"" OTHER "\",\"state\":\"PROPAGATED\",\"to_mdm_server\":null}");
    json_free(plan);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, "--complete", NULL), 0,
                "bp-old\n  - remove 1\n      " OTHER "\n", NULL);
    /* A slip of the pen must not remove a device. */
    requests = pipeline_stat(&pipeline, "requests");
    desk_expect(desk,
                desk_ctl(desk, "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS "C0200000000,XX,,,,\n"),
                         "--complete", NULL),
                65, NULL, "with --complete their devices would be removed");
    desk_expect(desk,
                desk_ctl(desk, "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS "C02000000012,IT,,,,\n"),
                         "--complete", NULL),
                65, NULL, "1 of 9 rows are wrong");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, "--complete", "--only-new", NULL), 64, NULL,
                "--only-new");
    assert_int_equal(pipeline_stat(&pipeline, "requests"), requests);
    pipeline_stop(&pipeline);
}

static void leaves_the_existing_with_only_new(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct json *plan;

    (void)state;
    start(&pipeline);
    desk_expect(desk,
                desk_ctl(desk, "--json", "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS), "--only-new", NULL),
                0, "\"only_new\":true", NULL);
    plan = parse(&desk->out);
    assert_count(plan, "add", 4);
    assert_count(plan, "change", 0);
    assert_count(plan, "kept", 2);
    assert_count(json_get(plan, "brake"), "changes", 0);
    json_free(plan);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS), "--only-new", NULL), 0,
                "4 to add, 0 to change, 0 to remove, 1 unchanged, 2 left as they are (--only-new)", NULL);
    assert_null(strstr(desk->out.data, "would pause"));
    pipeline_stop(&pipeline);
}

/* All that is wrong with what was given is found before anybody is asked for anything. */
static void refuses_what_is_wrong(void **state)
{
    static const char old_rules[] = "blueprint_mappings:\n  - default: 7\n    7\n";
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *good;

    (void)state;
    start(&pipeline);
    good = csv(&pipeline, HEADER GOOD_ROWS);
    desk_expect(desk, desk_ctl(desk, "plan", NULL), 64, NULL, "--input is missing");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", "/nowhere.csv", NULL), 65, NULL, "/nowhere.csv");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", desk_file(desk, "empty.csv", "", 0), NULL), 65, NULL,
                "empty");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", desk_file(desk, "head.csv", HEADER, strlen(HEADER)), NULL),
                65, NULL, "empty");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, "--blueprints", "/nowhere.yaml", NULL), 65, NULL,
                "/nowhere.yaml");
    desk_expect(desk,
                desk_ctl(desk, "plan", "-i", good, "--blueprints",
                         desk_file(desk, "old.yaml", old_rules, strlen(old_rules)), NULL),
                65, NULL, "old.yaml");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, "-o", good, NULL), 64, NULL, "is the input itself");
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, "-o", "-", NULL), 64, NULL, "--json");
    desk_expect(desk,
                desk_ctl(desk, "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS WRONG_ROWS), "--strict", NULL),
                65, NULL, "2 of 12 rows are wrong");
    /* A folder that is not there: known before ABM is asked for anything. */
    desk_expect(
        desk,
        desk_ctl(desk, "plan", "-i", csv(&pipeline, HEADER GOOD_ROWS), "-o", "/nowhere/plan.json", NULL), 75,
        NULL, "/nowhere");
    assert_int_equal(desk->out.len, 0);
    assert_int_equal(pipeline_stat(&pipeline, "requests"), 0);
    pipeline_stop(&pipeline);
}

static void names_who_does_not_serve(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *good;
    struct err err = ERR_INIT;

    (void)state;
    start(&pipeline);
    good = csv(&pipeline, HEADER GOOD_ROWS);
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"listBlueprints\",\"kind\":\"status\",\"status\":403}]",
                           &err),
         &err);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, NULL), 69, NULL, "listBlueprints");
    must(abmsim_set_faults(&pipeline.sim, "[{\"op\":\"listDevices\",\"kind\":\"status\",\"status\":403}]",
                           &err),
         &err);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, NULL), 69, NULL, "listDevices");
    assert_int_equal(desk->out.len, 0);
    abmsim_kill(&pipeline.sim);
    /* What is in the cache needs nobody. */
    desk_number(desk, "DEL", "@cache:catalog-blueprints", "@cache:catalog-servers", NULL);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, NULL), 69, NULL, "cannot read the blueprints: ");
    redis_server_kill(&desk->server);
    desk_expect(desk, desk_ctl(desk, "plan", "-i", good, NULL), 69, NULL, "redis");
    assert_int_equal(desk->out.len, 0);
    pipeline_stop(&pipeline);
}

/* Slow enough to be stopped in the middle. */
static void make_slow(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;

    must(abmsim_set_faults(&pipeline->sim, "[{\"op\":\"listDevices\",\"kind\":\"slow\",\"ms\":700}]", &err),
         &err);
}

static void ends_at_a_signal(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *good, *file;
    struct proc proc;

    (void)state;
    start(&pipeline);
    make_slow(&pipeline);
    good = csv(&pipeline, HEADER GOOD_ROWS);
    file = desk_path(desk, "plan.json");
    desk_begin(desk, &proc, "plan", "-i", good, "-o", file, NULL);
    pipeline_await_stat(&pipeline, "by_operation.listDevices", 1, 20000);
    assert_true(proc_signal(&proc, SIGINT));
    desk_expect(desk, desk_wait(desk, &proc), 75, NULL, "stopped");
    assert_int_equal(access(file, F_OK), -1);
    pipeline_stop(&pipeline);
}

static void outlives_redis(void **state)
{
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct err err = ERR_INIT;
    const char *good;
    struct proc proc;

    (void)state;
    start(&pipeline);
    make_slow(&pipeline);
    good = csv(&pipeline, HEADER GOOD_ROWS);
    desk_begin(desk, &proc, "plan", "-i", good, NULL);
    pipeline_await_stat(&pipeline, "by_operation.listDevices", 1, 20000);
    redis_server_kill(&desk->server);
    assert_true(desk_says(desk, "waiting: "));
    must(redis_server_restart(&desk->server, &err), &err);
    desk_expect(desk, desk_wait(desk, &proc), 0, "4 to add, 2 to change", "connected to Redis again");
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_would_change),
        cmocka_unit_test(removes_only_with_complete),
        cmocka_unit_test(leaves_the_existing_with_only_new),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(names_who_does_not_serve),
        cmocka_unit_test(ends_at_a_signal),
        cmocka_unit_test(outlives_redis),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
