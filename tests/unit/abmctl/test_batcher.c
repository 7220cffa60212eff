/* The same rows are always the same batches, and no batch is larger than a message may be. */
#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "batcher.h"
#include "crypto/sha256.h"

#define BATCHES_MAX 64

struct seen {
    size_t count;
    size_t rows[BATCHES_MAX]; /* devices and rejected */
    char sha256[BATCHES_MAX][SHA256_HEX];
};

static int see(void *user, int64_t number, const struct buf *text, struct err *err)
{
    struct seen *seen = user;
    struct pool *pool = pool_new(32u * 1024 * 1024);
    struct ingest batch;

    assert_true(seen->count < BATCHES_MAX);
    assert_int_equal(number, seen->count + 1);
    if (ingest_parse(text->data, text->len, pool, &batch, err) != 0)
        fail_msg("%s", err->text);
    assert_int_equal(batch.batch, number);
    seen->rows[seen->count] = batch.count + batch.rejected_count;
    sha256_hex(text->data, text->len, seen->sha256[seen->count]);
    seen->count++;
    pool_free(pool);
    return 0;
}

/* count rows, every fifth rejected, each device with `extra` bytes of a further column. */
static int64_t make(int count, int64_t size, size_t extra, bool is_counting, struct seen *seen)
{
    const struct ingest head = { .run = "r1", .batches = BATCHES_MAX, .mode = "apply", .operator_ = "jane" };
    static char filler[1024];
    struct device_extra column = { .name = "note", .value = filler };
    struct batcher batcher;
    struct err err = ERR_INIT;
    int64_t batches;

    memset(filler, '"', sizeof(filler) - 1);
    filler[extra] = '\0';
    memset(seen, 0, sizeof(*seen));
    assert_int_equal(batcher_init(&batcher, &head, size, is_counting ? NULL : see, seen, &err), 0);
    for (int i = 0; i < count; i++) {
        char serial[16];
        struct device device = {
            .row = i + 2, .serial = serial, .country = "DE", .extra = &column, .extra_count = extra > 0
        };
        struct ingest_rejected rejected = {
            .row = i + 2, .serial = serial, .code = "serial_format", .text = "no"
        };

        snprintf(serial, sizeof(serial), "FVFGH%07d", i);
        if (i % 5 == 4)
            assert_int_equal(batcher_rejected(&batcher, &rejected, &err), 0);
        else if (batcher_device(&batcher, &device, &err) != 0)
            fail_msg("%s", err.text);
    }
    assert_int_equal(batcher_end(&batcher, &err), 0);
    batches = batcher.batches;
    batcher_release(&batcher);
    return batches;
}

static void counts_what_it_will_make(void **state)
{
    static const struct {
        const char *what;
        int count;
        int64_t size;
        size_t extra;
        int64_t want; /* -1: more than rows / size, since bytes decide */
    } rows[] = {
        { "none", 0, 1000, 0, 0 },
        { "one", 1, 1000, 0, 1 },
        { "one batch to the brim", 1000, 1000, 0, 1 },
        { "one more", 1001, 1000, 0, 2 },
        { "small batches", 100, 7, 0, 15 },
        { "one a batch", 20, 1, 0, 20 },
        { "wide rows", 3000, 1000, 500, 3 },
        { "rows so wide that bytes decide", 3000, 1000, 1000, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen first, second, counted;
        int64_t made = make(rows[i].count, rows[i].size, rows[i].extra, false, &first);
        size_t sum = 0;

        if ((rows[i].want >= 0 && made != rows[i].want) ||
            (rows[i].want < 0 && made <= rows[i].count / rows[i].size))
            fail_msg("%s: %lld batches", rows[i].what, (long long)made);
        assert_int_equal(make(rows[i].count, rows[i].size, rows[i].extra, true, &counted), made);
        assert_int_equal(make(rows[i].count, rows[i].size, rows[i].extra, false, &second), made);
        for (size_t b = 0; b < first.count; b++) {
            assert_string_equal(first.sha256[b], second.sha256[b]);
            assert_true((int64_t)first.rows[b] <= rows[i].size);
            sum += first.rows[b];
        }
        assert_int_equal(sum, rows[i].count);
    }
}

static int refuse(void *user, int64_t number, const struct buf *text, struct err *err)
{
    (void)user, (void)number, (void)text;
    return err_set(err, ERR_STOPPED, 0, "stopped");
}

static void ends_where_the_flush_does(void **state)
{
    const struct ingest head = { .run = "r1", .batches = 1 };
    const struct device device = { .row = 1, .serial = "FVFGH0000001", .country = "DE" };
    struct batcher batcher;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(batcher_init(&batcher, &head, 1, refuse, NULL, &err), 0);
    assert_int_equal(batcher_device(&batcher, &device, &err), 0);
    assert_int_equal(batcher_device(&batcher, &device, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    batcher_release(&batcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_it_will_make),
        cmocka_unit_test(ends_where_the_flush_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
