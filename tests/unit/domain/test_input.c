#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "domain/input.h"

/* --- a source in memory that gives at most `step` bytes at once, and a sink that writes rows down --- */

struct text_source {
    const char *text;
    size_t len, at, step;
    bool is_failing; /* at its end */
};

static int read_text(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct text_source *source = ctx;
    size_t len = source->len - source->at;

    if (len == 0 && source->is_failing)
        return err_set(err, ERR_IO, 0, "the disk is gone");
    if (len > cap)
        len = cap;
    if (len > source->step)
        len = source->step;
    if (len > 0)
        memcpy(data, source->text + source->at, len);
    source->at += len;
    *got_r = len;
    return 0;
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    if (value != NULL)
        buf_addf(out, " %s=%s", name, value);
}

static int write_row(void *ctx, const struct input_row *row, struct err *err)
{
    struct buf *out = ctx;
    const struct device *device = row->device;

    (void)err;
    buf_addf(out, "%lld@%zu", (long long)row->row, row->line);
    if (device == NULL) {
        buf_addf(out, " %s serial=%s: %s\n", err_wire(row->code), row->serial, row->text);
        return 0;
    }
    assert_int_equal(device->row, row->row);
    buf_addf(out, " %s %s", device->serial, device->country);
    add_member(out, "model", device->model);
    add_member(out, "order", device->order_number);
    add_member(out, "tag", device->asset_tag);
    for (size_t i = 0; i < device->extra_count; i++)
        buf_addf(out, " extra.%s=%s", device->extra[i].name, device->extra[i].value);
    buf_add_char(out, '\n');
    return 0;
}

static int read_bytes(enum input_format format, const char *text, size_t len, size_t step, struct buf *out,
                      struct err *err)
{
    struct text_source text_source = { text, len, 0, step, false };
    const struct input_source source = { "devices", read_text, &text_source };
    const struct input_sink sink = { write_row, out };

    return input_read(format, &source, &sink, err);
}

struct row {
    const char *what, *text;
    enum err_code code;
    const char *wanted; /* the rows written down; of an error a part of its text */
};

/* Each file as a whole and byte by byte. */
static void check_rows(enum input_format format, const struct row *rows, size_t count)
{
    static const size_t steps[] = { 1, 7, 100000 };

    for (size_t i = 0; i < count; i++) {
        for (size_t step = 0; step < 3; step++) {
            struct err err = ERR_INIT;
            struct buf out;
            int rc;

            buf_init(&out, 1024 * 1024);
            rc = read_bytes(format, rows[i].text, strlen(rows[i].text), steps[step], &out, &err);
            if (err.code != rows[i].code || rc != (rows[i].code == ERR_NONE ? 0 : -1))
                fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
            if (rc == 0 ? strcmp(out.data, rows[i].wanted) != 0 : strstr(err.text, rows[i].wanted) == NULL)
                fail_msg("%s: %s%s", rows[i].what, out.data, err.text);
            buf_release(&out);
        }
    }
}

#define HEAD "serial,country\n"

