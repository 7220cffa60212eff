/*
 * The examples under config/examples: their YAML can be read; each abmctl command that they have is a verb
 * with these options; those that need no server do what they say on the example's own files; and the
 * workflows keep to what their README promises of rights, secrets and turns. What their scripts do is
 * test_example_rounds.c's.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "base/yaml.h"
#include "harness/proc.h"

#define EXAMPLE      TEST_TOP "/config/examples/enrollment"
#define WORKFLOW     EXAMPLE "/.github/workflows/enrollment.yml"
#define GITLAB       EXAMPLE "/.gitlab-ci.yml"
#define COMMANDS_MAX 64

/* Lines of shell, whole: with what follows behind a backslash. */
struct lines {
    char *at[COMMANDS_MAX];
    size_t count;
};

static char dir[64]; /* a copy of the example */

/* --- what is in the files --- */

static struct yaml *load(const char *path)
{
    struct err err = ERR_INIT;
    struct yaml *doc;

    if (yaml_load(path, YAML_SETTINGS_BYTES, &doc, &err) != 0)
        fail_msg("%s", err.text);
    return doc;
}

static const char *text_at(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);

    return node != NULL && node->kind == YAML_SCALAR ? node->text : "";
}

/* The lines of a script that call abmctl. */
static void add_lines(struct lines *lines, const char *script)
{
    struct buf line;

    buf_init(&line, 65536);
    while (*script != '\0') {
        size_t len = strcspn(script, "\n");
        bool is_continued = len > 0 && script[len - 1] == '\\';

        buf_add(&line, script, is_continued ? len - 1 : len);
        script += len + (script[len] == '\n');
        if (is_continued && *script != '\0')
            continue;
        if (line.len > 0 && strncmp(line.data + strspn(line.data, " "), "abmctl ", 7) == 0) {
            assert_true(lines->count < COMMANDS_MAX);
            lines->at[lines->count] = strdup(line.data + strspn(line.data, " "));
            assert_non_null(lines->at[lines->count++]);
        } else if (line.len > 0 && strstr(line.data, "abmctl ") != NULL &&
                   strstr(line.data, "echo") == NULL) {
            fail_msg("a command that the test does not see: %s", line.data);
        }
        buf_reset(&line);
    }
    buf_release(&line);
}

/* What a value at `run` or in a list `script` says, however deep. */
static void add_scripts(struct lines *lines, const struct yaml_node *node)
{
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        bool is_script = child->key != NULL && strcmp(child->key, "script") == 0;

        if (child->kind == YAML_SCALAR && child->key != NULL && strcmp(child->key, "run") == 0)
            add_lines(lines, child->text);
        for (const struct yaml_node *item = is_script ? child->first : NULL; item != NULL; item = item->next)
            add_lines(lines, item->text);
        if (child->kind != YAML_SCALAR && !is_script)
            add_scripts(lines, child);
    }
}

/* The blocks ```sh of a README, and the commands in its lines. */
static void add_blocks(struct lines *lines, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;
    char *at;

    buf_init(&text, 1024 * 1024);
    if (fsio_read(path, &text, &err) != 0)
        fail_msg("%s", err.text);
    for (at = text.data; (at = strstr(at, "```sh\n")) != NULL;) {
        char *end = strstr(at + 6, "\n```");

        assert_non_null(end);
        *end = '\0';
        add_lines(lines, at + 6);
        *end = '\n';
        at = end + 1;
    }
    for (at = text.data; (at = strstr(at, "`abmctl ")) != NULL;) {
        char *end = strchr(at + 1, '`');

        assert_non_null(end);
        *end = '\0';
        add_lines(lines, at + 1);
        at = end + 1;
    }
    buf_release(&text);
}

static void find_lines(struct lines *lines)
{
    struct yaml *github = load(WORKFLOW), *gitlab = load(GITLAB);

    lines->count = 0;
    add_scripts(lines, github->root);
    assert_true(lines->count >= 7);
    add_scripts(lines, gitlab->root);
    assert_true(lines->count >= 14);
    add_blocks(lines, EXAMPLE "/README.md");
    yaml_doc_free(github);
    yaml_doc_free(gitlab);
}

static void release_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->at[i]);
}

/* --- running --- */

/* Its status; what it printed, on stdout and stderr, in out. */
static int run(const char *const *argv, const char *const *env, struct buf *out)
{
    char path[128];
    struct proc_options options = {
        .argv = argv, .env = env, .dir = dir, .stdout_file = path, .stderr_file = path
    };
    struct err err = ERR_INIT;
    int status;

    snprintf(path, sizeof(path), "%s/printed", dir);
    status = proc_run(&options, 60000, &err);
    buf_init(out, 4 * 1024 * 1024);
    if (status < 0 || fsio_read(path, out, &err) != 0)
        fail_msg("%s: %s", argv[0], err.text);
    return status;
}

/* --- each command is one --- */

