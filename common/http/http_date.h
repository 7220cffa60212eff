/**
 * http_date.h - dates in HTTP headers. Pure, and no locale or time zone of the process has a say.
 * Source: RFC 9110, section 5.6.7 (IMF-fixdate; RFC 850 and asctime as obsolete forms that must be read).
 */
#ifndef HTTP_HTTP_DATE_H
#define HTTP_HTTP_DATE_H

#include <stdint.h>

/**
 * Reads one date, all of the text but blanks around it. The weekday must be one, but need not be the right
 * one.
 *
 * @param now_ms     now, Unix milliseconds: a two-digit year that seems more than 50 years ahead is in the
 * past
 * @param unix_ms_r  out
 * @return 1 and sets *unix_ms_r; 0 where it is no date (*unix_ms_r untouched); NULL text: 0
 */
int http_date_parse(const char *text, int64_t now_ms, int64_t *unix_ms_r)
    __attribute__((nonnull(3), warn_unused_result));

#endif
