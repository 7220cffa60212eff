#include <stdlib.h>
#include <string.h>

#include "abm/exec_state.h"

struct call *call_new(struct exec *exec, const struct abm_op *op, struct abm_item **items, size_t count)
{
    struct call *call = calloc(1, sizeof(*call));
    struct err err = ERR_INIT;

    if (call == NULL) {
        err_set(&err, ERR_NOMEM, 0, "%s: no memory for a request", op->id);
        exec_fail(exec, &err);
        return NULL;
    }
    call->op = op;
    call->items = items;
    call->count = count;
    http_request_init(&call->http);
    buf_init(&call->url, ABM_URL_MAX);
    buf_init(&call->body, ABM_REQUEST_MAX);
    buf_init(&call->mark, ABM_URL_MAX);
    call->http.user = call;
    return call;
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    http_request_release(&call->http);
    buf_release(&call->url);
    buf_release(&call->body);
    buf_release(&call->mark);
    free(call->state);
    free(call);
}

size_t call_wanted(const struct call *call)
{
    size_t wanted = 0;

    for (size_t i = 0; i < call->count; i++)
        wanted += call_wants(call->items[i]);
    return wanted;
}

size_t call_find(const struct call *call, const char *key, size_t *end_r)
{
    size_t low = 0, high = call->count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(call->op->key(call->items[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < call->count && strcmp(call->op->key(call->items[end]), key) == 0; end++)
        ;
    *end_r = end;
    return low == end ? call->count : low;
}
