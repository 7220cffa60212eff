/**
 * plan_doc.h - plan documents (domain/plan.h) in memory: written with their hash from a list of entries, read
 * and checked against it.
 */
#ifndef HARNESS_PLAN_DOC_H
#define HARNESS_PLAN_DOC_H

#include "crypto/sha256.h"
#include "domain/plan.h"

struct plan_doc_entry {
    enum plan_kind kind;
    struct plan_entry entry;
};

/** Appends the document, written in two passes. -1 with what the writer said. */
int plan_doc_write(struct buf *out, const struct plan_head *head, const struct plan_doc_entry *entries,
                   size_t count, struct err *err);

/**
 * Reads len bytes, at most `piece` at a time (0: as many as fit). As plan_read, and ERR_PLAN_ALTERED where
 * the hash is another than plan_sha256.
 */
int plan_doc_read(const char *text, size_t len, size_t piece, const struct plan_entry_sink *sink,
                  struct pool *pool, struct plan_head *head_r, struct err *err);
int plan_doc_guess(const char *text, size_t len, struct plan_guess *guess_r, struct err *err);

/** A head and entries that use every member: two of each kind. *count_r entries. */
const struct plan_doc_entry *plan_doc_sample(struct plan_head *head_r, size_t *count_r);

#endif
