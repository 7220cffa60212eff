#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "http/link.h"

/* All links of a value as "target|rel" lines. */
static void show(const char *value, char *out, size_t size)
{
    const char *at = value;
    struct link link;
    size_t used = 0;

    out[0] = '\0';
    while (link_next(&at, &link) && used < size)
        used += (size_t)snprintf(out + used, size - used, "%.*s|%s\n", (int)link.target_len, link.target,
                                 link.rel);
}

static void reads_links(void **state)
{
    static const struct {
        const char *what, *value, *want;
    } rows[] = {
        { "one", "<https://a/x>; rel=\"deprecation\"", "https://a/x|deprecation\n" },
        { "a token", "</x>; rel=next", "/x|next\n" },
        { "several", "</a>; rel=next, </b>; rel=\"prev\"", "/a|next\n/b|prev\n" },
        { "several relations", "</a>; rel=\"next  deprecation\"", "/a|next  deprecation\n" },
        { "other parameters", "</a>; title=\"x, y; rel=no\"; rel=yes; hreflang=de", "/a|yes\n" },
        { "the first rel counts", "</a>; rel=one; rel=two", "/a|one\n" },
        { "the name in capitals", "</a>; REL=one", "/a|one\n" },
        { "blanks everywhere", " </a> ; rel = \"one\" , </b>;rel=two", "/a|one\n/b|two\n" },
        { "a comma in the target", "<https://a/x,y>; rel=next", "https://a/x,y|next\n" },
        { "escapes in quotes", "</a>; rel=\"ne\\xt\"", "/a|next\n" },
        { "no rel", "</a>; title=x", "/a|\n" },
        { "no parameters", "</a>", "/a|\n" },
        { "a parameter without value", "</a>; crossorigin; rel=next", "/a|next\n" },
        { "empty parameters", "</a>;; rel=next;", "/a|next\n" },
        { "empty elements", ", ,</a>; rel=next,,", "/a|next\n" },
        { "an empty target", "<>; rel=self", "|self\n" },
        { "nothing", "", "" },
        { "no target", "rel=next", "" },
        { "malformed, then a good one", "foo, </b>; rel=next", "/b|next\n" },
        { "an unclosed target", "</a; rel=next", "" },
        { "an unclosed quote", "</a>; rel=\"next", "" },
        { "an unclosed quote with a backslash", "</a>; rel=\"next\\", "" },
        { "garbage behind the target", "</a> rel=next, </b>; rel=next", "/b|next\n" },
        { "a comma in the quotes of a malformed one", "</a>=\"x, </c>; rel=c\", </b>; rel=b", "/b|b\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[512];

        show(rows[i].value, got, sizeof(got));
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got \"%s\"", rows[i].what, got);
    }
}

static void finds_a_relation(void **state)
{
    static const struct {
        const char *rel, *want;
        bool is_there;
    } rows[] = {
        { "deprecation", "deprecation", true },    { "next deprecation", "deprecation", true },
        { "DEPRECATION\tx", "deprecation", true }, { "deprecations", "deprecation", false },
        { "deprecatio", "deprecation", false },    { "", "deprecation", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct link link = { .target = "" };

        snprintf(link.rel, sizeof(link.rel), "%s", rows[i].rel);
        if (link_has_rel(&link, rows[i].want) != rows[i].is_there)
            fail_msg("\"%s\": %s", rows[i].rel, rows[i].want);
    }
}

static void cuts_a_long_rel_between_types(void **state)
{
    char value[1024] = "</a>; rel=\"first ";
    struct link link;
    const char *at = value;

    (void)state;
    memset(value + strlen(value), 'x', 600);
    strcat(value, "\"");
    assert_true(link_next(&at, &link));
    assert_true(link_has_rel(&link, "first"));
    assert_string_equal(link.rel, "first ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_links),
        cmocka_unit_test(finds_a_relation),
        cmocka_unit_test(cuts_a_long_rel_between_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
