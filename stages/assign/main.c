/*
 * abm-assign: reads what is assigned now, notes it, changes only what differs.
 * What an operator needs to know is in README.md beside this file.
 */
#include "../portal.h"
#include "../stage_crypto.h"
#include "assign.h"

struct worker {
    struct portal portal; /* first: portal.h */
    struct assign assign;
};

static int open_assign(const struct stage_env *env, void **state_r, struct err *err)
{
    struct worker *worker = portal_new(sizeof(*worker), env, err);

    if (worker == NULL)
        return -1;
    worker->assign.api = worker->portal.api;
    worker->assign.notes = env->notes;
    worker->assign.brake = env->brake;
    worker->assign.few = assign_few(&env->org->rate_limit, env->own->concurrency);
    worker->assign.fresh_ms = ASSIGN_FRESH_MS;
    *state_r = worker;
    return 0;
}

static int handle_assign(void *state, struct batch *batch, struct err *err)
{
    struct worker *worker = state;

    return assign_batch(&worker->assign, batch, err);
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
        .probe = portal_probe,
        .close = portal_free,
    };

    return stage_main(argc, argv, &assign);
}
