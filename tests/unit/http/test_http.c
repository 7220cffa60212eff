#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "harness/http_server.h"
#include "http/http.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* A queue of requests for http_run, and what became of them. */
struct feed {
    struct http_request *requests;
    size_t count, next, done;
    int waits; /* so many answers of `next` are WAIT first */
    int64_t wait_ms;
    int resend_status; /* a request answered so is given again, once */
    struct http_request *again;
};

static enum http_next next(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    struct feed *feed = user;

    if (feed->waits > 0) {
        feed->waits--;
        *wait_ms_r = feed->wait_ms;
        return HTTP_NEXT_WAIT;
    }
    if (feed->again != NULL) {
        *request_r = feed->again;
        feed->again = NULL;
        return HTTP_NEXT_SEND;
    }
    if (feed->next == feed->count)
        return HTTP_NEXT_NONE;
    *request_r = &feed->requests[feed->next++];
    return HTTP_NEXT_SEND;
}

static void done(void *user, struct http_request *request)
{
    struct feed *feed = user;

    feed->done++;
    if (feed->resend_status != 0 && request->status == feed->resend_status) {
        feed->resend_status = 0;
        feed->again = request;
    }
}

static struct http *client(int64_t timeout_ms, int concurrency)
{
    struct http_settings settings = {
        .user_agent = "unit/1", .timeout_ms = timeout_ms, .concurrency = concurrency, .max_body_bytes = 1000
    };
    struct err err = ERR_INIT;
    struct http *http;

    if (http_new(&settings, &http, &err) != 0)
        fail_msg("%s", err.text);
    return http;
}

static void run(struct http *http, struct feed *feed)
{
    struct http_hooks hooks = { .next = next, .done = done, .user = feed };
    struct err err = ERR_INIT;

    if (http_run(http, &hooks, &err) != 0)
        fail_msg("%s", err.text);
}

static struct http_server *serve(const struct http_server_answer *answers, size_t count, char *url)
{
    struct http_server *server;
    struct err err = ERR_INIT;

    if (http_server_start(answers, count, &server, &err) != 0)
        fail_msg("%s", err.text);
    sprintf(url, "http://127.0.0.1:%d/x", http_server_port(server));
    return server;
}

static void tells_what_became_of_a_request(void **state)
{
    static char large[4096], line[200000];
    const struct {
        const char *what;
        struct http_server_answer answer;
        enum http_result want;
        long status;
    } rows[] = {
        { "answered", { .bytes = OK_ANSWER }, HTTP_ANSWERED, 200 },
        { "closed in order", { .bytes = OK_ANSWER, .end = SERVER_CLOSE }, HTTP_ANSWERED, 200 },
        { "no content", { .bytes = "HTTP/1.1 204 No Content\r\n\r\n" }, HTTP_ANSWERED, 204 },
        { "up to the end of the connection",
          { .bytes = "HTTP/1.1 500 No\r\n\r\nwords", .end = SERVER_CLOSE },
          HTTP_ANSWERED,
          500 },
        { "a redirect is not followed",
          { .bytes = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" },
          HTTP_ANSWERED,
          302 },
        { "closed without a word", { .end = SERVER_CLOSE }, HTTP_CUT, 0 },
        { "reset without a word", { .end = SERVER_RESET }, HTTP_CUT, 0 },
        { "a body cut short",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhi", .end = SERVER_CLOSE },
          HTTP_CUT,
          0 },
        { "reset within the body",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhi", .end = SERVER_RESET },
          HTTP_CUT,
          0 },
        { "hangs at once", { .end = SERVER_HANG }, HTTP_TIMED_OUT, 0 },
        { "hangs within the body",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhi", .end = SERVER_HANG },
          HTTP_TIMED_OUT,
          0 },
        { "too slow", { .bytes = OK_ANSWER, .delay_ms = 3000 }, HTTP_TIMED_OUT, 0 },
        { "too large", { .bytes = large }, HTTP_TOO_LARGE, 0 },
        { "no HTTP", { .bytes = "SSH-2.0-OpenSSH_9\r\n", .end = SERVER_CLOSE }, HTTP_GARBLED, 0 },
        { "a header line too long", { .bytes = line, .end = SERVER_CLOSE }, HTTP_GARBLED, 0 },
        { "claims gzip and is none",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nplaintext" },
          HTTP_GARBLED,
          0 },
    };

    (void)state;
    strcpy(large, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
    memset(large + strlen(large), 'x', 1001);
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "HTTP/1.1 200 OK\r\n", 17);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request request;
        struct feed feed = { .requests = &request, .count = 1 };
        struct http *http = client(500, 2);
        struct http_server *server;
        char url[64];

        server = serve(&rows[i].answer, 1, url);
        http_request_init(&request);
        request.method = "PUT";
        request.url = url;
        request.body = "{}";
        request.body_len = 2;
        run(http, &feed);
        if (request.result != rows[i].want || request.status != rows[i].status)
            fail_msg("%s: result %d, status %ld (%s)", rows[i].what, request.result, request.status,
                     request.error);
        if (http_server_requests(server) != 1)
            fail_msg("%s: sent %zu times", rows[i].what, http_server_requests(server));
        assert_true(http_was_sent(request.result));
        http_request_release(&request);
        http_free(http);
        http_server_stop(server);
    }
}

