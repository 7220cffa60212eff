/* A CSV file in parts: nothing lost, no row cut, within the limits, and nothing left where it fails. */
#include "harness/check.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "csv_split.h"
#include "harness/proc.h"

struct bench {
    char dir[64], input[96], out[96];
    struct ctl ctl;
    struct csv_split split;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct err err = ERR_INIT;

    assert_non_null(bench);
    assert_int_equal(proc_temp_dir("split", bench->dir, sizeof(bench->dir), &err), 0);
    snprintf(bench->input, sizeof(bench->input), "%s/devices.csv", bench->dir);
    snprintf(bench->out, sizeof(bench->out), "%s/out", bench->dir);
    bench->ctl.signal_fd = -1;
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    proc_remove_dir(bench->dir);
    free(bench);
    return 0;
}

/* Splits text into bench->out; the caller releases bench->split. */
static int split(struct bench *bench, const char *text, size_t len, int64_t rows, int64_t bytes,
                 struct err *err)
{
    struct source source;
    int rc;

    assert_int_equal(fsio_write(bench->input, text, len, 0600, err), 0);
    assert_int_equal(source_open(&source, bench->input, "csv", err), 0);
    bench->split =
        (struct csv_split){ .ctl = &bench->ctl, .dir = bench->out, .max_rows = rows, .max_bytes = bytes };
    rc = csv_split(&bench->split, &source, err);
    source_close(&source);
    return rc;
}

