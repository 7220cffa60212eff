#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stage/plan.h"

#define TARGET_IMPORT 1
#define TARGET_AUDIT  2
#define TARGET_INGEST 3
#define MEMBERS_MOST  12

/* The register script knows its streams by place: import, audit, and ingest itself. */
static void fix_targets(struct plan *plan)
{
    plan_target(plan, "import");
    plan_target(plan, "audit");
    plan_target(plan, "validate");
}

/* Numbers as text. */
struct numbers {
    char batch[24], unchanged[24];
};

static size_t members_of(struct worker *worker, const struct ingest *ingest, const char *mapping,
                         struct numbers *numbers, const char **members)
{
    const char *pairs[] = {
        "mode",           ingest->mode != NULL ? ingest->mode : "apply",
        "operator",       ingest->operator_,
        "source_name",    ingest->source_name,
        "source_sha256",  ingest->source_sha256,
        "mapping_sha256", mapping,
        "git_commit",     ingest->git_commit,
        "host",           worker->host,
        "urgent",         ingest->is_urgent ? "1" : "",
        "only_new",       ingest->is_only_new ? "1" : "",
        "plan_sha256",    ingest->plan_sha256,
        "plan_unchanged", numbers->unchanged,
        "approvers",      ingest->approvers,
    };

    numbers->unchanged[0] = '\0';
    if (ingest->plan_unchanged > 0)
        snprintf(numbers->unchanged, sizeof(numbers->unchanged), "%lld", (long long)ingest->plan_unchanged);

    memcpy(members, pairs, sizeof(pairs));
    return sizeof(pairs) / sizeof(pairs[0]) / 2;
}

static void register_head(const struct held *held, struct settle_register *reg, struct numbers *numbers)
{
    const struct ingest *ingest = &held->ingest;

    if (ingest->batch > 0)
        snprintf(numbers->batch, sizeof(numbers->batch), "%lld", (long long)ingest->batch);
    else
        snprintf(numbers->batch, sizeof(numbers->batch), "!%.16s", held->sha256);
    reg->id = held->id;
    reg->run = held->run;
    reg->sha256 = held->sha256;
    reg->batch = numbers->batch;
    reg->batches = ingest->batches > 0 ? ingest->batches : 1;
    reg->is_part = ingest->part.sha256 != NULL;
    reg->rows = reg->is_part ? ingest->part.total : (int64_t)(ingest->count + ingest->rejected_count);
    reg->malformed = "";
    reg->mapping_sha256 = "";
}

/* A device holds its claim from here to its outcome; one that ends here needs none. */
static int list_claims(struct work *work, struct plan *plan, struct settle_register *reg, size_t *claim_job,
                       struct err *err)
{
    struct settle_claim *claims = pool_array(plan->pool, work->count, sizeof(*claims));

    if (claims == NULL)
        return pool_failed(plan->pool, err);
    for (size_t i = 0; i < work->count; i++) {
        const struct job *job = &work->jobs[i];

        if (job->verdict != VERDICT_PASS)
            continue;
        claim_job[reg->claim_count] = i;
        claims[reg->claim_count++] = (struct settle_claim){ job->device->serial, job->device->row };
    }
    reg->claims = claims;
    return 0;
}

/* The whole message goes back, as it came, after delay_ms. */
static int park(struct worker *worker, struct held *held, int64_t delay_ms, struct err *err)
{
    struct settle_publication back = {
        .target = delay_ms > 0 ? SETTLE_PARK : 1,
        .field = "batch",
        .delay_ms = delay_ms,
        .body = held->raw,
        .len = held->raw_len,
    };
    const char *ids[] = { held->id };
    struct settle_head head = {
        .keys = &worker->keys,
        .stage = worker->stage->name,
        .consumer = worker->consumer,
        .ids = ids,
        .id_count = 1,
        .targets = { worker->stage->name },
        .target_count = 1,
        .publications = &back,
        .publication_count = 1,
    };
    struct redis_reply *reply;
    enum settle_kind kind;

    if (settle_run(worker->redis, &head, &kind, &reply, err) != 0)
        return -1;
    redis_reply_free(reply);
    return 0;
}

/* A batch that contradicts the run book: one dead letter for the whole. */
static int bury(struct worker *worker, struct held *held, const char *text, struct err *err)
{
    held->kind = HELD_BAD;
    err_set(&held->why, ERR_BATCH_CONFLICT, 0, "%s", text);
    return worker_finish_raw(worker, held, err);
}

