/*
 * Any bytes as a plan: one that is taken is written again byte for byte, whatever pieces it came in. Its hash
 * is not looked at, which no fuzzer would find. Its approvals are listed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "fuzz.h"

#define POOL_BYTES (32u << 20)

struct input {
    const char *text;
    size_t left, piece; /* piece 0: as many as fit */
};

/* The entries as they came, and then the document that they make. */
struct kept {
    struct pool *pool;
    struct plan_entry *entries;
    enum plan_kind *kinds;
    size_t count, room;
    const char *want; /* what is left of the document that must come */
    size_t left;
};

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct input *input = ctx;
    size_t len = input->left < cap ? input->left : cap;

    (void)err;
    if (input->piece > 0 && len > input->piece)
        len = input->piece;
    if (len > 0)
        memcpy(data, input->text, len);
    input->text += len;
    input->left -= len;
    *got_r = len;
    return 0;
}

static void hash_some(void *ctx, const char *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
}

static int keep(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    struct kept *kept = ctx;
    struct plan_entry *own;

    (void)err;
    if (kept->count == kept->room)
        return 1; /* no more than the input has brackets */
    own = &kept->entries[kept->count];
    kept->kinds[kept->count++] = kind;
    *own = *entry;
    own->serial = pool_strdup(kept->pool, entry->serial);
    own->country = pool_strdup(kept->pool, entry->country);
    own->model = pool_strdup(kept->pool, entry->model);
    own->order_number = pool_strdup(kept->pool, entry->order_number);
    own->asset_tag = pool_strdup(kept->pool, entry->asset_tag);
    own->from_blueprint_id = pool_strdup(kept->pool, entry->from_blueprint_id);
    own->to_blueprint_id = pool_strdup(kept->pool, entry->to_blueprint_id);
    own->mdm_server_id = pool_strdup(kept->pool, entry->mdm_server_id);
    own->from_mdm_server_id = pool_strdup(kept->pool, entry->from_mdm_server_id);
    own->to_mdm_server_id = pool_strdup(kept->pool, entry->to_mdm_server_id);
    return 0;
}

static int compare(void *ctx, const char *data, size_t len, bool is_hashed, struct err *err)
{
    struct kept *kept = ctx;

    (void)is_hashed, (void)err;
    if (len > kept->left || memcmp(data, kept->want, len) != 0)
        abort();
    kept->want += len;
    kept->left -= len;
    return 0;
}

static void write_again(struct kept *kept, const struct plan_head *head)
{
    const struct plan_sink sink = { compare, kept };
    struct plan_writer writer;
    struct err err = ERR_INIT;

    plan_writer_init(&writer, head, head->plan_sha256, &sink);
    for (size_t i = 0; i < kept->count; i++)
        if (plan_writer_add(&writer, kept->kinds[i], &kept->entries[i], &err) != 0)
            abort();
    if (plan_writer_end(&writer, &err) != 0 || kept->left != 0)
        abort();
    plan_writer_release(&writer);
}

static void check_guess(const uint8_t *data, size_t size, bool is_taken)
{
    struct input input = { .text = (const char *)data, .left = size };
    const struct plan_source source = { read_some, hash_some, &input };
    struct err err = ERR_INIT;
    struct plan_guess guess;

    if (plan_guess(&source, &guess, &err) != 0)
        abort();
    if (is_taken && (!guess.is_plan || guess.version != PLAN_VERSION))
        abort();
}

static void check_approvals(const struct plan_head *head, struct pool *pool)
{
    struct approval_list list;
    struct err err = ERR_INIT;

    if (approval_check(head, NULL, 0, 0, pool, &list, &err) != 0 && err.code != ERR_LIMIT)
        abort();
}

static bool take(const uint8_t *data, size_t size, size_t piece, struct kept *kept)
{
    struct input input = { .text = (const char *)data, .left = size, .piece = piece };
    const struct plan_source source = { read_some, hash_some, &input };
    const struct plan_entry_sink sink = { keep, kept };
    struct err err = ERR_INIT;
    struct plan_head head;
    int rc = plan_read(&source, &sink, kept->pool, &head, &err);

    if (rc < 0 && err.code != ERR_PLAN_ALTERED && err.code != ERR_LIMIT)
        abort();
    if (rc == 0) {
        kept->want = (const char *)data;
        kept->left = size;
        write_again(kept, &head);
        check_approvals(&head, kept->pool);
    }
    return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kept kept = { .pool = pool_new(POOL_BYTES), .room = size / 32 + 1 };
    bool is_taken;

    kept.entries = kept.pool != NULL ? pool_array(kept.pool, kept.room, sizeof(*kept.entries)) : NULL;
    kept.kinds = kept.entries != NULL ? pool_array(kept.pool, kept.room, sizeof(*kept.kinds)) : NULL;
    if (kept.kinds != NULL) {
        is_taken = take(data, size, 0, &kept);
        kept.count = 0;
        if (take(data, size, 1 + size % 61, &kept) != is_taken)
            abort();
        check_guess(data, size, is_taken);
    }
    pool_free(kept.pool);
    return 0;
}
