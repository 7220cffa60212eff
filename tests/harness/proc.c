#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/proc.h"

#define POLL_EVERY_MS 5

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In the child: -1 with errno; only what is safe after fork in a program that may have threads. */
static int redirect(int fd, const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC, 0600);

    if (file < 0)
        return -1;
    return dup2(file, fd) < 0 ? -1 : 0;
}

static int set_up_child(const struct proc_options *options, pid_t parent)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | (options->is_appended ? 0 : O_TRUNC);
    sigset_t none;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -1;
    if (getppid() != parent) {
        errno = ESRCH; /* the test ended before the line above */
        return -1;
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (redirect(STDIN_FILENO, options->stdin_file ? options->stdin_file : "/dev/null", O_RDONLY) != 0)
        return -1;
    if (options->stdout_file && redirect(STDOUT_FILENO, options->stdout_file, flags) != 0)
        return -1;
    if (options->stderr_file && options->stdout_file &&
        strcmp(options->stderr_file, options->stdout_file) == 0) {
        if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            return -1;
    } else if (options->stderr_file && redirect(STDERR_FILENO, options->stderr_file, flags) != 0) {
        return -1;
    }
    return options->dir && chdir(options->dir) != 0 ? -1 : 0;
}

static void set_environment(const char *const *env)
{
    for (; env && *env; env++) {
        if (strchr(*env, '='))
            putenv((char *)(uintptr_t)*env);
        else
            unsetenv(*env);
    }
}

int proc_spawn(struct proc *proc, const struct proc_options *options, struct err *err)
{
    pid_t parent = getpid();
    int pipes[2], child_errno = 0;
    pid_t pid;
    ssize_t got;

    *proc = (struct proc){ 0 };
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return err_set(err, ERR_IO, errno, "pipe for %s", options->argv[0]);
    pid = fork();
    if (pid < 0) {
        int saved = errno;

        close(pipes[0]);
        close(pipes[1]);
        return err_set(err, ERR_IO, saved, "fork for %s", options->argv[0]);
    }
    if (pid == 0) {
        if (set_up_child(options, parent) == 0) {
            set_environment(options->env);
            execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
        }
        child_errno = errno;
        if (write(pipes[1], &child_errno, sizeof(child_errno)) < 0)
            _exit(126);
        _exit(127);
    }
    close(pipes[1]);
    do
        got = read(pipes[0], &child_errno, sizeof(child_errno));
    while (got < 0 && errno == EINTR);
    close(pipes[0]);
    if (got == (ssize_t)sizeof(child_errno)) { /* nothing comes where exec closed the pipe */
        waitpid(pid, NULL, 0);
        return err_set(err, ERR_IO, child_errno, "starting %s", options->argv[0]);
    }
    proc->pid = pid;
    return 0;
}

int proc_wait(struct proc *proc, int64_t timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct pollfd ended = { .events = POLLIN };
    int ready;

    if (proc->pid == 0)
        return 1;
    ended.fd = pidfd_open(proc->pid, 0);
    if (ended.fd < 0)
        return 0;
    do {
        int64_t left = deadline - now_ms();

        ready = poll(&ended, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    close(ended.fd);
    if (ready != 1)
        return 0;
    while (waitpid(proc->pid, &proc->wait_status, 0) < 0 && errno == EINTR)
        ;
    proc->pid = 0;
    return 1;
}

int proc_status(const struct proc *proc)
{
    if (proc->pid != 0)
        return -1;
    return WIFSIGNALED(proc->wait_status) ? 128 + WTERMSIG(proc->wait_status)
                                          : WEXITSTATUS(proc->wait_status);
}

bool proc_signal(const struct proc *proc, int sig)
{
    return proc->pid > 0 && kill(proc->pid, sig) == 0;
}

void proc_kill(struct proc *proc)
{
    if (proc_signal(proc, SIGKILL))
        proc_wait(proc, 60000);
}

int proc_stop(struct proc *proc, int64_t timeout_ms)
{
    if (proc_signal(proc, SIGTERM) && !proc_wait(proc, timeout_ms))
        proc_kill(proc);
    return proc_status(proc);
}

int proc_run(const struct proc_options *options, int64_t timeout_ms, struct err *err)
{
    struct proc proc;

    if (proc_spawn(&proc, options, err) != 0)
        return -1;
    if (!proc_wait(&proc, timeout_ms)) {
        proc_kill(&proc);
        return err_set(err, ERR_STOPPED, 0, "%s did not end within %lld ms", options->argv[0],
                       (long long)timeout_ms);
    }
    return proc_status(&proc);
}

int proc_free_port(struct err *err)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = -1;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
        getsockname(fd, (struct sockaddr *)&addr, &len) == 0)
        port = ntohs(addr.sin_port);
    else
        err_set(err, ERR_IO, errno, "no free port");
    if (fd >= 0)
        close(fd);
    return port;
}

int proc_temp_dir(const char *what, char *path, size_t size, struct err *err)
{
    const char *top = getenv("TMPDIR");

    if (!top || !*top)
        top = "/tmp";
    if ((size_t)snprintf(path, size, "%s/%s-XXXXXX", top, what) >= size)
        return err_set(err, ERR_LIMIT, 0, "the name of a temporary folder under %s", top);
    if (!mkdtemp(path))
        return err_set(err, ERR_IO, errno, "making %s", path);
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)place;
    if (kind == FTW_DNR)
        return 0;
    remove(path); /* what cannot go stays: a test's folder is not worth a failure */
    return 0;
}

void proc_remove_dir(const char *path)
{
    if (*path && !getenv("ABM_TEST_KEEP"))
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

bool proc_until(bool (*is_true)(void *user), void *user, int64_t timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;

    while (!is_true(user)) {
        if (now_ms() >= deadline)
            return false;
        poll(NULL, 0, POLL_EVERY_MS);
    }
    return true;
}

size_t proc_every(size_t every)
{
    const char *text = getenv("ABM_TEST_EVERY");

    return text != NULL && atoi(text) > 0 ? (size_t)atoi(text) : every;
}

/* proc_pid_stat(5): utime and stime are the 14th and 15th fields, in ticks; behind the name's ')' the 12th.
 */
int64_t proc_cpu_ms(pid_t pid)
{
    unsigned long user = 0, system = 0;
    char path[64], line[1024];
    const char *after = NULL;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof(line), file) != NULL)
        after = strrchr(line, ')');
    fclose(file);
    if (after == NULL ||
        sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

int64_t proc_memory_kib(pid_t pid, const char *name)
{
    size_t len = strlen(name);
    char path[64], line[256];
    int64_t kib = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            kib = strtoll(line + len + 1, NULL, 10);
    fclose(file);
    return kib;
}
