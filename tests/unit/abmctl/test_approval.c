/* Approvals of a plan: which count, why the others do not, and that the plan stays what it is. */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "approval.h"
#include "base/fsio.h"
#include "base/json_canonical.h"
#include "evidence/dsse.h"
#include "harness/plan_doc.h"
#include "harness/proc.h"

#define KEYS   3
#define NOW_MS INT64_C(1795508300000)

struct fixture {
    char dir[256], path[300];
    struct signer *signers[KEYS];
    struct verifier keys[KEYS];
    char pems[KEYS][PUBLIC_PEM_MAX];
    struct pool *pool;
    struct plan_file file;
};

static void make_key(struct fixture *fixture, int i)
{
    static const struct signer_options options = { .base = NULL };
    char path[300], reference[340];
    struct err err = ERR_INIT;

    snprintf(path, sizeof(path), "%s/key-%d", fixture->dir, i);
    snprintf(reference, sizeof(reference), "ed25519:file:%s", path);
    assert_int_equal(signer_keygen(path, fixture->pems[i], &err), 0);
    assert_int_equal(signer_open(reference, &options, &fixture->signers[i], &err), 0);
    assert_int_equal(verifier_from_pem(fixture->pems[i], &fixture->keys[i], &err), 0);
}

static void open_again(struct fixture *fixture)
{
    struct err err = ERR_INIT;

    plan_file_close(&fixture->file);
    if (plan_file_open(&fixture->file, fixture->path, &err) != 0)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct plan_head head;
    size_t count;
    const struct plan_doc_entry *sample = plan_doc_sample(&head, &count);
    struct err err = ERR_INIT;
    struct buf doc;

    assert_int_equal(proc_temp_dir("approval", fixture->dir, sizeof(fixture->dir), &err), 0);
    snprintf(fixture->path, sizeof(fixture->path), "%s/plan.json", fixture->dir);
    buf_init(&doc, 1 << 20);
    if (plan_doc_write(&doc, &head, sample, count, &err) != 0 ||
        fsio_write(fixture->path, doc.data, doc.len, 0640, &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&doc);
    for (int i = 0; i < KEYS; i++)
        make_key(fixture, i);
    fixture->pool = pool_new(16 << 20);
    fixture->file.fd = -1;
    open_again(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    plan_file_close(&fixture->file);
    pool_free(fixture->pool);
    for (int i = 0; i < KEYS; i++)
        signer_free(fixture->signers[i]);
    proc_remove_dir(fixture->dir);
    free(fixture);
    return 0;
}

/* Approves and opens the plan again. head: what the approval is of. */
static void approve_as(struct fixture *fixture, const struct plan_head *head, int key, const char *approver)
{
    struct approval_list list;
    struct err err = ERR_INIT;
    struct buf envelope;

    buf_init(&envelope, PLAN_APPROVAL_MAX);
    if (approval_list(&fixture->file.head, fixture->pool, &list, &err) != 0 ||
        approval_make(&envelope, head, approver, NOW_MS, fixture->signers[key], &err) != 0 ||
        approval_add(&fixture->file, list.count, envelope.data, &err) != 0)
        fail_msg("%s", err.text);
    buf_release(&envelope);
    open_again(fixture);
}

static void approve(struct fixture *fixture, int key, const char *approver)
{
    approve_as(fixture, &fixture->file.head, key, approver);
}

static void leaves_the_plan_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    char sha256[SHA256_HEX];
    struct buf before, after;
    struct err err = ERR_INIT;
    struct stat st;

    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    assert_int_equal(fsio_read(fixture->path, &before, &err), 0);
    memcpy(sha256, fixture->file.head.plan_sha256, sizeof(sha256));
    assert_int_equal(chmod(fixture->path, 0664), 0); /* beyond any umask */
    open_again(fixture);
    approve(fixture, 0, "Ann");
    approve(fixture, 1, "Bob \"the\" \xe2\x82\xac");
    assert_string_equal(fixture->file.head.plan_sha256, sha256);
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0664);
    assert_int_equal(fsio_read(fixture->path, &after, &err), 0);
    assert_memory_equal(after.data, before.data, fixture->file.head.approvals_at);
    assert_string_equal(after.data + fixture->file.head.approvals_at + fixture->file.head.approvals_len,
                        before.data + fixture->file.head.approvals_at);
    buf_release(&before);
    buf_release(&after);
}

