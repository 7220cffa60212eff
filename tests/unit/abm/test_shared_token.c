/* The shared token against an issuer of the test's own: who asks and when, what the others do meanwhile, and
 * what is said where no token is to be had. Two workers share one place; the clock is the test's. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abm/issuer.h"
#include "abm/shared_token.h"
#include "base/clock.h"
#include "crypto/jwt.h"
#include "harness/fake_sealed.h"
#include "harness/fake_transport.h"
#include "harness/keys.h"

#define HOUR    3600000
#define BEGIN   INT64_C(1800000000000)
#define KEY     "UNIT_ISSUER_KEY"
#define SEALING "UNIT_SEAL_KEY"

struct place {
    int64_t now_ms, offset_ms; /* ours; by how much the issuer's clock is ahead of it */
    long status;               /* what the issuer answers; 0: it cannot be reached */
    const char *body;          /* in place of a token */
    const char *error;
    int64_t life_ms;
    int issued, rests;
    void (*at_rest)(struct place *place);
    bool is_stopping;
    char warned[1024];
    struct ec_key *issuer_key;
    struct org_settings org;
    struct fake_sealed sealed;
    struct fake_transport transport;
    struct fake_sealed_user users[2];
    struct shared_token *workers[2];
    struct err err;
};

static int64_t now(void *clock)
{
    return ((struct place *)clock)->now_ms;
}

static void pass(struct place *place, int64_t ms)
{
    place->now_ms += ms;
    place->sealed.now_ms += ms;
}

static void rest(void *clock, int64_t ms)
{
    struct place *place = clock;

    place->rests++;
    pass(place, ms);
    if (place->at_rest != NULL)
        place->at_rest(place);
}

static bool is_stopping(void *stop)
{
    return ((struct place *)stop)->is_stopping;
}

static void warn(void *user, const char *event, const char *text)
{
    struct place *place = user;

    snprintf(place->warned, sizeof(place->warned), "%s: %s", event, text);
}

static void http_date(int64_t unix_ms, char **text_r)
{
    time_t seconds = unix_ms / 1000;
    struct tm tm;
    char text[64];

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    *text_r = strdup(text);
}

/* The token is told apart by a number in its claims. */
static struct secret *make_token(struct place *place, int64_t expires_ms)
{
    struct secret *token;
    char claims[128];
    int len = snprintf(claims, sizeof(claims), "{\"exp\":%lld,\"n\":%d}", (long long)(expires_ms / 1000),
                       ++place->issued);

    if (jwt_sign_es256(place->issuer_key, NULL, claims, (size_t)len, &token, &place->err) != 0)
        fail_msg("%s", place->err.text);
    return token;
}

static void respond(void *user, struct http_request *request, size_t index)
{
    struct place *place = user;
    struct secret *token;
    char body[2048];

    (void)index;
    if (place->status == 0) {
        fake_fail(request, HTTP_NO_CONNECTION);
        snprintf(request->error, sizeof(request->error), "Connection refused");
        return;
    }
    if (place->body != NULL || place->status != 201) {
        fake_answer(request, place->status, place->body);
    } else {
        token = make_token(place, place->now_ms + place->offset_ms + place->life_ms);
        snprintf(body, sizeof(body),
                 "{\"data\":{\"attributes\":{\"token\":\"%s\",\"expiresAt\":\"2001-01-01T00:00:00Z\"}}}",
                 secret_text(token));
        fake_answer(request, 201, body);
        secret_free(token);
    }
    http_date(place->now_ms + place->offset_ms, &request->got.date);
}

static void open_worker(struct place *place, int number, const char *seal_key)
{
    struct shared_token_env env = { .org = &place->org,
                                    .seal_key = seal_key,
                                    .sealed = &place->users[number].sealed,
                                    .transport = &place->transport.transport,
                                    .is_stopping = is_stopping,
                                    .stop = place,
                                    .warn = warn,
                                    .warn_user = place,
                                    .real_ms = now,
                                    .boot_ms = now,
                                    .rest = rest,
                                    .clock = place };

    fake_sealed_of(&place->sealed, number == 0 ? "one" : "two", &place->users[number]);
    shared_token_free(place->workers[number]);
    assert_int_equal(shared_token_new(&env, &place->workers[number], &place->err), 0);
}