static void csv_files(void **state)
{
    static const struct row rows[] = {
        { "the least", HEAD "A,JP\n", ERR_NONE, "2@2 A JP\n" },
        { "no newline at the end", HEAD "A,JP\nB,DE", ERR_NONE, "2@2 A JP\n3@3 B DE\n" },
        { "every column in another order", "asset_tag,order_number,model,country,serial\nT,O,M,JP,A\n",
          ERR_NONE, "2@2 A JP model=M order=O tag=T\n" },
        { "further columns", "serial,site,country,cost centre\nA,Ulm,JP,\"1,5\"\nB,,DE,\n", ERR_NONE,
          "2@2 A JP extra.site=Ulm extra.cost centre=1,5\n3@3 B DE\n" },
        { "a byte order mark", "\xef\xbb\xbf" HEAD "A,JP\n", ERR_NONE, "2@2 A JP\n" },
        { "a mark and a quoted name", "\xef\xbb\xbf\"serial\",\"country\"\n\"A\",\"JP\"\n", ERR_NONE,
          "2@2 A JP\n" },
        { "CRLF", "serial,country\r\nA,JP\r\nB,DE\r\n", ERR_NONE, "2@2 A JP\n3@3 B DE\n" },
        { "CR alone", "serial,country\rA,JP\rB,DE\r", ERR_NONE, "2@2 A JP\n3@2 B DE\n" },
        { "blank lines count", "serial,country\n\nA,JP\n\n\nB,DE\n", ERR_NONE, "3@3 A JP\n6@6 B DE\n" },
        { "blank lines with CRLF", "serial,country\r\n\r\nA,JP\r\n\r\nB,DE\r\n", ERR_NONE,
          "3@3 A JP\n5@5 B DE\n" },
        { "quotes in quotes", "serial,country,model\nA,JP,\"13\"\" Air\"\n", ERR_NONE,
          "2@2 A JP model=13\" Air\n" },
        { "a quote in the open", "serial,country,model\nA,JP,13\" Air\n", ERR_NONE,
          "2@2 A JP model=13\" Air\n" },
        { "newlines in quotes", "serial,country,model\nA,JP,\"a\nb\r\nc\"\nB,DE,x\n", ERR_NONE,
          "2@2 A JP model=a\nb\r\nc\n3@5 B DE model=x\n" },
        { "blanks around", " serial , country \n A ,\tJP\n", ERR_NONE, "2@2 A JP\n" },
        { "empty values", HEAD ",\n", ERR_NONE, "2@2  \n" },
        { "too few fields", "serial,country,model\nA,JP\nB,DE,x\n", ERR_NONE,
          "2@2 row_format serial=A: 2 fields, the header has 3\n3@3 B DE model=x\n" },
        { "too many fields", HEAD "A,JP,x,y\nB,DE\n", ERR_NONE,
          "2@2 row_format serial=A: 4 fields, the header has 2\n3@3 B DE\n" },
        { "one field", HEAD "A\nB,DE\n", ERR_NONE,
          "2@2 row_format serial=A: 1 fields, the header has 2\n3@3 B DE\n" },
        { "no UTF-8", "serial,country,model\nA,JP,M\xfcnchen\nB,DE,M\xc3\xbcnchen\n", ERR_NONE,
          "2@2 encoding serial=A: model is no valid UTF-8\n3@3 B DE model=M\xc3\xbcnchen\n" },
        { "nothing", "", ERR_INPUT_EMPTY, "empty" },
        { "a mark alone", "\xef\xbb\xbf", ERR_INPUT_EMPTY, "empty" },
        { "blank lines alone", "\n\n\n", ERR_INPUT_EMPTY, "empty" },
        { "a header alone", HEAD, ERR_INPUT_EMPTY, "empty" },
        { "a header without newline", "serial,country", ERR_INPUT_EMPTY, "empty" },
        { "a header and blank lines", HEAD "\n\n", ERR_INPUT_EMPTY, "empty" },
        { "no serial", "country,model\nJP,x\n", ERR_CSV_HEADER,
          "devices: line 1: there is no column 'serial'" },
        { "no country", "serial\nA\n", ERR_CSV_HEADER, "there is no column 'country'" },
        { "serialNumber", "serialNumber,country\nA,JP\n", ERR_CSV_HEADER,
          "column 'serialNumber' \xe2\x80\x94 did you mean 'serial'?" },
        { "serial_number", "serial_number,country\n", ERR_CSV_HEADER,
          "column 'serial_number' \xe2\x80\x94 did you mean" },
        { "Serial Number", "Serial Number,country\n", ERR_CSV_HEADER,
          "column 'Serial Number' \xe2\x80\x94 did you mean" },
        { "Serial", "Serial,country\n", ERR_CSV_HEADER,
          "column 'Serial' \xe2\x80\x94 did you mean 'serial'?" },
        { "SERIAL", "SERIAL,country\n", ERR_CSV_HEADER, "did you mean 'serial'?" },
        { "serail", "serail,country\n", ERR_CSV_HEADER, "did you mean 'serial'?" },
        { "country_code", "serial,country_code\n", ERR_CSV_HEADER,
          "column 'country_code' \xe2\x80\x94 did you mean 'country'?" },
        { "Country", "serial,Country\n", ERR_CSV_HEADER,
          "column 'Country' \xe2\x80\x94 did you mean 'country'?" },
        { "orderNumber", HEAD ",", ERR_NONE, "2@2  \n" },
        { "order number in camels", "serial,country,orderNumber\n", ERR_CSV_HEADER,
          "did you mean 'order_number'?" },
        { "asset tag", "serial,country,asset tag\n", ERR_CSV_HEADER,
          "column 'asset tag' \xe2\x80\x94 did you mean 'asset_tag'?" },
        { "Model", "serial,country,Model\n", ERR_CSV_HEADER, "did you mean 'model'?" },
        { "one too many by another name", "serial,serial_number,country\n", ERR_CSV_HEADER,
          "did you mean 'serial'?" },
        { "a near name beside the known one", "serial,country,county\nA,US,Kent\n", ERR_NONE,
          "2@2 A US extra.county=Kent\n" },
        { "a prefix", "serial,country,extra.site\n", ERR_CSV_HEADER,
          "write 'site', rules call it extra.site" },
        { "a column twice", "serial,country,serial\n", ERR_CSV_HEADER, "column 'serial' stands twice" },
        { "a further column twice", "serial,country,a,a\n", ERR_CSV_HEADER, "column 'a' stands twice" },
        { "a column without name", "serial,,country\n", ERR_CSV_HEADER, "column 2 has no name" },
        { "semicolons", "serial;country\nA;JP\n", ERR_CSV_HEADER, "separated by ';', wanted commas" },
        { "tabs", "serial\tcountry\nA\tJP\n", ERR_CSV_HEADER, "separated by tabs" },
        { "a name that is no UTF-8",
          "serial,country,gr\xf6\xdf"
          "e\n",
          ERR_CSV_HEADER, "column 3 is no plain UTF-8" },
        { "an open quote", HEAD "A,JP\nB,\"DE\nC,US\n", ERR_CSV_QUOTE,
          "devices: row 3 (line 3): a quote is opened" },
        { "an open quote in the header", "serial,\"country\nA,JP\n", ERR_CSV_QUOTE, "row 1 (line 1)" },
        { "UTF-16", "\xff\xfes", ERR_ENCODING, "UTF-16" },
    };

    (void)state;
    check_rows(INPUT_CSV, rows, sizeof(rows) / sizeof(rows[0]));
}