static void lists_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct approval_list list;
    struct err err = ERR_INIT;

    assert_int_equal(approval_list(&fixture->file.head, fixture->pool, &list, &err), 0);
    assert_int_equal(list.count, 0);
    approve(fixture, 0, "Ann");
    approve(fixture, 1, "Bob");
    assert_int_equal(approval_list(&fixture->file.head, fixture->pool, &list, &err), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.at[0].approver, "Ann");
    assert_string_equal(list.at[1].approver, "Bob");
    assert_string_equal(list.at[1].keyid, fixture->keys[1].keyid);
    assert_int_equal(list.at[1].approved_at_ms, NOW_MS);
    assert_null(list.at[0].problem);
    assert_false(list.at[0].is_trusted);
}

/* -1 gives the words in err. */
static int check(struct fixture *fixture, const struct verifier *keys, size_t count, size_t required,
                 struct approval_list *list, struct err *err)
{
    return approval_check(&fixture->file.head, keys, count, required, fixture->pool, list, err);
}

static void counts_different_keys(void **state)
{
    struct fixture *fixture = *state;
    const struct verifier doubled[] = { fixture->keys[0], fixture->keys[0], fixture->keys[1] };
    struct approval_list list;
    struct err err = ERR_INIT;

    assert_int_equal(check(fixture, fixture->keys, KEYS, 0, &list, &err), 0);
    assert_int_equal(check(fixture, fixture->keys, KEYS, 1, &list, &err), -1);
    assert_int_equal(err.code, ERR_PLAN_APPROVALS);
    assert_string_equal(err.text, "0 of the 1 approvals that are required");
    approve(fixture, 0, "Ann");
    assert_int_equal(check(fixture, fixture->keys, KEYS, 1, &list, &err), 0);
    approve(fixture, 0, "Ann again");
    assert_int_equal(check(fixture, fixture->keys, KEYS, 2, &list, &err), -1);
    assert_string_equal(err.text,
                        "1 of the 2 approvals that are required; that of 'Ann again' does not count: its "
                        "key has approved already");
    assert_int_equal(check(fixture, doubled, 3, 2, &list, &err), -1);
    approve(fixture, 1, "Bob");
    assert_int_equal(check(fixture, doubled, 3, 2, &list, &err), 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.trusted, 2);
    assert_true(list.at[0].is_trusted && !list.at[1].is_trusted && list.at[2].is_trusted);
    assert_string_equal(list.at[2].trusted_keyid, fixture->keys[1].keyid);
}

static void counts_only_keys_that_may(void **state)
{
    struct fixture *fixture = *state;
    struct approval_list list;
    struct err err = ERR_INIT;

    approve(fixture, 2, "Eve");
    approve(fixture, 0, "Ann");
    assert_int_equal(check(fixture, fixture->keys, 2, 2, &list, &err), -1);
    assert_string_equal(err.text,
                        "1 of the 2 approvals that are required; that of 'Eve' does not count: no key that "
                        "may approve has signed it");
    assert_int_equal(check(fixture, NULL, 0, 1, &list, &err), -1);
}

static void refuses_approvals_of_something_else(void **state)
{
    struct fixture *fixture = *state;
    struct plan_head other = fixture->file.head;
    struct approval_list list;
    struct err err = ERR_INIT;
    char another[SHA256_HEX];

    memset(another, 'a', 64);
    another[64] = '\0';
    other.plan_sha256 = another;
    approve_as(fixture, &other, 0, "Ann");
    other = fixture->file.head;
    other.org = "other";
    approve_as(fixture, &other, 1, "Bob");
    assert_int_equal(check(fixture, fixture->keys, KEYS, 1, &list, &err), -1);
    assert_non_null(strstr(err.text, "that of 'Ann' does not count: it approves another plan, aaaa"));
    assert_non_null(
        strstr(err.text, "that of 'Bob' does not count: it approves for another organization, other"));
    approve(fixture, 0, "Ann"); /* the one for another plan has not used the key up */
    assert_int_equal(check(fixture, fixture->keys, KEYS, 1, &list, &err), 0);
}

