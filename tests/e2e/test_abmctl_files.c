/*
 * The verbs that work on files alone: csv split, rules test with its warnings, rules diff. No settings are
 * there and no server is: a verb that asked for one would fail.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fsio.h"
#include "harness/proc.h"

#define WORDS_MAX 16

static char dir[64];

static void put_file(const char *name, const char *text, size_t len)
{
    struct err err = ERR_INIT;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (fsio_write(path, text, len, 0600, &err) != 0)
        fail_msg("%s", err.text);
}

static void get_file(const char *name, struct buf *text)
{
    struct err err = ERR_INIT;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    buf_init(text, 4 * 1024 * 1024);
    if (fsio_read(path, text, &err) != 0)
        fail_msg("%s", err.text);
}

/* Runs `abmctl WORDS` in dir; its exit status, and what it printed. */
static int run(const char *words, struct buf *out, struct buf *err_text)
{
    const char *argv[WORDS_MAX + 2] = { TEST_BIN "/abmctl" };
    const char *const env[] = { "ABM_CONFIG=/nonexistent/pipeline.yaml", NULL };
    char copy[512], out_path[128], err_path[128], *save = NULL;
    struct proc_options options = {
        .argv = argv, .env = env, .dir = dir, .stdout_file = out_path, .stderr_file = err_path
    };
    struct err err = ERR_INIT;
    size_t count = 1;
    int status;

    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strtok_r(copy, " ", &save); word != NULL && count <= WORDS_MAX;
         word = strtok_r(NULL, " ", &save))
        argv[count++] = word;
    snprintf(out_path, sizeof(out_path), "%s/stdout", dir);
    snprintf(err_path, sizeof(err_path), "%s/stderr", dir);
    status = proc_run(&options, 60000, &err);
    if (status < 0)
        fail_msg("%s: %s", words, err.text);
    get_file("stdout", out);
    get_file("stderr", err_text);
    return status;
}

struct row {
    const char *words;
    int want;
    const char *out, *err; /* NULL: nothing is printed there */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf out, err;
        int got = run(rows[i].words, &out, &err);

