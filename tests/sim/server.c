#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "server.h"

#define CONNECTIONS_MAX  4096
#define CONNECTION_BYTES (128 * 1024)
#define BACKLOG          1024
#define CONTROL_MAX_BODY ((size_t)512 * 1024 * 1024)

/* One request on its way. */
struct visit {
    struct server *server;
    struct MHD_Connection *connection;
    struct request request;
    struct ticket ticket;
    struct answer answer;
    struct buf body;
    bool is_control;
    bool is_answered; /* the answer is made, and has only to be sent */
    bool is_delayed;  /* stands in the server's list */
    int64_t due_us;
    struct visit *next;
};

struct server {
    struct sim *sim;
    struct MHD_Daemon *daemon;
    int epoll_fd, port;
    struct visit *delayed; /* the next one due first */
};

static enum MHD_Result add_query(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *request = user;

    (void)kind;
    if (request->query_count == QUERY_MAX)
        return MHD_NO;
    request->query[request->query_count++] = (struct query){ name, value ? value : "" };
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct visit *visit_new(struct server *server, struct MHD_Connection *connection, const char *path,
                               const char *method)
{
    struct visit *visit = calloc(1, sizeof(*visit));

    if (!visit)
        return NULL;
    visit->server = server;
    visit->connection = connection;
    visit->is_control = strncmp(path, "/sim/", 5) == 0;
    visit->request.method = method;
    visit->request.path = path;
    visit->request.host = header(connection, "Host");
    visit->request.accept = header(connection, "Accept");
    visit->request.authorization = header(connection, "Authorization");
    visit->request.content_type = header(connection, "Content-Type");
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &visit->request);
    answer_init(&visit->answer);
    buf_init(&visit->body, visit->is_control ? CONTROL_MAX_BODY : CONTRACT_MAX_BODY);
    return visit;
}

static void delay(struct visit *visit, int64_t due_us)
{
    struct visit **at = &visit->server->delayed;

    while (*at && (*at)->due_us <= due_us)
        at = &(*at)->next;
    visit->due_us = due_us;
    visit->next = *at;
    visit->is_delayed = true;
    *at = visit;
    MHD_suspend_connection(visit->connection);
}

static void undelay(struct visit *visit)
{
    struct visit **at = &visit->server->delayed;

    while (*at != visit)
        at = &(*at)->next;
    *at = visit->next;
    visit->is_delayed = false;
}

static void visit_free(struct visit *visit)
{
    if (visit->is_delayed)
        undelay(visit);
    request_release(&visit->request);
    answer_release(&visit->answer);
    buf_release(&visit->body);
    free(visit);
}

static void perform(struct visit *visit)
{
    struct sim *sim = visit->server->sim;

    if (visit->is_control)
        control_perform(sim, &visit->request, &visit->answer);
    else
        api_perform(sim, &visit->request, &visit->ticket, sim_now_us(), &visit->answer);
    visit->is_answered = true;
}

