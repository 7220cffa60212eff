#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fsio.h"
#include "crypto/secret_scheme.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define HIDDEN      "hunter2-hunter2"

static char folder[] = "/tmp/test_secret.XXXXXX";
static char path[64], reference[80];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/token", folder);
    snprintf(reference, sizeof(reference), "file:%s", path);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text, size_t len, unsigned mode)
{
    struct err err = ERR_INIT;

    if (fsio_write(path, text, len, 0600, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(chmod(path, mode), 0);
}

static void takes_a_variable(void **state)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    setenv("TEST_SECRET_1", HIDDEN "\n", 1);
    assert_int_equal(secret_resolve("env:TEST_SECRET_1", false, &secret, &err), 0);
    assert_string_equal(secret_text(secret), HIDDEN "\n"); /* only a file ends in a newline of its own */
    assert_int_equal(secret_len(secret), strlen(HIDDEN) + 1);
    assert_int_equal(secret_refresh(secret, &err), 0);
    secret_free(secret);
    secret_free(NULL);
    unsetenv("TEST_SECRET_1");
}

static void takes_a_file(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *text;
        size_t len;
        const char *want;
        size_t want_len;
    } rows[] = {
        { BYTES("token"), BYTES("token") },     { BYTES("token\n"), BYTES("token") },
        { BYTES("token\r\n"), BYTES("token") }, { BYTES("token\n\n"), BYTES("token\n") },
        { BYTES(" token "), BYTES(" token ") }, { BYTES("a\0b\n"), BYTES("a\0b") },
    };
#undef BYTES

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct secret *secret;

        put(rows[i].text, rows[i].len, 0640);
        if (secret_resolve(reference, false, &secret, &err) != 0)
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(secret_len(secret), rows[i].want_len);
        assert_memory_equal(secret_text(secret), rows[i].want, rows[i].want_len + 1);
        secret_free(secret);
    }
}

static void refuses_without_showing(void **state)
{
    static const struct {
        const char *what, *reference;
        enum err_code code;
        const char *want;
    } rows[] = {
        { "the secret itself", HIDDEN, ERR_SECRET,
          "a secret is given as env:NAME, file:PATH or systemd:NAME, not as" },
        { "one with a colon", "sk:" HIDDEN, ERR_SECRET,
          "a secret is given as env:NAME, file:PATH or systemd:NAME, not as" },
        { "a scheme in capitals", "ENV:" HIDDEN, ERR_SECRET, "a secret is given as" },
        { "nothing", "", ERR_SECRET, "a secret is given as" },
        { "a vault", "vault:secret/" HIDDEN "#token", ERR_SECRET, "a secret is given as env:NAME" },
        { "no name", "env:", ERR_SECRET, "env: wants the name of a variable" },
        { "a name of a token's letters", "env:" HIDDEN, ERR_SECRET, "env: wants the name of a variable" },
        { "a name that begins with a digit", "env:1A", ERR_SECRET, "env: wants the name of a variable" },
        { "a variable that is not set", "env:TEST_SECRET_NONE", ERR_SECRET,
          "env:TEST_SECRET_NONE: the variable is not set" },
        { "an empty variable", "env:TEST_SECRET_EMPTY", ERR_SECRET, "the variable is empty" },
        { "a long variable", "env:TEST_SECRET_LONG", ERR_SECRET, "more than 65536 bytes" },
        { "no path", "file:", ERR_SECRET, "file: wants a path" },
        { "no file", "file:/nowhere/token", ERR_SECRET, "file:/nowhere/token: cannot open: No such file" },
        { "a folder", "file:/tmp", ERR_SECRET, "not a regular file" },
        { "no credential", "systemd:", ERR_SECRET, "systemd: wants the name of a credential" },
        { "a credential elsewhere", "systemd:../" HIDDEN, ERR_SECRET, "systemd: wants the name" },
        { "a credential's folder", "systemd:..", ERR_SECRET, "systemd: wants the name" },
        { "no folder of credentials", "systemd:token", ERR_SECRET,
          "systemd:token: $CREDENTIALS_DIRECTORY names no folder" },
        { "a device", "file:/dev/zero", ERR_SECRET, "not a regular file" },
    };
    char *text = malloc(70000);

    (void)state;
    setenv("TEST_SECRET_EMPTY", "", 1);
    memset(text, 'x', 69999);
    text[69999] = '\0';
    setenv("TEST_SECRET_LONG", text, 1);
    free(text);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct secret *secret;

        if (secret_resolve(rows[i].reference, false, &secret, &err) == 0)
            fail_msg("%s: it was taken", rows[i].what);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (strstr(err.text, "hunter2") != NULL)
            fail_msg("%s: the secret is in the message", rows[i].what);
    }
    unsetenv("TEST_SECRET_EMPTY");
    unsetenv("TEST_SECRET_LONG");
}