static void yaml_files(void **state)
{
    static const struct row rows[] = {
        { "flow", "devices: [ {serial: A, country: JP}, {serial: B, country: NO, model: 5} ]\n", ERR_NONE,
          "1@1 A JP\n2@1 B NO model=5\n" },
        { "block",
          "devices:\n  - serial: A\n    country: JP\n    order_number: W1\n    asset_tag: T\n    site: Ulm\n"
          "  - serial: B\n    country: DE\n",
          ERR_NONE, "1@2 A JP order=W1 tag=T extra.site=Ulm\n2@7 B DE\n" },
        { "null is absent",
          "devices:\n- {serial: A, country: JP, model: null, order_number: ~, asset_tag: , x: 'null'}\n",
          ERR_NONE, "1@2 A JP extra.x=null\n" },
        { "nothing named", "devices: [{}]\n", ERR_NONE, "1@1  \n" },
        { "nested values",
          "devices:\n- {serial: A, country: [JP]}\n- {serial: B, x: {y: {serial: C}}}\n- {serial: D}\n",
          ERR_NONE,
          "1@2 row_format serial=A: 'country' is a list, wanted text\n"
          "2@3 row_format serial=B: 'x' is a map, wanted text\n3@4 D \n" },
        { "items that are no maps", "devices:\n- A\n- [serial, B]\n- {serial: C}\n", ERR_NONE,
          "1@2 row_format serial=: a value, wanted a map with serial and country\n"
          "2@3 row_format serial=: a list, wanted a map with serial and country\n3@4 C \n" },
        { "a near miss", "devices: [{serialNumber: A, country: JP}]\n", ERR_NONE,
          "1@1 row_format serial=: 'serialNumber' \xe2\x80\x94 did you mean 'serial'?\n" },
        { "a name twice", "devices: [{serial: A, serial: B}]\n", ERR_NONE,
          "1@1 row_format serial=B: 'serial' stands twice\n" },
        { "a further name twice", "devices: [{serial: A, x: 1, x: 2}]\n", ERR_NONE,
          "1@1 row_format serial=A: 'x' stands twice\n" },
        { "nothing", "", ERR_INPUT_EMPTY, "empty" },
        { "a comment alone", "# devices\n", ERR_INPUT_EMPTY, "empty" },
        { "an empty list", "devices: []\n", ERR_INPUT_EMPTY, "empty" },
        { "no list at all", "devices:\n", ERR_INPUT_EMPTY, "empty" },
        { "a map", "devices: {serial: A}\n", ERR_INPUT_FORMAT, "devices:1:10: `devices:` is no list" },
        { "a word", "devices: all\n", ERR_INPUT_FORMAT, "`devices:` is no list" },
        { "a list alone", "- {serial: A}\n", ERR_INPUT_FORMAT, "devices:1:1: wanted `devices:`" },
        { "another key", "machines: []\n", ERR_INPUT_FORMAT, "unknown key 'machines'" },
        { "a second key", "devices: [{serial: A}]\nversion: 1\n", ERR_INPUT_FORMAT,
          "devices:2:1: unknown key 'version'" },
        { "an empty map", "{}\n", ERR_INPUT_FORMAT, "there is no `devices:`" },
        { "the list twice", "devices: []\ndevices: []\n", ERR_INPUT_FORMAT, "stands twice" },
        { "no YAML", "devices: [\n", ERR_YAML, "devices:" },
        { "an alias", "devices: [&a {serial: A}, *a]\n", ERR_YAML, "devices:1:" },
    };

    (void)state;
    check_rows(INPUT_YAML, rows, sizeof(rows) / sizeof(rows[0]));
}

