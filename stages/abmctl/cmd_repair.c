/* abmctl run repair: puts back what Redis has lost of an open run, from the input that it was pushed from. */
#include "commands.h"

#include <string.h>

#include "device_file.h"
#include "domain/message.h"
#include "look.h"
#include "mend.h"
#include "plan_feed.h"

#define POOL_BYTES (64u * 1024 * 1024)

struct repair {
    struct device_file file; /* of a run that was pushed */
    const char *plan_path;   /* of one that applies a plan */
    struct plan_file plan_file;
    struct plan_feed plan;
    struct pushing pushing;
    struct pool *pool;
    struct run_view view;
    const char *blueprints; /* NULL: the mapping that Redis holds, else the organization's */
    int64_t size;           /* 0: as the record of the push says, else INGEST_MAX_DEVICES */
    bool is_dry;
    int64_t missing_batches, missing_devices;
};

static int wrong_input(const struct repair *repair, const char *what, const char *want, const char *got,
                       struct err *err)
{
    return err_set(err, ERR_INPUT_OTHER, 0, "run %s was pushed with %s of SHA-256 %.12s, this one is %.12s",
                   repair->pushing.id, what, want, got);
}

/* The very mapping of the run, since it decides which duplicates differ, and so the bytes of a batch. */
static int open_rules(struct repair *repair, struct err *err)
{
    struct ctl *ctl = repair->pushing.ctl;
    struct runbook book = shared_runbook(&ctl->shared);
    const char *wanted = repair->view.mapping_sha256;
    struct rules_file *rules = &repair->file.rules;
    const char *text;
    size_t len;
    int rc = 0;

    if (repair->blueprints == NULL && wanted != NULL)
        rc = runbook_mapping(&book, wanted, repair->pool, &text, &len, err);
    if (rc < 0)
        return -1;
    if (rc == 1)
        return rules_file_take(rules, text, len, err);
    if (rules_file_load(rules, repair->blueprints != NULL ? repair->blueprints : ctl->org->rules, err) != 0)
        return -1;
    if (wanted != NULL && strcmp(wanted, rules->sha256) != 0)
        return wrong_input(repair, "a mapping", wanted, rules->sha256, err);
    return 0;
}

/* Whether it was an urgent one, which stands in its bytes. */
static int read_urgent(struct pushing *pushing, struct err *err)
{
    struct ctl *ctl = pushing->ctl;
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;

    if (redis_callv(ctl->redis, &reply, err, "HGET", keys_make(&ctl->keys, "run", pushing->id, key), "urgent",
                    NULL) != 0)
        return -1;
    pushing->is_urgent = strcmp(redis_text(reply, NULL), "1") == 0;
    redis_reply_free(reply);
    return 0;
}

/* What each batch said alike: the run book has it of the first that came; how many rows a batch has, the
 * record of the push. */
static int take_head(struct repair *repair, struct err *err)
{
    struct pushing *pushing = &repair->pushing;
    const struct run_view *view = &repair->view;
    char run[PUSH_RUN_BYTES];
    struct buf head;
    int rc;

    buf_init(&head, 64 * 1024);
    rc = push_record(pushing->ctl->redis, &pushing->ctl->keys, pushing->feed.sha256,
                     pushing->feed.mapping_sha256 != NULL ? pushing->feed.mapping_sha256 : "", run, &head,
                     err);
    if (rc == 1 && strcmp(run, pushing->id) == 0 && repair->size == 0)
        rc = pushing_read_head(pushing, &head, err);
    buf_release(&head);
    if (rc < 0 || read_urgent(pushing, err) != 0)
        return -1;
    snprintf(pushing->operator_, sizeof(pushing->operator_), "%s",
             view->operator_ != NULL ? view->operator_ : "");
    snprintf(pushing->source_name, sizeof(pushing->source_name), "%s",
             view->source_name != NULL ? view->source_name : "");
    snprintf(pushing->git_commit, sizeof(pushing->git_commit), "%s",
             view->git_commit != NULL ? view->git_commit : "");
    snprintf(pushing->approvers, sizeof(pushing->approvers), "%s",
             view->approvers != NULL && approvers_are_valid(view->approvers) ? view->approvers : "");
    pushing->is_only_new = view->is_only_new;
    if (pushing->batches != view->batches)
        return err_set(err, ERR_INPUT_OTHER, 0,
                       "%s makes %lld batches of %lld rows, run %s has %lld: give the --batch-size that it "
                       "was pushed with",
                       pushing->feed.name, (long long)pushing->batches, (long long)pushing->size, pushing->id,
                       (long long)view->batches);
    return 0;
}

static int open_file(struct repair *repair, struct err *err)
{
    if (open_rules(repair, err) != 0 ||
        device_file_open_with(&repair->file, repair->pushing.ctl, true, err) != 0)
        return -1;
    repair->pushing.feed = device_file_feed(&repair->file);
    return 0;
}

/* What a run has begun with it ends with: neither the plan's age nor its approvals are judged again. */
static int open_plan(struct repair *repair, struct err *err)
{
    if (plan_file_open(&repair->plan_file, repair->plan_path, err) != 0)
        return -1;
    repair->pushing.feed = plan_feed_open(&repair->plan, &repair->plan_file, NULL);
    return 0;
}

