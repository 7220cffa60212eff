#include "evidence/dsse.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "crypto/base64.h"

void dsse_pae(struct buf *out, const char *type, const void *payload, size_t len)
{
    buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
    buf_add(out, payload, len);
}

int dsse_sign(struct buf *out, const void *payload, size_t len, struct signer *signer, struct err *err)
{
    return dsse_sign_as(out, DSSE_PAYLOAD_TYPE, payload, len, signer, err);
}

int dsse_sign_as(struct buf *out, const char *type, const void *payload, size_t len, struct signer *signer,
                 struct err *err)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t signature_len = 0;
    struct buf pae;
    int rc = -1;

    buf_init(&pae, DSSE_PAYLOAD_MAX + 256);
    dsse_pae(&pae, type, payload, len);
    if (buf_check(&pae, "what is signed", err) != 0 ||
        signer_sign(signer, pae.data, pae.len, signature, &signature_len, err) != 0)
        goto out;
    buf_addf(out, "{\"payloadType\":\"%s\",\"payload\":\"", type);
    base64_encode(out, payload, len);
    buf_addf(out, "\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"", signer->keyid);
    base64_encode(out, signature, signature_len);
    buf_add_str(out, "\"}]}\n");
    rc = buf_check(out, "the envelope", err);
out:
    buf_release(&pae);
    return rc;
}

/* Another's signature may be of any kind: what cannot be read is not ours, no more. 1: it is ours; 0; -1:
 * ERR_NOMEM. */
static int is_verified(const struct json *entry, const struct verifier *verifier, const struct buf *pae,
                       struct err *err)
{
    const char *sig = json_string(json_get(entry, "sig"));
    struct err why = ERR_INIT;
    struct buf bytes;
    int is_ours;

    buf_init(&bytes, SIGNATURE_MAX);
    is_ours = sig != NULL && base64_decode(&bytes, sig, strlen(sig), &why) == 0 &&
              verifier_accepts(verifier, pae->data, pae->len, bytes.data, bytes.len);
    buf_release(&bytes);
    if (why.code != ERR_NOMEM)
        return is_ours;
    *err = why;
    return -1;
}

static int check_signatures(const struct json *list, const char *type, const struct verifier *verifier,
                            const struct buf *payload, struct err *err)
{
    struct buf pae, keyids;
    int is_found = 0;

    buf_init(&pae, DSSE_PAYLOAD_MAX + 256);
    buf_init(&keyids, 1024);
    dsse_pae(&pae, type, payload->data, payload->len);
    if (buf_check(&pae, "what was signed", err) != 0) {
        buf_release(&pae);
        return -1;
    }
    for (const struct json *entry = json_first(list); entry != NULL && is_found == 0;
         entry = json_next(entry)) {
        const char *keyid = json_string(json_get(entry, "keyid"));

        is_found = is_verified(entry, verifier, &pae, err);
        if (keyids.len > 0)
            buf_add_str(&keyids, ", ");
        str_escape(&keyids, keyid != NULL ? keyid : "none", keyid != NULL ? strlen(keyid) : 4, 64);
    }
    if (is_found == 0)
        err_set(err, ERR_SIGNATURE, 0, "the signature does not verify with key %s (the envelope names: %s)",
                verifier->keyid, keyids.len > 0 ? keyids.data : "none");
    buf_release(&pae);
    buf_release(&keyids);
    return is_found > 0 ? 0 : -1;
}

static int open_members(const struct json *doc, const char *wanted, const struct verifier *verifier,
                        struct buf *payload, struct err *err)
{
    const char *type = json_string(json_get(doc, "payloadType"));
    const char *text = json_string(json_get(doc, "payload"));
    const struct json *list = json_get(doc, "signatures");

    if (type == NULL || text == NULL || json_kind(list) != JSON_ARRAY || json_count(list) < 1)
        return err_set(err, ERR_EVIDENCE, 0, "envelope: payloadType, payload and signatures are required");
    if (strcmp(type, wanted) != 0)
        return err_set(err, ERR_EVIDENCE, 0, "envelope: payloadType is not %s", wanted);
    if (json_count(list) > DSSE_SIGNATURES_MAX)
        return err_set(err, ERR_EVIDENCE, 0, "envelope: more than %d signatures", DSSE_SIGNATURES_MAX);
    if (base64_decode(payload, text, strlen(text), err) != 0) {
        if (err->code == ERR_ENCODING)
            err->code = ERR_EVIDENCE;
        return err_prefix(err, "envelope: payload");
    }
    return verifier == NULL ? 0 : check_signatures(list, wanted, verifier, payload, err);
}

int dsse_open(const char *envelope, size_t len, const struct verifier *verifier, struct buf *payload,
              struct err *err)
{
    return dsse_open_as(envelope, len, DSSE_PAYLOAD_TYPE, verifier, payload, err);
}

int dsse_open_as(const char *envelope, size_t len, const char *type, const struct verifier *verifier,
                 struct buf *payload, struct err *err)
{
    struct json *doc;
    int rc;

    if (len > DSSE_ENVELOPE_MAX)
        return err_set(err, ERR_EVIDENCE, 0, "envelope: more than %d bytes", DSSE_ENVELOPE_MAX);
    if (json_parse(envelope, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_EVIDENCE;
        return err_prefix(err, "envelope");
    }
    buf_reset(payload);
    rc = open_members(doc, type, verifier, payload, err);
    if (rc != 0)
        buf_reset(payload); /* what no signature vouches for is not handed out */
    json_free(doc);
    return rc;
}
