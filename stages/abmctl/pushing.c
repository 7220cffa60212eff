#include "pushing.h"

#include <string.h>

#include "base/clock.h"
#include "domain/message.h"
#include "look.h"
#include "results.h"

#define TRIES_MAX  999
#define POOL_BYTES (4u * 1024 * 1024)

int pushing_init(struct pushing *pushing, struct ctl *ctl, struct err *err)
{
    pushing->ctl = ctl;
    pushing->begun_boot_ms = clock_boot_ms();
    if (pushing->run != NULL && !run_id_is_valid(pushing->run))
        return err_set(err, ERR_RUN_ID, 0, "--run '%.100s' is no run id", pushing->run);
    return 0;
}

int pushing_count(struct pushing *pushing, struct err *err)
{
    static const struct ingest head;
    struct batcher batcher;
    int rc;

    if (batcher_init(&batcher, &head, pushing->size, NULL, NULL, err) != 0)
        return -1;
    rc = feed_pass(&pushing->feed, &batcher, err);
    pushing->batches = batcher.batches;
    batcher_release(&batcher);
    return rc;
}

int pushing_check_count(const struct pushing *pushing, struct err *err)
{
    if (pushing->is_urgent && pushing->batches > 1)
        return err_set(err, ERR_LIMIT, 0,
                       "%s makes %lld batches: an urgent push is one batch of at most %d rows; push the rest "
                       "without --urgent",
                       pushing->feed.name, (long long)pushing->batches, INGEST_MAX_DEVICES);
    if (pushing->batches > INGEST_MAX_BATCHES)
        return err_set(err, ERR_LIMIT, 0, "%s makes %lld batches, at most %d", pushing->feed.name,
                       (long long)pushing->batches, INGEST_MAX_BATCHES);
    return 0;
}

/* --- the run --- */

/* What every batch says alike and a resumed push must say again, as one line of JSON. */
static int print_head(const struct pushing *pushing, struct buf *head, struct err *err)
{
    char who[WHO_BYTES];
    struct json_out json;

    json_out_init(&json, head);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "operator", who_operator(who));
    json_add_string(&json, "source", pushing->feed.name);
    json_add_string(&json, "git_commit",
                    pushing->feed.git_commit != NULL ? pushing->feed.git_commit : who_commit());
    json_add_int(&json, "size", pushing->size);
    if (pushing->is_urgent)
        json_add_bool(&json, "urgent", true);
    if (pushing->is_only_new)
        json_add_bool(&json, "only_new", true);
    if (pushing->feed.approvers != NULL)
        json_add_string(&json, "approvers", pushing->feed.approvers);
    json_end(&json, '}');
    return buf_check(head, "the record of the push", err);
}

static void take_text(const struct json *doc, const char *name, char *text, size_t size)
{
    const char *value = json_string(json_get(doc, name));

    snprintf(text, size, "%s", value != NULL ? value : "");
}

int pushing_read_head(struct pushing *pushing, const struct buf *head, struct err *err)
{
    struct json *doc;
    int64_t size;

    if (json_parse(head->data, head->len, &doc, err) != 0)
        return err_prefix(err, "the record of the interrupted push");
    take_text(doc, "operator", pushing->operator_, sizeof(pushing->operator_));
    take_text(doc, "source", pushing->source_name, sizeof(pushing->source_name));
    take_text(doc, "git_commit", pushing->git_commit, sizeof(pushing->git_commit));
    if (!json_int(json_get(doc, "size"), &size) || size < 1 || size > INGEST_MAX_DEVICES)
        size = pushing->size;
    take_text(doc, "approvers", pushing->approvers, sizeof(pushing->approvers));
    if (!approvers_are_valid(pushing->approvers))
        pushing->approvers[0] = '\0';
    pushing->is_urgent = pushing->is_only_new = false;
    (void)json_bool(json_get(doc, "urgent"), &pushing->is_urgent);
    (void)json_bool(json_get(doc, "only_new"), &pushing->is_only_new);
    json_free(doc);
    if (size == pushing->size)
        return 0;
    pushing->size = size; /* the batches of before were of another size: so must these be */
    return pushing_count(pushing, err);
}

struct beginning {
    struct pushing *pushing;
    struct push_input input;
    enum push_begun begun;
    char run[PUSH_RUN_BYTES];
    struct buf head;
};

static int begin(void *user, struct err *err)
{
    struct beginning *beginning = user;
    struct ctl *ctl = beginning->pushing->ctl;

    buf_reset(&beginning->head);
    return push_begin(ctl->redis, &ctl->keys, &beginning->input, &beginning->begun, beginning->run,
                      &beginning->head, err);
}

/* Tries ids until one is free, or finds the run to resume. */
static int find_run(struct beginning *beginning, struct err *err)
{
    struct pushing *pushing = beginning->pushing;

    for (int try = 1; try <= TRIES_MAX; try++) {
        if (pushing->run != NULL)
            snprintf(pushing->id, sizeof(pushing->id), "%s", pushing->run);
        else
            runid_make(clock_real_ms(), pushing->feed.name, pushing->feed.sha256, try, pushing->id);
        if (publish_patiently(pushing->ctl, begin, beginning, err) != 0)
            return -1;
        if (beginning->begun == PUSH_OPEN_AS)
            return err_set(
                err, ERR_RUN_STATE, 0,
                "this input is open as run %s: push it without --run to go on with that, or cancel it first",
                beginning->run);
        if (beginning->begun == PUSH_TAKEN && pushing->run != NULL)
            return err_set(err, ERR_RUN_STATE, 0, "run %s is %s%s: choose another id", pushing->run,
                           beginning->run, strcmp(beginning->run, "open") == 0 ? " with another input" : "");
        if (beginning->begun == PUSH_TAKEN)
            continue;
        memcpy(pushing->id, beginning->run, sizeof(pushing->id));
        pushing->is_resumed = beginning->begun == PUSH_RESUMED;
        return 0;
    }
    return err_set(err, ERR_RUN_STATE, 0, "this input was pushed %d times today: name the run by --run",
                   TRIES_MAX);
}

