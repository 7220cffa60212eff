#include "abm/exec.h"

#include <stdlib.h>
#include <string.h>

#include "abm/exec_state.h"
#include "abm/shape.h"
#include "base/clock.h"
#include "http/url.h"

#define WAIT_MAX_MS     100 /* so that a stop is seen in time also where no signal ends the wait */
#define UNHEARD_MIN_MS  20  /* a moment without an answer is nothing; beyond the longest it is no hitch */
#define UNHEARD_MOST_MS 2000
#define UNHEARD_PERCENT 25 /* of the burst */

struct pool *exec_pool(struct exec *exec)
{
    return exec->pool;
}
void *exec_user(struct exec *exec)
{
    return exec->user;
}

void exec_fail(struct exec *exec, const struct err *err)
{
    exec->is_halted = true;
    if (exec->is_fatal)
        return;
    exec->is_fatal = true;
    exec->fatal = *err;
}

void exec_push_back(struct exec *exec, struct call *call)
{
    if (call->is_probe) {
        exec->probe = call;
        return;
    }
    call->next = NULL;
    if (exec->tail != NULL)
        exec->tail->next = call;
    else
        exec->head = call;
    exec->tail = call;
}

void exec_push_front(struct exec *exec, struct call *call)
{
    if (call->is_probe) {
        exec->probe = call;
        return;
    }
    call->next = exec->head;
    exec->head = call;
    if (exec->tail == NULL)
        exec->tail = call;
}

static void pop(struct exec *exec, struct call *call)
{
    if (call->is_probe) {
        exec->probe = NULL;
        return;
    }
    exec->head = call->next;
    if (exec->head == NULL)
        exec->tail = NULL;
    call->next = NULL;
}

const char *exec_copy(struct exec *exec, const char *text)
{
    const char *copy = pool_strdup(exec->pool, text);
    struct err err = ERR_INIT;

    if (text != NULL && copy == NULL) {
        pool_failed(exec->pool, &err);
        exec->is_out_of_room = true;
        exec_fail(exec, &err);
    }
    return copy;
}

void exec_result(struct exec *exec, struct abm_item *item, enum abm_kind kind, enum err_code code,
                 const char *text)
{
    const char *copy = exec_copy(exec, text);

    /* Half a result is none: the call fails, and the device is put back. */
    if (exec->is_out_of_room)
        return;
    item->kind = kind;
    item->code = code;
    item->text = copy;
}

/* A power of two pages were read: the next one is remembered. */
static int mark_page(struct call *call, struct err *err)
{
    if ((call->pages & (call->pages - 1)) != 0)
        return 0;
    buf_reset(&call->mark);
    buf_add(&call->mark, call->url.data, call->url.len);
    return buf_check(&call->mark, "a page's URL", err);
}

int exec_next_page(struct exec *exec, struct call *call, const struct json *doc, struct err *err)
{
    const char *next = json_string(json_get(json_get(doc, "links"), "next"));
    int max = call->op->max_pages > 0 ? call->op->max_pages : ABM_PAGES_MAX;
    struct buf url;
    int rc;

    if (next == NULL || next[0] == '\0')
        return 0;
    if (++call->pages >= max)
        return err_set(err, ERR_ABM_CONTRACT, 0, "links.next: more than %d pages", max);
    buf_init(&url, ABM_URL_MAX);
    rc = url_resolve_same_origin(call->url.data, next, &url, err);
    if (rc == 0)
        rc = err_set(err, ERR_ABM_CONTRACT, 0, "links.next: leads to another origin than %s",
                     exec->client->env.org->api_base_url);
    if (rc == 1 && (strcmp(url.data, call->url.data) == 0 ||
                    (call->mark.len > 0 && strcmp(url.data, call->mark.data) == 0)))
        rc = err_set(err, ERR_ABM_CONTRACT, 0, "links.next: leads back to the same page");
    if (rc == 1) {
        buf_release(&call->url);
        call->url = url;
        return mark_page(call, err) != 0 ? -1 : 1;
    }
    buf_release(&url);
    return rc;
}

static bool is_stopping(const struct exec *exec)
{
    const struct abm_env *env = &exec->client->env;

    return env->is_stopping != NULL && env->is_stopping(env->stop);
}

/* ---- what is sent when ---- */

/*
 * While nothing at all is answered, what is sent may be piling up on its way, and would reach the API's
 * bucket in one burst when that clears. So for as long as that takes no more is sent than part of the burst,
 * which the limiter leaves unused for this (limiter_rate_of).
 */
static bool is_piling_up(const struct exec *exec)
{
    const struct rate_limit *limit = &exec->client->env.org->rate_limit;
    int64_t unheard_ms = clock_boot_ms() - exec->heard_ms, most_ms = 2 * exec->client->latency_ms, part_ms;

    if (exec->under_way == 0 || limit->requests <= 0)
        return false;
    part_ms = limit->burst * limit->per_ms * UNHEARD_PERCENT / (limit->requests * 100);
    if (most_ms < part_ms)
        most_ms = part_ms;
    if (most_ms < UNHEARD_MIN_MS)
        most_ms = UNHEARD_MIN_MS;
    return unheard_ms > most_ms && unheard_ms < UNHEARD_MOST_MS;
}

