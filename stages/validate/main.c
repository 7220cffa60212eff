/*
 * abm-validate: checks each device of an ingest message, finds duplicates, resolves what the rules want.
 * What an operator needs to know is in README.md beside this file.
 */
#include <stdlib.h>

#include "../portal.h"
#include "../stage_crypto.h"
#include "validate.h"

struct worker {
    struct portal portal;
    struct validate validate;
};

static void close_validate(void *state)
{
    struct worker *worker = state;

    validate_release(&worker->validate);
    portal_close(&worker->portal);
    free(worker);
}

static int open_validate(const struct stage_env *env, void **state_r, struct err *err)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the client");
    if (portal_open(&worker->portal, env, err) != 0) {
        free(worker);
        return -1;
    }
    if (validate_init(&worker->validate, worker->portal.api, env->runbook, env->org, err) != 0) {
        portal_close(&worker->portal);
        free(worker);
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

static int probe_validate(void *state, struct err *err)
{
    struct worker *worker = state;

    return abm_api_probe(&worker->portal.api, err);
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
        .probe = probe_validate,
        .close = close_validate,
    };

    return stage_main(argc, argv, &validate);
}
