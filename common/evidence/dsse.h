/**
 * dsse.h - the signed envelope of a manifest, and of other documents: DSSE, version 1. Pure but for the
 * signer.
 *
 *   {"payloadType":"application/vnd.abm.audit-manifest+json","payload":"<base64>","signatures":[{"keyid":"<hex>","sig":"<base64>"}]}
 *
 * What is signed is PAE(payloadType, payload), so neither can be exchanged.
 * Source: secure-systems-lab/dsse, protocol.md and envelope.md, v1.0.
 */
#ifndef EVIDENCE_DSSE_H
#define EVIDENCE_DSSE_H

#include "base/buf.h"
#include "crypto/signer.h"
#include "crypto/verifier.h"

#define DSSE_PAYLOAD_TYPE   "application/vnd.abm.audit-manifest+json"
#define DSSE_PAYLOAD_MAX    (4 * 1024 * 1024)
#define DSSE_ENVELOPE_MAX   (DSSE_PAYLOAD_MAX / 3 * 4 + 4096)
#define DSSE_SIGNATURES_MAX 8

/** Appends "DSSEv1 LEN(type) type LEN(payload) payload": the bytes that are signed. */
void dsse_pae(struct buf *out, const char *type, const void *payload, size_t len)
    __attribute__((nonnull(1, 2)));

/** Appends the envelope of payload, signed by signer, as one line. type: plain, without quote and backslash.
 * ERR_SIGNER, ERR_LIMIT, ERR_NOMEM. */
int dsse_sign_as(struct buf *out, const char *type, const void *payload, size_t len, struct signer *signer,
                 struct err *err) __attribute__((nonnull(1, 2, 5, 6)));
/** The same of type DSSE_PAYLOAD_TYPE. */
int dsse_sign(struct buf *out, const void *payload, size_t len, struct signer *signer, struct err *err)
    __attribute__((nonnull(1, 4, 5)));

/**
 * Resets *payload to the payload of an envelope of that type, where one of its signatures is the verifier's;
 * it is empty on failure. verifier NULL: no signature is looked at (for what the caller just signed, never
 * for evidence to check).
 *
 * @return 0; -1 with ERR_EVIDENCE (no such envelope), ERR_SIGNATURE (none verifies; the text names the
 * keyids)
 */
int dsse_open_as(const char *envelope, size_t len, const char *type, const struct verifier *verifier,
                 struct buf *payload, struct err *err) __attribute__((nonnull(1, 3, 5, 6)));
/** The same of type DSSE_PAYLOAD_TYPE. */
int dsse_open(const char *envelope, size_t len, const struct verifier *verifier, struct buf *payload,
              struct err *err) __attribute__((nonnull(1, 4, 5)));

#endif
