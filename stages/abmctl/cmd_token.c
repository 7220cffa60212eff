/* abmctl token: the ABM token that all workers share (api.issuer). Never the token itself. */
#include "commands.h"

#include <stdio.h>

#include "abm/shared_token.h"
#include "base/clock.h"
#include "ctl_portal.h"

/* Settings, Redis, and that there is a shared token at all. 1: the help was shown. */
static int open_ctl(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc;
    if (ctl_open_org(ctl, err) != 0)
        return -1;
    if (ctl->org->api_issuer.url == NULL)
        return err_set(err, ERR_USAGE, 0,
                       "orgs.%s has api.token, which nobody renews or shares: there is no api.issuer",
                       ctl->org->name);
    return ctl_open_redis(ctl, err);
}

static int print_json(const struct sealed_value *value, bool has_value, int64_t now_ms, struct err *err)
{
    char time[CLOCK_ISO_BYTES];
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 16 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "id", has_value ? value->id : NULL);
    if (has_value) {
        json_add_string(&json, "expires_at", clock_iso(value->expires_ms, time));
        json_add_bool(&json, "is_expired", value->expires_ms <= now_ms);
        json_add_string(&json, "refreshed_at", clock_iso(value->at_ms, time));
        json_add_int(&json, "age_ms", now_ms - value->at_ms);
        json_add_string(&json, "refreshed_by", value->by);
    }
    json_add_string(&json, "failure_code", value->code[0] != '\0' ? value->code : NULL);
    json_add_string(&json, "failure", value->code[0] != '\0' ? value->why : NULL);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static void print_text(const struct sealed_value *value, bool has_value, int64_t now_ms)
{
    char time[CLOCK_ISO_BYTES], left[32], age[32];
    int64_t left_ms = value->expires_ms - now_ms;

    if (!has_value) {
        printf("there is no token: the next call asks the issuer for one\n");
    } else {
        printf("id       %s\n", ctl_shown(value->id));
        printf(
            "expires  %s (%s%s)\n", clock_iso(value->expires_ms, time),
            left_ms > 0 ? "in " : "it has expired: ", clock_duration(left_ms > 0 ? left_ms : -left_ms, left));
        printf("age      %s\n", clock_duration(now_ms > value->at_ms ? now_ms - value->at_ms : 0, age));
        printf("by       %s\n", ctl_shown(value->by));
    }
    if (value->code[0] != '\0')
        printf("the last renewal failed: %s: %s\n", ctl_shown(value->code), ctl_shown(value->why));
}

/* 0, or CTL_NO where there is no token that is good. */
static int show(struct ctl *ctl, struct sealed *sealed, struct err *err)
{
    int64_t now_ms = clock_real_ms();
    struct sealed_value value;
    int found, rc = 0;

    sealed_value_init(&value);
    found = sealed_read(sealed, SHARED_TOKEN_NAME, &value, err);
    if (found >= 0 && ctl->is_json)
        rc = print_json(&value, found == 1, now_ms, err);
    else if (found >= 0)
        print_text(&value, found == 1, now_ms);
    sealed_value_release(&value);
    if (found < 0 || rc != 0)
        return -1;
    return found == 1 && value.expires_ms > now_ms ? CTL_DONE : CTL_NO;
}

int cmd_token_show(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    int rc = open_ctl(ctl, argc, argv, err);
    struct sealed sealed;

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    sealed = shared_sealed(&ctl->shared);
    return show(ctl, &sealed, err);
}

int cmd_token_refresh(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct ctl_portal portal = { .client = NULL };
    int rc = open_ctl(ctl, argc, argv, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    rc = ctl_portal_open(ctl, &portal, err);
    if (rc == 0)
        rc = abm_renew_token(portal.client, err);
    if (rc == 0)
        rc = show(ctl, &portal.sealed, err);
    ctl_portal_close(&portal);
    return rc;
}

int cmd_token_revoke_local(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    int rc = open_ctl(ctl, argc, argv, err);
    struct sealed sealed;

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    sealed = shared_sealed(&ctl->shared);
    rc = sealed_drop(&sealed, SHARED_TOKEN_NAME, err);
    if (rc < 0)
        return -1;
    if (ctl->is_json)
        printf("{\"removed\":%s}\n", rc == 1 ? "true" : "false");
    else
        printf("%s\n", rc == 1
                           ? "removed: within a second every worker asks anew; to the issuer the token is "
                             "as good as before"
                           : "there was no token");
    return CTL_DONE;
}