/* 1: at least one device ended, plan again. */
static int resolve_claims(struct work *work, const size_t *claim_job, size_t claim_count,
                          const struct redis_reply *reply, struct err *err)
{
    if (redis_count(reply) < 3)
        return err_set(err, ERR_REDIS_REPLY, 0, "the register script names no claim");
    for (size_t i = 1; i + 1 < redis_count(reply); i += 2) {
        int64_t claim = redis_integer(redis_at(reply, i));
        struct job *job;

        if (claim < 0 || (uint64_t)claim >= claim_count)
            return err_set(err, ERR_REDIS_REPLY, 0, "the register script names claim %lld of %zu",
                           (long long)claim, claim_count);
        job = &work->jobs[claim_job[claim]];
        if (strcmp(redis_text(redis_at(reply, i + 1), NULL), "same") == 0)
            job_finish(job, OUTCOME_DUPLICATE, ERR_DUPLICATE, "another row of this run has this serial");
        else
            job_finish(job, OUTCOME_CONFLICT, ERR_CLAIMED,
                       "another run that is still open holds this device");
    }
    return 1;
}

/* One try at the register script. 1: claims were resolved, plan again; 0 done; -1 err. */
static int register_once(struct worker *worker, struct work *work, struct err *err)
{
    struct held *held = work->held[0];
    struct settle_head head = { .keys = &worker->keys,
                                .stage = worker->stage->name,
                                .consumer = worker->consumer };
    const char *members[2 * MEMBERS_MOST];
    char uid[MESSAGE_UID_MAX + 1];
    struct settle_register reg = { 0 };
    struct numbers numbers;
    struct redis_reply *reply = NULL;
    enum settle_kind kind = SETTLE_OK;
    size_t *claim_job;
    struct plan plan;
    int rc = -1;

    if (plan_init(&plan, err) != 0)
        return -1;
    fix_targets(&plan);
    claim_job = pool_array(plan.pool, work->count, sizeof(*claim_job));
    worker_rule_verdicts(worker, work);
    register_head(held, &reg, &numbers);
    if (claim_job == NULL || list_claims(work, &plan, &reg, claim_job, err) != 0 ||
        plan_add_jobs(&plan, worker, work, 0, 1, err) != 0)
        goto out;
    plan_fill(&plan, &head);
    if (held->ingest.mapping_sha256 == NULL && work->batch.mapping_sha256 != NULL) {
        reg.mapping_sha256 = work->batch.mapping_sha256;
        reg.mapping_text = work->batch.mapping_text;
        reg.mapping_len = work->batch.mapping_len;
    }
    reg.members = members;
    reg.member_count = members_of(worker, &held->ingest,
                                  held->ingest.mapping_sha256 != NULL ? held->ingest.mapping_sha256
                                                                      : work->batch.mapping_sha256,
                                  &numbers, members);
    reg.spare_uid = worker_uid(worker, uid);
    if (settle_register(worker->redis, &head, &reg, &worker->claims, &kind, &reply, err) != 0)
        goto out;
    rc = 0;
    switch (kind) {
    case SETTLE_OK: worker->next_backlog = redis_integer(redis_at(reply, 1)); break;
    case SETTLE_LOST: held->is_lost = true; break;
    case SETTLE_REPEATED: log_info("batch_repeated", "run", held->run, "batch", reg.batch, NULL); break;
    case SETTLE_CONFLICT: rc = bury(worker, held, redis_text(redis_at(reply, 1), NULL), err); break;
    case SETTLE_LATER: rc = park(worker, held, redis_integer(redis_at(reply, 1)) + 1, err); break;
    case SETTLE_CLAIMS: rc = resolve_claims(work, claim_job, reg.claim_count, reply, err); break;
    }
out:
    redis_reply_free(reply);
    plan_release(&plan);
    return rc;
}

/* Validate decides a whole batch or nothing of it: what waits, or goes back, takes the message with it. */
static bool goes_back(const struct work *work, int64_t *delay_ms_r)
{
    bool is_back = false;

    *delay_ms_r = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct job *job = &work->jobs[i];

        if (job->verdict == VERDICT_PASS || job->verdict == VERDICT_FINISH)
            continue;
        is_back = true;
        if (job->verdict != VERDICT_BACK && *delay_ms_r == 0)
            *delay_ms_r = 1000;
        if (job->delay_ms > *delay_ms_r)
            *delay_ms_r = job->delay_ms;
    }
    return is_back;
}

static int64_t entry_ms(const char *id)
{
    return strtoll(id, NULL, 10);
}

int worker_finish_ingest(struct worker *worker, struct work *work, struct err *err)
{
    int64_t delay_ms;
    int rc;

    for (size_t i = 0; i < work->count; i++)
        if (work->jobs[i].device->times_ms[STEP_INGEST] == 0)
            work->jobs[i].device->times_ms[STEP_INGEST] = entry_ms(work->held[0]->id);
    if (goes_back(work, &delay_ms))
        return park(worker, work->held[0], delay_ms, err);
    do
        rc = register_once(worker, work, err);
    while (rc == 1); /* each time at least one more device has ended: it comes to an end */
    return rc;
}

