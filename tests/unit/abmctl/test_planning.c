/*
 * Of a thousand random inputs and states of ABM: the plan, applied, yields what is declared and nothing else,
 * and planning again yields nothing. The plan goes through its document, as apply reads it.
 */
#include "harness/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/fake_abm.h"
#include "harness/proc.h"
#include "plan_out.h"
#include "planning.h"

#define CASES    1000
#define DEVICES  40 /* that there may be, in ABM and in the input */
#define ROWS_MAX (2 * DEVICES)

static const char rules[] = "blueprint_mappings:\n"
                            "  - condition: \"country == 'JP'\"\n"
                            "    blueprint_id: bp-a\n"
                            "    mdm_server: m1\n"
                            "  - condition: \"country == 'DE'\"\n"
                            "    blueprint_id: bp-b\n"
                            "  - condition: \"country == 'US'\"\n"
                            "    blueprint_id: bp-c\n"
                            "    mdm_server: Main\n"
                            "  - condition: \"country == 'FR'\"\n"
                            "    blueprint_id: bp-gone\n";

/* One device of a case: what ABM has, and what the input says. */
struct model {
    char serial[16], id[24];
    bool is_known, is_named; /* in ABM; by a good row of the input */
    const char *country;     /* that the input says */
    const char *blueprint, *server;
    enum abm_state state;
};

struct world {
    uint32_t seed;
    char dir[96], csv[128], yaml[128], plan[128];
    struct org_settings org;
    struct settings *settings;
    struct ctl ctl;
    struct fake_abm fake;
    struct abm_api api;
    struct fake_abm_device inventory[DEVICES];
    struct model devices[DEVICES], before[DEVICES];
    bool is_complete, is_only_new, is_wrong; /* is_wrong: a row of the input is */
    int64_t entries;
    int saved, nothing; /* what stderr is, and /dev/null */
};

static uint32_t pick(struct world *world, uint32_t below)
{
    world->seed = world->seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)world->seed * below) >> 32);
}

