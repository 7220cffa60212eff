/* The issuer of the simulator: what it takes, what it refuses and with which word, and when its tokens end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "issuer.h"

#define NOW_MS INT64_C(1800000000500)
#define NOW_S  INT64_C(1800000000)
#define GOOD   "\"iss\":\"me\",\"aud\":\"appstoreconnect-v1\""
#define TIMES  "\"iat\":1800000000,\"exp\":1800001200"

static struct issuer issuer;
static struct ec_key *key, *other;
static struct err err;

static void add_key(const char *kid, const struct ec_key *from)
{
    struct buf pem;

    buf_init(&pem, 4096);
    ec_public_print(&pem, ec_key_public(from));
    if (issuer_add_key(&issuer, kid, pem.data, pem.len, &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&pem);
}

static int start(void **state)
{
    (void)state;
    err_reset(&err);
    issuer = (struct issuer){ 0 };
    if (ec_key_new(&key, &err) != 0 || ec_key_new(&other, &err) != 0)
        return -1;
    add_key("K1", key);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    issuer_release(&issuer);
    ec_key_free(key);
    ec_key_free(other);
    return 0;
}

/* A JWT of these claims, which the caller frees. */
static char *sign(const struct ec_key *by, const char *kid, const char *claims)
{
    struct secret *token;
    char *copy;

    if (jwt_sign_es256(by, kid, claims, strlen(claims), &token, &err) != 0)
        fail_msg("%s", err.text);
    copy = strdup(secret_text(token));
    secret_free(token);
    return copy;
}

static enum issuer_refusal verify(const char *jwt, char why[ISSUER_WHY_MAX])
{
    size_t number = 99;
    enum issuer_refusal refusal = issuer_verify(&issuer, jwt, NOW_MS, &number, why);

    assert_int_equal(number, refusal == ISSUER_TAKEN ? 0 : 99);
    return refusal;
}

