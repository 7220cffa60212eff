#include "harness/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define REQUESTS_MAX    4096
#define REQUEST_BYTES   (4u << 20)

struct connection {
    struct http_server *server;
    pthread_t thread;
    int fd;
};

struct http_server {
    const struct http_server_answer *answers;
    size_t answer_count;
    int listener, port;
    int stop[2]; /* a pipe: its read end becomes readable, and stays so, when the server stops */
    pthread_t acceptor;
    pthread_mutex_t lock;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct buf requests[REQUESTS_MAX];
    size_t request_count, at_once, most_at_once;
};

/* 1: fd is readable; 0: the server stops or timeout_ms (-1: none) passed. fd -1: waits for the stop alone. */
static int wait_for(struct http_server *server, int fd, int timeout_ms)
{
    struct pollfd at[2] = { { .fd = server->stop[0], .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    int rc;

    do {
        rc = poll(at, 2, timeout_ms);
    } while (rc < 0 && errno == EINTR);
    return rc > 0 && at[0].revents == 0;
}

static bool is_whole(const struct buf *request)
{
    const char *end = strstr(request->data, "\r\n\r\n");
    const char *length = strcasestr(request->data, "\r\nContent-Length:");
    size_t body = 0;

    if (end == NULL)
        return false;
    if (length != NULL && length < end)
        body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    return request->len >= (size_t)(end + 4 - request->data) + body;
}

/* true: one whole request is in *request. Clients of this server do not pipeline. */
static bool read_request(struct connection *connection, struct buf *request)
{
    char bytes[16384];

    while (!is_whole(request)) {
        ssize_t got;

        if (!wait_for(connection->server, connection->fd, -1))
            return false;
        got = recv(connection->fd, bytes, sizeof(bytes), 0);
        if (got <= 0 || buf_add(request, bytes, (size_t)got) != 0)
            return false;
    }
    return true;
}

static const struct http_server_answer *note_request(struct http_server *server, struct buf *request)
{
    const struct http_server_answer *answer;
    size_t i;

    pthread_mutex_lock(&server->lock);
    i = server->request_count;
    if (i < REQUESTS_MAX) {
        server->requests[i] = *request;
        buf_init(request, REQUEST_BYTES);
        server->request_count++;
    }
    if (++server->at_once > server->most_at_once)
        server->most_at_once = server->at_once;
    answer = &server->answers[i < server->answer_count ? i : server->answer_count - 1];
    pthread_mutex_unlock(&server->lock);
    return answer;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* true: the connection goes on. */
static bool answer_request(struct connection *connection, const struct http_server_answer *answer)
{
    struct http_server *server = connection->server;
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };
    size_t len = answer->bytes == NULL ? 0 : answer->len != 0 ? answer->len : strlen(answer->bytes);
    bool is_sent;

    if (answer->delay_ms > 0)
        wait_for(server, -1, (int)answer->delay_ms);
    pthread_mutex_lock(&server->lock);
    server->at_once--;
    pthread_mutex_unlock(&server->lock);
    is_sent = len == 0 || send_all(connection->fd, answer->bytes, len);
    switch (answer->end) {
    case SERVER_KEEP: return is_sent;
    case SERVER_CLOSE: return false;
    case SERVER_RESET: setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)); return false;
    case SERVER_HANG: wait_for(server, connection->fd, -1); return false;
    }
    return false;
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct buf request;

    buf_init(&request, REQUEST_BYTES);
    while (read_request(connection, &request)) {
        const struct http_server_answer *answer = note_request(connection->server, &request);

        buf_reset(&request);
        if (!answer_request(connection, answer))
            break;
    }
    buf_release(&request);
    close(connection->fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct http_server *server = arg;

    while (server->connection_count < CONNECTIONS_MAX && wait_for(server, server->listener, -1)) {
        struct connection *connection = &server->connections[server->connection_count];

        connection->server = server;
        connection->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection->fd < 0)
            continue;
        if (pthread_create(&connection->thread, NULL, serve, connection) != 0) {
            close(connection->fd);
            continue;
        }
        pthread_mutex_lock(&server->lock);
        server->connection_count++;
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static int listen_on_loopback(struct http_server *server)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(server->listener, 128) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &len) != 0)
        return -1;
    server->port = ntohs(at.sin_port);
    return 0;
}

int http_server_start(const struct http_server_answer *answers, size_t count, struct http_server **server_r,
                      struct err *err)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a test server");
    server->answers = answers;
    server->answer_count = count;
    server->listener = server->stop[0] = server->stop[1] = -1;
    pthread_mutex_init(&server->lock, NULL);
    if (pipe2(server->stop, O_CLOEXEC) != 0 || listen_on_loopback(server) != 0 ||
        pthread_create(&server->acceptor, NULL, accept_all, server) != 0) {
        err_set(err, ERR_IO, errno, "a test server cannot start");
        if (server->listener >= 0)
            close(server->listener);
        if (server->stop[0] >= 0) {
            close(server->stop[0]);
            close(server->stop[1]);
        }
        free(server);
        return -1;
    }
    *server_r = server;
    return 0;
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    close(server->stop[1]); /* the read end is at its end now, and so readable */
    pthread_join(server->acceptor, NULL);
    for (size_t i = 0; i < server->connection_count; i++)
        pthread_join(server->connections[i].thread, NULL);
    for (size_t i = 0; i < server->request_count; i++)
        buf_release(&server->requests[i]);
    close(server->listener);
    close(server->stop[0]);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

static size_t read_count(struct http_server *server, const size_t *count)
{
    size_t value;

    pthread_mutex_lock(&server->lock);
    value = *count;
    pthread_mutex_unlock(&server->lock);
    return value;
}

size_t http_server_requests(struct http_server *server)
{
    return read_count(server, &server->request_count);
}
size_t http_server_connections(struct http_server *server)
{
    return read_count(server, &server->connection_count);
}
size_t http_server_most_at_once(struct http_server *server)
{
    return read_count(server, &server->most_at_once);
}

bool http_server_request(struct http_server *server, size_t i, struct buf *out)
{
    bool is_there;

    pthread_mutex_lock(&server->lock);
    is_there = i < server->request_count;
    if (is_there)
        buf_add(out, server->requests[i].data, server->requests[i].len);
    pthread_mutex_unlock(&server->lock);
    return is_there;
}