/* The run, the source and the rules, and that they belong together. */
static int open_all(struct repair *repair, struct err *err)
{
    struct pushing *pushing = &repair->pushing;
    struct ctl *ctl = pushing->ctl;
    const struct run_view *view = &repair->view;

    if (look_run(ctl, pushing->id, repair->pool, &repair->view, err) != 0)
        return err->code != ERR_NOT_FOUND
                   ? -1
                   : err_set(
                         err, ERR_NOT_FOUND, 0,
                         "Redis knows no run '%s': push the file again, with --run %s where it had this name",
                         pushing->id, pushing->id);
    if (strcmp(view->state != NULL ? view->state : "", "open") != 0)
        return err_set(err, ERR_RUN_STATE, 0, "run %s is %s: nothing of it can be missing", pushing->id,
                       view->state);
    if ((view->plan_sha256 != NULL) != (repair->plan_path != NULL))
        return err_set(err, ERR_INPUT_OTHER, 0,
                       view->plan_sha256 != NULL ? "run %s applies a plan: give that by --plan"
                                                 : "run %s applies no plan: give its file by --input",
                       pushing->id);
    if ((repair->plan_path != NULL ? open_plan(repair, err) : open_file(repair, err)) != 0 ||
        pushing_count(pushing, err) != 0)
        return -1;
    if (view->source_sha256 != NULL && strcmp(view->source_sha256, pushing->feed.sha256) != 0)
        return wrong_input(repair, repair->plan_path != NULL ? "a plan" : "a file", view->source_sha256,
                           pushing->feed.sha256, err);
    return take_head(repair, err);
}

static int show(struct repair *repair, const struct mend *mend, struct err *err)
{
    const struct pushing *pushing = &repair->pushing;
    struct json_out json;
    struct buf line;
    int rc;

    if (!pushing->ctl->is_json) {
        printf("run %s: %lld batches and %lld devices stand%s nowhere\n", pushing->id,
               (long long)repair->missing_batches, (long long)repair->missing_devices,
               repair->is_dry ? "" : " or stood");
        if (!repair->is_dry)
            printf("published %lld batches, put back %lld devices; follow it: abmctl status --run %s\n",
                   (long long)pushing->published, (long long)mend->put_back, pushing->id);
        return 0;
    }
    buf_init(&line, 4096);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "run", pushing->id);
    json_add_int(&json, "missing_batches", repair->missing_batches);
    json_add_int(&json, "missing_devices", repair->missing_devices);
    json_add_int(&json, "published", pushing->published);
    json_add_int(&json, "put_back", mend->put_back);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int go(struct repair *repair, struct mend *mend, struct err *err)
{
    struct pushing *pushing = &repair->pushing;

    if (open_all(repair, err) != 0 || mend_init(mend, pushing, err) != 0 || mend_compare(mend, err) != 0 ||
        (!repair->is_dry && pushing_store_rules(pushing, err) != 0) || /* validate asks for them */
        mend_devices(mend, repair->is_dry, err) != 0)
        return -1;
    repair->missing_devices = repair->is_dry ? mend->lost : mend->put_back;
    repair->missing_batches = repair_missing_batches(&mend->look);
    if (repair->is_dry)
        return show(repair, mend, err);
    if (repair->missing_batches > 0 && pushing_publish(pushing, err) != 0)
        return -1;
    return show(repair, mend, err);
}

static int run_repair(struct repair *repair, struct ctl *ctl, struct err *err)
{
    struct pushing *pushing = &repair->pushing;
    struct mend mend = { 0 };
    int rc;

    if ((repair->file.input == NULL && repair->plan_path == NULL) || pushing->run == NULL)
        return err_set(err, ERR_USAGE, 0, "run repair: --%s is missing",
                       pushing->run == NULL ? "run" : "input or --plan");
    if (repair->file.input != NULL && repair->plan_path != NULL)
        return err_set(err, ERR_USAGE, 0, "run repair: --input or --plan, not both");
    if (!run_id_is_valid(pushing->run))
        return err_set(err, ERR_RUN_ID, 0, "--run '%.100s' is no run id", pushing->run);
    snprintf(pushing->id, sizeof(pushing->id), "%s", pushing->run);
    pushing->ctl = ctl;
    repair->file.source.fd = repair->plan_file.fd = -1;
    pushing->size = repair->size > 0 ? repair->size : INGEST_MAX_DEVICES;
    if (ctl_open_redis(ctl, err) != 0 || ctl_catch_signals(ctl, err) != 0)
        return -1;
    repair->pool = pool_new(POOL_BYTES);
    if (repair->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = go(repair, &mend, err);
    mend_release(&mend);
    device_file_release(&repair->file);
    plan_file_close(&repair->plan_file);
    pool_free(repair->pool);
    return rc;
}

int cmd_run_repair(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct repair repair = { 0 };
    const struct ctl_option rows[] = {
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &repair.pushing.run,
          .value = "ID",
          .help = "the open run that lacks something" },
        { .name = "input",
          .letter = 'i',
          .kind = CTL_TEXT,
          .to.text = &repair.file.input,
          .value = "FILE",
          .help = "the very file that it was pushed from; -: stdin" },
        { .name = "plan",
          .letter = 'p',
          .kind = CTL_TEXT,
          .to.text = &repair.plan_path,
          .value = "FILE",
          .help = "the very plan that the run applies, in place of --input" },
        { .name = "format",
          .kind = CTL_TEXT,
          .to.text = &repair.file.format,
          .value = "FORMAT",
          .help = "csv, yaml or jsonl, whatever the suffix (stdin: csv)" },
        { .name = "blueprints",
          .kind = CTL_TEXT,
          .to.text = &repair.blueprints,
          .value = "FILE",
          .help = "the mapping of then, where Redis does not hold it" },
        { .name = "batch-size",
          .kind = CTL_INT,
          .to.number = &repair.size,
          .value = "N",
          .help = "the --batch-size of then, where Redis does not know it",
          .min = 1,
          .max = INGEST_MAX_DEVICES },
        { .name = "dry-run",
          .kind = CTL_FLAG,
          .to.flag = &repair.is_dry,
          .help = "only tell what is missing" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    return run_repair(&repair, ctl, err);
}
