/**
 * mapping_inside.h - the inside of mapping*.c.
 */
#ifndef DOMAIN_MAPPING_INSIDE_H
#define DOMAIN_MAPPING_INSIDE_H

#include "base/pool.h"
#include "base/yaml.h"
#include "domain/mapping.h"

struct mapping {
    struct pool *pool; /* of everything below */
    const char *name;
    struct mapping_rule *rules;
    size_t count;
    struct mapping_case *cases;
    size_t case_count;
};

struct mapping_reader {
    struct mapping *mapping;
    struct err *err;
};

/** One key that a map may have; into gets the copied text. */
struct mapping_key {
    const char *name;
    const char **into;               /* NULL: kept in node_r alone */
    const struct yaml_node **node_r; /* NULL, or gets the node */
    bool may_be_null;                /* null leaves *into as it is */
};

/** Reads a map of such keys; unknown keys, and values that are no text, are errors. */
int mapping_read_map(struct mapping_reader *reader, const struct yaml_node *map, const char *what,
                     const struct mapping_key *keys, size_t count);
/** "name:line:column: " and the text. Returns -1. */
int mapping_fail(struct mapping_reader *reader, struct yaml_place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int mapping_no_room(struct mapping_reader *reader);

int mapping_read_cases(struct mapping_reader *reader, const struct yaml_node *list);

#endif
