#include "harness/redis_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#define NODES           3
#define CLUSTER_REPLICA 2 /* in group->nodes */
#define CONFIG_MAX      16
#define READY_MS        30000
#define PRIMARY         "tests"

struct redis_group *redis_group_wanted(void)
{
    static const struct {
        const char *name;
        enum redis_group_kind kind;
        bool has_replica;
    } rows[] = {
        { "cluster", REDIS_GROUP_CLUSTER, false },
        { "cluster-replica", REDIS_GROUP_CLUSTER, true },
        { "sentinel", REDIS_GROUP_SENTINEL, true },
    };
    const char *name = getenv("TEST_REDIS");
    struct redis_group *group = calloc(1, sizeof(*group));

    for (size_t i = 0; group != NULL && name != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        group->kind = rows[i].kind;
        if (rows[i].has_replica)
            group->replica = &group->nodes[rows[i].kind == REDIS_GROUP_CLUSTER ? CLUSTER_REPLICA : 0];
        return group;
    }
    free(group);
    if (name != NULL && name[0] != '\0')
        abort(); /* a test that asks for what is not there must not pass */
    return NULL;
}

static bool answers(const struct redis_server *server, const char *command, const char *text)
{
    struct err err = ERR_INIT;
    struct buf out;
    bool is;

    buf_init(&out, 1 << 20);
    is = redis_server_ask(server, command, &out, &err) == 0 && out.len > 0 && strstr(out.data, text) != NULL;
    is = is || (err.code == ERR_REDIS_REPLY && strncmp(err.text, "NOAUTH", 6) == 0);
    buf_release(&out);
    return is;
}

bool redis_group_is_ready(const struct redis_server *server)
{
    return server->group == NULL || server->group->kind != REDIS_GROUP_CLUSTER ||
           answers(server, "CLUSTER INFO", "cluster_state:ok");
}

const struct redis_server *redis_group_asked(const struct redis_server *server)
{
    return server->group != NULL && server->group->asked != NULL ? server->group->asked : server;
}

/* config and more, NULL-terminated, into lines[CONFIG_MAX]. */
static void join(const char *const *config, const char *const *more, const char *lines[CONFIG_MAX])
{
    size_t count = 0;

    for (; config != NULL && *config != NULL && count + 1 < CONFIG_MAX; config++)
        lines[count++] = *config;
    for (; *more != NULL && count + 1 < CONFIG_MAX; more++)
        lines[count++] = *more;
    lines[count] = NULL;
}

static int write_file(const char *path, const char *text, struct err *err)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return err_set(err, ERR_IO, errno, "writing %s", path);
    fputs(text, file);
    return fclose(file) == 0 ? 0 : err_set(err, ERR_IO, errno, "writing %s", path);
}

/* The slots of the organizations t (2624) and acme (11937) are the first node's, so that a test which asks it
 * by its socket finds them, and a program that was given another node is sent there. */
static const char *const slots[] = { "0-4999 10000-16383", "5000-7499", "7500-9999" };

/* nodes.conf of node `self`, as if the cluster had been made before. The last of more than three is the
 * first's replica. */
static int write_nodes(const struct redis_server *servers[NODES + 1], const int bus[NODES + 1], int count,
                       int self, struct err *err)
{
    char text[1024] = "", path[128];

    for (int i = 0; i < count; i++) {
        size_t len = strlen(text);

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%040d 127.0.0.1:%d@%d %s", i + 1,
                                servers[i]->port, bus[i], i == self ? "myself," : "");
        if (i < NODES)
            snprintf(text + len, sizeof(text) - len, "master - 0 0 %d connected %s\n", i + 1, slots[i]);
        else
            snprintf(text + len, sizeof(text) - len, "slave %040d 0 0 1 connected\n", 1);
    }
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "vars currentEpoch %d lastVoteEpoch 0\n",
             NODES);
    snprintf(path, sizeof(path), "%s/nodes.conf", servers[self]->dir);
    return write_file(path, text, err);
}

/* Started alone, so that it has its port and its folder; it is a node once it is started again. */
static int prepare_node(struct redis_server *server, const struct redis_group *group,
                        const char *const *config, int *bus_r, struct err *err)
{
    FILE *file;

    *bus_r = proc_free_port(err);
    if (*bus_r < 0 || redis_server_start_alone(server, config, err) != 0)
        return -1;
    redis_server_kill(server);
    file = fopen(server->config, "a");
    if (file == NULL)
        return err_set(err, ERR_IO, errno, "writing %s", server->config);
    fprintf(file, "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-port %d\n", *bus_r);
    if (group->replica != NULL)
        fprintf(file,
                "cluster-node-timeout 1500\ncluster-replica-validity-factor 0\nrepl-diskless-sync-delay 0\n");
    return fclose(file) == 0 ? 0 : err_set(err, ERR_IO, errno, "writing %s", server->config);
}

