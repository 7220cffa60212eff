#include "http/http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "http/transfer.h"

#define POLL_MAX_MS 1000
#define OVER_MAX_MS 200 /* where somebody may say that it is over: no signal need end the wait */

struct http {
    struct transfer_settings settings;
    CURLM *multi;
    struct transfer *transfers; /* settings.concurrency of them; their handles are made when first needed */
    int concurrency;
    int under_way;
};

static char *dup_or_null(const char *text, bool *is_failed)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    *is_failed |= text != NULL && copy == NULL;
    return copy;
}

static int check_settings(const struct http_settings *settings, struct err *err)
{
    if (settings->concurrency < 1 || settings->concurrency > HTTP_CONCURRENCY_MAX)
        return err_set(err, ERR_BUG, 0, "http: concurrency %d is not in 1..%d", settings->concurrency,
                       HTTP_CONCURRENCY_MAX);
    if (settings->timeout_ms < 1 || settings->timeout_ms > INT32_MAX)
        return err_set(err, ERR_BUG, 0, "http: a time-out of %lld ms is out of range",
                       (long long)settings->timeout_ms);
    /* curl would say so too, but only at the first request. */
    if (settings->ca_file != NULL && access(settings->ca_file, R_OK) != 0)
        return err_set(err, ERR_FILE_MISSING, 0, "the CA file %s cannot be read", settings->ca_file);
    return 0;
}

static int set_up_multi(struct http *http)
{
    long connections = http->concurrency;

    http->multi = curl_multi_init();
    if (http->multi == NULL)
        return -1;
    if (curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, connections) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) != CURLM_OK)
        return -1;
    return 0;
}

int http_new(const struct http_settings *settings, struct http **http_r, struct err *err)
{
    struct http *http;
    bool is_failed = false;

    if (check_settings(settings, err) != 0)
        return -1;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_NOMEM, 0, "http: curl cannot start");
    http = calloc(1, sizeof(*http));
    if (http == NULL) {
        curl_global_cleanup();
        return err_set(err, ERR_NOMEM, 0, "http: no memory for a client");
    }
    http->concurrency = settings->concurrency;
    http->settings.timeout_ms = (long)settings->timeout_ms;
    http->settings.max_body_bytes = settings->max_body_bytes;
    http->settings.allow_http = settings->allow_http;
    http->settings.user_agent = dup_or_null(settings->user_agent, &is_failed);
    http->settings.ca_file = dup_or_null(settings->ca_file, &is_failed);
    http->transfers = calloc((size_t)http->concurrency, sizeof(*http->transfers));
    if (is_failed || http->transfers == NULL || set_up_multi(http) != 0) {
        http_free(http);
        return err_set(err, ERR_NOMEM, 0, "http: no memory for a client");
    }
    *http_r = http;
    return 0;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    if (http->transfers != NULL)
        for (int i = 0; i < http->concurrency; i++)
            transfer_release(&http->transfers[i]);
    free(http->transfers);
    if (http->multi != NULL)
        curl_multi_cleanup(http->multi);
    free(http->settings.user_agent);
    free(http->settings.ca_file);
    free(http);
    curl_global_cleanup();
}

static int run_transport(void *ctx, const struct http_hooks *hooks, struct err *err)
{
    return http_run(ctx, hooks, err);
}

struct http_transport http_transport(struct http *http)
{
    return (struct http_transport){ .run = run_transport, .ctx = http };
}

static struct transfer *find_free(struct http *http)
{
    for (int i = 0; i < http->concurrency; i++)
        if (http->transfers[i].request == NULL)
            return &http->transfers[i];
    return NULL;
}

/* Sends one request, or ends it at once where it is malformed. */
static int start(struct http *http, struct http_request *request, const struct http_hooks *hooks,
                 struct err *err)
{
    struct transfer *transfer = find_free(http);
    int begun;

    if (transfer == NULL)
        return err_set(err, ERR_BUG, 0, "http: more requests than connections");
    begun = transfer_begin(transfer, &http->settings, request, err);
    if (begun < 0) {
        hooks->done(hooks->user, request);
        return -1;
    }
    if (begun == 0) {
        hooks->done(hooks->user, request);
        return 0;
    }
    if (curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        transfer_end(transfer, CURLE_FAILED_INIT);
        hooks->done(hooks->user, request);
        return err_set(err, ERR_BUG, 0, "http: curl refuses a transfer");
    }
    http->under_way++;
    return 0;
}

/* Ends what curl has finished. Returns how many. */
static int finish(struct http *http, const struct http_hooks *hooks)
{
    CURLMsg *message;
    int left, finished = 0;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        struct http_request *request;
        CURLcode code;
        CURL *easy;

        if (message->msg != CURLMSG_DONE)
            continue;
        easy = message->easy_handle;
        code = message->data.result; /* the message is gone once the handle is removed */
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        curl_multi_remove_handle(http->multi, easy);
        request = transfer->request;
        transfer_end(transfer, code);
        http->under_way--;
        finished++;
        hooks->done(hooks->user, request);
    }
    return finished;
}

static void abandon(struct http *http, const struct http_hooks *hooks)
{
    for (int i = 0; i < http->concurrency; i++) {
        struct transfer *transfer = &http->transfers[i];
        struct http_request *request = transfer->request;

        if (request == NULL)
            continue;
        curl_multi_remove_handle(http->multi, transfer->easy);
        transfer_end(transfer, CURLE_RECV_ERROR);
        http->under_way--;
        hooks->done(hooks->user, request);
    }
}

/* Sends what `next` gives. Sets *wait_ms to the least time until it is to be asked again. */
static int fill(struct http *http, const struct http_hooks *hooks, bool *is_none, int *wait_ms,
                struct err *err)
{
    while (!*is_none && http->under_way < http->concurrency) {
        struct http_request *request = NULL;
        int64_t ask_in_ms = 0;

        switch (hooks->next(hooks->user, &request, &ask_in_ms)) {
        case HTTP_NEXT_SEND:
            if (start(http, request, hooks, err) != 0)
                return -1;
            break;
        case HTTP_NEXT_WAIT:
            if (ask_in_ms < *wait_ms)
                *wait_ms = ask_in_ms < 1 ? 1 : (int)ask_in_ms;
            return 0;
        case HTTP_NEXT_NONE: *is_none = true; break;
        }
    }
    return 0;
}

int http_run(struct http *http, const struct http_hooks *hooks, struct err *err)
{
    bool is_none = false;

    for (;;) {
        int wait_ms = hooks->is_over != NULL ? OVER_MAX_MS : POLL_MAX_MS, running;

        if (hooks->is_over != NULL && hooks->is_over(hooks->user)) {
            abandon(http, hooks);
            return 0;
        }
        if (fill(http, hooks, &is_none, &wait_ms, err) != 0)
            break;
        if (is_none && http->under_way == 0)
            return 0;
        if (curl_multi_perform(http->multi, &running) != CURLM_OK) {
            err_set(err, ERR_BUG, 0, "http: curl cannot go on");
            break;
        }
        if (finish(http, hooks) > 0) {
            is_none = false; /* what ended may have queued more */
            continue;
        }
        /* A signal ends the poll early, so that `next` sees a stop at once. */
        if (curl_multi_poll(http->multi, NULL, 0, wait_ms, NULL) != CURLM_OK) {
            err_set(err, ERR_BUG, 0, "http: curl cannot wait");
            break;
        }
    }
    abandon(http, hooks);
    return -1;
}
