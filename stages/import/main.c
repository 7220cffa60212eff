/*
 * abm-import: makes validated devices known to the organization, at most 200 to a request.
 * What an operator needs to know is in README.md beside this file.
 */
#include "../portal.h"
#include "../stage_crypto.h"
#include "import.h"

static int open_import(const struct stage_env *env, void **state_r, struct err *err)
{
    *state_r = portal_new(sizeof(struct portal), env, err);
    return *state_r != NULL ? 0 : -1;
}

static int handle_import(void *state, struct batch *batch, struct err *err)
{
    struct portal *portal = state;

    return import_batch(&portal->api, batch, err);
}

int main(int argc, char **argv)
{
    static const struct stage import = {
        .name = "import",
        .crypto = &stage_crypto,
        .next = "assign",
        .help = "makes devices known to the organization",
        .needs_api = true,
        .open = open_import,
        .handle = handle_import,
        .probe = portal_probe,
        .close = portal_free,
    };

    return stage_main(argc, argv, &import);
}
