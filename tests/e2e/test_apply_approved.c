/*
 * Two must have approved: a plan is applied once two different keys of apply.approvers have signed it, and
 * the evidence says which.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "crypto/sha256.h"
#include "harness/desk_plan.h"
#include "harness/pipeline.h"

#define NEW "bp-1a2b3c4d"

/* Makes NAME.key and NAME.pem; the key's id into keyid. */
static void make_key(struct desk *desk, const char *name, char keyid[SHA256_HEX])
{
    struct err err = ERR_INIT;
    struct json *doc;
    const char *pem;
    char file[32];

    snprintf(file, sizeof(file), "%s.key", name);
    desk_expect(desk, desk_ctl(desk, "audit", "keygen", "--json", "--out", desk_path(desk, file), NULL), 0,
                NULL, NULL);
    assert_int_equal(json_parse(desk->out.data, desk->out.len, &doc, &err), 0);
    snprintf(keyid, SHA256_HEX, "%s", json_string(json_get(doc, "keyid")));
    pem = json_string(json_get(doc, "public_key"));
    snprintf(file, sizeof(file), "%s.pem", name);
    desk_file(desk, file, pem, strlen(pem));
    json_free(doc);
}

static void approve(struct desk *desk, const char *plan, const char *key)
{
    desk_expect(desk, desk_ctl(desk, "plan", "approve", "--plan", plan, "--key", desk_path(desk, key), NULL),
                0, NULL, NULL);
}

static const char *new_plan(struct desk *desk, struct desk_plan *plan)
{
    desk_plan_init(plan);
    desk_plan_add(plan, PLAN_ADD, "C02000000000", "DE", NULL, NEW);
    return desk_plan_write(plan, desk, "plan.json");
}

static void assert_refused(struct pipeline *pipeline, const char *plan, const char *says)
{
    struct desk *desk = &pipeline->desk;

    desk_expect(desk, desk_ctl(desk, "apply", "--confirm", "--plan", plan, NULL), 77, NULL, says);
    assert_int_equal(desk_number(desk, "DBSIZE", NULL), 0);
    assert_int_equal(pipeline_stat(pipeline, "requests"), 0);
}

/* The member of the payload that the run's manifest signs. */
static void assert_in_manifest(struct pipeline *pipeline, const char *run, const char *plan_sha256,
                               const char *first, const char *second)
{
    struct desk *desk = &pipeline->desk;
    struct err err = ERR_INIT;
    struct json *doc;
    const struct json *row, *approvers;

    desk_expect(desk, desk_ctl(desk, "audit", "list", "--json", NULL), 0, run, NULL);
    assert_int_equal(json_parse(desk->out.data, desk->out.len, &doc, &err), 0);
    row = json_first(doc);
    assert_string_equal(json_string(json_get(row, "plan_sha256")), plan_sha256);
    approvers = json_get(row, "approvers");
    assert_int_equal(json_count(approvers), 2);
    assert_string_equal(json_string(json_first(approvers)), first);
    assert_string_equal(json_string(json_next(json_first(approvers))), second);
    json_free(doc);
}

static void two_of_two(void **state)
{
    static struct desk_plan plan;
    const struct pipeline_options options = {
        .bin = TEST_BIN,
        .more = "apply:\n  require_approvals: 2\n  approvers: [ann.pem, ben.pem]\n",
    };
    char ann[SHA256_HEX], ben[SHA256_HEX], eve[SHA256_HEX], sha256[SHA256_HEX];
    struct pipeline_result result;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    const char *path;

    (void)state;
    pipeline_start(&pipeline, &options);
    make_key(desk, "ann", ann);
    make_key(desk, "ben", ben);
    make_key(desk, "eve", eve);
    path = new_plan(desk, &plan);
    memcpy(sha256, plan.sha256, sizeof(sha256));

    assert_refused(&pipeline, path, "0 of the 2 approvals");
    approve(desk, path, "eve.key");
    assert_refused(&pipeline, path, "0 of the 2 approvals");
    approve(desk, path, "ben.key");
    assert_refused(&pipeline, path, "1 of the 2 approvals");
    /* An approval of the same key is no second one, however it came there. */
    (void)desk_ctl(desk, "plan", "approve", "--plan", path, "--key", desk_path(desk, "ben.key"), NULL);
    assert_refused(&pipeline, path, "1 of the 2 approvals");
    approve(desk, path, "ann.key");
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", path, "--dry-run", NULL), 0,
                "approved by tester, key ", "the approval of tester does not count");

    pipeline_start_workers(&pipeline);
    pipeline_apply(&pipeline, path, 30000, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 1);
    assert_in_manifest(&pipeline, result.run, sha256, ben,
                       ann); /* as they stand in the plan; eve is nobody */
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_stop(&pipeline);
}

static void an_approval_is_of_one_plan(void **state)
{
    static struct desk_plan plan;
    const struct pipeline_options options = {
        .bin = TEST_BIN,
        .more = "apply:\n  require_approvals: 1\n  approvers: [ann.pem]\n",
    };
    char ann[SHA256_HEX];
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct err err = ERR_INIT;
    struct buf approved, other, mixed;
    const char *path, *approvals, *place;

    (void)state;
    pipeline_start(&pipeline, &options);
    make_key(desk, "ann", ann);
    path = new_plan(desk, &plan);
    approve(desk, path, "ann.key");
    buf_init(&approved, 1 << 20);
    buf_init(&other, 1 << 20);
    buf_init(&mixed, 1 << 20);
    assert_int_equal(fsio_read(path, &approved, &err), 0);
    plan.at[0].entry.to_blueprint_id = "bp-5e6f7g8h";
    path = desk_plan_write(&plan, desk, "other.json");
    assert_int_equal(fsio_read(path, &other, &err), 0);
    /* The member approvals of the one before that of the other where it belongs. */
    approvals = strstr(approved.data, ",\"approvals\":[");
    place = strstr(other.data, ",\"change\":");
    assert_non_null(approvals);
    assert_non_null(place);
    buf_add(&mixed, other.data, (size_t)(place - other.data));
    buf_add(&mixed, approvals, (size_t)(strstr(approved.data, ",\"change\":") - approvals));
    buf_add_str(&mixed, place);
    path = desk_file(desk, "mixed.json", mixed.data, mixed.len);
    assert_refused(&pipeline, path, "0 of the 1 approval");
    buf_release(&approved);
    buf_release(&other);
    buf_release(&mixed);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_two),
        cmocka_unit_test(an_approval_is_of_one_plan),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
