#include "validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/batch.h"
#include "harness/check.h"
#include "harness/fake_abm.h"
#include "harness/fake_runbook.h"

/* Lines and numbers are named in messages. */
#define RULES                                                                                                \
    "blueprint_mappings:\n"                                                                                  \
    "  - condition: \"serial.startswith('F')\"\n"                                                            \
    "    blueprint_id: \"bp-f\"\n"                                                                           \
    "  - condition: \"country == 'JP'\"\n"                                                                   \
    "    blueprint_id: \"bp-jp\"\n"                                                                          \
    "    mdm_server: \"mdm-apac\"\n"                                                                         \
    "  - condition: \"model.matches('^(a+)+$')\"\n"                                                          \
    "    blueprint_id: \"bp-a\"\n"                                                                           \
    "  - condition: \"country in ['DE', 'CH'] and extra.site == 'Ulm'\"\n"                                   \
    "    blueprint_id: \"bp-ghost\"\n"                                                                       \
    "  - condition: \"country == 'AT'\"\n"                                                                   \
    "    blueprint_id: \"bp-at\"\n"                                                                          \
    "    mdm_server: \"mdm-ghost\"\n"                                                                        \
    "  - condition: \"country == 'DE'\"\n"                                                                   \
    "    blueprint_id: \"bp-de\"\n"
#define OTHER_RULES  "blueprint_mappings:\n  - default: \"bp-other\"\n"
#define BROKEN_RULES "blueprint_mappings:\n  - condition: \"serial ==\"\n    blueprint_id: bp-x\n"

struct world {
    char path[64];
    struct fake_abm abm;
    struct fake_runbook redis;
    struct org_settings org;
    struct validate validate;
    struct ingest ingest;
    struct ingest_rejected rejected[4];
    struct batch_made made;
    struct err err;
};

static int setup(void **state)
{
    static const char *const blueprints[] = {
        "bp-f", "bp-jp", "bp-a", "bp-at", "bp-de", "bp-other", "bp-plan"
    };
    struct world *world = calloc(1, sizeof(*world));
    FILE *file;
    int fd;

    assert_non_null(world);
    strcpy(world->path, "/tmp/test_validate.XXXXXX");
    fd = mkstemp(world->path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(RULES, file) >= 0);
    assert_int_equal(fclose(file), 0);

    for (size_t i = 0; i < sizeof(blueprints) / sizeof(blueprints[0]); i++)
        world->abm.blueprints[i] = blueprints[i];
    world->abm.servers[0].id = "srv-1";
    world->abm.servers[0].name = "mdm-main";
    world->abm.servers[1].id = "srv-2";
    world->abm.servers[1].name = "mdm-apac";
    fake_runbook_init(&world->redis);
    world->org.rules = world->path;
    world->org.mdm_server = "mdm-main";
    world->org.serial_pattern = "^[A-Z0-9]{10,12}$";
    if (validate_init(&world->validate, fake_abm_of(&world->abm), world->redis.runbook, &world->org,
                      &world->err) != 0)
        fail_msg("%s", world->err.text);
    batch_make(&world->made, 1200);
    world->ingest.rejected = world->rejected;
    world->made.batch.ingest = &world->ingest;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    validate_release(&world->validate);
    fake_runbook_release(&world->redis);
    batch_unmake(&world->made);
    unlink(world->path);
    free(world);
    return 0;
}

/* A device as ingest gives it. */
static struct job *add(struct world *world, const char *serial, const char *country)
{
    struct job *job = batch_add(&world->made, serial, NULL);

    job->device->country = country;
    job->device->blueprint_id = NULL;
    job->device->device_id = NULL;
    world->ingest.count++;
    return job;
}

/* A row that push rejected; after all devices. */
static struct job *add_rejected(struct world *world, const char *serial, const char *code, const char *text)
{
    struct job *job = add(world, serial, NULL);

    world->ingest.count--;
    world->rejected[world->ingest.rejected_count++] =
        (struct ingest_rejected){ job->device->row, serial, code, text };
    return job;
}

static void run(const char *what, struct world *world)
{
    if (validate_batch(&world->validate, &world->made.batch, &world->err) != 0)
        fail_msg("%s: %s", what, world->err.text);
}

/* Everything is taken back, for the next row of a table. */
static void again(struct world *world)
{
    world->made.batch.count = 0;
    world->ingest.count = 0;
    world->ingest.rejected_count = 0;
}

