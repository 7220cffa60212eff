#include "harness/tcp_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"

#define READ_BYTES      65536
#define SLICES_A_SECOND 20 /* of a narrow line */

static void shut(int fd, bool is_reset)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    if (is_reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static int connect_server(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct tcp_link *tcp_link_new(int client, int server_port)
{
    struct tcp_link *link = calloc(1, sizeof(*link));
    int server = link != NULL ? connect_server(server_port) : -1, on = 1;

    if (server < 0) {
        shut(client, true);
        free(link);
        return NULL;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    link->lines[TCP_TO_SERVER] = (struct tcp_line){ .from = client, .to = server };
    link->lines[TCP_TO_CLIENT] = (struct tcp_line){ .from = server, .to = client };
    return link;
}

void tcp_link_free(struct tcp_link *link)
{
    shut(link->lines[TCP_TO_SERVER].from, link->is_reset);
    shut(link->lines[TCP_TO_SERVER].to, link->is_reset);
    for (int way = 0; way < TCP_WAYS; way++) {
        struct tcp_line *line = &link->lines[way];

        while (line->first != NULL) {
            struct tcp_piece *piece = line->first;

            line->first = piece->next;
            free(piece);
        }
        free(line->in);
    }
    free(link->asked);
    free(link);
}

void tcp_link_cut(struct tcp_link *link)
{
    link->is_cut = true;
    link->is_reset = true;
}

void tcp_link_set(struct tcp_link *link, const struct tcp_weather *weather)
{
    for (int way = 0; way < TCP_WAYS; way++) {
        int64_t after = way == TCP_TO_SERVER ? weather->cut_after : weather->cut_after_answer;

        link->lines[way].cut_after = after > 0 ? link->lines[way].passed + after : 0;
    }
}

bool tcp_link_read(struct tcp_link *link, enum tcp_way way, const struct tcp_weather *weather)
{
    struct tcp_line *line = &link->lines[way];
    ssize_t got;

    if (line->in_cap - line->in_len < READ_BYTES) {
        char *more = realloc(line->in, line->in_cap + 2 * READ_BYTES);

        if (more == NULL) {
            tcp_link_cut(link);
            return false;
        }
        line->in = more;
        line->in_cap += 2 * READ_BYTES;
    }
    got = recv(line->from, line->in + line->in_len, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0) {
        line->has_ended = true;
        return false;
    }
    if (weather->flow[way] == TCP_SWALLOWED)
        return false;
    line->in_len += (size_t)got;
    return true;
}

static int64_t due_of(struct tcp_line *line, size_t len, const struct tcp_weather *weather)
{
    int64_t due = clock_boot_ms();

    if (weather->bytes_a_second > 0) {
        if (line->free_ms < due)
            line->free_ms = due;
        line->free_ms += (int64_t)len * 1000 / weather->bytes_a_second;
        due = line->free_ms;
    }
    due += weather->delay_ms;
    if (weather->jitter_ms > 0)
        due += (int64_t)(rand_u32() % (uint32_t)(weather->jitter_ms + 1));
    return due > line->due_ms ? due : line->due_ms;
}

static void add_piece(struct tcp_link *link, struct tcp_line *line, const char *data, size_t len,
                      const struct tcp_weather *weather)
{
    struct tcp_piece *piece = malloc(sizeof(*piece) + len);

    if (piece == NULL) {
        tcp_link_cut(link);
        return;
    }
    line->due_ms = due_of(line, len, weather);
    *piece = (struct tcp_piece){ .due_ms = line->due_ms, .len = len };
    memcpy(piece->data, data, len);
    if (line->last != NULL)
        line->last->next = piece;
    else
        line->first = piece;
    line->last = piece;
}

void tcp_link_pass(struct tcp_link *link, enum tcp_way way, size_t len, const struct tcp_weather *weather)
{
    struct tcp_line *line = &link->lines[way];
    size_t slice = len, whole = len;

    if (line->cut_after > 0 && line->passed + (int64_t)len > line->cut_after)
        whole = (size_t)(line->cut_after - line->passed);
    if (weather->bytes_a_second > 0)
        slice = (size_t)(weather->bytes_a_second / SLICES_A_SECOND + 1);
    for (size_t at = 0; at < whole; at += slice)
        add_piece(link, line, line->in + at, whole - at < slice ? whole - at : slice, weather);
    line->passed += (int64_t)whole;
    line->in_len -= len;
    memmove(line->in, line->in + len, line->in_len);
}

/* An end travels behind all that was sent before it; what is held on its way has lost its sender, or its
 * receiver. */
static void write_end(struct tcp_link *link, enum tcp_way way)
{
    struct tcp_line *line = &link->lines[way];

    if (way == TCP_TO_SERVER || !line->is_held || link->lines[TCP_TO_SERVER].has_ended)
        line->in_len = 0;
    if (line->in_len > 0)
        return;
    line->is_shut = true;
    shutdown(line->to, SHUT_WR);
}

void tcp_link_write(struct tcp_link *link, enum tcp_way way, const struct tcp_weather *weather)
{
    struct tcp_line *line = &link->lines[way];
    int64_t now = clock_boot_ms();

    while (line->first != NULL && line->first->due_ms <= now) {
        struct tcp_piece *piece = line->first;
        ssize_t sent =
            send(line->to, piece->data + piece->sent, piece->len - piece->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR)
                tcp_link_cut(link);
            return;
        }
        piece->sent += (size_t)sent;
        if (piece->sent < piece->len)
            return;
        line->first = piece->next;
        if (line->first == NULL)
            line->last = NULL;
        free(piece);
    }
    if (line->first != NULL)
        return;
    if (line->cut_after > 0 && line->passed >= line->cut_after)
        tcp_link_cut(link);
    else if (line->has_ended && !line->is_shut && weather->flow[way] == TCP_FLOWS)
        write_end(link, way);
}
