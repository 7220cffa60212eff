/*
 * A rule is judged by a search for a device that hits it. What the search finds is shown to the earlier
 * rules: one that takes it is from then on a rule that must not hold, and the search begins again, until a
 * device is found that no earlier rule takes, or none is left: then these rules take all of them.
 */
#include "domain/rule_cover.h"

#include <stdlib.h>
#include <string.h>

#include "domain/mapping_inside.h"
#include "domain/rule_cover_inside.h"

#define TASKS_MAX 16384
#define DEPTH_MAX 1000 /* choices within each other */
#define NO_TASK   TASKS_MAX
#define POOL_MAX  (16u * 1024 * 1024)

enum found { FOUND_NONE, FOUND_MAYBE, FOUND_ONE };

/* A condition that is to hold, or not to; a list by next. */
struct task {
    const struct node *node;
    bool is_positive;
    size_t next;
};

struct rule_cover {
    const struct mapping *mapping;
    uint64_t steps; /* left for all rules */
    struct literals literals;
    struct task tasks[TASKS_MAX];
    size_t task_count;
    unsigned depth;

    const struct node *wanted; /* NULL: any device */
    const struct node * not [RULE_COVER_TAKERS_MAX];
    size_t not_count;

    struct device device; /* that was found */
    struct device_extra extra[COVER_FIELDS_MAX];
};

struct rule_cover *rule_cover_new(const struct mapping *mapping)
{
    struct rule_cover *cover = calloc(1, sizeof(*cover));

    if (cover == NULL)
        return NULL;
    cover->mapping = mapping;
    cover->steps = RULE_COVER_STEPS_ALL;
    cover->literals.pool = pool_new(POOL_MAX);
    if (cover->literals.pool != NULL)
        return cover;
    free(cover);
    return NULL;
}

void rule_cover_free(struct rule_cover *cover)
{
    if (cover == NULL)
        return;
    pool_free(cover->literals.pool);
    free(cover);
}

/* --- the search --- */

static bool add_task(struct rule_cover *cover, const struct node *node, bool is_positive, size_t *list)
{
    if (cover->task_count == TASKS_MAX)
        return false;
    cover->tasks[cover->task_count] = (struct task){ node, is_positive, *list };
    *list = cover->task_count++;
    return true;
}

static bool add_children(struct rule_cover *cover, const struct task *task, size_t *list)
{
    for (const struct node *child = task->node->first; child != NULL; child = child->next)
        if (!add_task(cover, child, task->is_positive, list))
            return false;
    return true;
}

/* Takes what must hold apart: tests become literals, what leaves a choice goes to *choices. False: a limit.
 */
static bool expand(struct rule_cover *cover, size_t todo, size_t *choices)
{
    while (todo != NO_TASK) {
        struct task task = cover->tasks[todo];
        bool is_done;

        todo = task.next;
        if (task.node->kind == NODE_NOT)
            is_done = add_task(cover, task.node->first, !task.is_positive, &todo);
        else if (task.node->kind == (task.is_positive ? NODE_AND : NODE_OR))
            is_done = add_children(cover, &task, &todo);
        else if (task.node->kind == (task.is_positive ? NODE_OR : NODE_AND))
            is_done = add_task(cover, task.node, task.is_positive, choices);
        else
            is_done = literals_add(&cover->literals, task.node, task.is_positive);
        if (!is_done)
            return false;
    }
    return true;
}

/* The rules themselves have the last word on the device that was made. */
static enum found check_device(struct rule_cover *cover)
{
    struct err err = ERR_INIT;

    if (!literals_device(&cover->literals, &cover->device, cover->extra) ||
        (cover->wanted != NULL && node_match(cover->wanted, &cover->device, &err) != 1))
        return FOUND_MAYBE;
    for (size_t i = 0; i < cover->not_count; i++)
        if (node_match(cover->not [i], &cover -> device, &err) != 0)
            return FOUND_MAYBE;
    return FOUND_ONE;
}

static enum found search(struct rule_cover *cover, size_t todo, size_t choices);

/* Each part of the next choice in turn. */
static enum found choose(struct rule_cover *cover, size_t choices)
{
    struct task choice = cover->tasks[choices];
    enum found result = FOUND_NONE;

    for (const struct node *child = choice.node->first; child != NULL; child = child->next) {
        size_t task_count = cover->task_count, todo = NO_TASK;
        enum found found = FOUND_MAYBE;

        if (add_task(cover, child, choice.is_positive, &todo))
            found = search(cover, todo, choice.next);
        cover->task_count = task_count;
        if (found == FOUND_ONE || cover->literals.steps == 0)
            return found == FOUND_ONE ? FOUND_ONE : FOUND_MAYBE;
        if (found == FOUND_MAYBE)
            result = FOUND_MAYBE;
    }
    return result;
}

/* FOUND_NONE is said only where every way ended in a contradiction. */
static enum found search(struct rule_cover *cover, size_t todo, size_t choices)
{
    size_t literal_count = cover->literals.count, task_count = cover->task_count;
    enum found found = FOUND_MAYBE;
    bool clashes;

