/**
 * chain_check.h - whether manifests form the chains that they should: the organization's by sequence, the
 * run's by number. Pure.
 */
#ifndef EVIDENCE_CHAIN_CHECK_H
#define EVIDENCE_CHAIN_CHECK_H

#include <stdbool.h>

#include "evidence/tree.h"

/* What the chains need of one manifest. */
struct chain_link {
    char *folder; /* malloc'd, as org and run */
    char *org, *run;
    int64_t number; /* of its name; 0: it has another */
    int64_t sequence;
    int64_t first_file, last_file; /* numbers of its record files; 0: it has none */
    char sha256[SHA256_HEX];
    char previous[SHA256_HEX], supersedes[SHA256_HEX]; /* "": null */
};

struct chain_links {
    struct chain_link *at;
    size_t count, room;
};

/** Adds what was found. -1 with ERR_NOMEM. */
int chain_links_add(struct chain_links *links, const struct tree_manifest *found, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
void chain_links_release(struct chain_links *links) __attribute__((nonnull(1)));

/** is_whole: each chain must begin with sequence 1 and have no gap. Sorts the links. -1 with ERR_CHAIN,
 * naming the break. */
int chain_links_check(struct chain_links *links, bool is_whole, struct err *err)
    __attribute__((nonnull(1, 3)));
/** The manifests of each folder: numbers from 1, each superseding the one before. Sorts the links. -1 with
 * ERR_CHAIN. */
int chain_links_check_runs(struct chain_links *links, struct err *err) __attribute__((nonnull(1, 2)));

#endif
