/* abmctl config check and print. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "domain/check.h"
#include "rules_file.h"
#include "rules_warn.h"
#include "stage/redis_settings.h"

static int check_reference(const char *name, const char *reference, struct err *err)
{
    if (reference != NULL && secret_check_reference(reference, err) != 0)
        return err_prefix(err, "%s", name);
    return 0;
}

static int check_rules(struct ctl *ctl, const struct org_settings *org, struct json_out *warnings,
                       struct err *err)
{
    struct rules_file rules;
    struct rules_warn_place place = {
        .ctl = ctl, .path = org->rules, .org = org->name, .warnings = warnings
    };
    int64_t unjudged;
    int rc;

    if (rules_file_load(&rules, org->rules, err) != 0)
        return err_prefix(err, "orgs.%s.rules", org->name);
    place.mapping = rules.mapping;
    rc = rules_warn(rules.mapping, rules_warn_show, &place, &unjudged, err);
    rules_file_release(&rules);
    return rc < 0 ? -1 : 0;
}

/* What loading cannot see: that pattern and rules compile, and that references to secrets have a form we
 * know. */
static int check_org(struct ctl *ctl, const struct org_settings *org, struct json_out *warnings,
                     struct err *err)
{
    struct serial_pattern *pattern;

    if (serial_pattern_new(org->serial_pattern, &pattern, err) != 0)
        return err_prefix(err, "orgs.%s.serial_pattern", org->name);
    serial_pattern_free(pattern);
    if (check_reference("api.token", org->api_token, err) != 0 ||
        check_reference("api.issuer.private_key", org->api_issuer.private_key, err) != 0)
        return err_prefix(err, "orgs.%s", org->name);
    return check_rules(ctl, org, warnings, err);
}

/* The URL's form, TLS in this build and its files; nothing is asked of the server. */
static int check_redis(const struct settings *settings, struct err *err)
{
    struct redis_settings redis_settings = redis_settings_of(settings, NULL, NULL);
    struct redis *redis = NULL;
    int rc = redis_new(&redis_settings, &redis, err);

    redis_free(redis);
    return rc;
}

static int check_all(struct ctl *ctl, struct json_out *warnings, struct err *err)
{
    const struct settings *settings = ctl->settings;

    for (size_t i = 0; i < settings->org_count; i++)
        if (check_org(ctl, &settings->orgs[i], warnings, err) != 0)
            return err_prefix(err, "%s", settings->path);
    if (check_redis(settings, err) != 0 ||
        check_reference("redis.password", settings->redis_password, err) != 0 ||
        check_reference("redis.sentinel_password", settings->redis_sentinel_password, err) != 0 ||
        check_reference("secrets.seal_key", settings->secrets_seal_key, err) != 0 ||
        check_reference("secrets.vault.token", settings->secrets_vault.token, err) != 0 ||
        check_reference("secrets.vault.secret_id", settings->secrets_vault.secret_id, err) != 0 ||
        check_reference("secrets.vault.jwt", settings->secrets_vault.jwt, err) != 0)
        return err_prefix(err, "%s", settings->path);
    return 0;
}

/* The answer: one object under --json, with the warnings of the rules in it; else a line. */
static int check_and_tell(struct ctl *ctl, struct json_out *json, struct buf *line, struct err *err)
{
    json_begin(json, NULL, '{');
    json_add_string(json, "path", ctl->settings->path);
    json_begin(json, "orgs", '[');
    for (size_t i = 0; i < ctl->settings->org_count; i++)
        json_add_string(json, NULL, ctl->settings->orgs[i].name);
    json_end(json, ']');
    json_begin(json, "warnings", '[');
    if (check_all(ctl, json, err) != 0)
        return -1;
    json_end(json, ']');
    json_end(json, '}');
    if (ctl->is_json)
        return ctl_print_line(line, err);
    printf("%s is correct: %zu organization%s\n", ctl_shown(ctl->settings->path), ctl->settings->org_count,
           ctl->settings->org_count == 1 ? "" : "s");
    return 0;
}

int cmd_config_check(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct json_out json;
    struct buf line;
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (ctl_open_settings(ctl, err) != 0)
        return -1;
    buf_init(&line, 16u * 1024 * 1024);
    json_out_init(&json, &line);
    rc = check_and_tell(ctl, &json, &line, err);
    buf_release(&line);
    return rc;
}

int cmd_config_print(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    bool is_help = false;
    const struct ctl_option rows[] = {
        { .name = "help-table",
          .kind = CTL_FLAG,
          .to.flag = &is_help,
          .help = "instead: the table of config/README.md" },
    };
    struct buf out;
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (!is_help && ctl_open_settings(ctl, err) != 0)
        return -1;
    buf_init(&out, 4 * 1024 * 1024);
    if (is_help)
        settings_print_help(&out);
    else
        settings_print(ctl->settings, &out);
    rc = buf_check(&out, "the settings", err);
    if (rc == 0)
        rc = ctl_print(out.data, out.len, err);
    buf_release(&out);
    return rc;
}