static void a_device_gets_what_is_wanted(void **state)
{
    static const struct {
        const char *what, *serial;
        struct device device; /* country, action, blueprint_id, mdm_server_id, expect_mdm_server_id */
        const char *blueprint, *server, *rule, *expect_server;
    } rows[] = {
        { "the first rule wins",
          "F000000001",
          { .country = "JP" },
          "bp-f",
          "srv-1",
          "1: serial.startswith('F')",
          NULL },
        { "a rule's server",
          "C000000001",
          { .country = "JP" },
          "bp-jp",
          "srv-2",
          "2: country == 'JP'",
          NULL },
        { "the device's server before the rule's",
          "C000000001",
          { .country = "JP", .mdm_server_id = "mdm-main" },
          "bp-jp",
          "srv-1",
          "2: country == 'JP'",
          NULL },
        { "a server by its id",
          "C000000001",
          { .country = "JP", .mdm_server_id = "srv-1" },
          "bp-jp",
          "srv-1",
          "2: country == 'JP'",
          NULL },
        { "a plan's blueprint is not asked of the rules",
          "F000000001",
          { .country = "JP", .blueprint_id = "bp-plan" },
          "bp-plan",
          "srv-1",
          NULL,
          NULL },
        { "a plan's server",
          "F000000001",
          { .country = "JP", .blueprint_id = "bp-plan", .mdm_server_id = "mdm-apac" },
          "bp-plan",
          "srv-2",
          NULL,
          NULL },
        { "a removal wants neither",
          "F000000001",
          { .country = "JP",
            .action = ACTION_REMOVE,
            .expect = EXPECT_STATE,
            .expect_blueprint_id = "bp-gone",
            .expect_mdm_server_id = "mdm-apac" },
          NULL,
          NULL,
          NULL,
          "srv-2" },
        { "an expected server that is gone stays a name",
          "F000000001",
          { .country = "JP",
            .blueprint_id = "bp-plan",
            .expect = EXPECT_STATE,
            .expect_blueprint_id = "bp-gone",
            .expect_mdm_server_id = "mdm-gone" },
          "bp-plan",
          "srv-1",
          NULL,
          "mdm-gone" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct device *device;
        struct job *job;

        again(world);
        job = add(world, rows[i].serial, rows[i].device.country);
        device = job->device;
        device->action = rows[i].device.action;
        device->blueprint_id = rows[i].device.blueprint_id;
        device->mdm_server_id = rows[i].device.mdm_server_id;
        device->expect = rows[i].device.expect;
        device->expect_blueprint_id = rows[i].device.expect_blueprint_id;
        device->expect_mdm_server_id = rows[i].device.expect_mdm_server_id;
        run(rows[i].what, world);
        want_verdict(rows[i].what, job, VERDICT_PASS);
        want_text(rows[i].what, device->blueprint_id, rows[i].blueprint);
        want_text(rows[i].what, device->mdm_server_id, rows[i].server);
        want_text(rows[i].what, device->rule, rows[i].rule);
        want_text(rows[i].what, device->expect_mdm_server_id, rows[i].expect_server);
    }
}

static void without_a_server_it_is_left_as_it_is(void **state)
{
    struct world *world = *state;
    struct job *job = add(world, "F000000001", "JP");

    world->validate.mdm_server = NULL;
    run("no server", world);
    want_verdict("no server", job, VERDICT_PASS);
    want_text("no server", job->device->mdm_server_id, NULL);
}

/* Who applies a plan gets what was approved, whatever the settings have become since. */
static void a_plan_leaves_alone_what_it_does_not_name(void **state)
{
    struct world *world = *state;
    struct job *job = add(world, "F000000001", "JP");

    job->device->blueprint_id = "bp-plan";
    world->ingest.plan_sha256 = "a plan";
    run("a plan", world);
    want_verdict("a plan", job, VERDICT_PASS);
    want_text("a plan", job->device->blueprint_id, "bp-plan");
    want_text("a plan", job->device->mdm_server_id, NULL);
}

/* What is needed after validate goes on; the further columns, which only the rules read, do not. */
static void further_columns_end_here(void **state)
{
    static struct device_extra extra[] = { { "site", "Berlin" } };
    struct world *world = *state;
    struct job *job = add(world, "C000000001", "DE");

    job->device->model = "MacBook Air";
    job->device->extra = extra;
    job->device->extra_count = 1;
    run("columns", world);
    want_verdict("columns", job, VERDICT_PASS);
    assert_int_equal(job->device->extra_count, 0);
    want_text("model, for the import", job->device->model, "MacBook Air");
}

static void bad_devices_are_rejected(void **state)
{
    static struct device_extra ulm[] = { { "site", "Ulm" } };
    static const char a_lot[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    static const struct {
        const char *what, *serial;
        struct device device; /* country, model, blueprint_id, mdm_server_id, action */
        struct device_extra *extra;
        enum err_code code;
        const char *names; /* what the text must hold */
    } rows[] = {
        { "lower case", "f000000001", { .country = "DE" }, NULL, ERR_SERIAL_FORMAT, "f000000001" },
        { "no serial", "", { .country = "DE" }, NULL, ERR_SERIAL_EMPTY, "serial" },
        { "UK", "F000000001", { .country = "UK" }, NULL, ERR_COUNTRY_UNKNOWN, "UK" },
        { "another action",
          "F000000001",
          { .country = "DE", .action = ACTION_UNKNOWN, .action_word = "wipe" },
          NULL,
          ERR_ACTION,
          "wipe" },
        { "no rule", "C000000001", { .country = "FR" }, NULL, ERR_NO_RULE, "default" },
        { "a pattern without end",
          "C000000001",
          { .country = "FR", .model = a_lot },
          NULL,
          ERR_RULE_LIMIT,
          "3" },
        { "a blueprint that ABM does not have",
          "C000000001",
          { .country = "DE" },
          ulm,
          ERR_BLUEPRINT_UNKNOWN,
          ":9: rule 4 names blueprint bp-ghost, which ABM does not have" },
        { "a plan's blueprint",
          "C000000001",
          { .country = "DE", .blueprint_id = "bp-none" },
          NULL,
          ERR_BLUEPRINT_UNKNOWN,
          "the input names blueprint bp-none" },
        { "a rule's server",
          "C000000001",
          { .country = "AT" },
          NULL,
          ERR_SERVER_UNKNOWN,
          ":11: rule 5 names MDM server mdm-ghost" },
        { "the device's server",
          "C000000001",
          { .country = "DE", .mdm_server_id = "mdm-x" },
          NULL,
          ERR_SERVER_UNKNOWN,
          "the input names MDM server mdm-x" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct job *bad, *good;

        again(world);
        bad = add(world, rows[i].serial, rows[i].device.country);
        bad->device->model = rows[i].device.model;
        bad->device->blueprint_id = rows[i].device.blueprint_id;
        bad->device->mdm_server_id = rows[i].device.mdm_server_id;
        bad->device->action = rows[i].device.action;
        bad->device->action_word = rows[i].device.action_word;
        bad->device->extra = rows[i].extra;
        bad->device->extra_count = rows[i].extra != NULL;
        good = add(world, "F000000009", "DE");
        run(rows[i].what, world);
        want_finish(rows[i].what, bad, OUTCOME_REJECTED, rows[i].code);
        if (bad->text == NULL || strstr(bad->text, rows[i].names) == NULL)
            fail_msg("%s: the text is '%s'", rows[i].what, bad->text ? bad->text : "(none)");
        assert_int_equal(bad->device->extra_count, 0);
        want_verdict(rows[i].what, good, VERDICT_PASS);
    }
}

static void the_settings_server_may_be_unknown(void **state)
{
    struct world *world = *state;
    struct job *job = add(world, "F000000001", "JP");

    world->validate.mdm_server = "mdm-typo";
    run("settings", world);
    want_finish("settings", job, OUTCOME_REJECTED, ERR_SERVER_UNKNOWN);
    want_text("settings", job->text,
              "the setting mdm_server names MDM server mdm-typo, which ABM does not have");
}

static void rows_that_push_rejected_keep_their_code(void **state)
{
    static const struct {
        const char *what, *code, *text;
        enum outcome outcome;
        enum err_code want;
        const char *want_text;
    } rows[] = {
        { "a serial", "serial_format", "has 9 characters", OUTCOME_REJECTED, ERR_SERIAL_FORMAT,
          "has 9 characters" },
        { "a row", "csv_row", NULL, OUTCOME_REJECTED, ERR_CSV_ROW, NULL },
        { "a duplicate", "duplicate", "row 2 too", OUTCOME_DUPLICATE, ERR_DUPLICATE, "row 2 too" },
        { "one that differs", "duplicate_differs", NULL, OUTCOME_DUPLICATE, ERR_DUPLICATE_DIFFERS, NULL },
        { "a newer producer's code", "serial_smell", "odd", OUTCOME_REJECTED, ERR_ROW_FORMAT,
          "serial_smell: odd" },
        { "none", "none", NULL, OUTCOME_REJECTED, ERR_ROW_FORMAT, "none: the producer gives no reason" },
        { "no code", NULL, "odd", OUTCOME_REJECTED, ERR_ROW_FORMAT, "rejected: odd" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct job *good, *bad;

        again(world);
        good = add(world, "F000000001", "DE");
        bad = add_rejected(world, "F000000001", rows[i].code, rows[i].text); /* its serial claims nothing */
        run(rows[i].what, world);
        want_finish(rows[i].what, bad, rows[i].outcome, rows[i].want);
        want_text(rows[i].what, bad->text, rows[i].want_text);
        want_verdict(rows[i].what, good, VERDICT_PASS);
    }
}

static void of_one_serial_the_lowest_good_row_goes_on(void **state)
{
    struct world *world = *state;
    struct job *bad, *third, *second, *first, *differs, *other;

    bad = add(world, "F000000001", "UK"); /* row 1: no good, so row 2 wins */
    third = add(world, "F000000001", "DE");
    second = add(world, "F000000001", "JP");
    first = add(world, "F000000001", "DE");
    differs = add(world, "F000000001", "DE");
    other = add(world, "F000000002", "DE");
    third->device->row = 4;
    first->device->row = 2;
    second->device->row = 3;
    differs->device->blueprint_id = "bp-plan";
    run("duplicates", world);

    want_finish("row 1", bad, OUTCOME_REJECTED, ERR_COUNTRY_UNKNOWN);
    want_verdict("row 2", first, VERDICT_PASS);
    want_finish("row 3", second, OUTCOME_DUPLICATE, ERR_DUPLICATE);
    want_text("row 3", second->text, "row 2 has this serial too and is used");
    want_finish("row 4", third, OUTCOME_DUPLICATE, ERR_DUPLICATE);
    want_finish("row 5", differs, OUTCOME_DUPLICATE, ERR_DUPLICATE_DIFFERS);
    want_text("row 5", differs->text, "row 2 has this serial too and is used; it wants another blueprint");
    want_verdict("another serial", other, VERDICT_PASS);
}

static void a_removal_and_an_assignment_differ(void **state)
{
    struct world *world = *state;
    struct job *a = add(world, "F000000001", "DE"), *b = add(world, "F000000001", "DE");

    b->device->action = ACTION_REMOVE;
    run("remove", world);
    want_verdict("assign", a, VERDICT_PASS);
    want_finish("remove", b, OUTCOME_DUPLICATE, ERR_DUPLICATE_DIFFERS);
}

static void the_named_mapping_decides(void **state)
{
    struct world *world = *state;
    char hash[SHA256_HEX];
    struct job *job = add(world, "F000000001", "FR");

    sha256_hex(OTHER_RULES, strlen(OTHER_RULES), hash);
    world->redis.mapping_sha256 = hash;
    world->redis.mapping = OTHER_RULES;
    world->ingest.mapping_sha256 = hash;
    run("named", world);
    want_verdict("named", job, VERDICT_PASS);
    want_text("named", job->device->blueprint_id, "bp-other");
    assert_null(world->made.batch.mapping_text); /* it is stored already */
}

static void the_own_mapping_is_handed_to_the_settle(void **state)
{
    struct world *world = *state;
    char hash[SHA256_HEX];

    add(world, "F000000001", "FR");
    run("own", world);
    sha256_hex(RULES, strlen(RULES), hash);
    want_text("own", world->made.batch.mapping_sha256, hash);
    assert_int_equal(world->made.batch.mapping_len, strlen(RULES));
    assert_memory_equal(world->made.batch.mapping_text, RULES, strlen(RULES));
}

static void without_its_mapping_the_message_waits(void **state)
{
    struct world *world = *state;
    char hash[SHA256_HEX];
    struct job *good, *bad, *row;

    sha256_hex(OTHER_RULES, strlen(OTHER_RULES), hash);
    world->ingest.mapping_sha256 = hash;
    good = add(world, "F000000001", "FR");
    bad = add(world, "F000000001", "UK");
    row = add_rejected(world, "x", "serial_format", NULL);
    run("not there", world);
    want_wait("good", good, ERR_RULES_MISSING, -1);
    want_wait("bad", bad, ERR_RULES_MISSING, -1);
    want_wait("rejected row", row, ERR_RULES_MISSING, -1);
    assert_non_null(strstr(good->text, hash));

    again(world); /* a plan asks no rules */
    good = add(world, "F000000001", "FR");
    good->device->blueprint_id = "bp-plan";
    run("a plan", world);
    want_verdict("a plan", good, VERDICT_PASS);
}

static void a_named_mapping_that_is_broken_rejects(void **state)
{
    struct world *world = *state;
    char hash[SHA256_HEX];
    struct job *asks = add(world, "F000000001", "DE"), *planned = add(world, "F000000002", "DE");

    sha256_hex(BROKEN_RULES, strlen(BROKEN_RULES), hash);
    world->redis.mapping_sha256 = hash;
    world->redis.mapping = BROKEN_RULES;
    world->ingest.mapping_sha256 = hash;
    planned->device->blueprint_id = "bp-plan";
    run("broken", world);
    want_finish("asks", asks, OUTCOME_REJECTED, ERR_RULE_SYNTAX);
    want_verdict("planned", planned, VERDICT_PASS);
}

static void the_catalog_is_asked_once_a_name(void **state)
{
    struct world *world = *state;
    char serials[1000][16];

    for (size_t i = 0; i < 1000; i++) {
        snprintf(serials[i], sizeof(serials[i]), "%c%09zu", i % 2 == 0 ? 'F' : 'C', i);
        add(world, serials[i], "JP");
    }
    run("a thousand", world);
    for (size_t i = 0; i < 1000; i++)
        want_verdict("a thousand", &world->made.batch.jobs[i], VERDICT_PASS);
    assert_int_equal(world->abm.catalog_calls, 4); /* two blueprints, two servers */
}

static void without_the_catalog_the_message_goes_back(void **state)
{
    struct world *world = *state;

    add(world, "F000000001", "DE");
    world->abm.fail_catalog = ERR_ABM_UNREACHABLE;
    assert_int_equal(validate_batch(&world->validate, &world->made.batch, &world->err), -1);
    assert_int_equal(world->err.code, ERR_ABM_UNREACHABLE);
}

static void a_message_may_have_rejected_rows_alone(void **state)
{
    struct world *world = *state;
    struct job *row = add_rejected(world, "x", "serial_format", "has 1 character");

    run("rows alone", world);
    want_finish("rows alone", row, OUTCOME_REJECTED, ERR_SERIAL_FORMAT);
    assert_int_equal(world->abm.catalog_calls, 0);
}

/* Jobs and ingest are matched by place: a part of a message is not guessed at. */
static void a_part_of_a_message_is_refused(void **state)
{
    struct world *world = *state;

    add(world, "F000000001", "DE");
    world->ingest.count = 2;
    assert_int_equal(validate_batch(&world->validate, &world->made.batch, &world->err), -1);
    assert_int_equal(world->err.code, ERR_BUG);
    world->made.batch.ingest = NULL;
    assert_int_equal(validate_batch(&world->validate, &world->made.batch, &world->err), -1);
}

static void bad_settings_end_the_start(void **state)
{
    static const struct {
        const char *what, *pattern, *rules;
        enum err_code code;
    } rows[] = {
        { "pattern", "^[A-Z", NULL, ERR_SETTINGS },
        { "rules", "^[A-Z]+$", "/nonexistent/blueprints.yaml", ERR_FILE_MISSING },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct org_settings org = world->org;
        struct validate other;

        org.serial_pattern = rows[i].pattern;
        if (rows[i].rules != NULL)
            org.rules = rows[i].rules;
        assert_int_equal(
            validate_init(&other, fake_abm_of(&world->abm), world->redis.runbook, &org, &world->err), -1);
        if (world->err.code != rows[i].code)
            fail_msg("%s: %s", rows[i].what, world->err.text);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_device_gets_what_is_wanted),
        ROW(without_a_server_it_is_left_as_it_is),
        ROW(a_plan_leaves_alone_what_it_does_not_name),
        ROW(further_columns_end_here),
        ROW(bad_devices_are_rejected),
        ROW(the_settings_server_may_be_unknown),
        ROW(rows_that_push_rejected_keep_their_code),
        ROW(of_one_serial_the_lowest_good_row_goes_on),
        ROW(a_removal_and_an_assignment_differ),
        ROW(the_named_mapping_decides),
        ROW(the_own_mapping_is_handed_to_the_settle),
        ROW(without_its_mapping_the_message_waits),
        ROW(a_named_mapping_that_is_broken_rejects),
        ROW(the_catalog_is_asked_once_a_name),
        ROW(without_the_catalog_the_message_goes_back),
        ROW(a_message_may_have_rejected_rows_alone),
        ROW(a_part_of_a_message_is_refused),
        ROW(bad_settings_end_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