static bool is_whole(void *user)
{
    struct redis_server *server = user;

    return redis_group_is_ready(server) &&
           (server->group->replica == NULL || answers(server, "INFO replication", "state=online"));
}

static int start_cluster(struct redis_server *server, struct redis_group *group, const char *const *config,
                         struct err *err)
{
    struct redis_server *servers[NODES + 1] = { server, &group->nodes[0], &group->nodes[1], group->replica };
    int count = group->replica != NULL ? NODES + 1 : NODES;
    int bus[NODES + 1] = { 0 };

    for (int i = 0; i < count; i++)
        if (prepare_node(servers[i], group, config, &bus[i], err) != 0)
            return -1;
    for (int i = 0; i < count; i++)
        if (write_nodes((const struct redis_server **)servers, bus, count, i, err) != 0)
            return -1;
    for (int i = 0; i < count; i++)
        if (redis_server_restart(servers[i], err) != 0)
            return -1;
    server->group = group;
    if (!proc_until(is_whole, server, READY_MS))
        return err_set(err, ERR_REDIS_UNREACHABLE, 0, "the cluster of this test did not form: see %s",
                       server->log);
    snprintf(server->url, sizeof(server->url), "redis://127.0.0.1:%d/0", group->nodes[0].port);
    snprintf(server->unix_url, sizeof(server->unix_url), "%s", server->url);
    return 0;
}

