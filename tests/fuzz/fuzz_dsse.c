/*
 * Any bytes as an envelope and as a proof. Nothing in the corpus is signed with the key, so nothing may ever
 * be taken with it; without a key the payload is handed out as it stands.
 */
#include <stdint.h>
#include <stdlib.h>

#include "evidence/dsse.h"
#include "evidence/find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8410, section 10.1. */
static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PUBLIC KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct pool *pool = pool_new(16 << 20);
    struct err err = ERR_INIT;
    struct verifier verifier;
    struct find_hit hit;
    struct buf payload;

    if (pool == NULL)
        return 0;
    buf_init(&payload, DSSE_PAYLOAD_MAX);
    if (verifier_from_pem(public_pem, &verifier, &err) != 0)
        abort();
    if (dsse_open(text, size, &verifier, &payload, &err) == 0 || payload.len != 0)
        abort();
    (void)dsse_open(text, size, NULL, &payload, &err);
    if (evidence_check_proof(text, size, &verifier, pool, &hit, &err) == 0)
        abort();
    buf_release(&payload);
    pool_free(pool);
    return 0;
}
