/* settings_print.c - the settings in force as YAML, and the table of all settings for people. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "domain/settings_table.h"

static void add_duration(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
    size_t i = 0;

    while (ms == 0 ? i < 3 : ms % units[i].ms != 0)
        i++;
    buf_addf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
}

/* YAML reads a JSON string as a quoted scalar. */
static void add_text(struct buf *out, const char *text)
{
    if (text == NULL)
        buf_add_str(out, "null");
    else
        json_quote(out, text, strlen(text));
}

static void add_list(struct buf *out, struct setting_list list)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < *list.count; i++) {
        buf_add_str(out, i > 0 ? ", " : "");
        add_text(out, (*list.at)[i]);
    }
    buf_add_char(out, ']');
}

static void add_value(struct buf *out, const struct loaded *loaded, const struct setting *row,
                      const void *member)
{
    switch (row->type) {
    case SETTING_VERSION:
    case SETTING_INT: buf_add_int(out, *(const int64_t *)member); return;
    case SETTING_DURATION: add_duration(out, *(const int64_t *)member); return;
    case SETTING_PERCENT:
        if (((const struct percent *)member)->is_set)
            buf_addf(out, "%" PRId64 "%%", ((const struct percent *)member)->value);
        else
            buf_add_str(out, "null");
        return;
    case SETTING_BOOL: buf_add_str(out, *(const bool *)member ? "true" : "false"); return;
    case SETTING_SINKS:
    case SETTING_KEYS:
        add_list(out, setting_list_of((struct settings *)(uintptr_t)&loaded->settings, row->type));
        return;
    default: add_text(out, *(const char *const *)member); return;
    }
}

static void add_indent(struct buf *out, size_t steps)
{
    for (size_t i = 0; i < 2 * steps; i++)
        buf_add_char(out, ' ');
}

static void add_row(struct buf *out, const struct loaded *loaded, size_t instance, size_t index,
                    size_t indent, const char *name)
{
    static const char *const origins[] = { "default", "file", "environment" };
    size_t count, first = out->len;
    const struct setting *row = &settings_rows(&count)[index];
    const char *base = setting_base(loaded, row->scope, instance);

    add_indent(out, indent);
    buf_addf(out, "%s: ", name);
    add_value(out, loaded, row, base + row->offset);
    do
        buf_add_char(out, ' ');
    while (!out->is_failed && out->len - first < 50);
    buf_addf(out, "# %s\n", origins[*setting_origin(loaded, row->scope, instance, index)]);
}

/* The maps that path opens and the row before it did not: "redis.tls.ca_file" behind "redis.url" opens tls.
 * Returns the row's own indentation; *name_r its last part. */
static size_t open_maps(struct buf *out, const char *before, const char *path, size_t indent,
                        const char **name_r)
{
    const char *at = path, *dot;

    while ((dot = strchr(at, '.')) != NULL) {
        size_t len = (size_t)(dot - path) + 1;

        if (strncmp(before, path, len) != 0) {
            add_indent(out, indent);
            buf_addf(out, "%.*s:\n", (int)(dot - at), at);
        }
        at = dot + 1;
        indent++;
    }
    *name_r = at;
    return indent;
}

/* The rows of one instance, those that begin with `only` (NULL: all). */
static void add_rows(struct buf *out, const struct loaded *loaded, enum setting_scope scope, size_t instance,
                     size_t indent, const char *only)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);
    const char *before = "";

    for (size_t i = 0; i < count; i++) {
        const char *name;
        size_t own;

        if (rows[i].scope != scope || (only != NULL && strncmp(rows[i].path, only, strlen(only)) != 0))
            continue;
        own = open_maps(out, before, rows[i].path, indent, &name);
        before = rows[i].path;
        add_row(out, loaded, instance, i, own, name);
    }
}

void settings_print(const struct settings *settings, struct buf *out)
{
    const struct loaded *loaded = (const struct loaded *)settings;

    add_rows(out, loaded, SCOPE_TOP, 0, 0, "version");
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "redis");
    buf_add_str(out, "orgs:\n");
    for (size_t i = 0; i < settings->org_count; i++) {
        buf_add_str(out, "  ");
        add_text(out, settings->orgs[i].name); /* quoted: a name such as 007 or null stays text */
        buf_add_str(out, ":\n");
        add_rows(out, loaded, SCOPE_ORG, i, 2, NULL);
    }
    buf_add_str(out, "stages:\n");
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        buf_addf(out, "  %s:\n", stage_index_name((enum stage_index)i));
        add_rows(out, loaded, SCOPE_STAGE, i, 2, NULL);
    }
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "audit");
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "runs");
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "plan");
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "apply");
    add_rows(out, loaded, SCOPE_TOP, 0, 0, "secrets");
}

void settings_print_help(struct buf *out)
{
    static const char *const prefixes[] = { "", "orgs.NAME.", "stages.STAGE." };
    size_t count;
    const struct setting *rows = settings_rows(&count);

    buf_add_str(out, "| setting | type | default | what it does |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct setting *row = &rows[i];
        char type[64];

        buf_addf(out, "| `%s%s` | %s | ", prefixes[row->scope], row->path, setting_type_text(row, type));
        if (row->shown_fallback != NULL)
            buf_add_str(out, row->shown_fallback);
        else if (row->is_required)
            buf_add_str(out, "**required**");
        else if (row->fallback != NULL)
            buf_addf(out, "`%s`", row->fallback);
        else
            buf_add_str(out, "none");
        buf_addf(out, " | %s |\n", row->help);
    }
}
