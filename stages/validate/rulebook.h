/**
 * rulebook.h - which mapping decides for a batch: exactly the one that it names (stored in Redis by push), or
 * validate's own file where it names none. Compiled mappings are kept, the least used one goes.
 */
#ifndef VALIDATE_RULEBOOK_H
#define VALIDATE_RULEBOOK_H

#include <stdint.h>
#include <sys/stat.h>

#include "crypto/sha256.h"
#include "domain/mapping.h"
#include "queue/runbook.h"

#define RULEBOOK_KEPT                                                                                        \
    4 /* compiled mappings of others: runs with different rules that are under way at once */

/* A mapping, compiled. Valid until the next call of rulebook_find. */
struct rules {
    struct mapping *mapping; /* NULL: it does not parse, see problem */
    struct err problem;
    char sha256[SHA256_HEX];
    char name[64]; /* for messages: "blueprints.yaml", or "mapping 1a2b3c4d5e6f" */
    uint64_t used; /* when it was last asked for, as a count of calls */
};

struct rulebook {
    struct runbook *runbook; /* borrowed */
    const char *path;        /* the own file; borrowed */
    struct stat seen;        /* its state when it was last read */
    struct buf text;         /* its bytes, of the version that is in force */
    struct rules own;
    struct rules kept[RULEBOOK_KEPT];
    uint64_t calls;
};

/** Reads and compiles the own file. -1: ERR_FILE_*, ERR_RULE_* with file, line and column. */
int rulebook_init(struct rulebook *book, const char *path, struct runbook *runbook, struct err *err);
void rulebook_release(struct rulebook *book);

/**
 * Reads the own file again where it has changed. One that cannot be read or compiled leaves the rules in
 * force. 1: other rules are in force now; 0: the same; -1: err says why the changed file is not used (once a
 * change).
 */
int rulebook_refresh(struct rulebook *book, struct err *err);

/**
 * The mapping of that hash; NULL: the own one. A mapping that does not parse is found too, with its problem.
 *
 * @param pool  for the text while it is compiled
 * @return 1 and *rules_r (borrowed); 0: Redis does not hold it; -1: err
 */
int rulebook_find(struct rulebook *book, const char *sha256, struct pool *pool, const struct rules **rules_r,
                  struct err *err);

#endif