static void refuses_files_by_content_and_mode(void **state)
{
    static const struct {
        const char *what;
        size_t len; /* of x */
        const char *end;
        unsigned mode;
        enum err_code code; /* ERR_NONE: it is taken */
        const char *want;
    } rows[] = {
        { "readable by the owner", 10, "", 0400, ERR_NONE, "" },
        { "readable by the group", 10, "", 0640, ERR_NONE, "" },
        { "readable by others", 10, "", 0644, ERR_SECRET_MODE,
          "others may read or write the file: chmod o-rwx" },
        { "writable by others", 10, "", 0602, ERR_SECRET_MODE, "others may read or write" },
        { "executable by others", 10, "", 0601, ERR_SECRET_MODE, "others may read or write" },
        { "empty", 0, "", 0600, ERR_SECRET, "the file is empty" },
        { "a newline alone", 0, "\n", 0600, ERR_SECRET, "the file is empty" },
        { "a Windows newline alone", 0, "\r\n", 0600, ERR_SECRET, "the file is empty" },
        { "64 KiB", 65536, "", 0600, ERR_NONE, "" },
        { "64 KiB and a newline", 65536, "\r\n", 0600, ERR_NONE, "" },
        { "a byte more", 65537, "", 0600, ERR_SECRET, "more than 65536 bytes" },
        { "a megabyte", 1 << 20, "\n", 0600, ERR_SECRET, "more than 65536 bytes" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct secret *secret = NULL;
        struct err err = ERR_INIT;
        struct buf text;

        buf_init(&text, 2 << 20);
        for (size_t at = 0; at < rows[i].len; at++)
            buf_add_char(&text, 'x');
        buf_add_str(&text, rows[i].end);
        put(text.data, text.len, rows[i].mode);
        (void)!secret_resolve(reference, true, &secret, &err); /* the folder is on no read-only mount */
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        if (secret != NULL)
            assert_int_equal(secret_len(secret), rows[i].len);
        secret_free(secret);
        buf_release(&text);
    }
}

static void judges_modes(void **state)
{
    static const struct {
        unsigned mode;
        bool is_read_only, allows, want;
    } rows[] = {
        { 0600, false, false, true },  { 0640, false, false, true },  { 0660, false, false, true },
        { 0604, false, false, false }, { 0602, false, false, false }, { 0601, false, false, false },
        { 0444, true, false, false },  { 0444, false, true, false },  { 0444, true, true, true },
        { 0446, true, true, false },   { 0777, true, true, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (secret_mode_is_safe(rows[i].mode, rows[i].is_read_only, rows[i].allows) != rows[i].want)
            fail_msg("row %zu: mode %o", i, rows[i].mode);
}

static void reads_again_what_changed(void **state)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    put("one", 3, 0600);
    assert_int_equal(secret_resolve(reference, false, &secret, &err), 0);
    assert_int_equal(secret_refresh(secret, &err), 0);
    put("two", 3, 0600); /* of the same length, by a rename: another inode */
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "two");
    assert_int_equal(secret_refresh(secret, &err), 0);

    /* a bad file leaves what is held, says so each time, and is taken once it is good */
    put("three", 5, 0644);
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_int_equal(err.code, ERR_SECRET_MODE);
    assert_string_equal(secret_text(secret), "two");
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "three");
    unlink(path);
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_string_equal(secret_text(secret), "three");
    secret_free(secret);
}

static void takes_a_credential(void **state)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    put("one\n", 4, 0400);
    assert_int_equal(secret_resolve("systemd:token", false, &secret, &err), 0);
    assert_string_equal(secret_text(secret), "one");
    assert_int_equal(secret_refresh(secret, &err), 0);
    put("two", 3, 0400);
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "two");
    put("three", 5, 0604);
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_int_equal(err.code, ERR_SECRET_MODE);
    assert_string_equal(err.text, "systemd:token: others may read or write the file: chmod o-rwx");
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(secret_refresh(secret, &err), -1);
    assert_string_equal(secret_text(secret), "two");
    secret_free(secret);
    setenv("CREDENTIALS_DIRECTORY", ".", 1); /* systemd gives an absolute path */
    assert_int_equal(secret_resolve("systemd:token", false, &secret, &err), -1);
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* A scheme from above: its value is the target and how often it was asked. */
static int ring_asked;

