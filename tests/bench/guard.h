/**
 * guard.h - one part of the bench in a process group of its own, so that a Ctrl-C, a SIGTERM or a fault in it
 * leaves no process and no folder behind.
 */
#ifndef BENCH_GUARD_H
#define BENCH_GUARD_H

/** Makes the folder that all temporary ones lie in, and takes the signals. Ends the program where it cannot.
 */
void guard_begin(void);

/**
 * Runs part(user) in a child, waits for its end, then ends every process that it started. A signal ends the
 * program here with 128 + its number. Returns the child's exit status: of a part that could not go on, 70.
 */
int guard_run(void (*part)(void *user), void *user);

/** Removes the folder; kept, and named, where is_kept says so. */
void guard_end(int is_kept);

#endif