static int start(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    setenv(KEY, key_rfc_pkcs8, 1);
    setenv(SEALING, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
    setenv(SEALING "_2", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
    place->now_ms = place->sealed.now_ms = BEGIN;
    place->status = 201;
    place->life_ms = 24 * HOUR;
    place->org = (struct org_settings){ .name = "acme",
                                        .api_timeout_ms = 15000,
                                        .api_issuer = { .url = "https://issuer.test",
                                                        .issuer_id = "me",
                                                        .key_id = "K1",
                                                        .private_key = "env:" KEY,
                                                        .expires_in_ms = 24 * HOUR } };
    assert_int_equal(ec_key_new(&place->issuer_key, &place->err), 0);
    fake_transport_init(&place->transport, respond, place);
    fake_sealed_init(&place->sealed);
    place->sealed.now_ms = BEGIN;
    open_worker(place, 0, "env:" SEALING);
    open_worker(place, 1, "env:" SEALING);
    *state = place;
    return 0;
}

static int stop(void **state)
{
    struct place *place = *state;

    shared_token_free(place->workers[0]);
    shared_token_free(place->workers[1]);
    fake_transport_release(&place->transport);
    fake_sealed_release(&place->sealed);
    ec_key_free(place->issuer_key);
    free(place);
    return 0;
}

static int get(struct place *place, int number)
{
    err_reset(&place->err);
    return shared_token_get(place->workers[number], &place->err);
}

static void assert_same(struct place *place)
{
    assert_string_equal(shared_token_id(place->workers[0]), shared_token_id(place->workers[1]));
    assert_string_equal(secret_text(shared_token_text(place->workers[0])),
                        secret_text(shared_token_text(place->workers[1])));
}

static void one_asks_and_all_share(void **state)
{
    struct place *place = *state;
    const char *jwt = NULL;
    struct ec_key *key;
    struct jwt *read;
    int64_t iat = 0, exp = 0;

    assert_int_equal(get(place, 0), 1);
    assert_int_equal(get(place, 1), 1);
    assert_int_equal(place->issued, 1);
    assert_same(place);
    assert_int_equal(get(place, 0), 0);
    assert_int_equal(place->transport.sent_count, 1);

    /* What was asked. */
    assert_string_equal(place->transport.sent[0].method, "POST");
    assert_string_equal(place->transport.sent[0].url, "https://issuer.test/v1/issuerTokens");
    assert_string_equal(place->transport.sent[0].body,
                        "{\"data\":{\"attributes\":{\"expiresIn\":86400,\"scope\":[\"ABM\"]}}}");
    jwt = place->transport.sent[0].authorization + strlen("Bearer ");
    assert_int_equal(jwt_read(jwt, strlen(jwt), &read, &place->err), 0);
    assert_int_equal(ec_key_read(key_rfc_pkcs8, strlen(key_rfc_pkcs8), &key, &place->err), 0);
    assert_int_equal(jwt_verify_es256(read, ec_key_public(key), &place->err), 0);
    assert_string_equal(jwt_key_id(read), "K1");
    assert_string_equal(json_string(json_get(jwt_claims(read), "iss")), "me");
    assert_string_equal(json_string(json_get(jwt_claims(read), "aud")), "appstoreconnect-v1");
    assert_true(json_int(json_get(jwt_claims(read), "iat"), &iat));
    assert_true(json_int(json_get(jwt_claims(read), "exp"), &exp));
    assert_int_equal(iat, BEGIN / 1000);
    assert_int_equal(exp - iat, 1200);
    jwt_free(read);
    ec_key_free(key);

    /* Only sealed bytes lie in the place, and another process finds them after a restart. */
    assert_null(memmem(place->sealed.value.text.data, place->sealed.value.text.len,
                       secret_text(shared_token_text(place->workers[0])), 20));
    open_worker(place, 1, "env:" SEALING);
    assert_int_equal(get(place, 1), 1);
    assert_same(place);
    assert_int_equal(place->issued, 1);
}

static void is_renewed_before_it_ends(void **state)
{
    static const struct {
        const char *what;
        int64_t life_ms, passed_ms;
        int issued;
    } rows[] = {
        { "a long life, an hour and a bit left", 24 * HOUR, 23 * HOUR - 1000, 1 },
        { "a long life, less than an hour left", 24 * HOUR, 23 * HOUR + 1000, 2 },
        { "a short life, more than a tenth left", HOUR, HOUR - 370000, 1 },
        { "a short life, less than a tenth left", HOUR, HOUR - 350000, 2 },
        { "over", HOUR, HOUR + 1, 2 },
    };
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        place->life_ms = rows[i].life_ms;
        place->issued = 0;
        (void)shared_token_renew(place->workers[0], &place->err);
        place->issued = 1;
        (void)get(place, 1);
        pass(place, rows[i].passed_ms);
        if (get(place, 0) < 0 || get(place, 1) < 0 || place->issued != rows[i].issued)
            fail_msg("%s: %d exchanges, wanted %d (%s)", rows[i].what, place->issued, rows[i].issued,
                     place->err.text);
        assert_same(place);
    }
}

/* While one renews it, the others go on with what they have; a fault of the issuer hurts nobody then. */
static void the_old_one_serves_meanwhile(void **state)
{
    struct place *place = *state;
    struct sealed_ask ask = { .known_id = "", .ttl_ms = 20000 };
    struct sealed_turn turn;
    char id[SEALED_ID_MAX + 1];

    (void)get(place, 0);
    (void)get(place, 1);
    snprintf(id, sizeof(id), "%s", shared_token_id(place->workers[0]));
    pass(place, 23 * HOUR + 1000);
    ask.known_id = id;
    assert_int_equal(sealed_take(&place->users[1].sealed, SHARED_TOKEN_NAME, &ask, &turn, &place->err), 0);
    assert_int_equal(get(place, 0), 0);
    assert_string_equal(shared_token_id(place->workers[0]), id);
    assert_int_equal(place->rests, 0);

    pass(place, 21000); /* its holder was killed: the lock is over, and the issuer is away */
    place->status = 0;
    assert_int_equal(get(place, 0), 0);
    assert_non_null(
        strstr(place->warned, "token_not_renewed: the issuer https://issuer.test cannot be reached"));
    assert_int_equal(get(place, 1), 0);
    assert_int_equal(place->transport.sent_count, 2); /* the second was told why, and asked nobody */
    place->status = 201;
    pass(place, 5000);
    assert_int_equal(get(place, 0), 1);
    pass(place, 1001);
    assert_int_equal(get(place, 1), 1);
    assert_same(place);
}

static void fulfil(struct place *place)
{
    if (place->rests == 3)
        (void)shared_token_renew(place->workers[1], &place->err);
}

/* None to be had but from who renews it: the others wait for that one, or for the end of its lock. */
static void the_others_wait_for_the_first(void **state)
{
    struct place *place = *state;
    struct sealed_ask ask = { .known_id = "", .ttl_ms = 20000 };
    struct sealed_turn turn;

    assert_int_equal(sealed_take(&place->users[1].sealed, SHARED_TOKEN_NAME, &ask, &turn, &place->err), 0);
    place->at_rest = fulfil;
    assert_int_equal(get(place, 0), 1);
    assert_int_equal(place->rests, 3);
    assert_int_equal(place->issued, 1);
    assert_same(place);

    /* A holder that was killed: its lock ends by itself. */
    place->at_rest = NULL;
    place->rests = 0;
    pass(place, 25 * HOUR);
    ask.known_id = shared_token_id(place->workers[0]);
    assert_int_equal(sealed_take(&place->users[1].sealed, SHARED_TOKEN_NAME, &ask, &turn, &place->err), 0);
    assert_int_equal(get(place, 0), 1);
    assert_int_equal(place->rests, 400);
    assert_int_equal(place->issued, 2);
    assert_int_equal(
        sealed_put(&place->users[1].sealed, SHARED_TOKEN_NAME, turn.fence, &place->sealed.value, &place->err),
        0);

    /* Told to stop while it waits. */
    pass(place, 25 * HOUR);
    ask.known_id = shared_token_id(place->workers[0]);
    assert_int_equal(sealed_take(&place->users[1].sealed, SHARED_TOKEN_NAME, &ask, &turn, &place->err), 0);
    place->is_stopping = true;
    assert_int_equal(get(place, 0), -1);
    assert_int_equal(place->err.code, ERR_STOPPED);
}

/* ABM's 401: one exchange for the token that was refused, whoever tells it and however often. */
static void a_refused_one_is_renewed_once(void **state)
{
    struct place *place = *state;

    (void)get(place, 0);
    (void)get(place, 1);
    pass(place, 20000);
    shared_token_distrust(place->workers[0]);
    shared_token_distrust(place->workers[1]);
    assert_int_equal(get(place, 0), 1);
    assert_int_equal(get(place, 1), 1);
    assert_same(place);
    assert_int_equal(place->issued, 2);

    /* The new one fares no better: nothing is asked until it has some age. */
    shared_token_distrust(place->workers[1]);
    assert_int_equal(get(place, 1), 0);
    assert_int_equal(place->issued, 2);
    pass(place, 5001);
    shared_token_distrust(place->workers[1]);
    assert_int_equal(get(place, 1), 1);
    assert_int_equal(place->issued, 3);

    /* Removed by hand: the next look asks anew, once for both. */
    assert_int_equal(sealed_drop(&place->users[0].sealed, SHARED_TOKEN_NAME, &place->err), 1);
    pass(place, 1001);
    assert_int_equal(get(place, 0), 1);
    assert_int_equal(get(place, 1), 1);
    assert_int_equal(place->issued, 4);
    assert_same(place);
}

static void failures_name_the_cause(void **state)
{
    static const struct {
        const char *what;
        int64_t offset_ms;
        long status;
        const char *body;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "not reached", 0, 0, NULL, ERR_ISSUER_AWAY, "cannot be reached: Connection refused" },
        { "503", 0, 503, NULL, ERR_ISSUER_AWAY, "does not serve: 503" },
        { "a revoked key", 0, 401,
          "{\"errors\":[{\"status\":\"401\",\"code\":\"NOT_AUTHORIZED.KEY_REVOKED\",\"title\":\"no\"}]}",
          ERR_ISSUER_KEY, "refuses the key 'K1' of issuer 'me' (NOT_AUTHORIZED.KEY_REVOKED: no (401))" },
        { "without the right", 0, 403, NULL, ERR_ISSUER_KEY, "(403)" },
        { "our clock behind", 1500000, 401, NULL, ERR_ISSUER_CLOCK, "is 25 m behind the issuer's" },
        { "our clock ahead", -120000, 401, NULL, ERR_ISSUER_CLOCK, "is 2 m ahead of the issuer's" },
        { "a token that is over as it comes", -25 * HOUR, 201, NULL, ERR_ISSUER_CLOCK,
          "ahead of the issuer's" },
        { "no JSON", 0, 201, "<html>", ERR_ISSUER_CONTRACT, "no JSON" },
        { "no token", 0, 201, "{\"data\":{\"attributes\":{}}}", ERR_ISSUER_CONTRACT,
          "data.attributes.token" },
        { "a token that breaks the header", 0, 201,
          "{\"data\":{\"attributes\":{\"token\":\"a\\r\\nX: y\",\"expiresAt\":\"2050-01-01T00:00:00Z\"}}}",
          ERR_ISSUER_CONTRACT, "data.attributes.token" },
        { "no expiry", 0, 201, "{\"data\":{\"attributes\":{\"token\":\"opaque\"}}}", ERR_ISSUER_CONTRACT,
          "does not say when it expires" },
        { "200", 0, 200, "{}", ERR_ISSUER_CONTRACT, "wanted 201" },
    };
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        place->offset_ms = rows[i].offset_ms;
        place->status = rows[i].status;
        place->body = rows[i].body;
        place->warned[0] = '\0';
        if (get(place, 0) != -1 || place->err.code != rows[i].code ||
            strstr(place->err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(place->err.code), place->err.text);
        assert_int_equal(err_class_of(place->err.code), ERR_CLASS_SERVICE);
        /* The other is told the same, and asks nobody. */
        fake_transport_reset(&place->transport);
        assert_int_equal(get(place, 1), -1);
        assert_int_equal(place->err.code, rows[i].code);
        assert_int_equal(place->transport.sent_count, 0);
        pass(place, 3001);
    }
    place->offset_ms = 0;
    place->status = 201;
    place->body = NULL;
    assert_int_equal(get(place, 0), 1);
}