/* Entries of the folder, hidden ones too; -1: there is none. */
static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = -2;

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void read_part(const struct bench *bench, size_t i, struct buf *text)
{
    struct err err = ERR_INIT;
    char name[180], path[300];

    buf_reset(text);
    csv_split_part_name(&bench->split, i, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s", bench->out, name);
    if (fsio_read(path, text, &err) != 0)
        fail_msg("%s", err.text);
}

/* The parts without their headers are the input without its own. */
static void check_parts(const struct bench *bench, const char *text, size_t len, size_t header_len)
{
    struct buf all, part;

    buf_init(&all, 1024 * 1024);
    buf_init(&part, 1024 * 1024);
    buf_add(&all, text, header_len);
    for (size_t i = 0; i < bench->split.count; i++) {
        read_part(bench, i, &part);
        assert_int_equal(part.len, bench->split.parts[i].bytes);
        assert_true(part.len > header_len && memcmp(part.data, text, header_len) == 0);
        assert_true((int64_t)part.len <= bench->split.max_bytes);
        assert_in_range(bench->split.parts[i].rows, 1, bench->split.max_rows);
        buf_add(&all, part.data + header_len, part.len - header_len);
    }
    if (all.len != len || memcmp(all.data, text, len) != 0)
        fail_msg("%s\nbecame\n%s", text, all.data);
    assert_int_equal(entries(bench->out), bench->split.count);
    buf_release(&all);
    buf_release(&part);
}

static void divides_by_rows_and_bytes(void **state)
{
    static const char text[] =
        "\xef\xbb\xbfserial,country\r\nA1,DE\r\n\"A\n2\",DE\r\nA3,DE\r\nA4,DE\r\nA5,DE";
    static const struct {
        const char *what;
        int64_t rows, bytes;
        size_t parts;
    } rows[] = {
        { "one", 5000, 10000000, 1 },      { "two rows each", 2, 10000000, 3 },
        { "one row each", 1, 1000, 5 },    { "as many bytes as two rows", 10, 19 + 7 + 10, 3 },
        { "a byte less", 10, 19 + 16, 4 },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;

        if (split(bench, text, sizeof(text) - 1, rows[i].rows, rows[i].bytes, &err) != 0)
            fail_msg("%s: %s", rows[i].what, err.text);
        if (bench->split.count != rows[i].parts)
            fail_msg("%s: %zu parts", rows[i].what, bench->split.count);
        assert_int_equal(bench->split.rows, 5);
        check_parts(bench, text, sizeof(text) - 1, 19);
        csv_split_release(&bench->split);
        proc_remove_dir(bench->out);
    }
}

static void names_the_rows(void **state)
{
    static const char text[] = "a\n1\n\n\"2\n2\"\n3\n";
    struct bench *bench = *state;
    struct err err = ERR_INIT;
    char name[180];

    assert_int_equal(split(bench, text, sizeof(text) - 1, 2, 1000, &err), 0);
    assert_int_equal(bench->split.count, 2);
    csv_split_part_name(&bench->split, 1, name, sizeof(name));
    assert_string_equal(name, "devices-0002.csv");
    assert_int_equal(bench->split.parts[0].first_row, 2);
    assert_int_equal(bench->split.parts[0].last_row, 4);
    assert_int_equal(bench->split.parts[1].first_row, 5);
    csv_split_release(&bench->split);
}

static uint32_t chance(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void any_file_is_its_parts(void **state)
{
    static const char *const words[] = { "\n", "\r\n", "\r", "\"\"", ",", " ", "x", "F1,DE", "\"a\r\nb\"\n" };
    static const char *const ends[] = { "\n", "\r\n", "\r" };
    struct bench *bench = *state;
    uint32_t seed = 521288629u;
    unsigned whole = 0, parts = 0;

    for (int i = 0; i < 300; i++) {
        struct err err = ERR_INIT;
        struct buf text;
        size_t header_len;
        int rc;

        buf_init(&text, 65536);
        buf_addf(&text, "%sa,b%s", chance(&seed) % 2 == 0 ? "\xef\xbb\xbf" : "", ends[chance(&seed) % 3]);
        header_len = text.len;
        buf_add_char(&text, 'y'); /* no LF that would belong to the header's CR */
        for (uint32_t count = chance(&seed) % 40; count > 0; count--)
            buf_add_str(&text, words[chance(&seed) % (sizeof(words) / sizeof(words[0]))]);
        rc = split(bench, text.data, text.len, 1 + chance(&seed) % 5, 20 + chance(&seed) % 60, &err);
        if (rc == 0) {
            check_parts(bench, text.data, text.len, header_len);
            whole++;
            parts += (unsigned)bench->split.count;
        } else if ((err.code != ERR_LIMIT && err.code != ERR_CSV_QUOTE) || entries(bench->out) != -1) {
            fail_msg("%s\n%s", text.data, err.text);
        }
        csv_split_release(&bench->split);
        proc_remove_dir(bench->out);
        buf_release(&text);
    }
    assert_in_range(whole, 100, 299); /* some have a row that is too long, or an open quote */
    assert_true(parts > 2 * whole);
}

static void refuses_and_leaves_nothing(void **state)
{
    static const struct {
        const char *what, *text;
        int64_t bytes;
        enum err_code code;
        const char *says;
    } rows[] = {
        { "a row too large", "a\n1\n\n123456789\n2\n", 10, ERR_LIMIT, "row 4 (line 4) has 10 bytes" },
        { "an open quote", "a\n1\n2\n\"3\n", 100, ERR_CSV_QUOTE, "row 4" },
        { "no rows", "a\n", 100, ERR_INPUT_EMPTY, "empty" },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        bool is_there = i % 2 == 1; /* a folder that was there before stays */

        if (is_there)
            assert_int_equal(mkdir(bench->out, 0700), 0);
        split(bench, rows[i / 2].text, strlen(rows[i / 2].text), 1, rows[i / 2].bytes, &err);
        if (err.code != rows[i / 2].code || strstr(err.text, rows[i / 2].says) == NULL)
            fail_msg("%s: %s: %s", rows[i / 2].what, err_wire(err.code), err.text);
        assert_int_equal(entries(bench->out), is_there ? 0 : -1);
        csv_split_release(&bench->split);
        proc_remove_dir(bench->out);
    }
}

static void a_full_disk_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    struct rlimit old, small;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1024 * 1024);
    buf_add_str(&text, "serial,country\n");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "FVFGH%07d,%s\n", i, i == 900 ? "a row that is too much" : "DE");
    assert_int_equal(fsio_write(bench->input, text.data, text.len, 0600, &err), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ .rlim_cur = 15 + 100 * 16, .rlim_max = old.rlim_max };
    {
        struct source source;

        assert_int_equal(source_open(&source, bench->input, "csv", &err), 0);
        bench->split = (struct csv_split){
            .ctl = &bench->ctl, .dir = bench->out, .max_rows = 100, .max_bytes = 1000000
        };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        csv_split(&bench->split, &source, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        source_close(&source);
    }
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "devices-0010.csv")); /* nine were whole by then */
    assert_int_equal(bench->split.count, 10);
    assert_int_equal(entries(bench->out), -1);
    csv_split_release(&bench->split);
    buf_release(&text);
}

