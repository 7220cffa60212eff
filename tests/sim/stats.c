#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stats.h"

#define SECOND_US    INT64_C(1000000)
#define FIRST_WINDOW 1024
/* What was on its way when a 429 went out is nobody's fault. */
#define ON_ITS_WAY_US INT64_C(100000)

void stats_release(struct stats *stats)
{
    free(stats->window);
    free(stats->violations);
    *stats = (struct stats){ 0 };
}

void stats_forget_violations(struct stats *stats)
{
    stats->violation_count = 0;
}

void stats_reset(struct stats *stats)
{
    struct stats fresh = {
        .window = stats->window,
        .window_cap = stats->window_cap,
        .violations = stats->violations,
        .violation_count = stats->violation_count,
    };

    *stats = fresh;
}

static int grow_window(struct stats *stats)
{
    size_t cap = stats->window_cap ? stats->window_cap * 2 : FIRST_WINDOW;
    int64_t *window = malloc(cap * sizeof(*window));

    if (!window)
        return -1;
    for (size_t i = 0; i < stats->window_len; i++)
        window[i] = stats->window[(stats->window_start + i) % stats->window_cap];
    free(stats->window);
    stats->window = window;
    stats->window_cap = cap;
    stats->window_start = 0;
    return 0;
}

static void slide_window(struct stats *stats, int64_t now_us)
{
    while (stats->window_len > 0 && stats->window[stats->window_start] <= now_us - SECOND_US) {
        stats->window_start = (stats->window_start + 1) % stats->window_cap;
        stats->window_len--;
    }
    if (stats->window_len == stats->window_cap && grow_window(stats) != 0)
        return;
    stats->window[(stats->window_start + stats->window_len++) % stats->window_cap] = now_us;
    if (stats->window_len > stats->max_in_second)
        stats->max_in_second = stats->window_len;
}

void stats_request(struct stats *stats, enum operation operation, int64_t now_us)
{
    stats->requests++;
    stats->by_operation[operation]++;
    stats->last_ms = clock_real_ms();
    if (stats->first_ms == 0)
        stats->first_ms = stats->last_ms;
    if (operation == OP_ISSUE_TOKEN)
        return;
    if (now_us > stats->paused_from_us && now_us < stats->paused_until_us)
        stats->early++;
    slide_window(stats, now_us);
}

void stats_limited(struct stats *stats, int64_t now_us, int64_t wait_us)
{
    stats->limited++;
    if (now_us >= stats->paused_until_us)
        stats->paused_from_us = now_us + ON_ITS_WAY_US;
    if (now_us + wait_us > stats->paused_until_us)
        stats->paused_until_us = now_us + wait_us;
}

void stats_answer(struct stats *stats, int status)
{
    if (status > 0 && status < STATUS_COUNT)
        stats->by_status[status]++;
    else
        stats->closed++;
}

void stats_violation(struct stats *stats, enum operation operation, const char *fmt, ...)
{
    struct violation *violation;
    va_list args;

    if (stats->violation_count++ >= VIOLATIONS_KEPT)
        return;
    if (!stats->violations)
        stats->violations = calloc(VIOLATIONS_KEPT, sizeof(*stats->violations));
    if (!stats->violations)
        return;
    violation = &stats->violations[stats->violation_count - 1];
    violation->at_ms = clock_real_ms();
    violation->operation = operation;
    va_start(args, fmt);
    vsnprintf(violation->text, sizeof(violation->text), fmt, args);
    va_end(args);
}

static void print_counts(const struct stats *stats, struct json_out *out)
{
    char name[8];

    json_begin(out, "by_operation", '{');
    for (int i = 0; i < OP_COUNT; i++)
        json_add_int(out, operation_name((enum operation)i), (int64_t)stats->by_operation[i]);
    json_end(out, '}');
    json_begin(out, "by_status", '{');
    for (int i = 0; i < STATUS_COUNT; i++) {
        if (stats->by_status[i] == 0)
            continue;
        snprintf(name, sizeof(name), "%d", i);
        json_add_int(out, name, (int64_t)stats->by_status[i]);
    }
    json_end(out, '}');
}

void stats_print(const struct stats *stats, struct buf *body)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        { "requests", stats->requests },
        { "limited", stats->limited },
        { "early_after_429", stats->early },
        { "closed_without_answer", stats->closed },
        { "faults", stats->faults },
        { "max_in_second", stats->max_in_second },
        { "violations", stats->violation_count },
        { "puts_received", stats->puts_received },
        { "puts_changed", stats->puts_changed },
        { "tokens_issued", stats->tokens_issued },
        { "tokens_refused", stats->tokens_refused },
    };
    struct json_out out;
    char time[CLOCK_ISO_BYTES];

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        json_add_int(&out, rows[i].name, (int64_t)rows[i].count);
    json_add_int(&out, "span_ms", stats->last_ms - stats->first_ms);
    json_add_string(&out, "first", stats->first_ms ? clock_iso(stats->first_ms, time) : NULL);
    json_add_string(&out, "last", stats->last_ms ? clock_iso(stats->last_ms, time) : NULL);
    print_counts(stats, &out);
    json_end(&out, '}');
}

void stats_print_violations(const struct stats *stats, struct buf *body)
{
    struct json_out out;
    char time[CLOCK_ISO_BYTES];

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_int(&out, "count", (int64_t)stats->violation_count);
    json_begin(&out, "violations", '[');
    for (size_t i = 0; stats->violations && i < stats->violation_count && i < VIOLATIONS_KEPT; i++) {
        json_begin(&out, NULL, '{');
        json_add_string(&out, "at", clock_iso(stats->violations[i].at_ms, time));
        json_add_string(&out, "operation", operation_name(stats->violations[i].operation));
        json_add_string(&out, "text", stats->violations[i].text);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}
