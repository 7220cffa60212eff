/*
 * A rule for a blueprint that ABM does not have: its devices are rejected with the rule's line, nothing is
 * sent for them, and the others go on. Before that the catalog is read again, since the blueprint may be new.
 */
#include "harness/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/pipeline.h"

#define END_MS 60000

static const char rules[] = "blueprint_mappings:\n"
                            "  - condition: \"country == 'JP'\"\n"
                            "    blueprint_id: \"bp-nowhere\"\n"
                            "  - condition: \"country == 'US'\"\n"
                            "    blueprint_id: \"bp-new\"\n"
                            "  - default: \"bp-9i0j1k2l\"\n";

static int64_t lists(struct pipeline *pipeline)
{
    struct err err = ERR_INIT;

    return abmsim_stat(&pipeline->sim, "by_operation.listBlueprints", &err);
}

/* Ten devices of a country, their serials from C<first> on. */
static const char *csv(struct pipeline *pipeline, const char *country, int first)
{
    char text[1024], name[32];
    size_t len = (size_t)snprintf(text, sizeof(text), "serial,country\n");

    for (int i = 0; i < 10; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "C%011d,%s\n", first + i, country);
    snprintf(name, sizeof(name), "%s-%d.csv", country, first);
    return desk_file(&pipeline->desk, name, text, len);
}

static void see_rejected(void *user, const struct device *record)
{
    int *count = user;

    assert_int_equal(record->outcome, OUTCOME_REJECTED);
    assert_string_equal(record->code, "blueprint_unknown");
    if (record->rule == NULL || strncmp(record->rule, "1: country == 'JP' (line 2 of ", 30) != 0)
        fail_msg("%s: the record's rule is %s", record->serial,
                 record->rule != NULL ? record->rule : "absent");
    ++*count;
}

/* What validate found in ABM is made 31 s old, as if no device had come since. */
static void age_catalog(struct pipeline *pipeline)
{
    struct redis_reply *time = desk_ask(&pipeline->desk, "TIME", NULL);
    char at[32];

    snprintf(at, sizeof(at), "%" PRId64, redis_integer(redis_at(time, 0)) * 1000 - 31000);
    redis_reply_free(time);
    assert_int_equal(desk_number(&pipeline->desk, "HSET", "@cache:catalog-blueprints", "at", at, NULL), 0);
    assert_int_equal(proc_stop(&pipeline->workers[PIPELINE_VALIDATE][0], 20000), 0);
    pipeline_start_worker(pipeline, PIPELINE_VALIDATE, 0); /* without the copy that the first one kept */
}

static void rejects_with_the_rules_line(void **state)
{
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .rules = rules };
    struct pipeline_result result;
    struct abmsim_device device;
    struct err err = ERR_INIT;
    int count = 0;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, csv(&pipeline, "DE", 0), END_MS, &result);
    assert_int_equal(result.assigned, 10);
    assert_int_equal(lists(&pipeline), 1);

    age_catalog(&pipeline);
    assert_int_equal(
        abmsim_set(&pipeline.sim, "{\"blueprints\":[\"bp-1a2b3c4d\",\"bp-9i0j1k2l\",\"bp-new\"]}", &err), 0);
    pipeline_import(&pipeline, csv(&pipeline, "JP", 100), END_MS, &result);
    assert_int_equal(result.status, 1);
    assert_int_equal(result.rejected, 10);
    assert_int_equal(result.dead, 0);
    assert_int_equal(lists(&pipeline), 2); /* read again before it was believed */
    assert_int_equal(pipeline_records(&pipeline, result.run, see_rejected, &count), 10);
    assert_int_equal(count, 10);
    assert_int_equal(abmsim_device(&pipeline.sim, "C00000000100", &device, &err), 0); /* not even imported */
    desk_expect(&pipeline.desk, desk_ctl(&pipeline.desk, "audit", "show", "C00000000100", NULL), 0,
                "blueprint_unknown", NULL);

    /* The list is young now: the same again asks no more, and what is new in it is known. */
    pipeline_import(&pipeline, csv(&pipeline, "JP", 200), END_MS, &result);
    assert_int_equal(result.rejected, 10);
    pipeline_import(&pipeline, csv(&pipeline, "US", 300), END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 10);
    assert_int_equal(lists(&pipeline), 2);
    assert_int_equal(abmsim_device(&pipeline.sim, "C00000000300", &device, &err), 1);
    assert_string_equal(device.blueprint_id, "bp-new");
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rejects_with_the_rules_line) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
