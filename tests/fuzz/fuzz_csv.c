/* A CSV file: read as devices, and as the bytes of its rows, which are all of it and the same rows. */
#include <string.h>

#include "domain/csv_rows.h"
#include "fuzz.h"
#include "input_case.h"

struct reading {
    const uint8_t *data;
    size_t size, at, step, seen;
    int64_t last_row;
};

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct reading *reading = ctx;
    size_t len = reading->size - reading->at;

    (void)err;
    len = len > reading->step ? reading->step : len;
    len = len > cap ? cap : len;
    if (len > 0)
        memcpy(data, reading->data + reading->at, len);
    reading->at += len;
    *got_r = len;
    return 0;
}

static int take_bytes(void *ctx, const struct csv_bytes *row, struct err *err)
{
    struct reading *reading = ctx;

    (void)err;
    FUZZ_CHECK(row->row > reading->last_row && row->len > 0 && reading->seen + row->len <= reading->size);
    FUZZ_CHECK(memcmp(row->bytes, reading->data + reading->seen, row->len) == 0);
    reading->seen += row->len;
    reading->last_row = row->row;
    return 0;
}

static enum err_code read_bytes(const uint8_t *data, size_t size, size_t step)
{
    struct reading reading = { data, size, 0, step, 0, 0 };
    const struct input_source source = { "devices", read_some, &reading };
    const struct csv_rows_sink sink = { take_bytes, take_bytes, &reading };
    struct err err = ERR_INIT;
    int rc = csv_rows_read(&source, CSV_ROWS_MAX, &sink, &err);

    FUZZ_CHECK(rc == (err.code == ERR_NONE ? 0 : -1));
    FUZZ_CHECK(rc != 0 || reading.seen == size);
    return err.code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_case(INPUT_CSV, data, size);
    FUZZ_CHECK(read_bytes(data, size, size + 1) == read_bytes(data, size, 3));
    return 0;
}
