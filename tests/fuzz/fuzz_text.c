/*
 * Small things made of any text: numbers, durations, times, run ids, what is shown on a terminal, tables,
 * near misses. Lines are looked at one by one, and all together as a table's cells.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/base64.h"
#include "domain/check.h"
#include "domain/message.h"
#include "fuzz.h"
#include "runid.h"
#include "table.h"

static void numbers(const char *text)
{
    char shown[CLOCK_ISO_BYTES], took[32];
    enum log_level level;
    int64_t number, again;

    if (str_to_int(text, -1000, 1000, &number))
        FUZZ_CHECK(number >= -1000 && number <= 1000);
    if (str_to_int(text, INT64_MIN, INT64_MAX, &number))
        clock_duration(number, took);
    if (str_to_duration_ms(text, &number)) {
        FUZZ_CHECK(number >= 0);
        FUZZ_CHECK(strlen(clock_duration(number, took)) < sizeof(took));
    }
    if (clock_parse_iso(text, &number) == 0) {
        clock_iso(number, shown);
        FUZZ_CHECK(strlen(shown) < sizeof(shown));
        FUZZ_CHECK(clock_parse_iso(shown, &again) == 0 && again == number);
    }
    (void)!log_level_parse(text, &level);
}

static void names(const char *text)
{
    static const char *const known[] = { "serial", "country", "model", "order_number", "asset_tag" };
    static const char sha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char id[RUNID_BYTES];

    runid_make(INT64_C(1764000000000), text, sha256, (int)(strlen(text) % 30), id);
    FUZZ_CHECK(run_id_is_valid(id));
    if (run_id_is_valid(text))
        FUZZ_CHECK(strlen(text) <= 64 && strpbrk(text, "/\\ \"'\n\x7f") == NULL && text[0] != '.');
    if (id_problem(text) == NULL)
        FUZZ_CHECK(str_is_utf8(text, strlen(text)) && strchr(text, '/') == NULL && !str_has_control(text));
    (void)str_nearest(text, known, sizeof(known) / sizeof(known[0]));
    FUZZ_CHECK(strlen(text) > 64 || str_distance(text, text) == 0);
}

/* No control character of any kind is left, and what is left is UTF-8. */
static void check_shown(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t point;
        size_t n = str_utf8_next(text + at, len - at, &point);

        FUZZ_CHECK(n > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f));
        FUZZ_CHECK(point != 0x202e && point != 0x2066 && point != 0x200f);
        at += n;
    }
}

static void show(const char *text, size_t len)
{
    struct buf out, back;
    struct err err = ERR_INIT;

    buf_init(&out, 4u << 20);
    buf_init(&back, 4u << 20);
    str_escape(&out, text, len, 4096);
    if (out.len > 0)
        check_shown(out.data, out.len);
    buf_reset(&out);
    base64_encode(&out, text, len);
    FUZZ_CHECK(base64_decode(&back, out.data, out.len, &err) == 0 && back.len == len);
    buf_reset(&back);
    if (base64_decode(&back, text, len, &err) == 0) { /* one value has one text */
        buf_reset(&out);
        base64_encode(&out, back.data, back.len);
        FUZZ_CHECK(out.len == len && memcmp(out.data, text, len) == 0);
    } else {
        FUZZ_CHECK(back.len == 0);
    }
    buf_release(&out);
    buf_release(&back);
}

static void line(const char *text, struct table *table)
{
    numbers(text);
    names(text);
    table_add(table, text);
}

static void print(const struct table *table)
{
    struct buf out;

    buf_init(&out, 16u << 20);
    table_print(table, false, &out);
    for (const char *at = out.data; !out.is_failed && at != NULL && *at != '\0';) {
        size_t len = strcspn(at, "\n");

        check_shown(at, len);
        at += len + (at[len] == '\n');
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), *rest = text, *part;
    struct table table;

    FUZZ_CHECK(text != NULL);
    table_init(&table, "one|>two|three");
    while ((part = strsep(&rest, "\n")) != NULL)
        line(part, &table);
    print(&table);
    table_release(&table);
    if (size > 0)
        show((const char *)data, size);
    free(text);
    return 0;
}
