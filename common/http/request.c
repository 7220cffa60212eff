#include "http/http.h"

#include <stdlib.h>
#include <string.h>

void http_request_init(struct http_request *request)
{
    memset(request, 0, sizeof(*request));
    buf_init(&request->answer, 0);
}

static void drop_headers(struct http_answer_headers *got)
{
    free(got->content_type);
    free(got->retry_after);
    free(got->date);
    free(got->deprecation);
    free(got->sunset);
    free(got->link);
    memset(got, 0, sizeof(*got));
}

void http_request_reset(struct http_request *request)
{
    if (request->is_secret && request->answer.len > 0)
        explicit_bzero(request->answer.data, request->answer.len);
    buf_release(&request->answer);
    drop_headers(&request->got);
    request->result = HTTP_NOT_SENT;
    request->status = 0;
    request->error[0] = '\0';
    request->sent_ms = request->answered_ms = 0;
}

void http_request_release(struct http_request *request)
{
    http_request_reset(request);
}

bool http_was_sent(enum http_result result)
{
    switch (result) {
    case HTTP_NOT_SENT:
    case HTTP_TOO_LATE:
    case HTTP_NO_CONNECTION:
    case HTTP_TLS_FAILED: return false;
    case HTTP_ANSWERED:
    case HTTP_TIMED_OUT:
    case HTTP_CUT:
    case HTTP_GARBLED:
    case HTTP_TOO_LARGE: return true;
    }
    return true;
}