static void must(const struct world *world, int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s (seed %u)", err_wire(err->code), err->text, (unsigned)world->seed);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* --- a case --- */

static void make_state(struct world *world)
{
    static const char *const blueprints[] = { NULL, "bp-a", "bp-b", "bp-c", "bp-old" };
    static const char *const servers[] = { NULL, "m1", "m2" };
    static const enum abm_state states[] = { ABM_STATE_PROPAGATED, ABM_STATE_ACCEPTED, ABM_STATE_FAILED };

    for (int i = 0; i < DEVICES; i++) {
        struct model *device = &world->devices[i];

        *device = (struct model){ .is_known = pick(world, 4) > 0 };
        snprintf(device->serial, sizeof(device->serial), "C02%09d", i);
        snprintf(device->id, sizeof(device->id), "dev-%d", i);
        if (!device->is_known)
            continue;
        device->blueprint = blueprints[pick(world, 5)];
        device->server = device->blueprint != NULL ? servers[pick(world, 3)] : NULL;
        device->state = states[pick(world, 3)];
    }
}

static void make_input(struct world *world)
{
    static const char *const countries[] = { "JP", "DE", "US", "FR", "IT", "XX" }; /* no rule, no country */
    uint32_t kinds = pick(world, 2) == 0 ? 3 : 6;
    char text[64 * ROWS_MAX] = "serial,country\n";
    size_t len = strlen(text);

    world->is_wrong = false;
    for (uint32_t rows = 1 + pick(world, ROWS_MAX - 1); rows > 0; rows--) {
        struct model *device = &world->devices[pick(world, DEVICES)];
        const char *country = device->country != NULL ? device->country : countries[pick(world, kinds)];
        bool is_good = !str_eq(country, "IT") && !str_eq(country, "XX");

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s,%s\n", device->serial, country);
        world->is_wrong = world->is_wrong || !is_good;
        device->is_named = is_good;
        device->country = country;
    }
    write_file(world->csv, text);
}

/* What the rules want of a country; NULL: ABM lacks it. */
static const char *wanted_of(const struct world *world, const char *country, const char **server_r)
{
    *server_r = world->org.mdm_server;
    if (str_eq(country, "JP")) {
        *server_r = "m1";
        return "bp-a";
    }
    if (str_eq(country, "US")) {
        *server_r = "m2";
        return "bp-c";
    }
    return str_eq(country, "DE") ? "bp-b" : NULL;
}

static void show(struct world *world)
{
    struct fake_abm *fake = &world->fake;

    fake->inventory_count = 0;
    for (int i = 0; i < DEVICES; i++) {
        const struct model *device = &world->devices[i];

        if (device->is_known)
            world->inventory[fake->inventory_count++] =
                (struct fake_abm_device){ .serial = device->serial,
                                          .country = "DE",
                                          .device_id = device->id,
                                          .blueprint_id = device->blueprint,
                                          .mdm_server_id = device->server,
                                          .state = device->state };
    }
    fake->inventory = world->inventory;
    fake->is_sorted = true;
}

/* --- planning and applying --- */

static void plan(struct world *world, struct planning *planning)
{
    const struct plan_entries entries = { planning_entries, planning };
    struct plan_head head = { .org = "acme",
                              .dialect = "abm-v2",
                              .api_version = "2.0",
                              .created_at_ms = 1,
                              .operator_ = "tester",
                              .input_name = "devices.csv" };
    char sha256[SHA256_HEX];
    struct err err = ERR_INIT;
    int fd, rc;

    *planning = (struct planning){ .input = world->csv,
                                   .blueprints = world->yaml,
                                   .is_complete = world->is_complete,
                                   .is_only_new = world->is_only_new };
    dup2(world->nothing, STDERR_FILENO); /* thousands of rows are told as wrong */
    rc =
        planning_open(planning, &world->ctl, &err) != 0 || planning_look_by(planning, &world->api, &err) != 0;
    dup2(world->saved, STDERR_FILENO);
    must(world, rc, &err);
    must(world, planning_count(planning, NULL, NULL, &err), &err);
    head.input_sha256 = planning->source.sha256;
    head.mapping_sha256 = planning->rules.sha256;
    head.is_complete = planning->is_complete;
    head.is_only_new = planning->is_only_new;
    head.kept = planning->kept;
    head.unchanged = planning->counts[PLAN_SAME];
    fd = open(world->plan, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    must(world, plan_file_print(fd, &head, &entries, sha256, &err), &err);
    assert_int_equal(close(fd), 0);
}

static struct model *device_of(struct world *world, const char *serial)
{
    int64_t at;

    assert_true(str_to_int(serial + 3, 0, DEVICES - 1, &at));
    return &world->devices[at];
}

/* As the stages would, from exactly the state that the entry names. */
static int apply_entry(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    struct world *world = ctx;
    struct model *device = device_of(world, entry->serial);
    bool is_there = device->blueprint != NULL && device->state != ABM_STATE_FAILED;

    (void)err;
    world->entries++;
    assert_true(str_eq(entry->from_blueprint_id, is_there ? device->blueprint : NULL));
    if (entry->has_servers)
        assert_true(str_eq(entry->from_mdm_server_id, is_there ? device->server : NULL));
    if (kind == PLAN_REMOVE) {
        device->blueprint = device->server = NULL;
        return 0;
    }
    if (!is_there)
        device->server = NULL;
    device->is_known = true;
    /* The entry's text goes with the reading. */
    device->blueprint = str_eq(entry->to_blueprint_id, "bp-a")   ? "bp-a"
                        : str_eq(entry->to_blueprint_id, "bp-b") ? "bp-b"
                                                                 : "bp-c";
    if (entry->mdm_server_id != NULL)
        device->server = str_eq(entry->mdm_server_id, "m1") ? "m1" : "m2";
    device->state = ABM_STATE_PROPAGATED;
    return 0;
}

static void apply(struct world *world)
{
    const struct plan_entry_sink sink = { apply_entry, world };
    struct plan_file file;
    struct err err = ERR_INIT;

    world->entries = 0;
    must(world, plan_file_open(&file, world->plan, &err), &err);
    must(world, plan_file_each(&file, &sink, &err), &err);
    plan_file_close(&file);
}

/* --- what must hold --- */

static bool is_untouched(const struct model *now, const struct model *was)
{
    return now->is_known == was->is_known && str_eq(now->blueprint, was->blueprint) &&
           str_eq(now->server, was->server) && now->state == was->state;
}

static bool is_as_declared(const struct world *world, int at)
{
    const struct model *now = &world->devices[at], *was = &world->before[at];
    bool was_there = was->blueprint != NULL && was->state != ABM_STATE_FAILED;
    const char *server, *blueprint;

    if (!now->is_named && !(world->is_complete && was_there))
        return is_untouched(now, was);
    if (!now->is_named)
        return now->blueprint == NULL;
    blueprint = wanted_of(world, now->country, &server);
    if (blueprint == NULL || (world->is_only_new && was_there))
        return is_untouched(now, was);
    if (server == NULL)
        server = was_there ? was->server : NULL;
    return now->is_known && str_eq(now->blueprint, blueprint) && str_eq(now->server, server) &&
           now->state != ABM_STATE_FAILED;
}

static void run_case(struct world *world)
{
    struct planning planning;
    int64_t planned;

    make_state(world);
    make_input(world);
    world->org.mdm_server = pick(world, 2) == 0 ? NULL : "m2";
    world->is_only_new = pick(world, 4) == 0;
    world->is_complete = !world->is_wrong && !world->is_only_new && pick(world, 2) == 0;
    memcpy(world->before, world->devices, sizeof(world->before));
    show(world);
    plan(world, &planning);
    planned = planning.counts[PLAN_ADD] + planning.counts[PLAN_CHANGE] + planning.counts[PLAN_REMOVE];
    planning_release(&planning);
    apply(world);
    assert_int_equal(world->entries, planned);
    for (int i = 0; i < DEVICES; i++)
        if (!is_as_declared(world, i))
            fail_msg("seed %u: %s has %s on %s", (unsigned)world->seed, world->devices[i].serial,
                     world->devices[i].blueprint, world->devices[i].server);
    show(world);
    plan(world, &planning);
    if (planning.counts[PLAN_ADD] + planning.counts[PLAN_CHANGE] + planning.counts[PLAN_REMOVE] != 0)
        fail_msg("seed %u: the second plan changes something", (unsigned)world->seed);
    planning_release(&planning);
}

static void yields_what_is_declared(void **state)
{
    static struct world world;
    struct err err = ERR_INIT;
    int64_t entries = 0;

    (void)state;
    must(&world, proc_temp_dir("planning", world.dir, sizeof(world.dir), &err), &err);
    snprintf(world.csv, sizeof(world.csv), "%s/devices.csv", world.dir);
    snprintf(world.yaml, sizeof(world.yaml), "%s/blueprints.yaml", world.dir);
    snprintf(world.plan, sizeof(world.plan), "%s/plan.json", world.dir);
    write_file(world.yaml, rules);
    world.org =
        (struct org_settings){ .name = "acme", .api_dialect = "abm-v2", .serial_pattern = "^[A-Z0-9]{12}$" };
    world.saved = dup(STDERR_FILENO);
    world.nothing = open("/dev/null", O_WRONLY);
    assert_true(world.saved >= 0 && world.nothing >= 0);
    world.settings = calloc(1, sizeof(*world.settings));
    world.ctl = (struct ctl){ .signal_fd = -1, .settings = world.settings, .org = &world.org };
    world.fake.blueprints[0] = "bp-a";
    world.fake.blueprints[1] = "bp-b";
    world.fake.blueprints[2] = "bp-c";
    world.fake.servers[0].id = "m1";
    world.fake.servers[0].name = "First";
    world.fake.servers[1].id = "m2";
    world.fake.servers[1].name = "Main";
    world.api = fake_abm_of(&world.fake);
    for (int i = 0; i < CASES; i++) {
        world.seed = (uint32_t)i * 2654435761u + 1;
        run_case(&world);
        entries += world.entries;
    }
    close(world.saved);
    close(world.nothing);
    print_message("%d cases, %lld devices changed\n", CASES, (long long)entries);
    assert_true(entries > 10 * CASES); /* they are about something */
    free(world.settings);
    proc_remove_dir(world.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(yields_what_is_declared) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
