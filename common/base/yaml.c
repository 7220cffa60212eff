#include "base/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/pool.h"

#define TREE_MAX_BYTES ((size_t)64 * 1024 * 1024) /* nodes and text together; the node count binds first */
#define FEW_KEYS       16                         /* up to here keys are compared pair by pair */

/* The tree as it grows: a node of each level, and the place where its next child is linked. */
struct tree {
    struct yaml *doc;
    struct yaml_node *open[YAML_MAX_DEPTH];
    const struct yaml_node **link[YAML_MAX_DEPTH];
    unsigned depth;
    size_t nodes;
    const char *key; /* came, its value is next */
    struct yaml_place key_at;
};

static int fail_twice(const struct yaml *doc, const struct yaml_node *first, const struct yaml_node *again,
                      struct err *err)
{
    return yaml_fail(err, ERR_YAML, doc->file, again->key_at,
                     "key '%.64s' stands twice, first at line %zu, column %zu", again->key,
                     first->key_at.line, first->key_at.column);
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *one = *(const struct yaml_node *const *)a,
                           *other = *(const struct yaml_node *const *)b;
    int order = strcmp(one->key, other->key);

    if (order != 0)
        return order;
    if (one->key_at.line != other->key_at.line)
        return one->key_at.line < other->key_at.line ? -1 : 1;
    return one->key_at.column < other->key_at.column ? -1 : one->key_at.column > other->key_at.column;
}

/* A map of many keys: sorted, so that hostile input costs n log n. */
static int check_many(const struct yaml *doc, const struct yaml_node *map, struct err *err)
{
    const struct yaml_node **sorted = malloc(map->count * sizeof(const struct yaml_node *));
    size_t count = 0;
    int rc = 0;

    if (sorted == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory to read %s", doc->file);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next)
        sorted[count++] = node;
    qsort(sorted, count, sizeof(const struct yaml_node *), compare_keys);
    for (size_t i = 1; i < count && rc == 0; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            rc = fail_twice(doc, sorted[i - 1], sorted[i], err);
    free(sorted);
    return rc;
}

static int check_keys(const struct yaml *doc, const struct yaml_node *map, struct err *err)
{
    if (map->count > FEW_KEYS)
        return check_many(doc, map, err);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next)
        for (const struct yaml_node *before = map->first; before != node; before = before->next)
            if (strcmp(before->key, node->key) == 0)
                return fail_twice(doc, before, node, err);
    return 0;
}

static struct yaml_node *add_node(struct tree *tree, const struct yaml_event *event, struct err *err)
{
    struct yaml_node *node;

    if (++tree->nodes > YAML_MAX_NODES) {
        yaml_fail(err, ERR_LIMIT, tree->doc->file, event->at, "more than %d values", YAML_MAX_NODES);
        return NULL;
    }
    node = pool_alloc(tree->doc->pool, sizeof(*node));
    if (node == NULL) {
        pool_failed(tree->doc->pool, err);
        return NULL;
    }
    node->at = event->at;
    node->is_plain = event->is_plain;
    node->key = tree->key;
    node->key_at = tree->key_at;
    tree->key = NULL;
    tree->key_at = (struct yaml_place){ 0, 0 };
    if (tree->depth == 0) {
        tree->doc->root = node;
    } else {
        *tree->link[tree->depth - 1] = node;
        tree->link[tree->depth - 1] = &node->next;
        tree->open[tree->depth - 1]->count++;
    }
    return node;
}

static int add_scalar(struct tree *tree, const struct yaml_event *event, struct err *err)
{
    const char *text = pool_strndup(tree->doc->pool, event->text, event->len);
    struct yaml_node *node;

    if (text == NULL)
        return pool_failed(tree->doc->pool, err);
    if (event->is_key) {
        tree->key = text;
        tree->key_at = event->at;
        return 0;
    }
    node = add_node(tree, event, err);
    if (node == NULL)
        return -1;
    node->kind = YAML_SCALAR;
    node->text = text;
    return 0;
}

static int add_event(struct tree *tree, const struct yaml_event *event, struct err *err)
{
    struct yaml_node *node;

    switch (event->kind) {
    case YAML_EVENT_SCALAR: return add_scalar(tree, event, err);
    case YAML_EVENT_MAP:
    case YAML_EVENT_SEQ:
        node = add_node(tree, event, err);
        if (node == NULL)
            return -1;
        node->kind = event->kind == YAML_EVENT_MAP ? YAML_MAP : YAML_SEQ;
        tree->open[tree->depth] = node;
        tree->link[tree->depth++] = &node->first;
        return 0;
    case YAML_EVENT_MAP_END: return check_keys(tree->doc, tree->open[--tree->depth], err);
    case YAML_EVENT_SEQ_END: tree->depth--; return 0;
    }
    return err_set(err, ERR_BUG, 0, "YAML event %d", (int)event->kind);
}

static int read_events(struct yaml *doc, FILE *file, struct err *err)
{
    struct tree tree = { .doc = doc };
    struct yaml_events *events;
    struct yaml_event event;
    int rc;

    if (yaml_events_new(doc->file, file, &events, err) != 0)
        return -1;
    while ((rc = yaml_events_next(events, &event, err)) == 1) {
        if (add_event(&tree, &event, err) != 0) {
            rc = -1;
            break;
        }
    }
    yaml_events_free(events);
    return rc;
}

static struct yaml *doc_new(const char *name)
{
    struct yaml *doc = calloc(1, sizeof(*doc));

    if (doc == NULL)
        return NULL;
    doc->pool = pool_new(TREE_MAX_BYTES);
    doc->file = doc->pool == NULL ? NULL : pool_strdup(doc->pool, name);
    if (doc->file == NULL) {
        yaml_doc_free(doc);
        return NULL;
    }
    return doc;
}

int yaml_parse(const char *name, const char *text, size_t len, struct yaml **doc_r, struct err *err)
{
    struct yaml *doc = doc_new(name);
    FILE *file = fmemopen((void *)(uintptr_t)(len > 0 ? text : "\n"), len > 0 ? len : 1, "r");
    int rc = -1;

    if (doc == NULL || file == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory to read %s", name);
    else
        rc = read_events(doc, file, err);
    if (file != NULL)
        fclose(file);
    if (rc == 0)
        *doc_r = doc;
    else
        yaml_doc_free(doc);
    return rc;
}

int yaml_load(const char *path, size_t max_bytes, struct yaml **doc_r, struct err *err)
{
    struct buf text;
    int rc;

    buf_init(&text, max_bytes);
    rc = fsio_read(path, &text, err);
    if (rc == 0)
        rc = yaml_parse(path, text.data, text.len, doc_r, err);
    buf_release(&text);
    return rc;
}

void yaml_doc_free(struct yaml *doc)
{
    if (doc == NULL)
        return;
    pool_free(doc->pool);
    free(doc);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

    if (node->kind != YAML_SCALAR || !node->is_plain)
        return false;
    for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    return false;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_MAP: return "a map";
    case YAML_SEQ: return "a list";
    case YAML_SCALAR: break;
    }
    return "a value";
}
