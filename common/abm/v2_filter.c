/* The URL of a list that is narrowed to up to 200 devices. */
#include <string.h>

#include "abm/exec.h"
#include "abm/v2.h"
#include "base/str.h"
#include "http/url.h"

void v2_build_filtered(struct call *call, const char *path, const char *name)
{
    const char *before = NULL;

    buf_add_str(&call->url, path);
    url_add_query(&call->url, "limit", V2_LIMIT_TEXT);
    buf_add_str(&call->url, "&filter%5B");
    buf_add_str(&call->url, name);
    buf_add_str(&call->url, "%5D=");
    for (size_t i = 0; i < call->count; i++) {
        const char *key = call->op->key(call->items[i]);

        if (!call_wants(call->items[i]) || str_eq(before, key))
            continue;
        if (before != NULL)
            buf_add_char(&call->url, ',');
        url_encode(&call->url, key, strlen(key));
        before = key;
    }
}
