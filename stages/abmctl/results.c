#include "results.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/outcome.h"
#include "table.h"

bool results_is_over(const struct run_view *view)
{
    return str_eq(view->state, "closed") || str_eq(view->state, "incomplete") ||
           str_eq(view->state, "cancelled");
}

int results_exit(const struct run_view *view)
{
    if (!str_eq(view->state, "closed"))
        return CTL_NO;
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        if (!outcome_is_good((enum outcome)outcome) && view->outcomes[outcome] > 0)
            return CTL_NO;
    return CTL_DONE;
}

void results_print(const struct run_view *view, int64_t elapsed_ms, struct buf *out)
{
    struct json_out json;
    char seconds[32];

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", view->id);
    json_add_int(&json, "total", view->expected);
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        json_add_int(&json, outcome_name((enum outcome)outcome), view->outcomes[outcome]);
    json_add_int(&json, "dead", view->dead);
    json_add_string(&json, "state", view->state);
    json_add_string(&json, "manifest", view->manifest_path);
    snprintf(seconds, sizeof(seconds), "%lld.%03lld", (long long)(elapsed_ms / 1000),
             (long long)(elapsed_ms % 1000));
    json_add_raw(&json, "seconds", seconds, strlen(seconds));
    json_end(&json, '}');
}

static int show_table(const struct run_view *view, int64_t elapsed_ms, struct err *err)
{
    struct table table;
    char took[32];
    int rc;

    table_init(&table, "outcome|>devices");
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++) {
        if (view->outcomes[outcome] == 0)
            continue;
        table_add(&table, outcome_name((enum outcome)outcome));
        table_add_int(&table, view->outcomes[outcome]);
    }
    table_add(&table, "total");
    table_add_int(&table, view->expected);
    rc = table_show(&table, err);
    table_release(&table);
    if (rc != 0)
        return -1;
    printf("\nrun %s is %s after %s\n", ctl_shown(view->id), ctl_shown(view->state),
           clock_duration(elapsed_ms, took));
    if (view->manifest_path != NULL)
        printf("manifest: %s\n", ctl_shown(view->manifest_path));
    if (view->dead > 0)
        printf("%lld dead letter%s: abmctl dead list --run %s\n", (long long)view->dead,
               view->dead == 1 ? "" : "s", ctl_shown(view->id));
    return 0;
}

int results_show(struct ctl *ctl, const struct run_view *view, int64_t elapsed_ms, struct err *err)
{
    struct buf line;
    int rc;

    if (!ctl->is_json)
        return show_table(view, elapsed_ms, err);
    buf_init(&line, 64 * 1024);
    results_print(view, elapsed_ms, &line);
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}
