/*
 * abm-verify: reads back until what is wanted is in effect.
 * What an operator needs to know is in README.md beside this file.
 */
#include "../portal.h"
#include "../stage_crypto.h"
#include "verify.h"

struct worker {
    struct portal portal; /* first: portal.h */
    struct verify verify;
};

static int open_verify(const struct stage_env *env, void **state_r, struct err *err)
{
    struct worker *worker = portal_new(sizeof(*worker), env, err);

    if (worker == NULL)
        return -1;
    worker->verify.api = worker->portal.api;
    worker->verify.cache = env->cache;
    worker->verify.timeout_ms = env->org->api_timeout_ms;
    worker->verify.deadline_ms = env->own->deadline_ms;
    *state_r = worker;
    return 0;
}

static int handle_verify(void *state, struct batch *batch, struct err *err)
{
    struct worker *worker = state;

    return verify_batch(&worker->verify, batch, err);
}

int main(int argc, char **argv)
{
    static const struct stage verify = {
        .name = "verify",
        .crypto = &stage_crypto,
        .next = "audit",
        .help = "reads back until each change is in effect",
        .needs_api = true,
        .open = open_verify,
        .handle = handle_verify,
        .probe = portal_probe,
        .close = portal_free,
    };

    return stage_main(argc, argv, &verify);
}
