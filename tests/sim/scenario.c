#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/str.h"
#include "sim.h"

#define SCENARIO_MAX_BYTES (64 * 1024 * 1024)
#define DAY_S              86400
#define RATE_MAX           1000000
#define OFFSET_MAX_MS      (INT64_C(365) * DAY_S * 1000)

int64_t sim_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sim_real_ms(const struct sim *sim)
{
    return clock_real_ms() + sim->clock_offset_ms;
}

int sim_init(struct sim *sim, struct err *err)
{
    *sim = (struct sim){ .burst = 1, .rate_per_us = 1, .faults.random = 1 };
    /* Those of the rules that DESIGN and README show, so that the examples work as they stand. */
    if (catalog_add_text(&sim->blueprints, "bp-1a2b3c4d=Education,bp-5e6f7g8h=Japan,bp-9i0j1k2l=Standard",
                         err) != 0 ||
        catalog_add_text(&sim->servers, "mdm-main=Main,mdm-apac=Asia Pacific", err) != 0 ||
        dep_tokens_init(&sim->dep_tokens, sim_real_ms(sim), err) != 0) {
        sim_release(sim);
        return -1;
    }
    sim_fill_bucket(sim);
    return 0;
}

void sim_release(struct sim *sim)
{
    catalog_release(&sim->blueprints);
    catalog_release(&sim->servers);
    inventory_release(&sim->inventory);
    stats_release(&sim->stats);
    faults_release(&sim->faults);
    dep_tokens_release(&sim->dep_tokens);
    issuer_release(&sim->issuer);
}

void sim_fill_bucket(struct sim *sim)
{
    bucket_init(&sim->bucket, sim->rate_requests, sim->rate_per_us, sim->burst, sim_now_us());
}

void sim_reset(struct sim *sim)
{
    inventory_release(&sim->inventory);
    stats_reset(&sim->stats);
    stats_forget_violations(&sim->stats);
    faults_clear(&sim->faults);
    sim->is_token_expired = false;
    sim_fill_bucket(sim);
}

bool sim_read_rate(struct sim *sim, const char *text)
{
    const char *slash = strchr(text, '/');
    int64_t requests, seconds = 1;
    char number[16];

    snprintf(number, sizeof(number), "%.*s", (int)(slash ? slash - text : 15), text);
    if (!str_to_int(number, 0, RATE_MAX, &requests) || (slash && !str_to_int(slash + 1, 1, DAY_S, &seconds)))
        return false;
    sim->rate_requests = requests;
    sim->rate_per_us = seconds * 1000000;
    return true;
}

int sim_seed(struct sim *sim, const char *serial, const char *country, const char *blueprint,
             const char *server, struct err *err)
{
    struct assignment_change change = { .server = CATALOG_NONE, .now_us = sim_now_us() };
    struct sim_device *device;
    bool is_new;

    if (!is_serial(serial) || !is_country(country))
        return err_set(err, ERR_JSON_SHAPE, 0,
                       "device '%.40s', country '%.10s': not as the contract has them", serial, country);
    if (blueprint) {
        change.blueprint = catalog_find(&sim->blueprints, blueprint);
        if (change.blueprint == CATALOG_NONE)
            return err_set(err, ERR_JSON_SHAPE, 0, "device %s: there is no blueprint '%.60s'", serial,
                           blueprint);
        change.server = server ? catalog_find(&sim->servers, server) : CATALOG_NONE;
        if (server && change.server == CATALOG_NONE)
            return err_set(err, ERR_JSON_SHAPE, 0, "device %s: there is no server '%.60s'", serial, server);
    }
    device = inventory_add(&sim->inventory, serial, country, &is_new, err);
    if (!device)
        return -1;
    if (blueprint)
        device_assign(&sim->inventory, device, &change);
    else
        device_unassign(device);
    return 0;
}

int sim_load_devices(struct sim *sim, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    int rc = 0;

    if (!file)
        return err_set(err, ERR_FILE_MISSING, errno, "opening %s", path);
    for (size_t number = 1; rc == 0 && getline(&line, &cap, file) > 0; number++) {
        char *rest = line, *columns[4] = { NULL };

        line[strcspn(line, "\r\n")] = '\0';
        if (*line == '\0')
            continue;
        for (size_t i = 0; i < 4 && rest; i++)
            columns[i] = strsep(&rest, ",");
        if (sim_seed(sim, columns[0], columns[1] ? columns[1] : "US", columns[2], columns[3], err) != 0)
            rc = err_prefix(err, "%s:%zu", path, number);
    }
    free(line);
    fclose(file);
    return rc;
}

static int seed_list(struct sim *sim, const struct json *list, struct err *err)
{
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *serial = json_string(json_get(item, "serial"));
        const char *country = json_string(json_get(item, "country"));

        if (!serial)
            return err_set(err, ERR_JSON_SHAPE, 0, "a device has no serial");
        if (sim_seed(sim, serial, country ? country : "US", json_string(json_get(item, "blueprint_id")),
                     json_string(json_get(item, "mdm_server_id")), err) != 0)
            return -1;
    }
    return 0;
}