static void sends_nothing_where_it_cannot_or_must_not(void **state)
{
    static const struct http_server_answer answers[] = { { .bytes = OK_ANSWER } };
    const struct http_header injected = { "X-A", "a\r\nX-Evil: 1" };
    const struct http_header no_name = { "", "a" };
    const struct http_header bad_name = { "X A:", "a" };
    char here[64], closed[64], tls[64];
    struct http_server *server = serve(answers, 1, here);
    struct http_server *other = serve(answers, 1, closed);
    const struct {
        const char *what, *url, *method;
        const struct http_header *header;
        int64_t send_before_ms;
        enum http_result want;
    } rows[] = {
        { "a line break in a header", here, "GET", &injected, 0, HTTP_NOT_SENT },
        { "a header without a name", here, "GET", &no_name, 0, HTTP_NOT_SENT },
        { "a malformed name", here, "GET", &bad_name, 0, HTTP_NOT_SENT },
        { "a malformed method", here, "GET /x HTTP/1.1\r\nA: b", NULL, 0, HTTP_NOT_SENT },
        { "another scheme", "file:///etc/passwd", "GET", NULL, 0, HTTP_NOT_SENT },
        { "http to another host", "http://192.0.2.1/", "GET", NULL, 0, HTTP_NOT_SENT },
        { "a password in the URL", "http://a:b@127.0.0.1/", "GET", NULL, 0, HTTP_NOT_SENT },
        { "refused", closed, "GET", NULL, 0, HTTP_NO_CONNECTION },
        { "no TLS there", tls, "GET", NULL, 0, HTTP_TLS_FAILED },
        { "its time has passed", here, "GET", NULL, 1, HTTP_TOO_LATE },
    };

    (void)state;
    http_server_stop(other); /* nobody listens on its port now */
    sprintf(tls, "https://127.0.0.1:%d/", http_server_port(server));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request request;
        struct feed feed = { .requests = &request, .count = 1 };
        struct http *http = client(500, 2);

        http_request_init(&request);
        request.method = rows[i].method;
        request.url = rows[i].url;
        request.headers = rows[i].header;
        request.header_count = rows[i].header != NULL;
        request.send_before_ms = rows[i].send_before_ms;
        run(http, &feed);
        /* Whether a server that speaks no TLS answers the hello or hangs is its own affair: nothing was sent.
         */
        if (request.result != rows[i].want &&
            !(rows[i].want == HTTP_TLS_FAILED && request.result == HTTP_NO_CONNECTION))
            fail_msg("%s: result %d (%s)", rows[i].what, request.result, request.error);
        if (http_was_sent(request.result) || request.sent_ms != 0 || feed.done != 1 ||
            request.error[0] == '\0')
            fail_msg("%s: sent", rows[i].what);
        if (strstr(request.error, "Evil") != NULL)
            fail_msg("%s: shows a header's value", rows[i].what);
        http_request_release(&request);
        http_free(http);
    }
    assert_int_equal(http_server_requests(server), 0);
    http_server_stop(server);
}

