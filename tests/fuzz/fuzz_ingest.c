#include <string.h>

#include "domain/check.h"
#include "domain/ingest.h"
#include "domain/ingest_head.h"
#include "fuzz.h"

static void print(struct buf *out, const struct ingest *ingest, struct pool *pool)
{
    const struct device **list = pool_array(pool, ingest->count, sizeof(*list));

    FUZZ_CHECK(list != NULL);
    for (size_t i = 0; i < ingest->count; i++)
        list[i] = &ingest->devices[i];
    ingest_print(out, ingest, list, ingest->count);
    FUZZ_CHECK(!out->is_failed);
}

static void check_devices(const struct ingest *ingest, struct pool *pool)
{
    static struct serial_pattern *pattern; /* compiled once: it takes longer than reading most inputs */
    struct err err = ERR_INIT;

    if (pattern == NULL)
        FUZZ_CHECK(serial_pattern_new("^[A-Z0-9]{10,12}$", &pattern, &err) == 0);
    for (size_t i = 0; i < ingest->count; i++) {
        struct device copy = ingest->devices[i];

        if (device_check(&copy, pattern, &err) == 0)
            continue;
        FUZZ_CHECK(err_class_of(err.code) == ERR_CLASS_DEVICE);
        FUZZ_CHECK(device_shorten(&copy, pool, &err) == 0);
        FUZZ_CHECK(strlen(copy.serial) <= DEVICE_SHOWN_MAX);
    }
}

/* What a message too large to read says of its run: as the whole reading has it, where that takes it. */
static void check_head(const char *text, size_t len, const struct ingest *whole, struct pool *pool)
{
    struct ingest head;
    struct err err = ERR_INIT;
    struct buf out;

    buf_init(&out, 4096);
    ingest_head_find(text, len, &out);
    FUZZ_CHECK(!out.is_failed);
    (void)!ingest_parse(out.data, out.len, pool, &head, &err); /* it lacks the devices */
    if (whole != NULL && whole->run != NULL) {
        FUZZ_CHECK(head.run != NULL && strcmp(head.run, whole->run) == 0);
        FUZZ_CHECK(head.batch == whole->batch && head.batches == whole->batches);
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(64 * 1024 * 1024);
    struct ingest first, second;
    struct err err = ERR_INIT;
    struct buf once, twice;

    FUZZ_CHECK(pool != NULL);
    buf_init(&once, 16 * 1024 * 1024);
    buf_init(&twice, 16 * 1024 * 1024);
    if (ingest_parse((const char *)data, size, pool, &first, &err) == 0) {
        print(&once, &first, pool);
        if (once.len <= INGEST_MAX_BYTES) {
            FUZZ_CHECK(ingest_parse(once.data, once.len, pool, &second, &err) == 0);
            print(&twice, &second, pool);
            FUZZ_CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
        }
        check_devices(&first, pool);
        check_head((const char *)data, size, &first, pool);
    } else {
        check_head((const char *)data, size, NULL, pool);
        FUZZ_CHECK(err.code != ERR_NONE && err.text[0] != '\0');
    }
    buf_release(&once);
    buf_release(&twice);
    pool_free(pool);
    return 0;
}
