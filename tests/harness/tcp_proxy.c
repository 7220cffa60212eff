#include "harness/tcp_proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/tcp_link.h"

#define POLLED_MAX 1024 /* descriptors: the bell, the listener, two a connection */
#define SLEEP_MS   1000

struct tcp_proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    int keeper;           /* bound, never listening: the port stays ours while it refuses */
    int listener;         /* -1: it refuses */
    int bell, port, server_port;
    enum tcp_protocol protocol;
    struct tcp_weather weather;
    struct tcp_catch trap;
    bool is_set, has_caught, is_stopping;
    int64_t matches, connections;
    struct tcp_link *links;
};

/* ---- what is caught ---- */

static bool has(const char *data, size_t len, const char *text)
{
    return text == NULL || memmem(data, len, text, strlen(text)) != NULL;
}

static void spring(struct tcp_proxy *proxy)
{
    proxy->is_set = false;
    proxy->has_caught = true;
}

/* One more fits: true where it is the one to be caught. */
static bool is_the_one(struct tcp_proxy *proxy)
{
    return ++proxy->matches > proxy->trap.after && proxy->trap.point != TCP_NEVER;
}

static bool fits(const struct tcp_catch *trap, const char *data, size_t len)
{
    return has(data, len, trap->request) && has(data, len, trap->also);
}

static bool needs_reply(const struct tcp_catch *trap)
{
    return trap->point == TCP_BEFORE_REPLY || trap->point == TCP_AFTER_REPLY || trap->reply != NULL;
}

static void keep_asked(struct tcp_link *link, const char *data, size_t len)
{
    char *copy = realloc(link->asked, len);

    if (copy == NULL)
        return;
    memcpy(copy, data, len);
    link->asked = copy;
    link->asked_len = len;
}

/* A whole message to the server: true where it is held. */
static bool meets_request(struct tcp_proxy *proxy, struct tcp_link *link, const char *data, size_t len)
{
    const struct tcp_catch *trap = &proxy->trap;

    keep_asked(link, data, len);
    if (!proxy->is_set || !fits(trap, data, len))
        return false;
    if (needs_reply(trap)) {
        link->awaits_reply = true;
        return false;
    }
    if (!is_the_one(proxy))
        return false;
    link->lines[TCP_TO_SERVER].is_held = true;
    spring(proxy);
    return true;
}

static bool meets_reply(struct tcp_proxy *proxy, struct tcp_link *link, const char *data, size_t len)
{
    bool is_awaited = link->awaits_reply && proxy->is_set;

    link->awaits_reply = false;
    link->asked_len = 0;
    if (!is_awaited || !has(data, len, proxy->trap.reply) || !is_the_one(proxy))
        return false;
    if (proxy->trap.point == TCP_BEFORE_REPLY) {
        link->lines[TCP_TO_CLIENT].is_held = true;
        spring(proxy);
        return true;
    }
    proxy->is_set = false;
    link->lines[TCP_TO_SERVER].is_held = true;
    link->tells_when_out = true;
    return false;
}

static void move_on(struct tcp_proxy *proxy, struct tcp_link *link, enum tcp_way way)
{
    struct tcp_line *line = &link->lines[way];

    while (!line->is_held && line->in_len > 0) {
        size_t len = tcp_frame(proxy->protocol, line->in, line->in_len);
        bool is_held;

        if (len == 0)
            break;
        is_held = way == TCP_TO_SERVER ? meets_request(proxy, link, line->in, len)
                                       : meets_reply(proxy, link, line->in, len);
        if (!is_held)
            tcp_link_pass(link, way, len, &proxy->weather);
    }
}

/* ---- the loop ---- */

static void accept_one(struct tcp_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct tcp_link *link = client >= 0 ? tcp_link_new(client, proxy->server_port) : NULL;

    if (link == NULL)
        return;
    tcp_link_set(link, &proxy->weather);
    link->polled[TCP_TO_SERVER] = link->polled[TCP_TO_CLIENT] = -1;
    link->next = proxy->links;
    proxy->links = link;
    proxy->connections++;
}

