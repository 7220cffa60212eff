#include "queue/settle.h"

#include <string.h>

#include "queue/scripts.h"

static void key(struct redis_args *args, const struct keys *keys, const char *a, const char *b,
                char (*text)[KEY_MAX_BYTES])
{
    redis_arg(args, keys_make(keys, a, b, *text));
}

/* What was settled stands. Where too few replicas hold it that is said once, and the caller begins nothing
 * more until they do: to wait here again with every further step would only be slower. */
static int confirm(struct redis *redis, struct err *err)
{
    if (redis_shortage(redis) != NULL)
        return 0;
    return redis_confirm(redis, err) < 0 ? -1 : 0;
}

/* Runs the script and reads its first word. Where the kind says all, the reply is freed here (reply_r NULL).
 */
static int run(struct redis *redis, enum script script, const struct redis_args *args,
               enum settle_kind *kind_r, struct redis_reply **reply_r, struct err *err)
{
    static const char *const words[] = { "ok", "lost", "repeated", "conflict", "claims", "later" };
    struct redis_reply *reply;
    const char *word;

    if (scripts_run(redis, script, args, &reply, err) != 0)
        return -1;
    word = redis_text(redis_at(reply, 0), NULL);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        *kind_r = (enum settle_kind)i;
        if (*kind_r == SETTLE_OK && confirm(redis, err) != 0) {
            redis_reply_free(reply);
            return -1;
        }
        if (reply_r != NULL)
            *reply_r = reply;
        else
            redis_reply_free(reply);
        return 0;
    }
    redis_reply_free(reply);
    return err_set(err, ERR_BUG, 0, "a settle script answered neither ok nor why not");
}

static void add_publications(struct redis_args *args, const struct settle_head *head)
{
    for (size_t i = 0; i < head->publication_count; i++) {
        const struct settle_publication *p = &head->publications[i];

        redis_arg_int(args, p->target);
        redis_arg(args, p->field);
        redis_arg_int(args, (int64_t)p->devices);
        redis_arg_int(args, p->delay_ms);
        redis_arg_len(args, p->body, p->len);
    }
}

static void add_letters(struct redis_args *args, const struct settle_head *head)
{
    for (size_t i = 0; i < head->letter_count; i++) {
        const struct settle_letter *l = &head->letters[i];

        redis_arg(args, l->serial);
        redis_arg(args, l->run);
        redis_arg_int(args, l->row);
        redis_arg_int(args, l->seq);
        redis_arg(args, l->code);
        redis_arg(args, l->text);
        redis_arg_int(args, l->at_ms);
        redis_arg_len(args, l->body, l->len);
        redis_arg(args, l->field);
    }
}

/* What stays as it is costs no command. */
static int64_t count_counters(const struct settle_head *head)
{
    int64_t count = 0;

    for (size_t i = 0; i < head->counter_count; i++)
        count += head->counters[i].by != 0;
    return count;
}

int settle_run(struct redis *redis, const struct settle_head *head, enum settle_kind *kind_r,
               struct redis_reply **reply_r, struct err *err)
{
    char names[4 + 2 * SETTLE_MAX_TARGETS][KEY_MAX_BYTES];
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, (int64_t)(4 + 2 * head->target_count));
    redis_arg(&args, keys_stream(head->keys, head->stage, names[0]));
    key(&args, head->keys, "count", head->stage, &names[1]);
    key(&args, head->keys, "retry", head->stage, &names[2]);
    key(&args, head->keys, "dead", head->stage, &names[3]);
    for (size_t i = 0; i < head->target_count; i++) {
        redis_arg(&args, keys_stream(head->keys, head->targets[i], names[4 + 2 * i]));
        key(&args, head->keys, "count", head->targets[i], &names[5 + 2 * i]);
    }
    redis_arg(&args, head->keys->prefix);
    redis_arg(&args, head->stage);
    redis_arg(&args, head->consumer);
    redis_arg_int(&args, (int64_t)head->id_count);
    redis_arg_int(&args, (int64_t)head->devices);
    redis_arg_int(&args, (int64_t)head->publication_count);
    redis_arg_int(&args, (int64_t)head->letter_count);
    redis_arg_int(&args, (int64_t)head->note_count);
    redis_arg_int(&args, count_counters(head));
    for (size_t i = 0; i < head->id_count; i++)
        redis_arg(&args, head->ids[i]);
    add_publications(&args, head);
    add_letters(&args, head);
    for (size_t i = 0; i < head->note_count; i++)
        redis_arg(&args, head->note_uids[i]);
    for (size_t i = 0; i < head->counter_count; i++) {
        if (head->counters[i].by == 0)
            continue;
        redis_arg(&args, head->counters[i].name);
        redis_arg_int(&args, head->counters[i].by);
    }
    rc = run(redis, SCRIPT_settle, &args, kind_r, reply_r, err);
    redis_args_release(&args);
    return rc;
}