static bool needs_probe(const struct exec *exec)
{
    if (exec->has_probed || exec->is_probing)
        return false;
    if (exec->parked != NULL || exec->streak >= EXEC_STREAK_PROBE)
        return true;
    return exec->head == NULL && exec->under_way == 0 && exec->trouble.code != ERR_NONE && !exec->has_reached;
}

static void queue_probe(struct exec *exec)
{
    struct call *call = call_new(exec, exec->client->dialect->probe, NULL, 0);

    if (call == NULL)
        return;
    call->is_probe = true;
    exec->is_probing = true;
    exec_push_front(exec, call);
}

/* The next call to be sent; NULL: none before something under way has ended. */
static struct call *choose(struct exec *exec)
{
    if (exec->has_probed)
        settle_parked(exec);
    if (needs_probe(exec))
        queue_probe(exec);
    if (exec->probe != NULL)
        return exec->probe;
    while (!exec->is_probing && exec->head != NULL) {
        struct call *call = exec->head;

        if (call->op->max_items == 0 || call_wanted(call) > 0)
            return call;
        pop(exec, call);
        call_free(call);
    }
    return NULL;
}

static int build(struct exec *exec, struct call *call, struct err *err)
{
    struct abm_client *client = exec->client;
    struct http_request *http = &call->http;
    size_t headers = 0;

    buf_reset(&call->body);
    if (call->pages == 0) {
        buf_reset(&call->url);
        buf_add_str(&call->url, client->env.org->api_base_url);
        call->op->build(call);
    }
    if (buf_check(&call->url, "a request's URL", err) != 0 || buf_check(&call->body, "a request", err) != 0)
        return err_prefix(err, "%s", call->op->id);
    call->headers[headers++] = (struct http_header){ "Accept", client->dialect->accept };
    call->headers[headers++] = (struct http_header){ "Authorization", client->token.bearer };
    if (call->op->content_type != NULL)
        call->headers[headers++] = (struct http_header){ "Content-Type", call->op->content_type };
    call->token_version = client->token.version;
    http->method = call->op->method;
    http->url = call->url.data;
    http->headers = call->headers;
    http->header_count = headers;
    http->body = call->op->content_type != NULL ? call->body.data : NULL;
    http->body_len = call->op->content_type != NULL ? call->body.len : 0;
    return 0;
}

static enum http_next next(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    struct exec *exec = user;
    struct err err = ERR_INIT;
    struct call *call;

    while (!exec->is_halted) {
        if (is_stopping(exec)) {
            exec->is_halted = true;
            break;
        }
        call = choose(exec);
        if (call == NULL)
            break;
        if (is_piling_up(exec)) {
            *wait_ms_r = UNHEARD_MIN_MS;
            return HTTP_NEXT_WAIT;
        }
        /* Before a slot is taken, which does not last as long as an exchange may. */
        if (token_is_due(&exec->client->token) && token_load(&exec->client->token, &err) != 0) {
            exec_fail(exec, &err);
            break;
        }
        switch (exec_ask(exec, call, wait_ms_r)) {
        case GRANT_WAIT:
            if (*wait_ms_r > WAIT_MAX_MS)
                *wait_ms_r = WAIT_MAX_MS;
            return HTTP_NEXT_WAIT;
        case GRANT_SEND: break;
        case GRANT_CHANGED:
        case GRANT_HALT: continue;
        }
        if (build(exec, call, &err) != 0) {
            exec_fail(exec, &err);
            break;
        }
        pop(exec, call);
        call->http.send_before_ms = purse_use(&exec->purse);
        if (exec->under_way++ == 0)
            exec->heard_ms = clock_boot_ms();
        *request_r = &call->http;
        return HTTP_NEXT_SEND;
    }
    return HTTP_NEXT_NONE;
}

/* Before anything is read of it. The other headers kept are times, of which no text is told. */
static void mask_token(const struct token *token, struct http_request *request)
{
    token_mask(token, request->answer.data, request->answer.len);
    if (request->got.content_type != NULL)
        token_mask(token, request->got.content_type, strlen(request->got.content_type));
    if (request->got.link != NULL)
        token_mask(token, request->got.link, strlen(request->got.link));
}

static void done(void *user, struct http_request *request)
{
    struct exec *exec = user;
    struct abm_client *client = exec->client;
    struct call *call = request->user;

    exec->under_way--;
    mask_token(&client->token, request);
    if (request->result == HTTP_ANSWERED) {
        client->latency_ms += (request->answered_ms - request->sent_ms - client->latency_ms) / 4;
        notice_see(&client->notices, call->op->id, &request->got, clock_real_ms());
    }
    settle_call(exec, call);
}

/* A stop need not wait for the answer of a read where the caller does not want it any more. */
static bool is_over(void *user)
{
    struct exec *exec = user;

    if (!exec->client->env.leaves_reads || exec->op->is_mutation || !is_stopping(exec))
        return false;
    exec->is_halted = true;
    return true;
}

