#include "audit_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "domain/approvers.h"
#include "table.h"

#define OUT_BYTES  (256u * 1024 * 1024)
#define POOL_BYTES (256u * 1024 * 1024)

/* One manifest as listed. */
struct row {
    const char *org, *run, *name, *sha256;
    const char *plan_sha256, *plan_approvers; /* NULL: of no plan; nobody */
    int64_t sequence, timestamp_ms, total, bad;
    bool is_complete;
};

struct listing {
    struct pool *pool;
    struct row *rows;
    size_t count, room;
};

static int grow(struct listing *listing, struct err *err)
{
    size_t room = listing->room > 0 ? listing->room * 2 : 64;
    struct row *bigger;

    if (listing->count < listing->room)
        return 0;
    bigger = pool_array(listing->pool, room, sizeof(*bigger));
    if (bigger == NULL)
        return pool_failed(listing->pool, err);
    if (listing->count > 0)
        memcpy(bigger, listing->rows, listing->count * sizeof(*bigger));
    listing->rows = bigger;
    listing->room = room;
    return 0;
}

static int add_row(void *ctx, const struct tree_manifest *found, struct err *err)
{
    const struct manifest *manifest = &found->manifest;
    struct listing *listing = ctx;
    struct row *row;

    if (grow(listing, err) != 0)
        return -1;
    row = &listing->rows[listing->count++];
    *row = (struct row){
        .org = pool_strdup(listing->pool, manifest->org),
        .run = pool_strdup(listing->pool, manifest->run),
        .name = pool_strdup(listing->pool, found->name),
        .sha256 = pool_strdup(listing->pool, found->payload_sha256),
        .sequence = manifest->sequence,
        .timestamp_ms = manifest->timestamp_ms,
        .total = manifest->total,
        .is_complete = manifest->is_complete,
        .plan_sha256 = pool_strdup(listing->pool, manifest->plan_sha256),
        .plan_approvers = pool_strdup(listing->pool, manifest->plan_approvers),
    };
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        if (!outcome_is_good((enum outcome)outcome))
            row->bad += manifest->outputs[outcome];
    if (row->org == NULL || row->run == NULL || row->name == NULL || row->sha256 == NULL ||
        (row->plan_sha256 == NULL && manifest->plan_sha256 != NULL) ||
        (row->plan_approvers == NULL && manifest->plan_approvers != NULL))
        return pool_failed(listing->pool, err);
    return 0;
}

