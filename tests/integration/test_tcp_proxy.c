/* The fault proxy does what it says, since the tests of what dies believe it. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/redis_server.h"
#include "harness/tcp_proxy.h"
#include "queue/redis.h"

#define WAIT_MS 10000

struct scene {
    struct redis_server server;
    struct tcp_proxy *proxy;
    struct redis *client; /* through the proxy */
    char url[64];
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct redis_settings settings = { .url = scene->url, .timeout_ms = 500 };
    struct err err = ERR_INIT;

    must(redis_server_start(&scene->server, NULL, &err), &err);
    must(tcp_proxy_start(scene->server.port, TCP_RESP, &scene->proxy, &err), &err);
    snprintf(scene->url, sizeof(scene->url), "redis://127.0.0.1:%d/0", tcp_proxy_port(scene->proxy));
    must(redis_new(&settings, &scene->client, &err), &err);
    must(redis_connect(scene->client, &err), &err);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    redis_free(scene->client);
    tcp_proxy_stop(scene->proxy);
    redis_server_stop(&scene->server);
    free(scene);
    return 0;
}

/* INCR of a key by the client: what it became, or -1 where the connection was lost. */
static int64_t incr(struct scene *scene, const char *key)
{
    struct err err = ERR_INIT;
    struct redis_reply *reply;
    int64_t number;

    if (redis_callv(scene->client, &reply, &err, "INCR", key, NULL) != 0) {
        assert_int_equal(err.code, ERR_REDIS_LOST);
        return -1;
    }
    number = redis_integer(reply);
    redis_reply_free(reply);
    return number;
}

static int64_t on_server(struct scene *scene, const char *key)
{
    char command[64];

    snprintf(command, sizeof(command), "GET %s", key);
    return redis_server_number(&scene->server, command);
}

static void again(struct scene *scene)
{
    struct err err = ERR_INIT;

    tcp_proxy_set(scene->proxy, &(struct tcp_weather){ 0 });
    must(redis_connect(scene->client, &err), &err);
}

static void holds_by_what_is_said(void **state)
{
    static const struct {
        const char *what;
        struct tcp_catch trap;
        int64_t done_when_caught; /* of the two calls, by the server */
    } rows[] = {
        { "the second request", { TCP_BEFORE_REQUEST, "INCR", "held", NULL, 1 }, 1 },
        { "the reply of the second", { TCP_BEFORE_REPLY, "held", NULL, ":2\r\n", 0 }, 2 },
        { "whatever comes after the first reply", { TCP_AFTER_REPLY, "held", NULL, ":1\r\n", 0 }, 1 },
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(redis_server_number(&scene->server, "DEL held") >= 0);
        again(scene);
        tcp_proxy_catch(scene->proxy, &rows[i].trap);
        if (incr(scene, "held") != 1 || incr(scene, "held") != -1)
            fail_msg("%s: the second call was answered", rows[i].what);
        if (!tcp_proxy_has_caught(scene->proxy) || on_server(scene, "held") != rows[i].done_when_caught)
            fail_msg("%s: caught %d, the server did %lld", rows[i].what, tcp_proxy_has_caught(scene->proxy),
                     (long long)on_server(scene, "held"));
    }
}

/* A client that does not wait: it has sent this much, and reads what comes. */
static int dial(const struct scene *scene, const char *bytes)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)tcp_proxy_port(scene->proxy)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
    return fd;
}

/* What comes within ms, up to an end: "" nothing, "!" a reset. */
static const char *heard(int fd, int ms)
{
    static char text[64];
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    ssize_t got = 0;

    text[0] = '\0';
    if (poll(&polled, 1, ms) == 1)
        got = recv(fd, text, sizeof(text) - 1, 0);
    if (got < 0)
        return "!";
    text[got] = '\0';
    return text;
}

static bool has_caught(void *user)
{
    return tcp_proxy_has_caught(((struct scene *)user)->proxy);
}

#define INCR_FATE "*2\r\n$4\r\nINCR\r\n$4\r\nfate\r\n"

static void a_fate_is_final(void **state)
{
    static const struct {
        const char *what, *want;
        enum tcp_fate fate;
        int64_t done;
    } rows[] = {
        { "it goes on", ":1\r\n", TCP_GOES_ON, 1 },
        { "half of it is nothing", "!", TCP_HALVED, -1 },
        { "it is dropped", "!", TCP_DROPPED, -1 },
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got;
        int fd;

        assert_true(redis_server_number(&scene->server, "DEL fate") >= 0);
        tcp_proxy_catch(scene->proxy, &(struct tcp_catch){ .point = TCP_BEFORE_REQUEST, .request = "fate" });
        fd = dial(scene, INCR_FATE);
        assert_true(proc_until(has_caught, scene, WAIT_MS));
        tcp_proxy_release(scene->proxy, rows[i].fate);
        got = heard(fd, WAIT_MS);
        if (strcmp(got, rows[i].want) != 0 || on_server(scene, "fate") != rows[i].done)
            fail_msg("%s: heard '%s', the server has %lld", rows[i].what, got,
                     (long long)on_server(scene, "fate"));
        close(fd);
    }
}

