#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "ctl.h"

#define TABLE_MAX_BYTES (256u * 1024 * 1024)
#define CELL_MAX_BYTES  200

/* Ranges of Unicode 15 that matter in practice: combining marks, and characters of two columns. */
static const struct {
    uint32_t first, last;
    unsigned width;
} ranges[] = {
    { 0x0300, 0x036f, 0 },   { 0x200b, 0x200d, 0 },   { 0xfe00, 0xfe0f, 0 }, { 0x1100, 0x115f, 2 },
    { 0x2e80, 0x303e, 2 },   { 0x3041, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 },
    { 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 }, { 0x1f300, 0x1f64f, 2 },
    { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
};

static unsigned point_width(uint32_t point)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return ranges[i].width;
    return 1;
}

size_t table_width(const char *text)
{
    size_t left = strlen(text), width = 0;

    while (left > 0) {
        uint32_t point;
        size_t step = str_utf8_next(text, left, &point);

        width += step > 0 ? point_width(point) : 1;
        step = step > 0 ? step : 1;
        text += step;
        left -= step;
    }
    return width;
}

static void add_cell(struct table *table, const char *text)
{
    size_t column = table->cells % table->columns, width = table_width(text);

    if (width > table->width[column])
        table->width[column] = width;
    buf_add(&table->text, text, strlen(text) + 1);
    table->cells++;
}

void table_init(struct table *table, const char *heads)
{
    const char *at = heads;

    memset(table, 0, sizeof(*table));
    buf_init(&table->text, TABLE_MAX_BYTES);
    table->columns = 1;
    for (const char *c = heads; *c != '\0'; c++)
        table->columns += *c == '|';
    for (size_t i = 0; i < table->columns && i < TABLE_MAX_COLUMNS; i++) {
        char name[64];
        size_t len = strcspn(at, "|");

        table->is_right[i] = *at == '>';
        snprintf(name, sizeof(name), "%.*s", (int)len - table->is_right[i], at + table->is_right[i]);
        add_cell(table, name);
        at += len + (at[len] == '|');
    }
}

void table_release(struct table *table)
{
    buf_release(&table->text);
}

void table_add(struct table *table, const char *text)
{
    struct buf cell;

    if (text == NULL || text[0] == '\0') {
        add_cell(table, "-");
        return;
    }
    buf_init(&cell, 8 * CELL_MAX_BYTES);
    str_escape(&cell, text, strlen(text), CELL_MAX_BYTES);
    add_cell(table, cell.len > 0 ? cell.data : "-");
    if (cell.is_out_of_memory) /* "-" would be a lie */
        table->text.is_failed = table->text.is_out_of_memory = true;
    buf_release(&cell);
}

void table_add_int(struct table *table, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    add_cell(table, text);
}

size_t table_rows(const struct table *table)
{
    return table->cells / table->columns - 1;
}

static void pad(struct buf *out, size_t count)
{
    while (count-- > 0)
        buf_add_char(out, ' ');
}

void table_print(const struct table *table, bool is_coloured, struct buf *out)
{
    const char *cell = table->text.data;

    if (buf_check(&table->text, "the table", &(struct err)ERR_INIT) != 0) {
        out->is_failed = true;
        out->is_out_of_memory = table->text.is_out_of_memory;
        return;
    }
    for (size_t i = 0; i < table->cells; i++) {
        size_t column = i % table->columns, len = strlen(cell);
        size_t gap = table->width[column] - table_width(cell);
        bool is_last = column + 1 == table->columns;

        if (is_coloured && i == 0)
            buf_add_str(out, "\033[1m");
        if (table->is_right[column])
            pad(out, gap);
        buf_add(out, cell, len);
        if (!table->is_right[column] && !is_last)
            pad(out, gap);
        if (is_last && is_coloured && i + 1 == table->columns)
            buf_add_str(out, "\033[0m");
        buf_add_str(out, is_last ? "\n" : "  ");
        cell += len + 1;
    }
}

int table_show(const struct table *table, struct err *err)
{
    const char *no_color = getenv("NO_COLOR");
    bool is_coloured = isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');
    struct buf out;
    int rc = -1;

    buf_init(&out, TABLE_MAX_BYTES);
    table_print(table, is_coloured, &out);
    if (buf_check(&out, "the table", err) == 0)
        rc = ctl_print(out.data, out.len, err);
    buf_release(&out);
    return rc;
}