static int check_ring(const char *target, struct err *err)
{
    return target[0] != '\0' ? 0 : err_set(err, ERR_SECRET, 0, "ring: wants a name");
}

static int read_ring(struct secret *secret, struct err *err)
{
    char value[64];
    int len = snprintf(value, sizeof(value), "%s %d", secret->target, ++ring_asked);

    *(bool *)secret->seen = false;
    return secret_hold(secret, value, (size_t)len, err);
}

static int refresh_ring(struct secret *secret, struct err *err)
{
    return *(bool *)secret->seen ? read_ring(secret, err) == 0 ? 1 : -1 : 0;
}

static void distrust_ring(struct secret *secret)
{
    *(bool *)secret->seen = true;
}

static void serves_a_scheme_from_above(void **state)
{
    static const struct secret_scheme ring = { "ring:",   "ring:NAME",  sizeof(bool), check_ring,
                                               read_ring, refresh_ring, distrust_ring };
    static const struct secret_scheme more[5] = {
        { .prefix = "a:" }, { .prefix = "b:" }, { .prefix = "c:" }, { .prefix = "d:" }, { .prefix = "e:" },
    };
    struct err err = ERR_INIT;
    struct secret *secret;
    int served = 0;

    (void)state;
    assert_int_equal(secret_check_reference("ring:a", &err), -1);
    assert_int_equal(secret_serve(&ring, &err), 0);
    assert_int_equal(secret_serve(&ring, &err), 0); /* in place of itself */
    assert_int_equal(secret_check_reference("ring:a", &err), 0);
    assert_int_equal(secret_check_reference("ring:", &err), -1);
    assert_string_equal(err.text, "ring: wants a name");
    assert_int_equal(secret_check_reference("bell:a", &err), -1);
    assert_non_null(strstr(err.text, "env:NAME, file:PATH, systemd:NAME or ring:NAME, not"));
    assert_int_equal(secret_resolve("ring:a", false, &secret, &err), 0);
    assert_string_equal(secret_text(secret), "a 1");
    assert_int_equal(secret_refresh(secret, &err), 0);
    secret_distrust(secret);
    assert_int_equal(secret_refresh(secret, &err), 1);
    assert_string_equal(secret_text(secret), "a 2");
    secret_free(secret);
    while (served < 5 && secret_serve(&more[served], &err) == 0)
        served++;
    assert_int_equal(served, 4); /* and the table is full */
    assert_int_equal(err.code, ERR_BUG);
}

static void copies_bytes(void **state)
{
    struct err err = ERR_INIT;
    struct secret *secret;

    (void)state;
    assert_int_equal(secret_copy("a\0b", 3, &secret, &err), 0);
    assert_int_equal(secret_len(secret), 3);
    assert_memory_equal(secret_text(secret), "a\0b", 4);
    assert_int_equal(secret_refresh(secret, &err), 0);
    secret_free(secret);
    assert_int_equal(secret_copy("", 0, &secret, &err), 0);
    assert_string_equal(secret_text(secret), "");
    secret_free(secret);
    assert_int_equal(secret_copy("", SECRET_MAX_BYTES + 1, &secret, &err), -1);
    assert_int_equal(err.code, ERR_SECRET);
}

/* Writing to a secret, or reading behind it, ends the process that does it. */
static void traps_who_goes_beyond(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct err err = ERR_INIT;
        struct secret *secret;
        pid_t child;
        int status;

        assert_int_equal(secret_copy("guarded", 7, &secret, &err), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            volatile char *text = (char *)(uintptr_t)secret_text(secret);

            signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would print a page */
            if (way == 0)
                text[0] = 'x';
            else if (way == 1)
                _exit(text[8] == 'x' ? 1 : 2);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFSIGNALED(status), way < 2);
        secret_free(secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_variable),
        cmocka_unit_test(takes_a_file),
        cmocka_unit_test(refuses_without_showing),
        cmocka_unit_test(refuses_files_by_content_and_mode),
        cmocka_unit_test(judges_modes),
        cmocka_unit_test(reads_again_what_changed),
        cmocka_unit_test(takes_a_credential),
        cmocka_unit_test(serves_a_scheme_from_above),
        cmocka_unit_test(copies_bytes),
        cmocka_unit_test(traps_who_goes_beyond),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
