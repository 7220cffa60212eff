/**
 * ingest_head.h - which run and batch a message names that is too large to be read. Pure.
 */
#ifndef DOMAIN_INGEST_HEAD_H
#define DOMAIN_INGEST_HEAD_H

#include "base/buf.h"

/**
 * Appends `{"run":...,"batch":...,"batches":...}` with the values of these members at the top of an object,
 * as they stand there; each is left out where it is absent, and the last of several counts. One pass, no
 * tree: strings and brackets are told apart, and nothing else is checked. Values longer than a run id can be
 * are left out.
 */
void ingest_head_find(const char *text, size_t len, struct buf *out) __attribute__((nonnull(1, 3)));

#endif
