#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "crypto/cms.h"
#include "crypto/rsa_key.h"
#include "harness/keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define NOW_MS      INT64_C(1795508220123)

static struct secret *key;

static int copy_key(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    return secret_copy(key_rsa, strlen(key_rsa), &key, &err);
}

static int drop_key(void **state)
{
    (void)state;
    secret_free(key);
    return 0;
}

/* The text is whole PEM of that label. What is in it is read by others: tests/e2e/test_openssl.sh. */
static void check_pem(const char *text, const char *label)
{
    char begin[64], end[64];

    snprintf(begin, sizeof(begin), "-----BEGIN %s-----\n", label);
    snprintf(end, sizeof(end), "\n-----END %s-----\n", label);
    if (strncmp(text, begin, strlen(begin)) != 0 || !str_ends(text, end))
        fail_msg("no %s: %s", label, text);
}

static void makes_keys_and_requests(void **state)
{
    static const struct subject subject = { "B\303\274ro", "Example Ltd" };
    struct secret *pem = NULL, *other = NULL;
    struct err err = ERR_INIT;
    struct buf one, two;

    (void)state;
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    assert_int_equal(rsa_key_new(2048, &pem, &err), 0);
    assert_int_equal(rsa_key_new(2048, &other, &err), 0);
    check_pem(secret_text(pem), "PRIVATE KEY");
    assert_string_not_equal(secret_text(pem), secret_text(other));
    if (csr_new(pem, &subject, &one, &err) != 0 || csr_new(other, &subject, &two, &err) != 0)
        fail_msg("%s", err.text);
    check_pem(one.data, "CERTIFICATE REQUEST");
    assert_string_not_equal(one.data, two.data);
    secret_free(pem);
    secret_free(other);
    buf_release(&one);
    buf_release(&two);
}

/* A key whose modulus is another would sign what nobody accepts. */
static void refuses_a_key_that_does_not_fit_itself(void **state)
{
    static const struct subject subject = { "a", NULL };
    struct secret *pem = NULL;
    struct err err = ERR_INIT;
    struct buf text, out;

    (void)state;
    buf_init(&text, 4096);
    buf_init(&out, 4096);
    buf_add_str(&text, key_rsa);
    text.data[200] = text.data[200] == 'A' ? 'B' : 'A'; /* in the fourth line: the modulus */
    assert_int_equal(secret_copy(text.data, text.len, &pem, &err), 0);
    assert_int_equal(csr_new(pem, &subject, &out, &err), -1);
    assert_int_equal(err.code, ERR_KEY);
    assert_int_equal(out.len, 0);
    secret_free(pem);
    buf_release(&text);
    buf_release(&out);
}

/* The server token is made for the certificate: what a token for another is told shows that ours is read. */
static void makes_certificates(void **state)
{
    static const struct subject subject = { "abm-test", NULL };
    struct secret *json = NULL;
    struct err err = ERR_INIT;
    struct buf one, two, file;
    char path[512];

    (void)state;
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    buf_init(&file, 65536);
    assert_int_equal(certificate_new(key, &subject, NOW_MS, 730, &one, &err), 0);
    assert_int_equal(certificate_new(key, &subject, NOW_MS, 730, &two, &err), 0);
    check_pem(one.data, "CERTIFICATE");
    assert_string_not_equal(one.data, two.data); /* its serial number */
    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/cms/smime", TEST_TOP);
    assert_int_equal(fsio_read(path, &file, &err), 0);
    assert_int_equal(cms_open_server_token(file.data, file.len, key, one.data, &json, &err), -1);
    if (strstr(err.text, "was made for another certificate") == NULL)
        fail_msg("%s", err.text);
    buf_release(&one);
    buf_release(&two);
    buf_release(&file);
}

static void refuses_subjects_keys_and_times(void **state)
{
    static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123x";
    static const struct {
        const char *what, *pem, *common_name, *organization;
        int64_t from_ms;
        unsigned days;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "64 characters", key_rsa, long_name + 1, NULL, NOW_MS, 730, ERR_NONE, "" },
        { "ten years", key_rsa, "a", "b", NOW_MS, 3650, ERR_NONE, "" },
        { "the last time", key_rsa, "a", "b", INT64_C(253000000000000), 3650, ERR_NONE, "" },
        { "65 characters", key_rsa, long_name, NULL, NOW_MS, 730, ERR_CSR, "a common name has 1 to 64" },
        { "no name", key_rsa, "", NULL, NOW_MS, 730, ERR_CSR, "a common name has 1 to 64" },
        { "no UTF-8", key_rsa, "\xff", NULL, NOW_MS, 730, ERR_CSR, "a common name has 1 to 64" },
        { "a line end", key_rsa, "a", "b\n", NOW_MS, 730, ERR_CSR, "an organization's name has 1 to 64" },
        { "no days", key_rsa, "a", NULL, NOW_MS, 0, ERR_CSR, "a certificate for 0 days" },
        { "too many", key_rsa, "a", NULL, NOW_MS, 3651, ERR_CSR, "a certificate for 3651 days" },
        { "before 1970", key_rsa, "a", NULL, -1, 730, ERR_CSR, "from 1970 on" },
        { "the last moment", key_rsa, "a", NULL, INT64_MAX, 730, ERR_CSR, "from 1970 on" },
        { "a small key", key_rsa_pkcs8, "a", NULL, NOW_MS, 730, ERR_KEY, "it has 512" },
        { "a key of a curve", key_rfc_pkcs8, "a", NULL, NOW_MS, 730, ERR_KEY, "a key of another kind" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct subject subject = { rows[i].common_name, rows[i].organization };
        struct secret *pem = NULL;
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(secret_copy(rows[i].pem, strlen(rows[i].pem), &pem, &err), 0);
        (void)!certificate_new(pem, &subject, rows[i].from_ms, rows[i].days, &out, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL ||
            (out.len > 0) != (err.code == 0))
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        secret_free(pem);
        buf_release(&out);
    }
}

static void keeps_the_limit(void **state)
{
    static const struct subject subject = { "a", NULL };
    struct secret *pem = NULL;
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 500);
    buf_add_str(&out, "kept");
    assert_int_equal(csr_new(key, &subject, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(out.data, "kept");
    buf_release(&out);
    assert_int_equal(rsa_key_new(1024, &pem, &err), -1);
    assert_int_equal(err.code, ERR_KEY);
    assert_int_equal(rsa_key_new(8192, &pem, &err), -1);
    assert_int_equal(err.code, ERR_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_keys_and_requests), cmocka_unit_test(refuses_a_key_that_does_not_fit_itself),
        cmocka_unit_test(makes_certificates),      cmocka_unit_test(refuses_subjects_keys_and_times),
        cmocka_unit_test(keeps_the_limit),
    };

    return cmocka_run_group_tests(tests, copy_key, drop_key);
}
