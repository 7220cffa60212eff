#include <stdio.h>
#include <string.h>

#include "sim.h"

static void answer_done(struct answer *answer)
{
    buf_add_str(&answer->body, "{\"done\":true}");
}

static void print_state(const struct sim *sim, const struct assignment *assignment, struct json_out *out)
{
    char number[32];

    snprintf(number, sizeof(number), "as-%010llx", (unsigned long long)assignment->number);
    json_add_string(out, "assignment_id", number);
    json_add_string(out, "blueprint_id", catalog_id(&sim->blueprints, assignment->blueprint));
    json_add_string(out, "mdm_server_id", catalog_id(&sim->servers, assignment->server));
    json_add_string(out, "state", assignment_state_name(assignment->state));
}

/* What is in effect stands at the top; what is asked for, or has failed, in "pending". */
static void print_device(const struct sim *sim, const struct sim_device *device, struct json_out *out)
{
    char id[DEVICE_ID_BYTES];

    json_begin(out, NULL, '{');
    json_add_string(out, "serial", device->serial);
    json_add_string(out, "device_id", device_id(device, id));
    json_add_string(out, "country", device->country);
    if (device->now.state != ASSIGNMENT_NONE) {
        print_state(sim, &device->now, out);
    } else {
        json_add_null(out, "blueprint_id");
        json_add_null(out, "mdm_server_id");
        json_add_string(out, "state", "NONE");
    }
    if (device->next.state != ASSIGNMENT_NONE) {
        json_begin(out, "pending", '{');
        print_state(sim, &device->next, out);
        json_end(out, '}');
    }
    json_add_int(out, "changes", device->changes);
    json_add_int(out, "puts_received", device->puts_received);
    json_add_int(out, "puts_changed", device->puts_changed);
    json_end(out, '}');
}

static const char *query_value(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    }
    return NULL;
}

static int get_assignments(struct sim *sim, const struct request *request, struct answer *answer,
                           struct err *err)
{
    const char *serial = query_value(request, "serial");
    int64_t now_us = sim_now_us();
    struct json_out out;

    (void)err;
    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_add_int(&out, "count", (int64_t)sim->inventory.count);
    json_begin(&out, "devices", '[');
    for (size_t i = 0; !serial && i < sim->inventory.count; i++)
        print_device(sim, inventory_at(&sim->inventory, i, now_us), &out);
    if (serial && inventory_find(&sim->inventory, serial, now_us))
        print_device(sim, inventory_find(&sim->inventory, serial, now_us), &out);
    json_end(&out, ']');
    json_end(&out, '}');
    return 0;
}

static int get_stats(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    (void)request;
    (void)err;
    stats_print(&sim->stats, &answer->body);
    return 0;
}

static int delete_stats(struct sim *sim, const struct request *request, struct answer *answer,
                        struct err *err)
{
    (void)request;
    (void)err;
    stats_reset(&sim->stats);
    answer_done(answer);
    return 0;
}

static int get_violations(struct sim *sim, const struct request *request, struct answer *answer,
                          struct err *err)
{
    (void)request;
    (void)err;
    stats_print_violations(&sim->stats, &answer->body);
    return 0;
}

static int delete_violations(struct sim *sim, const struct request *request, struct answer *answer,
                             struct err *err)
{
    (void)request;
    (void)err;
    stats_forget_violations(&sim->stats);
    answer_done(answer);
    return 0;
}

static int get_faults(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    (void)request;
    (void)err;
    faults_print(&sim->faults, &answer->body);
    return 0;
}

static int delete_faults(struct sim *sim, const struct request *request, struct answer *answer,
                         struct err *err)
{
    (void)request;
    (void)err;
    faults_clear(&sim->faults);
    answer_done(answer);
    return 0;
}

