#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/redis_group.h"

#define START_MS      20000
#define STOP_MS       20000
#define REPLY_SECONDS 5
#define REPLY_DEPTH   8
#define PORT_TRIES    5

static int connect_socket(const char *path, struct err *err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = REPLY_SECONDS };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set(err, ERR_REDIS_UNREACHABLE, errno, "socket");
    strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        err_set(err, ERR_REDIS_UNREACHABLE, errno, "connecting to %s", path);
        close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static int read_line(FILE *in, char **line, size_t *cap, struct err *err)
{
    ssize_t len = getline(line, cap, in);

    if (len < 2)
        return err_set(err, ERR_REDIS_UNREACHABLE, 0, "the server closed the connection or did not answer");
    (*line)[len - 2] = '\0';
    return 0;
}

static int read_string(FILE *in, size_t len, struct buf *out, struct err *err)
{
    char *text = malloc(len + 2);
    int rc = 0;

    if (!text)
        return err_set(err, ERR_NOMEM, 0, "a reply of %zu bytes", len);
    if (fread(text, 1, len + 2, in) != len + 2)
        rc = err_set(err, ERR_REDIS_UNREACHABLE, 0, "the reply is cut");
    else
        buf_add(out, text, len);
    free(text);
    return rc;
}

/* Source: the Redis serialization protocol, RESP2. */
static int read_reply(FILE *in, int depth, struct buf *out, struct err *err)
{
    char *line = NULL;
    size_t cap = 0;
    long count;
    int rc = read_line(in, &line, &cap, err);

    if (rc != 0)
        goto out;
    count = strtol(line + 1, NULL, 10);
    switch (line[0]) {
    case '-': rc = err_set(err, ERR_REDIS_REPLY, 0, "%s", line + 1); break;
    case '$':
        if (count < 0)
            buf_add_str(out, "(nil)");
        else
            rc = read_string(in, (size_t)count, out, err);
        break;
    case '*':
        if (count < 0)
            buf_add_str(out, "(nil)");
        if (depth == REPLY_DEPTH)
            rc = err_set(err, ERR_LIMIT, 0, "the reply is nested deeper than %d", REPLY_DEPTH);
        for (long i = 0; rc == 0 && i < count; i++) {
            if (i > 0)
                buf_add_char(out, '\n');
            rc = read_reply(in, depth + 1, out, err);
        }
        break;
    default: buf_add_str(out, line + 1); break;
    }
out:
    free(line);
    return rc;
}

int redis_server_ask(const struct redis_server *server, const char *command, struct buf *out, struct err *err)
{
    int fd = connect_socket(redis_group_asked(server)->socket, err);
    FILE *stream;
    int rc;

    if (fd < 0)
        return -1;
    stream = fdopen(fd, "r");
    if (!stream) {
        close(fd);
        return err_set(err, ERR_NOMEM, 0, "a stream");
    }
    if (dprintf(fd, "%s\r\n", command) < 0)
        rc = err_set(err, ERR_REDIS_UNREACHABLE, errno, "sending %s", command);
    else
        rc = read_reply(stream, 0, out, err);
    fclose(stream);
    return rc == 0 ? buf_check(out, "the reply", err) : rc;
}

int64_t redis_server_number(const struct redis_server *server, const char *command)
{
    struct err err = ERR_INIT;
    struct buf out;
    int64_t number = -1;

    buf_init(&out, 1 << 20);
    if (redis_server_ask(server, command, &out, &err) == 0 && out.len > 0) {
        char *end;

        number = strtoll(out.data, &end, 10);
        if (*end)
            number = -1;
    }
    buf_release(&out);
    return number;
}

static int write_config(struct redis_server *server, const char *const *config, struct err *err)
{
    FILE *file = fopen(server->config, "w");

    if (!file)
        return err_set(err, ERR_IO, errno, "writing %s", server->config);
    fprintf(file,
            "bind 127.0.0.1\nport %d\nunixsocket %s\ndir %s\nlogfile %s\ndaemonize no\n"
            "appendonly yes\nappendfsync always\nsave \"\"\nmaxmemory-policy noeviction\n",
            server->port, server->socket, server->dir, server->log);
    for (; config && *config; config++)
        fprintf(file, "%s\n", *config);
    if (fclose(file) != 0)
        return err_set(err, ERR_IO, errno, "writing %s", server->config);
    return 0;
}

