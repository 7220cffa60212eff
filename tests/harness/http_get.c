#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/http_get.h"

#define HEAD_MAX_BYTES (64 * 1024)
#define BODY_MAX_BYTES (512 * 1024 * 1024)

void http_reply_init(struct http_reply *reply)
{
    reply->status = 0;
    buf_init(&reply->head, HEAD_MAX_BYTES);
    buf_init(&reply->body, BODY_MAX_BYTES);
}

void http_reply_release(struct http_reply *reply)
{
    buf_release(&reply->head);
    buf_release(&reply->body);
}

static int open_connection(int port, int64_t timeout_ms, struct err *err)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, ERR_IO, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        err_set(err, ERR_IO, errno, "connecting to 127.0.0.1:%d", port);
        close(fd);
        return -1;
    }
    return fd;
}

static int send_all(int fd, const char *data, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent < 0)
            return err_set(err, ERR_IO, errno, "sending");
        data += sent;
        len -= (size_t)sent;
    }
    return 0;
}

/* Moves what stands behind the head into the body. True once the head is whole. */
static bool split_head(struct http_reply *reply)
{
    char *end = reply->head.data ? strstr(reply->head.data, "\r\n\r\n") : NULL;
    size_t head_len;

    if (!end)
        return false;
    head_len = (size_t)(end - reply->head.data) + 4;
    buf_add(&reply->body, reply->head.data + head_len, reply->head.len - head_len);
    buf_truncate(&reply->head, head_len);
    return true;
}

static int read_answer(int fd, struct http_reply *reply, struct err *err)
{
    char chunk[65536], length[32];
    size_t want = SIZE_MAX;
    bool has_head = false;

    while (!has_head || reply->body.len < want) {
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);

        if (got < 0)
            return err_set(err, ERR_IO, errno, "waiting for the answer");
        if (got == 0 && has_head && want == SIZE_MAX)
            break;
        if (got == 0)
            return err_set(err, ERR_IO, 0, "the connection was closed before a whole answer came");
        if (buf_add(has_head ? &reply->body : &reply->head, chunk, (size_t)got) != 0)
            return err_set(err, ERR_LIMIT, 0, "the answer is too large");
        if (has_head || !split_head(reply))
            continue;
        has_head = true;
        if (sscanf(reply->head.data, "HTTP/1.%*d %d", &reply->status) != 1)
            return err_set(err, ERR_IO, 0, "that is no HTTP: %.60s", reply->head.data);
        if (http_reply_header(reply, "Content-Length", length, sizeof(length)))
            want = strtoul(length, NULL, 10);
        else if (reply->status == 204 || reply->status == 304)
            want = 0;
    }
    return 0;
}

int http_ask(int port, const char *method, const char *target, const char *headers, const char *body,
             int64_t timeout_ms, struct http_reply *reply, struct err *err)
{
    struct buf request;
    int fd, rc = -1;

    buf_reset(&reply->head);
    buf_reset(&reply->body);
    reply->status = 0;
    buf_init(&request, BODY_MAX_BYTES);
    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s", method, target,
             port, headers ? headers : "");
    if (body)
        buf_addf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_add_str(&request, "\r\n");
    if (body)
        buf_add_str(&request, body);
    fd = open_connection(port, timeout_ms, err);
    if (fd >= 0 && buf_check(&request, "the request", err) == 0 &&
        send_all(fd, request.data, request.len, err) == 0 && read_answer(fd, reply, err) == 0)
        rc = 0;
    if (fd >= 0)
        close(fd);
    buf_release(&request);
    return rc == 0 ? 0 : err_prefix(err, "%s %s", method, target);
}

bool http_reply_header(const struct http_reply *reply, const char *name, char *value, size_t size)
{
    size_t name_len = strlen(name);

    for (const char *line = reply->head.data; line && *line; line = strstr(line, "\r\n")) {
        const char *text, *end;

        if (line[0] == '\r')
            line += 2;
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        text = line + name_len + 1;
        text += strspn(text, " \t");
        end = strstr(text, "\r\n");
        snprintf(value, size, "%.*s", (int)(end ? end - text : (ptrdiff_t)strlen(text)), text);
        return true;
    }
    return false;
}
