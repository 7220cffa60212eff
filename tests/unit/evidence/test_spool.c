#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/evidence.h"
#include "evidence/record.h"

static int setup(void **state)
{
    struct evidence *evidence = calloc(1, sizeof(*evidence));

    evidence_make(evidence);
    *state = evidence;
    return 0;
}

static int teardown(void **state)
{
    evidence_unmake(*state);
    free(*state);
    return 0;
}

static const char *part_path(const struct evidence *evidence, const char *run, const char *uid)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/" EVIDENCE_ORG "/%s/%s.jsonl", evidence->spool_dir, run, uid);
    return path;
}

static void writes_by_row_and_tells_the_hash(void **state)
{
    struct evidence *evidence = *state;
    const struct device *devices[] = { evidence_device(evidence, 3), evidence_device(evidence, 1),
                                       evidence_device(evidence, 2) };
    char sha256[SHA256_HEX], want[SHA256_HEX];
    struct err err = ERR_INIT;
    const char *text;

    if (spool_write(&evidence->closing.spool, "run", "uid-1", devices, 3, sha256, &err) != 0)
        fail_msg("%s", err.text);
    text = evidence_read(evidence, part_path(evidence, "run", "uid-1"));
    assert_non_null(text);
    sha256_hex(text, strlen(text), want);
    assert_string_equal(sha256, want);
    assert_int_equal(evidence_count(text, "\n"), 3);
    assert_true(strstr(text, "\"row\":1,") < strstr(text, "\"row\":2,"));
    assert_true(strstr(text, "\"row\":2,") < strstr(text, "\"row\":3,"));
}

/* A worker died before its settle; the message comes again, and its device ended otherwise meanwhile. */
static void replaces_a_part_of_the_same_message(void **state)
{
    struct evidence *evidence = *state;
    struct device *device = evidence_device(evidence, 1);
    const struct device *devices[] = { device };
    char first[SHA256_HEX], second[SHA256_HEX];
    struct err err = ERR_INIT;

    assert_int_equal(spool_write(&evidence->closing.spool, "run", "uid", devices, 1, first, &err), 0);
    device->outcome = OUTCOME_FAILED;
    assert_int_equal(spool_write(&evidence->closing.spool, "run", "uid", devices, 1, second, &err), 0);
    assert_string_not_equal(first, second);
    assert_non_null(strstr(evidence_read(evidence, part_path(evidence, "run", "uid")), "\"failed\""));
}

