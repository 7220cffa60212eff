/* settings_issuer.c - where the ABM token comes from: api.token, or api.issuer and all that it needs. */
#include "base/str.h"
#include "domain/settings_table.h"

static int fail_at(const struct loaded *loaded, size_t org, const char *path, struct err *err,
                   enum err_code code, const char *what)
{
    struct setting_place place;

    setting_find_place(loaded, SCOPE_ORG, org, settings_row_of(SCOPE_ORG, path), &place);
    return setting_fail(&place, err, code, "%s", what);
}

static int check_whole(const struct loaded *loaded, size_t org, struct err *err)
{
    const struct issuer_settings *issuer = &loaded->settings.orgs[org].api_issuer;
    const struct {
        const char *value, *path;
    } needed[] = {
        { issuer->url, "api.issuer.url" },
        { issuer->issuer_id, "api.issuer.issuer_id" },
        { issuer->key_id, "api.issuer.key_id" },
        { issuer->private_key, "api.issuer.private_key" },
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i].value == NULL)
            return fail_at(loaded, org, needed[i].path, err, ERR_SETTINGS_MISSING,
                           "it is missing: api.issuer wants url, issuer_id, key_id and private_key");
    return 0;
}

int settings_check_issuer(const struct loaded *loaded, size_t org, struct err *err)
{
    const struct org_settings *settings = &loaded->settings.orgs[org];
    const struct issuer_settings *issuer = &settings->api_issuer;
    bool has_issuer = issuer->url != NULL || issuer->issuer_id != NULL || issuer->key_id != NULL ||
                      issuer->private_key != NULL;

    if (!has_issuer && settings->api_token == NULL)
        return fail_at(loaded, org, "api.token", err, ERR_SETTINGS_MISSING,
                       "it is missing: give api.token, or api.issuer");
    if (!has_issuer)
        return 0;
    if (settings->api_token != NULL)
        return fail_at(loaded, org, "api.token", err, ERR_SETTINGS,
                       "api.issuer is given too: the token comes from one of them");
    if (check_whole(loaded, org, err) != 0)
        return -1;
    if (!str_starts(issuer->url, "https://") && !settings->api_allow_http &&
        !setting_is_loopback(issuer->url))
        return fail_at(loaded, org, "api.issuer.url", err, ERR_SETTINGS,
                       "http sends the token in clear: use https, or set api.allow_http: true to take it all "
                       "the same");
    if (loaded->settings.secrets_seal_key == NULL) {
        struct setting_place place;

        setting_find_place(loaded, SCOPE_TOP, 0, settings_row_of(SCOPE_TOP, "secrets.seal_key"), &place);
        return setting_fail(&place, err, ERR_SETTINGS_MISSING,
                            "it is missing: api.issuer wants it, to seal the token that all workers share "
                            "(openssl rand -base64 32 makes one)");
    }
    return 0;
}
