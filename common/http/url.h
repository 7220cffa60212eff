/**
 * url.h - parts of URLs: built safely from hostile values, and compared by origin. Parsing is curl's own, so
 * that what is compared here is what is connected to. Source: RFC 3986 (sections 2.3, 3, 5.2); RFC 6454
 * section 5 (same origin).
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/buf.h"

/** Appends text with everything but the unreserved characters of RFC 3986 as %XX. Errors stand in the buffer.
 */
void url_encode(struct buf *out, const char *text, size_t len) __attribute__((nonnull(1, 2)));

/** Appends "/segment", encoded; "." and ".." come as "%2E", "%2E%2E". */
void url_add_segment(struct buf *out, const char *segment) __attribute__((nonnull(1, 2)));

/** Appends "?name=value" or, where out holds a query already, "&name=value", both encoded. */
void url_add_query(struct buf *out, const char *name, const char *value) __attribute__((nonnull(1, 2, 3)));

/**
 * Checks an absolute http or https URL: a host, no user name or password, no fragment.
 *
 * @param is_https_r    out
 * @param is_loopback_r out: "localhost", 127.0.0.0/8 or ::1
 * @return 0, or -1 with ERR_SETTINGS that says what is wrong with it
 */
int url_check(const char *url, bool *is_https_r, bool *is_loopback_r, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

/**
 * Resolves link (absolute or relative) against base and appends the absolute URL to out where both have the
 * same scheme, host and port.
 *
 * @return 1 appended; 0 another origin, or a link that is no URL (out untouched); -1 with ERR_NOMEM,
 * ERR_LIMIT
 */
int url_resolve_same_origin(const char *base, const char *link, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3, 4)));

#endif
