/**
 * mapping.h - the file of rules, config/blueprints.yaml (DESIGN.md 6): which blueprint, and which MDM server,
 * a device gets. Parsed once, whole or not at all; the first rule that holds wins. Conditions are rule.h's.
 *
 *   blueprint_mappings:
 *     - condition: "serial.startswith('F')"
 *       blueprint_id: "bp-1a2b3c4d"
 *       description: "Education devices"     # optional
 *       mdm_server: "mdm-apac"               # optional, id or name
 *     - default: "bp-9i0j1k2l"               # optional; the last entry; takes mdm_server and description too
 *   tests:                                   # optional; run by `abmctl rules test`
 *     - { serial: "FVFGH2345678", country: JP, expect: "bp-1a2b3c4d", expect_mdm_server: "mdm-apac" }
 *     - { serial: "C02XL0THJGH5", country: DE, extra: { site: Ulm }, expect: null }     # null: no rule
 *
 * Errors read "blueprints.yaml:4:16: ..." (line and column of the value in the file); those of a condition go
 * on with the column in it and a caret, see rule_parse.
 */
#ifndef DOMAIN_MAPPING_H
#define DOMAIN_MAPPING_H

#include "base/buf.h"
#include "domain/device.h"

#define MAPPING_MAX_RULES 10000
#define MAPPING_MAX_TESTS 10000
#define MAPPING_MAX_BYTES (4 * 1024 * 1024)
#define MAPPING_TEXT_MAX  96 /* bytes of a rule's text, which travels with each device */

struct mapping;
struct rule;

struct mapping_rule {
    size_t number;         /* from 1, in the order of the file */
    size_t line, column;   /* of the condition, or of the default's blueprint */
    const char *condition; /* NULL: the default */
    const char *blueprint_id;
    const char *mdm_server;  /* NULL: not said here */
    const char *description; /* NULL */
    uint32_t target;   /* number of the first rule with the same blueprint and server: equal where both are */
    const char *text;  /* "3: country == 'JP'", "4: default"; cut to MAPPING_TEXT_MAX, without controls */
    struct rule *rule; /* NULL: the default */
};

/**
 * @param name  of the file, for messages; copied
 * -1 with ERR_YAML, ERR_RULE_FILE (shape, unknown key, bad id, a default that is not last, no rules),
 * ERR_RULE_SYNTAX, ERR_RULE_TYPE, ERR_RULE_FIELD, ERR_RULE_PATTERN, ERR_LIMIT, ERR_NOMEM.
 */
int mapping_load(const char *text, size_t len, const char *name, struct mapping **mapping_r, struct err *err)
    __attribute__((nonnull(3, 4, 5), warn_unused_result));
void mapping_free(struct mapping *mapping);

size_t mapping_count(const struct mapping *mapping) __attribute__((nonnull(1)));
/** index from 0 to count - 1; everything lives as long as the mapping. */
const struct mapping_rule *mapping_at(const struct mapping *mapping, size_t index)
    __attribute__((nonnull(1)));

/**
 * The rule that decides.
 *
 * @return 1 and *rule_r; 0 where none holds and there is no default (the device is rejected with
 * ERR_NO_RULE); -1 with ERR_RULE_LIMIT, the text naming the rule: the device is rejected, others go on
 */
int mapping_resolve(const struct mapping *mapping, const struct device *device,
                    const struct mapping_rule **rule_r, struct err *err) __attribute__((nonnull(1, 2, 3, 4)));

/** One rule by itself, whether or not an earlier one wins: 1 it holds, 0 not, -1 ERR_RULE_LIMIT; why is
 * appended. */
int mapping_explain(const struct mapping *mapping, size_t index, const struct device *device, struct buf *why,
                    struct err *err) __attribute__((nonnull(1, 3, 4, 5)));

/* --- the tests: list --- */

struct mapping_case {
    size_t line;
    struct device device;
    const char *description;
    const char *expect;     /* NULL: no rule is to hold */
    bool is_server_checked; /* expect_mdm_server was given */
    const char *expect_mdm_server;
};

struct mapping_case_result {
    bool is_passed;
    const struct mapping_rule *rule; /* that decided; NULL: none, or a limit */
    char text[512]; /* "got 'bp-1' by rule 2: country == 'JP', wanted 'bp-2'"; "" where passed */
};

size_t mapping_case_count(const struct mapping *mapping) __attribute__((nonnull(1)));
const struct mapping_case *mapping_case_at(const struct mapping *mapping, size_t index)
    __attribute__((nonnull(1)));
void mapping_run_case(const struct mapping *mapping, size_t index, struct mapping_case_result *result_r)
    __attribute__((nonnull(1, 3)));

#endif
