/* abmctl config check and print. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "domain/check.h"
#include "rules_file.h"
#include "stage/redis_settings.h"

static int check_reference(const char *name, const char *reference, struct err *err)
{
    if (reference != NULL && secret_check_reference(reference, err) != 0)
        return err_prefix(err, "%s", name);
    return 0;
}

/* What loading cannot see: that pattern and rules compile, and that references to secrets have a form we
 * know. */
static int check_org(const struct org_settings *org, struct err *err)
{
    struct serial_pattern *pattern;
    struct rules_file rules;

    if (serial_pattern_new(org->serial_pattern, &pattern, err) != 0)
        return err_prefix(err, "orgs.%s.serial_pattern", org->name);
    serial_pattern_free(pattern);
    if (check_reference("api.token", org->api_token, err) != 0)
        return err_prefix(err, "orgs.%s", org->name);
    if (rules_file_load(&rules, org->rules, err) != 0)
        return err_prefix(err, "orgs.%s.rules", org->name);
    rules_file_release(&rules);
    return 0;
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

static int check_all(const struct settings *settings, struct err *err)
{
    for (size_t i = 0; i < settings->org_count; i++)
        if (check_org(&settings->orgs[i], err) != 0)
            return err_prefix(err, "%s", settings->path);
    if (check_redis(settings, err) != 0 ||
        check_reference("redis.password", settings->redis_password, err) != 0 ||
        check_reference("redis.sentinel_password", settings->redis_sentinel_password, err) != 0 ||
        check_reference("secrets.seal_key", settings->secrets_seal_key, err) != 0)
        return err_prefix(err, "%s", settings->path);
    return 0;
}

int cmd_config_check(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct json_out json;
    struct buf line;
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (ctl_open_settings(ctl, err) != 0 || check_all(ctl->settings, err) != 0)
        return -1;
    if (!ctl->is_json) {
        printf("%s is correct: %zu organization%s\n", ctl_shown(ctl->settings->path),
               ctl->settings->org_count, ctl->settings->org_count == 1 ? "" : "s");
        return CTL_DONE;
    }
    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "path", ctl->settings->path);
    json_begin(&json, "orgs", '[');
    for (size_t i = 0; i < ctl->settings->org_count; i++)
        json_add_string(&json, NULL, ctl->settings->orgs[i].name);
    json_end(&json, ']');
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
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
