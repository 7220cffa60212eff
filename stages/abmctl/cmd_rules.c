/* abmctl rules test and explain: the mapping without ABM and without Redis. */
#include "commands.h"

#include <string.h>

#include "base/str.h"
#include "domain/check.h"
#include "rules_file.h"
#include "rules_warn.h"

#define EXTRA_MAX 32

/* --blueprints, else the organization's; the settings are needed for the latter only. */
static int open_rules(struct ctl *ctl, const char *path, struct rules_file *file, struct err *err)
{
    if (path == NULL && ctl_open_org(ctl, err) != 0)
        return -1;
    return rules_file_load(file, path != NULL ? path : ctl->org->rules, err);
}

static void print_case(struct json_out *json, const struct mapping_case *test,
                       const struct mapping_case_result *result)
{
    json_begin(json, NULL, '{');
    json_add_int(json, "line", (int64_t)test->line);
    json_add_string(json, "serial", test->device.serial);
    json_add_bool(json, "passed", result->is_passed);
    json_add_string(json, "rule", result->rule != NULL ? result->rule->text : NULL);
    json_add_string(json, "blueprint_id", result->rule != NULL ? result->rule->blueprint_id : NULL);
    json_add_string(json, "text", result->is_passed ? NULL : result->text);
    json_end(json, '}');
}

static void show_case(const struct rules_file *file, const struct mapping_case *test,
                      const struct mapping_case_result *result)
{
    if (result->is_passed)
        printf("ok    %s: %s\n", ctl_shown(test->device.serial),
               result->rule != NULL ? ctl_shown(result->rule->text) : "no rule holds, as wanted");
    else
        printf("WRONG %s (%s line %zu): %s\n", ctl_shown(test->device.serial), ctl_shown(file->path),
               test->line, ctl_shown(result->text));
}

/* Warnings go behind the cases: on stderr, or as the member "warnings". Their number, or -1. */
static int show_warnings(struct ctl *ctl, const struct rules_file *file, struct json_out *json,
                         struct err *err)
{
    struct rules_warn_place place = {
        .ctl = ctl, .path = file->path, .mapping = file->mapping, .warnings = json
    };
    int64_t unjudged;
    int count;

    fflush(stdout); /* so that they stand behind the cases where both go to one place */
    json_begin(json, "warnings", '[');
    count = rules_warn(file->mapping, rules_warn_show, &place, &unjudged, err);
    json_end(json, ']');
    json_add_int(json, "unjudged", unjudged);
    return count;
}

/* *warnings_r: how many. */
static int run_cases(struct ctl *ctl, const struct rules_file *file, int *warnings_r, struct err *err)
{
    size_t count = mapping_case_count(file->mapping), failed = 0;
    struct json_out json;
    struct buf line;
    int rc = 0;

    buf_init(&line, 64u * 1024 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_begin(&json, "cases", '[');
    for (size_t i = 0; i < count; i++) {
        struct mapping_case_result result;

        mapping_run_case(file->mapping, i, &result);
        failed += !result.is_passed;
        if (ctl->is_json)
            print_case(&json, mapping_case_at(file->mapping, i), &result);
        else
            show_case(file, mapping_case_at(file->mapping, i), &result);
    }
    json_end(&json, ']');
    json_add_int(&json, "rules", (int64_t)mapping_count(file->mapping));
    json_add_int(&json, "passed", (int64_t)(count - failed));
    json_add_int(&json, "failed", (int64_t)failed);
    *warnings_r = show_warnings(ctl, file, &json, err);
    json_end(&json, '}');
    if (*warnings_r < 0)
        rc = -1;
    else if (ctl->is_json)
        rc = ctl_print_line(&line, err);
    else
        printf("%zu rules; %zu cases passed, %zu failed%s; %d warning%s\n", mapping_count(file->mapping),
               count - failed, failed, count == 0 ? ": the file has no tests: list" : "", *warnings_r,
               *warnings_r == 1 ? "" : "s");
    buf_release(&line);
    return rc != 0 ? -1 : (failed > 0 ? CTL_NO : CTL_DONE);
}

int cmd_rules_test(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *path = NULL;
    bool is_strict = false;
    const struct ctl_option rows[] = {
        { .name = "blueprints",
          .kind = CTL_TEXT,
          .to.text = &path,
          .value = "FILE",
          .help = "the mapping; else the organization's" },
        { .name = "strict",
          .kind = CTL_FLAG,
          .to.flag = &is_strict,
          .help = "exit 1 for a warning too: a rule never reached, no default" },
    };
    struct rules_file file;
    int first, rc = ctl_options(ctl, rows, 2, argc, argv, 0, 0, &first, err), warnings = 0;

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (open_rules(ctl, path, &file, err) != 0)
        return -1;
    rc = run_cases(ctl, &file, &warnings, err);
    if (rc == CTL_DONE && is_strict && warnings > 0)
        rc = CTL_NO;
    rules_file_release(&file);
    return rc;
}

/* "NAME=VALUE" of --extra; "extra.NAME=VALUE" is taken too. */
static int read_extra(const struct ctl_list *list, char names[EXTRA_MAX][128], struct device *device,
                      struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *text = str_starts(list->at[i], "extra.") ? list->at[i] + 6 : list->at[i];
        const char *equals = strchr(text, '=');

        if (i == EXTRA_MAX || equals == NULL || equals == text || equals - text >= 128)
            return err_set(err, ERR_USAGE, 0, "--extra '%.200s': wanted NAME=VALUE, at most %d of them",
                           list->at[i], EXTRA_MAX);
        snprintf(names[i], 128, "%.*s", (int)(equals - text), text);
        device->extra[i] = (struct device_extra){ .name = names[i], .value = equals + 1 };
    }
    device->extra_count = list->count;
    return 0;
}