static void jsonl_files(void **state)
{
    static const struct row rows[] = {
        { "two lines",
          "{\"serial\":\"A\",\"country\":\"JP\",\"model\":\"M\"}\n{\"serial\":\"B\",\"country\":\"DE\"}",
          ERR_NONE, "1@1 A JP model=M\n2@2 B DE\n" },
        { "CRLF, blank lines and a mark", "\xef\xbb\xbf\r\n{\"serial\":\"A\",\"country\":\"JP\"}\r\n\n {} \n",
          ERR_NONE, "1@2 A JP\n2@4  \n" },
        { "values that are no text",
          "{\"serial\":\"A\",\"country\":\"JP\",\"n\":15,\"b\":true,\"z\":null,\"model\":7}\n", ERR_NONE,
          "1@1 A JP model=7 extra.n=15 extra.b=true\n" },
        { "nested values", "{\"serial\":\"A\",\"extra\":{\"a\":1}}\n{\"serial\":[]}\n", ERR_NONE,
          "1@1 row_format serial=A: 'extra' is an object, wanted text\n"
          "2@2 row_format serial=: 'serial' is an array, wanted text\n" },
        { "no object", "[1]\n\"A\"\n{\"serial\":\"C\"}\n", ERR_NONE,
          "1@1 row_format serial=: an array, wanted an object\n2@2 row_format serial=: a string, wanted an "
          "object\n"
          "3@3 C \n" },
        { "a near miss", "{\"Serial\":\"A\"}\n", ERR_NONE,
          "1@1 row_format serial=: 'Serial' \xe2\x80\x94 did you mean 'serial'?\n" },
        { "a prefix", "{\"serial\":\"A\",\"extra.site\":\"x\"}\n", ERR_NONE,
          "1@1 row_format serial=A: 'extra.site': write 'site', rules call it extra.site\n" },
        { "nothing", "", ERR_INPUT_EMPTY, "empty" },
        { "blank lines", "\n \r\n", ERR_INPUT_EMPTY, "empty" },
    };

    (void)state;
    check_rows(INPUT_JSONL, rows, sizeof(rows) / sizeof(rows[0]));
}

/* The words are the JSON reader's; that the row is told and the others go on is ours. */
static void a_line_that_is_no_json_stops_nobody(void **state)
{
    static const char text[] =
        "{\"serial\":\"A\"}\n{\"serial\":\n{\"serial\":\"B\"} x\n{\"a\":1,\"a\":2}\n{\"serial\":\"C\"}\n";
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(read_bytes(INPUT_JSONL, text, strlen(text), 100, &out, &err), 0);
    assert_non_null(strstr(out.data, "1@1 A \n2@2 row_format serial=: "));
    assert_non_null(strstr(out.data, "\n3@3 row_format serial=: "));
    assert_non_null(strstr(out.data, "\n4@4 row_format serial=: "));
    assert_non_null(strstr(out.data, "\n5@5 C \n"));
    buf_release(&out);
}

