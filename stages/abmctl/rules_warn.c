#include "rules_warn.h"

#include "domain/rule_cover.h"

#define NAMED_MAX 8 /* rules that are named one by one */

/* "rule 2: country == 'JP' (line 6) takes", "rules 1, 2 and 5 (lines 4, 6 and 9) together take" */
static void add_takers(struct buf *text, const struct mapping *mapping,
                       const struct rule_cover_result *result)
{
    size_t count = result->taker_count, named = count > NAMED_MAX ? NAMED_MAX : count;

    if (count == 1) {
        const struct mapping_rule *rule = mapping_at(mapping, result->takers[0]);

        buf_addf(text, "rule %s (line %zu) takes", rule->text, rule->line);
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        buf_add_str(text, pass == 0 ? "rules " : " (lines ");
        for (size_t i = 0; i < named; i++) {
            const struct mapping_rule *rule = mapping_at(mapping, result->takers[i]);

            buf_addf(text, "%s%zu",
                     i == 0           ? ""
                     : i + 1 == count ? " and "
                                      : ", ",
                     pass == 0 ? rule->number : rule->line);
        }
        if (named < count)
            buf_addf(text, " and %zu more", count - named);
    }
    buf_add_str(text, ") together take");
}

/* 1 where there was something to say. */
static int warn_of_rule(const struct mapping *mapping, size_t index, const struct rule_cover_result *result,
                        rules_warn_fn *warn, void *ctx, struct err *err)
{
    const struct mapping_rule *rule = mapping_at(mapping, index);
    struct rules_warning warning = {
        .line = rule->line, .rule = rule, .takers = result->takers, .taker_count = result->taker_count
    };
    struct buf text;
    int rc;

    if (result->kind != COVER_NEVER && result->kind != COVER_TAKEN)
        return 0;
    buf_init(&text, 16 * 1024);
    if (result->kind == COVER_NEVER) {
        warning.kind = "unreachable";
        buf_addf(&text, "rule %s can never hold: its condition contradicts itself", rule->text);
    } else {
        warning.kind = "shadowed";
        buf_addf(&text, "rule %s is never reached: ", rule->text);
        add_takers(&text, mapping, result);
        buf_add_str(&text, " every device that it could hold for");
    }
    warning.text = text.data;
    rc = buf_check(&text, "the warning", err);
    if (rc == 0)
        rc = warn(ctx, &warning, err);
    buf_release(&text);
    return rc == 0 ? 1 : -1;
}

/* Where the rules take every device together, no default is missing. */
static int warn_of_default(const struct mapping *mapping, struct rule_cover *cover, rules_warn_fn *warn,
                           void *ctx, struct err *err)
{
    const struct mapping_rule *last = mapping_at(mapping, mapping_count(mapping) - 1);
    struct rules_warning warning = { .kind = "no_default",
                                     .line = last->line,
                                     .text = "there is no default behind the last rule: a device that no "
                                             "rule holds for is rejected" };
    struct rule_cover_result result;

    if (last->condition == NULL)
        return 0;
    rule_cover_judge(cover, mapping_count(mapping), &result);
    if (result.kind == COVER_TAKEN)
        return 0;
    return warn(ctx, &warning, err) == 0 ? 1 : -1;
}

int rules_warn(const struct mapping *mapping, rules_warn_fn *warn, void *ctx, int64_t *unjudged_r,
               struct err *err)
{
    struct rule_cover *cover = rule_cover_new(mapping);
    int count = 0, rc = 0;

    *unjudged_r = 0;
    if (cover == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to compare the rules");
    for (size_t i = 0; rc >= 0 && i < mapping_count(mapping); i++) {
        struct rule_cover_result result;

        rule_cover_judge(cover, i, &result);
        *unjudged_r += result.kind == COVER_UNKNOWN;
        rc = warn_of_rule(mapping, i, &result, warn, ctx, err);
        count += rc;
    }
    if (rc >= 0) {
        rc = warn_of_default(mapping, cover, warn, ctx, err);
        count += rc;
    }
    rule_cover_free(cover);
    return rc < 0 ? -1 : count;
}

int rules_warn_show(void *ctx, const struct rules_warning *warning, struct err *err)
{
    const struct rules_warn_place *place = ctx;
    struct json_out *json = place->warnings;

    (void)err;
    if (!place->ctl->is_json) {
        ctl_say(place->ctl, "%s line %zu: warning: %s", ctl_shown(place->path), warning->line, warning->text);
        return 0;
    }
    json_begin(json, NULL, '{');
    if (place->org != NULL)
        json_add_string(json, "org", place->org);
    json_add_string(json, "kind", warning->kind);
    json_add_int(json, "line", (int64_t)warning->line);
    json_add_string(json, "rule", warning->rule != NULL ? warning->rule->text : NULL);
    json_begin(json, "by", '[');
    for (size_t i = 0; i < warning->taker_count; i++)
        json_add_int(json, NULL, (int64_t)mapping_at(place->mapping, warning->takers[i])->line);
    json_end(json, ']');
    json_add_string(json, "text", warning->text);
    json_end(json, '}');
    return 0;
}
