/**
 * figures.h - what the parts of the bench found, by part and name: kept in memory that a part's process
 * shares with the program that starts it (guard.h), and printed as a table or as JSON.
 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum better { BETTER_MORE, BETTER_LESS };
enum wanted { WANTED_NONE, WANTED_AT_LEAST, WANTED_AT_MOST, WANTED_EXACTLY };

struct figure {
    char part[16], name[48], unit[24];
    int decimals;
    double median;
    double p95; /* 95 % of the runs are at least as good */
    int runs;   /* 1: median and p95 are that one */
    enum wanted wanted;
    double target;
};

struct figures;

/** Room for all of them, shared with children that are forked later. Ends the program where there is none. */
struct figures *figures_new(void);

/** Adds one figure. Names are those of the JSON: words with '_'. */
struct figure *figures_add(struct figures *figures, const char *part, const char *name, const char *unit,
                           int decimals, double value);
/** The same of several runs; sorts the values. count is at least 1. */
struct figure *figures_add_runs(struct figures *figures, const char *part, const char *name, const char *unit,
                                int decimals, double *values, int count, enum better better);
void figure_want(struct figure *figure, enum wanted wanted, double target);

/** The value of which count * share are at least as good, and of those the worst (nearest rank). Sorts. */
double figures_percentile(double *values, int count, double share, enum better better);

/** {"part": {"name": {"unit","median","p95","runs","target","is_met"}}}: members of an object begun by the
 * caller. */
struct json_out;
void figures_add_json(const struct figures *figures, struct json_out *out);
void figures_print(const struct figures *figures);

#endif
