/* Which rule a device hits, and why. */
#include "domain/mapping_inside.h"
#include "domain/rule.h"

size_t mapping_count(const struct mapping *mapping)
{
    return mapping->count;
}

const struct mapping_rule *mapping_at(const struct mapping *mapping, size_t index)
{
    return &mapping->rules[index];
}

static int name_rule(const struct mapping *mapping, const struct mapping_rule *rule, struct err *err)
{
    return err_prefix(err, "%s:%zu: rule %s", mapping->name, rule->line, rule->text);
}

int mapping_resolve(const struct mapping *mapping, const struct device *device,
                    const struct mapping_rule **rule_r, struct err *err)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct mapping_rule *rule = &mapping->rules[i];
        int rc = rule->rule != NULL ? rule_match(rule->rule, device, err) : 1;

        if (rc < 0)
            return name_rule(mapping, rule, err);
        if (rc == 1) {
            *rule_r = rule;
            return 1;
        }
    }
    return 0;
}

int mapping_explain(const struct mapping *mapping, size_t index, const struct device *device, struct buf *why,
                    struct err *err)
{
    const struct mapping_rule *rule = &mapping->rules[index];
    int rc;

    if (rule->rule == NULL) {
        buf_add_str(why, "the default takes every device");
        return 1;
    }
    rc = rule_explain(rule->rule, device, why, err);
    return rc < 0 ? name_rule(mapping, rule, err) : rc;
}
