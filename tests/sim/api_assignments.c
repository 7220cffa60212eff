#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sim.h"

static bool spoils(const struct call *call, enum fault_kind kind, const struct sim_device *device)
{
    return call->fault->kind == kind &&
           (call->fault->serial[0] == '\0' || strcmp(call->fault->serial, device->serial) == 0);
}

static void print_assignment(const struct call *call, const char *name, const struct sim_device *device,
                             const struct assignment *assignment, struct json_out *out)
{
    bool is_failed = assignment->state == ASSIGNMENT_FAILED;
    char id[DEVICE_ID_BYTES], number[32], time[CLOCK_ISO_BYTES];

    snprintf(number, sizeof(number), "as-%010llx", (unsigned long long)assignment->number);
    json_begin(out, name, '{');
    json_add_string(out, "id", number);
    json_add_string(out, "type", "assignments");
    json_begin(out, "attributes", '{');
    json_add_string(out, "deviceId",
                    spoils(call, FAULT_WRONG_DEVICE, device) ? "dev-0000000000000000"
                                                             : device_id(device, id));
    if (!spoils(call, FAULT_LACK_BLUEPRINT, device))
        json_add_string(out, "blueprintId", catalog_id(&call->sim->blueprints, assignment->blueprint));
    json_add_string(out, "mdmServerId", catalog_id(&call->sim->servers, assignment->server));
    json_add_string(out, "state", assignment_state_name(assignment->state));
    json_add_string(out, "failureReason", is_failed ? "The device did not take the assignment" : NULL);
    json_add_string(out, "updatedAt", clock_iso(assignment->updated_ms, time));
    json_end(out, '}');
    json_end(out, '}');
}

static void answer_document(const struct call *call, const struct sim_device *device,
                            const struct assignment *assignment, struct answer *answer)
{
    struct json_out out;

    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    print_assignment(call, "data", device, assignment, &out);
    json_end(&out, '}');
}

static struct sim_device *find_device(const struct call *call, struct answer *answer)
{
    struct sim_device *device =
        inventory_find_id(&call->sim->inventory, call->request->device_id, call->now_us);

    if (!device)
        answer_error(answer, 404, "DEVICE_NOT_FOUND", "the organization has no device of this id");
    return device;
}

/* Element `at` of the listing, or NULL where that one has no assignment. */
static const struct assignment *list_element(const struct call *call, size_t at, size_t count,
                                             const struct sim_device **device_r)
{
    struct inventory *inventory = &call->sim->inventory;
    char id[DEVICE_ID_BYTES + 1];

    if (call->request->filter) {
        filter_element(call->request->filter, count - 1 - at, id, sizeof(id));
        *device_r = inventory_find_id(inventory, id, call->now_us);
    } else {
        *device_r = inventory_at(inventory, at, call->now_us);
    }
    return *device_r ? device_shown(*device_r, call->sim->shows_older) : NULL;
}

void api_list_assignments(const struct call *call, struct answer *answer)
{
    const struct request *request = call->request;
    size_t count = request->filter ? filter_count(request->filter) : call->sim->inventory.count;
    size_t at = (size_t)request->cursor;
    struct json_out out;

    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    for (int64_t shown = 0; at < count && shown < request->limit; at++) {
        const struct sim_device *device;
        const struct assignment *assignment = list_element(call, at, count, &device);

        if (!assignment)
            continue;
        print_assignment(call, NULL, device, assignment, &out);
        shown++;
    }
    json_end(&out, ']');
    api_print_links(call, &out, at < count ? at : 0);
    json_end(&out, '}');
}

/* What the real API does with the field of v1: it takes the request and assigns nothing. */
static void answer_profile(const struct call *call, const struct sim_device *device, struct answer *answer)
{
    const struct assignment none = {
        .state = ASSIGNMENT_PROPAGATED,
        .blueprint = CATALOG_NONE,
        .server = device_server(device),
        .updated_ms = clock_real_ms(),
    };
    const struct fault lacking = { .kind = FAULT_LACK_BLUEPRINT };
    const struct call spoilt = { call->sim, call->request, call->plan, &lacking, call->now_us };

    answer_document(&spoilt, device, &none, answer);
}

static void put_change(const struct call *call, struct sim_device *device, int blueprint, int server,
                       struct answer *answer)
{
    struct sim *sim = call->sim;
    bool is_failing = call->fault->kind == FAULT_FAIL_ASSIGNMENT;
    struct assignment_change change = {
        .blueprint = blueprint,
        .server = server,
        .now_us = call->now_us,
        /* What will fail is accepted first, also where everything else is in effect at once. */
        .due_us = call->now_us + (sim->propagation_us == 0 && is_failing ? 1 : sim->propagation_us),
        .is_failing = is_failing,
    };
    struct assignment forgotten, *shown = &forgotten;

    if (call->fault->kind == FAULT_NEVER_PROPAGATE)
        change.due_us = NEVER_US;
    if (call->fault->kind == FAULT_FORGET) {
        forgotten = (struct assignment){
            .state = sim->propagation_us == 0 ? ASSIGNMENT_PROPAGATED : ASSIGNMENT_ACCEPTED,
            .blueprint = blueprint,
            .server = server,
            .number = ++sim->inventory.last_assignment,
            .updated_ms = clock_real_ms(),
        };
    } else {
        if (device_assign(&sim->inventory, device, &change)) {
            device->puts_changed++;
            sim->stats.puts_changed++;
        }
        shown = device->next.state != ASSIGNMENT_NONE ? &device->next : &device->now;
    }
    answer->status = shown->state == ASSIGNMENT_PROPAGATED ? 200 : 202;
    answer_document(call, device, shown, answer);
}

void api_put_assignment(const struct call *call, struct answer *answer)
{
    const struct json *attributes = json_get(json_get(call->request->doc, "data"), "attributes");
    const char *server_id = json_string(json_get(attributes, "mdmServerId"));
    struct sim_device *device = find_device(call, answer);
    int blueprint, server;

    if (!device)
        return;
    device->puts_received++;
    call->sim->stats.puts_received++;
    if (json_get(attributes, "profileId") || call->fault->kind == FAULT_PROFILE_IGNORED) {
        answer_profile(call, device, answer);
        return;
    }
    blueprint = catalog_find(&call->sim->blueprints, json_string(json_get(attributes, "blueprintId")));
    server = server_id ? catalog_find(&call->sim->servers, server_id) : device_server(device);
    if (blueprint == CATALOG_NONE)
        answer_error(answer, 422, "BLUEPRINT_NOT_FOUND", "the organization has no such blueprint");
    else if (server_id && server == CATALOG_NONE)
        answer_error(answer, 422, "MDM_SERVER_NOT_FOUND", "the organization has no such MDM server");
    else
        put_change(call, device, blueprint, server, answer);
}

void api_get_assignment(const struct call *call, struct answer *answer)
{
    const struct sim_device *device = find_device(call, answer);
    const struct assignment *shown = device ? device_shown(device, call->sim->shows_older) : NULL;

    if (shown)
        answer_document(call, device, shown, answer);
    else if (device)
        answer_error(answer, 404, "ASSIGNMENT_NOT_FOUND", "nothing is assigned to the device");
}

void api_delete_assignment(const struct call *call, struct answer *answer)
{
    struct sim_device *device = find_device(call, answer);

    if (!device)
        return;
    device_unassign(device);
    answer->status = 204;
}
