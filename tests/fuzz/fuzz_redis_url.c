/* Any text as redis.url: parts within their bounds, or an error that never shows it. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "queue/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct err err = ERR_INIT;
    struct redis_url url;

    FUZZ_CHECK(text != NULL);
    if (redis_url_parse(text, &url, &err) == 0) {
        FUZZ_CHECK(memchr(url.host, '\0', sizeof(url.host)) != NULL);
        FUZZ_CHECK(memchr(url.path, '\0', sizeof(url.path)) != NULL);
        FUZZ_CHECK((url.host[0] != '\0') != (url.path[0] != '\0'));
        FUZZ_CHECK(url.port > 0 && url.port <= 65535 && url.db >= 0 && strchr(text, '@') == NULL);
    } else {
        FUZZ_CHECK(err.code == ERR_SETTINGS && err.text[0] != '\0');
        FUZZ_CHECK(strlen(text) < 12 || strstr(err.text, text) == NULL);
    }
    free(text);
    return 0;
}