/* Whether help, as a verb prints it, has the option: a line "  -o, --out DIR  ..." */
static bool has_option(const char *help, const char *option)
{
    size_t len = strcspn(option, "=");

    for (const char *at = help; (at = strstr(at, option[1] == '-' ? "--" : "\n  -")) != NULL; at++) {
        const char *word = option[1] == '-' ? at : at + 3;

        if (strncmp(word, option, len) == 0 && strchr(", \n", word[len]) != NULL)
            return true;
    }
    return false;
}

static void check_command(const char *line)
{
    char copy[1024], *save = NULL, *words[32] = { NULL };
    const char *argv[5] = { TEST_BIN "/abmctl" };
    size_t count = 0, verbs = 1;
    struct buf help;

    snprintf(copy, sizeof(copy), "%s", line);
    copy[strcspn(copy, "|;>&")] = '\0';
    for (char *word = strtok_r(copy, " ", &save); word != NULL && count < 32;
         word = strtok_r(NULL, " ", &save))
        words[count++] = word;
    assert_true(count >= 2);
    argv[1] = words[1];
    if (count > 2 && strchr("-\"$", words[2][0]) == NULL)
        argv[++verbs] = words[2];
    argv[verbs + 1] = "--help";
    if (run(argv, NULL, &help) != 0 || !str_starts(help.data, "usage: abmctl"))
        fail_msg("%s: no such verb: %s", line, help.data);
    for (size_t i = verbs + 1; i < count; i++)
        if (words[i][0] == '-' && !has_option(strstr(help.data, "\noptions:"), words[i]))
            fail_msg("%s: no option %s in\n%s", line, words[i], help.data);
    buf_release(&help);
}

static void commands_exist(void **state)
{
    struct lines lines;

    (void)state;
    find_lines(&lines);
    for (size_t i = 0; i < lines.count; i++)
        check_command(lines.at[i]);
    release_lines(&lines);
}

/* --- what needs no server runs --- */

static void commands_run(void **state)
{
    static const struct {
        const char *verb, *says;
    } rows[] = {
        { "abmctl rules test ", "4 cases passed, 0 failed; 0 warnings" },
        { "abmctl rules explain ", "gets blueprint bp-apac-0001 on server mdm-apac" },
        { "abmctl rules diff ", "bp-standard-0001 -> bp-apac-0001" },
        { "abmctl csv split ", "6 rows in upload/devices-0001.csv" },
    };
    char path[512], temp[128];
    const char *const env[] = { path, temp, "ABM_CONFIG=/nonexistent/pipeline.yaml", NULL };
    unsigned ran[sizeof(rows) / sizeof(rows[0])] = { 0 };
    struct lines lines;

    (void)state;
    snprintf(path, sizeof(path), "PATH=%s:%s", TEST_BIN, getenv("PATH"));
    snprintf(temp, sizeof(temp), "RUNNER_TEMP=%s", dir);
    find_lines(&lines);
    for (size_t i = 0; i < lines.count; i++) {
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            char script[2048];
            const char *const argv[] = { "bash", "-euo", "pipefail", "-c", script, NULL };
            struct buf out;
            int status;

            if (strncmp(lines.at[i], rows[k].verb, strlen(rows[k].verb)) != 0)
                continue;
            /* A redirected result is looked at, too. */
            snprintf(script, sizeof(script), "work=$RUNNER_TEMP; %s; cat rules.txt 2>/dev/null || true",
                     lines.at[i]);
            status = run(argv, env, &out);
            if (status != 0 || strstr(out.data, rows[k].says) == NULL)
                fail_msg("%s: status %d, or no \"%s\":\n%s", lines.at[i], status, rows[k].says, out.data);
            ran[k]++;
            buf_release(&out);
        }
    }
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        assert_in_range(ran[k], 1, COMMANDS_MAX);
    release_lines(&lines);
}

static void settings_and_devices_are_right(void **state)
{
    /* The URL has TLS, which not every build has. */
    const char *const env[] = { "ABM_ORGS__ACME__RULES=" EXAMPLE "/blueprints.yaml",
                                "ABM_REDIS__URL=redis://127.0.0.1:1/0", NULL };
    const char *const check[] = { TEST_BIN "/abmctl", "--config", "runner/pipeline.yaml",
                                  "config",           "check",    NULL };
    const char *const dry[] = { TEST_BIN "/abmctl", "--config", "runner/pipeline.yaml",
                                "import",           "--input",  "devices.csv",
                                "--dry-run",        NULL };
    struct buf out;

    (void)state;
    if (run(check, env, &out) != 0 || strstr(out.data, "warning") != NULL)
        fail_msg("%s", out.data);
    buf_release(&out);
    if (run(dry, env, &out) != 0 || strstr(out.data, "Would assign 6 devices") == NULL)
        fail_msg("%s", out.data);
    buf_release(&out);
}

/* --- what the README promises --- */

static bool is_pinned(const char *uses)
{
    static const char action[] = "actions/checkout@";
    const char *commit = uses + sizeof(action) - 1;

    return str_starts(uses, action) && strspn(commit, "0123456789abcdef") == 40 && strlen(commit) == 40;
}