static void a_nul_names_its_line(void **state)
{
    static const char csv[] = "serial,country\nA,JP\nB,D\0E\n", json[] = "{}\n{\"serial\":\"\0\"}\n";
    struct err err = ERR_INIT;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t step = 1; step < 40; step++) {
        assert_int_equal(read_bytes(INPUT_CSV, csv, sizeof(csv) - 1, step, &out, &err), -1);
        assert_int_equal(err.code, ERR_ENCODING);
        assert_string_equal(err.text, "devices: line 3: a NUL byte");
        assert_int_equal(read_bytes(INPUT_JSONL, json, sizeof(json) - 1, step, &out, &err), -1);
        assert_string_equal(err.text, "devices: line 2: a NUL byte");
    }
    assert_int_equal(read_bytes(INPUT_YAML, "devices: [\"\0\"]\n", 15, 100, &out, &err), -1);
    assert_int_equal(err.code, ERR_YAML);
    buf_release(&out);
}

static char *with_field(const char *head, size_t len, const char *tail, size_t *len_r)
{
    char *text = malloc(strlen(head) + len + strlen(tail) + 1);

    assert_non_null(text);
    memcpy(text, head, strlen(head));
    memset(text + strlen(head), 'x', len);
    memcpy(text + strlen(head) + len, tail, strlen(tail) + 1);
    *len_r = strlen(head) + len + strlen(tail);
    return text;
}