/* The two numbers behind index in the answer of a script that opened the claims. */
static void learn_layout(const struct redis_reply *reply, size_t index, struct claims_layout *layout)
{
    int64_t hashes = redis_integer(redis_at(reply, index));

    if (hashes > 0)
        *layout = (struct claims_layout){ hashes, redis_integer(redis_at(reply, index + 1)) };
}

int settle_register(struct redis *redis, const struct settle_head *head, const struct settle_register *reg,
                    struct claims_layout *layout, enum settle_kind *kind_r, struct redis_reply **reply_r,
                    struct err *err)
{
    char names[8][KEY_MAX_BYTES];
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    redis_arg_int(&args, 8);
    key(&args, head->keys, "ingest", NULL, &names[0]);
    key(&args, head->keys, "count", "validate", &names[1]);
    key(&args, head->keys, "retry", "validate", &names[2]);
    key(&args, head->keys, "dead", "validate", &names[3]);
    key(&args, head->keys, "import", NULL, &names[4]);
    key(&args, head->keys, "count", "import", &names[5]);
    key(&args, head->keys, "audit", NULL, &names[6]);
    key(&args, head->keys, "count", "audit", &names[7]);
    redis_arg(&args, head->keys->prefix);
    redis_arg(&args, head->consumer);
    redis_arg(&args, reg->id);
    redis_arg(&args, reg->run);
    redis_arg(&args, reg->batch);
    redis_arg_int(&args, reg->batches);
    redis_arg(&args, reg->sha256);
    redis_arg_int(&args, reg->rows);
    redis_arg_int(&args, reg->is_part);
    redis_arg_int(&args, reg->is_split);
    redis_arg(&args, reg->malformed);
    redis_arg(&args, reg->spare_uid);
    redis_arg(&args, reg->mapping_sha256);
    redis_arg_len(&args, reg->mapping_text != NULL ? reg->mapping_text : "", reg->mapping_len);
    redis_arg_int(&args, (int64_t)reg->member_count);
    redis_arg_int(&args, (int64_t)reg->claim_count);
    redis_arg_int(&args, (int64_t)head->publication_count);
    redis_arg_int(&args, (int64_t)head->letter_count);
    redis_arg_int(&args, layout->hashes);
    redis_arg_int(&args, layout->seed);
    for (size_t i = 0; i < 2 * reg->member_count; i++)
        redis_arg(&args, reg->members[i]);
    for (size_t i = 0; i < reg->claim_count; i++) {
        redis_arg(&args, reg->claims[i].serial);
        redis_arg_int(&args, reg->claims[i].row);
        redis_arg_int(&args, claims_slot(layout, reg->claims[i].serial));
    }
    add_publications(&args, head);
    add_letters(&args, head);
    rc = run(redis, SCRIPT_register, &args, kind_r, reply_r, err);
    if (rc == 0 && *kind_r == SETTLE_OK)
        learn_layout(*reply_r, 2, layout);
    redis_args_release(&args);
    return rc;
}

static void add_audit_keys(struct redis_args *args, const struct keys *keys, char names[2][KEY_MAX_BYTES])
{
    redis_arg_int(args, 2);
    key(args, keys, "audit", NULL, &names[0]);
    key(args, keys, "count", "audit", &names[1]);
    redis_arg(args, keys->prefix);
}

/* Outcomes are few: each name once, with how many there are of it. */
struct outcome_count {
    const char *name;
    int64_t count;
};

