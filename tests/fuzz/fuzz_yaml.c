/*
 * The tree and the events of one text agree: both refuse it, or the tree has a node for each event. Only a
 * key that stands twice, and too many nodes, are seen by the tree alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"

static void check(int is_right)
{
    if (!is_right)
        abort();
}

static size_t count_nodes(const struct yaml_node *node)
{
    size_t count = 1, children = 0;

    check(node->at.line > 0 && node->at.column > 0);
    check((node->kind == YAML_SCALAR) == (node->text != NULL));
    check(node->text == NULL || str_is_utf8(node->text, strlen(node->text)));
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next, children++) {
        check((child->key != NULL) == (node->kind == YAML_MAP));
        if (child->key != NULL)
            check(yaml_get(node, child->key) == child);
        count += count_nodes(child);
    }
    check(children == node->count);
    return count;
}

/* 0 and the nodes that the events tell of, or -1. */
static int count_events(const uint8_t *data, size_t size, size_t *nodes_r, struct err *err)
{
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
    struct yaml_events *events = NULL;
    struct yaml_event event;
    unsigned depth = 0;
    int rc;

    check(file != NULL && yaml_events_new("f", file, &events, err) == 0);
    *nodes_r = 0;
    while ((rc = yaml_events_next(events, &event, err)) == 1) {
        bool is_end = event.kind == YAML_EVENT_MAP_END || event.kind == YAML_EVENT_SEQ_END;

        depth -= is_end;
        check(event.depth == depth && depth < YAML_MAX_DEPTH + 1);
        depth += event.kind == YAML_EVENT_MAP || event.kind == YAML_EVENT_SEQ;
        *nodes_r += !is_end && !event.is_key;
        check(event.kind != YAML_EVENT_SCALAR || strlen(event.text) == event.len);
    }
    check(rc != 0 || depth == 0);
    yaml_events_free(events);
    fclose(file);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err tree_err = ERR_INIT, events_err = ERR_INIT;
    struct yaml *doc = NULL;
    size_t nodes;
    int tree_rc, events_rc;

    if (size == 0)
        return 0;
    tree_rc = yaml_parse("f", (const char *)data, size, &doc, &tree_err);
    events_rc = count_events(data, size, &nodes, &events_err);
    if (tree_rc == 0) {
        check(events_rc == 0);
        check(nodes == (doc->root == NULL ? 0 : count_nodes(doc->root)));
    } else if (events_rc == 0) {
        check(strstr(tree_err.text, "stands twice") != NULL || tree_err.code == ERR_LIMIT);
    } else if (strstr(tree_err.text, "stands twice") == NULL && tree_err.code != ERR_LIMIT) {
        check(strcmp(tree_err.text, events_err.text) == 0);
    }
    yaml_doc_free(doc);
    return 0;
}