/* A list of rules, or {"faults": [...]}, as a scenario has it. */
static int post_faults(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    const struct json *list =
        json_kind(request->doc) == JSON_OBJECT ? json_get(request->doc, "faults") : request->doc;

    if (faults_add(&sim->faults, list, sim_now_us(), err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

static int put_faults(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    struct faults kept = sim->faults;

    sim->faults.rules = NULL;
    sim->faults.count = 0;
    if (post_faults(sim, request, answer, err) != 0) {
        sim->faults = kept;
        return -1;
    }
    faults_release(&kept);
    return 0;
}

static int put_scenario(struct sim *sim, const struct request *request, struct answer *answer,
                        struct err *err)
{
    if (sim_apply(sim, request->doc, err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

/* Somebody else's change, in effect at once: {"serial", "blueprint_id" or null, "mdm_server_id"}. */
static int post_assign(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    const char *serial = json_string(json_get(request->doc, "serial"));
    struct sim_device *device = serial ? inventory_find(&sim->inventory, serial, sim_now_us()) : NULL;

    if (!device)
        return err_set(err, ERR_NOT_FOUND, 0, "there is no device '%.40s'", serial ? serial : "");
    if (sim_seed(sim, serial, device->country, json_string(json_get(request->doc, "blueprint_id")),
                 json_string(json_get(request->doc, "mdm_server_id")), err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

static int post_reset(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    (void)request;
    (void)err;
    sim_reset(sim);
    answer_done(answer);
    return 0;
}

/* {"token": "..."}: the one that is good from now on. An expired one is thereby replaced. */
static int post_token(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    if (!json_string(json_get(request->doc, "token")))
        return err_set(err, ERR_JSON_SHAPE, 0, "token: a text is needed");
    return put_scenario(sim, request, answer, err);
}

static int get_dep_tokens(struct sim *sim, const struct request *request, struct answer *answer,
                          struct err *err)
{
    (void)request;
    (void)err;
    dep_tokens_print(&sim->dep_tokens, sim_real_ms(sim), &answer->body);
    return 0;
}

/* {"id", and what is to be changed of it}. */
static int post_dep_token(struct sim *sim, const struct request *request, struct answer *answer,
                          struct err *err)
{
    if (dep_tokens_change(&sim->dep_tokens, request->doc, sim_real_ms(sim), err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

static int get_issuer(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    (void)request;
    (void)err;
    issuer_print(&sim->issuer, &answer->body);
    return 0;
}

/* {"kid", "public_key"}: known from now on. */
static int post_issuer_key(struct sim *sim, const struct request *request, struct answer *answer,
                           struct err *err)
{
    const char *kid = json_string(json_get(request->doc, "kid"));
    const char *pem = json_string(json_get(request->doc, "public_key"));

    if (!kid || !pem)
        return err_set(err, ERR_JSON_SHAPE, 0, "kid, public_key: two texts are needed");
    if (issuer_add_key(&sim->issuer, kid, pem, strlen(pem), err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

/* {"kid", "with_tokens"}: no JWT of it is taken from now on, and with them none of its tokens. */
static int post_issuer_revoke(struct sim *sim, const struct request *request, struct answer *answer,
                              struct err *err)
{
    const char *kid = json_string(json_get(request->doc, "kid"));
    const struct json *with_tokens = json_get(request->doc, "with_tokens");
    bool ends_tokens = false;

    if (!kid || (with_tokens && !json_bool(with_tokens, &ends_tokens)))
        return err_set(err, ERR_JSON_SHAPE, 0, "kid: a text is needed; with_tokens: true or false");
    if (issuer_revoke(&sim->issuer, kid, ends_tokens, err) != 0)
        return -1;
    answer_done(answer);
    return 0;
}

static int post_issuer_expire(struct sim *sim, const struct request *request, struct answer *answer,
                              struct err *err)
{
    (void)request;
    (void)err;
    issuer_end_tokens(&sim->issuer);
    answer_done(answer);
    return 0;
}

static int get_health(struct sim *sim, const struct request *request, struct answer *answer, struct err *err)
{
    (void)sim;
    (void)request;
    (void)err;
    buf_add_str(&answer->body, "{\"status\":\"ok\"}");
    return 0;
}

static const struct {
    const char *method, *path;
    int (*perform)(struct sim *sim, const struct request *request, struct answer *answer, struct err *err);
    bool has_body;
} endpoints[] = {
    { "GET", "/sim/health", get_health, false },
    { "GET", "/sim/stats", get_stats, false },
    { "DELETE", "/sim/stats", delete_stats, false },
    { "GET", "/sim/violations", get_violations, false },
    { "DELETE", "/sim/violations", delete_violations, false },
    { "GET", "/sim/assignments", get_assignments, false },
    { "GET", "/sim/faults", get_faults, false },
    { "PUT", "/sim/faults", put_faults, true },
    { "POST", "/sim/faults", post_faults, true },
    { "DELETE", "/sim/faults", delete_faults, false },
    { "PUT", "/sim/scenario", put_scenario, true },
    { "POST", "/sim/devices", put_scenario, true },
    { "POST", "/sim/assign", post_assign, true },
    { "POST", "/sim/token", post_token, true },
    { "GET", "/sim/dep_tokens", get_dep_tokens, false },
    { "POST", "/sim/dep_token", post_dep_token, true },
    { "GET", "/sim/issuer", get_issuer, false },
    { "POST", "/sim/issuer/key", post_issuer_key, true },
    { "POST", "/sim/issuer/revoke", post_issuer_revoke, true },
    { "POST", "/sim/issuer/expire", post_issuer_expire, false },
    { "POST", "/sim/reset", post_reset, false },
};

void control_perform(struct sim *sim, const struct request *request, struct answer *answer)
{
    struct request with_body = *request;
    struct err err = ERR_INIT;
    int rc = 0;

    answer->content_type = "application/json";
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (strcmp(request->method, endpoints[i].method) != 0 ||
            strcmp(request->path, endpoints[i].path) != 0)
            continue;
        if (endpoints[i].has_body)
            rc = json_parse(request->body ? request->body : "", request->body_len, &with_body.doc, &err);
        if (rc == 0)
            rc = endpoints[i].perform(sim, &with_body, answer, &err);
        if (rc != 0)
            answer_error(answer, 400, err_wire(err.code), err.text);
        request_release(&with_body);
        return;
    }
    answer_error(answer, 404, NULL, "there is no such endpoint of the simulator");
}
