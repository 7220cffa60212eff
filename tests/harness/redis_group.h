/**
 * redis_group.h - more servers behind the one of a test: the other nodes of a cluster, or a replica and three
 * sentinels. $TEST_REDIS says which (redis_server.h). Private to redis_server.c and this.
 */
#ifndef HARNESS_REDIS_GROUP_H
#define HARNESS_REDIS_GROUP_H

#include "harness/redis_server.h"

#define REDIS_GROUP_NODES     3 /* besides the server itself, at most */
#define REDIS_GROUP_SENTINELS 3

enum redis_group_kind { REDIS_GROUP_CLUSTER, REDIS_GROUP_SENTINEL };

struct redis_group {
    enum redis_group_kind kind;
    struct redis_server nodes[REDIS_GROUP_NODES];
    struct redis_server *replica; /* of the server: one of nodes; NULL: it has none */
    struct proc sentinels[REDIS_GROUP_SENTINELS];
    char sentinel_dir[64];
    const struct redis_server
        *asked; /* the primary, or the node that has the tests' keys; NULL: the server */
};

/** The program as a child: config, then mode ("--sentinel"; NULL: none). */
int redis_server_spawn(struct proc *proc, const char *config, const char *mode, struct err *err);

/** NULL where $TEST_REDIS asks for none. */
struct redis_group *redis_group_wanted(void);

/**
 * Starts server and the rest of the group, each with config, and sets server->url to what a program is to be
 * given. group is owned by server from there on, also on failure.
 */
int redis_group_start(struct redis_server *server, struct redis_group *group, const char *const *config,
                      struct err *err);
/** Whom a test asks: the primary, or the node that has the tests' slots. */
const struct redis_server *redis_group_asked(const struct redis_server *server);
/** After a restart of a node: the cluster serves again. */
bool redis_group_is_ready(const struct redis_server *server);
void redis_group_stop(struct redis_group *group);

#endif
