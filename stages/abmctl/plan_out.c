#include "plan_out.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abm/dialect.h"
#include "base/clock.h"
#include "base/fsio.h"

#define TEXT_BYTES (256u * 1024 * 1024)

/* Known before ABM is read, which may take minutes. */
static int check_path(const char *path, struct err *err)
{
    struct fsio_draft draft;

    if (strcmp(path, "-") == 0)
        return err_set(err, ERR_USAGE, 0, "-o -: --json writes the plan to stdout");
    if (fsio_draft_begin(&draft, path, 0600, err) != 0)
        return err_prefix(err, "-o");
    fsio_draft_discard(&draft);
    return 0;
}

int plan_out_open(struct plan_out *out, struct ctl *ctl, struct err *err)
{
    const struct abm_dialect *dialect;
    const char *served;
    size_t most = out->is_verbose || !ctl->is_out_terminal ? 0 : PLAN_SHOWN_MAX;

    out->ctl = ctl;
    if (out->path != NULL && check_path(out->path, err) != 0)
        return -1;
    dialect = abm_dialect_find(ctl->org->api_dialect, &served);
    if (dialect == NULL)
        return err_set(err, ERR_SETTINGS, 0, "orgs.%s.api.dialect: '%s' is none of: %s", ctl->org->name,
                       ctl->org->api_dialect, served);
    out->head = (struct plan_head){
        .org = ctl->org->name,
        .dialect = dialect->name,
        .api_version = dialect->version,
        .created_at_ms = clock_real_ms(),
        .operator_ = who_operator(out->operator_),
        .git_commit = who_commit(),
    };
    out->show = ctl->is_json ? NULL : plan_show_new(most);
    return ctl->is_json || out->show != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory");
}

void plan_out_release(struct plan_out *out)
{
    plan_show_free(out->show);
    out->show = NULL;
}

int plan_out_add(struct plan_out *out, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    if (kind < PLAN_KINDS)
        out->counts[kind]++;
    return out->show != NULL ? plan_show_add(out->show, kind, entry, err) : 0;
}

void plan_out_brake(struct plan_out *out, int64_t changed, int64_t existing)
{
    const struct percent *limit = &out->ctl->org->max_changes;

    if (!limit->is_set)
        return;
    snprintf(out->max_changes, sizeof(out->max_changes), "%d%%", (int)limit->value);
    out->head.brake = (struct plan_brake){
        .max_changes = out->max_changes,
        .changes = changed,
        .existing = existing,
        .would_pause = plan_would_pause(changed, existing, (int)limit->value),
    };
}

const char *plan_out_share(int64_t part, int64_t whole, char text[24])
{
    int64_t tenths = whole > 0 ? (part * 1000 + whole - 1) / whole : 0;

    if (tenths % 10 == 0)
        snprintf(text, 24, "%lld", (long long)(tenths / 10));
    else
        snprintf(text, 24, "%lld.%d", (long long)(tenths / 10), (int)(tenths % 10));
    return text;
}

static void add_counts(const struct plan_out *out, struct buf *text)
{
    const struct plan_head *head = &out->head;
    int64_t all = out->counts[PLAN_ADD] + out->counts[PLAN_CHANGE] + out->counts[PLAN_REMOVE];

    if (text->len > 0)
        buf_add_char(text, '\n');
    if (all == 0)
        buf_addf(text, "Nothing to change: %lld unchanged", (long long)head->unchanged);
    else
        buf_addf(text, "%lld to add, %lld to change, %lld to remove, %lld unchanged",
                 (long long)out->counts[PLAN_ADD], (long long)out->counts[PLAN_CHANGE],
                 (long long)out->counts[PLAN_REMOVE], (long long)head->unchanged);
    if (head->is_only_new)
        buf_addf(text, ", %lld left as they are (--only-new)", (long long)head->kept);
    if (head->rejected > 0 || head->duplicate > 0)
        buf_addf(text, "; %lld rejected, %lld duplicates", (long long)head->rejected,
                 (long long)head->duplicate);
    buf_add_char(text, '\n');
}

static void add_brake(const struct plan_brake *brake, struct buf *text)
{
    char share[24];

    if (brake->max_changes != NULL && brake->would_pause)
        buf_addf(text, "apply would pause: %s %% of the existing assignments would change (max_changes %s)\n",
                 plan_out_share(brake->changes, brake->existing, share), brake->max_changes);
}

static bool is_coloured(const struct ctl *ctl)
{
    const char *no_color = getenv("NO_COLOR");

    return ctl->is_out_terminal && (no_color == NULL || no_color[0] == '\0');
}

static int show(struct plan_out *out, const char *sha256, struct err *err)
{
    struct buf text;
    int rc;

    buf_init(&text, TEXT_BYTES);
    plan_show_print(out->show, is_coloured(out->ctl), &text);
    add_counts(out, &text);
    add_brake(&out->head.brake, &text);
    if (out->path != NULL)
        buf_addf(&text, "%s: plan_sha256 %s\n", ctl_shown(out->path), sha256);
    rc = buf_check(&text, "the plan's text", err);
    if (rc == 0)
        rc = ctl_print(text.data, text.len, err);
    buf_release(&text);
    return rc;
}

int plan_out_finish(struct plan_out *out, const struct plan_entries *entries, struct err *err)
{
    char sha256[SHA256_HEX] = "";

    if (out->path != NULL && plan_file_write(out->path, &out->head, entries, sha256, err) != 0)
        return -1;
    ctl_progress_end(out->ctl);
    if (out->ctl->is_json)
        return plan_file_print(STDOUT_FILENO, &out->head, entries, sha256, err);
    return show(out, sha256, err);
}
