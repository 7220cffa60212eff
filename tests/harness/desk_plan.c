#include "harness/desk_plan.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

void desk_plan_init(struct desk_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    plan->head = (struct plan_head){
        .org = "acme",
        .dialect = "abm-v2",
        .api_version = "2.0",
        .created_at_ms = clock_real_ms(),
        .operator_ = "tester",
        .git_commit = "0123abc",
        .input_name = "devices.csv",
        .input_sha256 = HASH,
        .mapping_sha256 = HASH,
    };
}

struct plan_entry *desk_plan_add(struct desk_plan *plan, enum plan_kind kind, const char *serial,
                                 const char *country, const char *from, const char *to)
{
    struct plan_doc_entry *at = &plan->at[plan->count];
    char *kept = plan->serials[plan->count];

    assert_true(plan->count < DESK_PLAN_MAX && strlen(serial) < sizeof(plan->serials[0]));
    snprintf(kept, sizeof(plan->serials[0]), "%s", serial);
    at->kind = kind;
    at->entry = (struct plan_entry){
        .serial = kept,
        .country = country,
        .state = from != NULL ? PLAN_STATE_PROPAGATED : PLAN_STATE_NONE,
        .from_blueprint_id = from,
        .to_blueprint_id = kind == PLAN_REMOVE ? NULL : to,
    };
    plan->count++;
    return &at->entry;
}

const char *desk_plan_write(struct desk_plan *plan, const struct desk *desk, const char *name)
{
    struct pool *pool = pool_new(1u << 20);
    struct err err = ERR_INIT;
    struct plan_head head;
    const char *path;
    struct buf text;

    assert_non_null(pool);
    buf_init(&text, 64u * 1024 * 1024);
    must(plan_doc_write(&text, &plan->head, plan->at, plan->count, &err), &err);
    must(plan_doc_read(text.data, text.len, 0, NULL, pool, &head, &err), &err);
    snprintf(plan->sha256, sizeof(plan->sha256), "%s", head.plan_sha256);
    path = desk_file(desk, name, text.data, text.len);
    buf_release(&text);
    pool_free(pool);
    return path;
}
