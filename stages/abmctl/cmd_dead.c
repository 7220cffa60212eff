/* abmctl dead list, show and drop. */
#include "commands.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "letters.h"
#include "table.h"

struct listing {
    struct ctl *ctl;
    struct table table;
    struct buf line; /* JSON: one letter */
    int64_t count;
};

/* What the letter is of, as it stood in a stream. */
struct body {
    const char *kind;
    const char *text; /* NULL: there is nothing */
    size_t len;
};

static struct body body_of(const struct dead_letter *letter)
{
    if (letter->device != NULL)
        return (struct body){ "device", letter->device, letter->device_len };
    if (letter->message != NULL)
        return (struct body){ "message", letter->message, letter->message_len };
    return (struct body){ "batch", letter->batch, letter->batch_len };
}

static void print_letter(struct buf *out, const struct dead_letter *letter, bool is_whole)
{
    char id[DEAD_ID_BYTES + 16], time[CLOCK_ISO_BYTES];
    struct body body = body_of(letter);
    struct json_out json;

    snprintf(id, sizeof(id), "%s:%s", letter->stage, letter->id);
    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "id", id);
    json_add_string(&json, "stage", letter->stage);
    json_add_string(&json, "run", letter->run);
    json_add_string(&json, "serial", letter->serial);
    json_add_int(&json, "row", letter->row);
    json_add_int(&json, "seq", letter->seq);
    json_add_string(&json, "code", letter->code);
    json_add_string(&json, "text", letter->text);
    json_add_string(&json, "at", letter->at_ms > 0 ? clock_iso(letter->at_ms, time) : NULL);
    if (is_whole) /* as text: it may be anything that stood in a stream */
        json_add_string(&json, body.kind, body.text);
    json_end(&json, '}');
}

static int list_letter(void *user, const struct dead_letter *letter, struct err *err)
{
    struct listing *listing = user;
    char id[DEAD_ID_BYTES + 16], time[CLOCK_ISO_BYTES];

    listing->count++;
    if (listing->ctl->is_json) {
        buf_reset(&listing->line);
        if (listing->count > 1)
            buf_add_str(&listing->line, ",\n");
        print_letter(&listing->line, letter, false);
        if (buf_check(&listing->line, "the letter", err) != 0)
            return -1;
        return ctl_print(listing->line.data, listing->line.len, err);
    }
    snprintf(id, sizeof(id), "%s:%s", letter->stage, letter->id);
    table_add(&listing->table, id);
    table_add(&listing->table, letter->run);
    table_add_int(&listing->table, letter->row);
    table_add(&listing->table, letter->serial);
    table_add(&listing->table, letter->code);
    table_add(&listing->table, letter->at_ms > 0 ? clock_iso(letter->at_ms, time) : NULL);
    table_add(&listing->table, letter->text);
    return 0;
}

static int list(struct ctl *ctl, const struct letters_choice *choice, struct err *err)
{
    struct listing listing = { .ctl = ctl };
    int rc = 0;

    table_init(&listing.table, "id|run|>row|serial|code|at|text");
    buf_init(&listing.line, 4 * 1024 * 1024);
    if (ctl->is_json)
        rc = ctl_print("[", 1, err);
    if (rc == 0)
        rc = letters_each(ctl, choice, list_letter, &listing, err);
    if (rc == 0 && ctl->is_json)
        rc = ctl_print("]\n", 2, err);
    else if (rc == 0 && listing.count > 0)
        rc = table_show(&listing.table, err);
    else if (rc == 0)
        puts("no dead letter");
    table_release(&listing.table);
    buf_release(&listing.line);
    return rc;
}

int cmd_dead_list(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct letters_choice choice = { 0 };
    const struct ctl_option rows[] = {
        { .name = "stage",
          .kind = CTL_TEXT,
          .to.text = &choice.stage,
          .value = "STAGE",
          .help = "of this stage" },
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &choice.filter.run,
          .value = "ID",
          .help = "of this run" },
        { .name = "code",
          .kind = CTL_TEXT,
          .to.text = &choice.filter.code,
          .value = "CODE",
          .help = "with this error code" },
        { .name = "serial",
          .kind = CTL_TEXT,
          .to.text = &choice.filter.serial,
          .value = "SERIAL",
          .help = "of this device" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (letters_check(&choice, err) != 0 || ctl_open_redis(ctl, err) != 0)
        return -1;
    return list(ctl, &choice, err);
}

static void show_line(const char *name, const char *value)
{
    printf("%-8s %s\n", name, ctl_shown(value));
}

static int show_letter(void *user, const struct dead_letter *letter, struct err *err)
{
    struct listing *listing = user;
    struct body body = body_of(letter);
    char id[DEAD_ID_BYTES + 16], time[CLOCK_ISO_BYTES];
    enum err_code code = letter->code != NULL ? err_from_wire(letter->code) : ERR_CODE_COUNT;

    listing->count++;
    if (listing->ctl->is_json) {
        print_letter(&listing->line, letter, true);
        return ctl_print_line(&listing->line, err) != 0 ? -1 : 1;
    }
    snprintf(id, sizeof(id), "%s:%s", letter->stage, letter->id);
    show_line("id", id);
    show_line("run", letter->run);
    printf("%-8s %lld (replayed %lld times)\n", "row", (long long)letter->row, (long long)letter->seq);
    show_line("serial", letter->serial);
    show_line("code", letter->code);
    show_line("text", letter->text);
    if (code != ERR_CODE_COUNT)
        show_line("advice", err_advice(code));
    show_line("at", letter->at_ms > 0 ? clock_iso(letter->at_ms, time) : NULL);
    str_escape(&listing->line, body.text != NULL ? body.text : "-", body.text != NULL ? body.len : 1,
               16 * 1024);
    printf("%-8s ", body.kind);
    return ctl_print_line(&listing->line, err) != 0 ? -1 : 1;
}

/* The operand of show and drop. */
static int open_with_id(struct ctl *ctl, int argc, char **argv, struct letters_choice *choice,
                        struct err *err)
{
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 1, 1, &first, err);

    if (rc != 0)
        return rc;
    choice->id = argv[first];
    if (letters_check(choice, err) != 0)
        return -1;
    return ctl_open_redis(ctl, err);
}

int cmd_dead_show(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct letters_choice choice = { 0 };
    struct listing listing = { .ctl = ctl };
    int rc = open_with_id(ctl, argc, argv, &choice, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    buf_init(&listing.line, 16 * 1024 * 1024);
    rc = letters_each(ctl, &choice, show_letter, &listing, err);
    if (rc == 0 && listing.count == 0)
        rc = err_set(err, ERR_NOT_FOUND, 0, "there is no dead letter '%s'", choice.id);
    buf_release(&listing.line);
    return rc;
}

int cmd_dead_drop(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct letters_choice choice = { 0 };
    struct json_out json;
    struct buf line;
    int rc = open_with_id(ctl, argc, argv, &choice, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    rc = dead_drop(ctl->redis, &ctl->keys, choice.stage, choice.entry, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return err_set(err, ERR_NOT_FOUND, 0, "there is no dead letter '%s'", choice.id);
    if (!ctl->is_json) {
        printf("%s is dropped: its device keeps its outcome and can not be replayed\n", choice.id);
        return CTL_DONE;
    }
    buf_init(&line, 4096);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "dropped", choice.id);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}
