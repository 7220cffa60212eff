/**
 * merkle.h - the Merkle tree over the records of a manifest, made as they stream by, in O(log n) memory; and
 * the proof that one record is in it. Pure.
 *
 * A leaf is SHA-256(0x00 || record line without its newline), a node SHA-256(0x01 || left || right), and the
 * left subtree holds the largest power of two of leaves below the count. No leaf: SHA-256 of nothing. Source:
 * RFC 6962, section 2.1 (tree), 2.1.1 (audit path).
 */
#ifndef EVIDENCE_MERKLE_H
#define EVIDENCE_MERKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/sha256.h"

#define MERKLE_LEVELS 64 /* a path has at most so many hashes: enough for 2^64 leaves */

struct merkle_hash {
    unsigned char bytes[SHA256_BYTES];
};

/* The way from a leaf to the root: the sibling of each node on it, the leaf's own first (RFC 6962, 2.1.1). */
struct merkle_path {
    struct merkle_hash at[MERKLE_LEVELS];
    size_t count;
};

struct merkle {
    struct merkle_hash stack[MERKLE_LEVELS]; /* roots of full subtrees, the largest first */
    unsigned levels[MERKLE_LEVELS];          /* stack[i] covers 2^levels[i] leaves */
    size_t depth;
    int64_t count;
    int64_t wanted; /* the leaf to be proved; -1: none */
    size_t holder;  /* stack[holder] covers the wanted leaf; SIZE_MAX: none does (yet) */
    struct merkle_path path;
};

void merkle_init(struct merkle *merkle) __attribute__((nonnull(1)));
/** The same, and collects the path of leaf `wanted` (from 0) on the way. */
void merkle_init_path(struct merkle *merkle, int64_t wanted) __attribute__((nonnull(1)));
void merkle_add(struct merkle *merkle, const void *leaf, size_t len) __attribute__((nonnull(1)));
/** The root of all leaves added; nothing may be added after. merkle->path is whole then. */
void merkle_end(struct merkle *merkle, char root_r[SHA256_HEX]) __attribute__((nonnull(1, 2)));

/** True where leaf is the index-th (from 0) of count leaves under root (hex), by that path. Source: RFC
 * 9162, 2.1.3.2. */
bool merkle_proves(const char *root, int64_t index, int64_t count, const void *leaf, size_t len,
                   const struct merkle_path *path) __attribute__((nonnull(1, 6)));

#endif