/* A line that merging would refuse, however long ago it was written, would keep its run from closing. */
static void shortens_what_no_stage_wrote(void **state)
{
    static char huge[60 * 1024 + 1], quotes[20 * 1024 + 1], rule[4096 + 1];
    static const struct {
        const char *what, *serial, *code, *id, *rule, *want;
    } rows[] = {
        { "all of it", huge, huge, huge, huge, "\"rule\":\"(too long to be recorded)\"" },
        { "a serial", huge, NULL, "bp-1", "1: true", "\"blueprint_id\":\"bp-1\"" },
        { "an id", "C02ABCDEFGHJ", NULL, huge, "1: true", "\"blueprint_id\":null" },
        { "a code", "C02ABCDEFGHJ", huge, "bp-1", "1: true", "\"code\":null" },
        { "a rule", "C02ABCDEFGHJ", NULL, "bp-1", huge, "\"rule\":\"(too long to be recorded)\"" },
        { "what grows in print", quotes, NULL, "bp-1", rule, "\"rule\":\"\\u0001" },
    };
    struct evidence *evidence = *state;

    memset(huge, 'S', sizeof(huge) - 1);
    memset(quotes, '"', sizeof(quotes) - 1);
    memset(rule, 1, sizeof(rule) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct device *device = evidence_device(evidence, 1);
        const struct device *devices[] = { device, evidence_device(evidence, 2) };
        char sha256[SHA256_HEX];
        struct err err = ERR_INIT;
        const char *text;

        device->serial = rows[i].serial;
        device->code = rows[i].code;
        device->blueprint_id = device->from_blueprint_id = device->mdm_server_id = rows[i].id;
        device->assignment_id = device->from_mdm_server_id = rows[i].id;
        device->rule = rows[i].rule;
        if (spool_write(&evidence->closing.spool, "run", "uid", devices, 2, sha256, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        text = evidence_read(evidence, part_path(evidence, "run", "uid"));
        if (strcspn(text, "\n") >= RECORD_LINE_MAX || strstr(text, rows[i].want) == NULL)
            fail_msg("%s: %zu bytes: %.400s", rows[i].what, strcspn(text, "\n"), text);
        assert_int_equal(evidence_count(text, "\n"), 2);
    }
}

static void refuses_names_that_lead_elsewhere(void **state)
{
    static const struct {
        const char *what, *org, *run, *uid;
        enum err_code want;
    } rows[] = {
        { "a run above", "acme", "../up", "u", ERR_RUN_ID },
        { "a run that is a path", "acme", "a/b", "u", ERR_RUN_ID },
        { "a hidden run", "acme", ".r", "u", ERR_RUN_ID },
        { "no run", "acme", "", "u", ERR_RUN_ID },
        { "an organization above", "..", "r", "u", ERR_SETTINGS },
        { "a uid above", "acme", "r", "../u", ERR_MSG_MALFORMED },
        { "no uid", "acme", "r", NULL, ERR_MSG_MALFORMED },
    };
    struct evidence *evidence = *state;
    const struct device *devices[] = { evidence_device(evidence, 1) };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct spool spool = { evidence->spool_dir, rows[i].org };
        char sha256[SHA256_HEX];
        struct err err = ERR_INIT;

        if (spool_write(&spool, rows[i].run, rows[i].uid, devices, 1, sha256, &err) == 0 ||
            err.code != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void says_where_it_cannot_write(void **state)
{
    struct evidence *evidence = *state;
    const struct device *devices[] = { evidence_device(evidence, 1) };
    char sha256[SHA256_HEX];
    struct err err = ERR_INIT;

    evidence_replace(evidence->spool_dir, "a file in the way", 17);
    assert_int_equal(spool_write(&evidence->closing.spool, "run", "uid", devices, 1, sha256, &err), -1);
    assert_int_equal(err.code, ERR_SPOOL);
    assert_non_null(strstr(err.text, evidence->spool_dir));
}

static void cleans_what_is_listed_and_no_more(void **state)
{
    struct evidence *evidence = *state;
    struct fake_run *run = fake_runbook_add(&evidence->book, "run");
    struct run_part listed[2] = { { "a.jsonl", "", 1 }, { "../../../outside", "", 1 } };
    char outside[300];

    snprintf(outside, sizeof(outside), "%s/outside", evidence->dir);
    evidence_replace(outside, "kept", 4);
    evidence_part(evidence, run, "a", 1, 1);
    evidence_part(evidence, run, "b", 2, 1); /* of a replay that is under way */
    spool_clean(&evidence->closing.spool, "run", listed, 2);
    assert_null(evidence_read(evidence, part_path(evidence, "run", "a")));
    assert_non_null(evidence_read(evidence, part_path(evidence, "run", "b")));
    assert_non_null(evidence_read(evidence, outside));
    listed[0].name = "b.jsonl";
    spool_clean(&evidence->closing.spool, "run", listed, 1);
    *strrchr(strcpy(outside, part_path(evidence, "run", "b")), '/') = '\0';
    assert_int_equal(access(outside, F_OK), -1); /* the empty folder has gone with its last part */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_by_row_and_tells_the_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces_a_part_of_the_same_message, setup, teardown),
        cmocka_unit_test_setup_teardown(shortens_what_no_stage_wrote, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_names_that_lead_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(says_where_it_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(cleans_what_is_listed_and_no_more, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