static void check_step(const struct yaml_node *step)
{
    const char *uses = text_at(step, "uses"), *script = text_at(step, "run");

    assert_true((*uses != '\0') != (*script != '\0'));
    if (*uses != '\0' &&
        (!is_pinned(uses) || strcmp(text_at(yaml_get(step, "with"), "persist-credentials"), "false") != 0))
        fail_msg("%s: wanted GitHub's own checkout by its full commit, without credentials left behind",
                 uses);
    /* What GitHub puts into a script is run as shell; a variable of the environment is not. */
    if (strstr(script, "${{") != NULL)
        fail_msg("an expression in a script:\n%s", script);
    assert_null(strstr(script, "secrets."));
}

static void github_keeps_its_promises(void **state)
{
    struct yaml *doc = load(WORKFLOW);
    const struct yaml_node *rights = yaml_get(doc->root, "permissions"), *jobs = yaml_get(doc->root, "jobs"),
                           *apply;
    size_t count = 0;

    (void)state;
    assert_true(rights != NULL && rights->kind == YAML_MAP && rights->count == 0);
    for (const struct yaml_node *job = jobs->first; job != NULL; job = job->next) {
        const struct yaml_node *own = yaml_get(job, "permissions"), *turns = yaml_get(job, "concurrency");

        if (own == NULL || yaml_get(job, "timeout-minutes") == NULL || yaml_get(job, "environment") == NULL ||
            *text_at(turns, "group") == '\0')
            fail_msg("%s: rights, time, environment or turns are not named", job->key);
        assert_string_equal(text_at(own, "contents"), "read");
        for (const struct yaml_node *step = yaml_get(job, "steps")->first; step != NULL; step = step->next)
            check_step(step);
        count++;
    }
    assert_int_equal(count, 3);
    apply = yaml_get(jobs, "apply");
    assert_string_equal(text_at(yaml_get(apply, "concurrency"), "cancel-in-progress"), "false");
    assert_string_equal(text_at(apply, "environment"), "abm-apply");
    assert_string_equal(text_at(apply, "if"), "github.event_name == 'push'");
    assert_non_null(
        strstr(text_at(yaml_get(jobs, "plan"), "if"), "head.repo.full_name == github.repository"));
    yaml_doc_free(doc);
}

static void gitlab_keeps_its_promises(void **state)
{
    static const char *const jobs[] = { "plan", "apply", "drift" };
    struct yaml *doc = load(GITLAB);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct yaml_node *job = yaml_get(doc->root, jobs[i]);

        assert_non_null(job);
        assert_string_equal(text_at(job, "stage"), jobs[i]);
        assert_non_null(yaml_get(job, "timeout"));
        assert_non_null(yaml_get(job, "rules"));
        assert_string_equal(text_at(yaml_get(job, "environment"), "name"), i == 1 ? "abm-apply" : "abm-plan");
    }
    assert_string_equal(text_at(yaml_get(doc->root, "apply"), "resource_group"), "abm-apply");
    yaml_doc_free(doc);
}

/* The two take the same digest, before the merge and after it: else nothing would ever be applied. */
static void digests_agree(void **state)
{
    static const char *const paths[] = { WORKFLOW, GITLAB };
    char first[512] = "";
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        struct buf text;

        buf_init(&text, 1024 * 1024);
        assert_int_equal(fsio_read(paths[i], &text, &err), 0);
        for (const char *at = text.data; (at = strstr(at, "jq -cS '")) != NULL; at++) {
            char words[512] = "";
            size_t len = 0;

            for (const char *c = at; strncmp(c, ")]'", 3) != 0 && len < sizeof(words) - 1; c++)
                if (strchr(" \n", *c) == NULL)
                    words[len++] = *c;
            if (count++ == 0)
                memcpy(first, words, sizeof(first));
            assert_string_equal(words, first);
        }
        buf_release(&text);
    }
    assert_int_equal(count, 4);
    assert_non_null(strstr(first, "serial,from,to,mdm_server,from_mdm_server,to_mdm_server"));
}

static int setup(void **state)
{
    const char *const copy[] = { "cp", "-R", EXAMPLE "/.", dir, NULL };
    static const char before[] = "blueprint_mappings: [ { default: bp-standard-0001 } ]\n";
    struct proc_options options = { .argv = copy };
    struct err err = ERR_INIT;
    char path[128];

    (void)state;
    if (proc_temp_dir("examples", dir, sizeof(dir), &err) != 0 || proc_run(&options, 60000, &err) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/before.yaml", dir);
    return fsio_write(path, before, sizeof(before) - 1, 0600, &err);
}

static int teardown(void **state)
{
    (void)state;
    proc_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_exist),
        cmocka_unit_test(commands_run),
        cmocka_unit_test(settings_and_devices_are_right),
        cmocka_unit_test(github_keeps_its_promises),
        cmocka_unit_test(gitlab_keeps_its_promises),
        cmocka_unit_test(digests_agree),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
