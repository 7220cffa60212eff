#include "http/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/url.h"

#define CONNECT_MAX_MS 10000L

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;

    /* Anything but the full size makes curl end the transfer. */
    return buf_add(&transfer->request->answer, data, size * count) == 0 ? size * count : 0;
}

/* The last moment before the first byte of the request leaves: connected, nothing sent yet. */
static int before_sending(void *user, char *to, char *from, int to_port, int from_port)
{
    struct transfer *transfer = user;
    struct http_request *request = transfer->request;
    int64_t now_ms = clock_boot_ms();

    (void)to, (void)from, (void)to_port, (void)from_port;
    if (request->sent_ms != 0) {
        transfer->is_resend = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (request->send_before_ms != 0 && now_ms > request->send_before_ms) {
        transfer->is_too_late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    request->sent_ms = now_ms;
    return CURL_PREREQFUNC_OK;
}

static bool is_token(const char *text)
{
    static const char chars[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return text[0] != '\0' && text[strspn(text, chars)] == '\0';
}

static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* Never the value in the text: it may be a token. */
static bool is_well_formed(const struct transfer_settings *settings, struct http_request *request)
{
    bool is_https, is_loopback;
    struct err why = ERR_INIT;

    if (!is_token(request->method)) {
        snprintf(request->error, sizeof(request->error), "the method is malformed");
        return false;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (is_token(request->headers[i].name) && is_field_value(request->headers[i].value))
            continue;
        snprintf(request->error, sizeof(request->error),
                 "header %zu holds a control character or has no name", i);
        return false;
    }
    if (url_check(request->url, &is_https, &is_loopback, &why) != 0) {
        snprintf(request->error, sizeof(request->error), "%.200s", why.text);
        return false;
    }
    if (!is_https && !is_loopback && !settings->allow_http) {
        snprintf(request->error, sizeof(request->error), "plain http is for loopback hosts only");
        return false;
    }
    return true;
}

static int add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    if (longer == NULL)
        return -1;
    transfer->headers = longer;
    return 0;
}

static int add_headers(struct transfer *transfer, const struct http_request *request)
{
    bool has_type = false;

    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        size_t size = strlen(header->name) + strlen(header->value) + 3;
        char *line = malloc(size);
        int rc;

        if (line == NULL)
            return -1;
        /* An empty value must be written as "Name;": "Name:" would tell curl to leave the header out. */
        if (header->value[0] == '\0')
            snprintf(line, size, "%s;", header->name);
        else
            snprintf(line, size, "%s: %s", header->name, header->value);
        rc = add_line(transfer, line);
        explicit_bzero(line, size); /* one of them is the token */
        free(line);
        if (rc != 0)
            return -1;
        has_type |= strcasecmp(header->name, "Content-Type") == 0;
    }
    /* curl's own additions, which nobody asked for: a form's type, and a round trip before a large body. */
    if (!has_type && add_line(transfer, "Content-Type:") != 0)
        return -1;
    return add_line(transfer, "Expect:");
}

/* curl_easy_setopt fails without memory, or where an option is not built in; either way the first failure
 * counts. */
#define SET(option, value)                                                                                   \
    do {                                                                                                     \
        if (code == CURLE_OK)                                                                                \
            code = curl_easy_setopt(easy, option, value);                                                    \
    } while (0)

static CURLcode set_rules(CURL *easy, const struct transfer_settings *settings,
                          const struct http_request *request)
{
    CURLcode code = CURLE_OK;
    long connect_ms = settings->timeout_ms / 2 < CONNECT_MAX_MS ? settings->timeout_ms / 2 : CONNECT_MAX_MS;
    bool is_https = false, is_loopback = false;
    struct err why = ERR_INIT;

    (void)url_check(request->url, &is_https, &is_loopback, &why); /* well-formed: seen before */
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_TIMEOUT_MS, settings->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? connect_ms : 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (is_https)
        SET(CURLOPT_PIPEWAIT,
            1L); /* rather a stream of the connection that is being made than one more connection */
    if (is_loopback)
        SET(CURLOPT_PROXY, "");
    if (settings->ca_file != NULL)
        SET(CURLOPT_CAINFO, settings->ca_file);
    if (settings->user_agent != NULL)
        SET(CURLOPT_USERAGENT, settings->user_agent);
    return code;
}

static CURLcode set_request(struct transfer *transfer, const struct http_request *request)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, before_sending);
    SET(CURLOPT_PREREQDATA, transfer);
    if (request->body != NULL) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_POSTFIELDS, request->body);
    }
    if (strcmp(request->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    return code;
}

int transfer_begin(struct transfer *transfer, const struct transfer_settings *settings,
                   struct http_request *request, struct err *err)
{
    CURLcode code;

    http_request_reset(request);
    request->answer.max_bytes = settings->max_body_bytes;
    if (!is_well_formed(settings, request)) {
        request->result = HTTP_NOT_SENT;
        return 0;
    }
    /* Growing would leave copies behind. */
    if (request->is_secret && buf_reserve(&request->answer, settings->max_body_bytes) != 0)
        return err_set(err, ERR_NOMEM, 0, "http: no memory for an answer");
    if (transfer->easy == NULL)
        transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        return err_set(err, ERR_NOMEM, 0, "http: no memory for a request");
    curl_easy_reset(transfer->easy); /* connections and sessions stay */
    transfer->request = request;
    transfer->is_too_late = transfer->is_resend = false;
    transfer->error[0] = '\0';
    if (add_headers(transfer, request) != 0) {
        transfer_end(transfer, CURLE_OUT_OF_MEMORY);
        return err_set(err, ERR_NOMEM, 0, "http: no memory for a request");
    }
    code = set_rules(transfer->easy, settings, request);
    if (code == CURLE_OK)
        code = set_request(transfer, request);
    if (code != CURLE_OK) {
        transfer_end(transfer, code);
        return err_set(err, code == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_BUG, 0, "http: curl: %s",
                       curl_easy_strerror(code));
    }
    return 1;
}

static char *keep_header(CURL *easy, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return strndup(header->value, HTTP_HEADER_MAX);
}

static char *keep_all(CURL *easy, const char *name)
{
    struct curl_header *header;
    struct buf all;

    buf_init(&all, HTTP_HEADER_MAX);
    for (size_t i = 0; curl_easy_header(easy, name, i, CURLH_HEADER, -1, &header) == CURLHE_OK; i++) {
        if (all.len > 0)
            buf_add_str(&all, ", ");
        if (buf_add_str(&all, header->value) != 0)
            break; /* what fitted is kept */
    }
    if (all.len > 0)
        return buf_detach(&all);
    buf_release(&all);
    return NULL;
}

static enum http_result result_of(const struct transfer *transfer, CURLcode code)
{
    const struct http_request *request = transfer->request;

    if (transfer->is_too_late)
        return HTTP_TOO_LATE;
    if (code == CURLE_OK)
        return HTTP_ANSWERED;
    if (request->sent_ms == 0) {
        switch (code) {
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_SHUTDOWN_FAILED:
        case CURLE_USE_SSL_FAILED: return HTTP_TLS_FAILED;
        default: return HTTP_NO_CONNECTION;
        }
    }
    if (request->answer.is_failed)
        return HTTP_TOO_LARGE;
#if LIBCURL_VERSION_NUM >= 0x080600
    if (code == CURLE_TOO_LARGE)
        return HTTP_GARBLED;
#endif
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return HTTP_TIMED_OUT;
    case CURLE_OUT_OF_MEMORY: /* what curl says, before 8.6, of a header line above its 100 KiB */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: return HTTP_GARBLED;
    default: return HTTP_CUT;
    }
}

void transfer_end(struct transfer *transfer, CURLcode code)
{
    struct http_request *request = transfer->request;

    request->answered_ms = clock_boot_ms();
    request->result = result_of(transfer, code);
    if (request->result == HTTP_ANSWERED) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &request->status);
        request->got.content_type = keep_header(transfer->easy, "Content-Type");
        request->got.retry_after = keep_header(transfer->easy, "Retry-After");
        request->got.date = keep_header(transfer->easy, "Date");
        request->got.deprecation = keep_header(transfer->easy, "Deprecation");
        request->got.sunset = keep_header(transfer->easy, "Sunset");
        request->got.link = keep_all(transfer->easy, "Link");
    } else if (code == CURLE_OUT_OF_MEMORY && request->result == HTTP_GARBLED) {
        snprintf(request->error, sizeof(request->error),
                 "a header line that is too long, or no memory for it");
    } else if (transfer->is_resend) {
        snprintf(request->error, sizeof(request->error), "the connection died before an answer came");
    } else {
        snprintf(request->error, sizeof(request->error), "%s",
                 transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
    }
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->request = NULL;
}

void transfer_release(struct transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    curl_easy_cleanup(transfer->easy);
}
