#include "applying.h"

#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "crypto/sha256.h"
#include "ctl_portal.h"
#include "domain/mapping.h"
#include "fresh_cache.h"

#define AHEAD_MAX_MS (INT64_C(5) * 60 * 1000) /* clocks of two machines may differ by so much */
#define POOL_BYTES   (1u << 20)

/* --- without a server --- */

static int check_org(const struct applying *applying, struct err *err)
{
    const struct plan_head *head = &applying->file.head;
    const struct org_settings *org = applying->ctl->org;

    if (strcmp(head->org, org->name) != 0)
        return err_set(err, ERR_PLAN_ORG, 0, "%s is a plan of organization %s, this is %s",
                       applying->file.path, head->org, org->name);
    if (strcmp(head->dialect, org->api_dialect) != 0)
        return err_set(err, ERR_PLAN_ORG, 0, "%s was made over %s, organization %s has %s",
                       applying->file.path, head->dialect, org->name, org->api_dialect);
    return 0;
}

int applying_check_age(const struct plan_head *head, int64_t now_ms, int64_t max_age_ms, struct err *err)
{
    char made[CLOCK_ISO_BYTES], took[32], most[32];
    int64_t age_ms = now_ms - head->created_at_ms;

    clock_iso(head->created_at_ms, made);
    if (age_ms < -AHEAD_MAX_MS)
        return err_set(err, ERR_PLAN_STALE, 0,
                       "the plan was made at %s, which is %s ahead of this machine's clock", made,
                       clock_duration(-age_ms, took));
    if (age_ms > max_age_ms)
        return err_set(err, ERR_PLAN_STALE, 0, "the plan was made at %s, %s ago; plan.max_age is %s", made,
                       clock_duration(age_ms, took), clock_duration(max_age_ms, most));
    return 0;
}

static int check_age(const struct applying *applying, struct err *err)
{
    const struct ctl *ctl = applying->ctl;

    if (applying_check_age(&applying->file.head, clock_real_ms(), ctl->settings->plan_max_age_ms, err) == 0)
        return 0;
    return err_prefix(err, "%s", applying->file.path);
}

static int read_keys(const struct settings *settings, struct verifier keys[APPROVERS_MAX], struct err *err)
{
    for (size_t i = 0; i < settings->apply_approver_count; i++)
        if (approval_key(settings->apply_approvers[i], settings->path, &keys[i], err) != 0)
            return err_prefix(err, "apply.approvers");
    return 0;
}

/* Those whose signature counts, in the plan's order. */
static void list_approvers(struct applying *applying)
{
    size_t used = 0;

    for (size_t i = 0; i < applying->approvals.count; i++) {
        const struct approval *approval = &applying->approvals.at[i];

        if (approval->is_trusted && used + SHA256_HEX <= APPROVERS_BYTES)
            used += (size_t)snprintf(applying->approvers + used, APPROVERS_BYTES - used, "%s%s",
                                     used > 0 ? "," : "", approval->trusted_keyid);
    }
}

static int check_approvals(struct applying *applying, struct err *err)
{
    const struct settings *settings = applying->ctl->settings;

    if (read_keys(settings, applying->keys, err) != 0)
        return -1;
    if (approval_check(&applying->file.head, applying->keys, settings->apply_approver_count,
                       (size_t)settings->apply_require_approvals, applying->file.pool, &applying->approvals,
                       err) != 0)
        return err_prefix(err, "%s", applying->file.path);
    list_approvers(applying);
    return 0;
}

int applying_open(struct applying *applying, struct ctl *ctl, const char *path, struct err *err)
{
    *applying = (struct applying){ .ctl = ctl, .file.fd = -1 };
    if (plan_file_open(&applying->file, path, err) != 0 || ctl_open_org(ctl, err) != 0 ||
        check_org(applying, err) != 0 || check_age(applying, err) != 0 || check_approvals(applying, err) != 0)
        return -1;
    return plan_uses_read(&applying->uses, &applying->file, err);
}

void applying_release(struct applying *applying)
{
    plan_uses_release(&applying->uses);
    plan_file_close(&applying->file);
}

static void tell_rules(const struct applying *applying)
{
    const char *planned = applying->file.head.mapping_sha256, *path = applying->ctl->org->rules;
    struct err why = ERR_INIT;
    char sha256[SHA256_HEX];
    struct buf text;

    if (planned == NULL)
        return;
    buf_init(&text, MAPPING_MAX_BYTES);
    if (fsio_read(path, &text, &why) != 0) {
        ctl_say(applying->ctl, "the rules of now cannot be read (%s): the plan stands as it is", why.text);
    } else {
        sha256_hex(text.len > 0 ? text.data : "", text.len, sha256);
        if (strcmp(sha256, planned) != 0)
            ctl_say(
                applying->ctl,
                "%s is not what the plan was made with (SHA-256 %.12s, then %.12s): the plan stands as it is",
                path, sha256, planned);
    }
    buf_release(&text);
}

void applying_tell(const struct applying *applying)
{
    const struct approval_list *approvals = &applying->approvals;

    tell_rules(applying);
    if (applying->ctl->settings->apply_approver_count == 0)
        return; /* nobody is asked */
    for (size_t i = 0; i < approvals->count; i++)
        if (!approvals->at[i].is_trusted)
            ctl_say(applying->ctl, "the approval of %s does not count: %s",
                    ctl_shown(approvals->at[i].approver), ctl_shown(approvals->at[i].problem));
}

/* --- ABM --- */

static int gone(const struct applying *applying, const char *what, const struct plan_name *name,
                struct err *err)
{
    return err_set(err, ERR_PLAN_GONE, 0, "%s: ABM has no %s %s any more, which %lld device%s would get",
                   applying->file.path, what, name->id, (long long)plan_name_wanted(name),
                   plan_name_wanted(name) == 1 ? "" : "s");
}

static int check_names(const struct applying *applying, const struct abm_api *api, struct pool *pool,
                       struct err *err)
{
    const struct plan_names *blueprints = &applying->uses.blueprints, *servers = &applying->uses.servers;
    enum abm_known known;
    const char *id;

    for (size_t i = 0; i < blueprints->count; i++) {
        if (plan_name_wanted(&blueprints->at[i]) == 0)
            continue; /* it is only taken away */
        if (abm_api_blueprint_known(api, blueprints->at[i].id, &known, err) != 0)
            return -1;
        if (known != ABM_KNOWN)
            return gone(applying, "blueprint", &blueprints->at[i], err);
    }
    for (size_t i = 0; i < servers->count; i++) {
        pool_reset(pool);
        if (abm_api_server_find(api, servers->at[i].id, pool, &id, &known, err) != 0)
            return -1;
        if (known != ABM_KNOWN || strcmp(id, servers->at[i].id) != 0)
            return gone(applying, "MDM server", &servers->at[i], err);
    }
    return 0;
}

int applying_check_catalog(struct applying *applying, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct ctl_portal portal;
    struct cache shared;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = ctl_portal_open(applying->ctl, &portal, err);
    if (rc == 0) {
        shared = portal.cache;
        portal.cache = fresh_cache_over(&shared);
        rc = check_names(applying, &portal.api, pool, err);
    }
    ctl_portal_close(&portal);
    pool_free(pool);
    return rc;
}
