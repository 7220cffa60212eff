/*
 * abm-assign: reads what is assigned now, notes it, changes only what differs.
 * What an operator needs to know is in README.md beside this file.
 */
#include <stdlib.h>

#include "../portal.h"
#include "../stage_crypto.h"
#include "assign.h"

struct worker {
    struct portal portal;
    struct assign assign;
};

static int open_assign(const struct stage_env *env, void **state_r, struct err *err)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the client");
    if (portal_open(&worker->portal, env, err) != 0) {
        free(worker);
        return -1;
    }
    worker->assign.api = worker->portal.api;
    worker->assign.notes = env->notes;
    *state_r = worker;
    return 0;
}

static int handle_assign(void *state, struct batch *batch, struct err *err)
{
    struct worker *worker = state;

    return assign_batch(&worker->assign, batch, err);
}

static int probe_assign(void *state, struct err *err)
{
    struct worker *worker = state;

    return abm_api_probe(&worker->portal.api, err);
}

static void close_assign(void *state)
{
    struct worker *worker = state;

    portal_close(&worker->portal);
    free(worker);
}

int main(int argc, char **argv)
{
    static const struct stage assign = {
        .name = "assign",
        .crypto = &stage_crypto,
        .next = "verify",
        .help = "assigns blueprints and MDM servers, changing only what differs",
        .needs_api = true,
        .open = open_assign,
        .handle = handle_assign,
        .probe = probe_assign,
        .close = close_assign,
    };

    return stage_main(argc, argv, &assign);
}
