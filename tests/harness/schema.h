/**
 * schema.h - JSON held against a schema of config/contract/abm-v2.openapi.yaml: types, required members, no
 * others than it has, its values, and how many. What of OpenAPI the contract does not use is not known here.
 */
#ifndef HARNESS_SCHEMA_H
#define HARNESS_SCHEMA_H

#include "base/json.h"
#include "base/yaml.h"

/** What stands at a path of keys with '|' between ("requestBody|content"); NULL: nothing. */
const struct yaml_node *schema_at(const struct yaml_node *node, const char *path) __attribute__((nonnull(2)));
/** Follows "$ref: #/a/b"; any other node is itself. NULL: nothing is there. */
const struct yaml_node *schema_resolve(const struct yaml *doc, const struct yaml_node *node)
    __attribute__((nonnull(1)));
/** An operation by its method ("GET") and its path as the contract writes it; NULL: it has none. */
const struct yaml_node *schema_operation(const struct yaml *doc, const char *method, const char *path)
    __attribute__((nonnull(1, 2, 3)));
/** What an operation answers with this status ("200", or its "5XX"), resolved; NULL: it never does. */
const struct yaml_node *schema_response(const struct yaml *doc, const struct yaml_node *operation, int status)
    __attribute__((nonnull(1, 2)));

/** 0; -1 with ERR_JSON_SHAPE, whose text names the member: "data.[0].id: ...". what: the name of the whole.
 */
int schema_check(const struct yaml *doc, const struct yaml_node *schema, const struct json *value,
                 const char *what, struct err *err) __attribute__((nonnull(1, 2, 4, 5)));

#endif
