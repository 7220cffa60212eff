/* abmctl apply: what a plan says, and nothing else, goes to ingest. */
#include "commands.h"

#include <string.h>

#include "applying.h"
#include "base/clock.h"
#include "pushing.h"
#include "table.h"

#define ROWS_ON_TERMINAL 20 /* blueprints shown there; elsewhere all are */

struct apply {
    const char *path;
    bool is_confirmed, is_dry;
    struct applying applying;
    struct plan_feed feed;
    struct pushing pushing;
};

/* --- what it would do --- */

static void print_counts(struct json_out *json, const struct plan_head *head)
{
    for (int kind = PLAN_ADD; kind < PLAN_KINDS; kind++)
        json_add_int(json, plan_kind_name((enum plan_kind)kind), head->counts[kind]);
    json_add_int(json, "unchanged", head->unchanged);
    json_add_int(json, "rejected", head->rejected);
    json_add_int(json, "duplicate", head->duplicate);
    if (head->is_only_new)
        json_add_int(json, "kept", head->kept);
}

static void print_blueprints(struct json_out *json, const struct plan_names *names)
{
    json_begin(json, "blueprints", '[');
    for (size_t i = 0; i < names->count; i++) {
        json_begin(json, NULL, '{');
        json_add_string(json, "blueprint_id", names->at[i].id);
        json_add_int(json, "devices", plan_name_wanted(&names->at[i]));
        json_add_int(json, "removed", names->at[i].counts[PLAN_REMOVE]);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static int show_dry_json(const struct apply *apply, struct err *err)
{
    const struct plan_head *head = &apply->applying.file.head;
    const struct plan_uses *uses = &apply->applying.uses;
    char time[CLOCK_ISO_BYTES];
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 16u * 1024 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "plan_sha256", head->plan_sha256);
    json_add_string(&json, "created_at", clock_iso(head->created_at_ms, time));
    json_add_int(&json, "would_assign", uses->assign);
    json_add_int(&json, "would_remove", uses->remove);
    print_counts(&json, head);
    if (head->brake.max_changes != NULL)
        json_add_bool(&json, "would_pause", head->brake.would_pause);
    approvers_print(&json, "approvers", apply->applying.approvers);
    print_blueprints(&json, &uses->blueprints);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int show_blueprints(const struct plan_names *names, size_t most, struct err *err)
{
    struct table table;
    int rc;

    if (names->count == 0)
        return 0;
    table_init(&table, "blueprint|>devices|>removed");
    for (size_t i = 0; i < names->count && i < most; i++) {
        table_add(&table, names->at[i].id);
        table_add_int(&table, plan_name_wanted(&names->at[i]));
        table_add_int(&table, names->at[i].counts[PLAN_REMOVE]);
    }
    rc = table_show(&table, err);
    if (rc == 0 && names->count > most)
        printf("... and %zu more: --json names all\n", names->count - most);
    if (rc == 0)
        putchar('\n');
    table_release(&table);
    return rc;
}

static void show_plan(const struct apply *apply)
{
    const struct plan_head *head = &apply->applying.file.head;
    const struct approval_list *approvals = &apply->applying.approvals;
    char time[CLOCK_ISO_BYTES];

    printf("plan %.12s of %s, by %s", head->plan_sha256, clock_iso(head->created_at_ms, time),
           ctl_shown(head->operator_));
    if (head->reverts != NULL)
        printf(", takes back run %s", ctl_shown(head->reverts));
    printf(": %lld devices are as wanted", (long long)head->unchanged);
    if (head->is_only_new)
        printf(", %lld keep what they have", (long long)head->kept);
    if (head->rejected > 0 || head->duplicate > 0)
        printf("; of its input %lld rows were rejected, %lld duplicates", (long long)head->rejected,
               (long long)head->duplicate);
    putchar('\n');
    for (size_t i = 0; i < approvals->count; i++)
        if (approvals->at[i].is_trusted)
            printf("approved by %s, key %.12s\n", ctl_shown(approvals->at[i].approver),
                   approvals->at[i].trusted_keyid);
    if (head->brake.max_changes != NULL && head->brake.would_pause)
        printf("its run would pause: %lld of %lld existing assignments would change (max_changes %s)\n",
               (long long)head->brake.changes, (long long)head->brake.existing,
               ctl_shown(head->brake.max_changes));
}

static int show_dry(const struct apply *apply, struct err *err)
{
    const struct plan_uses *uses = &apply->applying.uses;
    bool is_terminal = apply->applying.ctl->is_out_terminal;

    if (apply->applying.ctl->is_json)
        return show_dry_json(apply, err);
    printf("Would assign %lld devices to blueprints. No API calls made.\n", (long long)uses->assign);
    if (uses->remove > 0)
        printf("Would remove the assignments of %lld devices.\n", (long long)uses->remove);
    putchar('\n');
    if (show_blueprints(&uses->blueprints, is_terminal ? ROWS_ON_TERMINAL : PLAN_USES_MAX, err) != 0)
        return -1;
    show_plan(apply);
    return 0;
}

/* --- what it did --- */

static int show_published(const struct apply *apply, struct err *err)
{
    const struct pushing *pushing = &apply->pushing;
    const struct plan_uses *uses = &apply->applying.uses;
    struct json_out json;
    struct buf line;
    int rc;

    if (!pushing->ctl->is_json) {
        printf("run %s: %lld of %lld batches published: %lld devices to be assigned, %lld removed\n",
               pushing->id, (long long)pushing->published + (long long)pushing->skipped,
               (long long)pushing->batches, (long long)uses->assign, (long long)uses->remove);
        printf("follow it: abmctl status --run %s\n", pushing->id);
        return 0;
    }
    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", pushing->id);
    json_add_string(&json, "plan_sha256", pushing->feed.plan_sha256);
    json_add_int(&json, "assign", uses->assign);
    json_add_int(&json, "remove", uses->remove);
    json_add_int(&json, "batches", pushing->batches);
    json_add_int(&json, "published", pushing->published);
    json_add_bool(&json, "resumed", pushing->is_resumed);
    approvers_print(&json, "approvers", pushing->approvers);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int publish(struct apply *apply, struct err *err)
{
    struct pushing *pushing = &apply->pushing;

    if (pushing_count(pushing, err) != 0 || pushing_check_count(pushing, err) != 0 ||
        applying_check_catalog(&apply->applying, err) != 0 || pushing_begin(pushing, err) != 0 ||
        pushing_publish(pushing, err) != 0)
        return -1;
    if (pushing->is_waiting)
        return pushing_wait(pushing, err);
    return show_published(apply, err) != 0 ? -1 : CTL_DONE;
}

static int go(struct apply *apply, struct ctl *ctl, struct err *err)
{
    struct applying *applying = &apply->applying;
    bool is_nothing;

    if (pushing_init(&apply->pushing, ctl, err) != 0 || applying_open(applying, ctl, apply->path, err) != 0)
        return -1;
    is_nothing = applying->uses.assign + applying->uses.remove == 0;
    applying_tell(applying);
    if (is_nothing || apply->is_dry || !apply->is_confirmed) {
        if (show_dry(apply, err) != 0)
            return -1;
        if (is_nothing)
            ctl_say(ctl, "the plan changes nothing: there is nothing to publish");
        if (is_nothing || apply->is_dry)
            return CTL_DONE;
        return err_set(err, ERR_PLAN_UNCONFIRMED, 0, "nothing was published: --confirm is missing");
    }
    apply->pushing.is_only_new = applying->file.head.is_only_new;
    apply->pushing.feed = plan_feed_open(&apply->feed, &applying->file,
                                         applying->approvers[0] != '\0' ? applying->approvers : NULL);
    return publish(apply, err);
}

int cmd_apply(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct apply apply = { .pushing.size = INGEST_MAX_DEVICES, .applying.file.fd = -1 };
    const struct ctl_option rows[] = {
        { .name = "plan",
          .letter = 'p',
          .kind = CTL_TEXT,
          .to.text = &apply.path,
          .value = "FILE",
          .help = "the plan, as abmctl plan -o wrote it" },
        { .name = "confirm",
          .kind = CTL_FLAG,
          .to.flag = &apply.is_confirmed,
          .help = "do it; without, it is only told what would be done" },
        { .name = "dry-run",
          .kind = CTL_FLAG,
          .to.flag = &apply.is_dry,
          .help = "only tell what would be done; needs no server" },
        { .name = "wait",
          .kind = CTL_FLAG,
          .to.flag = &apply.pushing.is_waiting,
          .help = "until the run has ended, then show how" },
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &apply.pushing.run,
          .value = "ID",
          .help = "the run's id (made of date, name and hash)" },
        { .name = "batch-size",
          .kind = CTL_INT,
          .to.number = &apply.pushing.size,
          .value = "N",
          .help = "devices of a batch (1000)",
          .min = 1,
          .max = INGEST_MAX_DEVICES },
        { .name = "timeout",
          .kind = CTL_DURATION,
          .to.number = &apply.pushing.timeout_ms,
          .value = "TIME",
          .help = "wait for the run's end at most so long" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (apply.path == NULL)
        return err_set(err, ERR_USAGE, 0, "apply: --plan is missing");
    rc = go(&apply, ctl, err);
    applying_release(&apply.applying);
    return rc;
}
