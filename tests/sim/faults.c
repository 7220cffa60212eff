#include <stdlib.h>
#include <string.h>

#include "faults.h"

/* splitmix64. Source: Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. */
static uint64_t draw(struct faults *faults)
{
    uint64_t z = faults->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t faults_random(struct faults *faults, uint64_t limit)
{
    return draw(faults) % limit;
}

void faults_clear(struct faults *faults)
{
    free(faults->rules);
    faults->rules = NULL;
    faults->count = 0;
}

void faults_release(struct faults *faults)
{
    faults_clear(faults);
}

int faults_add(struct faults *faults, const struct json *list, int64_t now_us, struct err *err)
{
    size_t count = json_count(list), index = faults->count;
    struct fault *rules;

    if (json_kind(list) != JSON_ARRAY)
        return err_set(err, ERR_JSON_SHAPE, 0, "faults: a list of rules is needed, this is %s",
                       json_kind_name(json_kind(list)));
    if (count == 0)
        return 0;
    rules = malloc((faults->count + count) * sizeof(*rules));
    if (!rules)
        return err_set(err, ERR_NOMEM, 0, "%zu faults", count);
    if (faults->count > 0)
        memcpy(rules, faults->rules, faults->count * sizeof(*rules));
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        if (fault_read(item, &rules[index], err) != 0) {
            free(rules);
            return err_prefix(err, "faults[%zu]", index - faults->count);
        }
        rules[index++].set_us = now_us;
    }
    free(faults->rules);
    faults->rules = rules;
    faults->count = index;
    return 0;
}

static bool fires(struct faults *faults, struct fault *rule, int64_t now_us)
{
    int64_t age_us = now_us - rule->set_us;

    if (age_us < rule->from_us || (rule->for_us > 0 && age_us >= rule->from_us + rule->for_us))
        return false;
    if (rule->times > 0 && rule->fired >= (uint64_t)rule->times)
        return false;
    if (++rule->seen <= (uint64_t)rule->after)
        return false;
    if (rule->every > 0 && (rule->seen - (uint64_t)rule->after) % (uint64_t)rule->every != 0)
        return false;
    /* 53 bits of a draw as a number in [0, 1) */
    if (rule->share < 1 && (double)(draw(faults) >> 11) * 0x1p-53 >= rule->share)
        return false;
    rule->fired++;
    return true;
}

/* About one named item of a request: whatever befalls another item has no part in it. */
static bool is_of_item(const struct fault *rule)
{
    return (rule->kind == FAULT_REFUSE_ITEM || rule->kind == FAULT_DROP_ITEM) && rule->serial[0] != '\0';
}

static bool is_additional(const struct fault *rule)
{
    return rule->kind == FAULT_SLOW || rule->kind == FAULT_DEPRECATION || is_of_item(rule);
}

static void add_delay(struct fault_plan *plan, const struct fault *rule)
{
    plan->delay_ms += rule->ms;
    plan->is_late = plan->is_late || rule->is_late;
}

void faults_choose(struct faults *faults, enum operation operation,
                   bool (*names_serial)(void *user, const char *serial), void *user, int64_t now_us,
                   struct fault_plan *plan)
{
    *plan = (struct fault_plan){ .main.kind = FAULT_NONE, .deprecation.kind = FAULT_NONE };
    for (size_t i = 0; i < faults->count; i++) {
        struct fault *rule = &faults->rules[i];

        if (plan->main.kind != FAULT_NONE && !is_additional(rule))
            continue;
        if (rule->operation != OP_COUNT && rule->operation != operation)
            continue;
        if (rule->serial[0] != '\0' && !names_serial(user, rule->serial))
            continue;
        if (is_of_item(rule) && plan->item_count == FAULT_ITEMS_MAX)
            continue;
        if (!fires(faults, rule, now_us))
            continue;
        if (rule->kind == FAULT_DEPRECATION)
            plan->deprecation = *rule;
        else if (is_of_item(rule))
            plan->items[plan->item_count++] = *rule;
        else if (rule->kind != FAULT_SLOW)
            plan->main = *rule;
        if (rule->kind == FAULT_SLOW || rule->kind == FAULT_HANG)
            add_delay(plan, rule);
    }
}
