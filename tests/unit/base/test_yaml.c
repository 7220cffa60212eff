#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
/* clang and gcc say it each in its way */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#ifndef WITH_SANITIZER
#define WITH_SANITIZER 0
#endif

#define BYTES(text) text, sizeof(text) - 1

/* The tree as one line: {key=value@line:column, ...}, quoted scalars in quotes. */
static void show(struct buf *out, const struct yaml_node *node)
{
    if (node == NULL) {
        buf_add_str(out, "nothing");
        return;
    }
    if (node->key != NULL)
        buf_addf(out, "%s@%zu:%zu=", node->key, node->key_at.line, node->key_at.column);
    if (node->kind == YAML_SCALAR) {
        buf_addf(out, node->is_plain ? "%s" : "\"%s\"", node->text);
    } else {
        buf_add_char(out, node->kind == YAML_MAP ? '{' : '[');
        for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
            show(out, child);
            buf_add_str(out, child->next != NULL ? " " : "");
        }
        buf_add_char(out, node->kind == YAML_MAP ? '}' : ']');
    }
    buf_addf(out, "@%zu:%zu", node->at.line, node->at.column);
}

static void reads_the_tree_with_its_places(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } rows[] = {
        { BYTES(""), "nothing" },
        { BYTES("# a comment\n"), "nothing" },
        { BYTES("---\n"), "@2:1" },
        { BYTES("a: 1\nb: [x, \"y\"]\n"), "{a@1:1=1@1:4 b@2:1=[x@2:5 \"y\"@2:8]@2:4}@1:1" },
        { BYTES("a:\n  b:\n    - c: 'd'\n"), "{a@1:1={b@2:3=[{c@3:7=\"d\"@3:10}@3:7]@3:5}@2:3}@1:1" },
        { BYTES("\xef\xbb\xbf"
                "a: 1"),
          "{a@1:1=1@1:4}@1:1" },
        { BYTES("a: 1\r\nb: 2\r\n"), "{a@1:1=1@1:4 b@2:1=2@2:4}@1:1" },
        { BYTES("\xc3\xa9: \xf0\x9f\x98\x80 # x"), "{\xc3\xa9@1:1=\xf0\x9f\x98\x80@1:4}@1:1" },
        { BYTES("a: |\n  two\n  lines\n"), "{a@1:1=\"two\nlines\n\"@1:4}@1:1" },
        { BYTES("a: \"\\x41\\u00e9\""), "{a@1:1=\"A\xc3\xa9\"@1:4}@1:1" },
        { BYTES("a: &anchor 1"), "{a@1:1=1@1:4}@1:1" },
        { BYTES("? a\n: 1"), "{a@1:3=1@2:3}@1:1" },
        { BYTES("<<: 1"), "{<<@1:1=1@1:5}@1:1" },
        { BYTES("~: 1"), "{~@1:1=1@1:4}@1:1" },
        { BYTES("{}"), "{}@1:1" },
        { BYTES("[]"), "[]@1:1" },
        { BYTES("%YAML 1.1\n---\na: 1\n...\n"), "{a@3:1=1@3:4}@3:1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct yaml *doc;
        struct buf out;

        if (yaml_parse("f", rows[i].text, rows[i].len, &doc, &err) != 0)
            fail_msg("row %zu: %s", i, err.text);
        buf_init(&out, 10000);
        show(&out, doc->root);
        if (strcmp(out.data, rows[i].want) != 0)
            fail_msg("row %zu: %s", i, out.data);
        buf_release(&out);
        yaml_doc_free(doc);
    }
}

