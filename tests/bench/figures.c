#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/json.h"

#define FIGURES_MAX 256

struct figures {
    int count;
    struct figure at[FIGURES_MAX];
};

struct figures *figures_new(void)
{
    void *shared =
        mmap(NULL, sizeof(struct figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) {
        fprintf(stderr, "bench: no memory\n");
        exit(70);
    }
    return shared;
}

struct figure *figures_add(struct figures *figures, const char *part, const char *name, const char *unit,
                           int decimals, double value)
{
    return figures_add_runs(figures, part, name, unit, decimals, &value, 1, BETTER_MORE);
}

struct figure *figures_add_runs(struct figures *figures, const char *part, const char *name, const char *unit,
                                int decimals, double *values, int count, enum better better)
{
    struct figure *figure;

    if (figures->count == FIGURES_MAX) {
        fprintf(stderr, "bench: more than %d figures\n", FIGURES_MAX);
        exit(70);
    }
    figure = &figures->at[figures->count++];
    *figure = (struct figure){ .decimals = decimals, .runs = count };
    snprintf(figure->part, sizeof(figure->part), "%s", part);
    snprintf(figure->name, sizeof(figure->name), "%s", name);
    snprintf(figure->unit, sizeof(figure->unit), "%s", unit);
    figure->p95 = figures_percentile(values, count, 0.95, better);
    figure->median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
    return figure;
}

void figure_want(struct figure *figure, enum wanted wanted, double target)
{
    figure->wanted = wanted;
    figure->target = target;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double figures_percentile(double *values, int count, double share, enum better better)
{
    int rank = (int)ceil(share * count - 1e-9);

    qsort(values, (size_t)count, sizeof(*values), compare);
    rank = rank < 1 ? 1 : rank;
    return better == BETTER_LESS ? values[rank - 1] : values[count - rank];
}

static bool is_met(const struct figure *figure)
{
    switch (figure->wanted) {
    case WANTED_AT_LEAST: return figure->median >= figure->target;
    case WANTED_AT_MOST: return figure->median <= figure->target;
    case WANTED_EXACTLY: return fabs(figure->median - figure->target) < 1e-9;
    case WANTED_NONE: break;
    }
    return true;
}

static void add_number(struct json_out *out, const char *name, double number, int decimals)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*f", decimals, number);

    json_add_raw(out, name, text, (size_t)len);
}

void figures_add_json(const struct figures *figures, struct json_out *out)
{
    for (int i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->at[i];

        if (i == 0 || strcmp(figure->part, figures->at[i - 1].part) != 0)
            json_begin(out, figure->part, '{');
        json_begin(out, figure->name, '{');
        json_add_string(out, "unit", figure->unit);
        add_number(out, "median", figure->median, figure->decimals);
        if (figure->runs > 1) {
            add_number(out, "p95", figure->p95, figure->decimals);
            json_add_int(out, "runs", figure->runs);
        }
        if (figure->wanted != WANTED_NONE) {
            add_number(out, "target", figure->target, figure->decimals);
            json_add_bool(out, "is_met", is_met(figure));
        }
        json_end(out, '}');
        if (i + 1 == figures->count || strcmp(figure->part, figures->at[i + 1].part) != 0)
            json_end(out, '}');
    }
}

static void print_target(const struct figure *figure)
{
    static const char *const words[] = {
        [WANTED_AT_LEAST] = "at least", [WANTED_AT_MOST] = "at most", [WANTED_EXACTLY] = "exactly"
    };

    if (figure->wanted != WANTED_NONE)
        printf("  %s %.*f: %s", words[figure->wanted], figure->decimals, figure->target,
               is_met(figure) ? "yes" : "NO");
}

void figures_print(const struct figures *figures)
{
    printf("%-10s %-30s %12s %12s  %-20s %s\n", "part", "figure", "median", "p95", "unit", " target: met?");
    for (int i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->at[i];
        bool is_first = i == 0 || strcmp(figure->part, figures->at[i - 1].part) != 0;

        printf("%-10s %-30s %12.*f ", is_first ? figure->part : "", figure->name, figure->decimals,
               figure->median);
        if (figure->runs > 1)
            printf("%12.*f", figure->decimals, figure->p95);
        else
            printf("%12s", "");
        printf("  %-20s ", figure->unit);
        print_target(figure);
        putchar('\n');
    }
}