/* An answer that repeats the request: neither error nor warning may carry the JWT on. */
static char *echo;

static void repeat(void *user, struct http_request *request, size_t index)
{
    struct place *place = user;
    char body[4096];

    free(echo);
    echo = strdup(place->transport.sent[index].authorization + strlen("Bearer "));
    snprintf(body, sizeof(body), "{\"errors\":[{\"status\":\"401\",\"code\":\"C\",\"title\":\"%s\"}]}", echo);
    fake_answer(request, 401, body);
}

static void no_error_carries_the_jwt(void **state)
{
    struct place *place = *state;
    char start_of_it[33];

    place->transport.respond = repeat;
    assert_int_equal(get(place, 0), -1);
    snprintf(start_of_it, sizeof(start_of_it), "%.32s", echo);
    assert_null(strstr(place->err.text, start_of_it));
    assert_non_null(strstr(place->err.text, "****"));
    free(echo);
    echo = NULL;
}

static void keys_are_checked(void **state)
{
    struct place *place = *state;

    (void)get(place, 0);
    open_worker(place, 1, "env:" SEALING "_2");
    assert_int_equal(get(place, 1), -1);
    assert_int_equal(place->err.code, ERR_SEAL);
    assert_non_null(strstr(place->err.text, "stored by one"));
    open_worker(place, 1, "env:UNIT_NOT_THERE");
    assert_int_equal(get(place, 1), -1);
    assert_int_equal(place->err.code, ERR_SECRET);
    assert_non_null(strstr(place->err.text, "secrets.seal_key"));
    assert_int_equal(place->issued, 1);

    setenv(KEY, key_p384_pkcs8, 1);
    open_worker(place, 0, "env:" SEALING);
    assert_int_equal(sealed_drop(&place->users[0].sealed, SHARED_TOKEN_NAME, &place->err), 1);
    assert_int_equal(get(place, 0), -1);
    assert_int_equal(place->err.code, ERR_KEY);
    assert_non_null(strstr(place->err.text, "api.issuer.private_key"));
}

static void a_lost_redis_is_told_as_such(void **state)
{
    struct place *place = *state;

    for (int calls = 0; calls < 3; calls++) {
        place->sealed.fail_after = calls; /* the look, the lock, the store */
        assert_int_equal(get(place, 0), -1);
        assert_int_equal(place->err.code, ERR_REDIS_LOST);
    }
    place->sealed.fail_after = -1;
    assert_int_equal(get(place, 0), 1);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)
    static const struct CMUnitTest tests[] = {
        ROW(one_asks_and_all_share),        ROW(is_renewed_before_it_ends),
        ROW(the_old_one_serves_meanwhile),  ROW(the_others_wait_for_the_first),
        ROW(a_refused_one_is_renewed_once), ROW(failures_name_the_cause),
        ROW(no_error_carries_the_jwt),      ROW(keys_are_checked),
        ROW(a_lost_redis_is_told_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
