#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base64.h"
#include "evidence/dsse.h"
#include "harness/proc.h"

struct keys {
    char dir[256];
    struct signer *own, *other;
    struct verifier own_verifier, other_verifier;
};

static struct signer *make_key(const struct keys *keys, const char *name, struct verifier *verifier)
{
    static const struct signer_options options = { .base = NULL };
    char path[300], reference[340], pem[PUBLIC_PEM_MAX];
    struct signer *signer = NULL;
    struct err err = ERR_INIT;

    snprintf(path, sizeof(path), "%s/%s", keys->dir, name);
    snprintf(reference, sizeof(reference), "ed25519:file:%s", path);
    assert_int_equal(signer_keygen(path, pem, &err), 0);
    assert_int_equal(signer_open(reference, &options, &signer, &err), 0);
    assert_int_equal(verifier_from_pem(pem, verifier, &err), 0);
    return signer;
}

static int setup(void **state)
{
    static struct keys keys;
    struct err err = ERR_INIT;

    if (proc_temp_dir("dsse", keys.dir, sizeof(keys.dir), &err) != 0)
        return -1;
    keys.own = make_key(&keys, "own", &keys.own_verifier);
    keys.other = make_key(&keys, "other", &keys.other_verifier);
    *state = &keys;
    return 0;
}

static int teardown(void **state)
{
    struct keys *keys = *state;

    signer_free(keys->own);
    signer_free(keys->other);
    proc_remove_dir(keys->dir);
    return 0;
}

