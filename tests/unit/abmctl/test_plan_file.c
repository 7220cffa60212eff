/* Plans as files: whole or not at all, refused by a look at them where that is enough, the same at each
 * reading. */
#include "harness/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/plan_doc.h"
#include "harness/proc.h"
#include "plan_file.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#ifndef WITH_SANITIZER
#define WITH_SANITIZER 0
#endif

#define MANY     100000
#define MANY_KIB (8 * 1024) /* what reading so many may take, above reading six */

struct fixture {
    char dir[256], path[300];
    struct plan_head head;
    const struct plan_doc_entry *sample;
    size_t count;
    int64_t rounds; /* how often the first kind was asked for */
    bool is_fickle; /* the second time a device is missing */
    int64_t many;   /* not 0: so many devices to add, in place of the sample */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err = ERR_INIT;

    assert_int_equal(proc_temp_dir("plan", fixture->dir, sizeof(fixture->dir), &err), 0);
    snprintf(fixture->path, sizeof(fixture->path), "%s/plan.json", fixture->dir);
    fixture->sample = plan_doc_sample(&fixture->head, &fixture->count);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    proc_remove_dir(fixture->dir);
    free(fixture);
    return 0;
}

static int add_many(struct fixture *fixture, struct plan_writer *writer, struct err *err)
{
    char serial[24];
    const struct plan_entry entry = { .serial = serial, .country = "DE", .to_blueprint_id = "bp-de" };

    for (int64_t i = 0; i < fixture->many; i++) {
        snprintf(serial, sizeof(serial), "C%011lld", (long long)i);
        if (plan_writer_add(writer, PLAN_ADD, &entry, err) != 0)
            return -1;
    }
    return 0;
}

static int each(void *ctx, enum plan_kind kind, struct plan_writer *writer, struct err *err)
{
    struct fixture *fixture = ctx;

    fixture->rounds += kind == PLAN_ADD;
    if (fixture->many > 0)
        return kind == PLAN_ADD ? add_many(fixture, writer, err) : 0;
    for (size_t i = 0; i < fixture->count; i++) {
        if (fixture->sample[i].kind != kind || (fixture->is_fickle && i == 1 && fixture->rounds == 2))
            continue;
        if (plan_writer_add(writer, kind, &fixture->sample[i].entry, err) != 0)
            return -1;
    }
    return 0;
}

static void must_write(struct fixture *fixture, char sha256[SHA256_HEX])
{
    const struct plan_entries entries = { each, fixture };
    struct err err = ERR_INIT;

    fixture->rounds = 0;
    if (plan_file_write(fixture->path, &fixture->head, &entries, sha256, &err) != 0)
        fail_msg("%s", err.text);
}

static void replace(const char *path, const char *text)
{
    struct err err = ERR_INIT;

    if (fsio_write(path, text, strlen(text), 0600, &err) != 0)
        fail_msg("%s", err.text);
}

static int count_entry(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    (void)kind, (void)entry, (void)err;
    ++*(int *)ctx;
    return 0;
}

/* Names in the folder, without those that begin with a point. */
static int count_files(const char *dir)
{
    char command[300];
    FILE *pipe;
    int count = 0;

    snprintf(command, sizeof(command), "ls '%s'", dir);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    for (int c = getc(pipe); c != EOF; c = getc(pipe))
        count += c == '\n';
    pclose(pipe);
    return count;
}