static bool has_two_clients(void *user)
{
    struct err err = ERR_INIT;
    bool is_so = false;
    struct buf out;

    /* The one that asks, and the scene's own client. */
    buf_init(&out, 65536);
    if (redis_server_ask(&((struct scene *)user)->server, "INFO clients", &out, &err) == 0)
        is_so = strstr(out.data, "connected_clients:2\r") != NULL;
    buf_release(&out);
    return is_so;
}

static void what_lost_its_sender_never_arrives(void **state)
{
    struct scene *scene = *state;
    int fd;

    tcp_proxy_catch(scene->proxy, &(struct tcp_catch){ .point = TCP_BEFORE_REQUEST, .request = "fate" });
    fd = dial(scene, INCR_FATE);
    assert_true(proc_until(has_caught, scene, WAIT_MS));
    close(fd);
    assert_true(proc_until(has_two_clients, scene, WAIT_MS));
    tcp_proxy_release(scene->proxy, TCP_GOES_ON);
    assert_int_equal(incr(scene, "after"), 1);
    assert_int_equal(on_server(scene, "fate"), -1);
}

static void lines_are_as_the_weather(void **state)
{
    static const struct {
        const char *what;
        struct tcp_weather weather;
        int64_t answered, done; /* of one call more */
    } rows[] = {
        { "fair", { 0 }, 1, 1 },
        { "slow", { .delay_ms = 20, .jitter_ms = 20 }, 2, 2 },
        { "narrow", { .bytes_a_second = 2000 }, 3, 3 },
        { "a reply is swallowed", { .flow = { TCP_FLOWS, TCP_SWALLOWED } }, -1, 4 },
        { "a request is swallowed", { .flow = { TCP_SWALLOWED, TCP_FLOWS } }, -1, 4 },
        { "nothing is taken", { .flow = { TCP_STALLED, TCP_STALLED } }, -1, 4 },
        /* What was not taken then arrives as the weather clears. */
        { "cut in the request", { .cut_after = 10 }, -1, 5 },
        { "cut in the reply", { .cut_after_answer = 2 }, -1, 6 },
        { "fair again", { 0 }, 7, 7 },
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t answered;

        again(scene);
        tcp_proxy_set(scene->proxy, &rows[i].weather);
        answered = incr(scene, "key");
        if (answered != rows[i].answered || on_server(scene, "key") != rows[i].done)
            fail_msg("%s: answered %lld, done %lld", rows[i].what, (long long)answered,
                     (long long)on_server(scene, "key"));
    }
}

/* Only that it is not faster than the weather allows: how much slower is the machine's affair. */
static void takes_its_time(void **state)
{
    struct scene *scene = *state;
    int64_t began;

    tcp_proxy_set(scene->proxy, &(struct tcp_weather){ .delay_ms = 100 });
    began = clock_boot_ms();
    assert_int_equal(incr(scene, "key"), 1);
    assert_true(clock_boot_ms() - began >= 200);
}

static void refuses_and_cuts(void **state)
{
    struct scene *scene = *state;
    struct err err = ERR_INIT;

    tcp_proxy_set(scene->proxy, &(struct tcp_weather){ .is_refused = true });
    assert_int_equal(incr(scene, "key"), 1); /* what is open stays */
    assert_int_equal(tcp_proxy_cut(scene->proxy, true), 1);
    assert_int_equal(incr(scene, "key"), -1);
    assert_int_equal(redis_connect(scene->client, &err), -1);
    assert_int_equal(err.code, ERR_REDIS_UNREACHABLE);
    again(scene);
    assert_int_equal(incr(scene, "key"), 2);
    assert_int_equal(tcp_proxy_connections(scene->proxy), 2);
}

static void finds_where_messages_end(void **state)
{
    static const struct {
        const char *what, *data;
        enum tcp_protocol protocol;
        size_t want;
    } rows[] = {
        { "a command", "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n*1\r\n", TCP_RESP, 21 },
        { "one that lacks a byte", "*2\r\n$4\r\nINCR\r\n$1\r\nk\r", TCP_RESP, 0 },
        { "nested lists and null", "*2\r\n*1\r\n:1\r\n$-1\r\n+x\r\n", TCP_RESP, 17 },
        { "an empty list", "*0\r\n+OK\r\n", TCP_RESP, 4 },
        { "a null list", "*-1\r\n+OK\r\n", TCP_RESP, 5 },
        { "an inline command", "PING\r\n", TCP_RESP, 6 },
        { "a request without a body", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET", TCP_HTTP, 27 },
        { "a body", "PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcd", TCP_HTTP, 40 },
        { "half a body", "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", TCP_HTTP, 0 },
        { "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nx", TCP_HTTP,
          59 },
        { "half a head", "GET / HTTP/1.1\r\n", TCP_HTTP, 0 },
        { "bytes", "abc", TCP_BYTES, 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t got = tcp_frame(rows[i].protocol, rows[i].data, strlen(rows[i].data));

        if (got != rows[i].want)
            fail_msg("%s: %zu, not %zu", rows[i].what, got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_where_messages_end),
        cmocka_unit_test_setup_teardown(holds_by_what_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fate_is_final, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_lost_its_sender_never_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_are_as_the_weather, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_and_cuts, set_up, tear_down),
    };

    if (getenv("TEST_FILTER") != NULL)
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    unsetenv("TEST_REDIS"); /* the nodes of a cluster would be found beside the proxy */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
