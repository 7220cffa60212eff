/*
 * Each allocation fails in turn while a plan is written, read, approved and its approvals are checked: it is
 * done all the same, or ends with a word of memory; the file is the one of before or the one of after, and
 * nothing stands beside it.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "base/fsio.h"
#include "harness/fail_alloc.h"
#include "harness/plan_doc.h"
#include "harness/proc.h"

#define POINTS_MOST 20000

struct bench {
    char dir[256], path[300], command[320];
    struct plan_head head;
    const struct plan_doc_entry *sample;
    size_t count;
    struct signer *signer;
    struct verifier key;
};

static int each(void *ctx, enum plan_kind kind, struct plan_writer *writer, struct err *err)
{
    struct bench *bench = ctx;

    for (size_t i = 0; i < bench->count; i++)
        if (bench->sample[i].kind == kind && plan_writer_add(writer, kind, &bench->sample[i].entry, err) != 0)
            return -1;
    return 0;
}

static int write_plan(struct bench *bench, struct err *err)
{
    const struct plan_entries entries = { each, bench };
    char sha256[SHA256_HEX];

    return plan_file_write(bench->path, &bench->head, &entries, sha256, err);
}

static int read_plan(struct bench *bench, struct err *err)
{
    struct plan_file file;
    int rc = plan_file_open(&file, bench->path, err);

    plan_file_close(&file);
    return rc;
}

static int approve(struct bench *bench, struct err *err)
{
    struct plan_file file;
    struct buf envelope;
    int rc = plan_file_open(&file, bench->path, err);

    buf_init(&envelope, PLAN_APPROVAL_MAX);
    if (rc == 0)
        rc = approval_make(&envelope, &file.head, "Ann", 0, bench->signer, err);
    if (rc == 0)
        rc = approval_add(&file, 0, envelope.data, err);
    buf_release(&envelope);
    plan_file_close(&file);
    return rc;
}

static int check(struct bench *bench, struct err *err)
{
    struct approval_list list;
    struct plan_file file;
    int rc = plan_file_open(&file, bench->path, err);

    if (rc == 0)
        rc = approval_check(&file.head, &bench->key, 1, 1, file.pool, &list, err);
    plan_file_close(&file);
    return rc;
}

static int count_files(const struct bench *bench)
{
    FILE *pipe = popen(bench->command, "r");
    int count = 0;

    assert_non_null(pipe);
    for (int c = getc(pipe); c != EOF; c = getc(pipe))
        count += c == '\n';
    pclose(pipe);
    return count;
}

/* before: what makes the scene anew for each point. */
static void walk(struct bench *bench, const char *what, int (*before)(struct bench *bench, struct err *err),
                 int (*step)(struct bench *bench, struct err *err))
{
    int64_t failed = 0, done = 0;

    for (int64_t nth = 1;; nth++) {
        struct err err = ERR_INIT, why = ERR_INIT;
        bool has_failed;
        int rc;

        if (before != NULL && before(bench, &err) != 0)
            fail_msg("%s: the scene: %s", what, err.text);
        fail_alloc_arm(nth);
        rc = step(bench, &err);
        has_failed = fail_alloc_has_failed();
        fail_alloc_disarm();
        if (!has_failed) {
            assert_int_equal(rc, 0);
            break;
        }
        failed++;
        done += rc == 0;
        if (rc != 0 && err.code != ERR_NOMEM && strstr(err.text, "memory") == NULL)
            fail_msg("%s, allocation %lld: %s: %s", what, (long long)nth, err_wire(err.code), err.text);
        if (count_files(bench) != 2)
            fail_msg("%s, allocation %lld: something is left", what, (long long)nth);
        if (read_plan(bench, &why) != 0)
            fail_msg("%s, allocation %lld: the plan is not whole: %s", what, (long long)nth, why.text);
        assert_true(nth < POINTS_MOST);
    }
    print_message("%-6s %4lld allocations failed in turn, %3lld done all the same\n", what, (long long)failed,
                  (long long)done);
    assert_true(failed > 0);
}

static int write_approved(struct bench *bench, struct err *err)
{
    return write_plan(bench, err) == 0 ? approve(bench, err) : -1;
}

static void outlasts_memory_that_is_not_there(void **state)
{
    static const struct signer_options options = { .base = NULL };
    char path[300], reference[340], pem[PUBLIC_PEM_MAX];
    struct err err = ERR_INIT;
    struct bench bench;

    (void)state;
    memset(&bench, 0, sizeof(bench));
    assert_int_equal(proc_temp_dir("alloc-plan", bench.dir, sizeof(bench.dir), &err), 0);
    snprintf(bench.path, sizeof(bench.path), "%s/plan.json", bench.dir);
    snprintf(bench.command, sizeof(bench.command), "ls '%s'", bench.dir);
    snprintf(path, sizeof(path), "%s/key", bench.dir);
    snprintf(reference, sizeof(reference), "ed25519:file:%s", path);
    assert_int_equal(signer_keygen(path, pem, &err), 0);
    assert_int_equal(signer_open(reference, &options, &bench.signer, &err), 0);
    assert_int_equal(verifier_from_pem(pem, &bench.key, &err), 0);
    bench.sample = plan_doc_sample(&bench.head, &bench.count);
    assert_int_equal(write_plan(&bench, &err), 0);
    walk(&bench, "write", NULL, write_plan);
    walk(&bench, "read", NULL, read_plan);
    walk(&bench, "approve", write_plan, approve);
    walk(&bench, "check", write_approved, check);
    signer_free(bench.signer);
    proc_remove_dir(bench.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(outlasts_memory_that_is_not_there) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