static size_t count_outcomes(const struct settle_outcome *outcomes, size_t count, struct outcome_count *list)
{
    size_t kinds = 0, at;

    for (size_t i = 0; i < count; i++) {
        for (at = 0; at < kinds; at++)
            if (strcmp(list[at].name, outcomes[i].outcome) == 0)
                break;
        if (at == SETTLE_MAX_OUTCOMES)
            return at + 1;
        if (at == kinds)
            list[kinds++] = (struct outcome_count){ outcomes[i].outcome, 0 };
        list[at].count++;
    }
    return kinds;
}

int settle_account(struct redis *redis, const struct keys *keys, const char *consumer, const char *id,
                   const char *run_id, const char *part_name, const char *part_sha256, const char *spare_uid,
                   int64_t keep_ms, int64_t max_failed, const struct settle_outcome *outcomes, size_t count,
                   struct claims_layout *layout, enum settle_kind *kind_r, struct err *err)
{
    struct outcome_count list[SETTLE_MAX_OUTCOMES];
    size_t kinds = count_outcomes(outcomes, count, list);
    char names[2][KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct redis_args args;
    int64_t late = 0, failed = 0, unweighed = 0;
    int rc;

    if (kinds > SETTLE_MAX_OUTCOMES)
        return err_set(err, ERR_BUG, 0, "more kinds of outcomes than there are");
    for (size_t i = 0; i < count; i++) {
        late += outcomes[i].is_late;
        failed += max_failed >= 0 && outcomes[i].is_failed;
        unweighed += outcomes[i].is_unweighed;
    }
    redis_args_init(&args);
    add_audit_keys(&args, keys, names);
    redis_arg(&args, consumer);
    redis_arg(&args, id);
    redis_arg(&args, run_id);
    redis_arg(&args, part_name);
    redis_arg(&args, part_sha256);
    redis_arg(&args, spare_uid);
    redis_arg_int(&args, keep_ms);
    redis_arg_int(&args, (int64_t)count);
    redis_arg_int(&args, (int64_t)kinds);
    redis_arg_int(&args, late);
    redis_arg_int(&args, layout->hashes);
    redis_arg_int(&args, layout->seed);
    if (max_failed >= 0)
        redis_arg_int(&args, max_failed);
    else
        redis_arg(&args, "");
    redis_arg_int(&args, failed);
    redis_arg_int(&args, unweighed);
    for (size_t i = 0; i < count; i++) {
        redis_arg(&args, outcomes[i].serial);
        redis_arg_int(&args, outcomes[i].row);
        redis_arg_int(&args, claims_slot(layout, outcomes[i].serial));
    }
    for (size_t i = 0; i < kinds; i++) {
        redis_arg(&args, list[i].name);
        redis_arg_int(&args, list[i].count);
    }
    for (size_t i = 0; late > 0 && i < count; i++)
        if (outcomes[i].is_late)
            redis_arg_int(&args, (int64_t)i + 1);
    for (size_t i = 0; failed > 0 && i < count; i++)
        if (outcomes[i].is_failed)
            redis_arg_int(&args, (int64_t)i + 1);
    for (size_t i = 0; unweighed > 0 && i < count; i++)
        if (outcomes[i].is_unweighed)
            redis_arg_int(&args, outcomes[i].row);
    rc = run(redis, SCRIPT_account, &args, kind_r, &reply, err);
    redis_args_release(&args);
    if (rc != 0)
        return -1;
    if (*kind_r == SETTLE_OK)
        learn_layout(reply, 1, layout);
    redis_reply_free(reply);
    return 0;
}

int settle_closed(struct redis *redis, const struct keys *keys, const char *consumer, const char *id,
                  const char *run_id, const char *state, const char *manifest_path,
                  const char *payload_sha256, int64_t records_files, int64_t manifest,
                  enum settle_kind *kind_r, struct err *err)
{
    char names[2][KEY_MAX_BYTES];
    struct redis_args args;
    int rc;

    redis_args_init(&args);
    add_audit_keys(&args, keys, names);
    redis_arg(&args, consumer);
    redis_arg(&args, id);
    redis_arg(&args, run_id);
    redis_arg(&args, state);
    redis_arg(&args, manifest_path);
    redis_arg(&args, payload_sha256);
    redis_arg_int(&args, records_files);
    redis_arg_int(&args, manifest);
    rc = run(redis, SCRIPT_closed, &args, kind_r, NULL, err);
    redis_args_release(&args);
    return rc;
}
