#include "harness/check.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/mail.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BEGIN       "-----BEGIN MESSAGE-----"
#define END         "-----END MESSAGE-----"

static void skips_headers(void **state)
{
    static const struct {
        const char *what, *text, *want;
    } rows[] = {
        { "one", "A: b\n\nbody", "body" },
        { "with the line ends of mail", "A: b\r\nC: d\r\n\r\nbody\r\n", "body\r\n" },
        { "on two lines", "A: b;\n\tc\n d\n\nbody", "body" },
        { "an empty body", "A: b\n\n", "" },
        { "none", "body", "body" },
        { "no end", "A: b\n", "A: b\n" },
        { "a line that is none", "A: b\nbody\n\nmore", "A: b\nbody\n\nmore" },
        { "an empty line first", "\nA: b\n\nbody", "\nA: b\n\nbody" },
        { "a further line first", " b: c\n\nbody", " b: c\n\nbody" },
        { "no name", ": b\n\nbody", ": b\n\nbody" },
        { "JSON", "{\"a\":1,\n\n\"b\":2}", "{\"a\":1,\n\n\"b\":2}" },
        { "nothing", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mail mail = { rows[i].text, strlen(rows[i].text) };

        mail_skip_headers(&mail);
        if (mail.len != strlen(rows[i].want) || memcmp(mail.at, rows[i].want, mail.len) != 0)
            fail_msg("%s: left is '%.*s'", rows[i].what, (int)mail.len, mail.at);
    }
}

static void joins_what_is_in_it(void **state)
{
    static const struct {
        const char *what, *text, *want; /* NULL: it is refused */
    } rows[] = {
        { "Apple's", "A: b\r\n\r\n" BEGIN "\r\n{\"a\":\"b\r\nc\"}\r\n" END "\r\n", "{\"a\":\"bc\"}" },
        { "no headers", BEGIN "\n{}\n" END, "{}" },
        { "no line ends", BEGIN "{}" END, "{}" },
        { "blanks", BEGIN " \n\t{ }\n \n" END, "{ }" },
        { "nothing in it", BEGIN "\n" END, "" },
        { "no lines of MESSAGE", "A: b\n\n{\n}\n", "{}" },
        { "neither", "{\"a\": 1}", "{\"a\": 1}" },
        { "nothing", "", "" },
        { "no end", BEGIN "\n{}\n", NULL },
        { "the end before it", END "\n" BEGIN "\n{}\n", NULL },
        { "half an end", BEGIN "\n{}\n-----END MESSAGE----", NULL },
        { "two", BEGIN "1" END BEGIN "2" END, "1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text), joined_len = 0;
        char *joined = malloc(len + 1); /* and no more: a sanitizer sees what is written behind it */
        bool is_joined = mail_join(rows[i].text, len, joined, &joined_len);

        if (is_joined != (rows[i].want != NULL) ||
            (is_joined &&
             (joined_len != strlen(rows[i].want) || memcmp(joined, rows[i].want, joined_len) != 0)))
            fail_msg("%s: %d '%.*s'", rows[i].what, is_joined, (int)joined_len, joined);
        free(joined);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_headers),
        cmocka_unit_test(joins_what_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
