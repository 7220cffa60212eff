/*
 * Behind base_url stands somebody who means harm, or a broken proxy: floods, lies, redirects, answers that
 * repeat the token. The worker lives in its memory, the breaker names the trouble without a secret and
 * without control characters, nothing is asked of another origin, and once the true API is back the device
 * ends as if nothing had been.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/http_server.h"
#include "harness/pipeline.h"

#define END_MS    60000
#define TOKEN     "e2e-token" /* of harness/pipeline.c */
#define MEMORY_KB (64 * 1024)
#define OK        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\n"
#define BASE_URL  "ABM_ORGS__ACME__API__BASE_URL"

static char *flood(const char *front, const char *text, size_t size)
{
    struct buf out;

    buf_init(&out, 128u << 20);
    buf_add_str(&out, front);
    while (out.len < size)
        buf_add_str(&out, text);
    assert_false(out.is_failed);
    return buf_detach(&out);
}

static bool has_breaker(void *user)
{
    return desk_number(user, "HEXISTS", "@pause:api", "text", NULL) == 1;
}

/* Lets the worker meet each of the answers; what the breaker says of it is fit to be shown. */
static void meet_all(struct pipeline *pipeline, struct http_server *server, size_t count)
{
    while (http_server_requests(server) < count) {
        const char *text;

        if (!proc_until(has_breaker, &pipeline->desk, END_MS))
            fail_msg("no breaker after %zu of %zu answers", http_server_requests(server), count);
        text = desk_text(&pipeline->desk, "HGET", "@pause:api", "text", NULL);
        if (text[0] == '\0' || str_has_control(text) || strstr(text, TOKEN) != NULL)
            fail_msg("after %zu answers the breaker says '%s'", http_server_requests(server), text);
        redis_reply_free(desk_ask(&pipeline->desk, "DEL", "@pause:api", "@cache:health", NULL));
    }
}

static void whoever_answers(void **state)
{
    char *headers = flood(OK, "X-Flood: y\r\n", 4u << 20), *line = flood(OK "X: ", "a", 4u << 20),
         *early = flood("", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 4u << 20),
         *body = flood(OK "\r\n", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 96u << 20);
    const struct http_server_answer answers[] = {
        { .bytes = headers, .end = SERVER_CLOSE },
        { .bytes = line, .end = SERVER_CLOSE },
        { .bytes = early, .end = SERVER_CLOSE },
        { .bytes = body, .end = SERVER_CLOSE },
        { .bytes = OK "Content-Length: 20000\r\n\r\n{\"data\":[", .end = SERVER_HANG },
        { .bytes = OK "Transfer-Encoding: chunked\r\n\r\nno number\r\n", .end = SERVER_CLOSE },
        { .bytes = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
        { .bytes =
              OK "Content-Length: 50\r\n\r\n{\"data\":[],\"links\":{\"next\":\"http://127.0.0.2:1/\"}}" },
        { .bytes = OK "Content-Length: 49\r\n\r\n{\"data\":[],\"links\":{\"next\":\"file:///etc/shadow\"}}" },
        { .bytes = "HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nContent-Length: 31\r\n\r\nAuthorization: "
                   "Bearer " TOKEN },
        { .bytes =
              "HTTP/1.1 403 No\r\nContent-Type: application/vnd.api+json\r\nContent-Length: 73\r\n\r\n"
              "{\"errors\":[{\"status\":\"403\",\"code\":\"X\",\"title\":\"no \\u001b[2J " TOKEN "\"}]}" },
        { .bytes = "HTTP/1.1 503 \x1b[2J\r\nRetry-After: \x1b[31m\r\nContent-Length: 4\r\n\r\n\x1b[2J" },
        { .bytes = "<html>no HTTP at all", .end = SERVER_CLOSE },
    };
    const size_t count = sizeof(answers) / sizeof(answers[0]);
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN, .api = "timeout: 1s" };
    struct pipeline_result result;
    struct pipeline_push push;
    struct http_server *server;
    struct err err = ERR_INIT;
    char url[64];

    (void)state;
    pipeline_start(&pipeline, &options);
    if (http_server_start(answers, count, &server, &err) != 0)
        fail_msg("%s", err.text);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", http_server_port(server));
    setenv(BASE_URL, url, 1);
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0);
    unsetenv(BASE_URL);
    pipeline_push_begin(&pipeline, &push, pipeline_csv(&pipeline, "devices.csv", "FA", 3), NULL);
    meet_all(&pipeline, server, count);
    assert_in_range(proc_memory_kib(pipeline.workers[PIPELINE_VALIDATE][0].pid, "VmHWM"), 1, MEMORY_KB);
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_VALIDATE][0], END_MS), 0);
    assert_int_equal(pipeline_log_count(&pipeline, TOKEN), 0);
    assert_int_equal(pipeline_log_count(&pipeline, "\x1b"), 0);
    http_server_stop(server);
    pipeline_start_workers(&pipeline);
    pipeline_push_end(&pipeline, &push, END_MS, &result);
    assert_int_equal(result.status, 0);
    assert_int_equal(result.assigned, 3);
    pipeline_assert_workers_run(&pipeline);
    pipeline_assert_no_letters(&pipeline);
    pipeline_assert_clean(&pipeline);
    pipeline_assert_evidence_whole(&pipeline);
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
    free(headers), free(line), free(early), free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
