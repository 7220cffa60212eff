/* Any text as redis.url: parts within their bounds, or an error that never shows it. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "queue/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    struct err err = ERR_INIT;
    struct redis_url url;
    size_t name_len;

    FUZZ_CHECK(text != NULL);
    if (redis_url_parse(text, &url, &err) == 0) {
        FUZZ_CHECK(memchr(url.path, '\0', sizeof(url.path)) != NULL);
        FUZZ_CHECK(memchr(url.name, '\0', sizeof(url.name)) != NULL);
        name_len = strlen(url.name);
        FUZZ_CHECK((url.kind == REDIS_URL_SENTINEL) == (name_len > 0));
        FUZZ_CHECK((url.kind == REDIS_URL_UNIX) == (url.path[0] != '\0'));
        FUZZ_CHECK((url.place_count > 0) != (url.path[0] != '\0') && url.place_count <= REDIS_URL_PLACES);
        FUZZ_CHECK(url.db >= 0 && strchr(text, '@') == NULL);
        for (size_t i = 0; i < url.place_count; i++) {
            FUZZ_CHECK(memchr(url.places[i].host, '\0', sizeof(url.places[i].host)) != NULL);
            FUZZ_CHECK(url.places[i].host[0] != '\0' && url.places[i].port > 0 &&
                       url.places[i].port <= 65535);
        }
    } else {
        FUZZ_CHECK(err.code == ERR_SETTINGS && err.text[0] != '\0');
        FUZZ_CHECK(strlen(text) < 12 || strstr(err.text, text) == NULL);
    }
    free(text);
    return 0;
}
