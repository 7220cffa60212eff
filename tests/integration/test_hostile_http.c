/*
 * A server that means harm, or is no API at all: headers and bodies without end, lengths that lie, encodings
 * that burst, answers drop by drop. Each request ends within its time, with its bound of memory, and with a
 * result that tells the caller that the server may have had it.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/http_server.h"
#include "http/http.h"

#define BODY_MAX 1000

/* 100,000 NUL bytes, gzip. */
static const char bomb[] =
    "\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000\000\302\240\365\117\155\015\017"
    "\240\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
    "\000\200\127\003\175\225\021\324\240\206\001\000";

static struct http_request request;
static int given;

static enum http_next next(void *user, struct http_request **request_r, int64_t *wait_ms_r)
{
    (void)user, (void)wait_ms_r;
    *request_r = &request;
    return given++ == 0 ? HTTP_NEXT_SEND : HTTP_NEXT_NONE;
}

static void done(void *user, struct http_request *ended)
{
    (void)user, (void)ended;
}

/* One request to a server that answers with these bytes; what became of it is in `request`. */
static void ask(const struct http_server_answer *answer)
{
    const struct http_settings settings = { .timeout_ms = 2000,
                                            .concurrency = 1,
                                            .max_body_bytes = BODY_MAX };
    const struct http_hooks hooks = { .next = next, .done = done };
    struct http_server *server;
    struct err err = ERR_INIT;
    struct http *http = NULL;
    char url[64];

    if (http_server_start(answer, 1, &server, &err) != 0 || http_new(&settings, &http, &err) != 0)
        fail_msg("%s", err.text);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/v2/devices", http_server_port(server));
    given = 0;
    http_request_init(&request);
    request.method = "GET";
    request.url = url;
    if (http_run(http, &hooks, &err) != 0)
        fail_msg("%s", err.text);
    http_free(http);
    http_server_stop(server);
}

/* front, then text so often that it is size bytes, then back. */
static char *flood(const char *front, const char *text, size_t size, const char *back)
{
    struct buf out;

    buf_init(&out, 64u << 20);
    buf_add_str(&out, front);
    while (out.len < size)
        buf_add_str(&out, text);
    buf_add_str(&out, back);
    assert_false(out.is_failed);
    return buf_detach(&out);
}

static void ends_each_in_its_bounds(void **state)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    char *headers = flood(ok, "X-Flood: y\r\n", 8u << 20, ""), *line = flood(ok, "a", 8u << 20, ""),
         *early = flood("", "HTTP/1.1 103 Early Hints\r\nLink: <x>; rel=preload\r\n\r\n", 8u << 20, ""),
         *body = flood("HTTP/1.1 200 OK\r\n\r\n", "{", 16u << 20, ""),
         *chunks = flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                         "10\r\n0123456789abcdef\r\n", 16u << 20, ""),
         *cookies = flood(ok, "Set-Cookie: a=0123456789abcdef\r\n", 64u << 10, "Content-Length: 2\r\n\r\n{}"),
         *links = flood(ok, "Link: <https://e.x/>; rel=\"deprecation\"\r\n", 64u << 10,
                        "Content-Length: 2\r\n\r\n{}");
    char packed[512];
    const size_t packed_head = (size_t)snprintf(
        packed, sizeof(packed), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
        sizeof(bomb) - 1);
    const struct {
        const char *what;
        struct http_server_answer answer;
        enum http_result want; /* HTTP_CUT: broken in one way or another, as curl's releases see it */
    } rows[] = {
        { "headers without end", { .bytes = headers, .end = SERVER_CLOSE }, HTTP_CUT },
        { "a header line without end", { .bytes = line, .end = SERVER_CLOSE }, HTTP_CUT },
        { "early hints without end", { .bytes = early, .end = SERVER_CLOSE }, HTTP_CUT },
        { "a body without end", { .bytes = body, .end = SERVER_CLOSE }, HTTP_TOO_LARGE },
        { "chunks without end", { .bytes = chunks, .end = SERVER_CLOSE }, HTTP_TOO_LARGE },
        { "a bomb", { .bytes = packed, .len = packed_head + sizeof(bomb) - 1 }, HTTP_TOO_LARGE },
        { "many cookies", { .bytes = cookies }, HTTP_ANSWERED },
        { "many links", { .bytes = links }, HTTP_ANSWERED },
        { "a chunk that is none",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx", .end = SERVER_CLOSE },
          HTTP_CUT },
        { "a chunk larger than any",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
            .end = SERVER_CLOSE },
          HTTP_CUT },
        { "a length below nothing",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", .end = SERVER_CLOSE },
          HTTP_CUT },
        { "a NUL in a header",
          { .bytes = "HTTP/1.1 200 OK\r\nX\0Y: z\r\nContent-Length: 0\r\n\r\n", .len = 46 },
          HTTP_CUT },
        { "HTTP/0.9", { .bytes = "<html>hello", .end = SERVER_CLOSE }, HTTP_CUT },
        { "another protocol, never more",
          { .bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            .end = SERVER_HANG },
          HTTP_CUT },
        { "a redirect to a file",
          { .bytes = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
          HTTP_ANSWERED },
    };

    (void)state;
    memcpy(packed + packed_head, bomb, sizeof(bomb) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(&rows[i].answer);
        if (request.result == HTTP_GARBLED || request.result == HTTP_TIMED_OUT)
            request.result = HTTP_CUT;
        if (request.result != rows[i].want)
            fail_msg("%s: result %d, status %ld (%s)", rows[i].what, request.result, request.status,
                     request.error);
        if (!http_was_sent(request.result) || request.answer.len > BODY_MAX)
            fail_msg("%s: %zu bytes kept", rows[i].what, request.answer.len);
        if ((request.error[0] == '\0') != (request.result == HTTP_ANSWERED) || str_has_control(request.error))
            fail_msg("%s: it says '%s'", rows[i].what, request.error);
        if (request.got.link != NULL && strlen(request.got.link) > HTTP_HEADER_MAX)
            fail_msg("%s: %zu bytes of links kept", rows[i].what, strlen(request.got.link));
        http_request_release(&request);
    }
    free(headers), free(line), free(early), free(body), free(chunks), free(cookies), free(links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_each_in_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
