/*
 * The workflows of the examples, run: a plan is posted, the change is merged, and the plan is applied where
 * it still does what was reviewed, and not otherwise. What a job calls are stand-ins; the scripts are those
 * of the files.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/yaml.h"
#include "harness/proc.h"

#define EXAMPLE  TEST_TOP "/config/examples/enrollment"
#define WORKFLOW EXAMPLE "/.github/workflows/enrollment.yml"
#define GITLAB   EXAMPLE "/.gitlab-ci.yml"

static char dir[64]; /* a copy of the example */

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

/*
 * Stand-ins for what a job calls. curl takes what is posted and answers as GitHub and GitLab do; between the
 * right answers stand those of others. abmctl notes its words, and its plan has the serial that the file
 * `serial` says.
 */
static const char stub_curl[] =
    "#!/usr/bin/env bash\n"
    "grep -q '^header = \"[A-Za-z-]*: .*secret-token\"$' || exit 22\n" /* the token comes by the configuration
                                                                        */
    "case \"$*\" in *secret-token*) exit 2 ;; esac\n"
    "for word; do case $word in @*) cp \"${word#@}\" \"$STUB/posted-$(basename \"${word#@}\")\"; exit ;; "
    "esac; done\n"
    "case $* in\n"
    "*/commits/merge/pulls*) echo '[{\"merged_at\":null,\"head\":{\"sha\":\"other\"}},\n"
    "    {\"merged_at\":\"2026-11-24T08:17:00Z\",\"head\":{\"sha\":\"head\"}}]' ;;\n"
    "*/commits/head/statuses*) jq '. + {creator: {login: \"github-actions[bot]\"}} |\n"
    "    [. + {context: \"other\"}, . + {creator: {login: \"mallory\"}, description: \"x\"}, .]' "
    "\"$STUB/posted-status.json\" ;;\n"
    "*/commits/merge/merge_requests*) echo '[{\"state\":\"opened\",\"iid\":3,\"sha\":\"other\"},\n"
    "    {\"state\":\"merged\",\"iid\":7,\"sha\":\"head\"}]' ;;\n"
    "*/merge_requests/7/notes*) jq '[{author: {username: \"mallory\"}, body}, . + {author: {username: "
    "\"bot\"}}]' \\\n"
    "    \"$STUB/posted-note.json\" ;;\n"
    "*/user*) echo '{\"username\":\"bot\"}' ;;\n"
    "*) exit 22 ;;\n"
    "esac\n";
static const char stub_abmctl[] =
    "#!/usr/bin/env bash\n"
    "echo \"$1 $2\" >>\"$STUB/called\"\n"
    "echo '  this one: 0000000000000000000000000000000000000000000000000000000000000000'\n"
    "while [ $# -gt 0 ]; do\n"
    "    if [ \"$1\" = -o ]; then\n"
    "        jq -n --arg serial \"$(cat \"$STUB/serial\")\" --arg now \"$(date +%N)\" '{org: \"acme\", "
    "created_at: $now,\n"
    "            add: [{$serial, from: null, to: \"bp\", row: 1}], change: [], remove: []}' >\"$2\"\n"
    "    fi\n"
    "    shift\n"
    "done\n";

static void put_stub(const char *name, const char *text, unsigned mode)
{
    struct err err = ERR_INIT;
    char path[128];

    snprintf(path, sizeof(path), "%s/stub/%s", dir, name);
    if (fsio_write(path, text, strlen(text), mode, &err) != 0)
        fail_msg("%s", err.text);
}

/* All that a job runs, as one script. */
static void job_script(const struct yaml_node *job, struct buf *script)
{
    const struct yaml_node *steps = yaml_get(job, "steps"), *lines = yaml_get(job, "script");

    for (const struct yaml_node *step = steps != NULL ? steps->first : NULL; step != NULL; step = step->next)
        if (*text_at(step, "run") != '\0') /* a step is a shell of its own */
            buf_addf(script, "(\n%s\n)\n", text_at(step, "run"));
    for (const struct yaml_node *line = lines != NULL ? lines->first : NULL; line != NULL; line = line->next)
        buf_addf(script, "%s\n", line->text);
}

