/* Plans that are read: what the writer wrote, and everything that it would not have written. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/plan_doc.h"

#define MAX_BYTES (16 << 20)

static const char approvals[] = "[{\"a\":\"x\"},{\"b\":[1,{\"c\":null}]}]";

struct fixture {
    struct buf doc;      /* the sample, without approvals */
    struct buf approved; /* the same with some */
    struct pool *pool;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct plan_head head;
    size_t count;
    const struct plan_doc_entry *entries = plan_doc_sample(&head, &count);
    struct err err = ERR_INIT;

    buf_init(&fixture->doc, MAX_BYTES);
    buf_init(&fixture->approved, MAX_BYTES);
    fixture->pool = pool_new(MAX_BYTES);
    if (plan_doc_write(&fixture->doc, &head, entries, count, &err) != 0)
        fail_msg("%s", err.text);
    head.approvals = approvals;
    if (plan_doc_write(&fixture->approved, &head, entries, count, &err) != 0)
        fail_msg("%s", err.text);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    buf_release(&fixture->doc);
    buf_release(&fixture->approved);
    pool_free(fixture->pool);
    free(fixture);
    return 0;
}

/* --- what was written --- */

struct seen {
    const struct plan_doc_entry *want;
    size_t count, end_after;
};

static void same_entry(const struct plan_entry *a, const struct plan_entry *b)
{
    if (!str_eq(a->serial, b->serial) || !str_eq(a->country, b->country) || !str_eq(a->model, b->model) ||
        !str_eq(a->order_number, b->order_number) || !str_eq(a->asset_tag, b->asset_tag) ||
        a->state != b->state || !str_eq(a->from_blueprint_id, b->from_blueprint_id) ||
        !str_eq(a->to_blueprint_id, b->to_blueprint_id) || !str_eq(a->mdm_server_id, b->mdm_server_id) ||
        a->has_servers != b->has_servers || !str_eq(a->from_mdm_server_id, b->from_mdm_server_id) ||
        !str_eq(a->to_mdm_server_id, b->to_mdm_server_id))
        fail_msg("%s came back otherwise", a->serial);
}

static int take_entry(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    struct seen *seen = ctx;

    (void)err;
    assert_int_equal(kind, seen->want[seen->count].kind);
    same_entry(&seen->want[seen->count].entry, entry);
    assert_int_equal(entry->row, (int64_t)++seen->count);
    return seen->count == seen->end_after;
}

static void reads_what_was_written(void **state)
{
    static const size_t pieces[] = { 0, 1, 2, 7, 64 };
    struct fixture *fixture = *state;
    struct plan_head want, head;
    size_t count;
    const struct plan_doc_entry *entries = plan_doc_sample(&want, &count);

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct seen seen = { .want = entries };
        const struct plan_entry_sink sink = { take_entry, &seen };
        struct err err = ERR_INIT;

        if (plan_doc_read(fixture->doc.data, fixture->doc.len, pieces[i], &sink, fixture->pool, &head,
                          &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(seen.count, count);
    }
    assert_string_equal(head.org, want.org);
    assert_string_equal(head.dialect, want.dialect);
    assert_string_equal(head.api_version, want.api_version);
    assert_int_equal(head.created_at_ms, want.created_at_ms);
    assert_string_equal(head.operator_, want.operator_);
    assert_string_equal(head.git_commit, want.git_commit);
    assert_string_equal(head.input_name, want.input_name);
    assert_string_equal(head.input_sha256, want.input_sha256);
    assert_string_equal(head.mapping_sha256, want.mapping_sha256);
    assert_null(head.reverts);
    assert_true(head.is_complete);
    assert_false(head.is_only_new);
    assert_int_equal(head.unchanged, 7);
    assert_int_equal(head.rejected, 1);
    assert_int_equal(head.duplicate, 2);
    assert_string_equal(head.brake.max_changes, "10%");
    assert_int_equal(head.brake.changes, 3);
    assert_int_equal(head.brake.existing, 20);
    assert_true(head.brake.would_pause);
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        assert_int_equal(head.counts[kind], 2);
    assert_null(head.approvals);
    assert_int_equal(head.approvals_len, 0);
}

static void ends_early_where_the_sink_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct plan_head head;
    size_t count;
    struct seen seen = { .want = plan_doc_sample(&head, &count), .end_after = 3 };
    const struct plan_entry_sink sink = { take_entry, &seen };
    struct err err = ERR_INIT;

    assert_int_equal(plan_doc_read(fixture->doc.data, fixture->doc.len, 0, &sink, fixture->pool, &head, &err),
                     1);
    assert_int_equal(seen.count, 3);
}