/* Each rule up to the one that decides, with why it does or does not hold. */
static int explain_rules(struct ctl *ctl, const struct rules_file *file, const struct device *device,
                         const struct mapping_rule *decided, struct json_out *json, struct buf *why,
                         struct err *err)
{
    for (size_t i = 0; i < mapping_count(file->mapping); i++) {
        const struct mapping_rule *rule = mapping_at(file->mapping, i);
        int holds;

        buf_reset(why);
        holds = mapping_explain(file->mapping, i, device, why, err);
        if (holds < 0 || buf_check(why, "the explanation", err) != 0)
            return -1;
        if (ctl->is_json) {
            json_begin(json, NULL, '{');
            json_add_string(json, "rule", rule->text);
            json_add_int(json, "line", (int64_t)rule->line);
            json_add_bool(json, "holds", holds == 1);
            json_add_string(json, "why", why->len > 0 ? why->data : NULL);
            json_end(json, '}');
        } else {
            printf("%s %s (line %zu)%s%s\n", holds == 1 ? "*" : " ", ctl_shown(rule->text), rule->line,
                   why->len > 0 ? ": " : "", why->len > 0 ? ctl_shown(why->data) : "");
        }
        if (rule == decided)
            break;
    }
    return 0;
}

static int explain(struct ctl *ctl, const struct rules_file *file, const struct device *device,
                   struct err *err)
{
    const struct mapping_rule *rule = NULL;
    struct json_out json;
    struct buf line, why;
    int found = mapping_resolve(file->mapping, device, &rule, err), rc;

    if (found < 0)
        return -1;
    buf_init(&line, 64u * 1024 * 1024);
    buf_init(&why, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_begin(&json, "rules", '[');
    rc = explain_rules(ctl, file, device, rule, &json, &why, err);
    json_end(&json, ']');
    json_add_string(&json, "rule", rule != NULL ? rule->text : NULL);
    json_add_string(&json, "blueprint_id", rule != NULL ? rule->blueprint_id : NULL);
    json_add_string(&json, "mdm_server", rule != NULL ? rule->mdm_server : NULL);
    json_end(&json, '}');
    if (rc == 0 && ctl->is_json)
        rc = ctl_print_line(&line, err);
    else if (rc == 0 && rule != NULL)
        printf("%s gets blueprint %s%s%s by rule %s\n", ctl_shown(device->serial),
               ctl_shown(rule->blueprint_id), rule->mdm_server != NULL ? " on server " : "",
               rule->mdm_server != NULL ? ctl_shown(rule->mdm_server) : "", ctl_shown(rule->text));
    else if (rc == 0)
        printf("no rule holds for %s and there is no default: it would be rejected\n",
               ctl_shown(device->serial));
    buf_release(&why);
    buf_release(&line);
    return rc != 0 ? -1 : (rule != NULL ? CTL_DONE : CTL_NO);
}

/* The same check as push: a device that would be rejected has no rule to explain. */
static int check_device(struct ctl *ctl, const struct device *device, struct err *err)
{
    struct serial_pattern *pattern;
    int rc;

    if (ctl->org == NULL)
        return 0; /* --blueprints without settings: the pattern is not known */
    if (serial_pattern_new(ctl->org->serial_pattern, &pattern, err) != 0)
        return -1;
    rc = device_check(device, pattern, err);
    serial_pattern_free(pattern);
    return rc;
}

int cmd_rules_explain(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct device_extra extra[EXTRA_MAX];
    char names[EXTRA_MAX][128];
    struct device device = { .row = 1, .extra = extra };
    struct ctl_list list = { .count = 0 };
    const char *path = NULL;
    const struct ctl_option rows[] = {
        { .name = "serial",
          .kind = CTL_TEXT,
          .to.text = &device.serial,
          .value = "SERIAL",
          .help = "of the device" },
        { .name = "country",
          .kind = CTL_TEXT,
          .to.text = &device.country,
          .value = "CC",
          .help = "ISO 3166-1 alpha-2" },
        { .name = "model", .kind = CTL_TEXT, .to.text = &device.model, .value = "TEXT", .help = "" },
        { .name = "order-number",
          .kind = CTL_TEXT,
          .to.text = &device.order_number,
          .value = "TEXT",
          .help = "" },
        { .name = "asset-tag", .kind = CTL_TEXT, .to.text = &device.asset_tag, .value = "TEXT", .help = "" },
        { .name = "extra",
          .kind = CTL_LIST,
          .to.list = &list,
          .value = "NAME=VALUE",
          .help = "a further column; again for more" },
        { .name = "blueprints",
          .kind = CTL_TEXT,
          .to.text = &path,
          .value = "FILE",
          .help = "the mapping; else the organization's" },
    };
    struct rules_file file;
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (device.serial == NULL || device.country == NULL)
        return err_set(err, ERR_USAGE, 0, "rules explain: --%s is missing",
                       device.serial == NULL ? "serial" : "country");
    if (read_extra(&list, names, &device, err) != 0 || open_rules(ctl, path, &file, err) != 0)
        return -1;
    rc = check_device(ctl, &device, err);
    if (rc == 0)
        rc = explain(ctl, &file, &device, err);
    rules_file_release(&file);
    return rc;
}
