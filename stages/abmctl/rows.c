#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "domain/dedupe.h"

#define NO_TARGET 0 /* no rule holds: two such rows do not differ */

int rows_init(struct rows *rows, const struct serial_pattern *pattern, const struct mapping *mapping,
              rows_report_fn *report, void *ctx, struct err *err)
{
    memset(rows, 0, sizeof(*rows));
    rows->pattern = pattern;
    rows->mapping = mapping;
    rows->report = report;
    rows->ctx = ctx;
    rows->seen = dedupe_new();
    rows->by_rule = calloc(mapping_count(mapping) + 1, sizeof(*rows->by_rule));
    if (rows->seen != NULL && rows->by_rule != NULL)
        return 0;
    rows_release(rows);
    return err_set(err, ERR_NOMEM, 0, "no memory");
}

void rows_release(struct rows *rows)
{
    dedupe_free(rows->seen);
    free(rows->by_rule);
    rows->seen = NULL;
    rows->by_rule = NULL;
}

static int report(struct rows *rows, const struct ingest_rejected *rejected, struct err *err)
{
    return rows->is_second || rows->report == NULL ? 0 : rows->report(rows->ctx, rejected, err);
}

/* A row that is not used: into the batch with its reason, so that it has an outcome too. */
static int refuse(struct rows *rows, int64_t row, const char *serial, enum err_code code, const char *text,
                  struct err *err)
{
    struct ingest_rejected rejected = { .row = row, .code = err_wire(code), .text = text };
    char shown[DEVICE_SHOWN_MAX + 1] = "", words[ERR_TEXT_MAX];

    if (serial != NULL) {
        size_t len = strnlen(serial, DEVICE_SHOWN_MAX);

        while (len > 0 && !str_is_utf8(serial, len)) /* cut at a character's edge */
            len--;
        memcpy(shown, serial, len);
        rejected.serial = shown;
    }
    snprintf(words, sizeof(words), "%s", text != NULL ? text : err_advice(code));
    for (size_t len = strlen(words); !str_is_utf8(words, len);)
        words[--len] = '\0';
    rejected.text = words;
    if (report(rows, &rejected, err) != 0)
        return -1;
    return rows->batcher != NULL ? batcher_rejected(rows->batcher, &rejected, err) : 0;
}

static int take_duplicate(struct rows *rows, const struct device *device, uint32_t target,
                          const struct dedupe_first *first, struct err *err)
{
    bool is_differing = target != first->target;
    char text[DEVICE_SERIAL_MAX + 128];

    snprintf(text, sizeof(text), "serial '%s' stands in row %lu already%s; that row is used", device->serial,
             (unsigned long)first->row, is_differing ? ", for another blueprint" : "");
    if (!rows->is_second) {
        rows->duplicate++;
        rows->differing += is_differing;
    }
    return refuse(rows, device->row, device->serial, is_differing ? ERR_DUPLICATE_DIFFERS : ERR_DUPLICATE,
                  text, err);
}

/* Validate decides by the rules: here they only tell what is to be expected. */
static int count_good(struct rows *rows, const struct device *device, const struct mapping_rule *rule,
                      struct err *err)
{
    struct ingest_rejected unruled = { .row = device->row,
                                       .serial = device->serial,
                                       .code = err_wire(ERR_NO_RULE),
                                       .text = "no rule holds for it, and there is no default" };

    if (rows->is_second)
        return 0;
    if (rule != NULL) {
        rows->by_rule[rule->number - 1]++;
        return 0;
    }
    rows->unruled++;
    return report(rows, &unruled, err);
}

static int take_device(struct rows *rows, const struct device *device, struct err *err)
{
    const struct mapping_rule *rule = NULL;
    struct err why = ERR_INIT;
    struct dedupe_first first;
    uint32_t target;
    int is_there;

    if (device_check(device, rows->pattern, &why) != 0) {
        rows->rejected += !rows->is_second;
        return refuse(rows, device->row, device->serial, why.code, why.text, err);
    }
    if (mapping_resolve(rows->mapping, device, &rule, &why) != 1)
        rule = NULL;
    target = rule != NULL ? rule->target : NO_TARGET;
    is_there = dedupe_add(rows->seen, device->serial, device->row, target, &first, err);
    if (is_there < 0)
        return -1;
    if (is_there == 1 && !(rows->is_second && first.row == device->row))
        return take_duplicate(rows, device, target, &first, err);
    if (count_good(rows, device, rule, err) != 0)
        return -1;
    if (rows->batcher != NULL)
        return batcher_device(rows->batcher, device, err);
    return rows->visit != NULL ? rows->visit(rows->visit_ctx, device, rule, err) : 0;
}

static int take_row(void *ctx, const struct input_row *row, struct err *err)
{
    struct rows *rows = ctx;

    rows->total += !rows->is_second;
    if (row->device != NULL)
        return take_device(rows, row->device, err);
    rows->rejected += !rows->is_second;
    return refuse(rows, row->row, row->serial, row->code, row->text, err);
}

static int pass(struct rows *rows, struct source *source, struct err *err)
{
    struct input_sink sink = { .row = take_row, .ctx = rows };

    if (source_read_all(source, &sink, err) != 0)
        return -1;
    rows->is_second = true; /* whatever is read again */
    return 0;
}

int rows_pass(struct rows *rows, struct source *source, struct batcher *batcher, struct err *err)
{
    rows->batcher = batcher;
    return pass(rows, source, err) == 0 ? batcher_end(batcher, err) : -1;
}

int rows_visit(struct rows *rows, struct source *source, rows_device_fn *visit, void *ctx, struct err *err)
{
    rows->batcher = NULL;
    rows->visit = visit;
    rows->visit_ctx = ctx;
    return pass(rows, source, err);
}

int64_t rows_wrong(const struct rows *rows)
{
    return rows->rejected + rows->differing + rows->unruled;
}

int64_t rows_assignable(const struct rows *rows)
{
    return rows->total - rows->rejected - rows->duplicate - rows->unruled;
}