static void ten_megabytes_in_one_field(void **state)
{
    static const struct {
        const char *what, *head;
        size_t len;
        const char *tail;
        enum input_format format;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "CSV", HEAD "A,JP\nB,", 10000000, "\nC,DE\n", INPUT_CSV, ERR_LIMIT,
          "row 3 (line 3): a field of more than" },
        { "CSV, an open quote", HEAD "A,JP\nB,\"", 10000000, "", INPUT_CSV, ERR_LIMIT,
          "is a quote not closed?" },
        { "CSV, as a name", "serial,", 10000000, "\n", INPUT_CSV, ERR_LIMIT, "row 1" },
        { "CSV, just fits", HEAD "A,", 1000000, "\nC,DE\n", INPUT_CSV, ERR_NONE, "3@3 C DE\n" },
        { "YAML", "devices: [{serial: A, model: ", 10000000, "}]\n", INPUT_YAML, ERR_LIMIT, "devices:1:" },
        { "JSON lines", "{\"serial\":\"A\",\"model\":\"", 10000000, "\"}\n{\"serial\":\"B\"}\n", INPUT_JSONL,
          ERR_NONE, "1@1 field_length serial=: the line has more than 1048576 bytes\n2@2 B \n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf out;
        size_t len;
        char *text = with_field(rows[i].head, rows[i].len, rows[i].tail, &len);

        buf_init(&out, 4 * 1024 * 1024);
        read_bytes(rows[i].format, text, len, 4096, &out, &err);
        if (err.code != rows[i].code ||
            strstr(rows[i].code == ERR_NONE ? out.data : err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        buf_release(&out);
        free(text);
    }
}

static void many_long_fields_are_one_long_row(void **state)
{
    struct err err = ERR_INIT;
    struct buf text, out;

    (void)state;
    buf_init(&text, 4 * 1024 * 1024);
    buf_init(&out, 4 * 1024 * 1024);
    buf_add_str(&text, "serial,country,a,b\nA,JP,");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&text, i == 50000 ? "yyyyy,yyyyyyy" : "xxxxxxxxxxxxx");
    buf_add_str(&text, "\nB,DE,,\n");
    assert_int_equal(read_bytes(INPUT_CSV, text.data, text.len, 4096, &out, &err), 0);
    assert_string_equal(out.data,
                        "2@2 field_length serial=A: the row has more than 1048576 bytes\n3@3 B DE\n");
    buf_release(&text);
    buf_release(&out);
}

static void a_wrong_row_shows_the_beginning_of_its_serial(void **state)
{
    char shown[64 + DEVICE_SHOWN_MAX];
    struct err err = ERR_INIT;
    struct buf out;
    size_t len;
    char *text = with_field("{\"serial\":\"", 5000, "\",\"a\":[]}\n", &len);

    (void)state;
    buf_init(&out, 4096);
    memset(shown, 'x', sizeof(shown));
    memcpy(shown, "1@1 row_format serial=", 22);
    snprintf(shown + 22 + DEVICE_SHOWN_MAX, 64 - 22, ": 'a' is an array, wanted text\n");
    assert_int_equal(read_bytes(INPUT_JSONL, text, len, 4096, &out, &err), 0);
    assert_string_equal(out.data, shown);
    buf_release(&out);
    free(text);
}

static void a_hundred_thousand_members(void **state)
{
    struct err err = ERR_INIT;
    struct buf text, out;

    (void)state;
    buf_init(&text, 4 * 1024 * 1024);
    buf_init(&out, 4096);
    buf_add_str(&text, "devices: [{serial: A");
    for (int i = 0; i < 20000; i++)
        buf_addf(&text, ",k%d: v", i);
    buf_add_str(&text, "}]\n");
    assert_int_equal(read_bytes(INPUT_YAML, text.data, text.len, 4096, &out, &err), 0);
    assert_string_equal(out.data, "1@1 row_format serial=A: more than 256 further members\n");
    buf_reset(&text);
    buf_add_str(&text, "serial,country");
    for (int i = 0; i < 300; i++)
        buf_addf(&text, ",c%d", i);
    assert_int_equal(read_bytes(INPUT_CSV, text.data, text.len, 4096, &out, &err), -1);
    assert_int_equal(err.code, ERR_CSV_HEADER);
    assert_non_null(strstr(err.text, "more than 256 columns"));
    buf_release(&text);
    buf_release(&out);
}

static int refuse_row(void *ctx, const struct input_row *row, struct err *err)
{
    (void)ctx;
    return err_set(err, ERR_STOPPED, 0, "at row %lld", (long long)row->row);
}

static void errors_of_source_and_sink_come_through(void **state)
{
    static const char *const texts[] = { [INPUT_CSV] = HEAD "A,JP\nB,DE\n",
                                         [INPUT_YAML] = "devices: [{serial: A}, {serial: B}]\n",
                                         [INPUT_JSONL] = "{\"serial\":\"A\"}\n{\"serial\":\"B\"}\n" };

    (void)state;
    for (enum input_format format = INPUT_CSV; format <= INPUT_JSONL; format++) {
        struct text_source text = { texts[format], strlen(texts[format]), 0, 100, true };
        const struct input_source source = { "devices", read_text, &text };
        const struct input_sink refusing = { refuse_row, NULL };
        struct input_sink taking = { write_row, NULL };
        struct err err = ERR_INIT;
        struct buf out;

        buf_init(&out, 4096);
        taking.ctx = &out;
        assert_int_equal(input_read(format, &source, &taking, &err), -1);
        assert_int_equal(err.code, ERR_IO);
        assert_string_equal(err.text, "the disk is gone");
        text.at = 0;
        text.is_failing = false;
        assert_int_equal(input_read(format, &source, &refusing, &err), -1);
        assert_int_equal(err.code, ERR_STOPPED);
        buf_release(&out);
    }
}

static void formats_by_suffix(void **state)
{
    static const struct {
        const char *path;
        int format; /* -1: none */
    } rows[] = {
        { "devices.csv", INPUT_CSV },
        { "a/b.c/DEVICES.CSV", INPUT_CSV },
        { "d.yaml", INPUT_YAML },
        { "d.yml", INPUT_YAML },
        { "d.jsonl", INPUT_JSONL },
        { "d.ndjson", INPUT_JSONL },
        { "d.json", -1 },
        { "devices", -1 },
        { ".csv", -1 },
        { "devices.csv.gz", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum input_format format = INPUT_CSV;
        struct err err = ERR_INIT;
        int rc = input_format_of(rows[i].path, &format, &err);

        if (rc != (rows[i].format < 0 ? -1 : 0) || (rc == 0 && (int)format != rows[i].format) ||
            (rc != 0 && err.code != ERR_INPUT_FORMAT))
            fail_msg("%s: %d %s", rows[i].path, rc, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_files),
        cmocka_unit_test(yaml_files),
        cmocka_unit_test(jsonl_files),
        cmocka_unit_test(a_line_that_is_no_json_stops_nobody),
        cmocka_unit_test(a_nul_names_its_line),
        cmocka_unit_test(ten_megabytes_in_one_field),
        cmocka_unit_test(many_long_fields_are_one_long_row),
        cmocka_unit_test(a_wrong_row_shows_the_beginning_of_its_serial),
        cmocka_unit_test(a_hundred_thousand_members),
        cmocka_unit_test(errors_of_source_and_sink_come_through),
        cmocka_unit_test(formats_by_suffix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