static void claims_are_judged(void **state)
{
    static const struct {
        const char *what, *claims;
        enum issuer_refusal want;
        const char *why;
    } rows[] = {
        { "good", "{" GOOD "," TIMES "}", ISSUER_TAKEN, NULL },
        { "aud as a list", "{\"iss\":\"me\",\"aud\":[\"x\",\"appstoreconnect-v1\"]," TIMES "}", ISSUER_TAKEN,
          NULL },
        { "no iss", "{\"aud\":\"appstoreconnect-v1\"," TIMES "}", ISSUER_BROKEN, "no iss" },
        { "another aud", "{\"iss\":\"me\",\"aud\":\"appstoreconnect-v2\"," TIMES "}", ISSUER_BROKEN, "aud" },
        { "no aud", "{\"iss\":\"me\"," TIMES "}", ISSUER_BROKEN, "aud" },
        { "no iat", "{" GOOD ",\"exp\":1800001200}", ISSUER_BROKEN, "iat and exp" },
        { "no exp", "{" GOOD ",\"iat\":1800000000}", ISSUER_BROKEN, "iat and exp" },
        { "exp as a text", "{" GOOD ",\"iat\":1800000000,\"exp\":\"1800001200\"}", ISSUER_BROKEN,
          "iat and exp" },
        { "times out of range", "{" GOOD ",\"iat\":1e300,\"exp\":1e300}", ISSUER_BROKEN, "iat and exp" },
        { "lives 1 s too long", "{" GOOD ",\"iat\":1800000000,\"exp\":1800001201}", ISSUER_BROKEN, "1201 s" },
        { "lives not at all", "{" GOOD ",\"iat\":1800000000,\"exp\":1800000000}", ISSUER_BROKEN,
          "0 s after" },
        { "a little ahead", "{" GOOD ",\"iat\":1800000060,\"exp\":1800000660}", ISSUER_TAKEN, NULL },
        { "too far ahead", "{" GOOD ",\"iat\":1800000120,\"exp\":1800000660}", ISSUER_CLOCK_SKEW,
          "120 s ahead" },
        { "just expired", "{" GOOD ",\"iat\":1799999000,\"exp\":1800000000}", ISSUER_JWT_EXPIRED, "expired" },
        { "not yet expired", "{" GOOD ",\"iat\":1799999000,\"exp\":1800000001}", ISSUER_TAKEN, NULL },
        { "an hour behind", "{" GOOD ",\"iat\":1799996400,\"exp\":1799997600}", ISSUER_JWT_EXPIRED,
          "expired 2400 s ago" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *jwt = sign(key, "K1", rows[i].claims), why[ISSUER_WHY_MAX] = "";
        enum issuer_refusal got = verify(jwt, why);

        if (got != rows[i].want || (rows[i].why && !strstr(why, rows[i].why)))
            fail_msg("%s: %d, %s", rows[i].what, got, why);
        free(jwt);
    }
}

static void keys_are_judged(void **state)
{
    char *good = sign(key, "K1", "{" GOOD "," TIMES "}"),
         *foreign = sign(other, "K1", "{" GOOD "," TIMES "}");
    char *unknown = sign(key, "K2", "{" GOOD "," TIMES "}"),
         *nameless = sign(key, NULL, "{" GOOD "," TIMES "}");
    char why[ISSUER_WHY_MAX];

    (void)state;
    assert_int_equal(verify(good, why), ISSUER_TAKEN);
    assert_int_equal(verify(foreign, why), ISSUER_SIGNATURE);
    assert_int_equal(verify(unknown, why), ISSUER_KEY_UNKNOWN);
    assert_int_equal(verify(nameless, why), ISSUER_KEY_UNKNOWN);
    strcpy(issuer.issuer_id, "you");
    assert_int_equal(verify(good, why), ISSUER_OTHER_ISSUER);
    strcpy(issuer.issuer_id, "me");
    assert_int_equal(verify(good, why), ISSUER_TAKEN);
    assert_int_equal(issuer_revoke(&issuer, "K1", false, &err), 0);
    assert_int_equal(verify(good, why), ISSUER_KEY_REVOKED);
    assert_int_equal(verify(foreign, why),
                     ISSUER_SIGNATURE); /* who does not have the key learns nothing of it */
    add_key("K1", other);               /* the same id, another key */
    assert_int_equal(verify(foreign, why), ISSUER_TAKEN);
    assert_int_equal(verify(good, why), ISSUER_SIGNATURE);
    assert_int_equal(issuer_revoke(&issuer, "K9", false, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(issuer_add_key(&issuer, "K3", "no key", 6, &err), -1);
    assert_int_equal(err.code, ERR_KEY);
    assert_int_equal(issuer.key_count, 1);
    free(good), free(foreign), free(unknown), free(nameless);
}

static void broken_ones_are_told_from_wrong_ones(void **state)
{
    char *good = sign(key, "K1", "{" GOOD "," TIMES "}"), *dot = strrchr(good, '.'), text[2048];
    char why[ISSUER_WHY_MAX];
    const struct {
        const char *what, *header, *signature, *why;
    } rows[] = {
        { "no header", "", dot, "header" },
        { "alg none", "eyJhbGciOiJub25lIiwia2lkIjoiSzEifQ", dot, "alg" }, /* {"alg":"none","kid":"K1"} */
        { "HS256", "eyJhbGciOiJIUzI1NiIsImtpZCI6IksxIn0", dot, "alg" },   /* {"alg":"HS256","kid":"K1"} */
        { "crit", "eyJhbGciOiJFUzI1NiIsImtpZCI6IksxIiwiY3JpdCI6WyJhIl19", dot,
          "crit" }, /* ..."crit":["a"]} */
        { "no signature", NULL, ".", "64 bytes" },
        { "a long signature", NULL,
          ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "64 bytes" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *first = strchr(good, '.');
        int header_len = (int)(first - good);

        snprintf(text, sizeof(text), "%.*s%.*s%s", rows[i].header ? (int)strlen(rows[i].header) : header_len,
                 rows[i].header ? rows[i].header : good, (int)(dot - first), first, rows[i].signature);
        if (verify(text, why) != ISSUER_BROKEN || !strstr(why, rows[i].why))
            fail_msg("%s: %s", rows[i].what, why);
    }
    assert_int_equal(verify("", why), ISSUER_BROKEN);
    assert_int_equal(verify("a.b", why), ISSUER_BROKEN);
    assert_int_equal(verify("a.b.c.d", why), ISSUER_BROKEN);
    free(good);
}

static void tokens_are_its_own_and_end(void **state)
{
    const struct issuer_token *token;
    int64_t exp_ms;
    const char *why;
    char first[2048];

    (void)state;
    token = issuer_issue(&issuer, 0, 300, NOW_MS, &err);
    assert_non_null(token);
    strcpy(first, token->text);
    assert_int_equal(token->exp_ms, (NOW_S + 300) * 1000);
    assert_int_equal(jwt_expiry(first, strlen(first), &exp_ms, &err), 1);
    assert_int_equal(exp_ms, token->exp_ms);
    assert_true(issuer_accepts(&issuer, first, exp_ms - 1, &why));
    assert_false(issuer_accepts(&issuer, first, exp_ms, &why));
    assert_string_equal(why, "the token has expired");
    assert_false(issuer_accepts(&issuer, "other", NOW_MS, &why));
    issuer.token_life_s = 10;
    token = issuer_issue(&issuer, 0, 300, NOW_MS, &err);
    assert_int_equal(token->exp_ms, (NOW_S + 10) * 1000);
    assert_string_not_equal(token->text, first);
    assert_true(issuer_accepts(&issuer, first, NOW_MS, &why)); /* the older one is good too */
    issuer_end_tokens(&issuer);
    assert_false(issuer_accepts(&issuer, first, NOW_MS, &why));
    assert_int_equal(issuer.keys[0].exchanges, 2);
}

static void a_revoked_key_ends_its_tokens_where_told(void **state)
{
    char first[2048], second[2048];
    const char *why;

    (void)state;
    add_key("K2", other);
    strcpy(first, issuer_issue(&issuer, 0, 300, NOW_MS, &err)->text);
    strcpy(second, issuer_issue(&issuer, 1, 300, NOW_MS, &err)->text);
    assert_int_equal(issuer_revoke(&issuer, "K1", false, &err), 0);
    assert_true(issuer_accepts(&issuer, first, NOW_MS, &why));
    assert_int_equal(issuer_revoke(&issuer, "K1", true, &err), 0);
    assert_false(issuer_accepts(&issuer, first, NOW_MS, &why));
    assert_true(issuer_accepts(&issuer, second, NOW_MS, &why));
}

static void it_keeps_so_many(void **state)
{
    char first[2048], name[16];
    const char *why;

    (void)state;
    strcpy(first, issuer_issue(&issuer, 0, 300, NOW_MS, &err)->text);
    for (int i = 0; i < ISSUER_TOKENS_KEPT; i++)
        assert_non_null(issuer_issue(&issuer, 0, 300, NOW_MS, &err));
    assert_int_equal(issuer.token_count, ISSUER_TOKENS_KEPT);
    assert_false(issuer_accepts(&issuer, first, NOW_MS, &why));
    for (int i = 2; i <= ISSUER_KEYS_MAX; i++) {
        snprintf(name, sizeof(name), "K%d", i);
        add_key(name, key);
    }
    {
        struct buf pem;

        buf_init(&pem, 4096);
        ec_public_print(&pem, ec_key_public(key));
        assert_int_equal(issuer_add_key(&issuer, "one more", pem.data, pem.len, &err), -1);
        assert_int_equal(err.code, ERR_LIMIT);
        buf_release(&pem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_are_judged, start, stop),
        cmocka_unit_test_setup_teardown(keys_are_judged, start, stop),
        cmocka_unit_test_setup_teardown(broken_ones_are_told_from_wrong_ones, start, stop),
        cmocka_unit_test_setup_teardown(tokens_are_its_own_and_end, start, stop),
        cmocka_unit_test_setup_teardown(a_revoked_key_ends_its_tokens_where_told, start, stop),
        cmocka_unit_test_setup_teardown(it_keeps_so_many, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
