#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/seal.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define KEY_1       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_2       "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HIDDEN      "hunter2-hunter2"

static struct seal_key *key_of(const char *text)
{
    struct seal_key *key = NULL;
    struct secret *secret = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(secret_copy(text, strlen(text), &secret, &err), 0);
    if (seal_key_new(secret, &key, &err) != 0)
        fail_msg("%s", err.text);
    secret_free(secret);
    return key;
}

static void opens_what_it_sealed(void **state)
{
    struct seal_key *key = key_of(KEY_1);
    static const size_t lengths[] = { 0, 1, 2, 3, 15, 1000, SEAL_MAX_BYTES };
    char *value = malloc(SEAL_MAX_BYTES);

    (void)state;
    for (size_t i = 0; i < SEAL_MAX_BYTES; i++)
        value[i] = (char)i;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct secret *opened = NULL;
        struct err err = ERR_INIT;
        struct buf text;

        buf_init(&text, SEAL_TEXT_MAX_BYTES);
        if (seal(key, "{abm:org}:token", value, lengths[i], &text, &err) != 0 ||
            unseal(key, "{abm:org}:token", text.data, text.len, &opened, &err) != 0)
            fail_msg("%zu bytes: %s", lengths[i], err.text);
        assert_int_equal(text.len, (41 + lengths[i] + 2) / 3 * 4);
        assert_int_equal(secret_len(opened), lengths[i]);
        assert_memory_equal(secret_text(opened), value, lengths[i]);
        secret_free(opened);
        buf_release(&text);
    }
    free(value);
    seal_key_free(key);
    seal_key_free(NULL);
}

/* Version 1, made once: what stands in somebody's Redis must open for ever. */
static void opens_what_was_sealed_before(void **state)
{
    static const char text[] = "ARD/w6TjVIeoz/usxKr0QQIhJigY1fqlZ9xjnhTTHhK1bggTC27raJ3B3jkb6Jgm8G3EJW6n0lE=";
    struct seal_key *key = key_of(KEY_1);
    struct secret *opened = NULL;
    struct err err = ERR_INIT;

    (void)state;
    if (unseal(key, "{abm:org}:token", text, strlen(text), &opened, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(secret_text(opened), HIDDEN);
    secret_free(opened);
    seal_key_free(key);
}

static void seals_anew_each_time(void **state)
{
    struct seal_key *key = key_of(KEY_1);
    struct err err = ERR_INIT;
    struct buf one, two;

    (void)state;
    buf_init(&one, 1024);
    buf_init(&two, 1024);
    assert_int_equal(seal(key, "name", HIDDEN, strlen(HIDDEN), &one, &err), 0);
    assert_int_equal(seal(key, "name", HIDDEN, strlen(HIDDEN), &two, &err), 0);
    assert_memory_not_equal(one.data + 4, two.data + 4, 28); /* the nonce */
    assert_null(memmem(one.data, one.len, "hunter2", 7));
    buf_release(&one);
    buf_release(&two);
    seal_key_free(key);
}

static void refuse(const struct seal_key *key, const char *name, const char *text, size_t len,
                   const char *what, const char *want)
{
    struct secret *opened = NULL;
    struct err err = ERR_INIT;

    if (unseal(key, name, text, len, &opened, &err) != -1 || opened != NULL)
        fail_msg("%s: it was opened", what);
    if (err.code != ERR_SEAL || strstr(err.text, want) == NULL || strstr(err.text, "hunter2") != NULL)
        fail_msg("%s: %s: %s", what, err_wire(err.code), err.text);
}

static void refuses_all_else(void **state)
{
    struct seal_key *key = key_of(KEY_1), *other = key_of(KEY_2);
    struct err err = ERR_INIT;
    struct buf text, raw;

    (void)state;
    buf_init(&text, 1024);
    buf_init(&raw, 1024);
    assert_int_equal(seal(key, "name", HIDDEN, strlen(HIDDEN), &text, &err), 0);
    assert_int_equal(base64_decode(&raw, text.data, text.len, &err), 0);
    refuse(other, "name", text.data, text.len, "another key", "name: not sealed under this name");
    refuse(key, "names", text.data, text.len, "a longer name", "names: not sealed under this name");
    refuse(key, "nam", text.data, text.len, "a shorter name", "nam: not sealed under this name");
    refuse(key, "", text.data, text.len, "no name", "the name of a sealed value has 1 to 512 bytes");
    refuse(key, "na\nme", text.data, text.len, "a line end in the name", "na\\x0ame: not sealed");
    refuse(key, "name", "", 0, "nothing", "it is too short for one");
    refuse(key, "name", HIDDEN, strlen(HIDDEN), "the value itself", "it is no base64 of one");
    for (size_t i = 0; i < raw.len; i++) { /* each byte, and each length */
        struct buf changed;

        buf_init(&changed, 1024);
        raw.data[i] ^= 0x10;
        base64_encode(&changed, raw.data, raw.len);
        raw.data[i] ^= 0x10;
        refuse(key, "name", changed.data, changed.len, "a byte changed",
               i == 0 ? "by another version" : "altered");
        buf_reset(&changed);
        base64_encode(&changed, raw.data, i);
        refuse(key, "name", changed.data, changed.len, "cut", i < 41 ? "too short" : "altered");
        buf_release(&changed);
    }
    buf_release(&text);
    buf_release(&raw);
    seal_key_free(key);
    seal_key_free(other);
}

static void keeps_the_limits(void **state)
{
    char *long_name = calloc(1, SEAL_NAME_MAX + 2), *value = calloc(1, SEAL_MAX_BYTES + 1);
    struct seal_key *key = key_of(KEY_1);
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    memset(long_name, 'n', SEAL_NAME_MAX + 1);
    buf_init(&text, SEAL_TEXT_MAX_BYTES);
    buf_add_str(&text, "kept");
    assert_int_equal(seal(key, "name", value, SEAL_MAX_BYTES + 1, &text, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(seal(key, long_name, value, 1, &text, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(seal(key, "", value, 1, &text, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(seal(key, "name", value, SEAL_MAX_BYTES, &text, &err),
                     -1); /* four bytes too many for text */
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(text.data, "kept");
    long_name[SEAL_NAME_MAX] = '\0';
    buf_reset(&text);
    assert_int_equal(seal(key, long_name, value, 1, &text, &err), 0);
    buf_release(&text);
    seal_key_free(key);
    free(long_name);
    free(value);
}

static void refuses_keys_without_showing(void **state)
{
    static const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "nothing", "", "is not base64 of 32 bytes" },
        { "words", HIDDEN, "is not base64 of 32 bytes" },
        { "31 bytes", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "is not base64 of 32 bytes" },
        { "33 bytes", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", "is not base64 of 32 bytes" },
        { "hex", "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
          "is not base64 of 32 bytes" },
        { "a line end", KEY_1 "\n", "is not base64 of 32 bytes" },
        { "zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "32 times the same byte" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct seal_key *key = NULL;
        struct secret *text = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(secret_copy(rows[i].text, strlen(rows[i].text), &text, &err), 0);
        if (seal_key_new(text, &key, &err) != -1 || err.code != ERR_SECRET ||
            strstr(err.text, rows[i].want) == NULL || strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        secret_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_it_sealed), cmocka_unit_test(opens_what_was_sealed_before),
        cmocka_unit_test(seals_anew_each_time), cmocka_unit_test(refuses_all_else),
        cmocka_unit_test(keeps_the_limits),     cmocka_unit_test(refuses_keys_without_showing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
