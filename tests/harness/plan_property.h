/**
 * plan_property.h - random inputs, rules and states of ABM: what a plan says is applied by the whole
 * pipeline, then ABM is as declared, everything that was not declared is as it was, and planning again finds
 * nothing to do. What is declared is worked out here anew, from the rules as they were made up. One place for
 * the short and the long test.
 */
#ifndef HARNESS_PLAN_PROPERTY_H
#define HARNESS_PLAN_PROPERTY_H

struct plan_property {
    const char *bin; /* TEST_BIN */
    int cases;       /* each of up to 12 devices; at the end one plan --complete of all of them */
};

/** Prints the seed; $ABM_TEST_SEED sets it. */
void plan_property_run(const struct plan_property *property);

#endif
