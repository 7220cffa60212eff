#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/proc.h"

static volatile sig_atomic_t got_signal;
static volatile pid_t part_group;
static char folder[64];

static void on_signal(int number)
{
    int saved = errno;

    got_signal = number;
    if (part_group > 0)
        kill(-part_group, SIGKILL);
    errno = saved;
}

void guard_begin(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct err err = ERR_INIT;

    /* What a part leaves behind becomes a child of this process, which can then wait for its end. */
    if (proc_temp_dir("abm-bench", folder, sizeof(folder), &err) != 0 || setenv("TMPDIR", folder, 1) != 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        fprintf(stderr, "bench: no folder for temporary files: %s\n", err.text);
        exit(70);
    }
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static void end_group(pid_t group)
{
    kill(-group, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        errno = 0;
    part_group = 0;
}

int guard_run(void (*part)(void *user), void *user)
{
    sigset_t all, before;
    siginfo_t info;
    pid_t child;
    int status;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* no signal between the fork and the group being known */
    fflush(NULL);
    child = fork();
    if (child < 0) {
        fprintf(stderr, "bench: no process\n");
        exit(70);
    }
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        part(user);
        exit(0);
    }
    setpgid(child, child);
    part_group = child;
    sigprocmask(SIG_SETMASK, &before, NULL);
    /* Not collected yet: its number, and so that of the group, cannot be given to others meanwhile. */
    while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    status = info.si_code == CLD_EXITED ? info.si_status : 70;
    end_group(child);
    if (got_signal != 0) {
        guard_end(0);
        exit(128 + got_signal);
    }
    return status;
}

void guard_end(int is_kept)
{
    if (is_kept)
        fprintf(stderr, "bench: logs are in %s\n", folder);
    else
        proc_remove_dir(folder);
}
