#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/start.h"

/* Runs in a child, since it changes the process; its exit status is the answer. */
static int in_a_child(int (*run)(void))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int close_all_and_open(void)
{
    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    start_process();
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) != 0) /* open, and kept by programs that we start */
            return 1;
    return open("/dev/null", O_RDONLY | O_CLOEXEC) > 2 ? 0 : 2;
}

static int close_one(void)
{
    int before = dup(1);

    close(2);
    start_process();
    if (fcntl(2, F_GETFD) != 0 || before <= 2)
        return 1;
    return lseek(2, 0, SEEK_CUR) == 0 ? 0 : 2; /* /dev/null */
}

static int write_too_much(void)
{
    const struct rlimit none = { 0, 0 };
    char path[] = "/tmp/abm-start-XXXXXX";
    int fd = mkstemp(path), ends[2];

    unlink(path);
    start_process();
    if (fd < 0 || pipe(ends) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0)
        return 1;
    close(ends[0]);
    if (write(fd, "x", 1) != -1 || errno != EFBIG)
        return 2;
    return write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 3;
}

static void opens_what_was_closed(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(close_all_and_open), 0);
    assert_int_equal(in_a_child(close_one), 0);
}

static void makes_errors_of_signals(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(write_too_much), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_was_closed),
        cmocka_unit_test(makes_errors_of_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
