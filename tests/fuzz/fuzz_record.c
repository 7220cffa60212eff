/* Any line as a record: the quick look at its head and the whole reading agree, and what is read prints again
 * alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line = (const char *)data;
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;
    struct record_head head, again;
    struct device device;
    const char *run;
    struct buf out;

    if (pool == NULL)
        return 0;
    buf_init(&out, 1 << 20);
    if (record_read_head(line, size, &head) &&
        (head.serial < line || head.serial + head.serial_len > line + size || head.row < 0 || head.seq < 0 ||
         record_compare(&head, &head) != 0))
        abort();
    if (record_parse(line, size, pool, &run, &device, &err) == 0) {
        record_print(&out, run, &device);
        if (out.is_failed || !record_read_head(out.data, out.len, &again) || again.row != device.row ||
            again.outcome != device.outcome)
            abort();
    }
    buf_release(&out);
    pool_free(pool);
    return 0;
}
