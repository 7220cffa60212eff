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

#define APPROVAL_TYPE         "application/vnd.abm.plan-approval+json"
#define APPROVAL_APPROVER_MAX 128

/* One envelope of a plan, as it says of itself. */
struct approval {
    const char *keyid; /* of its first signature: what it claims, nothing is proved */
    const char *approver;
    int64_t approved_at_ms;
    const char *problem; /* why it approves nothing, in words: "it approves another plan, 1f2e..."; NULL:
                            none. Where the envelope cannot be read the members above are NULL and 0 */
    bool is_trusted;     /* after approval_check: one of the given keys has signed it, and no one before it */
    const char *trusted_keyid; /* that key's */
};

struct approval_list {
    struct approval *at;
    size_t count;
};

/** Reads the approvals of a plan; no signature is looked at. Everything lives in pool. ERR_LIMIT, ERR_NOMEM.
 */
int approval_list(const struct plan_head *head, struct pool *pool, struct approval_list *list_r,
                  struct err *err);

/**
 * Checks the approvals of a plan against public keys.
 *
 * @param keys      those who may approve, of any kind that a verifier knows; a key named twice is one
 * @param required  so many different keys must have signed
 * @param list_r    every approval, with its problem (also "by no key of apply.approvers") or is_trusted
 * @return 0; -1 with ERR_PLAN_APPROVALS (the text counts, and names why which does not count), ERR_LIMIT,
 *         ERR_NOMEM
 */
int approval_check(const struct plan_head *head, const struct verifier *keys, size_t key_count,
                   size_t required, struct pool *pool, struct approval_list *list_r, struct err *err);

/**
 * Reads one entry of apply.approvers: the path of a PEM file, relative to base (the settings' path; NULL: the
 * working folder), or the base64 of a SubjectPublicKeyInfo in DER. ERR_SETTINGS with what is wrong.
 */
int approval_key(const char *entry, const char *base, struct verifier *verifier_r, struct err *err);

/** Appends the envelope, canonical JSON. at_ms: now. ERR_SIGNER, ERR_LIMIT, ERR_NOMEM. */
int approval_make(struct buf *out, const struct plan_head *head, const char *approver, int64_t at_ms,
                  struct signer *signer, struct err *err);

#endif
