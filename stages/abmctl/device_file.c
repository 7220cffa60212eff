#include "device_file.h"

int device_file_open(struct device_file *file, struct ctl *ctl, struct err *err)
{
    file->source.fd = -1;
    if (ctl_open_org(ctl, err) != 0 || rules_file_load(&file->rules, ctl->org->rules, err) != 0)
        return -1;
    return device_file_open_with(file, ctl, false, err);
}

int device_file_open_with(struct device_file *file, struct ctl *ctl, bool is_quiet, struct err *err)
{
    file->list = (struct rows_list){ .ctl = ctl };
    file->source.fd = -1;
    if (serial_pattern_new(ctl->org->serial_pattern, &file->pattern, err) != 0 ||
        source_open(&file->source, file->input, file->format, err) != 0)
        return -1;
    return rows_init(&file->rows, file->pattern, file->rules.mapping, is_quiet ? NULL : rows_list_row,
                     &file->list, err);
}

void device_file_release(struct device_file *file)
{
    rows_release(&file->rows);
    if (file->source.fd >= 0)
        source_close(&file->source);
    serial_pattern_free(file->pattern);
    if (file->rules.mapping != NULL)
        rules_file_release(&file->rules);
}

static int pass(void *ctx, struct batcher *batcher, struct err *err)
{
    struct device_file *file = ctx;

    return rows_pass(&file->rows, &file->source, batcher, err);
}

static int check(const void *ctx, struct err *err)
{
    return source_check(&((const struct device_file *)ctx)->source, err);
}

struct feed device_file_feed(struct device_file *file)
{
    static const struct feed_ops ops = { .pass = pass, .check = check };

    return (struct feed){
        .ops = &ops,
        .ctx = file,
        .path = file->source.path,
        .name = file->source.name,
        .sha256 = file->source.sha256,
        .mapping_sha256 = file->rules.sha256,
        .mapping = &file->rules.text,
    };
}

int device_file_judge(struct device_file *file, struct err *err)
{
    int64_t wrong = rows_wrong(&file->rows);

    rows_list_end(&file->list, &file->rows, file->source.name);
    if (!file->is_strict || wrong == 0)
        return 0;
    return err_set(err, ERR_STRICT, 0, "%s: %lld of %lld rows are wrong; nothing is published",
                   file->source.name, (long long)wrong, (long long)file->rows.total);
}
