/**
 * deaths.h - SIGKILL of a worker at a named point of a message's life, at each stage, and what it cost; also
 * of one that lives, but loses its connection there. The point is found on the worker's lines (wires.h):
 * production code has no hook for it.
 */
#ifndef HARNESS_DEATHS_H
#define HARNESS_DEATHS_H

struct deaths {
    const char *bin;
    int rounds;  /* runs for each point */
    int devices; /* a run */
};

/** Kills, prints the table (point, stage, runs, devices, lost, doubled), and fails unless nothing was lost or
 * doubled. */
void deaths_run(const struct deaths *deaths);

#endif
