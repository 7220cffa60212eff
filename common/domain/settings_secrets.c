/* settings_secrets.c - secrets.vault: what belongs together there, and who refers to it. */
#include <string.h>

#include "base/str.h"
#include "domain/settings_table.h"

static int fail_at(const struct loaded *loaded, const char *path, struct err *err, const char *what)
{
    struct setting_place place;

    setting_find_place(loaded, SCOPE_TOP, 0, settings_row_of(SCOPE_TOP, path), &place);
    return setting_fail(&place, err, ERR_SETTINGS, "%s", what);
}

static int need(const struct loaded *loaded, const char *value, const char *path, struct err *err)
{
    struct setting_place place;

    if (value != NULL)
        return 0;
    setting_find_place(loaded, SCOPE_TOP, 0, settings_row_of(SCOPE_TOP, "secrets.vault.auth"), &place);
    return setting_fail(&place, err, ERR_SETTINGS_MISSING, "%s is missing: auth: %s wants it", path,
                        loaded->settings.secrets_vault.auth);
}

static int check_vault(const struct loaded *loaded, struct err *err)
{
    const struct vault_location *vault = &loaded->settings.secrets_vault;

    if (!str_starts(vault->address, "https://") && !setting_is_loopback(vault->address))
        return fail_at(loaded, "secrets.vault.address", err, "http sends secrets in clear: use https");
    if (strcmp(vault->auth, "approle") == 0)
        return need(loaded, vault->role_id, "secrets.vault.role_id", err) != 0 ||
                       need(loaded, vault->secret_id, "secrets.vault.secret_id", err) != 0
                   ? -1
                   : 0;
    if (strcmp(vault->auth, "kubernetes") == 0)
        return need(loaded, vault->role, "secrets.vault.role", err);
    return need(loaded, vault->token, "secrets.vault.token", err);
}

/* A reference to Vault wants an address of it, and what logs in at Vault cannot be there itself. */
static int check_reference(const struct loaded *loaded, enum setting_scope scope, size_t instance, size_t row,
                           struct err *err)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);
    const char *text =
        *(const char *const *)((const char *)setting_base(loaded, scope, instance) + rows[row].offset);
    struct setting_place place;

    if (text == NULL || !str_starts(text, "vault:"))
        return 0;
    setting_find_place(loaded, scope, instance, row, &place);
    if (str_starts(rows[row].path, "secrets.vault."))
        return setting_fail(&place, err, ERR_SETTINGS,
                            "what logs in at Vault cannot be read from there: use env:, file: or systemd:");
    if (loaded->settings.secrets_vault.address == NULL)
        return setting_fail(&place, err, ERR_SETTINGS_MISSING,
                            "it is in Vault, but secrets.vault.address is not set");
    return 0;
}

int settings_check_secrets(struct loaded *loaded, struct err *err)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);

    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; rows[row].type == SETTING_SECRET && i < setting_instances(loaded, rows[row].scope);
             i++)
            if (check_reference(loaded, rows[row].scope, i, row, err) != 0)
                return -1;
    return loaded->settings.secrets_vault.address != NULL ? check_vault(loaded, err) : 0;
}
