/* The text of a plan: members in their sorted order, which is that of the lines below. */
#include "domain/plan_inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/json_canonical.h"

/* `"name":`, with a comma before all but the first member of an object. */
static void put_name(struct buf *out, const char *name)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';

    if (last != '{' && last != ',')
        buf_add_char(out, ',');
    buf_add_char(out, '"');
    buf_add_str(out, name); /* all of ours are plain */
    buf_add_str(out, "\":");
}

static void put_text_or_null(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    if (text != NULL)
        json_canonical_string(out, text, strlen(text));
    else
        buf_add_str(out, "null");
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    if (text != NULL)
        put_text_or_null(out, name, text);
}

static void put_int(struct buf *out, const char *name, int64_t number)
{
    put_name(out, name);
    buf_add_int(out, number);
}

static void put_bool(struct buf *out, const char *name, bool is_true)
{
    put_name(out, name);
    buf_add_str(out, is_true ? "true" : "false");
}

void plan_print_entry(struct buf *out, const struct plan_entry *entry, int64_t row)
{
    buf_add_char(out, '{');
    put_text(out, "asset_tag", entry->asset_tag);
    put_text(out, "country", entry->country);
    put_text_or_null(out, "from", entry->from_blueprint_id);
    if (entry->has_servers)
        put_text_or_null(out, "from_mdm_server", entry->from_mdm_server_id);
    put_text(out, "mdm_server", entry->mdm_server_id);
    put_text(out, "model", entry->model);
    put_text(out, "order_number", entry->order_number);
    put_int(out, "row", row);
    put_text(out, "serial", entry->serial);
    put_text_or_null(out, "state", plan_state_name(entry->state));
    put_text(out, "to", entry->to_blueprint_id);
    if (entry->has_servers)
        put_text_or_null(out, "to_mdm_server", entry->to_mdm_server_id);
    buf_add_char(out, '}');
}

/* The comma that ends a piece, so that the piece behind begins with its first member. */
static void end_piece(struct buf *out)
{
    buf_add_char(out, ',');
}

static void put_brake(struct buf *out, const struct plan_brake *brake)
{
    put_name(out, "brake");
    buf_add_char(out, '{');
    put_int(out, "changes", brake->changes);
    put_int(out, "existing", brake->existing);
    put_text(out, "max_changes", brake->max_changes);
    put_bool(out, "would_pause", brake->would_pause);
    buf_add_char(out, '}');
}

/* From the list of changes to the hash. */
static void put_middle(struct buf *out, const struct plan_head *head)
{
    char created_at[CLOCK_ISO_BYTES];

    buf_add_char(out, ']');
    put_bool(out, "complete", head->is_complete);
    put_text(out, "created_at", clock_iso(head->created_at_ms, created_at));
    put_text(out, "dialect", head->dialect);
    put_int(out, "duplicate", head->duplicate);
    put_text_or_null(out, "git_commit", head->git_commit);
    put_name(out, "inputs");
    buf_add_char(out, '{');
    put_text_or_null(out, "mapping_sha256", head->mapping_sha256);
    put_text_or_null(out, "name", head->input_name);
    put_text_or_null(out, "sha256", head->input_sha256);
    buf_add_char(out, '}');
    if (head->is_only_new) {
        put_int(out, "kept", head->kept);
        put_bool(out, "only_new", true);
    }
    put_text(out, "operator", head->operator_);
    put_text(out, "org", head->org);
    end_piece(out);
}

static void put_close(struct buf *out, const struct plan_head *head)
{
    buf_add_char(out, ']');
    put_text(out, "reverts", head->reverts);
    put_int(out, "unchanged", head->unchanged);
    put_int(out, "version", PLAN_VERSION);
    buf_add_char(out, '}');
}

/* A piece begins anew, whatever stands before it: put_name adds no comma to nothing. */
static void put_list(struct buf *out, const char *name)
{
    put_name(out, name);
    buf_add_char(out, '[');
}

int plan_pieces_before(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_ADD: return PLAN_PIECE_OPEN + 1;
    case PLAN_CHANGE: return PLAN_PIECE_CHANGE + 1;
    case PLAN_REMOVE: return PLAN_PIECE_REMOVE + 1;
    case PLAN_SAME: break;
    }
    return PLAN_PIECES;
}

bool plan_piece_is_hashed(enum plan_piece piece)
{
    return piece != PLAN_PIECE_APPROVALS && piece != PLAN_PIECE_SHA256 && piece != PLAN_PIECE_NEWLINE;
}

void plan_print_piece(struct buf *out, enum plan_piece piece, const struct plan_head *head,
                      const char *plan_sha256)
{
    switch (piece) {
    case PLAN_PIECE_OPEN:
        buf_add_char(out, '{');
        put_list(out, "add");
        return;
    case PLAN_PIECE_API:
        buf_add_char(out, ']');
        put_text(out, "api_version", head->api_version);
        end_piece(out);
        return;
    case PLAN_PIECE_APPROVALS:
        if (head->approvals == NULL)
            return;
        put_name(out, "approvals");
        buf_add_str(out, head->approvals);
        end_piece(out);
        return;
    case PLAN_PIECE_CHANGE:
        if (head->brake.max_changes != NULL)
            put_brake(out, &head->brake);
        put_list(out, "change");
        return;
    case PLAN_PIECE_COMPLETE: put_middle(out, head); return;
    case PLAN_PIECE_SHA256:
        if (plan_sha256 == NULL)
            return;
        put_text(out, "plan_sha256", plan_sha256);
        end_piece(out);
        return;
    case PLAN_PIECE_REMOVE:
        put_int(out, "rejected", head->rejected);
        put_list(out, "remove");
        return;
    case PLAN_PIECE_CLOSE: put_close(out, head); return;
    case PLAN_PIECE_NEWLINE: buf_add_char(out, '\n'); return;
    case PLAN_PIECES: return;
    }
}