static void sends_what_was_given_and_keeps_the_headers(void **state)
{
    static const struct http_server_answer answers[] = {
        { .bytes = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
                   "HTTP/1.1 429 Slow\r\nretry-after: 7\r\nDATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                   "Link: </a>; rel=one\r\nLink: </b>; rel=two\r\nDeprecation: @1\r\nSunset: then\r\n"
                   "Content-Type: text/html\r\nContent-Length: 2\r\n\r\nno" },
    };
    const struct http_header headers[] = {
        { "Accept", "application/vnd.api+json; version=2.0" },
        { "Authorization", "Bearer t" },
        { "X-Empty", "" },
    };
    struct http_request request;
    struct feed feed = { .requests = &request, .count = 1 };
    struct http *http = client(2000, 1);
    struct http_server *server;
    char url[64];
    struct buf sent;

    (void)state;
    server = serve(answers, 1, url);
    http_request_init(&request);
    request.method = "PUT";
    request.url = url;
    request.headers = headers;
    request.header_count = 3;
    request.body = "a\0b";
    request.body_len = 3;
    run(http, &feed);
    assert_int_equal(request.result, HTTP_ANSWERED);
    assert_int_equal(request.status, 429);
    assert_string_equal(request.got.retry_after, "7");
    assert_string_equal(request.got.date, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_string_equal(request.got.link, "</a>; rel=one, </b>; rel=two");
    assert_string_equal(request.got.deprecation, "@1");
    assert_string_equal(request.got.sunset, "then");
    assert_string_equal(request.got.content_type, "text/html");
    assert_string_equal(request.answer.data, "no");
    assert_true(request.sent_ms > 0 && request.answered_ms >= request.sent_ms);

    buf_init(&sent, 10000);
    assert_true(http_server_request(server, 0, &sent));
    assert_non_null(strstr(sent.data, "PUT /x HTTP/1.1\r\n"));
    assert_non_null(strstr(sent.data, "\r\nAccept: application/vnd.api+json; version=2.0\r\n"));
    assert_non_null(strstr(sent.data, "\r\nAuthorization: Bearer t\r\n"));
    assert_non_null(strstr(sent.data, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(sent.data, "\r\nUser-Agent: unit/1\r\n"));
    assert_null(strstr(sent.data, "x-www-form-urlencoded"));
    assert_memory_equal(sent.data + sent.len - 3, "a\0b", 3);
    buf_release(&sent);
    http_request_release(&request);
    http_free(http);
    http_server_stop(server);
}

static void keeps_connections_and_its_concurrency(void **state)
{
    static const struct http_server_answer answers[] = { { .bytes = OK_ANSWER, .delay_ms = 5 } };
    struct http_request requests[60];
    struct feed feed = { .requests = requests, .count = 60 };
    struct http *http = client(5000, 4);
    struct http_server *server;
    char url[64];

    (void)state;
    server = serve(answers, 1, url);
    for (size_t i = 0; i < 60; i++) {
        http_request_init(&requests[i]);
        requests[i].method = "GET";
        requests[i].url = url;
    }
    run(http, &feed);
    assert_int_equal(feed.done, 60);
    for (size_t i = 0; i < 60; i++) {
        if (requests[i].result != HTTP_ANSWERED || requests[i].status != 200)
            fail_msg("request %zu: %d, %s", i, requests[i].result, requests[i].error);
        http_request_release(&requests[i]);
    }
    assert_int_equal(http_server_requests(server), 60);
    assert_in_range(http_server_connections(server), 1, 4);
    assert_in_range(http_server_most_at_once(server), 2, 4);
    http_free(http);
    http_server_stop(server);
}

static void never_sends_again_by_itself(void **state)
{
    /* The second request goes over the kept connection, which dies without a byte: curl alone would send it
     * anew. */
    static const struct http_server_answer answers[] = { { .bytes = OK_ANSWER },
                                                         { .end = SERVER_CLOSE },
                                                         { .bytes = OK_ANSWER } };
    struct http_request requests[2];
    struct feed feed = { .requests = requests, .count = 2 };
    struct http *http = client(2000, 1);
    struct http_server *server;
    char url[64];

    (void)state;
    server = serve(answers, 3, url);
    for (size_t i = 0; i < 2; i++) {
        http_request_init(&requests[i]);
        requests[i].method = i == 0 ? "GET" : "DELETE";
        requests[i].url = url;
    }
    run(http, &feed);
    assert_int_equal(requests[0].result, HTTP_ANSWERED);
    assert_int_equal(requests[1].result, HTTP_CUT);
    assert_int_equal(http_server_requests(server), 2);
    for (size_t i = 0; i < 2; i++)
        http_request_release(&requests[i]);
    http_free(http);
    http_server_stop(server);
}

/* A permit that ran out while connecting: nothing is sent, and the next try is as any other. */
static void what_comes_too_late_is_not_sent_and_harms_no_other(void **state)
{
    static const struct http_server_answer answers[] = { { .bytes = OK_ANSWER } };
    struct http_request requests[2];
    struct feed feed = { .requests = requests, .count = 2 };
    struct http *http = client(2000, 1);
    struct http_server *server;
    char url[64];

    (void)state;
    server = serve(answers, 1, url);
    for (size_t i = 0; i < 2; i++) {
        http_request_init(&requests[i]);
        requests[i].method = "GET";
        requests[i].url = url;
    }
    requests[0].send_before_ms = 1;
    run(http, &feed);
    assert_int_equal(requests[0].result, HTTP_TOO_LATE);
    assert_int_equal(requests[1].result, HTTP_ANSWERED);
    assert_int_equal(http_server_requests(server), 1);
    for (size_t i = 0; i < 2; i++)
        http_request_release(&requests[i]);
    http_free(http);
    http_server_stop(server);
}

static void waits_as_told_and_takes_a_request_again(void **state)
{
    static const struct http_server_answer answers[] = {
        { .bytes = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n" },
        { .bytes = OK_ANSWER },
    };
    struct http_request request;
    struct feed feed = { .requests = &request, .count = 1, .waits = 3, .wait_ms = 20, .resend_status = 429 };
    struct http *http = client(2000, 1);
    struct http_server *server;
    int64_t begun_ms = clock_boot_ms();
    char url[64];

    (void)state;
    server = serve(answers, 2, url);
    http_request_init(&request);
    request.method = "GET";
    request.url = url;
    run(http, &feed);
    assert_true(clock_boot_ms() - begun_ms >= 55);
    assert_int_equal(feed.done, 2);
    assert_int_equal(request.status, 200);
    assert_string_equal(request.answer.data, "hi");
    assert_int_equal(http_server_requests(server), 2);
    http_request_release(&request);
    http_free(http);
    http_server_stop(server);
}

static void refuses_bad_settings(void **state)
{
    static const struct {
        const char *what;
        struct http_settings settings;
        enum err_code want;
    } rows[] = {
        { "no connection", { .timeout_ms = 1, .concurrency = 0 }, ERR_BUG },
        { "too many", { .timeout_ms = 1, .concurrency = HTTP_CONCURRENCY_MAX + 1 }, ERR_BUG },
        { "no time", { .timeout_ms = 0, .concurrency = 1 }, ERR_BUG },
        { "no CA file",
          { .timeout_ms = 1, .concurrency = 1, .ca_file = "/nonexistent/ca" },
          ERR_FILE_MISSING },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct http *http = NULL;

        if (http_new(&rows[i].settings, &http, &err) != -1 || err.code != rows[i].want)
            fail_msg("%s: %s", rows[i].what, err_wire(err.code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_became_of_a_request),
        cmocka_unit_test(sends_nothing_where_it_cannot_or_must_not),
        cmocka_unit_test(sends_what_was_given_and_keeps_the_headers),
        cmocka_unit_test(keeps_connections_and_its_concurrency),
        cmocka_unit_test(never_sends_again_by_itself),
        cmocka_unit_test(what_comes_too_late_is_not_sent_and_harms_no_other),
        cmocka_unit_test(waits_as_told_and_takes_a_request_again),
        cmocka_unit_test(refuses_bad_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
