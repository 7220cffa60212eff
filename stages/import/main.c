/*
 * abm-import: makes validated devices known to the organization, at most 200 to a request.
 * What an operator needs to know is in README.md beside this file.
 */
#include <stdlib.h>

#include "../portal.h"
#include "../stage_crypto.h"
#include "import.h"

static int open_import(const struct stage_env *env, void **state_r, struct err *err)
{
    struct portal *portal = calloc(1, sizeof(*portal));

    if (portal == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the client");
    if (portal_open(portal, env, err) != 0) {
        free(portal);
        return -1;
    }
    *state_r = portal;
    return 0;
}

static int handle_import(void *state, struct batch *batch, struct err *err)
{
    struct portal *portal = state;

    return import_batch(&portal->api, batch, err);
}

static int probe_import(void *state, struct err *err)
{
    struct portal *portal = state;

    return abm_api_probe(&portal->api, err);
}

static void close_import(void *state)
{
    portal_close(state);
    free(state);
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
        .probe = probe_import,
        .close = close_import,
    };

    return stage_main(argc, argv, &import);
}
