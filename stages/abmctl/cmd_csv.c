/* abmctl csv split: files of a size that a person can upload by hand. Needs neither settings nor Redis. */
#include "commands.h"

#include "csv_split.h"

#define ROWS_DEFAULT  5000
#define BYTES_DEFAULT "10MB"

static int show_json(const struct csv_split *split, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 16u * 1024 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "dir", split->dir);
    json_add_int(&json, "rows", split->rows);
    json_begin(&json, "files", '[');
    for (size_t i = 0; i < split->count; i++) {
        char name[180];

        csv_split_part_name(split, i, name, sizeof(name));
        json_begin(&json, NULL, '{');
        json_add_string(&json, "name", name);
        json_add_int(&json, "rows", split->parts[i].rows);
        json_add_int(&json, "bytes", split->parts[i].bytes);
        json_add_int(&json, "first_row", split->parts[i].first_row);
        json_add_int(&json, "last_row", split->parts[i].last_row);
        json_end(&json, '}');
    }
    json_end(&json, ']');
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int show(const struct csv_split *split, struct err *err)
{
    char first[180], last[180];

    if (split->ctl->is_json)
        return show_json(split, err);
    csv_split_part_name(split, 0, first, sizeof(first));
    csv_split_part_name(split, split->count - 1, last, sizeof(last));
    if (split->count == 1)
        printf("%lld row%s in %s/%s\n", (long long)split->rows, split->rows == 1 ? "" : "s",
               ctl_shown(split->dir), ctl_shown(first));
    else
        printf("%lld rows in %zu files of %s: %s to %s\n", (long long)split->rows, split->count,
               ctl_shown(split->dir), ctl_shown(first), ctl_shown(last));
    return 0;
}

/* A device file of another form has no rows that could be counted so. */
static int check_format(const char *input, struct err *err)
{
    enum input_format format;
    struct err why = ERR_INIT;

    if (input_format_of(input, &format, &why) == 0 && format != INPUT_CSV)
        return err_set(err, ERR_USAGE, 0, "csv split: %s is no CSV file by its name", input);
    return 0;
}

static int run(struct csv_split *split, const char *input, struct err *err)
{
    struct source source;
    int rc;

    if (check_format(input, err) != 0 || source_open(&source, input, "csv", err) != 0)
        return -1;
    rc = ctl_catch_signals(split->ctl, err); /* a pipe has been copied by now, and could be left by ^C */
    if (rc == 0)
        rc = csv_split(split, &source, err);
    if (rc == 0)
        rc = show(split, err);
    csv_split_release(split);
    source_close(&source);
    return rc;
}

int cmd_csv_split(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct csv_split split = { .ctl = ctl, .max_rows = ROWS_DEFAULT };
    const char *input = NULL, *bytes = BYTES_DEFAULT;
    const struct ctl_option rows[] = {
        { .name = "input",
          .letter = 'i',
          .kind = CTL_TEXT,
          .to.text = &input,
          .value = "FILE",
          .help = "a CSV file; -: stdin" },
        { .name = "rows",
          .kind = CTL_INT,
          .to.number = &split.max_rows,
          .value = "N",
          .help = "rows of a file, the header not counted (5000)",
          .min = 1,
          .max = INT64_MAX },
        { .name = "bytes",
          .kind = CTL_TEXT,
          .to.text = &bytes,
          .value = "SIZE",
          .help = "of a file, with its header: B, KB, MB or GB, of 1000 each (10MB)" },
        { .name = "out",
          .letter = 'o',
          .kind = CTL_TEXT,
          .to.text = &split.dir,
          .value = "DIR",
          .help = "where NAME-0001.csv and on are written; made where it is missing" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (input == NULL || split.dir == NULL)
        return err_set(err, ERR_USAGE, 0, "csv split: --%s is missing", input == NULL ? "input" : "out");
    if (!csv_split_bytes(bytes, &split.max_bytes))
        return err_set(err, ERR_USAGE, 0,
                       "--bytes '%.100s': wanted a size such as 900KB or 10MB (1 KB is "
                       "1000 bytes)",
                       bytes);
    return run(&split, input, err) != 0 ? -1 : CTL_DONE;
}