static void stops_and_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    struct err err = ERR_INIT;

    bench->ctl.is_stopped = true;
    assert_int_equal(split(bench, "a\n1\n", 4, 1, 100, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_int_equal(entries(bench->out), -1);
    csv_split_release(&bench->split);
}

/* ^C while it works: here the first read of the file is what makes the descriptor of signals readable. */
static void stops_midway_and_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    struct source source;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1024 * 1024);
    buf_add_str(&text, "serial,country\n");
    for (int i = 0; i < 20000; i++)
        buf_addf(&text, "FVFGH%07d,DE\n", i);
    assert_int_equal(fsio_write(bench->input, text.data, text.len, 0600, &err), 0);
    assert_int_equal(source_open(&source, bench->input, "csv", &err), 0);
    bench->ctl.signal_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(bench->ctl.signal_fd >= 0 &&
                inotify_add_watch(bench->ctl.signal_fd, bench->input, IN_ACCESS) >= 0);
    bench->split =
        (struct csv_split){ .ctl = &bench->ctl, .dir = bench->out, .max_rows = 100, .max_bytes = 1000000 };
    assert_int_equal(csv_split(&bench->split, &source, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_in_range(bench->split.count, 2, 199); /* some were written by then, and not all */
    assert_int_equal(entries(bench->out), -1);
    csv_split_release(&bench->split);
    source_close(&source);
    close(bench->ctl.signal_fd);
    buf_release(&text);
}

static void overwrites_nothing(void **state)
{
    struct bench *bench = *state;
    struct err err = ERR_INIT;
    char path[128];

    assert_int_equal(mkdir(bench->out, 0700), 0);
    snprintf(path, sizeof(path), "%s/devices-17.csv.old", bench->out); /* no part's name */
    assert_int_equal(fsio_write(path, "x", 1, 0600, &err), 0);
    assert_int_equal(split(bench, "a\n1\n2\n", 6, 1, 100, &err), 0);
    assert_int_equal(entries(bench->out), 3);
    csv_split_release(&bench->split);
    assert_int_equal(split(bench, "a\n3\n", 4, 1, 100, &err), -1);
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_non_null(strstr(err.text, "devices-000"));
    assert_int_equal(entries(bench->out), 3);
    csv_split_release(&bench->split);
}

static void has_a_limit_of_parts(void **state)
{
    struct bench *bench = *state;
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, 1024 * 1024);
    buf_add_str(&text, "a\n");
    for (int i = 0; i <= CSV_SPLIT_PARTS_MAX; i++)
        buf_add_str(&text, "1\n");
    split(bench, text.data, text.len, 1, 100, &err);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "more than 9999 files"));
    assert_int_equal(entries(bench->out), -1);
    csv_split_release(&bench->split);
    buf_release(&text);
}

static void reads_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: none */
    } rows[] = {
        { "1", 1 },
        { "5000B", 5000 },
        { "512KB", 512000 },
        { "10MB", 10000000 },
        { "10mb", 10000000 },
        { "2GB", 2000000000 },
        { "9223372036854775807", INT64_MAX },
        { "0", -1 },
        { "", -1 },
        { "MB", -1 },
        { "-1MB", -1 },
        { "1.5MB", -1 },
        { "10 MB", -1 },
        { "10MiB", -1 },
        { "9223372036854775807KB", -1 },
        { "99999999999999999999999999", -1 },
        { "10M", -1 },
        { "10MBx", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = -1;

        if (csv_split_bytes(rows[i].text, &got) != (rows[i].want >= 0) || got != rows[i].want)
            fail_msg("%s: %lld", rows[i].text, (long long)got);
    }
}

int main(void)
{
#define SPLIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SPLIT_TEST(divides_by_rows_and_bytes),
        SPLIT_TEST(names_the_rows),
        SPLIT_TEST(any_file_is_its_parts),
        SPLIT_TEST(refuses_and_leaves_nothing),
        SPLIT_TEST(a_full_disk_leaves_nothing),
        SPLIT_TEST(stops_and_leaves_nothing),
        SPLIT_TEST(stops_midway_and_leaves_nothing),
        SPLIT_TEST(overwrites_nothing),
        SPLIT_TEST(has_a_limit_of_parts),
        cmocka_unit_test(reads_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