/* An envelope with this payload, whatever it says, signed by the first key. */
static void add_payload(struct fixture *fixture, const char *type, const char *payload)
{
    struct buf envelope, sorted;
    struct err err = ERR_INIT;
    struct json *doc;

    buf_init(&envelope, PLAN_APPROVAL_MAX);
    buf_init(&sorted, PLAN_APPROVAL_MAX);
    assert_int_equal(dsse_sign_as(&envelope, type, payload, strlen(payload), fixture->signers[0], &err), 0);
    assert_int_equal(json_parse(envelope.data, envelope.len, &doc, &err), 0);
    assert_int_equal(json_canonical(doc, &sorted, &err), 0);
    if (approval_add(&fixture->file, 0, sorted.data, &err) != 0)
        fail_msg("%s", err.text);
    json_free(doc);
    buf_release(&envelope);
    buf_release(&sorted);
    open_again(fixture);
}

static void says_why_an_envelope_is_none(void **state)
{
    static const struct {
        const char *type, *payload, *want;
    } rows[] = {
        { DSSE_PAYLOAD_TYPE, "{}",
          "it cannot be read: envelope: payloadType is not application/vnd.abm.plan-approval" },
        { APPROVAL_TYPE, "", "it cannot be read: payload: byte 0" },
        { APPROVAL_TYPE, "\"x\"", "it is no approval: it has no version" },
        { APPROVAL_TYPE, "{\"version\":2}", "it is of version 2, this abmctl knows 1" },
        { APPROVAL_TYPE, "{\"version\":1,\"org\":7}",
          "approved_at, approver, org and plan_sha256 are required" },
        { APPROVAL_TYPE,
          "{\"approved_at\":\"x\",\"approver\":\"a\",\"org\":\"acme\",\"plan_sha256\":\"x\",\"version\":1}",
          "are required" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct approval_list list;
        struct err err = ERR_INIT;

        add_payload(fixture, rows[i].type, rows[i].payload);
        assert_int_equal(check(fixture, fixture->keys, KEYS, 1, &list, &err), -1);
        assert_int_equal(err.code, ERR_PLAN_APPROVALS);
        if (list.at[list.count - 1].problem == NULL ||
            strstr(list.at[list.count - 1].problem, rows[i].want) == NULL)
            fail_msg("row %zu: %s", i, err.text);
    }
}

/* The plan is taken (its hash is that of the rest); whoever asks for approvals is told. */
static void finds_each_bit_of_a_signed_text_that_is_flipped(void **state)
{
    struct fixture *fixture = *state;
    struct plan_head head = fixture->file.head;
    struct approval_list list;
    struct err err = ERR_INIT;
    struct buf good;
    char *text;
    size_t from, end;

    buf_init(&good, PLAN_APPROVAL_MAX);
    buf_add_char(&good, '[');
    assert_int_equal(approval_make(&good, &head, "Ann", NOW_MS, fixture->signers[0], &err), 0);
    buf_add_char(&good, ']');
    text = good.data;
    head.approvals = text;
    assert_int_equal(approval_check(&head, fixture->keys, KEYS, 1, fixture->pool, &list, &err), 0);
    from = (size_t)(strstr(text, "\"payload\":\"") - text);
    end = (size_t)(strstr(text, "\",\"signatures\"") - text);
    for (size_t at = from; at < good.len; at++) {
        const char *keyid = strstr(text, "\"keyid\":");

        if (at >= end && text + at >= keyid && text + at < strstr(text, ",\"sig\":"))
            continue; /* a hint, which nothing is made of */
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            pool_reset(fixture->pool);
            if (approval_check(&head, fixture->keys, KEYS, 1, fixture->pool, &list, &err) == 0)
                fail_msg("byte %zu, bit %d: counted", at, bit);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
    }
    pool_reset(fixture->pool);
    assert_int_equal(approval_check(&head, fixture->keys, KEYS, 1, fixture->pool, &list, &err), 0);
    buf_release(&good);
}

static void keeps_to_its_limits(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = { "", "a\nb", "\xff" };
    char long_name[APPROVAL_APPROVER_MAX + 2];
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, PLAN_APPROVAL_MAX);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            approval_make(&out, &fixture->file.head, wrong[i], NOW_MS, fixture->signers[0], &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
    }
    memset(long_name, '"', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(approval_make(&out, &fixture->file.head, long_name, NOW_MS, fixture->signers[0], &err),
                     -1);
    long_name[APPROVAL_APPROVER_MAX] = '\0'; /* as many as there may be, each of which is escaped */
    for (size_t i = 0; i < PLAN_APPROVALS_MAX; i++)
        approve(fixture, (int)(i % KEYS), long_name);
    assert_int_equal(approval_make(&out, &fixture->file.head, "Ann", NOW_MS, fixture->signers[0], &err), 0);
    assert_int_equal(approval_add(&fixture->file, PLAN_APPROVALS_MAX, out.data, &err), -1);
    assert_int_equal(err.code, ERR_PLAN_APPROVALS);
    buf_release(&out);
}

static void notices_a_plan_that_changed(void **state)
{
    struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    struct buf envelope, text;
    FILE *plan;

    buf_init(&text, 64);
    buf_init(&envelope, PLAN_APPROVAL_MAX);
    assert_int_equal(approval_make(&envelope, &fixture->file.head, "Ann", NOW_MS, fixture->signers[0], &err),
                     0);
    plan = fopen(fixture->path, "a");
    assert_non_null(plan);
    fputs("\n", plan);
    fclose(plan);
    assert_int_equal(approval_add(&fixture->file, 0, envelope.data, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    assert_int_equal(truncate(fixture->path, fixture->file.seen.st_size), 0);
    open_again(fixture);
    assert_int_equal(fsio_write(fixture->path, "a newer plan", 12, 0600, &err), 0);
    assert_int_equal(approval_add(&fixture->file, 0, envelope.data, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    assert_int_equal(fsio_read(fixture->path, &text, &err), 0);
    assert_string_equal(text.data, "a newer plan");
    buf_release(&text);
    buf_release(&envelope);
}

/* The one line between those of a PEM: base64 of the key in DER. */
static void base64_of(const char *pem, char base64[PUBLIC_PEM_MAX])
{
    const char *from = strchr(pem, '\n') + 1;

    snprintf(base64, PUBLIC_PEM_MAX, "%.*s", (int)strcspn(from, "\n"), from);
}

static void reads_public_keys(void **state)
{
    struct fixture *fixture = *state;
    char settings[320], path[320], base64[PUBLIC_PEM_MAX];
    struct err err = ERR_INIT;
    struct verifier key;

    snprintf(settings, sizeof(settings), "%s/pipeline.yaml", fixture->dir);
    snprintf(path, sizeof(path), "%s/ann.pem", fixture->dir);
    assert_int_equal(fsio_write(path, fixture->pems[0], strlen(fixture->pems[0]), 0600, &err), 0);
    assert_int_equal(approval_key("ann.pem", settings, &key, &err), 0);
    assert_string_equal(key.keyid, fixture->keys[0].keyid);
    assert_int_equal(approval_key(path, NULL, &key, &err), 0);
    base64_of(fixture->pems[1], base64);
    assert_int_equal(approval_key(base64, settings, &key, &err), 0);
    assert_string_equal(key.keyid, fixture->keys[1].keyid);
    assert_int_equal(approval_key("bob.pem", settings, &key, &err), -1);
    assert_int_equal(err.code, ERR_SETTINGS);
    assert_non_null(strstr(err.text, "public key 'bob.pem': cannot read"));
    base64[4] = 'x'; /* still base64, but no key */
    assert_int_equal(approval_key(base64, settings, &key, &err), -1);
    assert_int_equal(err.code, ERR_SETTINGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leaves_the_plan_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_different_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_only_keys_that_may, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_approvals_of_something_else, setup, teardown),
        cmocka_unit_test_setup_teardown(says_why_an_envelope_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_each_bit_of_a_signed_text_that_is_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_to_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(notices_a_plan_that_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_public_keys, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
