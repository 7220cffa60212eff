/*
 * "base\nlink": any link of an answer, resolved against any base, either stays at the base's origin, or is
 * not followed. And any text makes one segment and one query value, which hold no character of a URL's own.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/url.h"

static void encode(const char *text)
{
    struct buf out;

    buf_init(&out, 1u << 20);
    url_encode(&out, text, strlen(text));
    FUZZ_CHECK(out.len == 0 || strpbrk(out.data, "/?#&=@: \\\"<>") == NULL);
    buf_reset(&out);
    url_add_segment(&out, text);
    FUZZ_CHECK(out.data[0] == '/' && strchr(out.data + 1, '/') == NULL);
    FUZZ_CHECK(strcmp(out.data, "/.") != 0 && strcmp(out.data, "/..") != 0);
    url_add_query(&out, "q", text);
    FUZZ_CHECK(strchr(out.data, '?') != NULL && strpbrk(strchr(out.data, '?') + 1, "?#&/ ") == NULL);
    buf_release(&out);
}

/* "https://host:1/path" up to the path. */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");

    FUZZ_CHECK(host != NULL);
    return (size_t)(host + 3 - url) + strcspn(host + 3, "/?#");
}

static void follow(const char *base, const char *link)
{
    bool is_https, is_loopback, is_https_then, is_loopback_then;
    struct err err = ERR_INIT;
    struct buf url, again;

    if (url_check(base, &is_https, &is_loopback, &err) != 0) {
        FUZZ_CHECK(err.code == ERR_SETTINGS || err.code == ERR_NOMEM);
        return;
    }
    buf_init(&url, 1u << 20);
    buf_init(&again, 1u << 20);
    if (url_resolve_same_origin(base, link, &url, &err) == 1) {
        FUZZ_CHECK(url.len > 0 && strpbrk(url.data, " \r\n\t") == NULL);
        FUZZ_CHECK(url_resolve_same_origin(url.data, "/", &again, &err) == 1);
        FUZZ_CHECK(origin_len(url.data) <= url.len);
        /* Without a fragment it is a base by itself, as safe as the first one. */
        url.data[strcspn(url.data, "#")] = '\0';
        FUZZ_CHECK(url_check(url.data, &is_https_then, &is_loopback_then, &err) == 0);
        FUZZ_CHECK(is_https_then == is_https && is_loopback_then == is_loopback);
    } else {
        FUZZ_CHECK(url.len == 0);
    }
    buf_release(&url);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), *rest = text;
    const char *base;

    FUZZ_CHECK(text != NULL);
    encode(text);
    base = strsep(&rest, "\n");
    if (rest != NULL)
        follow(base, rest);
    free(text);
    return 0;
}