static int add_half(struct plan *plan, const struct ingest *head, bool has_rejected,
                    const struct device **list, size_t from, size_t to, const char *path, struct err *err)
{
    struct ingest half = *head;
    struct buf text;
    char *copy;
    int rc;

    half.part.path = path;
    if (!has_rejected)
        half.rejected_count = 0;
    buf_init(&text, 2 * INGEST_MAX_BYTES);
    ingest_print(&text, &half, list + from, to - from);
    rc = buf_check(&text, "half a batch", err);
    copy = rc == 0 ? pool_strndup(plan->pool, text.data, text.len) : NULL;
    if (rc == 0)
        rc = copy != NULL ? plan_add_raw(plan, TARGET_INGEST, "batch", 0, 0, copy, text.len, err)
                          : pool_failed(plan->pool, err);
    buf_release(&text);
    return rc;
}

/* Rows that push refused go with the first half, a device that stands alone beside such rows with the second.
 * Halves of a batch keep the registration that is made here, so that the batch pushed again is still dropped.
 */
static int plan_halves(struct plan *plan, struct held *held, struct err *err)
{
    struct ingest head = held->ingest;
    const char *path = head.part.path != NULL ? head.part.path : "";
    const struct device **list = pool_array(plan->pool, head.count, sizeof(*list));

    if (list == NULL)
        return pool_failed(plan->pool, err);
    for (size_t i = 0; i < head.count; i++)
        list[i] = &held->ingest.devices[i];
    head.run = held->run; /* a run by itself is named by its first entry's id: from here on it says so */
    if (head.part.sha256 == NULL)
        head.part.total = (int64_t)(head.count + head.rejected_count);
    head.part.sha256 = held->sha256;
    if (add_half(plan, &head, true, list, 0, head.count / 2, pool_printf(plan->pool, "%s0", path), err) != 0)
        return -1;
    return add_half(plan, &head, false, list, head.count / 2, head.count,
                    pool_printf(plan->pool, "%s1", path), err);
}

int worker_split_ingest(struct worker *worker, struct held *held, struct err *err)
{
    struct settle_head head = { .keys = &worker->keys,
                                .stage = worker->stage->name,
                                .consumer = worker->consumer };
    const char *members[2 * MEMBERS_MOST];
    char uid[MESSAGE_UID_MAX + 1];
    struct settle_register reg = { 0 };
    struct numbers numbers;
    struct redis_reply *reply;
    enum settle_kind kind;
    struct plan plan;
    int rc = -1;

    if (plan_init(&plan, err) != 0)
        return -1;
    fix_targets(&plan);
    register_head(held, &reg, &numbers);
    reg.is_split = true;
    reg.spare_uid = worker_uid(worker, uid);
    reg.members = members;
    reg.member_count = members_of(worker, &held->ingest, held->ingest.mapping_sha256, &numbers, members);
    if (plan_halves(&plan, held, err) != 0)
        goto out;
    plan_fill(&plan, &head);
    if (settle_register(worker->redis, &head, &reg, &worker->claims, &kind, &reply, err) != 0)
        goto out;
    rc = kind == SETTLE_CONFLICT ? bury(worker, held, redis_text(redis_at(reply, 1), NULL), err) : 0;
    redis_reply_free(reply);
out:
    plan_release(&plan);
    return rc;
}

int worker_bury_ingest(struct worker *worker, struct held *held, struct err *err)
{
    struct settle_head head = { .keys = &worker->keys,
                                .stage = worker->stage->name,
                                .consumer = worker->consumer };
    struct settle_letter letter = {
        .serial = "",
        .run = held->run,
        .code = err_wire(held->why.code),
        .text = held->why.text,
        .at_ms = worker_now_ms(worker),
        .body = held->raw,
        .len = held->raw_len,
        .field = "batch",
    };
    const char *members[2 * MEMBERS_MOST];
    char uid[MESSAGE_UID_MAX + 1];
    struct settle_register reg = { 0 };
    struct numbers numbers;
    struct redis_reply *reply;
    enum settle_kind kind;
    int rc;

    if (!run_id_is_valid(held->run)) /* it names no run: a letter, and that is all */
        return worker_finish_raw(worker, held, err);
    log_err(LOG_LEVEL_ERROR, "batch_dead", &held->why, "id", held->id, "run", held->run, NULL);
    head.letters = &letter;
    head.letter_count = 1;
    register_head(held, &reg, &numbers);
    reg.rows = 0;
    reg.malformed = err_wire(held->why.code);
    reg.spare_uid = worker_uid(worker, uid);
    reg.members = members;
    reg.member_count = members_of(worker, &held->ingest, NULL, &numbers, members);
    if (settle_register(worker->redis, &head, &reg, &worker->claims, &kind, &reply, err) != 0)
        return -1;
    rc = kind == SETTLE_CONFLICT ? worker_finish_raw(worker, held, err) : 0;
    redis_reply_free(reply);
    return rc;
}
