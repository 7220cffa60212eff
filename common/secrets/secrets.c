#include "secrets/secrets.h"

#include <string.h>

static enum vault_auth auth_of(const char *name)
{
    if (strcmp(name, "approle") == 0)
        return VAULT_AUTH_APPROLE;
    return strcmp(name, "kubernetes") == 0 ? VAULT_AUTH_KUBERNETES : VAULT_AUTH_TOKEN;
}

int secrets_open(const struct settings *settings, const struct vault_warn *warn, struct err *err)
{
    const struct vault_location *vault = &settings->secrets_vault;
    struct vault_settings client = {
        .address = vault->address,
        .name_space = vault->name_space,
        .ca_file = vault->ca_file,
        .mount = vault->mount,
        .token = vault->token,
        .role_id = vault->role_id,
        .secret_id = vault->secret_id,
        .role = vault->role,
        .jwt = vault->jwt,
        .allow_mount_mode = settings->secrets_allow_mount_mode,
        .timeout_ms = vault->timeout_ms,
        .user_agent = "abm-pipeline/" ABM_VERSION,
    };

    if (vault->address == NULL)
        return 0;
    client.auth = auth_of(vault->auth);
    if (vault_scheme_serve(&client, warn, err) != 0)
        return err_prefix(err, "secrets.vault");
    return 0;
}

void secrets_tend(void)
{
    vault_scheme_tend();
}

void secrets_close(void)
{
    vault_scheme_close();
}