        if (got != rows[i].want ||
            (rows[i].out != NULL ? strstr(out.data != NULL ? out.data : "", rows[i].out) == NULL
                                 : out.len > 0) ||
            (rows[i].err != NULL ? strstr(err.data != NULL ? err.data : "", rows[i].err) == NULL
                                 : err.len > 0))
            fail_msg("abmctl %s: %d\n%s\n%s", rows[i].words, got, out.data, err.data);
        buf_release(&out);
        buf_release(&err);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static int setup(void **state)
{
    static const char devices[] = "serial,country\r\nFVFGH0000001,JP\r\nFVFGH0000002,KR\r\n"
                                  "\"FVFGH0000003\",DE\r\nFVFGH0000004,US\r\nFVFGH0000001,JP\r\nx,UK\r\n";
    static const char old[] = "blueprint_mappings:\n"
                              "  - { condition: \"country == 'JP'\", blueprint_id: bp-1 }\n"
                              "  - { condition: \"country == 'KR'\", blueprint_id: bp-1, mdm_server: m1 }\n"
                              "  - default: bp-9\n"
                              "tests:\n"
                              "  - { serial: FVFGH0000001, country: JP, expect: bp-1 }\n";
    static const char new[] =
        "blueprint_mappings:\n"
        "  - { condition: \"country in ['JP', 'CN']\", blueprint_id: bp-2 }\n"
        "  - { condition: \"country == 'KR'\", blueprint_id: bp-1, mdm_server: m2 }\n"
        "  - { condition: \"country == 'CN'\", blueprint_id: bp-3 }\n"
        "  - { condition: \"country == 'DE' and country == 'FR'\", blueprint_id: bp-3 }\n"
        "  - { condition: \"country == 'DE'\", blueprint_id: bp-9 }\n";
    struct err err = ERR_INIT;

    (void)state;
    if (proc_temp_dir("files", dir, sizeof(dir), &err) != 0)
        return -1;
    put_file("devices.csv", devices, sizeof(devices) - 1);
    put_file("old.yaml", old, sizeof(old) - 1);
    put_file("new.yaml", new, sizeof(new) - 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proc_remove_dir(dir);
    return 0;
}

static void warns_of_rules(void **state)
{
    static const struct row rows[] = {
        { "rules test --blueprints old.yaml --strict", 0, "3 rules; 1 cases passed, 0 failed; 0 warnings",
          NULL },
        { "rules test --blueprints new.yaml", 0, "5 rules; 0 cases passed, 0 failed",
          "new.yaml line 4: warning: rule 3: country == 'CN' is never reached: rule 1: country in ['JP', "
          "'CN'] (line 2) "
          "takes every device that it could hold for\n"
          "new.yaml line 5: warning: rule 4: country == 'DE' and country == 'FR' can never hold: its "
          "condition "
          "contradicts itself\n"
          "new.yaml line 6: warning: there is no default behind the last rule: a device that no rule holds "
          "for is "
          "rejected\n" },
        { "rules test --blueprints new.yaml --strict", 1, "3 warnings", "line 4" },
        { "rules test --blueprints new.yaml --json", 0,
          "\"warnings\":[{\"kind\":\"shadowed\",\"line\":4,\"rule\":\"3: country == "
          "'CN'\",\"by\":[2],\"text\":\"",
          NULL },
        { "rules test --blueprints new.yaml --json --strict", 1,
          "\"kind\":\"no_default\",\"line\":6,\"rule\":null", NULL },
    };

    (void)state;
    CHECK(rows);
}

static void warns_in_config_check(void **state)
{
    static const char settings[] =
        "version: 1\nredis: { url: \"redis://127.0.0.1:1/0\" }\norgs:\n  acme:\n"
        "    api: { dialect: abm-v2, base_url: \"https://api.example\", token: \"env:T\" }\n"
        "    rate_limit: { requests: 100, per: 60s, burst: 20 }\n"
        "    rules: new.yaml\n"
        "audit: { signer: \"ed25519:file:a.key\", sinks: [\"file:evidence\"] }\n";
    static const struct row rows[] = {
        { "config check --config pipeline.yaml", 0, "pipeline.yaml is correct: 1 organization",
          "line 4: warning: rule 3: country == 'CN' is never reached" },
        { "config check --config pipeline.yaml --json", 0,
          "\"orgs\":[\"acme\"],\"warnings\":[{\"org\":\"acme\",\"kind\":\"shadowed\",\"line\":4", NULL },
    };

    (void)state;
    put_file("pipeline.yaml", settings, sizeof(settings) - 1);
    CHECK(rows);
}

static void tells_what_rules_change(void **state)
{
    static const struct row rows[] = {
        { "rules diff old.yaml new.yaml --input devices.csv", 0,
          "bp-1 -> bp-2: 1 device\n  FVFGH0000001\n"
          "bp-1 on m1 -> bp-1 on m2: 1 device\n  FVFGH0000002\n"
          "bp-9 -> rejected (no rule): 1 device\n  FVFGH0000004\n"
          "3 of 4 devices would get another blueprint or server\n",
          "row 7: country 'UK'" },
        { "rules diff old.yaml new.yaml --input devices.csv --exit-code", 1, "3 of 4", "row 7" },
        { "rules diff old.yaml old.yaml --input devices.csv --exit-code", 0,
          "0 of 4 devices would get another blueprint or server\n", "row 7" },
        { "rules diff old.yaml new.yaml --input devices.csv --json", 0,
          "{\"devices\":4,\"differing\":3,\"rejected\":1,\"duplicate\":1,\"groups\":[{\"from\":{\"blueprint_"
          "id\":\"bp-1\","
          "\"mdm_server\":null},\"to\":{\"blueprint_id\":\"bp-2\",\"mdm_server\":null},\"devices\":1,"
          "\"serials\":["
          "\"FVFGH0000001\"]},",
          "\"code\":\"duplicate\"" },
        { "rules diff old.yaml --input devices.csv", 64, NULL, "an operand is missing" },
        { "rules diff old.yaml new.yaml", 64, NULL, "--input is missing" },
        { "rules diff old.yaml none.yaml --input devices.csv", 65, NULL, "none.yaml" },
        { "rules diff old.yaml new.yaml --input none.csv", 65, NULL, "none.csv" },
    };

    (void)state;
    CHECK(rows);
}

/* More groups and serials than the first room of anything. */
static void tells_many_changes(void **state)
{
    struct buf old, new, devices, out, err;
    const char *at;
    int count = 0;

    (void)state;
    buf_init(&old, 1024 * 1024);
    buf_init(&new, 1024 * 1024);
    buf_init(&devices, 1024 * 1024);
    buf_add_str(&old, "blueprint_mappings:\n");
    buf_add_str(&new, "blueprint_mappings:\n");
    buf_add_str(&devices, "serial,country\n");
    for (int i = 0; i < 2000; i++) {
        buf_addf(&old, "  - { condition: \"serial == 'F%07d'\", blueprint_id: old-%d }\n", i, i);
        buf_addf(&new, "  - { condition: \"serial == 'F%07d'\", blueprint_id: new-%d }\n", i, i / 2);
        buf_addf(&devices, "F%07d,DE\n", i);
    }
    put_file("old-many.yaml", old.data, old.len);
    put_file("new-many.yaml", new.data, new.len);
    put_file("many.csv", devices.data, devices.len);
    assert_int_equal(run("rules diff old-many.yaml new-many.yaml --input many.csv", &out, &err), 0);
    for (at = out.data; (at = strstr(at, "1 device\n  F")) != NULL; at++)
        count++;
    assert_int_equal(count, 2000);
    assert_non_null(strstr(out.data, "old-1999 -> new-999: 1 device\n  F0001999\n2000 of 2000 devices"));
    buf_release(&old);
    buf_release(&new);
    buf_release(&devices);
    buf_release(&out);
    buf_release(&err);
}

static void divides_a_file(void **state)
{
    static const struct row rows[] = {
        { "csv split --input devices.csv --rows 4 -o parts", 0,
          "6 rows in 2 files of parts: devices-0001.csv to devices-0002.csv\n", NULL },
        { "csv split --input devices.csv --rows 4 -o parts", 77, NULL, "is there already" },
        { "csv split --input devices.csv --rows 4 -o parts/more --json", 0,
          "{\"dir\":\"parts/"
          "more\",\"rows\":6,\"files\":[{\"name\":\"devices-0001.csv\",\"rows\":4,\"bytes\":86,"
          "\"first_row\":2,\"last_row\":5},{\"name\":\"devices-0002.csv\",\"rows\":2,",
          NULL },
        { "csv split --input devices.csv -o one", 0, "6 rows in one/devices-0001.csv\n", NULL },
        { "csv split --input devices.csv --bytes 34B -o small", 65, NULL,
          "row 4 (line 4) has 19 bytes, with the header 35: more than --bytes 34" },
        { "csv split --input devices.csv --bytes 34B -o small --json", 65, NULL,
          "{\"error\":{\"code\":\"limit\"" },
        { "csv split --input devices.csv --bytes 10MiB -o small", 64, NULL, "10MB (1 KB is 1000 bytes)" },
        { "csv split --input devices.csv --rows 0 -o small", 64, NULL, "from 1 to" },
        { "csv split --input devices.csv", 64, NULL, "--out is missing" },
        { "csv split -o small", 64, NULL, "--input is missing" },
        { "csv split --input old.yaml -o small", 64, NULL, "is no CSV file" },
        { "csv split --input none.csv -o small", 65, NULL, "none.csv" },
        { "csv split --input devices.csv -o devices.csv", 75, NULL, "devices.csv" },
    };
    struct buf first, second, devices;

    (void)state;
    CHECK(rows);
    get_file("devices.csv", &devices);
    get_file("parts/devices-0001.csv", &first);
    get_file("parts/devices-0002.csv", &second);
    assert_int_equal(first.len + second.len, devices.len + 16);
    assert_memory_equal(first.data, devices.data, first.len);
    assert_memory_equal(second.data, devices.data, 16);
    assert_memory_equal(second.data + 16, devices.data + first.len, second.len - 16);
    buf_release(&devices);
    buf_release(&first);
    buf_release(&second);
}

/* In what memory: the first test here, since the kernel keeps the most of all children. */
static void divides_a_million_rows(void **state)
{
    static const char header[] = "serial,country\n";
    struct rusage used;
    struct buf text, out, err;
    int row = 0;

    (void)state;
    buf_init(&text, 32 * 1024 * 1024);
    buf_add_str(&text, header);
    for (int i = 0; i < 1000000; i++)
        buf_addf(&text, "F%08d,DE\n", i);
    put_file("million.csv", text.data, text.len);
    assert_int_equal(run("csv split --input million.csv --rows 5000 --bytes 10MB -o million", &out, &err), 0);
    assert_string_equal(out.data,
                        "1000000 rows in 200 files of million: million-0001.csv to million-0200.csv\n");
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &used), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range(used.ru_maxrss, 1, 16 * 1024); /* KiB; the file has 13 MB, the program itself some 3 */
#endif
    for (int i = 1; i <= 200; i++) {
        size_t len = sizeof(header) - 1, rows = 5000 * 13;
        char name[64];
        struct buf part;

        snprintf(name, sizeof(name), "million/million-%04d.csv", i);
        get_file(name, &part);
        assert_int_equal(part.len, len + rows);
        assert_memory_equal(part.data, header, len);
        assert_memory_equal(part.data + len, text.data + len + (size_t)row * 13, rows);
        row += 5000;
        buf_release(&part);
    }
    buf_release(&text);
    buf_release(&out);
    buf_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divides_a_million_rows), cmocka_unit_test(warns_of_rules),
        cmocka_unit_test(warns_in_config_check),  cmocka_unit_test(tells_what_rules_change),
        cmocka_unit_test(tells_many_changes),     cmocka_unit_test(divides_a_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