static int poll_link(const struct tcp_proxy *proxy, struct tcp_link *link, struct pollfd *polled, int count,
                     int64_t now, int64_t *wait_ms)
{
    for (int way = 0; way < TCP_WAYS; way++) {
        const struct tcp_line *line = &link->lines[way], *back = &link->lines[1 - way];
        short events = 0;

        link->polled[way] = -1;
        if (!line->has_ended && proxy->weather.flow[way] != TCP_STALLED)
            events |= POLLIN;
        /* What comes the other way goes out by the same descriptor. */
        if (back->first != NULL && back->first->due_ms <= now)
            events |= POLLOUT;
        else if (back->first != NULL && back->first->due_ms - now < *wait_ms)
            *wait_ms = back->first->due_ms - now;
        if (events == 0 || count == POLLED_MAX)
            continue;
        link->polled[way] = count;
        polled[count++] = (struct pollfd){ .fd = line->from, .events = events };
    }
    return count;
}

static void tend(struct tcp_proxy *proxy, struct tcp_link *link, const struct pollfd *polled)
{
    for (int way = 0; way < TCP_WAYS; way++) {
        short events = link->polled[way] >= 0 ? polled[link->polled[way]].revents : 0;

        if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !link->lines[way].has_ended &&
            proxy->weather.flow[way] != TCP_STALLED && /* it may have changed meanwhile */
            tcp_link_read(link, (enum tcp_way)way, &proxy->weather))
            move_on(proxy, link, (enum tcp_way)way);
    }
    for (int way = 0; way < TCP_WAYS; way++)
        tcp_link_write(link, (enum tcp_way)way, &proxy->weather);
    if (link->tells_when_out && link->lines[TCP_TO_CLIENT].first == NULL) {
        link->tells_when_out = false;
        spring(proxy);
    }
    if (link->lines[TCP_TO_SERVER].is_shut && link->lines[TCP_TO_CLIENT].is_shut)
        link->is_cut = true;
}

static void sweep(struct tcp_proxy *proxy)
{
    for (struct tcp_link **at = &proxy->links; *at != NULL;) {
        struct tcp_link *link = *at;

        if (!link->is_cut) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        tcp_link_free(link);
    }
}

static void *run(void *user)
{
    struct tcp_proxy *proxy = user;
    struct pollfd *polled = calloc(POLLED_MAX, sizeof(*polled));
    eventfd_t rung;

    pthread_mutex_lock(&proxy->lock);
    while (polled != NULL && !proxy->is_stopping) {
        int64_t wait_ms = SLEEP_MS, now = clock_boot_ms();
        int count = 2;

        polled[0] = (struct pollfd){ .fd = proxy->bell, .events = POLLIN };
        polled[1] = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
        for (struct tcp_link *link = proxy->links; link != NULL; link = link->next)
            count = poll_link(proxy, link, polled, count, now, &wait_ms);
        pthread_mutex_unlock(&proxy->lock);
        (void)poll(polled, (nfds_t)count, (int)wait_ms);
        pthread_mutex_lock(&proxy->lock);
        if (polled[0].revents != 0)
            (void)eventfd_read(proxy->bell, &rung);
        for (struct tcp_link *link = proxy->links; link != NULL; link = link->next)
            if (!link->is_cut)
                tend(proxy, link, polled);
        if (polled[1].revents != 0 && proxy->listener == polled[1].fd)
            accept_one(proxy);
        sweep(proxy);
    }
    pthread_mutex_unlock(&proxy->lock);
    free(polled);
    return NULL;
}

/* ---- for the test's thread ---- */

static void begin(struct tcp_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
}

static void end(struct tcp_proxy *proxy)
{
    (void)eventfd_write(proxy->bell, 1);
    pthread_mutex_unlock(&proxy->lock);
}

/* A socket on *port (0: a free one, which is set). */
static int bind_port(int *port, bool is_listening)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)*port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    socklen_t len = sizeof(at);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || (is_listening && listen(fd, 128) != 0) ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static void release_proxy(struct tcp_proxy *proxy)
{
    const int fds[] = { proxy->keeper, proxy->listener, proxy->bell };

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}

