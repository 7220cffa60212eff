#include "harness/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "crypto/ed25519_pem.h"
#include "crypto/signer.h"
#include "crypto/verifier.h"
#include "harness/proc.h"

/* RFC 8410, sections 10.1 and 10.3: one key pair. */
static const char rfc_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                  "-----END PRIVATE KEY-----\n";
static const char rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PUBLIC KEY-----\n";

struct place {
    char dir[256], key[300], reference[340];
};

static int setup(void **state)
{
    static struct place place;
    struct err err = ERR_INIT;

    if (proc_temp_dir("signer", place.dir, sizeof(place.dir), &err) != 0)
        return -1;
    snprintf(place.key, sizeof(place.key), "%s/audit.key", place.dir);
    snprintf(place.reference, sizeof(place.reference), "ed25519:file:%s", place.key);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    proc_remove_dir(((struct place *)*state)->dir);
    return 0;
}

static const struct signer_options plain = { .base = NULL };

static void put_key(const struct place *place, const char *text, unsigned mode)
{
    struct err err = ERR_INIT;

    if (fsio_write(place->key, text, strlen(text), mode, &err) != 0)
        fail_msg("%s", err.text);
}

static void reads_the_standards_key(void **state)
{
    const struct place *place = *state;
    struct signer *signer;
    struct verifier verifier;
    struct err err = ERR_INIT;

    put_key(place, rfc_private, 0600);
    if (signer_open(place->reference, &plain, &signer, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(signer->public_pem, rfc_public);
    assert_string_equal(signer->algorithm, "ed25519");
    assert_int_equal(verifier_from_pem(rfc_public, &verifier, &err), 0);
    assert_string_equal(signer->keyid, verifier.keyid);
    assert_true(sha256_is_hex(signer->keyid));
    signer_free(signer);
}

static void signs_what_only_its_key_verifies(void **state)
{
    const struct place *place = *state;
    char pem[PUBLIC_PEM_MAX];
    unsigned char signature[SIGNATURE_MAX];
    size_t len;
    struct signer *signer;
    struct verifier own, other;
    struct err err = ERR_INIT;

    assert_int_equal(signer_keygen(place->key, pem, &err), 0);
    assert_int_equal(signer_open(place->reference, &plain, &signer, &err), 0);
    assert_string_equal(signer->public_pem, pem);
    assert_int_equal(signer_sign(signer, "manifest", 8, signature, &len, &err), 0);
    assert_int_equal(verifier_from_pem(pem, &own, &err), 0);
    assert_int_equal(verifier_from_pem(rfc_public, &other, &err), 0);
    assert_true(verifier_accepts(&own, "manifest", 8, signature, len));
    assert_false(verifier_accepts(&own, "manifesT", 8, signature, len));
    assert_false(verifier_accepts(&own, "manifest", 8, signature, len - 1));
    assert_false(verifier_accepts(&other, "manifest", 8, signature, len));
    signature[0] ^= 1;
    assert_false(verifier_accepts(&own, "manifest", 8, signature, len));
    signer_free(signer);
}

static void makes_a_key_once(void **state)
{
    const struct place *place = *state;
    char pem[PUBLIC_PEM_MAX], again[PUBLIC_PEM_MAX] = "";
    struct err err = ERR_INIT;
    struct signer *signer;
    struct stat st;

    assert_int_equal(signer_keygen(place->key, pem, &err), 0);
    assert_int_equal(stat(place->key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(signer_keygen(place->key, again, &err), -1);
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_string_equal(again, "");
    assert_int_equal(signer_open(place->reference, &plain, &signer, &err), 0);
    assert_string_equal(signer->public_pem, pem);
    signer_free(signer);
}

static void finds_the_key_beside_the_settings(void **state)
{
    const struct place *place = *state;
    char settings[300];
    struct signer_options options = { .base = settings };
    struct signer *signer;
    struct err err = ERR_INIT;

    put_key(place, rfc_private, 0600);
    snprintf(settings, sizeof(settings), "%s/pipeline.yaml", place->dir);
    if (signer_open("ed25519:file:audit.key", &options, &signer, &err) != 0)
        fail_msg("%s", err.text);
    signer_free(signer);
}

static void refuses(void **state)
{
    static const struct {
        const char *what, *reference; /* NULL: the key file */
        const char *key;
        unsigned mode;
        enum err_code want;
        const char *says;
    } rows[] = {
        { "an unknown kind", "rsa:file:x", NULL, 0, ERR_SETTINGS, "ed25519:file:PATH" },
        { "no kind", "", NULL, 0, ERR_SETTINGS, "ed25519:file:PATH" },
        { "no such file", "ed25519:file:/nonexistent/audit.key", NULL, 0, ERR_SIGNER,
          "/nonexistent/audit.key" },
        { "no reference behind the kind", "ed25519:", NULL, 0, ERR_SIGNER, "audit.signer" },
        { "a file that others read", NULL, rfc_private, 0644, ERR_SECRET_MODE, "audit.key" },
        { "a public key", NULL, rfc_public, 0600, ERR_SIGNER, "PRIVATE KEY" },
        { "no PEM", NULL, "hello\n", 0600, ERR_SIGNER, "PRIVATE KEY" },
        { "no base64", NULL, "-----BEGIN PRIVATE KEY-----\nMC4C!QAw\n-----END PRIVATE KEY-----\n", 0600,
          ERR_SIGNER, "base64" },
        { "another algorithm", NULL,
          "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
          "-----END PRIVATE KEY-----\n",
          0600, ERR_SIGNER, "no Ed25519 key" },
        { "cut short", NULL, "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5\n", 0600, ERR_SIGNER,
          "PRIVATE KEY" },
    };
    const struct place *place = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct signer *signer;
        struct err err = ERR_INIT;

        if (rows[i].key != NULL)
            put_key(place, rows[i].key, rows[i].mode);
        if (signer_open(rows[i].reference != NULL ? rows[i].reference : place->reference, &plain, &signer,
                        &err) == 0)
            fail_msg("%s: taken", rows[i].what);
        if (err.code != rows[i].want || strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, "MC4C") != NULL)
            fail_msg("%s: the key is in the error: %s", rows[i].what, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_standards_key, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_what_only_its_key_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(makes_a_key_once, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_the_key_beside_the_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