static int store_rules(void *user, struct err *err)
{
    const struct pushing *pushing = user;

    return push_rules(pushing->ctl->redis, &pushing->ctl->keys, pushing->feed.mapping_sha256,
                      pushing->feed.mapping->data, pushing->feed.mapping->len, err);
}

int pushing_store_rules(struct pushing *pushing, struct err *err)
{
    return pushing->feed.mapping != NULL ? publish_patiently(pushing->ctl, store_rules, pushing, err) : 0;
}

int pushing_begin(struct pushing *pushing, struct err *err)
{
    struct beginning beginning = { .pushing = pushing };
    bool is_only_new = pushing->is_only_new;
    struct buf head;
    int rc;

    buf_init(&head, 16 * 1024);
    buf_init(&beginning.head, 64 * 1024);
    rc = print_head(pushing, &head, err);
    beginning.input = (struct push_input){
        .source_sha256 = pushing->feed.sha256,
        .mapping_sha256 = pushing->feed.mapping_sha256 != NULL ? pushing->feed.mapping_sha256 : "",
        .run = pushing->id,
        .is_named = pushing->run != NULL,
        .head = head.data,
        .keep_ms = pushing->ctl->settings->runs_keep_ms,
        .is_urgent = pushing->is_urgent,
    };
    if (rc == 0)
        rc = find_run(&beginning, err);
    if (rc == 0)
        rc = pushing_read_head(pushing, &beginning.head, err);
    if (rc == 0 && pushing->is_only_new != is_only_new)
        rc = err_set(err, ERR_RUN_STATE, 0,
                     "this input is open as run %s, which was pushed %s --only-new: wait for "
                     "its end, or cancel it first",
                     pushing->id, is_only_new ? "without" : "with");
    buf_release(&head);
    buf_release(&beginning.head);
    if (rc == 0 && pushing->is_resumed)
        ctl_say(pushing->ctl, "run %s of this input is open: only batches that are missing are sent",
                pushing->id);
    return rc == 0 ? pushing_store_rules(pushing, err) : -1;
}

/* --- the second pass --- */

void pushing_head(const struct pushing *pushing, struct ingest *head_r)
{
    *head_r = (struct ingest){
        .run = pushing->id,
        .batches = pushing->batches,
        .mode = "apply",
        .operator_ = pushing->operator_,
        .source_name = pushing->source_name,
        .source_sha256 = pushing->feed.sha256,
        .mapping_sha256 = pushing->feed.mapping_sha256,
        .git_commit = pushing->git_commit[0] != '\0' ? pushing->git_commit : NULL,
        .is_urgent = pushing->is_urgent,
        .is_only_new = pushing->is_only_new,
        .plan_sha256 = pushing->feed.plan_sha256,
        .plan_unchanged = pushing->feed.plan_unchanged,
        .approvers = pushing->approvers[0] != '\0' ? pushing->approvers : NULL,
    };
}

static int publish_all(struct pushing *pushing, struct publish *publish, struct err *err)
{
    struct ingest head;
    struct batcher batcher;
    int rc;

    pushing_head(pushing, &head);
    if (batcher_init(&batcher, &head, pushing->size, publish_batch, publish, err) != 0)
        return -1;
    rc = feed_pass(&pushing->feed, &batcher, err);
    if (rc == 0 && batcher.batches != pushing->batches)
        rc = err_set(err, ERR_INPUT_CHANGED, 0, "%s has fewer rows than before", pushing->feed.path);
    batcher_release(&batcher);
    return rc;
}

int pushing_publish(struct pushing *pushing, struct err *err)
{
    struct publish publish;
    int rc;

    if (publish_init(&publish, pushing->ctl, &pushing->feed, pushing->id, pushing->is_urgent,
                     pushing->batches, err) != 0)
        return -1;
    rc = publish_all(pushing, &publish, err);
    pushing->published = publish.published;
    pushing->skipped = publish.skipped;
    publish_release(&publish);
    ctl_progress_end(pushing->ctl);
    return rc;
}

int pushing_wait(struct pushing *pushing, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct run_view view;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    if (!pushing->ctl->is_json)
        ctl_say(pushing->ctl, "run %s: %lld of %lld batches published; waiting for its end", pushing->id,
                (long long)pushing->published + (long long)pushing->skipped, (long long)pushing->batches);
    rc = look_wait(pushing->ctl, pushing->id, pushing->timeout_ms, pool, &view, err);
    if (rc == 0)
        rc = results_show(pushing->ctl, &view, clock_boot_ms() - pushing->begun_boot_ms, err);
    if (rc == 0)
        rc = results_exit(&view);
    pool_free(pool);
    return rc;
}
