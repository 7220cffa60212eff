#include "harness/plan_property.h"

#include "harness/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"
#include "harness/pipeline.h"

#define DEVICES_MAX 12
#define RULES_MAX   3
#define END_MS      120000

static const char *const blueprints[] = { "bp-1a2b3c4d", "bp-5e6f7g8h", "bp-9i0j1k2l" };
static const char *const servers[] = { "mdm-main", "mdm-apac" };
static const char *const countries[] = { "DE", "JP", "US" };

/* A rule asks for a country or for the last digit of the serial; the last may ask for nothing. */
struct rule {
    const char *country; /* NULL: not asked */
    int digit;           /* -1: not asked */
    const char *blueprint, *server;
};

struct item {
    char serial[16];
    const char *country;
    bool is_known, is_input;
    const char *blueprint, *server; /* in effect now; NULL: none */
};

struct world {
    int number, count, rule_count;
    struct item items[DEVICES_MAX];
    struct rule rules[RULES_MAX];
    int64_t to_change, to_add, the_same; /* as worked out here */
};

struct property {
    struct pipeline pipeline;
    uint64_t seed;
    struct world *worlds;
    int cases;
};

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next(struct property *property)
{
    uint64_t z = property->seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int below(struct property *property, int count)
{
    return (int)(next(property) % (uint64_t)count);
}

/* One of the names, or in one of `count + 1` cases none. */
static const char *some(struct property *property, const char *const *names, int count)
{
    int at = below(property, count + 1);

    return at < count ? names[at] : NULL;
}

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

/* --- making it up --- */

static void make_rules(struct property *property, struct world *world)
{
    world->rule_count = 1 + below(property, RULES_MAX);
    for (int i = 0; i < world->rule_count; i++) {
        struct rule *rule = &world->rules[i];

        *rule = (struct rule){ .digit = -1 };
        if (i == world->rule_count - 1 && below(property, 3) > 0)
            ; /* a default */
        else if (below(property, 2) == 0)
            rule->country = countries[below(property, 3)];
        else
            rule->digit = below(property, 10);
        rule->blueprint = blueprints[below(property, 3)];
        rule->server = some(property, servers, 2);
    }
}

static void make_item(struct property *property, struct world *world, struct item *item)
{
    struct err err = ERR_INIT;

    *item = (struct item){ .country = countries[below(property, 3)], .is_input = below(property, 6) > 0 };
    snprintf(item->serial, sizeof(item->serial), "P%05d%05d", world->number, (int)(item - world->items));
    item->is_known = below(property, 4) > 0;
    if (!item->is_known)
        return;
    item->blueprint = some(property, blueprints, 3);
    item->server = item->blueprint != NULL ? some(property, servers, 2) : NULL;
    must(abmsim_add_device(&property->pipeline.sim, item->serial, item->country, item->blueprint,
                           item->server, &err),
         &err);
}

static void make_world(struct property *property, struct world *world, int number)
{
    world->number = number;
    world->count = 1 + below(property, DEVICES_MAX);
    make_rules(property, world);
    for (int i = 0; i < world->count; i++)
        make_item(property, world, &world->items[i]);
    world->items[0].is_input = true; /* a file without a device is none */
}

/* --- the files --- */

static const char *file(struct property *property, const struct world *world, const char *what,
                        const char *suffix, const struct buf *text)
{
    char name[48];

    snprintf(name, sizeof(name), "%s-%d.%s", what, world->number, suffix);
    return desk_file(&property->pipeline.desk, name, text->data, text->len);
}

static const char *write_rules(struct property *property, const struct world *world)
{
    struct buf text;
    const char *path;

    buf_init(&text, 1 << 16);
    buf_add_str(&text, "blueprint_mappings:\n");
    for (int i = 0; i < world->rule_count; i++) {
        const struct rule *rule = &world->rules[i];

        if (rule->country != NULL)
            buf_addf(&text, "  - condition: \"country == '%s'\"\n    blueprint_id: %s\n", rule->country,
                     rule->blueprint);
        else if (rule->digit >= 0)
            buf_addf(&text, "  - condition: \"serial.endswith('%d')\"\n    blueprint_id: %s\n", rule->digit,
                     rule->blueprint);
        else
            buf_addf(&text, "  - default: %s\n", rule->blueprint);
        if (rule->server != NULL)
            buf_addf(&text, "    mdm_server: %s\n", rule->server);
    }
    path = file(property, world, "rules", "yaml", &text);
    buf_release(&text);
    return path;
}

/* In a random order of rows, with rows that do not count now and then: a loser of a serial, a wrong one. */
static const char *write_devices(struct property *property, const struct world *world)
{
    int from = below(property, world->count);
    struct buf text;
    const char *path;

    buf_init(&text, 1 << 16);
    buf_add_str(&text, "serial,country\n");
    for (int i = 0; i < world->count; i++) {
        const struct item *item = &world->items[(from + i) % world->count];

        if (!item->is_input)
            continue;
        buf_addf(&text, "%s,%s\n", item->serial, item->country);
        if (below(property, 8) == 0)
            buf_addf(&text, "%s,%s\n", item->serial, countries[below(property, 3)]);
        if (below(property, 8) == 0)
            buf_add_str(&text, "nonsense,DE\n");
    }
    path = file(property, world, "devices", "csv", &text);
    buf_release(&text);
    return path;
}

/* --- what is declared --- */

static const struct rule *rule_of(const struct world *world, const struct item *item)
{
    int digit = item->serial[strlen(item->serial) - 1] - '0';

    for (int i = 0; i < world->rule_count; i++) {
        const struct rule *rule = &world->rules[i];

        if ((rule->country == NULL || str_eq(rule->country, item->country)) &&
            (rule->digit < 0 || rule->digit == digit))
            return rule;
    }
    return NULL;
}

/* Counts what the plan must say, and makes the items what they are to be afterwards. */
static void declare(struct world *world)
{
    world->to_add = world->to_change = world->the_same = 0;
    for (int i = 0; i < world->count; i++) {
        struct item *item = &world->items[i];
        const struct rule *rule = item->is_input ? rule_of(world, item) : NULL;

        if (rule == NULL)
            continue;
        if (str_eq(item->blueprint, rule->blueprint) &&
            (rule->server == NULL || str_eq(item->server, rule->server)))
            world->the_same++;
        else if (item->blueprint == NULL)
            world->to_add++;
        else
            world->to_change++;
        item->is_known = true;
        item->blueprint = rule->blueprint;
        item->server = rule->server != NULL ? rule->server : item->server;
    }
}

/* --- plan, apply, look --- */

static void assert_plan(struct property *property, const struct world *world, int64_t add, int64_t change,
                        int64_t same)
{
    struct desk *desk = &property->pipeline.desk;
    struct err err = ERR_INIT;
    int64_t unchanged = -1;
    struct json *doc;

    must(json_parse(desk->out.data, desk->out.len, &doc, &err), &err);
    assert_true(json_int(json_get(doc, "unchanged"), &unchanged));
    if ((int64_t)json_count(json_get(doc, "add")) != add ||
        (int64_t)json_count(json_get(doc, "change")) != change || json_count(json_get(doc, "remove")) != 0 ||
        unchanged != same)
        fail_msg("case %d: wanted %" PRId64 " to add, %" PRId64 " to change, %" PRId64 " unchanged:\n%s",
                 world->number, add, change, same, desk->out.data);
    json_free(doc);
}

static void plan(struct property *property, const struct world *world, const char *path)
{
    struct desk *desk = &property->pipeline.desk;
    char devices[160], rules[160];

    /* The paths stand in slots that take turns. */
    snprintf(devices, sizeof(devices), "%s", write_devices(property, world));
    snprintf(rules, sizeof(rules), "%s", write_rules(property, world));
    desk_expect(desk,
                desk_ctl(desk, "--json", "plan", "--input", devices, "--blueprints", rules, "-o", path, NULL),
                0, NULL, NULL);
}

static void apply_one(struct property *property, struct world *world)
{
    struct desk *desk = &property->pipeline.desk;
    char path[160];

    snprintf(path, sizeof(path), "%s", desk_path(desk, "plan.json"));
    plan(property, world, path);
    declare(world);
    assert_plan(property, world, world->to_add, world->to_change, world->the_same);
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", path, "--confirm", NULL), 0, NULL, NULL);
}

struct look {
    struct property *property;
    int64_t seen;
};

static void see(void *user, const char *serial, const struct abmsim_device *device)
{
    struct look *look = user;
    int number = atoi((char[]){ serial[1], serial[2], serial[3], serial[4], serial[5], '\0' });
    const struct item *item = &look->property->worlds[number].items[atoi(serial + 6)];

    look->seen++;
    if (!str_eq(device->blueprint_id, item->blueprint != NULL ? item->blueprint : "") ||
        !str_eq(device->mdm_server_id, item->server != NULL ? item->server : ""))
        fail_msg("%s has '%s' on '%s', wanted '%s' on '%s'", serial, device->blueprint_id,
                 device->mdm_server_id, item->blueprint, item->server);
}

static void assert_state(struct property *property)
{
    struct look look = { property, 0 };
    struct err err = ERR_INIT;
    int64_t known = 0;

    must(abmsim_each_device(&property->pipeline.sim, see, &look, &err), &err);
    for (int i = 0; i < property->cases; i++)
        for (int k = 0; k < property->worlds[i].count; k++)
            known += property->worlds[i].items[k].is_known;
    assert_int_equal(look.seen, known);
}

static bool is_quiet(void *user)
{
    struct desk *desk = user;

    return desk_number(desk, "HLEN", "@runs:open", NULL) == 0 &&
           desk_number(desk, "XLEN", "@ingest", NULL) == 0;
}

static void wait_for_all(struct property *property)
{
    if (!proc_until(is_quiet, &property->pipeline.desk, END_MS))
        fail_msg("runs stay open");
}

/* --- the whole organization --- */

static int64_t assigned_outside(const struct property *property, int inputs)
{
    int64_t count = 0;

    for (int i = inputs; i < property->cases; i++)
        for (int k = 0; k < property->worlds[i].count; k++)
            count += property->worlds[i].items[k].blueprint != NULL;
    return count;
}

static const char *write_whole(struct property *property, int inputs)
{
    struct buf text;
    const char *path;

    buf_init(&text, 64u << 20);
    buf_add_str(&text, "serial,country\n");
    for (int i = 0; i < inputs; i++)
        for (int k = 0; k < property->worlds[i].count; k++) {
            struct item *item = &property->worlds[i].items[k];

            buf_addf(&text, "%s,%s\n", item->serial, item->country);
            item->is_known = true;
            item->blueprint = blueprints[0];
        }
    path = desk_file(&property->pipeline.desk, "whole.csv", text.data, text.len);
    buf_release(&text);
    return path;
}

/* The first half of all devices is the whole truth: the others lose what they have. */
static void apply_whole(struct property *property)
{
    static const char rules[] = "blueprint_mappings:\n  - default: bp-1a2b3c4d\n";
    struct desk *desk = &property->pipeline.desk;
    int inputs = property->cases / 2;
    int64_t removed = assigned_outside(property, inputs);
    char csv[160], yaml[160], path[160];
    struct pipeline_result result;

    snprintf(csv, sizeof(csv), "%s", write_whole(property, inputs));
    snprintf(yaml, sizeof(yaml), "%s", desk_file(desk, "whole.yaml", rules, strlen(rules)));
    snprintf(path, sizeof(path), "%s", desk_path(desk, "whole.json"));
    desk_expect(desk,
                desk_ctl(desk, "plan", "--input", csv, "--blueprints", yaml, "--complete", "-o", path, NULL),
                0, NULL, NULL);
    pipeline_apply(&property->pipeline, path, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.removed, removed);
    for (int i = inputs; i < property->cases; i++)
        for (int k = 0; k < property->worlds[i].count; k++)
            property->worlds[i].items[k].blueprint = property->worlds[i].items[k].server = NULL;
    assert_state(property);
    desk_expect(desk, desk_ctl(desk, "plan", "--input", csv, "--blueprints", yaml, "--complete", NULL), 0,
                "Nothing to change", NULL);
    print_message("plan --complete: %" PRId64 " devices removed, %" PRId64 " in all\n", removed,
                  result.total);
}

void plan_property_run(const struct plan_property *options)
{
    const struct pipeline_options pipeline = { .bin = options->bin };
    static struct property property;

    property.cases = options->cases;
    property.seed =
        getenv("ABM_TEST_SEED") != NULL ? strtoull(getenv("ABM_TEST_SEED"), NULL, 10) : rand_u32();
    print_message("seed %" PRIu64 "\n", property.seed);
    property.worlds = calloc((size_t)property.cases, sizeof(*property.worlds));
    assert_non_null(property.worlds);
    setenv("ABM_TOKEN", "e2e-token", 1); /* for abmctl, which asks ABM here */
    pipeline_start(&property.pipeline, &pipeline);
    pipeline_start_workers(&property.pipeline);
    for (int i = 0; i < property.cases; i++) {
        make_world(&property, &property.worlds[i], i);
        apply_one(&property, &property.worlds[i]);
    }
    wait_for_all(&property);
    assert_state(&property);
    for (int i = 0; i < property.cases; i++) {
        struct world *world = &property.worlds[i];

        plan(&property, world, desk_path(&property.pipeline.desk, "again.json"));
        assert_plan(&property, world, 0, 0, world->to_add + world->to_change + world->the_same);
    }
    apply_whole(&property);
    pipeline_assert_no_letters(&property.pipeline);
    pipeline_assert_no_violations(&property.pipeline);
    pipeline_assert_evidence_whole(&property.pipeline);
    pipeline_stop(&property.pipeline);
    free(property.worlds);
}
