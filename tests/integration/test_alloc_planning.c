/*
 * Each allocation fails in turn while a device file is planned, drift is gathered and evidence is taken into
 * a roll: it is done all the same, or ends with a word of memory. Under a sanitizer nothing of it is left.
 */
#include "harness/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drift_show.h"
#include "harness/fail_alloc.h"
#include "harness/fake_abm.h"
#include "harness/proc.h"
#include "plan_out.h"
#include "planning.h"
#include "roll.h"

#define POINTS_MOST 20000
#define DEVICES     60

static const char rules[] = "blueprint_mappings:\n"
                            "  - condition: \"country == 'JP'\"\n"
                            "    blueprint_id: bp-a\n"
                            "    mdm_server: Main\n"
                            "  - default: bp-b\n";

struct bench {
    char dir[96], csv[128], yaml[128], plan[128];
    struct settings *settings;
    struct org_settings org;
    struct ctl ctl;
    struct fake_abm fake;
    struct abm_api api;
    struct fake_abm_device inventory[DEVICES];
    char serials[DEVICES][16], ids[DEVICES][16];
    int out;
};

static int see(void *ctx, const struct planned *planned, struct err *err)
{
    return plan_out_add(ctx, planned->kind, &planned->entry, err);
}

static int plan(struct bench *bench, struct err *err)
{
    struct planning planning = { .input = bench->csv, .blueprints = bench->yaml, .is_complete = true };
    struct plan_out out = { .path = bench->plan };
    const struct plan_entries entries = { planning_entries, &planning };
    int rc = planning_open(&planning, &bench->ctl, err);

    if (rc == 0)
        rc = plan_out_open(&out, &bench->ctl, err);
    if (rc == 0)
        rc = planning_look_by(&planning, &bench->api, err);
    if (rc == 0)
        rc = planning_count(&planning, see, &out, err);
    if (rc == 0) {
        plan_out_brake(&out, planning.changed, planning.existing);
        out.head.is_complete = true;
        out.head.unchanged = planning.counts[PLAN_SAME];
        rc = plan_out_finish(&out, &entries, err);
    }
    plan_out_release(&out);
    planning_release(&planning);
    return rc;
}

static int gather(struct bench *bench, struct err *err)
{
    static const struct plan_wanted wanted = { .blueprint_id = "bp-a" };
    static const struct plan_seen seen = { PLAN_STATE_PROPAGATED, "bp-b", NULL };
    struct drift drift = { .declared_by = "evidence" };
    int rc = 0;

    for (int i = 0; rc == 0 && i < DEVICES; i++)
        for (int round = 0; rc == 0 && round < 3; round++)
            rc = drift_add(&drift, bench->serials[i], &wanted, &seen, err);
    if (rc == 0)
        rc = drift_show(&drift, &bench->ctl, 0, err);
    drift_release(&drift);
    return rc;
}

static int enrol(struct bench *bench, struct err *err)
{
    struct roll roll;
    int rc = roll_init(&roll, err);

    (void)bench;
    for (int i = 0; rc == 0 && i < 3000; i++) {
        char serial[16], blueprint[16];
        const struct device record = {
            .serial = serial, .row = i, .outcome = OUTCOME_ASSIGNED, .blueprint_id = blueprint
        };

        snprintf(serial, sizeof(serial), "S%d", i);
        snprintf(blueprint, sizeof(blueprint), "bp-%d", i % 700);
        rc = roll_add(&roll, &record, true, 1, err);
    }
    roll_release(&roll);
    return rc;
}

static void walk(struct bench *bench, const char *what, int (*step)(struct bench *bench, struct err *err))
{
    int64_t failed = 0, done = 0;
    int saved = dup(STDOUT_FILENO), rc;

    for (int64_t nth = 1;; nth++) {
        struct err err = ERR_INIT;
        bool has_failed;

        fflush(stdout);
        dup2(bench->out, STDOUT_FILENO);
        fail_alloc_arm(nth);
        rc = step(bench, &err);
        has_failed = fail_alloc_has_failed();
        fail_alloc_disarm();
        fflush(stdout);
        dup2(saved, STDOUT_FILENO);
        if (!has_failed)
            break;
        failed++;
        done += rc == 0;
        if (rc != 0 && err.code != ERR_NOMEM && strstr(err.text, "memory") == NULL)
            fail_msg("%s, allocation %lld: %s: %s", what, (long long)nth, err_wire(err.code), err.text);
        assert_true(nth < POINTS_MOST);
    }
    close(saved);
    assert_int_equal(rc, 0);
    print_message("%-7s %4lld allocations failed in turn, %3lld done all the same\n", what, (long long)failed,
                  (long long)done);
    assert_true(failed > 0);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Two of three are there: as wanted, otherwise, or on another server; the last third of them is not in the
 * input. */
static void make_world(struct bench *bench)
{
    static const char *const blueprints[] = { "bp-a", "bp-b", NULL };
    char text[4096] = "serial,country,model\n";
    size_t len = strlen(text);

    for (int i = 0; i < DEVICES; i++) {
        snprintf(bench->serials[i], sizeof(bench->serials[i]), "C02%09d", i);
        snprintf(bench->ids[i], sizeof(bench->ids[i]), "dev-%d", i);
        bench->inventory[i] = (struct fake_abm_device){ .serial = bench->serials[i],
                                                        .country = "DE",
                                                        .device_id = bench->ids[i],
                                                        .blueprint_id = blueprints[i % 3],
                                                        .state = ABM_STATE_PROPAGATED };
        if (i < 2 * DEVICES / 3)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s,%s,Mac\n", bench->serials[i],
                                    i % 2 == 0 ? "JP" : "DE");
    }
    write_file(bench->csv, text);
    write_file(bench->yaml, rules);
    bench->fake.inventory = bench->inventory;
    bench->fake.inventory_count = DEVICES;
    bench->fake.is_sorted = true;
    bench->fake.blueprints[0] = "bp-a";
    bench->fake.blueprints[1] = "bp-b";
    bench->fake.servers[0].id = "m1";
    bench->fake.servers[0].name = "Main";
    bench->api = fake_abm_of(&bench->fake);
}

static void outlasts_memory_that_is_not_there(void **state)
{
    static struct bench bench;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(proc_temp_dir("alloc-planning", bench.dir, sizeof(bench.dir), &err), 0);
    snprintf(bench.csv, sizeof(bench.csv), "%s/devices.csv", bench.dir);
    snprintf(bench.yaml, sizeof(bench.yaml), "%s/blueprints.yaml", bench.dir);
    snprintf(bench.plan, sizeof(bench.plan), "%s/plan.json", bench.dir);
    bench.org =
        (struct org_settings){ .name = "acme", .api_dialect = "abm-v2", .serial_pattern = "^[A-Z0-9]{12}$" };
    bench.settings = calloc(1, sizeof(*bench.settings));
    bench.ctl = (struct ctl){ .signal_fd = -1, .settings = bench.settings, .org = &bench.org };
    bench.out = open("/dev/null", O_WRONLY);
    assert_true(bench.out >= 0);
    make_world(&bench);
    walk(&bench, "plan", plan);
    walk(&bench, "drift", gather);
    walk(&bench, "roll", enrol);
    close(bench.out);
    free(bench.settings);
    proc_remove_dir(bench.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(outlasts_memory_that_is_not_there) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