int tcp_proxy_start(int server_port, enum tcp_protocol protocol, struct tcp_proxy **proxy_r, struct err *err)
{
    struct tcp_proxy *proxy = calloc(1, sizeof(*proxy));

    if (proxy == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a proxy");
    proxy->server_port = server_port;
    proxy->protocol = protocol;
    pthread_mutex_init(&proxy->lock, NULL);
    proxy->keeper = bind_port(&proxy->port, false);
    proxy->listener = proxy->keeper >= 0 ? bind_port(&proxy->port, true) : -1;
    proxy->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (proxy->listener < 0 || proxy->bell < 0 || pthread_create(&proxy->thread, NULL, run, proxy) != 0) {
        err_set(err, ERR_IO, errno, "a proxy cannot start");
        release_proxy(proxy);
        return -1;
    }
    *proxy_r = proxy;
    return 0;
}

void tcp_proxy_stop(struct tcp_proxy *proxy)
{
    if (proxy == NULL)
        return;
    begin(proxy);
    proxy->is_stopping = true;
    end(proxy);
    pthread_join(proxy->thread, NULL);
    for (struct tcp_link *link = proxy->links; link != NULL; link = link->next)
        tcp_link_cut(link);
    sweep(proxy);
    release_proxy(proxy);
}

int tcp_proxy_port(const struct tcp_proxy *proxy)
{
    return proxy->port;
}

void tcp_proxy_set(struct tcp_proxy *proxy, const struct tcp_weather *weather)
{
    begin(proxy);
    proxy->weather = *weather;
    for (struct tcp_link *link = proxy->links; link != NULL; link = link->next)
        tcp_link_set(link, weather);
    if (weather->is_refused && proxy->listener >= 0) {
        close(proxy->listener);
        proxy->listener = -1;
    } else if (!weather->is_refused && proxy->listener < 0) {
        proxy->listener = bind_port(&proxy->port, true);
    }
    end(proxy);
}

int tcp_proxy_cut(struct tcp_proxy *proxy, bool is_reset)
{
    int count = 0;

    begin(proxy);
    for (struct tcp_link *link = proxy->links; link != NULL; link = link->next, count++) {
        link->is_cut = true;
        link->is_reset = is_reset;
    }
    end(proxy);
    return count;
}

int64_t tcp_proxy_connections(struct tcp_proxy *proxy)
{
    int64_t count;

    begin(proxy);
    count = proxy->connections;
    end(proxy);
    return count;
}

void tcp_proxy_catch(struct tcp_proxy *proxy, const struct tcp_catch *trap)
{
    begin(proxy);
    proxy->trap = *trap;
    proxy->is_set = true;
    proxy->has_caught = false;
    proxy->matches = 0;
    for (struct tcp_link *link = proxy->links; link != NULL; link = link->next) {
        link->tells_when_out = false;
        link->awaits_reply =
            needs_reply(trap) && link->asked_len > 0 && fits(trap, link->asked, link->asked_len);
    }
    end(proxy);
}

bool tcp_proxy_has_caught(struct tcp_proxy *proxy)
{
    bool has_caught;

    begin(proxy);
    has_caught = proxy->has_caught;
    end(proxy);
    return has_caught;
}

int64_t tcp_proxy_matches(struct tcp_proxy *proxy)
{
    int64_t count;

    begin(proxy);
    count = proxy->matches;
    end(proxy);
    return count;
}

static void release_line(struct tcp_proxy *proxy, struct tcp_link *link, enum tcp_way way, enum tcp_fate fate)
{
    struct tcp_line *line = &link->lines[way];
    size_t len = line->in_len > 0 ? tcp_frame(proxy->protocol, line->in, line->in_len) : 0;

    line->is_held = false;
    if (fate == TCP_DROPPED || (fate == TCP_HALVED && len == 0)) {
        tcp_link_cut(link);
    } else if (fate == TCP_HALVED) {
        tcp_link_pass(link, way, len / 2, &proxy->weather);
        line->cut_after = line->passed;
        line->in_len = 0;
    } else if (len > 0) {
        tcp_link_pass(link, way, len, &proxy->weather); /* it is not looked at again */
        move_on(proxy, link, way);
    }
}

void tcp_proxy_release(struct tcp_proxy *proxy, enum tcp_fate fate)
{
    begin(proxy);
    for (struct tcp_link *link = proxy->links; link != NULL; link = link->next)
        for (int way = 0; way < TCP_WAYS; way++)
            if (link->lines[way].is_held)
                release_line(proxy, link, (enum tcp_way)way, fate);
    end(proxy);
}
