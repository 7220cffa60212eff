#include <stdio.h>
#include <string.h>

#include "sim.h"

struct about {
    struct sim *sim;
    const struct request *request;
    int64_t now_us;
};

static bool import_names(const struct request *request, const char *serial)
{
    const struct json *devices = json_get(request->doc, "devices");

    for (const struct json *item = json_first(devices); item; item = json_next(item)) {
        if (strcmp(json_string(json_get(item, "serial")), serial) == 0)
            return true;
    }
    return false;
}

/* Whether a request that keeps the contract is about the device of that serial. */
static bool names_serial(void *user, const char *serial)
{
    const struct about *about = user;
    const struct request *request = about->request;
    struct sim_device *device;
    char id[DEVICE_ID_BYTES];

    if (request->operation == OP_IMPORT_DEVICES)
        return import_names(request, serial);
    if (request->operation == OP_LIST_DEVICES)
        return filter_has(request->filter, serial);
    device = inventory_find(&about->sim->inventory, serial, about->now_us);
    if (!device)
        return false;
    device_id(device, id);
    return request->device_id ? strcmp(request->device_id, id) == 0 : filter_has(request->filter, id);
}

static void refuse(struct ticket *ticket, int status, const char *code, const char *detail)
{
    ticket->refusal.status = status;
    ticket->refusal.code = code;
    snprintf(ticket->refusal.detail, sizeof(ticket->refusal.detail), "%s", detail);
}

/* Whether the request's token is good; else *why_r says why not (static). */
static bool is_token_good(const struct sim *sim, const char *authorization, const char **why_r)
{
    const char *token = authorization + strlen("Bearer ");

    *why_r = "the token has expired";
    if (sim->is_token_expired)
        return false;
    if (sim->issuer.key_count > 0 && (sim->token[0] == '\0' || strcmp(token, sim->token) != 0))
        return issuer_accepts(&sim->issuer, token, sim_real_ms(sim), why_r);
    *why_r = "the token is wrong";
    return sim->token[0] == '\0' || strcmp(token, sim->token) == 0;
}

/* The JWT of issueToken. One that breaks the contract is noted. */
static void verify_jwt(struct sim *sim, struct request *request, struct ticket *ticket)
{
    const char *jwt = request->authorization + strlen("Bearer ");
    enum issuer_refusal refusal;
    char why[ISSUER_WHY_MAX];

    refusal = issuer_verify(&sim->issuer, jwt, sim_real_ms(sim), &request->issuer_key, why);
    if (refusal == ISSUER_TAKEN)
        return;
    sim->stats.tokens_refused++;
    if (refusal == ISSUER_BROKEN)
        stats_violation(&sim->stats, request->operation, "%s %s: %s", request->method, request->path, why);
    refuse(ticket, 401, issuer_code(refusal), why);
}

/* A fault that ends the token: a new one that is issued, or told by a test, ends it. */
static void expire(struct sim *sim)
{
    if (sim->issuer.key_count > 0)
        issuer_end_tokens(&sim->issuer);
    else
        sim->is_token_expired = true;
}

void api_admit(struct sim *sim, struct request *request, int64_t now_us, struct ticket *ticket)
{
    struct about about = { sim, request, now_us };
    bool is_issue;
    const char *why;

    *ticket = (struct ticket){ .plan = { .main.kind = FAULT_NONE, .deprecation.kind = FAULT_NONE } };
    contract_read(request, &sim->stats, &ticket->refusal);
    stats_request(&sim->stats, request->operation, now_us);
    is_issue = request->operation == OP_ISSUE_TOKEN;
    /* The limit is that of a token, and whoever asks for one has none yet. */
    if (!is_issue && !bucket_take(&sim->bucket, now_us, &ticket->wait_us)) {
        refuse(ticket, 429, NULL, "the bucket is empty");
        return;
    }
    if (ticket->refusal.status != 0)
        return;
    if (is_issue)
        verify_jwt(sim, request, ticket);
    else if (!is_token_good(sim, request->authorization, &why))
        refuse(ticket, 401, NULL, why);
    if (ticket->refusal.status != 0)
        return;
    faults_choose(&sim->faults, request->operation, names_serial, &about, now_us, &ticket->plan);
    if (ticket->plan.main.kind == FAULT_TOKEN_EXPIRED) {
        expire(sim);
        refuse(ticket, 401, NULL, "the token has expired");
    }
}

static void add_retry_after(struct sim *sim, enum retry_after form, int64_t wait_us, struct answer *answer)
{
    int64_t seconds = (wait_us + 999999) / 1000000;
    char date[40];

    if (form == RETRY_AFTER_SECONDS) {
        answer_header(answer, "Retry-After", "%lld", (long long)seconds);
    } else if (form == RETRY_AFTER_DATE) {
        /* Rounded up, so that the date is never before the time that it stands for. */
        int64_t when = (sim_real_ms(sim) + 999) / 1000 + seconds;

        answer_header(answer, "Retry-After", "%s", http_date(when, date));
    }
    if (answer->status == 429)
        stats_limited(&sim->stats, sim_now_us(), form == RETRY_AFTER_NONE ? 0 : seconds * 1000000);
}

