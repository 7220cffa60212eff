#include "rows_list.h"

static int list_json(const struct ingest_rejected *row, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "row", row->row);
    json_add_string(&json, "serial", row->serial);
    json_add_string(&json, "code", row->code);
    json_add_string(&json, "text", row->text);
    json_end(&json, '}');
    rc = buf_check(&line, "the row", err);
    if (rc == 0)
        fprintf(stderr, "%s\n", line.data);
    buf_release(&line);
    return rc;
}

int rows_list_row(void *ctx, const struct ingest_rejected *row, struct err *err)
{
    struct rows_list *list = ctx;

    list->listed++;
    if (list->ctl->is_json)
        return list_json(row, err);
    if (list->ctl->is_err_terminal && list->listed > ROWS_LISTED_MAX)
        return 0;
    ctl_say(list->ctl, "row %lld: %s", (long long)row->row, ctl_shown(row->text));
    return 0;
}

void rows_list_end(struct rows_list *list, const struct rows *rows, const char *name)
{
    if (list->listed == 0 || list->ctl->is_json)
        return;
    if (list->ctl->is_err_terminal && list->listed > ROWS_LISTED_MAX)
        ctl_say(list->ctl, "... and more: %d of %lld rows are named; --json names all", ROWS_LISTED_MAX,
                (long long)list->listed);
    ctl_say(list->ctl, "%s: of %lld rows %lld are wrong, %lld without a rule, %lld duplicates", name,
            (long long)rows->total, (long long)rows->rejected, (long long)rows->unruled,
            (long long)rows->duplicate);
}
