/*
 * abm-validate: checks each device of an ingest message, finds duplicates, resolves what the rules want.
 * What an operator needs to know is in README.md beside this file.
 */
#include "../portal.h"
#include "../stage_crypto.h"
#include "validate.h"

struct worker {
    struct portal portal; /* first: portal.h */
    struct validate validate;
};

static void close_validate(void *state)
{
    struct worker *worker = state;

    validate_release(&worker->validate);
    portal_free(worker);
}

static int open_validate(const struct stage_env *env, void **state_r, struct err *err)
{
    struct worker *worker = portal_new(sizeof(*worker), env, err);

    if (worker == NULL)
        return -1;
    if (validate_init(&worker->validate, worker->portal.api, env->runbook, env->org, err) != 0) {
        portal_free(worker);
        return -1;
    }
    *state_r = worker;
    return 0;
}

static int handle_validate(void *state, struct batch *batch, struct err *err)
{
    struct worker *worker = state;

    return validate_batch(&worker->validate, batch, err);
}

int main(int argc, char **argv)
{
    static const struct stage validate = {
        .name = "validate",
        .crypto = &stage_crypto,
        .next = "import",
        .help = "checks devices, finds duplicates, resolves their blueprints by the rules",
        .needs_api = true,
        .open = open_validate,
        .handle = handle_validate,
        .probe = portal_probe,
        .close = close_validate,
    };

    return stage_main(argc, argv, &validate);
}
