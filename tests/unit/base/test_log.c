#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"

#define THREADS 4
#define LINES   200

static char logged[1 << 20];

/* Runs work with stderr in a file, and gives what was written in logged. */
static void capture(void (*work)(void))
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t len;

    assert_non_null(file);
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    dup2(fileno(file), STDERR_FILENO);
    work();
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    len = fread(logged, 1, sizeof(logged) - 1, file);
    logged[len] = '\0';
    fclose(file);
}

/* The line behind its time, which is checked for its form. */
static const char *behind_time(const char *line)
{
    if (strlen(line) < 25 || line[10] != 'T' || line[23] != 'Z' || line[24] != ' ')
        fail_msg("no time: %s", line);
    return line + 25;
}

static void log_plain(void)
{
    log_info("run_closed", "run", "acme-7f3a", "devices", log_int(1000), NULL);
}

static void prints_a_line_for_people(void **state)
{
    (void)state;
    log_init("abm-test", LOG_LEVEL_INFO, false);
    capture(log_plain);
    assert_string_equal(behind_time(logged), "info run_closed run=acme-7f3a devices=1000\n");
}

static void log_hostile(void)
{
    log_warn("x", "a", "two words", "b", "", "c", NULL, "d", "q\"uote", "e", "k=v", "f",
             "\x1b[2J\n2026 error forged", "g", "\xff\xe2\x80\xae", NULL);
}

static void lets_no_value_break_the_line(void **state)
{
    (void)state;
    log_init("abm-test", LOG_LEVEL_INFO, false);
    capture(log_hostile);
    assert_string_equal(behind_time(logged), "warn x a=\"two words\" b=\"\" c=- d=\"q\\\"uote\" e=\"k=v\" "
                                             "f=\"\\x1b[2J\\x0a2026 error forged\" g=\\xff\\u{202e}\n");
}

static void prints_json_lines(void **state)
{
    struct err err = ERR_INIT;
    struct json *doc;
    int64_t number;

    (void)state;
    log_init("abm-test", LOG_LEVEL_INFO, true);
    capture(log_plain);
    assert_int_equal(json_parse(logged, strlen(logged), &doc, &err), 0);
    assert_string_equal(json_string(json_get(doc, "program")), "abm-test");
    assert_string_equal(json_string(json_get(doc, "level")), "info");
    assert_string_equal(json_string(json_get(doc, "event")), "run_closed");
    assert_string_equal(json_string(json_get(doc, "run")), "acme-7f3a");
    assert_true(json_int(json_get(doc, "devices"), &number) && number == 1000);
    assert_int_equal(strlen(json_string(json_get(doc, "time"))), 24);
    json_free(doc);
    capture(log_hostile);
    assert_int_equal(json_parse(logged, strlen(logged), &doc, &err), 0);
    assert_string_equal(json_string(json_get(doc, "f")), "\\x1b[2J\\x0a2026 error forged");
    assert_int_equal(json_kind(json_get(doc, "c")), JSON_NULL);
    assert_null(strstr(logged, "\xff"));
    json_free(doc);
}

static void log_all_levels(void)
{
    log_error("e", NULL);
    log_warn("w", NULL);
    log_info("i", NULL);
    log_debug("d", NULL);
    log_event(LOG_LEVEL_TRACE, "t", NULL);
}

static size_t count_lines(void)
{
    size_t lines = 0;

    for (const char *at = logged; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

static void prints_up_to_its_level(void **state)
{
    static const char *const names[] = { "error", "warn", "info", "debug", "trace" };
    enum log_level level = LOG_LEVEL_ERROR;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(log_level_parse(names[i], &level), 0);
        log_init("abm-test", level, false);
        assert_true(log_enabled(level));
        capture(log_all_levels);
        assert_int_equal(count_lines(), i + 1);
    }
    assert_int_equal(log_level_parse("loud", &level), -1);
    assert_int_equal(log_level_parse("", &level), -1);
    assert_int_equal(level, LOG_LEVEL_TRACE);
}

static void log_an_error(void)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_CONFIRM, 0, "plan p.json");
    log_err(LOG_LEVEL_ERROR, "apply", &err, "n", log_int(-3), NULL);
}

static void prints_an_error_with_its_advice(void **state)
{
    (void)state;
    log_init("abm-test", LOG_LEVEL_INFO, false);
    capture(log_an_error);
    assert_string_equal(
        behind_time(logged),
        "error apply error=not_confirmed text=\"plan p.json\" advice=\"add --confirm\" n=-3\n");
}

static char long_value[100000];

static void log_long_values(void)
{
    log_info("long", "a", long_value, "b", long_value, "c", long_value, "d", long_value, "e", long_value, "f",
             long_value, "g", long_value, "h", long_value, "i", long_value, "last", "1", NULL);
}

static void cuts_what_is_too_long(void **state)
{
    struct err err = ERR_INIT;
    struct json *doc;

    (void)state;
    memset(long_value, '\x01', sizeof(long_value) - 1); /* comes out four times as long */
    for (int is_json = 0; is_json < 2; is_json++) {
        log_init("abm-test", LOG_LEVEL_INFO, is_json != 0);
        capture(log_long_values);
        assert_true(strlen(logged) <= 16384);
        assert_int_equal(count_lines(), 1);
        assert_non_null(strstr(logged, is_json ? "\"last\":\"1\"" : " last=1\n")); /* what fits comes still */
    }
    assert_int_equal(json_parse(logged, strlen(logged), &doc, &err), 0);
    json_free(doc);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_info("busy", "thread", arg, "i", log_int(i), "j", log_int(i), "k", log_int(i), NULL);
    return NULL;
}

static void log_from_threads(void)
{
    static char names[THREADS][2] = { "0", "1", "2", "3" };
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void mixes_no_lines_of_threads(void **state)
{
    size_t lines = 0;
    char *rest;

    (void)state;
    log_init("abm-test", LOG_LEVEL_INFO, false);
    capture(log_from_threads);
    for (char *line = strtok_r(logged, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest), lines++) {
        char want[128];
        int thread, i;

        if (sscanf(behind_time(line), "info busy thread=%d i=%d", &thread, &i) != 2)
            fail_msg("%s", line);
        snprintf(want, sizeof(want), "info busy thread=%d i=%d j=%d k=%d", thread, i, i, i);
        assert_string_equal(behind_time(line), want);
    }
    assert_int_equal(lines, THREADS * LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_a_line_for_people),
        cmocka_unit_test(lets_no_value_break_the_line),
        cmocka_unit_test(prints_json_lines),
        cmocka_unit_test(prints_up_to_its_level),
        cmocka_unit_test(prints_an_error_with_its_advice),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(mixes_no_lines_of_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
