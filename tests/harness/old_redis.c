#include "harness/old_redis.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define WORDS_MAX       16
#define WORD_BYTES      128

static const char info[] =
    "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n"
    "run_id:0123456789012345678901234567890123456789\r\n# Replication\r\nrole:master\r\n"
    "master_replid:9876543210987654321098765432109876543210\r\n";

struct connection {
    struct old_redis *server;
    pthread_t thread;
    int fd;
};

struct old_redis {
    int listener, port;
    pthread_t acceptor;
    struct connection connections[CONNECTIONS_MAX];
    int count;
    atomic_int refused;
};

/* Source: the Redis serialization protocol, RESP2: an array of strings. Words beyond the limits are cut. */
static int read_command(FILE *in, char words[WORDS_MAX][WORD_BYTES])
{
    char line[64];
    int count;

    if (fgets(line, sizeof(line), in) == NULL || line[0] != '*')
        return -1;
    count = atoi(line + 1);
    for (int i = 0; i < count; i++) {
        long len;

        if (fgets(line, sizeof(line), in) == NULL || line[0] != '$')
            return -1;
        len = strtol(line + 1, NULL, 10);
        for (long at = 0; at < len + 2; at++) {
            int c = fgetc(in);

            if (c == EOF)
                return -1;
            if (i < WORDS_MAX && at < WORD_BYTES - 1)
                words[i][at] = at < len ? (char)c : '\0';
        }
        if (i < WORDS_MAX)
            words[i][len < WORD_BYTES - 1 ? len : WORD_BYTES - 1] = '\0';
    }
    return count;
}

static void answer(struct old_redis *server, int fd, const char *word)
{
    if (strcasecmp(word, "INFO") == 0) {
        dprintf(fd, "$%zu\r\n%s\r\n", sizeof(info) - 1, info);
    } else if (strcasecmp(word, "HELLO") == 0) {
        dprintf(
            fd,
            "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.2.14\r\n$5\r\nproto\r\n:2\r\n");
    } else if (strcasecmp(word, "PING") == 0) {
        dprintf(fd, "+PONG\r\n");
    } else if (strcasecmp(word, "SELECT") == 0 || strcasecmp(word, "AUTH") == 0 ||
               strcasecmp(word, "CLIENT") == 0) {
        dprintf(fd, "+OK\r\n");
    } else {
        atomic_fetch_add(&server->refused, 1);
        dprintf(fd, "-ERR unknown command\r\n");
    }
}

static void *serve(void *user)
{
    struct connection *connection = user;
    char words[WORDS_MAX][WORD_BYTES];
    FILE *in = fdopen(dup(connection->fd), "r");

    while (in != NULL && read_command(in, words) > 0)
        answer(connection->server, connection->fd, words[0]);
    if (in != NULL)
        fclose(in);
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *user)
{
    struct old_redis *server = user;

    while (server->count < CONNECTIONS_MAX) {
        struct connection *connection = &server->connections[server->count];

        connection->server = server;
        connection->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection->fd < 0)
            break; /* it was shut down */
        if (pthread_create(&connection->thread, NULL, serve, connection) != 0) {
            close(connection->fd);
            break;
        }
        server->count++;
    }
    return NULL;
}

int old_redis_start(struct old_redis **server_r, struct err *err)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct old_redis *server = calloc(1, sizeof(*server));
    socklen_t len = sizeof(at);

    if (server == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a test server");
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(server->listener, 16) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&server->acceptor, NULL, accept_all, server) != 0) {
        err_set(err, ERR_IO, errno, "a test server cannot start");
        if (server->listener >= 0)
            close(server->listener);
        free(server);
        return -1;
    }
    server->port = ntohs(at.sin_port);
    *server_r = server;
    return 0;
}

void old_redis_stop(struct old_redis *server)
{
    if (server == NULL)
        return;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    for (int i = 0; i < server->count; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    close(server->listener);
    free(server);
}

int old_redis_port(const struct old_redis *server)
{
    return server->port;
}

int old_redis_refused(struct old_redis *server)
{
    return atomic_load(&server->refused);
}
