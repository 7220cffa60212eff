/* abmctl push and import: a device file goes to ingest; import waits for the run's end. */
#include "commands.h"

#include <string.h>

#include "device_file.h"
#include "pushing.h"
#include "table.h"

#define POOL_BYTES (4u * 1024 * 1024)

struct push {
    struct device_file file;
    struct pushing pushing;
    bool is_dry;
};

/* --- import --dry-run --- */

struct tally {
    const char *blueprint_id;
    int64_t devices;
};

/* The devices of each blueprint, in the order of the rules. Several rules may name one. */
static size_t tally_blueprints(const struct device_file *file, struct tally *tallies)
{
    size_t count = 0;

    for (size_t i = 0; i < mapping_count(file->rules.mapping); i++) {
        const char *id = mapping_at(file->rules.mapping, i)->blueprint_id;
        size_t at = 0;

        if (file->rows.by_rule[i] == 0)
            continue;
        while (at < count && strcmp(tallies[at].blueprint_id, id) != 0)
            at++;
        if (at == count)
            tallies[count++] = (struct tally){ .blueprint_id = id };
        tallies[at].devices += file->rows.by_rule[i];
    }
    return count;
}

static int show_dry_json(const struct rows *rows, const struct tally *tallies, size_t count, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 64u * 1024 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "total", rows->total);
    json_add_int(&json, "would_assign", rows_assignable(rows));
    json_add_int(&json, "rejected", rows->rejected + rows->unruled);
    json_add_int(&json, "duplicate", rows->duplicate);
    json_begin(&json, "blueprints", '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(&json, NULL, '{');
        json_add_string(&json, "blueprint_id", tallies[i].blueprint_id);
        json_add_int(&json, "devices", tallies[i].devices);
        json_end(&json, '}');
    }
    json_end(&json, ']');
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

/* Each of them was named with its reason. */
static void tell_left_out(const struct rows *rows)
{
    int64_t rejected = rows->rejected + rows->unruled;

    if (rejected > 0 || rows->duplicate > 0)
        printf("\n%lld row%s would be rejected, %lld %s\n", (long long)rejected, rejected == 1 ? "" : "s",
               (long long)rows->duplicate, rows->duplicate == 1 ? "is a duplicate" : "are duplicates");
}

static int show_dry(const struct push *push, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct tally *tallies =
        pool != NULL ? pool_array(pool, mapping_count(push->file.rules.mapping) + 1, sizeof(*tallies)) : NULL;
    struct table table;
    size_t count;
    int rc;

    if (tallies == NULL) {
        pool_free(pool);
        return err_set(err, ERR_NOMEM, 0, "no memory");
    }
    count = tally_blueprints(&push->file, tallies);
    if (push->pushing.ctl->is_json) {
        rc = show_dry_json(&push->file.rows, tallies, count, err);
    } else {
        table_init(&table, "blueprint|>devices");
        for (size_t i = 0; i < count; i++) {
            table_add(&table, tallies[i].blueprint_id);
            table_add_int(&table, tallies[i].devices);
        }
        printf("Would assign %lld devices to blueprints. No API calls made.\n\n",
               (long long)rows_assignable(&push->file.rows));
        rc = table_show(&table, err);
        table_release(&table);
        if (rc == 0)
            tell_left_out(&push->file.rows);
    }
    pool_free(pool);
    return rc;
}

/* --- push --- */

static int show_pushed(const struct push *push, struct err *err)
{
    const struct pushing *pushing = &push->pushing;
    const struct rows *rows = &push->file.rows;
    int64_t rejected = rows->rejected + rows->unruled;
    struct json_out json;
    struct buf line;
    int rc;

    if (!pushing->ctl->is_json) {
        char now[64] = "";

        if (pushing->skipped > 0)
            snprintf(now, sizeof(now), " (%lld of them now)", (long long)pushing->published);
        printf("run %s: %lld of %lld batches published%s: %lld rows, %lld rejected, %lld duplicates\n",
               pushing->id, (long long)pushing->published + (long long)pushing->skipped,
               (long long)pushing->batches, now, (long long)rows->total, (long long)rejected,
               (long long)rows->duplicate);
        printf("follow it: abmctl status --run %s\n", pushing->id);
        return 0;
    }
    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", pushing->id);
    json_add_int(&json, "total", rows->total);
    json_add_int(&json, "rejected", rejected);
    json_add_int(&json, "duplicate", rows->duplicate);
    json_add_int(&json, "batches", pushing->batches);
    json_add_int(&json, "published", pushing->published);
    json_add_bool(&json, "resumed", pushing->is_resumed);
    json_add_string(&json, "source_sha256", pushing->feed.sha256);
    json_add_string(&json, "mapping_sha256", pushing->feed.mapping_sha256);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int go(struct push *push, struct ctl *ctl, struct err *err)
{
    struct pushing *pushing = &push->pushing;
    const struct rows *rows = &push->file.rows;
    int rejected_status;

    if (pushing_init(pushing, ctl, err) != 0 || device_file_open(&push->file, ctl, err) != 0)
        return -1;
    pushing->feed = device_file_feed(&push->file);
    if (pushing_count(pushing, err) != 0 || device_file_judge(&push->file, err) != 0 ||
        pushing_check_count(pushing, err) != 0)
        return -1;
    rejected_status = rows->rejected + rows->unruled > 0 ? CTL_NO : CTL_DONE;
    if (push->is_dry)
        return show_dry(push, err) != 0 ? -1 : rejected_status;
    if (ctl_open_redis(ctl, err) != 0 || ctl_catch_signals(ctl, err) != 0 ||
        pushing_begin(pushing, err) != 0 || pushing_publish(pushing, err) != 0)
        return -1;
    if (pushing->is_waiting)
        return pushing_wait(pushing, err);
    return show_pushed(push, err) != 0 ? -1 : rejected_status;
}

static int run(struct push *push, struct ctl *ctl, const char *verb, struct err *err)
{
    int rc;

    if (push->file.input == NULL)
        return err_set(err, ERR_USAGE, 0, "%s: --input is missing", verb);
    push->file.source.fd = -1;
    rc = go(push, ctl, err);
    device_file_release(&push->file);
    return rc;
}

#define PUSH_OPTIONS(push)                                                                                   \
    { .name = "input",                                                                                       \
      .letter = 'i',                                                                                         \
      .kind = CTL_TEXT,                                                                                      \
      .to.text = &(push).file.input,                                                                         \
      .value = "FILE",                                                                                       \
      .help = "CSV, YAML or JSON lines, by its suffix; -: stdin" },                                          \
        { .name = "format",                                                                                  \
          .kind = CTL_TEXT,                                                                                  \
          .to.text = &(push).file.format,                                                                    \
          .value = "FORMAT",                                                                                 \
          .help = "csv, yaml or jsonl, whatever the suffix (stdin: csv)" },                                  \
        { .name = "strict",                                                                                  \
          .kind = CTL_FLAG,                                                                                  \
          .to.flag = &(push).file.is_strict,                                                                 \
          .help = "publish nothing where one row is wrong" },                                                \
        { .name = "only-new",                                                                                \
          .kind = CTL_FLAG,                                                                                  \
          .to.flag = &(push).pushing.is_only_new,                                                            \
          .help = "leave every assignment that is there already as it is" },                                 \
        { .name = "run",                                                                                     \
          .kind = CTL_TEXT,                                                                                  \
          .to.text = &(push).pushing.run,                                                                    \
          .value = "ID",                                                                                     \
          .help = "the run's id (made of date, name and hash)" },                                            \
        { .name = "batch-size",                                                                              \
          .kind = CTL_INT,                                                                                   \
          .to.number = &(push).pushing.size,                                                                 \
          .value = "N",                                                                                      \
          .help = "rows of a batch (1000)",                                                                  \
          .min = 1,                                                                                          \
          .max = INGEST_MAX_DEVICES },                                                                       \
    {                                                                                                        \
        .name = "timeout", .kind = CTL_DURATION, .to.number = &(push).pushing.timeout_ms, .value = "TIME",   \
        .help = "wait for the run's end at most so long"                                                     \
    }

int cmd_push(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct push push = { .pushing.size = INGEST_MAX_DEVICES };
    const struct ctl_option rows[] = {
        PUSH_OPTIONS(push),
        { .name = "wait",
          .kind = CTL_FLAG,
          .to.flag = &push.pushing.is_waiting,
          .help = "until the run has ended, then show how" },
        { .name = "urgent",
          .kind = CTL_FLAG,
          .to.flag = &push.pushing.is_urgent,
          .help = "pass everything else; at most one batch (1000 rows)" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    return run(&push, ctl, "push", err);
}

int cmd_import(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct push push = { .pushing.size = INGEST_MAX_DEVICES, .pushing.is_waiting = true };
    const struct ctl_option rows[] = {
        PUSH_OPTIONS(push),
        { .name = "dry-run",
          .kind = CTL_FLAG,
          .to.flag = &push.is_dry,
          .help = "only tell what the rules make of it" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    return run(&push, ctl, "import", err);
}
