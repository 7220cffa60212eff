#include "input_case.h"

#include <string.h>

#include "base/str.h"
#include "domain/check.h"
#include "fuzz.h"

struct bytes {
    const uint8_t *data;
    size_t size, at, step;
};

/* All that a reading gave, in one number. */
struct tally {
    uint64_t hash;
    int64_t last_row;
    const struct serial_pattern *pattern;
};

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct bytes *bytes = ctx;
    size_t len = bytes->size - bytes->at;

    (void)err;
    if (len > bytes->step)
        len = bytes->step;
    if (len > cap)
        len = cap;
    if (len > 0)
        memcpy(data, bytes->data + bytes->at, len);
    bytes->at += len;
    *got_r = len;
    return 0;
}

static void add(struct tally *tally, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        tally->hash = (tally->hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    tally->hash = (tally->hash ^ 0xff) * UINT64_C(1099511628211);
}

static int take_row(void *ctx, const struct input_row *row, struct err *err)
{
    struct tally *tally = ctx;
    const struct device *device = row->device;
    struct err why = ERR_INIT;

    (void)err;
    FUZZ_CHECK(row->row > tally->last_row && row->line > 0);
    tally->last_row = row->row;
    tally->hash ^= (uint64_t)row->row;
    if (device == NULL) {
        FUZZ_CHECK(row->code != ERR_NONE && row->text != NULL && *row->text != '\0' && row->serial != NULL);
        add(tally, row->serial);
        add(tally, row->text);
        return 0;
    }
    FUZZ_CHECK(device->row == row->row && device->serial != NULL && device->country != NULL);
    FUZZ_CHECK(str_is_utf8(device->serial, strlen(device->serial)));
    add(tally, device->serial);
    add(tally, device->country);
    add(tally, device->model);
    add(tally, device->order_number);
    add(tally, device->asset_tag);
    for (size_t i = 0; i < device->extra_count; i++) {
        add(tally, device->extra[i].name);
        add(tally, device->extra[i].value);
    }
    if (device_check(device, tally->pattern, &why) != 0)
        FUZZ_CHECK(err_class_of(why.code) == ERR_CLASS_DEVICE);
    return 0;
}

static enum err_code read_case(enum input_format format, const uint8_t *data, size_t size, size_t step,
                               struct tally *tally)
{
    struct bytes bytes = { data, size, 0, step };
    const struct input_source source = { "devices", read_some, &bytes };
    const struct input_sink sink = { take_row, tally };
    struct err err = ERR_INIT;
    int rc = input_read(format, &source, &sink, &err);

    FUZZ_CHECK(rc == (err.code == ERR_NONE ? 0 : -1));
    FUZZ_CHECK(rc != 0 || tally->last_row > 0);
    return err.code;
}

void input_case(enum input_format format, const uint8_t *data, size_t size)
{
    static struct serial_pattern *pattern; /* compiled once: it takes longer than reading most inputs */
    struct err err = ERR_INIT;
    struct tally whole = { 0 }, parts = { 0 };

    if (pattern == NULL)
        FUZZ_CHECK(serial_pattern_new("^[A-Z0-9]{10,12}$", &pattern, &err) == 0);
    whole.pattern = parts.pattern = pattern;
    FUZZ_CHECK(read_case(format, data, size, size + 1, &whole) == read_case(format, data, size, 3, &parts));
    FUZZ_CHECK(whole.hash == parts.hash && whole.last_row == parts.last_row);
}