/* The example of DSSE's protocol.md. */
static void encodes_what_is_signed(void **state)
{
    struct buf pae;

    (void)state;
    buf_init(&pae, 256);
    dsse_pae(&pae, "http://example.com/HelloWorld", "hello world", 11);
    assert_string_equal(pae.data, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    buf_release(&pae);
}

static void opens_with_the_right_key_only(void **state)
{
    struct keys *keys = *state;
    struct buf envelope, payload;
    struct err err = ERR_INIT;

    buf_init(&envelope, 65536);
    buf_init(&payload, 65536);
    assert_int_equal(dsse_sign(&envelope, "{\"a\":1}", 7, keys->own, &err), 0);
    assert_int_equal(envelope.data[envelope.len - 1], '\n');
    assert_int_equal(dsse_open(envelope.data, envelope.len, &keys->own_verifier, &payload, &err), 0);
    assert_string_equal(payload.data, "{\"a\":1}");
    assert_int_equal(dsse_open(envelope.data, envelope.len, &keys->other_verifier, &payload, &err), -1);
    assert_int_equal(err.code, ERR_SIGNATURE);
    assert_non_null(strstr(err.text, keys->own->keyid));
    assert_non_null(strstr(err.text, keys->other_verifier.keyid));
    assert_int_equal(payload.len, 0);
    buf_release(&envelope);
    buf_release(&payload);
}

/* What was signed as one kind of document passes for no other, whatever the envelope is made to say. */
static void keeps_types_apart(void **state)
{
    static const char type[] = "application/vnd.abm.test+json";
    struct keys *keys = *state;
    const struct verifier *own = &keys->own_verifier;
    struct buf envelope, forged, payload;
    struct err err = ERR_INIT;
    const char *behind;

    buf_init(&envelope, 65536);
    buf_init(&forged, 65536);
    buf_init(&payload, 65536);
    assert_int_equal(dsse_sign_as(&envelope, type, "{}", 2, keys->own, &err), 0);
    assert_int_equal(dsse_open_as(envelope.data, envelope.len, type, own, &payload, &err), 0);
    assert_string_equal(payload.data, "{}");
    assert_int_equal(dsse_open(envelope.data, envelope.len, own, &payload, &err), -1);
    assert_int_equal(err.code, ERR_EVIDENCE);
    behind = strstr(envelope.data, type) + strlen(type);
    buf_addf(&forged, "{\"payloadType\":\"" DSSE_PAYLOAD_TYPE "%s", behind);
    assert_int_equal(dsse_open(forged.data, forged.len, NULL, &payload, &err), 0);
    assert_int_equal(dsse_open(forged.data, forged.len, own, &payload, &err), -1);
    assert_int_equal(err.code, ERR_SIGNATURE);
    buf_release(&envelope);
    buf_release(&forged);
    buf_release(&payload);
}

/* An envelope may be signed by several, also in ways that this program does not know. */
static void finds_its_signature_among_others(void **state)
{
    struct keys *keys = *state;
    struct buf envelope, payload;
    struct err err = ERR_INIT;
    char *more = NULL;
    const char *list;

    buf_init(&envelope, 65536);
    buf_init(&payload, 65536);
    assert_int_equal(dsse_sign(&envelope, "{}", 2, keys->own, &err), 0);
    list = strstr(envelope.data, "[{") + 1;
    assert_true(asprintf(&more, "%.*s{\"keyid\":\"x\",\"sig\":\"AAAA\"},{\"sig\":\"not base64\"},%s",
                         (int)(list - envelope.data), envelope.data, list) > 0);
    if (dsse_open(more, strlen(more), &keys->own_verifier, &payload, &err) != 0)
        fail_msg("%s", err.text);
    free(more);
    buf_release(&envelope);
    buf_release(&payload);
}

static void refuses(void **state)
{
#define TYPE "\"payloadType\":\"" DSSE_PAYLOAD_TYPE "\""
    static const struct {
        const char *what, *envelope;
        enum err_code want;
    } rows[] = {
        { "nothing", "", ERR_EVIDENCE },
        { "no JSON", "DSSE", ERR_EVIDENCE },
        { "an array", "[]", ERR_EVIDENCE },
        { "another type",
          "{\"payloadType\":\"text/plain\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
          ERR_EVIDENCE },
        { "no payload", "{" TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}", ERR_EVIDENCE },
        { "a payload that is no base64", "{" TYPE ",\"payload\":\"{}\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
          ERR_EVIDENCE },
        { "no signature", "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[]}", ERR_EVIDENCE },
        { "signatures of another shape", "{" TYPE ",\"payload\":\"e30=\",\"signatures\":{}}", ERR_EVIDENCE },
        { "a signature that is none", "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
          ERR_SIGNATURE },
        { "a signature of no text", "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[7]}", ERR_SIGNATURE },
        { "nine signatures", "{" TYPE ",\"payload\":\"e30=\",\"signatures\":[1,2,3,4,5,6,7,8,9]}",
          ERR_EVIDENCE },
        { "a member twice",
          "{" TYPE ",\"payload\":\"e30=\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
          ERR_EVIDENCE },
    };
    struct keys *keys = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf payload;

        buf_init(&payload, 65536);
        if (dsse_open(rows[i].envelope, strlen(rows[i].envelope), &keys->own_verifier, &payload, &err) == 0 ||
            err.code != rows[i].want || payload.len != 0)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        buf_release(&payload);
    }
}

/* Each byte of the payload and of the signature counts. */
static void notices_any_change(void **state)
{
    struct keys *keys = *state;
    struct buf envelope;
    struct err err = ERR_INIT;

    buf_init(&envelope, 65536);
    assert_int_equal(dsse_sign(&envelope, "{\"total\":1}", 11, keys->own, &err), 0);
    for (size_t i = 0; i < envelope.len; i++) {
        struct buf payload;
        char before = envelope.data[i];

        if (strncmp(envelope.data + i, "\"keyid\"", 7) == 0)
            i += 9 + 64; /* the keyid is a hint that nobody relies on */
        before = envelope.data[i];
        envelope.data[i] = before == 'A' ? 'B' : 'A';
        buf_init(&payload, 65536);
        if (dsse_open(envelope.data, envelope.len, &keys->own_verifier, &payload, &err) == 0)
            fail_msg("a change at byte %zu went unnoticed", i);
        buf_release(&payload);
        envelope.data[i] = before;
    }
    buf_release(&envelope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_what_is_signed),
        cmocka_unit_test(opens_with_the_right_key_only),
        cmocka_unit_test(keeps_types_apart),
        cmocka_unit_test(finds_its_signature_among_others),
        cmocka_unit_test(refuses),
        cmocka_unit_test(notices_any_change),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