    if (cover->depth == DEPTH_MAX)
        return FOUND_MAYBE;
    cover->depth++;
    if (expand(cover, todo, &choices)) {
        clashes = literals_clash(&cover->literals);
        if (cover->literals.steps == 0)
            found = FOUND_MAYBE;
        else if (clashes)
            found = FOUND_NONE;
        else
            found = choices == NO_TASK ? check_device(cover) : choose(cover, choices);
    }
    cover->depth--;
    cover->literals.count = literal_count;
    cover->task_count = task_count;
    return found;
}

/* A device that the condition holds for and none of `not`. */
static enum found find_device(struct rule_cover *cover)
{
    size_t todo = NO_TASK;
    bool is_done = true;

    cover->literals.count = 0;
    cover->literals.field_count = 0;
    cover->task_count = 0;
    pool_reset(cover->literals.pool);
    if (cover->literals.steps == 0)
        return FOUND_MAYBE;
    if (cover->wanted != NULL)
        is_done = add_task(cover, cover->wanted, true, &todo);
    for (size_t i = 0; i < cover->not_count; i++)
        is_done = is_done && add_task(cover, cover->not [i], false, &todo);
    return is_done ? search(cover, todo, NO_TASK) : FOUND_MAYBE;
}

/* --- the judgement --- */

static const struct node *condition_of(const struct rule_cover *cover, size_t index)
{
    const struct rule *rule =
        index < mapping_count(cover->mapping) ? mapping_at(cover->mapping, index)->rule : NULL;

    return rule != NULL ? rule->root : NULL;
}

/* The first rule before index that takes the device: 1 and *taker_r, 0 none, -1 a pattern gives up. */
static int find_taker(struct rule_cover *cover, size_t index, size_t *taker_r)
{
    struct err err = ERR_INIT;

    for (size_t i = 0; i < index; i++) {
        int rc = node_match(condition_of(cover, i), &cover->device, &err);

        literals_spend(&cover->literals, 1 + strlen(mapping_at(cover->mapping, i)->condition) / 16);
        *taker_r = i;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void set_not(struct rule_cover *cover, const struct rule_cover_result *result, size_t left_out)
{
    cover->not_count = 0;
    for (size_t i = 0; i < result->taker_count; i++)
        if (i != left_out)
            cover->not [cover->not_count++] = condition_of(cover, result->takers[i]);
}

/* Leaves out what is not needed, the later ones first: the earliest stay. */
static void keep_needed(struct rule_cover *cover, struct rule_cover_result *result)
{
    for (size_t i = result->taker_count; i-- > 0 && result->taker_count > 1;) {
        set_not(cover, result, i);
        if (find_device(cover) != FOUND_NONE)
            continue;
        result->taker_count--;
        memmove(&result->takers[i], &result->takers[i + 1],
                (result->taker_count - i) * sizeof(result->takers[0]));
    }
}

/* Where no device can be made (a pattern), one earlier rule may still cover all of it: the same condition,
 * say. */
static void try_one_by_one(struct rule_cover *cover, size_t index, struct rule_cover_result *result)
{
    result->kind = COVER_UNKNOWN;
    result->taker_count = 1;
    for (size_t i = 0; i < index && cover->literals.steps > 0; i++) {
        result->takers[0] = i;
        set_not(cover, result, RULE_COVER_TAKERS_MAX);
        if (find_device(cover) == FOUND_NONE) {
            result->kind = COVER_TAKEN;
            return;
        }
    }
    result->taker_count = 0;
}

static int compare_takers(const void *a, const void *b)
{
    const size_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void judge(struct rule_cover *cover, size_t index, struct rule_cover_result *result)
{
    for (;;) {
        size_t taker = 0;
        int taken;

        set_not(cover, result, RULE_COVER_TAKERS_MAX);
        switch (find_device(cover)) {
        case FOUND_NONE:
            result->kind = result->taker_count > 0 ? COVER_TAKEN : COVER_NEVER;
            qsort(result->takers, result->taker_count, sizeof(result->takers[0]), compare_takers);
            keep_needed(cover, result);
            return;
        case FOUND_MAYBE: try_one_by_one(cover, index, result); return;
        case FOUND_ONE: break;
        }
        taken = find_taker(cover, index, &taker);
        if (taken == 0) {
            result->kind = COVER_REACHED;
            result->taker_count = 0;
            return;
        }
        if (taken < 0 || result->taker_count == RULE_COVER_TAKERS_MAX) {
            try_one_by_one(cover, index, result);
            return;
        }
        result->takers[result->taker_count++] = taker;
    }
}

void rule_cover_judge(struct rule_cover *cover, size_t index, struct rule_cover_result *result_r)
{
    uint64_t given = cover->steps < RULE_COVER_STEPS ? cover->steps : RULE_COVER_STEPS;

    memset(result_r, 0, sizeof(*result_r));
    if (index > 0 && index == mapping_count(cover->mapping) && condition_of(cover, index - 1) == NULL) {
        result_r->kind = COVER_TAKEN; /* behind a default */
        result_r->takers[0] = index - 1;
        result_r->taker_count = 1;
        return;
    }
    cover->literals.steps = given;
    cover->wanted = condition_of(cover, index);
    judge(cover, index, result_r);
    cover->steps -= given - cover->literals.steps;
}
