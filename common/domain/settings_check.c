/* settings_check.c - what can be judged only when all values are there. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/settings_table.h"

#define API_TIMEOUT_MS 15000

bool setting_is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    size_t dots = 0;

    if (len == 9 && strncasecmp(host, "localhost", 9) == 0)
        return true;
    if (len == 5 && strncmp(host, "[::1]", 5) == 0)
        return true;
    if (strncmp(host, "127.", 4) != 0 || strspn(host, "0123456789.") != len)
        return false;
    for (size_t i = 0; i < len; i++)
        dots += host[i] == '.';
    return dots == 3;
}

static int check_url(const struct loaded *loaded, size_t index, struct err *err)
{
    const struct org_settings *org = &loaded->settings.orgs[index];
    struct setting_place place;

    if (str_starts(org->api_base_url, "https://") || org->api_allow_http ||
        setting_is_loopback(org->api_base_url))
        return 0;
    setting_find_place(loaded, SCOPE_ORG, index, settings_row_of(SCOPE_ORG, "api.base_url"), &place);
    return setting_fail(
        &place, err, ERR_SETTINGS,
        "http sends the token in clear: use https, or set api.allow_http: true to take it all the same");
}

/* A worker whose lease has run out must have no request under way: a time-out is below half the lease. */
static int check_timeout(const struct loaded *loaded, size_t index, struct err *err)
{
    static const enum stage_index stages[] = { STAGE_IMPORT, STAGE_ASSIGN, STAGE_VERIFY };
    struct org_settings *org = &loaded->settings.orgs[index];
    enum stage_index least = STAGE_IMPORT;
    struct setting_place place;
    int64_t lease_ms;
    char text[32], lease_text[32];

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        if (loaded->settings.stages[stages[i]].lease_ms < loaded->settings.stages[least].lease_ms)
            least = stages[i];
    lease_ms = loaded->settings.stages[least].lease_ms;
    if (org->api_timeout_ms == 0)
        org->api_timeout_ms = lease_ms / 3 < API_TIMEOUT_MS ? lease_ms / 3 : API_TIMEOUT_MS;
    if (org->api_timeout_ms * 2 < lease_ms)
        return 0;
    setting_find_place(loaded, SCOPE_ORG, index, settings_row_of(SCOPE_ORG, "api.timeout"), &place);
    return setting_fail(&place, err, ERR_SETTINGS, "%s is not below half of stages.%s.lease, which is %s",
                        clock_duration(org->api_timeout_ms, text), stage_index_name(least),
                        clock_duration(lease_ms, lease_text));
}

/* More approvals than there are who may give them: no plan could ever be applied. */
static int check_approvals(const struct loaded *loaded, struct err *err)
{
    const struct settings *settings = &loaded->settings;
    struct setting_place place;

    if (settings->apply_require_approvals <= (int64_t)settings->apply_approver_count)
        return 0;
    setting_find_place(loaded, SCOPE_TOP, 0, settings_row_of(SCOPE_TOP, "apply.require_approvals"), &place);
    return setting_fail(&place, err, ERR_SETTINGS, "%lld approvals are wanted, but apply.approvers names %zu",
                        (long long)settings->apply_require_approvals, settings->apply_approver_count);
}

int settings_check(struct loaded *loaded, struct err *err)
{
    if (check_approvals(loaded, err) != 0 || settings_check_secrets(loaded, err) != 0)
        return -1;
    for (size_t i = 0; i < loaded->settings.org_count; i++)
        if (check_url(loaded, i, err) != 0 || check_timeout(loaded, i, err) != 0 ||
            settings_check_issuer(loaded, i, err) != 0)
            return -1;
    return 0;
}