static int run_job(const char *path, const char *job)
{
    char search[512], stub[128], temp[128];
    const char *const env[] = { search,
                                stub,
                                temp,
                                "TOKEN=secret-token",
                                "ABM_REVIEW_TOKEN=secret-token",
                                "PULL=5",
                                "HEAD=head",
                                "GITHUB_SHA=merge",
                                "GITHUB_API_URL=https://api.example",
                                "ABM_ORG=acme",
                                "GITHUB_REPOSITORY=o/r",
                                "CI_API_V4_URL=https://gitlab.example",
                                "CI_PROJECT_ID=1",
                                "CI_MERGE_REQUEST_IID=7",
                                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=head",
                                "CI_MERGE_REQUEST_DIFF_BASE_SHA=none",
                                "CI_COMMIT_SHA=merge",
                                NULL };
    struct yaml *doc = load(path);
    const struct yaml_node *jobs = yaml_get(doc->root, "jobs");
    struct buf script, out;
    int status;

    snprintf(search, sizeof(search), "PATH=%s/stub:%s", dir, getenv("PATH"));
    snprintf(stub, sizeof(stub), "STUB=%s/stub", dir);
    snprintf(temp, sizeof(temp), "RUNNER_TEMP=%s/stub", dir);
    buf_init(&script, 65536);
    job_script(yaml_get(jobs != NULL ? jobs : doc->root, job), &script);
    assert_true(script.len > 0);
    {
        const char *const argv[] = { "bash", "-eo", "pipefail", "-c", script.data, NULL };

        status = run(argv, env, &out);
    }
    buf_release(&out);
    buf_release(&script);
    yaml_doc_free(doc);
    return status;
}

static bool is_called(const char *verb)
{
    struct err err = ERR_INIT;
    struct buf called;
    char path[128];
    bool found;

    buf_init(&called, 65536);
    snprintf(path, sizeof(path), "%s/stub/called", dir);
    if (fsio_read(path, &called, &err) != 0)
        fail_msg("%s", err.text);
    found = strstr(called.data, verb) != NULL;
    buf_release(&called);
    return found;
}

static void only_what_was_reviewed_is_applied(void **state)
{
    static const char *const paths[] = { WORKFLOW, GITLAB };
    char path[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/stub", dir);
        proc_remove_dir(path);
        assert_int_equal(fsio_mkdirs(path, 0700, &(struct err)ERR_INIT), 0);
        put_stub("curl", stub_curl, 0700);
        put_stub("abmctl", stub_abmctl, 0700);
        put_stub("serial", "A1", 0600);
        put_stub("called", "", 0600);
        assert_int_not_equal(run_job(paths[i], "apply"), 0); /* nobody has posted a plan */
        assert_false(is_called("apply --plan"));
        assert_int_equal(run_job(paths[i], "plan"), 0);
        assert_true(is_called("plan --input"));
        assert_int_equal(run_job(paths[i], "apply"), 0);
        assert_true(is_called("apply --plan"));
        put_stub("called", "", 0600);
        put_stub("serial", "A2", 0600);
        assert_int_not_equal(run_job(paths[i], "apply"), 0); /* something else would be done */
        assert_true(is_called("plan --input"));
        assert_false(is_called("apply --plan"));
    }
}

static int setup(void **state)
{
    const char *const copy[] = { "cp", "-R", EXAMPLE "/.", dir, NULL };
    struct proc_options options = { .argv = copy };
    struct err err = ERR_INIT;

    (void)state;
    if (proc_temp_dir("rounds", dir, sizeof(dir), &err) != 0 || proc_run(&options, 60000, &err) != 0)
        return -1;
    return 0;
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
        cmocka_unit_test(only_what_was_reviewed_is_applied),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
