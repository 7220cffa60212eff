/**
 * transfer.h - one request on its way through one of curl's handles. Inside the http layer only.
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include <curl/curl.h>

#include "http/http.h"

struct transfer_settings {
    char *user_agent;
    char *ca_file;
    long timeout_ms;
    size_t max_body_bytes;
    bool allow_http;
};

struct transfer {
    CURL *easy;                   /* kept from request to request */
    struct http_request *request; /* NULL: free */
    struct curl_slist *headers;
    bool is_too_late;
    bool is_resend; /* curl wanted to send a second time */
    char error[CURL_ERROR_SIZE];
};

/**
 * Prepares the handle, which the caller then gives to the multi handle.
 * @return 1 ready; 0 the request is malformed: it has its result and says why; -1 ERR_NOMEM, ERR_BUG
 */
int transfer_begin(struct transfer *transfer, const struct transfer_settings *settings,
                   struct http_request *request, struct err *err);

/** Fills the request's result from curl's code, and frees the transfer for the next. */
void transfer_end(struct transfer *transfer, CURLcode code);

void transfer_release(struct transfer *transfer);

#endif