static int apply_text(struct sim *sim, const char *name, const char *text, struct err *err)
{
    int64_t seconds;

    if (strcmp(name, "rate") == 0) {
        if (!sim_read_rate(sim, text))
            return err_set(err, ERR_JSON_SHAPE, 0, "'REQUESTS/SECONDS' is needed, this is '%.40s'", text);
        sim_fill_bucket(sim);
    } else if (strcmp(name, "retry_after") == 0) {
        if (!retry_after_read(text, &sim->retry_after, &seconds))
            return err_set(err, ERR_JSON_SHAPE, 0, "'seconds', 'date' or 'none' is needed");
    } else if (strcmp(name, "token") == 0) {
        if (strlen(text) > TOKEN_MAX)
            return err_set(err, ERR_JSON_SHAPE, 0, "longer than %d bytes", TOKEN_MAX);
        strcpy(sim->token, text);
        sim->is_token_expired = false;
    } else if (strcmp(name, "issuer_id") == 0) {
        if (strlen(text) > ISSUER_ID_MAX)
            return err_set(err, ERR_JSON_SHAPE, 0, "longer than %d bytes", ISSUER_ID_MAX);
        strcpy(sim->issuer.issuer_id, text);
    } else if (strcmp(name, "comment") != 0) {
        return err_set(err, ERR_JSON_SHAPE, 0, "there is no member of this name, or it takes no text");
    }
    return 0;
}

static int apply_number(struct sim *sim, const char *name, int64_t number, struct err *err)
{
    if (number < 0 || number > INT32_MAX)
        return err_set(err, ERR_JSON_SHAPE, 0, "%lld is out of range", (long long)number);
    if (strcmp(name, "burst") == 0 && number >= 1 && number <= RATE_MAX) {
        sim->burst = number;
        sim_fill_bucket(sim);
    } else if (strcmp(name, "propagation_ms") == 0) {
        sim->propagation_us = number * 1000;
    } else if (strcmp(name, "token_life_s") == 0) {
        sim->issuer.token_life_s = number;
    } else if (strcmp(name, "seed") == 0) {
        sim->faults.random = (uint64_t)number;
    } else {
        return err_set(err, ERR_JSON_SHAPE, 0,
                       "there is no member of this name, or its number is out of range");
    }
    return 0;
}

static int apply_member(struct sim *sim, const char *name, const struct json *value, struct err *err)
{
    int64_t number;

    if (strcmp(name, "blueprints") == 0)
        return catalog_replace(&sim->blueprints, value, err);
    if (strcmp(name, "servers") == 0)
        return catalog_replace(&sim->servers, value, err);
    if (strcmp(name, "devices") == 0)
        return seed_list(sim, value, err);
    if (strcmp(name, "dep_tokens") == 0)
        return dep_tokens_replace(&sim->dep_tokens, value, sim_real_ms(sim), err);
    if (strcmp(name, "faults") == 0)
        return faults_add(&sim->faults, value, sim_now_us(), err);
    if (strcmp(name, "shows_older") == 0)
        return json_bool(value, &sim->shows_older)
                   ? 0
                   : err_set(err, ERR_JSON_SHAPE, 0, "true or false is needed");
    if (json_string(value))
        return apply_text(sim, name, json_string(value), err);
    if (strcmp(name, "clock_offset_ms") == 0) {
        if (!json_int(value, &number) || number < -OFFSET_MAX_MS || number > OFFSET_MAX_MS)
            return err_set(err, ERR_JSON_SHAPE, 0,
                           "a whole number of milliseconds, at most a year, is needed");
        sim->clock_offset_ms = number;
        return 0;
    }
    if (json_int(value, &number))
        return apply_number(sim, name, number, err);
    return err_set(err, ERR_JSON_SHAPE, 0,
                   "there is no member of this name, or its value is of the wrong type");
}

int sim_apply(struct sim *sim, const struct json *scenario, struct err *err)
{
    /* Devices name blueprints and servers: whatever the order in the file, those come first. */
    static const char *const first[] = { "blueprints", "servers" };

    if (json_kind(scenario) != JSON_OBJECT)
        return err_set(err, ERR_JSON_SHAPE, 0, "an object is needed");
    for (size_t i = 0; i < 2; i++) {
        const struct json *value = json_get(scenario, first[i]);

        if (value && apply_member(sim, first[i], value, err) != 0)
            return err_prefix(err, "%s", first[i]);
    }
    for (const struct json *member = json_first(scenario); member; member = json_next(member)) {
        if (apply_member(sim, json_name(member), member, err) != 0)
            return err_prefix(err, "%s", json_name(member));
    }
    return 0;
}

int sim_apply_file(struct sim *sim, const char *path, struct err *err)
{
    struct json *doc = NULL;
    struct buf text;
    int rc = -1;

    buf_init(&text, SCENARIO_MAX_BYTES);
    if (fsio_read(path, &text, err) != 0)
        goto out;
    if (json_parse(text.data ? text.data : "", text.len, &doc, err) != 0 || sim_apply(sim, doc, err) != 0) {
        err_prefix(err, "%s", path);
        goto out;
    }
    rc = 0;
out:
    json_free(doc);
    buf_release(&text);
    return rc;
}
