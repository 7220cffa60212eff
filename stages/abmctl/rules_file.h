/**
 * rules_file.h - the mapping that a push names, rules test runs and config check reads: its text, hash and
 * rules.
 */
#ifndef ABMCTL_RULES_FILE_H
#define ABMCTL_RULES_FILE_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "domain/mapping.h"

struct rules_file {
    const char *path; /* borrowed */
    struct buf text;
    char sha256[SHA256_HEX];
    struct mapping *mapping;
};

/** ERR_FILE_*, ERR_RULE_*, ERR_YAML; the text names file, line and column. Nothing to release after -1. */
int rules_file_load(struct rules_file *file, const char *path, struct err *err);
/** The same of a text that Redis holds; it is copied. */
int rules_file_take(struct rules_file *file, const char *text, size_t len, struct err *err);
void rules_file_release(struct rules_file *file);

#endif
