/* Any payload as a manifest: one that is taken adds up, prints, and is taken again with the same print. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct manifest *manifest, struct pool *pool)
{
    struct err err = ERR_INIT;
    struct manifest again;
    struct buf first, second;
    int64_t sum = 0;

    for (size_t i = 0; i < manifest->file_count; i++) {
        if (strchr(manifest->files[i].name, '/') != NULL || manifest->files[i].count < 1)
            abort();
        sum += manifest->files[i].count;
    }
    if (sum != manifest->total)
        abort();
    buf_init(&first, 8 << 20);
    buf_init(&second, 8 << 20);
    manifest_print(&first, manifest);
    if (first.is_failed || manifest_parse(first.data, first.len, pool, &again, &err) != 0)
        abort();
    manifest_print(&second, &again);
    if (strcmp(first.data, second.data) != 0)
        abort();
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(16 << 20);
    struct err err = ERR_INIT;
    struct manifest manifest;

    if (pool == NULL)
        return 0;
    if (manifest_parse((const char *)data, size, pool, &manifest, &err) == 0)
        check(&manifest, pool);
    else if (err.code != ERR_EVIDENCE && err.code != ERR_LIMIT)
        abort();
    pool_free(pool);
    return 0;
}
