/**
 * contract_inside.h - what the files that read a request by the contract share.
 */
#ifndef SIM_CONTRACT_INSIDE_H
#define SIM_CONTRACT_INSIDE_H

#include "contract.h"
#include "stats.h"

struct check {
    struct request *request;
    struct stats *stats;
    struct refusal *refusal;
};

/** Notes a violation; the first one of a request is also its refusal. */
void contract_broken(struct check *check, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), nonnull(1, 3, 4)));

/** contract_tokens.c: the bodies of issueToken and importDepToken. */
void contract_check_issue(struct check *check) __attribute__((nonnull(1)));
void contract_check_dep_import(struct check *check) __attribute__((nonnull(1)));

#endif