static void dispatch(const struct call *call, struct answer *answer)
{
    switch (call->request->operation) {
    case OP_IMPORT_DEVICES: api_import_devices(call, answer); return;
    case OP_LIST_DEVICES: api_list_devices(call, answer); return;
    case OP_LIST_ASSIGNMENTS: api_list_assignments(call, answer); return;
    case OP_PUT_ASSIGNMENT: api_put_assignment(call, answer); return;
    case OP_GET_ASSIGNMENT: api_get_assignment(call, answer); return;
    case OP_DELETE_ASSIGNMENT: api_delete_assignment(call, answer); return;
    case OP_LIST_BLUEPRINTS: api_list_catalog(call, &call->sim->blueprints, "blueprints", answer); return;
    case OP_LIST_MDM_SERVERS: api_list_catalog(call, &call->sim->servers, "mdmServers", answer); return;
    case OP_ISSUE_TOKEN: api_issue_token(call, answer); return;
    case OP_LIST_DEP_TOKENS: api_list_dep_tokens(call, answer); return;
    case OP_IMPORT_DEP_TOKEN: api_import_dep_token(call, answer); return;
    default: answer_error(answer, 404, NULL, NULL); return;
    }
}

/* Faults in whose place nothing else is answered. False: the operation's own answer is to be made. */
static bool answer_fault(const struct call *call, struct answer *answer)
{
    const struct fault *fault = call->fault;

    switch (fault->kind) {
    case FAULT_STATUS:
    case FAULT_RATE:
    case FAULT_HTML:
        if (fault->has_effect)
            dispatch(call, answer);
        break;
    case FAULT_RESET_BEFORE: answer->end = ANSWER_CLOSE; return true;
    case FAULT_BAD_REQUEST:
        answer_error(answer, 400, fault->code, "an item of the request is refused");
        return true;
    default: return false;
    }
    if (fault->kind == FAULT_HTML)
        answer_html(answer, 200);
    else if (fault->is_html)
        answer_html(answer, (int)fault->status);
    else
        answer_error(answer, fault->kind == FAULT_RATE ? 429 : (int)fault->status, fault->code, NULL);
    if (fault->kind != FAULT_HTML)
        add_retry_after(call->sim, fault->retry_after, fault->retry_seconds * 1000000, answer);
    return true;
}

static void spoil(enum fault_kind kind, struct answer *answer)
{
    char *colon;

    switch (kind) {
    case FAULT_TRUNCATE: buf_truncate(&answer->body, answer->body.len / 2); break;
    case FAULT_MALFORMED:
        colon = answer->body.len > 0 ? strchr(answer->body.data, ':') : NULL;
        if (colon)
            *colon = ';';
        break;
    case FAULT_CUT: answer->end = ANSWER_CUT; break;
    case FAULT_RESET_AFTER:
    case FAULT_HANG: answer->end = ANSWER_CLOSE; break;
    default: break;
    }
}

static void add_deprecation(const struct request *request, const struct fault *fault, struct answer *answer)
{
    char link[160];

    if (fault->kind != FAULT_DEPRECATION)
        return;
    snprintf(link, sizeof(link), "http://%.60s/deprecation", request->host ? request->host : "localhost");
    answer_header(answer, "Link", "<%s>; rel=\"deprecation\"; type=\"text/html\"",
                  fault->link[0] ? fault->link : link);
    answer_header(answer, "Deprecation", "%s", fault->deprecation[0] ? fault->deprecation : "@1767225600");
    answer_header(answer, "Sunset", "%s", fault->sunset[0] ? fault->sunset : "Thu, 31 Dec 2026 23:59:59 GMT");
}

void api_perform(struct sim *sim, struct request *request, const struct ticket *ticket, int64_t now_us,
                 struct answer *answer)
{
    const struct call call = { sim, request, &ticket->plan, &ticket->plan.main, now_us };

    if (ticket->refusal.status != 0) {
        answer_error(answer, ticket->refusal.status, ticket->refusal.code, ticket->refusal.detail);
        if (ticket->refusal.status == 429)
            add_retry_after(sim, sim->retry_after, ticket->wait_us, answer);
    } else if (!answer_fault(&call, answer)) {
        dispatch(&call, answer);
        spoil(call.fault->kind, answer);
    }
    add_deprecation(request, &ticket->plan.deprecation, answer);
    if (ticket->plan.main.kind != FAULT_NONE || ticket->plan.item_count > 0 || ticket->plan.delay_ms > 0)
        sim->stats.faults++;
    stats_answer(&sim->stats, answer->end == ANSWER_CLOSE ? 0 : answer->status);
}
