#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "answer.h"
#include "contract.h"

static const struct {
    int status;
    const char *code, *title;
} statuses[] = {
    { 400, "BAD_REQUEST", "The request is not as the contract wants it" },
    { 401, "NOT_AUTHORIZED", "The token is missing, wrong or expired" },
    { 403, "FORBIDDEN", "The account lacks the permission for this operation" },
    { 404, "NOT_FOUND", "There is no such thing" },
    { 405, "METHOD_NOT_ALLOWED", "The path does not take this method" },
    { 406, "NOT_ACCEPTABLE", "This version of the API is not served" },
    { 408, "REQUEST_TIMEOUT", "The request took too long" },
    { 409, "CONFLICT", "The state does not allow it" },
    { 410, "GONE", "This version of the API is retired" },
    { 413, "TOO_LARGE", "The request is too large" },
    { 415, "UNSUPPORTED_MEDIA_TYPE", "The body is of another media type than the contract's" },
    { 422, "UNPROCESSABLE", "The content of the request is refused" },
    { 429, "RATE_LIMIT_EXCEEDED", "The rate limit was reached" },
    { 500, "UNEXPECTED_ERROR", "The server failed" },
    { 502, "BAD_GATEWAY", "The server behind this one failed" },
    { 503, "SERVICE_UNAVAILABLE", "The service is not available now" },
    { 504, "GATEWAY_TIMEOUT", "The server behind this one did not answer" },
};

void answer_init(struct answer *answer)
{
    buf_init(&answer->body, ANSWER_MAX_BYTES);
    answer_reset(answer);
}

void answer_release(struct answer *answer)
{
    buf_release(&answer->body);
}

void answer_reset(struct answer *answer)
{
    answer->status = 200;
    answer->content_type = CONTRACT_MEDIA;
    answer->header_count = 0;
    answer->end = ANSWER_WHOLE;
    buf_reset(&answer->body);
}

void answer_header(struct answer *answer, const char *name, const char *fmt, ...)
{
    va_list args;

    if (answer->header_count == ANSWER_HEADERS)
        return;
    answer->headers[answer->header_count].name = name;
    va_start(args, fmt);
    vsnprintf(answer->headers[answer->header_count++].value, sizeof(answer->headers[0].value), fmt, args);
    va_end(args);
}

void error_object_print(struct json_out *out, const char *name, int status, const char *code,
                        const char *detail)
{
    const char *title = "The request is refused";
    char number[12];

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].status != status)
            continue;
        title = statuses[i].title;
        if (!code || !*code)
            code = statuses[i].code;
    }
    snprintf(number, sizeof(number), "%d", status);
    json_begin(out, name, '{');
    json_add_string(out, "status", number);
    json_add_string(out, "code", code && *code ? code : "REFUSED");
    json_add_string(out, "title", title);
    if (detail)
        json_add_string(out, "detail", detail);
    json_end(out, '}');
}

void answer_error(struct answer *answer, int status, const char *code, const char *detail)
{
    struct json_out out;

    answer_reset(answer);
    answer->status = status;
    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "errors", '[');
    error_object_print(&out, NULL, status, code, detail);
    json_end(&out, ']');
    json_end(&out, '}');
}

void answer_html(struct answer *answer, int status)
{
    answer_reset(answer);
    answer->status = status;
    answer->content_type = "text/html; charset=utf-8";
    buf_add_str(&answer->body, "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n"
                               "<body><h1>We will be back soon</h1></body></html>\n");
}

char *http_date(int64_t unix_seconds, char *text)
{
    time_t when = (time_t)unix_seconds;
    struct tm parts;

    gmtime_r(&when, &parts);
    strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}
