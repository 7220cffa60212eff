#include "queue/redis_url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Digits only, within [0, max]; -1 otherwise. */
static int number_of(const char *text, int max)
{
    int number = 0;

    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
        if (number > max)
            return -1;
    }
    return number;
}

static int copy_part(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return -1;
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

static int parse_unix(const char *rest, struct redis_url *url)
{
    const char *query = strchr(rest, '?');
    size_t len = query != NULL ? (size_t)(query - rest) : strlen(rest);

    if (rest[0] != '/' || copy_part(url->path, sizeof(url->path), rest, len) != 0)
        return -1;
    if (query == NULL)
        return 0;
    if (strncmp(query, "?db=", 4) != 0)
        return -1;
    url->db = number_of(query + 4, 65535);
    return url->db < 0 ? -1 : 0;
}

static int parse_tcp(const char *rest, struct redis_url *url)
{
    const char *slash = strchr(rest, '/');
    size_t len = slash != NULL ? (size_t)(slash - rest) : strlen(rest);
    char place[300];
    char *host = place, *colon;

    if (copy_part(place, sizeof(place), rest, len) != 0)
        return -1;
    if (place[0] == '[') { /* IPv6 in brackets, RFC 3986 3.2.2 */
        char *close = strchr(place, ']');

        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return -1;
        host = place + 1;
        *close = '\0';
        colon = close[1] == ':' ? close + 1 : NULL;
    } else {
        colon = strchr(place, ':');
    }
    if (colon != NULL) {
        *colon = '\0';
        url->port = number_of(colon + 1, 65535);
        if (url->port <= 0)
            return -1;
    }
    if (slash != NULL && slash[1] != '\0') {
        url->db = number_of(slash + 1, 65535);
        if (url->db < 0)
            return -1;
    }
    return copy_part(url->host, sizeof(url->host), host[0] != '\0' ? host : "127.0.0.1",
                     strlen(host[0] != '\0' ? host : "127.0.0.1"));
}

int redis_url_parse(const char *text, struct redis_url *url_r, struct err *err)
{
    struct redis_url url = { .port = 6379 };
    int rc = -1;

    if (strchr(text, '@') != NULL) /* it is never shown: it may hold a password */
        return err_set(err, ERR_SETTINGS, 0,
                       "redis.url: user and password belong in redis.username and redis.password");
    if (strncmp(text, "unix://", 7) == 0)
        rc = parse_unix(text + 7, &url);
    else if (strncmp(text, "redis://", 8) == 0)
        rc = parse_tcp(text + 8, &url);
    if (rc != 0)
        return err_set(err, ERR_SETTINGS, 0,
                       "redis.url: neither redis://host:port/db nor unix:///path?db=N (it is not shown)");
    *url_r = url;
    return 0;
}
