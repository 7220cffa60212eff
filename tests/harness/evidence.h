/**
 * evidence.h - a folder with all that a closing needs, for tests: a key, a spool, two file sinks, and the
 * doubles of run book and chain.
 */
#ifndef HARNESS_EVIDENCE_H
#define HARNESS_EVIDENCE_H

#include "crypto/verifier.h"
#include "evidence/close.h"
#include "harness/fake_chain.h"
#include "harness/fake_runbook.h"

#define EVIDENCE_NOW_MS INT64_C(1795507200000)
#define EVIDENCE_ORG    "acme"

struct evidence {
    char dir[256];
    char spool_dir[300], sink_dir[2][300];
    char public_pem[PUBLIC_PEM_MAX];
    struct signer *signer;
    struct verifier verifier;
    struct sink *sinks[2];
    struct fake_runbook book;
    struct fake_chain chain;
    struct pool *pool;
    struct closing closing;
};

/* Fails the test where the machine refuses. */
void evidence_make(struct evidence *evidence);
void evidence_unmake(struct evidence *evidence);

/** A device that ended as assigned: serial "SERIALnnnnnn" by row; the caller changes it. Text in
 * evidence->pool. */
struct device *evidence_device(struct evidence *evidence, int64_t row);
/** Writes count devices of rows from..from+count-1 as the part uid and lists it, as audit's settle does. */
void evidence_part(struct evidence *evidence, struct fake_run *run, const char *uid, int64_t from,
                   int64_t count);
/** The same for devices of the test's own. */
void evidence_part_of(struct evidence *evidence, struct fake_run *run, const char *uid,
                      const struct device *const *devices, size_t count);
/** Closes the run and settles it; fails the test unless that works. */
void evidence_close(struct evidence *evidence, struct fake_run *run, struct closed *closed_r);

/** `<sink>/acme/<run>/<name>` in static storage. */
const char *evidence_path(const struct evidence *evidence, int sink, const char *run, const char *name);
/** The file's bytes, NUL-terminated, in evidence->pool; NULL where it is not there. */
char *evidence_read(struct evidence *evidence, const char *path);
/** Replaces a file of the evidence, whatever its mode. */
void evidence_replace(const char *path, const void *data, size_t len);
/** How often word stands in text. */
int evidence_count(const char *text, const char *word);

#endif
