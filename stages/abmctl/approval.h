/**
 * approval.h - signatures under a plan (domain/plan.h): DSSE envelopes of PLAN_APPROVAL_TYPE whose payload is
 * canonical JSON, {"approved_at","approver","org","plan_sha256","version":1}. They are made by `abmctl plan
 * approve` and asked for by `abmctl apply`, where apply.require_approvals is set.
 */
#ifndef ABMCTL_APPROVAL_H
#define ABMCTL_APPROVAL_H

#include "base/pool.h"
#include "crypto/signer.h"
#include "crypto/verifier.h"
#include "domain/plan.h"
#include "plan_file.h"

#define APPROVAL_TYPE         "application/vnd.abm.plan-approval+json"
#define APPROVAL_VERSION      1
#define APPROVAL_APPROVER_MAX 256 /* bytes */

/* One envelope of a plan, as it says of itself. What could not be read is NULL and 0. */
struct approval {
    const char *envelope; /* canonical JSON */
    const char *keyid;    /* that its first signature names: a claim, nothing more */
    const char *approver;
    int64_t approved_at_ms;
    const char
        *problem; /* why it does not count, in words: "it approves another plan, 1f2e..."; NULL: none */

    /* After approval_check. */
    bool is_trusted;           /* one of the given keys has signed it, as the first of that key */
    const char *trusted_keyid; /* that key's, borrowed from the keys; NULL: none has */
};

struct approval_list {
    struct approval *at;
    size_t count;
    size_t trusted; /* after approval_check: different keys */
};

/**
 * Reads the approvals of a plan; no signature is looked at. Everything lives in pool. ERR_PLAN_ALTERED (no
 * list of objects), ERR_LIMIT, ERR_NOMEM.
 */
int approval_list(const struct plan_head *head, struct pool *pool, struct approval_list *list_r,
                  struct err *err);

/**
 * Checks the approvals of a plan against public keys.
 *
 * @param keys      those who may approve, of any kind that a verifier knows; a key named twice is one
 * @param required  so many different keys must have signed
 * @param list_r    every approval, each trusted or with its problem; filled also where too few are
 * @return 0; -1 with ERR_PLAN_APPROVALS (the text counts, and says of each that does not count why),
 * ERR_PLAN_ALTERED, ERR_LIMIT, ERR_NOMEM
 */
int approval_check(const struct plan_head *head, const struct verifier *keys, size_t key_count,
                   size_t required, struct pool *pool, struct approval_list *list_r, struct err *err);

/**
 * Reads one entry of apply.approvers: the path of a PEM file, relative to base (the settings' path; NULL: the
 * working folder), or the base64 of a SubjectPublicKeyInfo in DER. ERR_SETTINGS with what is wrong.
 */
int approval_key(const char *entry, const char *base, struct verifier *verifier_r, struct err *err);

/**
 * Appends the envelope, canonical JSON.
 *
 * @param approver  at most APPROVAL_APPROVER_MAX bytes of UTF-8 without control characters, not empty
 * (ERR_USAGE)
 * @param at_ms     now
 * @return 0; -1 with ERR_USAGE, ERR_SIGNER, ERR_LIMIT, ERR_NOMEM
 */
int approval_make(struct buf *out, const struct plan_head *head, const char *approver, int64_t at_ms,
                  struct signer *signer, struct err *err);

/**
 * Writes the plan's file again with one more approval behind those that it has: a temporary file beside it,
 * fsync, rename, the mode kept. file stays the one that was opened, without it.
 *
 * @param count  of the approvals that it has
 * @return 0; -1 with ERR_PLAN_APPROVALS (it has PLAN_APPROVALS_MAX already), ERR_INPUT_CHANGED, ERR_IO,
 *         ERR_FILE_DENIED, ERR_LIMIT, ERR_NOMEM
 */
int approval_add(const struct plan_file *file, size_t count, const char *envelope, struct err *err);

#endif
