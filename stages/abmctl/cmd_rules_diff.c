/* abmctl rules diff: what a change of the mapping would change, without settings, ABM or Redis. */
#include "commands.h"

#include "rules_diff.h"
#include "rules_file.h"

static int run(struct ctl *ctl, const struct rules_file *old, const struct rules_file *new, const char *input,
               const char *format, bool *is_differing_r, struct err *err)
{
    struct rules_diff diff;
    struct source source;
    int rc;

    if (source_open(&source, input, format, err) != 0)
        return -1;
    rc = rules_diff_read(&diff, ctl, old->mapping, new->mapping, &source, err);
    source_close(&source);
    if (rc == 0)
        rc = rules_diff_show(&diff, ctl, err);
    *is_differing_r = diff.serial_count > 0;
    rules_diff_release(&diff);
    return rc;
}

int cmd_rules_diff(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *input = NULL, *format = NULL;
    bool is_answer = false, is_differing = false;
    const struct ctl_option rows[] = {
        { .name = "input",
          .letter = 'i',
          .kind = CTL_TEXT,
          .to.text = &input,
          .value = "FILE",
          .help = "the devices: CSV, YAML or JSON lines, by its suffix; -: stdin" },
        { .name = "format",
          .kind = CTL_TEXT,
          .to.text = &format,
          .value = "FORMAT",
          .help = "csv, yaml or jsonl, whatever the suffix (stdin: csv)" },
        { .name = "exit-code",
          .kind = CTL_FLAG,
          .to.flag = &is_answer,
          .help = "exit 1 where a device would get another one" },
    };
    struct rules_file old, new;
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 2, 2, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (input == NULL)
        return err_set(err, ERR_USAGE, 0, "rules diff: --input is missing");
    if (rules_file_load(&old, argv[first], err) != 0)
        return -1;
    if (rules_file_load(&new, argv[first + 1], err) != 0) {
        rules_file_release(&old);
        return -1;
    }
    rc = run(ctl, &old, &new, input, format, &is_differing, err);
    rules_file_release(&old);
    rules_file_release(&new);
    if (rc != 0)
        return -1;
    return is_answer && is_differing ? CTL_NO : CTL_DONE;
}