static void refuses_hostile_text(void **state)
{
    static const struct {
        const char *what, *text;
        size_t len;
        const char *want;
    } rows[] = {
        { "a key twice", BYTES("a: 1\nb:\n  c: 2\n  c: 3"),
          "f:4:3: key 'c' stands twice, first at line 3, column 3" },
        { "a key twice in a line", BYTES("{a: 1, \"a\": 2}"),
          "f:1:8: key 'a' stands twice, first at line 1, column 2" },
        { "an alias", BYTES("a: &x [1]\nb: *x"), "f:2:4: aliases are not supported" },
        { "a merge by an alias", BYTES("a: &x {b: 1}\nc:\n  <<: *x"), "f:3:7: aliases are not supported" },
        { "a tag", BYTES("a: !!int 5"), "f:1:4: tags are not supported" },
        { "a tag of a map", BYTES("!!python/object:os.system {}"), "f:1:1: tags are not supported" },
        { "a tag of a list", BYTES("a: !x [1]"), "f:1:4: tags are not supported" },
        { "two documents", BYTES("--- 1\n--- 2"), "f:2:1: a second document" },
        { "a map as a key", BYTES("{a: 1}: 2"), "a key must be a plain or quoted value" },
        { "a list as a key", BYTES("? [a]\n: 1"), "f:1:3: a key must be" },
        { "an open bracket", BYTES("a: [1"), "f:2:1: did not find expected ',' or ']'" },
        { "an open quote", BYTES("a: \"b"), "unexpected end of stream" },
        { "a tab as an indent", BYTES("a:\n\t- b"), "f:2:1: found character that cannot start any token" },
        { "a wrong indent", BYTES("a: 1\n b: 2"), "f:2:3: mapping values are not allowed" },
        { "a NUL", BYTES("a: b\0c"), "f:1:5: a NUL byte" },
        { "a NUL at the end", BYTES("a: b\n\0"), "f:2:1: a NUL byte" },
        { "an escaped NUL", BYTES("a: \"\\0\""), "f:1:4: a NUL character" },
        { "an escaped NUL in a key", BYTES("\"a\\0\": 1"), "f:1:1: a NUL character" },
        { "a control character", BYTES("a: 1\nb: \x1b[31m"), "f:2:4: a control character" },
        { "DEL", BYTES("a: \x7f"), "f:1:4: a control character" },
        { "C1", BYTES("a: \xc2\x9b"), "f:1:4: a control character" },
        { "no UTF-8", BYTES("a: 1\nbc: \xff"), "f:2:5: not UTF-8" },
        { "a character cut by the end", BYTES("a: \xe2\x82"), "f:1:4: not UTF-8" },
        { "one byte of a character", BYTES("\xc3"), "f:1:1: not UTF-8" },
        { "UTF-16",
          BYTES("\xff\xfe"
                "a\0:\0"),
          "f:1:1: not UTF-8" },
        { "a mark amid", BYTES("a: \xef\xbb\xbf"), "f:1:4: a control character" },
        { "an anchor of nothing known", BYTES("*x"), "f:1:1: aliases" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct yaml *doc;

        if (yaml_parse("f", rows[i].text, rows[i].len, &doc, &err) == 0)
            fail_msg("%s: it was read", rows[i].what);
        if (err.code != ERR_YAML || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
    }
}

static void holds_its_limits(void **state)
{
    static const struct {
        const char *what, *begin, *piece;
        size_t times;
        const char *end;
        enum err_code code; /* ERR_NONE: it is read */
        const char *want;
    } rows[] = {
        { "depth 32", "", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", ERR_NONE, "" },
        { "depth 33", "", "[", 33, "", ERR_YAML, "f:1:33: nested too deep" },
        { "depth 100000", "", "[", 100000, "", ERR_YAML, "f:1:33: nested too deep" },
        { "maps of depth 33", "", "{a: ", 33, "", ERR_YAML, "nested too deep" },
        { "99,999 values", "", "- a\n", 99999, "", ERR_NONE, "" },
        { "100,000 values and the list", "", "- a\n", 100000, "", ERR_LIMIT,
          "f:100000:3: more than 100000 values" },
        { "one value of 900 kB", "a: \"", "0123456789", 90000, "\"", ERR_NONE, "" },
        { "one value of 2 MB", "a: \"", "0123456789", 200000, "\"", ERR_LIMIT,
          "one value is larger than 1048576" },
        { "a comment of 2 MB", "#", "0123456789", 200000, "\n", ERR_LIMIT,
          "one value is larger than 1048576" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct yaml *doc = NULL;
        struct buf text;

        buf_init(&text, 8 << 20);
        buf_add_str(&text, rows[i].begin);
        for (size_t at = 0; at < rows[i].times; at++)
            buf_add_str(&text, rows[i].piece);
        buf_add_str(&text, rows[i].end);
        (void)!yaml_parse("f", text.data, text.len, &doc, &err);
        if (err.code != rows[i].code || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        yaml_doc_free(doc);
        buf_release(&text);
    }
}

static void finds_one_key_twice_among_many(void **state)
{
    static const size_t counts[] = { 2, 16, 17, 20000 };

    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct err err = ERR_INIT;
        struct yaml *doc;
        struct buf text;
        char want[64];

        buf_init(&text, 1 << 20);
        for (size_t at = 0; at < counts[i]; at++)
            buf_addf(&text, "k%zu: 1\n", at);
        if (yaml_parse("f", text.data, text.len, &doc, &err) != 0)
            fail_msg("%zu keys: %s", counts[i], err.text);
        assert_int_equal(doc->root->count, counts[i]);
        yaml_doc_free(doc);
        buf_add_str(&text, "k1: 1\n");
        snprintf(want, sizeof(want), "f:%zu:1: key 'k1' stands twice, first at line 2,", counts[i] + 1);
        if (yaml_parse("f", text.data, text.len, &doc, &err) == 0 || strstr(err.text, want) == NULL)
            fail_msg("%zu keys and one again: %s", counts[i], err.text);
        buf_release(&text);
    }
}

static void looks_up_keys(void **state)
{
    static const char text[] = "a: 1\nn1: ~\nn2:\nn3: null\nq: \"null\"\nl: [1, 2]\n";
    struct err err = ERR_INIT;
    struct yaml *doc;

    (void)state;
    assert_int_equal(yaml_parse("f", text, strlen(text), &doc, &err), 0);
    assert_string_equal(yaml_get(doc->root, "a")->text, "1");
    assert_null(yaml_get(doc->root, "b"));
    assert_null(yaml_get(NULL, "b"));
    assert_null(yaml_get(yaml_get(doc->root, "a"), "b"));
    assert_null(yaml_get(yaml_get(doc->root, "l"), "b"));
    assert_true(yaml_is_null(yaml_get(doc->root, "n1")));
    assert_true(yaml_is_null(yaml_get(doc->root, "n2")));
    assert_true(yaml_is_null(yaml_get(doc->root, "n3")));
    assert_false(yaml_is_null(yaml_get(doc->root, "q")));
    assert_false(yaml_is_null(yaml_get(doc->root, "a")));
    assert_false(yaml_is_null(doc->root));
    yaml_fail(&err, ERR_RULE_FILE, doc->file, yaml_get(doc->root, "l")->at, "%d things", 2);
    assert_string_equal(err.text, "f:6:4: 2 things");
    yaml_fail(&err, ERR_RULE_FILE, doc->file, (struct yaml_place){ 0, 0 }, "all of it");
    assert_string_equal(err.text, "f: all of it");
    yaml_doc_free(doc);
    yaml_doc_free(NULL);
}

static void reads_a_file_up_to_its_limit(void **state)
{
    char path[] = "/tmp/test_yaml.XXXXXX";
    int fd = mkstemp(path);
    struct err err = ERR_INIT;
    struct yaml *doc;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 12", 5), 5);
    close(fd);
    assert_int_equal(yaml_load(path, 5, &doc, &err), 0);
    assert_string_equal(doc->file, path);
    yaml_doc_free(doc);
    assert_int_equal(yaml_load(path, 4, &doc, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    unlink(path);
    assert_int_equal(yaml_load(path, 5, &doc, &err), -1);
    assert_int_equal(err.code, ERR_FILE_MISSING);
}

static void hands_out_events(void **state)
{
    static const char text[] = "devices:\n  - {serial: 'A', country: DE}\n  - x\n";
    static const struct {
        enum yaml_event_kind kind;
        unsigned depth;
        bool is_key, is_plain;
        const char *text;
        size_t line, column;
    } want[] = {
        { YAML_EVENT_MAP, 0, false, false, NULL, 1, 1 },
        { YAML_EVENT_SCALAR, 1, true, true, "devices", 1, 1 },
        { YAML_EVENT_SEQ, 1, false, false, NULL, 2, 3 },
        { YAML_EVENT_MAP, 2, false, false, NULL, 2, 5 },
        { YAML_EVENT_SCALAR, 3, true, true, "serial", 2, 6 },
        { YAML_EVENT_SCALAR, 3, false, false, "A", 2, 14 },
        { YAML_EVENT_SCALAR, 3, true, true, "country", 2, 19 },
        { YAML_EVENT_SCALAR, 3, false, true, "DE", 2, 28 },
        { YAML_EVENT_MAP_END, 2, false, false, NULL, 2, 30 },
        { YAML_EVENT_SCALAR, 2, false, true, "x", 3, 5 },
        { YAML_EVENT_SEQ_END, 1, false, false, NULL, 4, 1 },
        { YAML_EVENT_MAP_END, 0, false, false, NULL, 4, 1 },
    };
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    struct yaml_events *events;
    struct yaml_event event;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(yaml_events_new("f", file, &events, &err), 0);
    for (size_t i = 0; i < COUNT(want); i++) {
        if (yaml_events_next(events, &event, &err) != 1)
            fail_msg("event %zu: %s", i, err.text);
        if (event.kind != want[i].kind || event.depth != want[i].depth || event.is_key != want[i].is_key ||
            event.is_plain != want[i].is_plain || event.at.line != want[i].line ||
            event.at.column != want[i].column ||
            (want[i].text != NULL && strcmp(event.text, want[i].text) != 0))
            fail_msg("event %zu: kind %d depth %u %s at %zu:%zu", i, event.kind, event.depth,
                     event.text != NULL ? event.text : "", event.at.line, event.at.column);
    }
    assert_int_equal(yaml_events_next(events, &event, &err), 0);
    assert_int_equal(yaml_events_next(events, &event, &err), 0); /* the end stays the end */
    yaml_events_free(events);
    yaml_events_free(NULL);
    fclose(file);
}

/* A long list through a pipe-like source: characters lie across every border of the reader's pieces. */
static void reads_long_input_in_bounded_memory(void **state)
{
    FILE *file = tmpfile();
    struct yaml_events *events;
    struct yaml_event event;
    struct err err = ERR_INIT;
    struct rusage before, after;
    size_t scalars = 0;
    int rc;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 300000; i++)
        fputs("- \xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9x\n", file);
    fputs("- \xff\n", file);
    rewind(file);
    assert_int_equal(yaml_events_new("f", file, &events, &err), 0);
    getrusage(RUSAGE_SELF, &before);
    while ((rc = yaml_events_next(events, &event, &err)) == 1) {
        if (event.kind != YAML_EVENT_SCALAR)
            continue;
        assert_string_equal(event.text, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9x");
        scalars++;
    }
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(rc, -1);
    assert_string_equal(err.text, "f:300001:3: not UTF-8");
    assert_true(scalars > 290000);                              /* all but what libyaml had read ahead */
    if (!WITH_SANITIZER)                                        /* which keeps what was freed */
        assert_true(after.ru_maxrss - before.ru_maxrss < 2048); /* KiB */
    yaml_events_free(events);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_tree_with_its_places),
        cmocka_unit_test(refuses_hostile_text),
        cmocka_unit_test(holds_its_limits),
        cmocka_unit_test(finds_one_key_twice_among_many),
        cmocka_unit_test(looks_up_keys),
        cmocka_unit_test(reads_a_file_up_to_its_limit),
        cmocka_unit_test(hands_out_events),
        cmocka_unit_test(reads_long_input_in_bounded_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
