/**
 * find.h - what the evidence says of one device, and the proof of it for somebody who shall not see the
 * others.
 *
 * A proof is one JSON object, complete in itself:
 *
 *   {"version":1,"record":"<the line>","index":4,"count":1000,"path":["<hex>",...],"envelope":{<the signed
 * manifest>}}
 *
 * index is the record's place in the order of the record files, from 0; path its audit path (merkle.h); count
 * must be the manifest's outputs.total.
 */
#ifndef EVIDENCE_FIND_H
#define EVIDENCE_FIND_H

#include "evidence/tree.h"

/* One record of the device. Text in the pool. */
struct find_hit {
    const char *org, *run, *folder;
    const char *manifest; /* file name */
    int64_t sequence, timestamp_ms;
    int64_t index;
    const char *line;
    size_t len;
    const char *plan_sha256, *plan_approvers; /* of the manifest; NULL as there, and of a proof */
};

struct find_hits {
    struct find_hit *at;
    size_t count, room;
};

/**
 * All records of a serial under path (a run's folder up to a whole sink), by organization and sequence: the
 * last is the newest. verifier NULL: signatures are not looked at. None is no error. Errors as tree_walk.
 */
int evidence_find(const char *path, const char *serial, const struct verifier *verifier, struct pool *pool,
                  struct find_hits *hits_r, struct err *err) __attribute__((nonnull(1, 2, 4, 5, 6)));

/** Appends the proof of a hit. -1 with ERR_EVIDENCE where the files are not what the manifest says, ERR_IO...
 */
int evidence_prove(const struct find_hit *hit, struct buf *out, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * Checks a proof with the public key alone.
 *
 * @param hit_r  out: org, run, sequence, timestamp_ms, index, line, len; text in the pool
 * @return 0; -1 with ERR_SIGNATURE, ERR_EVIDENCE
 */
int evidence_check_proof(const char *text, size_t len, const struct verifier *verifier, struct pool *pool,
                         struct find_hit *hit_r, struct err *err) __attribute__((nonnull(1, 3, 4, 5, 6)));

#endif
