/**
 * shape.h - whether a JSON value has what the contract requires of it. The schemas are tables here, held
 * against config/contract/abm-v2.openapi.yaml by tests/contract. Members that no schema names are passed
 * over.
 */
#ifndef ABM_SHAPE_H
#define ABM_SHAPE_H

#include "base/json.h"

struct shape;

struct shape_member {
    const char *name;
    const struct shape *shape;
    bool is_required;
    bool is_nullable;
};

struct shape {
    const char *schema; /* its name in the contract's components/schemas; NULL: it has none */
    enum json_kind kind;
    const struct shape_member *members; /* of an object: member_count of them */
    size_t member_count;
    const struct shape *items; /* of an array; NULL: its elements are looked at one by one elsewhere */
    const char *const *values; /* of a string: the only ones, ended by NULL; NULL: any */
    bool is_id;                /* of a string: usable as an id (shape_is_id) */
    size_t min_items;          /* of an array */
};

/* Documents: one object with `data` (and `links`). */
extern const struct shape shape_import_document, shape_page_document, shape_assignment_document,
    shape_error_document;
/* What stands in `data`. */
extern const struct shape shape_import_result, shape_device, shape_assignment, shape_blueprint,
    shape_mdm_server;

/**
 * @param path   where value stands, "data[3]"; "" for a document
 * @return 0; -1 with ERR_ABM_CONTRACT: "data[3].attributes.blueprintId: absent"
 */
int shape_check(const struct json *value, const struct shape *shape, const char *path, struct err *err)
    __attribute__((nonnull(2, 3, 4)));

/** 1 to DEVICE_ID_MAX bytes, no control character, blank, comma or slash, and neither "." nor "..".
 * NULL-safe. */
bool shape_is_id(const char *text);

#endif