static bool is_up_or_gone(void *user)
{
    struct redis_server *server = user;
    struct err err = ERR_INIT;
    struct buf out;
    bool is_up;

    if (proc_wait(&server->proc, 0))
        return true;
    buf_init(&out, 4096);
    is_up = redis_server_ask(server, "PING", &out, &err) == 0 && strcmp(out.data, "PONG") == 0;
    /* With a password set, NOAUTH is an answer too. */
    is_up = is_up || (err.code == ERR_REDIS_REPLY && strncmp(err.text, "NOAUTH", 6) == 0);
    buf_release(&out);
    return is_up && redis_group_is_ready(server);
}

int redis_server_spawn(struct proc *proc, const char *config, const char *mode, struct err *err)
{
    const char *wanted = getenv("REDIS_SERVER");
    const char *const programs[] = { wanted && *wanted ? wanted : "redis-server", "valkey-server" };
    int rc = -1;

    for (size_t i = 0; rc != 0 && i < sizeof(programs) / sizeof(programs[0]); i++) {
        const char *argv[] = { programs[i], config, mode, NULL };

        rc = proc_spawn(proc, &(struct proc_options){ .argv = argv, .stdout_file = "/dev/null" }, err);
    }
    return rc;
}

int redis_server_restart(struct redis_server *server, struct err *err)
{
    if (redis_server_cut_torn_tail(server, err) != 0 ||
        redis_server_spawn(&server->proc, server->config, NULL, err) != 0)
        return -1;
    if (!proc_until(is_up_or_gone, server, START_MS) || server->proc.pid == 0) {
        proc_kill(&server->proc);
        return err_set(err, ERR_REDIS_UNREACHABLE, 0, "the Redis of this test did not start: see %s",
                       server->log);
    }
    return 0;
}

static int start_once(struct redis_server *server, const char *const *config, struct err *err)
{
    server->port = proc_free_port(err);
    if (server->port < 0)
        return -1;
    snprintf(server->url, sizeof(server->url), "redis://127.0.0.1:%d/0", server->port);
    snprintf(server->test_url, sizeof(server->test_url), "%s", server->url);
    if (write_config(server, config, err) != 0)
        return -1;
    return redis_server_restart(server, err);
}

int redis_server_start_alone(struct redis_server *server, const char *const *config, struct err *err)
{
    int rc = -1;

    *server = (struct redis_server){ 0 };
    if (proc_temp_dir("abm-redis", server->dir, sizeof(server->dir), err) != 0) {
        server->dir[0] = '\0';
        return -1;
    }
    snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", server->dir);
    snprintf(server->unix_url, sizeof(server->unix_url), "unix://%s", server->socket);
    snprintf(server->config, sizeof(server->config), "%s/redis.conf", server->dir);
    snprintf(server->log, sizeof(server->log), "%s/redis.log", server->dir);
    /* Another test may take the port between the look and the bind: then it ends at once, and another is
     * tried. */
    for (int i = 0; rc != 0 && i < PORT_TRIES; i++)
        rc = start_once(server, config, err);
    return rc;
}

int redis_server_start(struct redis_server *server, const char *const *config, struct err *err)
{
    struct redis_group *group = redis_group_wanted();

    if (group == NULL)
        return redis_server_start_alone(server, config, err);
    return redis_group_start(server, group, config, err);
}

void redis_server_kill(struct redis_server *server)
{
    proc_kill(&server->proc);
}

int redis_server_halt(struct redis_server *server)
{
    return proc_stop(&server->proc, STOP_MS);
}

void redis_server_stop(struct redis_server *server)
{
    proc_kill(&server->proc);
    proc_remove_dir(server->dir);
    redis_group_stop(server->group);
    *server = (struct redis_server){ 0 };
}
