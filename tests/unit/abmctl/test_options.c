/* Which command runs with which options, and what is said of those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "base/str.h"
#include "ctl.h"

/* What the last command saw. */
static struct seen {
    bool is_run, is_dumpable;
    bool flag, is_json;
    const char *text, *org;
    int64_t number, duration;
    size_t listed;
    int operands;
    struct err err;
} seen;

static int run_all(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct ctl_list list = { .count = 0 };
    const struct ctl_option rows[] = {
        { .name = "flag", .letter = 'f', .kind = CTL_FLAG, .to.flag = &seen.flag, .help = "" },
        { .name = "text", .letter = 't', .kind = CTL_TEXT, .to.text = &seen.text, .value = "T", .help = "" },
        { .name = "number",
          .kind = CTL_INT,
          .to.number = &seen.number,
          .value = "N",
          .help = "",
          .min = 1,
          .max = 9 },
        { .name = "wait", .kind = CTL_DURATION, .to.number = &seen.duration, .value = "TIME", .help = "" },
        { .name = "list", .kind = CTL_LIST, .to.list = &list, .value = "X", .help = "" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 1, &first, err);

    seen.is_run = rc == 0;
    seen.is_json = ctl->is_json;
    seen.is_dumpable = prctl(PR_GET_DUMPABLE) != 0;
    seen.org = ctl->org_name;
    seen.listed = list.count;
    seen.operands = argc - first;
    if (rc != 0)
        seen.err = *err;
    return rc < 0 ? -1 : CTL_DONE;
}

static int run_no(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    (void)ctl, (void)argc, (void)argv, (void)err;
    return CTL_NO;
}

static const struct ctl_command commands[] = {
    { "all", NULL, "", "everything", run_all }, { "two", "words", "", "", run_all },
    { "two", "others", "", "", run_no },        { "both", NULL, "", "", run_all },
    { "both", "others", "", "", run_no },
};

static int run(const char *const words[12])
{
    char *argv[14] = { (char *)"abmctl" }; /* getopt_long reorders the pointers, never the text */
    int argc = 1;

    for (size_t i = 0; i < 12 && words[i] != NULL; i++)
        argv[argc++] = (char *)words[i];
    memset(&seen, 0, sizeof(seen));
    return ctl_main(argc, argv, commands, sizeof(commands) / sizeof(commands[0]));
}

static void chooses_and_ends(void **state)
{
    static const struct {
        const char *what, *words[12];
        int want;
    } rows[] = {
        { "a verb", { "all" }, 0 },
        { "a verb of two words", { "two", "words" }, 0 },
        { "a verb alone that has second words", { "both", "--flag" }, 0 },
        { "the same with its second", { "both", "others" }, 1 },
        { "the same with help", { "both", "--help" }, 0 },
        { "its status", { "two", "others" }, 1 },
        { "no verb", { NULL }, 64 },
        { "an unknown verb", { "none" }, 64 },
        { "an unknown second word", { "two", "word" }, 64 },
        { "a missing second word", { "two" }, 64 },
        { "an unknown option", { "all", "--flog" }, 64 },
        { "an unknown letter", { "all", "-x" }, 64 },
        { "an option of another place", { "--flag", "all" }, 64 },
        { "a value missing", { "all", "--text" }, 64 },
        { "a value too many", { "all", "--flag=1" }, 64 },
        { "an empty value", { "all", "--text", "" }, 64 },
        { "a number out of range", { "all", "--number", "10" }, 64 },
        { "a number that is none", { "all", "--number", "5x" }, 64 },
        { "a duration without its unit", { "all", "--wait", "5" }, 64 },
        { "an operand too many", { "all", "a", "b" }, 64 },
        { "after --, options are operands", { "all", "--", "--flag", "b" }, 64 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = run(rows[i].words);

        if (got != rows[i].want)
            fail_msg("%s: %d instead of %d", rows[i].what, got, rows[i].want);
    }
}

static void reads_values(void **state)
{
    (void)state;
    assert_int_equal(run((const char *const[12]){ "--org", "acme", "all", "-f", "-t", "x", "--number=7",
                                                  "--wait", "2m", "--list", "a", "--list=b" }),
                     0);
    assert_true(seen.is_run && seen.flag && !seen.is_json);
    assert_string_equal(seen.text, "x");
    assert_string_equal(seen.org, "acme");
    assert_int_equal(seen.number, 7);
    assert_int_equal(seen.duration, 120000);
    assert_int_equal(seen.listed, 2);
    assert_int_equal(seen.operands, 0);
}

/* Every verb may come to hold a secret. */
static void leaves_no_core(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
    assert_int_equal(run((const char *const[12]){ "all" }), 0);
    assert_true(seen.is_run && !seen.is_dumpable);
}

static void takes_common_options_anywhere(void **state)
{
    (void)state;
    assert_int_equal(run((const char *const[12]){ "--json", "all", "operand" }), 0);
    assert_true(seen.is_json);
    assert_int_equal(run((const char *const[12]){ "all", "operand", "--json", "--org", "b" }), 0);
    assert_true(seen.is_json);
    assert_string_equal(seen.org, "b");
    assert_int_equal(seen.operands, 1);
}

static void names_near_misses(void **state)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        { "--flg", "did you mean '--flag'?" },
        { "--numbr=3", "did you mean '--number'?" },
        { "--jsn", "did you mean '--json'?" },
        { "--zzzzzz", "unknown option '--zzzzzz'" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run((const char *const[12]){ "all", rows[i].word });
        if (seen.err.code != ERR_USAGE || strstr(seen.err.text, rows[i].want) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].word, seen.err.text, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_and_ends),  cmocka_unit_test(reads_values),
        cmocka_unit_test(leaves_no_core),    cmocka_unit_test(takes_common_options_anywhere),
        cmocka_unit_test(names_near_misses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