/* ---- the whole ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a, b);
}

static int by_key(const void *a, const void *b, void *user)
{
    const struct abm_op *op = user;

    return compare_text(op->key(*(struct abm_item *const *)a), op->key(*(struct abm_item *const *)b));
}

/* Resets the results, and queues the devices in requests, sorted within each; those without a usable id are
 * refused. */
static int queue_items(struct exec *exec, struct abm_item *items, size_t count, struct err *err)
{
    const struct abm_op *op = exec->op;

    exec->sorted = calloc(count > 0 ? count : 1, sizeof(struct abm_item *));
    if (exec->sorted == NULL)
        return err_set(err, ERR_NOMEM, 0, "%s: no memory for %zu devices", op->id, count);
    for (size_t i = 0; i < count; i++) {
        struct abm_item fresh = {
            .device = items[i].device, .fence = items[i].fence, .op = op->id, .delay_ms = -1
        };

        items[i] = fresh;
        if (op->key(&items[i]) != NULL && (!op->is_by_id || shape_is_id(op->key(&items[i]))))
            exec->sorted[exec->count++] = &items[i];
        else
            exec_result(exec, &items[i], ABM_REFUSED, ERR_ABM_NOT_FOUND, "the device has no usable id");
    }
    for (size_t at = 0; at < exec->count; at += op->max_items) {
        size_t part = exec->count - at < op->max_items ? exec->count - at : op->max_items;
        struct call *call = call_new(exec, op, exec->sorted + at, part);

        if (call == NULL)
            break;
        qsort_r(exec->sorted + at, part, sizeof(struct abm_item *), by_key, (void *)(uintptr_t)op);
        exec_push_back(exec, call);
    }
    return 0;
}

static void queue_list(struct exec *exec)
{
    struct call *call = call_new(exec, exec->op, NULL, 0);

    if (call == NULL)
        return;
    call->is_probe = exec->op == exec->client->dialect->probe;
    exec->is_probing = call->is_probe;
    if (exec->op->begin != NULL)
        exec->op->begin(exec, call);
    exec_push_back(exec, call);
}

static void free_calls(struct exec *exec)
{
    struct call *lists[] = { exec->head, exec->parked, exec->probe };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        while (lists[i] != NULL) {
            struct call *call = lists[i];

            lists[i] = call->next;
            call_free(call);
        }
    }
}

static int report(struct exec *exec, struct abm_item *items, size_t count, struct err *err)
{
    struct health *health = exec->client->env.health;
    struct health_report of_op = { .op = exec->op->id, .answered = exec->answered };
    struct health_report of_probe = { .op = exec->client->dialect->probe->id,
                                      .answered = exec->probes,
                                      .succeeded = exec->probes_good };

    if (exec->op->max_items == 0)
        of_op.succeeded = exec->good;
    for (size_t i = 0; i < count; i++) {
        const char *serial = items[i].device->serial;

        if (items[i].kind != ABM_OK && items[i].kind != ABM_ACCEPTED && items[i].kind != ABM_NONE)
            continue;
        of_op.succeeded++;
        if (of_op.serial_a == NULL)
            of_op.serial_a = serial;
        else if (of_op.serial_b == NULL && serial != NULL && strcmp(serial, of_op.serial_a) != 0)
            of_op.serial_b = serial;
    }
    if (of_op.answered > 0 && health_report(health, &of_op, err) != 0)
        return -1;
    return of_probe.answered > 0 ? health_report(health, &of_probe, err) : 0;
}

int exec_run(struct abm_client *client, const struct abm_op *op, struct abm_item *items, size_t count,
             struct pool *pool, void *user, struct err *err)
{
    struct exec exec = { .client = client, .op = op, .pool = pool, .user = user };
    struct http_hooks hooks = { .next = next, .done = done, .user = &exec, .is_over = is_over };
    struct err problem = ERR_INIT;

    if (op->max_items > 0 && count == 0)
        return 0;
    if (op->max_items == 0)
        queue_list(&exec);
    else if (queue_items(&exec, items, count, &problem) != 0)
        exec_fail(&exec, &problem);
    if (!exec.is_halted && token_load(&client->token, &problem) != 0)
        exec_fail(&exec, &problem);
    if (!exec.is_halted && client->transport.run(client->transport.ctx, &hooks, &problem) != 0)
        exec_fail(&exec, &problem);
    free_calls(&exec);
    free(exec.sorted);
    if (report(&exec, items, count, &problem) != 0)
        exec_fail(&exec, &problem);
    notice_flush(&client->notices, client->env.cache, clock_real_ms(), clock_boot_ms(), client->env.warn,
                 client->env.warn_user);
    if (exec.is_fatal) {
        *err = exec.fatal;
        return -1;
    }
    if (op->max_items == 0 && exec.is_halted)
        return err_set(err, ERR_STOPPED, 0, "%s: stopping", op->id);
    return 0;
}
