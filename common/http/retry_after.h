/**
 * retry_after.h - the Retry-After header, read as a delay. Pure: the caller passes the time in.
 * Source: RFC 9110, section 10.2.3 (delta-seconds or HTTP-date); RFC 6585, section 4 (429).
 */
#ifndef HTTP_RETRY_AFTER_H
#define HTTP_RETRY_AFTER_H

#include <stdint.h>

/* A server that asks for more is asked again after a day. */
#define RETRY_AFTER_MAX_MS (INT64_C(24) * 3600 * 1000)

/**
 * Reads one field value.
 *
 * @param value       the value without the name, NUL-terminated, borrowed; NULL: no such header
 * @param now_ms      now, Unix time in milliseconds, UTC
 * @param delay_ms_r  out: 0..RETRY_AFTER_MAX_MS; a date in the past gives 0
 *
 * @return 1 and sets *delay_ms_r; 0 where there is no usable value (*delay_ms_r untouched, and
 *         the caller falls back to its own backoff). It cannot fail, so it takes no struct err.
 */
int retry_after_parse(const char *value, int64_t now_ms, int64_t *delay_ms_r)
    __attribute__((nonnull(3), warn_unused_result));

/**
 * The same for an answer: a date is measured against the answer's own Date, so that a clock that is wrong
 * here (or there) does not matter. date NULL or unreadable: against now_ms.
 */
int retry_after_of_answer(const char *value, const char *date, int64_t now_ms, int64_t *delay_ms_r)
    __attribute__((nonnull(4), warn_unused_result));

#endif
