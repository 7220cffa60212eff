#include "queue/redis_url.h"

#include <stdio.h>
#include <string.h>

#define SERVER_PORT   6379
#define SENTINEL_PORT 26379
#define PORT_MAX      65535
#define DB_MAX        65535

/* Digits only, within [0, max]; -1 otherwise. */
static int number_of(const char *text, size_t len, int max)
{
    int number = 0;

    if (len == 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
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

int redis_place_parse(const char *text, size_t len, struct redis_place *place)
{
    const char *colon = memrchr(text, ':', len);
    size_t host_len;
    int port;

    if (colon == NULL)
        return -1;
    host_len = (size_t)(colon - text);
    port = number_of(colon + 1, len - host_len - 1, PORT_MAX);
    if (port <= 0)
        return -1;
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len > 0 && copy_part(place->host, sizeof(place->host), text, host_len) != 0)
        return -1;
    place->port = port;
    return 0;
}

bool redis_place_equal(const struct redis_place *a, const struct redis_place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* "[host][:port]": an IPv6 address stands in brackets, RFC 3986, 3.2.2. */
static int parse_place(const char *text, size_t len, int port, struct redis_place *place)
{
    size_t host_len = len > 0 && text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":,/");

    *place = (struct redis_place){ .host = "127.0.0.1", .port = port };
    if (host_len > len || (host_len < len && (text[host_len] != ':' ||
                                              memchr(text + host_len + 1, ':', len - host_len - 1) != NULL)))
        return -1;
    if (host_len < len)
        return redis_place_parse(text, len, place);
    if (host_len >= 2 && text[0] == '[') {
        text++;
        host_len -= 2;
    }
    return host_len > 0 ? copy_part(place->host, sizeof(place->host), text, host_len) : 0;
}

/* "a,b,c", at least one, none of them empty where there are several. */
static int parse_places(const char *text, size_t len, int port, size_t most, struct redis_url *url)
{
    const char *end = text + len;

    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t one = comma != NULL ? (size_t)(comma - text) : (size_t)(end - text);

        if (url->place_count == most || (one == 0 && (comma != NULL || url->place_count > 0)) ||
            parse_place(text, one, port, &url->places[url->place_count]) != 0)
            return -1;
        url->place_count++;
        if (comma == NULL)
            return 0;
        text = comma + 1;
    }
}

static int parse_db(const char *text, struct redis_url *url)
{
    url->db = number_of(text, strlen(text), DB_MAX);
    return url->db < 0 ? -1 : 0;
}

static int parse_unix(const char *rest, struct redis_url *url)
{
    size_t len = strcspn(rest, "?");

    if (rest[0] != '/' || copy_part(url->path, sizeof(url->path), rest, len) != 0)
        return -1;
    if (rest[len] == '\0')
        return 0;
    return strncmp(rest + len, "?db=", 4) == 0 ? parse_db(rest + len + 4, url) : -1;
}

static int parse_server(const char *rest, struct redis_url *url)
{
    size_t len = strcspn(rest, "/");

    if (parse_places(rest, len, SERVER_PORT, 1, url) != 0)
        return -1;
    return rest[len] == '\0' || rest[len + 1] == '\0' ? 0 : parse_db(rest + len + 1, url);
}

static int parse_cluster(const char *rest, struct redis_url *url)
{
    size_t len = strcspn(rest, "/");

    if (strcmp(rest + len, "/0") != 0 && strcmp(rest + len, "/") != 0 && rest[len] != '\0')
        return -1; /* a cluster has database 0 alone */
    return parse_places(rest, len, SERVER_PORT, REDIS_URL_PLACES, url);
}

static int parse_sentinel(const char *rest, struct redis_url *url)
{
    size_t len = strcspn(rest, "/"), name_len;
    const char *name = rest + len + 1;

    if (len == 0 || rest[len] == '\0')
        return -1;
    name_len = strcspn(name, "/");
    if (name_len == 0 || copy_part(url->name, sizeof(url->name), name, name_len) != 0 ||
        parse_places(rest, len, SENTINEL_PORT, REDIS_URL_PLACES, url) != 0)
        return -1;
    return name[name_len] == '\0' ? 0 : parse_db(name + name_len + 1, url);
}

static const struct {
    const char *scheme;
    enum redis_url_kind kind;
    bool can_tls;
    int (*parse)(const char *rest, struct redis_url *url);
    const char *form;
} forms[] = {
    { "redis", REDIS_URL_SERVER, true, parse_server, "redis://host:port/db" },
    { "unix", REDIS_URL_UNIX, false, parse_unix, "unix:///path?db=N" },
    { "sentinel", REDIS_URL_SENTINEL, true, parse_sentinel, "sentinel://host:port,host:port/NAME/db" },
    { "cluster", REDIS_URL_CLUSTER, true, parse_cluster, "cluster://host:port,host:port" },
};

int redis_url_parse(const char *text, struct redis_url *url_r, struct err *err)
{
    if (strchr(text, '@') != NULL) /* it is never shown: it may hold a password */
        return err_set(err, ERR_SETTINGS, 0,
                       "redis.url: user and password belong in redis.username and redis.password");
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = strlen(forms[i].scheme);
        struct redis_url url = { .kind = forms[i].kind };

        if (strncmp(text, forms[i].scheme, len) != 0)
            continue;
        if (forms[i].can_tls && text[len] == 's') {
            url.is_tls = true;
            len++;
        }
        if (strncmp(text + len, "://", 3) != 0)
            continue;
        if (forms[i].parse(text + len + 3, &url) != 0)
            return err_set(err, ERR_SETTINGS, 0, "redis.url: not of the form %s (it is not shown)",
                           forms[i].form);
        *url_r = url;
        return 0;
    }
    return err_set(err, ERR_SETTINGS, 0,
                   "redis.url: begins with none of redis://, rediss://, unix://, sentinel://, sentinels://, "
                   "cluster://, clusters:// (it is not shown)");
}