/* One inline command to a port, its answer into text[size]. */
static bool ask_port(int port, const char *command, char *text, size_t size)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssize_t got = -1;

    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
        dprintf(fd, "%s\r\n", command) > 0)
        got = read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static int start_sentinel(const struct redis_server *server, struct redis_group *group, int index,
                          int *port_r, struct err *err)
{
    char path[128], text[1024];
    int port = proc_free_port(err);

    if (port < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/%d.conf", group->sentinel_dir, index);
    snprintf(
        text, sizeof(text),
        "port %d\nbind 127.0.0.1\ndir %s\nlogfile %s/%d.log\nsentinel monitor " PRIMARY " 127.0.0.1 %d 2\n"
        "sentinel down-after-milliseconds " PRIMARY " 1000\nsentinel failover-timeout " PRIMARY " 3000\n",
        port, group->sentinel_dir, group->sentinel_dir, index, server->port);
    *port_r = port;
    return write_file(path, text, err) != 0
               ? -1
               : redis_server_spawn(&group->sentinels[index], path, "--sentinel", err);
}

struct readiness {
    struct redis_server *server;
    int ports[REDIS_GROUP_SENTINELS];
};

/* Each sentinel knows the replica and both others: before that none can be elected. */
static bool is_watched(void *user)
{
    struct readiness *ready = user;
    char text[4096];

    if (!answers(ready->server, "INFO replication", "state=online"))
        return false;
    for (int i = 0; i < REDIS_GROUP_SENTINELS; i++)
        if (!ask_port(ready->ports[i], "INFO sentinel", text, sizeof(text)) ||
            strstr(text, "slaves=1,sentinels=3") == NULL)
            return false;
    return true;
}

static int start_sentinels(struct redis_server *server, struct redis_group *group, const char *const *config,
                           struct err *err)
{
    char replica_of[64];
    const char *more[] = { replica_of, "repl-diskless-sync-delay 0", NULL };
    const char *lines[CONFIG_MAX];
    struct readiness ready = { .server = server };

    if (redis_server_start_alone(server, config, err) != 0)
        return -1;
    server->group = group;
    snprintf(replica_of, sizeof(replica_of), "replicaof 127.0.0.1 %d", server->port);
    join(config, more, lines);
    if (redis_server_start_alone(&group->nodes[0], lines, err) != 0 ||
        proc_temp_dir("sentinels", group->sentinel_dir, sizeof(group->sentinel_dir), err) != 0)
        return -1;
    for (int i = 0; i < REDIS_GROUP_SENTINELS; i++)
        if (start_sentinel(server, group, i, &ready.ports[i], err) != 0)
            return -1;
    if (!proc_until(is_watched, &ready, READY_MS))
        return err_set(err, ERR_REDIS_UNREACHABLE, 0,
                       "the sentinels of this test did not find each other: see %s", group->sentinel_dir);
    snprintf(server->url, sizeof(server->url), "sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/" PRIMARY,
             ready.ports[0], ready.ports[1], ready.ports[2]);
    snprintf(server->test_url, sizeof(server->test_url), "%s", server->url);
    snprintf(server->unix_url, sizeof(server->unix_url), "%s", server->url);
    return 0;
}

int redis_group_start(struct redis_server *server, struct redis_group *group, const char *const *config,
                      struct err *err)
{
    int rc;

    *server = (struct redis_server){ 0 };
    rc = group->kind == REDIS_GROUP_CLUSTER ? start_cluster(server, group, config, err)
                                            : start_sentinels(server, group, config, err);
    server->group = group;
    return rc;
}

static bool is_promoted(void *replica)
{
    return answers(replica, "INFO replication", "role:master");
}

int redis_server_fail_over(struct redis_server *server, struct err *err)
{
    struct redis_group *group = server->group;

    if (group == NULL || group->replica == NULL)
        return err_set(err, ERR_USAGE, 0, "no replica to fail over to");
    redis_server_kill(server);
    if (!proc_until(is_promoted, group->replica, READY_MS))
        return err_set(err, ERR_REDIS_UNREACHABLE, 0, "nobody made the replica a primary: see %s",
                       group->replica->log);
    group->asked = group->replica;
    return 0;
}

static int tell(const struct redis_server *server, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One command by the socket of exactly that node. */
static int tell(const struct redis_server *server, struct err *err, const char *fmt, ...)
{
    struct redis_server alone = *server;
    char command[512];
    struct buf out;
    va_list args;
    int rc;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    alone.group = NULL;
    buf_init(&out, 1 << 20);
    rc = redis_server_ask(&alone, command, &out, err);
    buf_release(&out);
    return rc == 0 ? 0 : err_prefix(err, "%s", command);
}

/* The name of any key of the slot, into key[size]; "": there is none. */
static int any_key(const struct redis_server *server, int slot, char *key, size_t size, struct err *err)
{
    struct redis_server alone = *server;
    char command[64];
    struct buf out;
    int rc;

    snprintf(command, sizeof(command), "CLUSTER GETKEYSINSLOT %d 1", slot);
    alone.group = NULL;
    buf_init(&out, 1 << 20);
    rc = redis_server_ask(&alone, command, &out, err);
    snprintf(key, size, "%s", rc == 0 && out.len > 0 ? out.data : "");
    buf_release(&out);
    return rc;
}

int redis_server_begin_move(struct redis_server *server, int slot, struct err *err)
{
    if (tell(&server->group->nodes[0], err, "CLUSTER SETSLOT %d IMPORTING %040d", slot, 1) != 0)
        return -1;
    return tell(server, err, "CLUSTER SETSLOT %d MIGRATING %040d", slot, 2);
}

int redis_server_move_keys(struct redis_server *server, int slot, int64_t pause_ms, struct err *err)
{
    char key[256];

    for (;;) {
        if (any_key(server, slot, key, sizeof(key), err) != 0)
            return -1;
        if (key[0] == '\0')
            return 0;
        if (tell(server, err, "MIGRATE 127.0.0.1 %d %s 0 5000", server->group->nodes[0].port, key) != 0)
            return -1;
        (void)poll(NULL, 0, (int)pause_ms); /* a slot with more keys takes its time, too */
    }
}

int redis_server_end_move(struct redis_server *server, int slot, struct err *err)
{
    struct redis_group *group = server->group;

    if (tell(&group->nodes[0], err, "CLUSTER SETSLOT %d NODE %040d", slot, 2) != 0 ||
        tell(server, err, "CLUSTER SETSLOT %d NODE %040d", slot, 2) != 0)
        return -1;
    group->asked = &group->nodes[0];
    return 0;
}

void redis_group_stop(struct redis_group *group)
{
    if (group == NULL)
        return;
    for (size_t i = 0; i < REDIS_GROUP_NODES; i++)
        if (group->nodes[i].dir[0] != '\0')
            redis_server_stop(&group->nodes[i]);
    for (int i = 0; i < REDIS_GROUP_SENTINELS; i++)
        proc_kill(&group->sentinels[i]);
    if (group->sentinel_dir[0] != '\0')
        proc_remove_dir(group->sentinel_dir);
    free(group);
}
