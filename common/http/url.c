#include "http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void url_encode(struct buf *out, const char *text, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '.' || c == '_' || c == '~') {
            buf_add_char(out, (char)c);
        } else {
            char escaped[3] = { '%', hex[c >> 4], hex[c & 15] };

            buf_add(out, escaped, sizeof(escaped));
        }
    }
}

void url_add_segment(struct buf *out, const char *segment)
{
    buf_add_char(out, '/');
    if (strcmp(segment, ".") == 0)
        buf_add_str(out, "%2E");
    else if (strcmp(segment, "..") == 0)
        buf_add_str(out, "%2E%2E");
    else
        url_encode(out, segment, strlen(segment));
}

void url_add_query(struct buf *out, const char *name, const char *value)
{
    buf_add_char(out, memchr(out->data, '?', out->len) == NULL ? '?' : '&');
    url_encode(out, name, strlen(name));
    buf_add_char(out, '=');
    url_encode(out, value, strlen(value));
}

/* The part, malloc'd by curl, or NULL. */
static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool is_loopback_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char plain[64];
    size_t len = strlen(host);

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (len < 3 || len - 2 >= sizeof(plain) || host[0] != '[' || host[len - 1] != ']')
        return false;
    memcpy(plain, host + 1, len - 2);
    plain[len - 2] = '\0';
    return inet_pton(AF_INET6, plain, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int url_check(const char *url, bool *is_https_r, bool *is_loopback_r, struct err *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *fragment = NULL;
    CURLUcode code;
    int rc = -1;

    if (parts == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a URL");
    code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code != CURLUE_OK) {
        err_set(err, ERR_SETTINGS, 0, "\"%.200s\" is no usable URL: %s", url, curl_url_strerror(code));
        goto out;
    }
    scheme = part_of(parts, CURLUPART_SCHEME, 0);
    host = part_of(parts, CURLUPART_HOST, 0);
    fragment = part_of(parts, CURLUPART_FRAGMENT, 0);
    if (scheme == NULL || host == NULL || host[0] == '\0') {
        err_set(err, ERR_SETTINGS, 0, "\"%.200s\" names no host", url);
        goto out;
    }
    if (fragment != NULL) {
        err_set(err, ERR_SETTINGS, 0, "\"%.200s\" has a fragment (#...)", url);
        goto out;
    }
    if (strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "http") != 0) {
        err_set(err, ERR_SETTINGS, 0, "\"%.200s\" is neither https nor http", url);
        goto out;
    }
    *is_https_r = strcasecmp(scheme, "https") == 0;
    *is_loopback_r = is_loopback_host(host);
    rc = 0;
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(fragment);
    curl_url_cleanup(parts);
    return rc;
}

static bool is_same(CURLU *a, CURLU *b, CURLUPart part)
{
    char *one = part_of(a, part, CURLU_DEFAULT_PORT);
    char *other = part_of(b, part, CURLU_DEFAULT_PORT);
    bool same = one != NULL && other != NULL && strcasecmp(one, other) == 0;

    curl_free(one);
    curl_free(other);
    return same;
}

int url_resolve_same_origin(const char *base, const char *link, struct buf *out, struct err *err)
{
    CURLU *from = curl_url();
    CURLU *to = curl_url();
    char *whole = NULL;
    int rc = 0;

    if (from == NULL || to == NULL) {
        rc = err_set(err, ERR_NOMEM, 0, "no memory for a URL");
        goto out;
    }
    if (link[0] == '\0' || curl_url_set(from, CURLUPART_URL, base, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_set(to, CURLUPART_URL, base, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_set(to, CURLUPART_URL, link, CURLU_DISALLOW_USER) != CURLUE_OK)
        goto out;
    if (!is_same(from, to, CURLUPART_SCHEME) || !is_same(from, to, CURLUPART_HOST) ||
        !is_same(from, to, CURLUPART_PORT))
        goto out;
    /* A fragment is for the reader of a document, and is never sent. */
    if (curl_url_set(to, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
        goto out;
    whole = part_of(to, CURLUPART_URL, 0);
    if (whole == NULL)
        goto out;
    buf_add_str(out, whole);
    rc = buf_check(out, "a link to the next page", err) == 0 ? 1 : -1;
out:
    curl_free(whole);
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return rc;
}