/* Sends half of the answer; then libmicrohttpd closes the connection. */
static ssize_t read_half(void *user, uint64_t pos, char *to, size_t max)
{
    const struct buf *body = user;
    size_t half = body->len / 2, len;

    if (pos >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    len = half - (size_t)pos < max ? half - (size_t)pos : max;
    memcpy(to, body->data + pos, len);
    return (ssize_t)len;
}

static struct MHD_Response *make_response(struct answer *answer)
{
    size_t len = answer->body.len;
    char *data;
    struct MHD_Response *response;

    if (answer->end == ANSWER_CUT) /* the visit, and with it the buffer, outlives the response */
        return MHD_create_response_from_callback(len, 4096, read_half, &answer->body, NULL);
    if (len == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    data = buf_detach(&answer->body);
    response = data ? MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response)
        free(data);
    return response;
}

static enum MHD_Result close_hard(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    /* A reset rather than an orderly end: what a peer sees of a server that crashed. */
    if (info)
        setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return MHD_NO;
}

static enum MHD_Result send_answer(struct visit *visit)
{
    struct answer *answer = &visit->answer;
    struct MHD_Response *response;
    enum MHD_Result result;
    char date[40];

    if (answer->end == ANSWER_CLOSE || answer->body.is_failed)
        return close_hard(visit->connection);
    response = make_response(answer);
    if (!response)
        return MHD_NO;
    if (answer->status != 204)
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    /* Without one of ours libmicrohttpd adds the machine's time. */
    if (visit->server->sim->clock_offset_ms != 0)
        MHD_add_response_header(response, "Date", http_date(sim_real_ms(visit->server->sim) / 1000, date));
    result = MHD_queue_response(visit->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* The whole request is here, or its delay is over. */
static enum MHD_Result handle(struct visit *visit)
{
    struct sim *sim = visit->server->sim;
    int64_t now_us;

    if (visit->is_answered)
        return send_answer(visit);
    visit->request.body = visit->body.data;
    visit->request.body_len = visit->body.len;
    visit->request.is_body_too_large = visit->body.is_failed;
    if (!visit->is_control) {
        now_us = sim_now_us();
        api_admit(sim, &visit->request, now_us, &visit->ticket);
        if (visit->ticket.plan.delay_ms > 0) {
            if (!visit->ticket.plan.is_late)
                perform(visit);
            delay(visit, now_us + visit->ticket.plan.delay_ms * 1000);
            return MHD_YES;
        }
    }
    perform(visit);
    return send_answer(visit);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **visit_r)
{
    struct visit *visit = *visit_r;

    (void)version;
    if (!visit) {
        visit = visit_new(user, connection, path, method);
        *visit_r = visit;
        return visit ? MHD_YES : MHD_NO;
    }
    if (*upload_len > 0) {
        /* Past the limit the rest is read and dropped, so that the client gets its 413. */
        if (!visit->body.is_failed)
            buf_add(&visit->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return handle(visit);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **visit_r,
                         enum MHD_RequestTerminationCode reason)
{
    (void)user;
    (void)connection;
    (void)reason;
    if (*visit_r)
        visit_free(*visit_r);
    *visit_r = NULL;
}

/* Late effects come here and not in the callback: they come also where the client has gone meanwhile. */
static void wake_due(struct server *server, int64_t now_us)
{
    while (server->delayed && server->delayed->due_us <= now_us) {
        struct visit *visit = server->delayed;

        undelay(visit);
        if (!visit->is_answered)
            perform(visit);
        MHD_resume_connection(visit->connection);
    }
}

static int next_timeout_ms(const struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wanted_ms;
    int64_t left_ms = INT_MAX;

    if (server->delayed)
        left_ms = (server->delayed->due_us - sim_now_us() + 999) / 1000;
    if (MHD_get_timeout(server->daemon, &wanted_ms) == MHD_YES && wanted_ms < (MHD_UNSIGNED_LONG_LONG)left_ms)
        left_ms = (int64_t)wanted_ms;
    else if (!server->delayed)
        return -1;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int server_run(struct server *server, int stop_fd, struct err *err)
{
    struct pollfd fds[] = { { .fd = server->epoll_fd, .events = POLLIN },
                            { .fd = stop_fd, .events = POLLIN } };

    for (;;) {
        wake_due(server, sim_now_us());
        if (MHD_run(server->daemon) != MHD_YES)
            return err_set(err, ERR_IO, errno, "libmicrohttpd gave up");
        if (poll(fds, 2, next_timeout_ms(server)) < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "poll");
        if (fds[1].revents)
            return 0;
    }
}

int server_new(struct sim *sim, const char *address, int port, struct server **server_r, struct err *err)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct server *server;

    if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
        return err_set(err, ERR_USAGE, 0, "'%s' is no IPv4 address", address);
    server = calloc(1, sizeof(*server));
    if (!server)
        return err_set(err, ERR_NOMEM, 0, "the server");
    server->sim = sim;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, server,
        MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG, MHD_OPTION_END);
    if (!server->daemon) {
        err_set(err, ERR_IO, errno, "listening on %s:%d", address, port);
        free(server);
        return -1;
    }
    server->epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    *server_r = server;
    return 0;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    while (server->delayed) { /* libmicrohttpd does not stop while a connection is suspended */
        struct visit *visit = server->delayed;

        undelay(visit);
        visit->answer.end = ANSWER_CLOSE;
        visit->is_answered = true;
        MHD_resume_connection(visit->connection);
    }
    MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    free(server);
}