static void writes_and_reads_the_same(void **state)
{
    struct fixture *fixture = *state;
    int seen = 0;
    const struct plan_entry_sink sink = { count_entry, &seen };
    char sha256[SHA256_HEX];
    struct plan_file file;
    struct err err = ERR_INIT;

    must_write(fixture, sha256);
    assert_int_equal(fixture->rounds, 2);
    assert_int_equal(count_files(fixture->dir), 1);
    if (plan_file_open(&file, fixture->path, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(file.head.plan_sha256, sha256);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(plan_file_each(&file, &sink, &err), 0);
        assert_int_equal(seen, i * (int)fixture->count);
    }
    assert_int_equal(plan_file_check(&file, &err), 0);
    plan_file_close(&file);
    plan_file_close(&file);
}

static void prints_what_it_writes(void **state)
{
    struct fixture *fixture = *state;
    const struct plan_entries entries = { each, fixture };
    char sha256[SHA256_HEX], again[SHA256_HEX], path[320];
    struct buf written, printed;
    struct err err = ERR_INIT;
    int fd;

    fixture->many = 1000; /* more than one buffer */
    fixture->head.brake.max_changes = NULL;
    must_write(fixture, sha256);
    snprintf(path, sizeof(path), "%s/printed", fixture->dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    fixture->rounds = 0;
    if (plan_file_print(fd, &fixture->head, &entries, again, &err) != 0)
        fail_msg("%s", err.text);
    close(fd);
    assert_string_equal(again, sha256);
    buf_init(&written, 1 << 20);
    buf_init(&printed, 1 << 20);
    assert_int_equal(fsio_read(fixture->path, &written, &err), 0);
    assert_int_equal(fsio_read(path, &printed, &err), 0);
    assert_string_equal(printed.data, written.data);
    buf_release(&written);
    buf_release(&printed);
    fd = open("/dev/full", O_WRONLY);
    fixture->rounds = 0;
    assert_int_equal(plan_file_print(fd, &fixture->head, &entries, again, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    close(fd);
}

/* What stood there stays, and nothing is left beside it. */
static void writes_whole_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    const struct plan_entries entries = { each, fixture };
    char sha256[SHA256_HEX];
    struct err err = ERR_INIT;
    struct buf text;

    replace(fixture->path, "what stood there\n");
    fixture->is_fickle = true;
    assert_int_equal(plan_file_write(fixture->path, &fixture->head, &entries, sha256, &err), -1);
    assert_int_equal(err.code, ERR_BUG);
    fixture->is_fickle = false;
    fixture->head.brake.changes = 4;
    assert_int_equal(plan_file_write(fixture->path, &fixture->head, &entries, sha256, &err), -1);
    assert_int_equal(err.code, ERR_PLAN_FORMAT);
    buf_init(&text, 1024);
    assert_int_equal(fsio_read(fixture->path, &text, &err), 0);
    assert_string_equal(text.data, "what stood there\n");
    buf_release(&text);
    assert_int_equal(count_files(fixture->dir), 1);
    fixture->head.brake.changes = 3;
    snprintf(fixture->path, sizeof(fixture->path), "%s/none/plan.json", fixture->dir);
    assert_int_equal(plan_file_write(fixture->path, &fixture->head, &entries, sha256, &err), -1);
    assert_int_equal(err.code, ERR_IO);
}

static void refuses_what_is_no_plan(void **state)
{
    static const struct {
        const char *what, *text; /* NULL: made below */
        enum err_code code;
        const char *want;
    } rows[] = {
        { "empty", "", ERR_PLAN_FORMAT, "it is empty" },
        { "a device file", "serial,country\nA,DE\n", ERR_PLAN_FORMAT, "it is no plan" },
        { "other JSON", "{\"a\":1}\n", ERR_PLAN_FORMAT, "it is no plan" },
        { "a list", "[]\n", ERR_PLAN_FORMAT, "it is no plan" },
        { "cut off", "{\"add\":[{\"country\":", ERR_PLAN_ALTERED, "the file ends here: it was cut off" },
        { "of a newer version", "{\"add\":[],\"new\":{},\"plan_sha256\":\"x\",\"version\":2}\n",
          ERR_PLAN_VERSION,
          "it was written by a newer version: its version is 2, this abmctl knows up to 1" },
        { "the same, formatted anew", "{\n \"add\": [],\n \"version\": 3\n}\n", ERR_PLAN_VERSION,
          "version is 3" },
        { "formatted anew", "{\n \"add\": [],\n \"version\": 1\n}\n", ERR_PLAN_ALTERED, "formatted anew" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct plan_file file;

        replace(fixture->path, rows[i].text);
        if (plan_file_open(&file, fixture->path, &err) == 0 || err.code != rows[i].code ||
            strstr(err.text, rows[i].want) == NULL || strstr(err.text, fixture->path) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        plan_file_close(&file);
    }
}

static void must_refuse(const char *path, enum err_code code, const char *want)
{
    struct err err = ERR_INIT;
    struct plan_file file;

    if (plan_file_open(&file, path, &err) == 0 || err.code != code || strstr(err.text, want) == NULL)
        fail_msg("%s: %s: %s", path, err_wire(err.code), err.text);
}

static void refuses_by_a_look_at_the_file(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->path, O_WRONLY | O_CREAT, 0600);

    /* A terabyte: whoever reads it sits there for a while. */
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    close(fd);
    must_refuse(fixture->path, ERR_PLAN_FORMAT, "it has 1099511627776 bytes, a plan at most 536870912");
    must_refuse(fixture->dir, ERR_PLAN_FORMAT, "it is a folder");
    must_refuse("/dev/zero", ERR_PLAN_FORMAT, "it is no file that can be read twice");
    unlink(fixture->path);
    must_refuse(fixture->path, ERR_FILE_MISSING, "No such file");
    assert_int_equal(mkfifo(fixture->path, 0600), 0); /* nobody writes to it */
    must_refuse(fixture->path, ERR_PLAN_FORMAT, "it is no file that can be read twice");
}

/* In place: seven devices unchanged become eight. */
static void alter(const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;
    FILE *file;

    buf_init(&text, 1 << 20);
    assert_int_equal(fsio_read(path, &text, &err), 0);
    file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, strstr(text.data, "\"unchanged\":7") + strlen("\"unchanged\":") - text.data, SEEK_SET);
    fputc('8', file);
    fclose(file);
    buf_release(&text);
}

static void holds_the_content_against_its_hash(void **state)
{
    struct fixture *fixture = *state;
    int seen = 0;
    const struct plan_entry_sink sink = { count_entry, &seen };
    char sha256[SHA256_HEX];
    struct plan_file file;
    struct err err = ERR_INIT;

    must_write(fixture, sha256);
    assert_int_equal(plan_file_open(&file, fixture->path, &err), 0);
    alter(fixture->path);
    assert_int_equal(plan_file_each(&file, &sink, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    plan_file_close(&file);
    must_refuse(fixture->path, ERR_PLAN_ALTERED, "its plan_sha256 is ");
}

static void notices_a_change(void **state)
{
    struct fixture *fixture = *state;
    int seen = 0;
    const struct plan_entry_sink sink = { count_entry, &seen };
    char sha256[SHA256_HEX];
    struct plan_file file;
    struct err err = ERR_INIT;
    FILE *text;

    must_write(fixture, sha256);
    assert_int_equal(plan_file_open(&file, fixture->path, &err), 0);
    replace(fixture->path, "another plan in its place: ours is the one that was opened\n");
    assert_int_equal(plan_file_each(&file, &sink, &err), 0);
    plan_file_close(&file);

    must_write(fixture, sha256);
    assert_int_equal(plan_file_open(&file, fixture->path, &err), 0);
    text = fopen(fixture->path, "r+");
    assert_non_null(text);
    fseek(text, -3, SEEK_END); /* `1}` and the newline */
    fputs("2", text);
    fclose(text);
    assert_int_equal(plan_file_each(&file, &sink, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    plan_file_close(&file);

    must_write(fixture, sha256);
    assert_int_equal(plan_file_open(&file, fixture->path, &err), 0);
    text = fopen(fixture->path, "a");
    assert_non_null(text);
    fputs("\n", text);
    fclose(text);
    assert_int_equal(plan_file_check(&file, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    plan_file_close(&file);
}

/* In the bytes of one country, so that the plan has its form, its size and (the writer sees to that) its time
 * of before. */
static void swap_country(const char *path, const char *from, const char *to)
{
    struct timespec times[2];
    struct stat st;
    struct buf text;
    struct err err = ERR_INIT;
    char *at;
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    buf_init(&text, 65536);
    assert_int_equal(fsio_read(path, &text, &err), 0);
    at = strstr(text.data, from);
    assert_non_null(at);
    assert_int_equal(pwrite(fd, to, strlen(to), at - text.data), strlen(to));
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    buf_release(&text);
}

static int no_country(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    (void)ctx, (void)kind, (void)err;
    if (strcmp(entry->country, "XX") == 0)
        fail_msg("an entry was handed out that was not in the plan");
    return 0;
}

/* What was checked and approved is what is handed out, also where who writes to the file hides it. */
static void hands_out_nothing_that_was_not_checked(void **state)
{
    struct fixture *fixture = *state;
    const struct plan_entry_sink sink = { no_country, NULL };
    char sha256[SHA256_HEX], from[64];
    struct plan_file file;
    struct err err = ERR_INIT;

    snprintf(from, sizeof(from), "\"country\":\"%s\"", fixture->sample[0].entry.country);
    must_write(fixture, sha256);
    assert_int_equal(plan_file_open(&file, fixture->path, &err), 0);
    assert_int_equal(plan_file_each(&file, &sink, &err), 0);
    swap_country(fixture->path, from, "\"country\":\"XX\"");
    assert_int_equal(plan_file_check(&file, &err), 0); /* nothing to be seen from outside */
    assert_int_equal(plan_file_each(&file, &sink, &err), -1);
    assert_int_equal(err.code, ERR_INPUT_CHANGED);
    plan_file_close(&file);
}

/* The most that a process of its own has resident which opens the plan. */
static long peak_kib(const char *path)
{
    struct rusage usage;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct err err = ERR_INIT;
        struct plan_file file;

        _exit(plan_file_open(&file, path, &err) == 0 ? 0 : 1);
    }
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return usage.ru_maxrss;
}

static void takes_little_memory_for_many(void **state)
{
    struct fixture *fixture = *state;
    char sha256[SHA256_HEX];
    long few, many;

    must_write(fixture, sha256);
    few = peak_kib(fixture->path);
    fixture->many = MANY;
    fixture->head.brake.max_changes = NULL;
    must_write(fixture, sha256);
    many = peak_kib(fixture->path);
    if (!WITH_SANITIZER && many - few > MANY_KIB)
        fail_msg("%ld KiB for six devices, %ld KiB for %d", few, many, MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_and_reads_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(prints_what_it_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_by_a_look_at_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(holds_the_content_against_its_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(notices_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(hands_out_nothing_that_was_not_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_little_memory_for_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