static int by_sequence(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int order = strcmp(a->org, b->org);

    return order != 0 ? order : (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static void print_plan(struct json_out *json, const char *sha256, const char *approvers)
{
    if (sha256 == NULL)
        return;
    json_add_string(json, "plan_sha256", sha256);
    approvers_print(json, "approvers", approvers);
}

static int print_rows(const struct listing *listing, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, OUT_BYTES);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '[');
    for (size_t i = 0; i < listing->count; i++) {
        const struct row *row = &listing->rows[i];
        char time[CLOCK_ISO_BYTES];

        json_begin(&json, NULL, '{');
        json_add_string(&json, "org", row->org);
        json_add_int(&json, "sequence", row->sequence);
        json_add_string(&json, "timestamp", clock_iso(row->timestamp_ms, time));
        json_add_string(&json, "run", row->run);
        json_add_string(&json, "manifest", row->name);
        json_add_int(&json, "total", row->total);
        json_add_int(&json, "not_well", row->bad);
        json_add_bool(&json, "complete", row->is_complete);
        json_add_string(&json, "sha256", row->sha256);
        print_plan(&json, row->plan_sha256, row->plan_approvers);
        json_end(&json, '}');
    }
    json_end(&json, ']');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static int show_rows(const struct listing *listing, struct err *err)
{
    struct table table;
    int rc;

    table_init(&table, ">sequence|time|run|manifest|>devices|>not well|complete|plan");
    for (size_t i = 0; i < listing->count; i++) {
        const struct row *row = &listing->rows[i];
        char time[CLOCK_ISO_BYTES], plan[16];

        table_add_int(&table, row->sequence);
        table_add(&table, clock_iso(row->timestamp_ms, time));
        table_add(&table, row->run);
        table_add(&table, row->name);
        table_add_int(&table, row->total);
        table_add_int(&table, row->bad);
        table_add(&table, row->is_complete ? "yes" : "no");
        snprintf(plan, sizeof(plan), "%.12s", row->plan_sha256 != NULL ? row->plan_sha256 : "-");
        table_add(&table, plan);
    }
    rc = table_show(&table, err);
    table_release(&table);
    return rc;
}

int audit_show_list(struct ctl *ctl, const char *path, struct err *err)
{
    struct listing listing = { .pool = pool_new(POOL_BYTES) };
    const struct tree_visitor visitor = { add_row, &listing };
    bool is_tree;
    size_t count;
    int rc = 0;

    if (listing.pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    if (access(path, F_OK) == 0)
        rc = tree_walk(path, NULL, &visitor, &is_tree, &count, err);
    if (rc == 0 && listing.count > 0)
        qsort(listing.rows, listing.count, sizeof(*listing.rows), by_sequence);
    if (rc == 0)
        rc = ctl->is_json ? print_rows(&listing, err) : show_rows(&listing, err);
    pool_free(listing.pool);
    return rc;
}

static int print_hits(const struct find_hits *hits, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, OUT_BYTES);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '[');
    for (size_t i = 0; i < hits->count; i++) {
        const struct find_hit *hit = &hits->at[i];
        char time[CLOCK_ISO_BYTES];

        json_begin(&json, NULL, '{');
        json_add_string(&json, "org", hit->org);
        json_add_string(&json, "run", hit->run);
        json_add_string(&json, "manifest", hit->manifest);
        json_add_int(&json, "sequence", hit->sequence);
        json_add_string(&json, "timestamp", clock_iso(hit->timestamp_ms, time));
        json_add_int(&json, "index", hit->index);
        print_plan(&json, hit->plan_sha256, hit->plan_approvers);
        json_add_raw(&json, "record", hit->line, hit->len);
        json_end(&json, '}');
    }
    json_end(&json, ']');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

static void show_member(const char *name, const struct json *value)
{
    int64_t number;

    if (json_int(value, &number))
        printf("  %-18s %" PRId64 "\n", name, number);
    else
        printf("  %-18s %s\n", name, ctl_shown(json_string(value)));
}

static int show_record(const struct find_hit *hit, struct err *err)
{
    struct json *doc;

    if (json_parse(hit->line, hit->len, &doc, err) != 0)
        return err_prefix(err, "%s/%s", hit->folder, hit->manifest);
    printf("run %s, %s, sequence %" PRId64 "\n", ctl_shown(hit->run), ctl_shown(hit->manifest),
           hit->sequence);
    if (hit->plan_sha256 != NULL)
        printf("plan %s, approved by %s\n", hit->plan_sha256,
               hit->plan_approvers != NULL ? hit->plan_approvers : "nobody");
    for (const struct json *member = json_first(doc); member != NULL; member = json_next(member)) {
        if (json_kind(member) != JSON_OBJECT) {
            show_member(ctl_shown(json_name(member)), member);
            continue;
        }
        for (const struct json *step = json_first(member); step != NULL; step = json_next(step))
            show_member(ctl_shown(json_name(step)), step);
    }
    json_free(doc);
    return 0;
}

int audit_show_hits(struct ctl *ctl, const struct find_hits *hits, struct err *err)
{
    if (ctl->is_json)
        return print_hits(hits, err);
    for (size_t i = 0; i < hits->count; i++)
        if (show_record(&hits->at[i], err) != 0)
            return -1;
    return 0;
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

int audit_show_whole(struct ctl *ctl, const char *path, const struct verify_result *result, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    if (ctl->is_json) {
        json_begin(&json, NULL, '{');
        json_add_bool(&json, "whole", true);
        json_add_string(&json, "path", path);
        json_add_int(&json, "manifests", result->manifests);
        json_add_int(&json, "record_files", result->record_files);
        json_add_int(&json, "records", result->records);
        json_add_int(&json, "unlisted", result->unlisted);
        json_add_int(&json, "first_sequence", result->first_sequence);
        json_add_int(&json, "last_sequence", result->last_sequence);
        json_add_bool(&json, "chain", result->is_tree);
        json_end(&json, '}');
    } else {
        buf_addf(&line, "whole: %" PRId64 " manifest%s, %" PRId64 " record%s in %" PRId64 " file%s",
                 result->manifests, plural(result->manifests), result->records, plural(result->records),
                 result->record_files, plural(result->record_files));
        if (result->is_tree)
            buf_addf(&line, ", a chain up to sequence %" PRId64, result->last_sequence);
        if (result->unlisted > 0)
            buf_addf(&line, "; %" PRId64 " record files that no manifest names", result->unlisted);
    }
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

int audit_show_proved(struct ctl *ctl, const char *path, const struct find_hit *hit, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 1024 * 1024);
    json_out_init(&json, &line);
    if (ctl->is_json) {
        json_begin(&json, NULL, '{');
        json_add_bool(&json, "whole", true);
        json_add_string(&json, "path", path);
        json_add_string(&json, "org", hit->org);
        json_add_string(&json, "run", hit->run);
        json_add_int(&json, "sequence", hit->sequence);
        json_add_raw(&json, "record", hit->line, hit->len);
        json_end(&json, '}');
    } else {
        buf_addf(&line, "whole: this record is in the manifest of run %s, sequence %" PRId64 "\n",
                 ctl_shown(hit->run), hit->sequence);
        str_escape(&line, hit->line, hit->len, hit->len); /* JSON may hold what turns a terminal's writing */
    }
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

int audit_show_refuted(struct ctl *ctl, const char *path, struct err *err)
{
    struct err why = *err;
    struct json_out json;
    struct buf line;
    int rc;

    err_reset(err);
    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    if (ctl->is_json) {
        json_begin(&json, NULL, '{');
        json_add_bool(&json, "whole", false);
        json_add_string(&json, "path", path);
        json_add_string(&json, "code", err_wire(why.code));
        json_add_string(&json, "text", why.text);
        json_end(&json, '}');
    } else {
        buf_add_str(&line, "not whole: ");
        str_escape(&line, why.text, strlen(why.text), ERR_TEXT_MAX);
        buf_addf(&line, " (%s)", err_wire(why.code));
    }
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}

int audit_show_key(struct ctl *ctl, const char *file, const char *keyid, const char *algorithm,
                   const char *pem, struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    if (!ctl->is_json)
        return ctl_print(pem, strlen(pem), err);
    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    if (file != NULL)
        json_add_string(&json, "file", file);
    json_add_string(&json, "keyid", keyid);
    json_add_string(&json, "algorithm", algorithm);
    json_add_string(&json, "public_key", pem);
    json_end(&json, '}');
    rc = ctl_print_line(&line, err);
    buf_release(&line);
    return rc;
}
