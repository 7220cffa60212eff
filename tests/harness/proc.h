/**
 * proc.h - child processes for tests: started with their output in files, waited for with a deadline, and
 * gone when the test is. Also a folder that goes away and a port that is free.
 *
 * Linux: pidfd_open(2), prctl(PR_SET_PDEATHSIG). The child is killed when the thread that spawned it ends.
 */
#ifndef HARNESS_PROC_H
#define HARNESS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct proc {
    pid_t pid;       /* 0: none was started, or its end was collected */
    int wait_status; /* as of waitpid(2), once its end was collected */
};

struct proc_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH where it has no slash */
    const char *const
        *env; /* "NAME=VALUE" set over the test's own, "NAME" removed; NULL-terminated, or NULL */
    const char *stdin_file;  /* NULL: /dev/null */
    const char *stdout_file; /* truncated; NULL: the test's own */
    const char *stderr_file; /* the same; may be the same path as stdout_file */
    const char *dir;         /* working folder; NULL: the test's own */
    bool is_appended;        /* the output files keep what an earlier process wrote */
};

/** Starts a child. A program that cannot be executed is an error here (ERR_IO), not an exit status later. */
int proc_spawn(struct proc *proc, const struct proc_options *options, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/** 1 where it has ended (proc->wait_status is set; also when called again), 0 where timeout_ms went by
 * before. */
int proc_wait(struct proc *proc, int64_t timeout_ms) __attribute__((nonnull(1)));

/** The exit status, or 128 + the signal that ended it; -1 while it has not been seen to end. */
int proc_status(const struct proc *proc) __attribute__((nonnull(1)));

/** Sends a signal by pid. False where the process has ended. */
bool proc_signal(const struct proc *proc, int sig) __attribute__((nonnull(1)));

/** SIGKILL, and waits for the end. Nothing where none runs. */
void proc_kill(struct proc *proc) __attribute__((nonnull(1)));

/** SIGTERM; SIGKILL where timeout_ms does not suffice. Returns proc_status. */
int proc_stop(struct proc *proc, int64_t timeout_ms) __attribute__((nonnull(1)));

/** Spawns and waits. The exit status as of proc_status; -1 with err: not started, or killed at the deadline.
 */
int proc_run(const struct proc_options *options, int64_t timeout_ms, struct err *err)
    __attribute__((nonnull(1, 3)));

/** A port of 127.0.0.1 where nobody listens at this moment; -1 with err. */
int proc_free_port(struct err *err) __attribute__((nonnull(1)));

/** A new folder, mode 0700, under $TMPDIR or /tmp, into path[size]. what: a short word in its name. */
int proc_temp_dir(const char *what, char *path, size_t size, struct err *err)
    __attribute__((nonnull(1, 2, 4)));
/** Removes the folder and all in it, symbolic links not followed. Kept where ABM_TEST_KEEP is set. */
void proc_remove_dir(const char *path) __attribute__((nonnull(1)));

/** Asks is_true every 5 ms until it says so. False: timeout_ms went by. For conditions that nobody announces.
 */
bool proc_until(bool (*is_true)(void *user), void *user, int64_t timeout_ms) __attribute__((nonnull(1)));

/** Of many cases a short test takes each N-th: N, which is $ABM_TEST_EVERY where that is set (1: all). */
size_t proc_every(size_t every);

/** Processor time that a process has used so far, user and system, ms; 0 where it has gone. */
int64_t proc_cpu_ms(pid_t pid);

/**
 * A line of proc_pid_status(5), as "RssAnon" (anonymous memory) or "VmHWM" (the most that was ever resident),
 * KiB; 0 where the process has gone. Unlike smaps it may be read of a process that writes no core dump, also
 * by a root that lacks CAP_SYS_PTRACE, as in a container.
 */
int64_t proc_memory_kib(pid_t pid, const char *line);

#endif
