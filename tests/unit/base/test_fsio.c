#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fsio.h"

static char folder[] = "/tmp/test_fsio.XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static const char *in(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* How many entries the folder has: temporary files that stay behind would show. */
static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static int empty_folder(void **state)
{
    DIR *dir = opendir(folder);

    (void)state;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && unlink(in(entry->d_name)) != 0)
            rmdir(in(entry->d_name));
    closedir(dir);
    return 0;
}

static int drop_folder(void **state)
{
    empty_folder(state);
    return rmdir(folder);
}

static void assert_holds(const char *path, const char *want)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1 << 20);
    if (fsio_read(path, &text, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(text.data, want);
    buf_release(&text);
}

static void replaces_a_file_whole(void **state)
{
    struct err err = ERR_INIT;
    struct stat st;

    (void)state;
    assert_int_equal(fsio_write(in("a"), "first", 5, 0640, &err), 0);
    assert_holds(in("a"), "first");
    assert_int_equal(stat(in("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(fsio_write(in("a"), "second, longer", 14, 0600, &err), 0);
    assert_holds(in("a"), "second, longer");
    assert_int_equal(fsio_write(in("a"), NULL, 0, 0600, &err), 0);
    assert_holds(in("a"), "");
    assert_int_equal(count_entries(folder), 1);
}

static void writes_a_draft_beside_its_place(void **state)
{
    struct fsio_draft draft;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    assert_int_equal(fsio_write(in("a"), "old", 3, 0600, &err), 0);
    assert_int_equal(fsio_draft_begin(&draft, in("a"), 0600, &err), 0);
    assert_int_equal(fsio_draft_put(&draft, "ne", 2, &err), 0);
    fsio_draft_discard(&draft);
    fsio_draft_discard(&draft);
    assert_int_equal(count_entries(folder), 1);
    assert_int_equal(fsio_draft_begin(&draft, in("a"), 0600, &err), 0);
    assert_int_equal(fsio_draft_put(&draft, "ne", 2, &err), 0);
    assert_int_equal(fsio_draft_put(&draft, "w", 1, &err), 0);
    buf_init(&text, 16);
    assert_int_equal(fsio_read(in("a"), &text, &err), 0);
    assert_string_equal(text.data, "old");
    if (fsio_draft_publish(&draft, &err) != 0)
        fail_msg("%s", err.text);
    fsio_draft_discard(&draft);
    buf_reset(&text);
    assert_int_equal(fsio_read(in("a"), &text, &err), 0);
    assert_string_equal(text.data, "new");
    assert_int_equal(count_entries(folder), 1);
    assert_int_equal(fsio_draft_begin(&draft, in("none/a"), 0600, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    fsio_draft_discard(&draft);
    assert_int_equal(fsio_draft_begin(&draft, in("d"), 0600, &err), 0);
    assert_int_equal(mkdir(in("d"), 0700), 0); /* a folder has come to its place */
    assert_int_equal(fsio_draft_publish(&draft, &err), -1);
    assert_int_equal(count_entries(folder), 2);
    buf_release(&text);
}

/* The system's own, and whatever a link leads to, are not to become files. */
static void a_draft_takes_the_place_of_files_alone(void **state)
{
    const struct {
        const char *name, *what;
    } rows[] = { { "folder", "a folder" }, { "link", "a symbolic link" }, { "pipe", "a device or a pipe" } };
    struct fsio_draft draft;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(mkdir(in("folder"), 0700), 0);
    assert_int_equal(symlink("elsewhere", in("link")), 0);
    assert_int_equal(mkfifo(in("pipe"), 0600), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(fsio_draft_begin(&draft, in(rows[i].name), 0600, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        if (strstr(err.text, rows[i].what) == NULL)
            fail_msg("%s", err.text);
        fsio_draft_discard(&draft);
    }
    assert_int_equal(count_entries(folder), 3);
}

static void never_writes_over_what_is_there(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(fsio_write_new(in("n"), "mine", 4, 0400, &err), 0);
    assert_int_equal(fsio_write_new(in("n"), "yours", 5, 0400, &err), 1);
    assert_holds(in("n"), "mine");
    assert_int_equal(symlink("nowhere", in("link")), 0);
    assert_int_equal(fsio_write_new(in("link"), "x", 1, 0400, &err),
                     1); /* not through a dangling link either */
    assert_int_equal(mkdir(in("dir"), 0700), 0);
    assert_int_equal(fsio_write_new(in("dir"), "x", 1, 0400, &err), 1);
    assert_int_equal(count_entries(folder), 3);
    assert_int_equal(err.code, ERR_NONE);
}

static char race_path[512];

static void *write_one(void *arg)
{
    struct err err = ERR_INIT;

    return (void *)(intptr_t)fsio_write_new(race_path, arg, 1, 0600, &err);
}

static void lets_one_of_many_win(void **state)
{
    static char names[8][2] = { "0", "1", "2", "3", "4", "5", "6", "7" };
    pthread_t threads[8];
    int winners = 0, winner = -1;

    (void)state;
    snprintf(race_path, sizeof(race_path), "%s", in("race"));
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_one, names[i]), 0);
    for (int i = 0; i < 8; i++) {
        void *rc;

        pthread_join(threads[i], &rc);
        if ((intptr_t)rc == 0) {
            winners++;
            winner = i;
        } else {
            assert_int_equal((intptr_t)rc, 1);
        }
    }
    assert_int_equal(winners, 1);
    assert_holds(race_path, names[winner]);
    assert_int_equal(count_entries(folder), 1);
}

static void tells_why_it_cannot_read(void **state)
{
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    buf_init(&text, 4);
    assert_int_equal(fsio_read(in("absent"), &text, &err), -1);
    assert_int_equal(err.code, ERR_FILE_MISSING);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(fsio_read(folder, &text, &err), -1);
    assert_int_equal(err.code, ERR_FILE_MISSING);
    assert_int_equal(fsio_read("/nowhere/\x1b[31m", &text, &err), -1);
    assert_non_null(strstr(err.text, "/nowhere/\\x1b[31m"));
    err_reset(&err);
    assert_int_equal(fsio_write(in("five"), "12345", 5, 0600, &err), 0);
    assert_int_equal(fsio_read(in("five"), &text, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "five is larger than 4 bytes"));
    if (geteuid() != 0) { /* root reads everything */
        assert_int_equal(chmod(in("five"), 0), 0);
        assert_int_equal(fsio_read(in("five"), &text, &err), -1);
        assert_int_equal(err.code, ERR_FILE_DENIED);
    }
    buf_release(&text);
}

#define PIPED 1000000 /* far more than a pipe holds: reader and writer wait for each other */

static void *write_to(void *fd)
{
    static const char block[1000];
    int to = (int)(intptr_t)fd;
    size_t left = PIPED;

    while (left > 0 && write(to, block, sizeof(block)) == (ssize_t)sizeof(block))
        left -= sizeof(block);
    close(to);
    return (void *)(intptr_t)left;
}

/* Where a file is wanted somebody may have put a pipe: without a writer it must not hold us up. */
static void reads_pipes(void **state)
{
    struct err err = ERR_INIT;
    struct buf text;
    pthread_t writer;
    int ends[2];
    void *left;

    (void)state;
    buf_init(&text, 2 * PIPED);
    assert_int_equal(mkfifo(in("pipe"), 0600), 0);
    assert_int_equal(fsio_read(in("pipe"), &text, &err), 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_to, (void *)(intptr_t)ends[1]), 0);
    snprintf(race_path, sizeof(race_path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(fsio_read(race_path, &text, &err), 0);
    pthread_join(writer, &left);
    assert_int_equal((intptr_t)left, 0);
    assert_int_equal(text.len, PIPED);
    close(ends[0]);
    buf_release(&text);
}

static void tells_why_it_cannot_write(void **state)
{
    struct rlimit before, small;
    struct err err = ERR_INIT;
    char *text = calloc(1, 100000);

    (void)state;
    assert_int_equal(fsio_write("/nowhere/at/all", "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_int_equal(fsio_write("/proc/version", "x", 1, 0600, &err), -1); /* no file can be made there */
    assert_true(err.code == ERR_IO || err.code == ERR_FILE_DENIED);

    /* a full disk, by a limit on the size of files: the old content stays and nothing is left lying */
    err_reset(&err);
    assert_int_equal(fsio_write(in("full"), "old", 3, 0600, &err), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(fsio_write(in("full"), text, 100000, 0600, &err), -1);
    assert_int_equal(fsio_write_new(in("new"), text, 100000, 0600, &err), -1);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(err.sys, EFBIG);
    assert_holds(in("full"), "old");
    assert_int_equal(count_entries(folder), 1);
    free(text);
}

static void makes_folders(void **state)
{
    struct err err = ERR_INIT;
    struct stat st;

    (void)state;
    assert_int_equal(fsio_mkdirs(in("m"), 0750, &err), 0);
    assert_int_equal(stat(in("m"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    assert_int_equal(fsio_mkdirs(in("m//n/o///"), 0700, &err), 0);
    assert_int_equal(stat(in("m/n/o"), &st), 0);
    assert_int_equal(fsio_mkdirs(in("m/n/o"), 0700, &err), 0);
    assert_int_equal(fsio_mkdirs("/", 0700, &err), 0);
    assert_int_equal(fsio_mkdirs("", 0700, &err), 0);
    assert_int_equal(fsio_write(in("f"), "", 0, 0600, &err), 0);
    assert_int_equal(fsio_mkdirs(in("f/g"), 0700, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "Not a directory"));
    assert_int_equal(symlink(in("m"), in("l")), 0);
    assert_int_equal(fsio_mkdirs(in("l/p"), 0700, &err), 0); /* a link to a folder will do */
    assert_int_equal(stat(in("m/p"), &st), 0);
    rmdir(in("m/p"));
    rmdir(in("m/n/o"));
    rmdir(in("m/n"));
}

static void resolves_paths(void **state)
{
    static const struct {
        const char *anchor, *path, *want;
    } rows[] = {
        { "config/pipeline.yaml", "blueprints.yaml", "config/blueprints.yaml" },
        { "config/pipeline.yaml", "../x", "config/../x" },
        { "config/pipeline.yaml", "/abs", "/abs" },
        { "pipeline.yaml", "blueprints.yaml", "blueprints.yaml" },
        { "/pipeline.yaml", "b", "/b" },
        { "", "b", "b" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *got = fsio_resolve(rows[i].anchor, rows[i].path);

        assert_string_equal(got, rows[i].want);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(replaces_a_file_whole, empty_folder),
        cmocka_unit_test_teardown(writes_a_draft_beside_its_place, empty_folder),
        cmocka_unit_test_teardown(a_draft_takes_the_place_of_files_alone, empty_folder),
        cmocka_unit_test_teardown(never_writes_over_what_is_there, empty_folder),
        cmocka_unit_test_teardown(lets_one_of_many_win, empty_folder),
        cmocka_unit_test_teardown(tells_why_it_cannot_read, empty_folder),
        cmocka_unit_test_teardown(reads_pipes, empty_folder),
        cmocka_unit_test_teardown(tells_why_it_cannot_write, empty_folder),
        cmocka_unit_test_teardown(makes_folders, empty_folder),
        cmocka_unit_test(resolves_paths),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