/* Cutting the approvals out where the head says gives the plan as it was, and they do not count for its hash.
 */
static void knows_where_the_approvals_stand(void **state)
{
    struct fixture *fixture = *state;
    const struct buf *doc = &fixture->approved;
    struct plan_head with, without;
    struct err err = ERR_INIT;
    struct buf cut;

    if (plan_doc_read(doc->data, doc->len, 0, NULL, fixture->pool, &with, &err) != 0 ||
        plan_doc_read(fixture->doc.data, fixture->doc.len, 0, NULL, fixture->pool, &without, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(with.approvals, approvals);
    assert_string_equal(with.plan_sha256, without.plan_sha256);
    assert_int_equal(with.approvals_at, without.approvals_at);
    buf_init(&cut, MAX_BYTES);
    buf_add(&cut, doc->data, with.approvals_at);
    buf_add_str(&cut, doc->data + with.approvals_at + with.approvals_len);
    assert_string_equal(cut.data, fixture->doc.data);
    buf_release(&cut);
}

/* --- whatever is altered --- */

/* True where it was taken. Anything but the errors that may be ends the test. */
static bool is_taken(struct fixture *fixture, const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct plan_head head;
    bool is_ok;

    pool_reset(fixture->pool);
    is_ok = plan_doc_read(text, len, 0, NULL, fixture->pool, &head, &err) == 0;
    if (!is_ok && err.code != ERR_PLAN_ALTERED)
        fail_msg("%s: %s", err_wire(err.code), err.text);
    return is_ok;
}

static void finds_each_bit_that_is_flipped(void **state)
{
    struct fixture *fixture = *state;
    struct buf *doc = &fixture->doc;

    for (size_t at = 0; at < doc->len; at++)
        for (int bit = 0; bit < 8; bit++) {
            doc->data[at] = (char)(doc->data[at] ^ (1 << bit));
            if (is_taken(fixture, doc->data, doc->len))
                fail_msg("byte %zu, bit %d: taken", at, bit);
            doc->data[at] = (char)(doc->data[at] ^ (1 << bit));
        }
    assert_true(is_taken(fixture, doc->data, doc->len));
}

/* Signatures vouch for the text of approvals; all the rest is found even with them. */
static void finds_each_byte_that_is_changed_beside_approvals(void **state)
{
    struct fixture *fixture = *state;
    struct buf *doc = &fixture->approved;
    size_t from = (size_t)(strstr(doc->data, "\"approvals\":") - doc->data);
    size_t list = from + strlen("\"approvals\":"), end = list + strlen(approvals);

    for (size_t at = 0; at < doc->len; at++) {
        doc->data[at] ^= 0x01;
        if ((at < list || at >= end) && is_taken(fixture, doc->data, doc->len))
            fail_msg("byte %zu: taken", at);
        doc->data[at] ^= 0x01;
    }
    assert_true(is_taken(fixture, doc->data, doc->len));
}

static void finds_each_place_that_is_cut(void **state)
{
    struct fixture *fixture = *state;
    const struct buf *doc = &fixture->doc;

    for (size_t len = 0; len < doc->len; len++)
        if (is_taken(fixture, doc->data, len))
            fail_msg("%zu bytes: taken", len);
}

static void finds_each_byte_that_is_gone_doubled_or_moved(void **state)
{
    struct fixture *fixture = *state;
    const struct buf *doc = &fixture->doc;
    char *text = malloc(doc->len + 2);

    for (size_t at = 0; at < doc->len; at++) {
        memcpy(text, doc->data, at);
        memcpy(text + at, doc->data + at + 1, doc->len - at);
        if (is_taken(fixture, text, doc->len - 1))
            fail_msg("without byte %zu: taken", at);
        text[at] = doc->data[at];
        memcpy(text + at + 1, doc->data + at, doc->len - at);
        if (is_taken(fixture, text, doc->len + 1))
            fail_msg("byte %zu twice: taken", at);
        text[at] = ' ';
        if (is_taken(fixture, text, doc->len + 1))
            fail_msg("a blank before byte %zu: taken", at);
        if (at + 1 == doc->len || doc->data[at] == doc->data[at + 1])
            continue;
        memcpy(text, doc->data, doc->len);
        text[at] = doc->data[at + 1];
        text[at + 1] = doc->data[at];
        if (is_taken(fixture, text, doc->len))
            fail_msg("bytes %zu and %zu change places: taken", at, at + 1);
    }
    free(text);
}

/* --- altered by somebody who makes a new hash --- */

/* Puts the hash that the text has now into it. Approvals are not looked for. */
static void forge_hash(struct buf *doc)
{
    static const char name[] = "\"plan_sha256\":\"";
    char *at = strstr(doc->data, name), *behind;
    char hex[SHA256_HEX];
    struct sha256 hash;

    if (at == NULL || strlen(at) < sizeof(name) + 66)
        return;
    behind = at + sizeof(name) - 1 + 66;
    sha256_init(&hash);
    sha256_add(&hash, doc->data, (size_t)(at - doc->data));
    sha256_add(&hash, behind, doc->len - (size_t)(behind - doc->data) - 1);
    sha256_end_hex(&hash, hex);
    memcpy(at + sizeof(name) - 1, hex, 64);
}

/* doc with the first `old` behind `after` replaced, and a hash that is right for it. */
static void forge(const struct buf *doc, const char *after, const char *old, const char *new_,
                  struct buf *out)
{
    const char *at = strstr(doc->data, after);

    assert_non_null(at);
    at = strstr(at, old);
    if (at == NULL)
        fail_msg("'%s' does not stand behind '%s'", old, after);
    buf_reset(out);
    buf_add(out, doc->data, (size_t)(at - doc->data));
    buf_add_str(out, new_);
    buf_add_str(out, at + strlen(old));
    forge_hash(out);
}

static void refuses_what_the_writer_would_not_write(void **state)
{
    static const struct {
        const char *after, *old, *new_, *want;
    } rows[] = {
        { "{", "\"row\":2", "\"row\":3",
          "add[1], from byte 236: byte 270: 3,\"serial\":\"C02ADD000002..., where "
          "2,\"serial\":\"C02ADD000002... was expected" },
        { "{", "\"row\":2", "\"row\":\"2\"", "add[1], from byte 236: row: a string, wanted a whole number" },
        { "{", "\"row\":2", "\"row\":2.0", "byte 271: .0,\"serial" },
        { "{", "\"row\":2", "\"row\":2e0", "byte 271: e0,\"serial" },
        { "{", "\"row\":2", "\"row\":02", "add[1], from byte 236: byte 271: ',' or '}' was expected" },
        { "{", "C02ADD000002", "C02ADD000001",
          "add[1], from byte 236: serial 'C02ADD000001' stands twice: row 1 in add has it, too" },
        { "{", "C02CHG000001", "C02ADD000001", "change[0], from byte" },
        { "{", "C02REM000001", "C02REM000003",
          "remove[1], from byte 1315: serial 'C02REM000002' stands behind 'C02REM000003': they are sorted" },
        { "{", "\"country\":\"DE\",", "", "add[1], from byte 236: country '' is missing" },
        { "{", "\"country\":\"DE\",\"from\":null", "\"from\":null,\"country\":\"DE\"",
          "byte 238: from\":null" },
        { "{", "\"state\":\"FAILED\"", "\"state\":\"failed\"", "state 'failed': wanted ACCEPTED" },
        { "{", "\"state\":\"FAILED\"", "\"state\":7", "state: a number, wanted a string or null" },
        { "{", "\"state\":\"FAILED\",", "", "where state\":null" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp-de\",\"zz\":1}",
          "add[1], from byte 236: zz: no such member is known" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp-de\",\"to\":\"bp-de\"}", "member \"to\" stands twice" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp-de\",\"to_mdm_server\":null}",
          "from_mdm_server and to_mdm_server are the same" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp\\u002dde\"}", "\\u002dde" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp\\u0000de\"}", "\\u0000 is refused" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp\x01\"}", "a control character in a string" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp\\u0001\"}", "to 'bp\x01' has a control character" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp\xff\"}", "not UTF-8" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":[[[[[[[[[[1]]]]]]]]]]}", "nested too deep" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":{\"a\":1}}", "to: an object, wanted a string or null" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp-de\"},7", "add[2], from byte" },
        { "{", "\"to\":\"bp-de\"}", "\"to\":\"bp-de\"},",
          "add[2], from byte 327: byte 327: the text ends too early" },
        { "api_version", "\"2.0\"", "\"\"", "api_version '' is empty" },
        { "api_version", "\"2.0\"", "2.0", "api_version: a number, wanted a string" },
        { "brake", "\"changes\":3", "\"changes\":2", "brake.changes 2: the entries change 3 existing" },
        { "brake", "\"existing\":20", "\"existing\":2", "brake.changes 3 is more than brake.existing 2" },
        { "brake", "\"existing\":20", "\"existing\":200",
          "brake.would_pause: 3 of 200 are not more than 10 %" },
        { "brake", "\"10%\"", "null", "brake\":{" },
        { "brake", "\"10%\"", "\"10.0%\"", "max_changes '10.0%'" },
        { "complete", "true", "false", "remove: only a complete plan" },
        { "complete", "true", "1", "complete: a number, wanted a boolean" },
        { "created_at", "17:00.123Z", "17:00.1234Z", "4Z\",\"dialect" },
        { "created_at", "2026-11-24T08:17:00.123Z", "today", "created_at 'today' is no time" },
        { "duplicate", "2", "-2", "duplicate -2: wanted 0" },
        { "duplicate", "2", "1e400", "number" },
        { "git_commit", "\"0123abc\"", "{}", "git_commit: an object, wanted a string or null" },
        { "duplicate", "\"git_commit\":\"0123abc\",", "", "where git_commit\":null" },
        { "inputs", "\"devices.csv\"", "\"dev\\u001bices.csv\"", "has a control character" },
        { "inputs", "\"name\":\"devices.csv\",", "", "where name\":null" },
        { "inputs", "aaaaaaaa", "AAAAAAAA", "inputs.sha256" },
        { "operator", "\"org\"", "\"only_new\":false,\"org\"", "nly_new\":false" },
        { "operator", "\"org\"", "\"kept\":0,\"org\"", "kept" },
        { "org", "\"acme\"", "\"acme\",\"org\":\"acme\"", "member \"org\" stands twice" },
        { "org", "\"acme\"", "\"\"", "org '' is empty" },
        { "rejected", "\"remove\":[", "\"change\":[],\"remove\":[", "the list \"change\" is out of place" },
        { "rejected", "\"remove\":[", "\"remove\":7,\"x\":[", "'7' (0x37), where '[' was expected" },
        { "unchanged", "7", "1000000001", "unchanged 1000000001: wanted 0 to" },
        { "unchanged", "\"version\":1", "\"version\":2", "version 2: wanted 1" },
        { "unchanged", "\"version\":1", "\"version\":1.0", ".0}" },
        { "unchanged", "\"version\":1", "\"version\":1,\"warnings\":[]",
          "warnings: no such member is known" },
        { "unchanged", "}\n", "}", "the file ends here" },
        { "unchanged", "}\n", "} \n", "where the end of the line was expected" },
        { "unchanged", "}\n", "}\r\n", "where the end of the line was expected" },
        { "unchanged", "}\n", "}\n\n", "something stands behind the plan" },
        { "{", "{\"add\"", "{ \"add\"",
          "byte 1: white space between the values: the file was formatted anew" },
        { "{", "{\"add\":", "{\n  \"add\": ", "byte 1: white space" },
        { "{", "{\"add\"", "\xef\xbb\xbf{\"add\"", "byte 0: '?' (0xef), where '{' was expected" },
    };
    struct fixture *fixture = *state;
    struct buf out;

    buf_init(&out, MAX_BYTES);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct plan_head head;

        forge(&fixture->doc, rows[i].after, rows[i].old, rows[i].new_, &out);
        if (plan_doc_read(out.data, out.len, 0, NULL, fixture->pool, &head, &err) == 0)
            fail_msg("row %zu (%s): taken", i, rows[i].new_);
        if (err.code != ERR_PLAN_ALTERED || strstr(err.text, rows[i].want) == NULL)
            fail_msg("row %zu (%s), wanted '%s': %s: %s", i, rows[i].new_, rows[i].want, err_wire(err.code),
                     err.text);
    }
    buf_release(&out);
}

/* So the table above refuses for its reasons, not because forging fails. */
static void takes_another_truth_with_its_hash(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;

    buf_init(&out, MAX_BYTES);
    forge(&fixture->doc, "unchanged", "7", "8", &out);
    assert_true(is_taken(fixture, out.data, out.len));
    buf_release(&out);
}

static void refuses_what_is_huge(void **state)
{
    static char text[300001];
    struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    struct plan_head head;
    struct buf out;

    memset(text, 'x', sizeof(text) - 1);
    text[0] = text[sizeof(text) - 2] = '"';
    buf_init(&out, MAX_BYTES);
    forge(&fixture->doc, "{", "\"bp-de\"", text, &out);
    assert_int_equal(plan_doc_read(out.data, out.len, 0, NULL, fixture->pool, &head, &err), -1);
    assert_string_equal(err.text, "add[1], from byte 236: byte 319: a value of more than 16384 bytes");
    forge(&fixture->doc, "operator", "\"CI=github-actions, RUN_ID=1\"", text, &out);
    assert_int_equal(plan_doc_read(out.data, out.len, 0, NULL, fixture->pool, &head, &err), -1);
    assert_non_null(strstr(err.text, "a value of more than"));
    forge(&fixture->doc, "complete", "\"dialect\"", text, &out);
    assert_int_equal(plan_doc_read(out.data, out.len, 0, NULL, fixture->pool, &head, &err), -1);
    assert_non_null(strstr(err.text, "a value of more than 63 bytes"));
    memset(text, '[', sizeof(text) - 1);
    assert_int_equal(plan_doc_read(text, sizeof(text) - 1, 0, NULL, fixture->pool, &head, &err), -1);
    assert_string_equal(err.text, "byte 0: '[' (0x5b), where '{' was expected");
    buf_release(&out);
}

static void refuses_approvals_that_are_none(void **state)
{
    static const struct {
        const char *list, *want;
    } rows[] = {
        { "[]", "approvals: 0 of them" },
        { "{}", "approvals: an object, wanted an array" },
        { "[1]", "approvals: a number among them" },
        { "[{\"b\":1,\"a\":2}]", "b\":1,\"a\":2" },
        { "[{\"a\":1.5}]", "approvals: [0]: a: a number" },
        { "[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]", "approvals: 17 of them" },
        { "[{\"a\":[[[[[[[[1]]]]]]]]}]", "nested too deep" },
    };
    struct fixture *fixture = *state;
    struct buf out;

    buf_init(&out, MAX_BYTES);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct plan_head head;

        forge(&fixture->approved, "approvals", approvals, rows[i].list, &out);
        if (plan_doc_read(out.data, out.len, 0, NULL, fixture->pool, &head, &err) == 0 ||
            err.code != ERR_PLAN_ALTERED || strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s, wanted '%s': %s", rows[i].list, rows[i].want, err.text);
    }
    buf_release(&out);
}

/* --- what a refused document is --- */

static void guesses_what_a_document_is(void **state)
{
    static const struct {
        const char *text;
        bool is_plan;
        int64_t version;
    } rows[] = {
        { "", false, 0 },
        { "serial,country\n", false, 0 },
        { "[{\"add\":1}]", false, 0 },
        { "{}", false, 0 },
        { "{\"a\":{\"add\":1,\"version\":7}}", false, 0 },
        { "{\"a\":\"add\"}", false, 0 },
        { "{\"add\":[", true, 0 },
        { "{\"add\":[],\"version\":2}\n", true, 2 },
        { " {\n  \"version\" : 12 ,\n  \"plan_sha256\": \"x\" }", true, 12 },
        { "{\"add\":[{\"version\":9}],\"x\":\"\\\"version\\\":8\",\"version\":1}", true, 1 },
        { "{\"add\":[],\"version\":99999999999999999999}", true, 9999999999 },
        { "{\"add\":[],\"version\":[3]}", true, 0 },
        { "{\"add\":[],\"versions\":3,\"versio\":4}", true, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct plan_guess guess;

        assert_int_equal(plan_doc_guess(rows[i].text, strlen(rows[i].text), &guess, &err), 0);
        if (guess.is_plan != rows[i].is_plan || guess.version != rows[i].version)
            fail_msg("%s: %d, %lld", rows[i].text, guess.is_plan, (long long)guess.version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_early_where_the_sink_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_where_the_approvals_stand, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_each_bit_that_is_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_each_byte_that_is_changed_beside_approvals, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_each_place_that_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_each_byte_that_is_gone_doubled_or_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_the_writer_would_not_write, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_another_truth_with_its_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_huge, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_approvals_that_are_none, setup, teardown),
        cmocka_unit_test(guesses_what_a_document_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
