/* Who is named as the operator of a run, and which commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "who.h"

static const char *const names[] = { "ABM_OPERATOR", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITLAB_CI",
                                     "CI_JOB_ID",    "ABM_GIT_COMMIT", "GITHUB_SHA",    "CI_COMMIT_SHA" };

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    return 0;
}

static void names_the_operator(void **state)
{
    static const struct {
        const char *what, *name_a, *a, *name_b, *b, *want;
    } rows[] = {
        { "as given", "ABM_OPERATOR", "jane", "GITHUB_ACTIONS", "true", "jane" },
        { "a job of GitHub", "GITHUB_ACTIONS", "true", "GITHUB_RUN_ID", "12345",
          "CI=github-actions, RUN_ID=12345" },
        { "a job of GitLab", "GITLAB_CI", "true", "CI_JOB_ID", "77", "CI=gitlab-ci, RUN_ID=77" },
        { "control characters", "ABM_OPERATOR", "a\033[2Jb\n", "GITLAB_CI", "", "a?[2Jb?" },
        { "no UTF-8", "ABM_OPERATOR", "jane\xff", "GITLAB_CI", "", "jane" },
    };
    char text[WHO_BYTES];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        clear_environment(state);
        setenv(rows[i].name_a, rows[i].a, 1);
        setenv(rows[i].name_b, rows[i].b, 1);
        if (strcmp(who_operator(text), rows[i].want) != 0)
            fail_msg("%s: '%s'", rows[i].what, text);
    }
    clear_environment(state);
    assert_non_null(strchr(who_operator(text), '@'));
}

static void names_the_commit(void **state)
{
    clear_environment(state);
    assert_null(who_commit());
    setenv("CI_COMMIT_SHA", "0123abc", 1);
    assert_string_equal(who_commit(), "0123abc");
    setenv("ABM_GIT_COMMIT", "not a commit", 1);
    assert_string_equal(who_commit(), "0123abc");
    setenv("ABM_GIT_COMMIT", "a5b012aa5b012aa5b012aa5b012aa5b012aa5b01", 1);
    assert_string_equal(who_commit(), "a5b012aa5b012aa5b012aa5b012aa5b012aa5b01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_operator),
        cmocka_unit_test(names_the_commit),
    };

    return cmocka_run_group_tests(tests, clear_environment, clear_environment);
}
