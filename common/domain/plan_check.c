/* What may stand in a plan, and what of it must agree. */
#include "domain/plan_inside.h"

#include <string.h>

#include "base/str.h"
#include "domain/check.h"
#include "domain/ingest.h"

#define TIME_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */

#define ENTRY(name, member, max, form, is_required)                                                          \
    {                                                                                                        \
        name, offsetof(struct plan_entry, member), max, form, is_required                                    \
    }
#define HEAD(name, member, max, form, is_required)                                                           \
    {                                                                                                        \
        name, offsetof(struct plan_head, member), max, form, is_required                                     \
    }

/* What the input or ABM say of a device may be empty: validate judges the device, and the others go on. */
const struct plan_text plan_entry_texts[PLAN_ENTRY_TEXTS] = {
    ENTRY("asset_tag", asset_tag, DEVICE_TAG_MAX, PLAN_TEXT_ANY, false),
    ENTRY("country", country, 64, PLAN_TEXT_ANY, true),
    ENTRY("from", from_blueprint_id, DEVICE_ID_MAX, PLAN_TEXT_ID, false),
    ENTRY("from_mdm_server", from_mdm_server_id, DEVICE_ID_MAX, PLAN_TEXT_ID, false),
    ENTRY("mdm_server", mdm_server_id, DEVICE_ID_MAX, PLAN_TEXT_ID, false),
    ENTRY("model", model, DEVICE_MODEL_MAX, PLAN_TEXT_ANY, false),
    ENTRY("order_number", order_number, DEVICE_ORDER_MAX, PLAN_TEXT_ANY, false),
    ENTRY("serial", serial, DEVICE_SERIAL_MAX, PLAN_TEXT_SOME, true),
    ENTRY("to", to_blueprint_id, DEVICE_ID_MAX, PLAN_TEXT_ID, false),
    ENTRY("to_mdm_server", to_mdm_server_id, DEVICE_ID_MAX, PLAN_TEXT_ID, false),
};

const struct plan_text plan_head_texts[PLAN_HEAD_TEXTS] = {
    HEAD("api_version", api_version, PLAN_WORD_MAX, PLAN_TEXT_SOME, true),
    HEAD("dialect", dialect, PLAN_WORD_MAX, PLAN_TEXT_SOME, true),
    HEAD("git_commit", git_commit, PLAN_WORD_MAX, PLAN_TEXT_SOME, false),
    HEAD("operator", operator_, PLAN_TEXT_MAX, PLAN_TEXT_ANY, true),
    HEAD("org", org, PLAN_WORD_MAX, PLAN_TEXT_SOME, true),
    HEAD("plan_sha256", plan_sha256, PLAN_WORD_MAX, PLAN_TEXT_SHA256, false),
    HEAD("reverts", reverts, PLAN_WORD_MAX, PLAN_TEXT_SOME, false),
};

const struct plan_text plan_input_texts[PLAN_INPUT_TEXTS] = {
    HEAD("mapping_sha256", mapping_sha256, PLAN_WORD_MAX, PLAN_TEXT_SHA256, false),
    HEAD("name", input_name, PLAN_TEXT_MAX, PLAN_TEXT_ANY, false),
    HEAD("sha256", input_sha256, PLAN_WORD_MAX, PLAN_TEXT_SHA256, false),
};

/* What is wrong with a text; NULL: nothing. */
static const char *text_problem(const struct plan_text *text, const char *value)
{
    size_t len = strlen(value);

    if (len > text->max)
        return "is too long";
    if (text->form == PLAN_TEXT_ID)
        return id_problem(value);
    if (text->form == PLAN_TEXT_SHA256)
        return sha256_hex_is_valid(value) ? NULL : "is no SHA-256 of 64 lower-case hex digits";
    if (text->form == PLAN_TEXT_SOME && len == 0)
        return "is empty";
    if (!str_is_utf8(value, len))
        return "is no valid UTF-8";
    return str_has_control(value) ? "has a control character" : NULL;
}

static int check_texts(const struct plan_text *texts, size_t count, const void *object, const char *path,
                       struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *value, *problem;

        memcpy(&value, (const char *)object + texts[i].at, sizeof(value));
        if (value == NULL && !texts[i].is_required)
            continue;
        problem = value != NULL ? text_problem(&texts[i], value) : "is missing";
        if (problem != NULL)
            return err_set(err, ERR_PLAN_FORMAT, 0, "%s%s '%.64s' %s", path, texts[i].name,
                           value != NULL ? value : "", problem);
    }
    return 0;
}

static int disagrees(struct err *err, const char *text)
{
    return err_set(err, ERR_PLAN_FORMAT, 0, "%s", text);
}

/* The server's three members among each other. */
static int check_servers(enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    if (!entry->has_servers)
        return entry->from_mdm_server_id == NULL && entry->to_mdm_server_id == NULL
                   ? 0
                   : disagrees(err, "from_mdm_server and to_mdm_server stand together or not at all");
    if (!str_eq(entry->to_mdm_server_id, entry->mdm_server_id))
        return disagrees(err, kind == PLAN_REMOVE ? "to_mdm_server: a device to be removed gets none"
                                                  : "to_mdm_server is not mdm_server");
    if (str_eq(entry->from_mdm_server_id, entry->to_mdm_server_id))
        return disagrees(err, "from_mdm_server and to_mdm_server are the same");
    return 0;
}

static int check_change(enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    const char *from = entry->from_blueprint_id, *to = entry->to_blueprint_id;

    switch (kind) {
    case PLAN_ADD: return from == NULL ? 0 : disagrees(err, "from: a device to be added has none");
    case PLAN_CHANGE:
        if (from == NULL)
            return disagrees(err, "from is missing: a device to be changed is assigned");
        return !str_eq(from, to) || entry->has_servers ? 0 : disagrees(err, "nothing would change");
    case PLAN_REMOVE:
        if (entry->mdm_server_id != NULL)
            return disagrees(err, "mdm_server: a device to be removed gets none");
        return entry->state != PLAN_STATE_NONE ? 0 : disagrees(err, "state: there is nothing to be removed");
    case PLAN_SAME: break;
    }
    return disagrees(err, "no kind of change");
}

int plan_check_entry(enum plan_kind kind, const struct plan_entry *entry, struct err *err)
{
    bool is_assigned = entry->state == PLAN_STATE_ACCEPTED || entry->state == PLAN_STATE_PROPAGATED;

    if (check_texts(plan_entry_texts, PLAN_ENTRY_TEXTS, entry, "", err) != 0)
        return -1;
    if ((entry->to_blueprint_id == NULL) != (kind == PLAN_REMOVE))
        return disagrees(err, kind == PLAN_REMOVE ? "to: a device to be removed gets none" : "to is missing");
    if (!is_assigned && (entry->from_blueprint_id != NULL || entry->from_mdm_server_id != NULL))
        return disagrees(err,
                         "state: nothing is assigned, but something is named in from or from_mdm_server");
    return check_servers(kind, entry, err) == 0 ? check_change(kind, entry, err) : -1;
}

int plan_tally_add(struct plan_tally *tally, enum plan_kind kind, const struct plan_entry *entry,
                   struct err *err)
{
    if (tally->rows >= PLAN_MAX_ENTRIES)
        return err_set(err, ERR_LIMIT, 0, "more than %d devices in one plan", PLAN_MAX_ENTRIES);
    if (kind == PLAN_REMOVE) {
        if (strcmp(tally->removed, entry->serial) >= 0)
            return err_set(err, ERR_PLAN_FORMAT, 0, "serial '%s' stands behind '%s': they are sorted",
                           entry->serial, tally->removed);
        memcpy(tally->removed, entry->serial, strlen(entry->serial) + 1);
    }
    tally->rows++;
    tally->counts[kind]++;
    tally->changed += entry->from_blueprint_id != NULL;
    return 0;
}

static int check_count(const char *name, int64_t count, struct err *err)
{
    if (count >= 0 && count <= PLAN_COUNT_MAX)
        return 0;
    return err_set(err, ERR_PLAN_FORMAT, 0, "%s %lld: wanted 0 to %d", name, (long long)count,
                   PLAN_COUNT_MAX);
}

/* "0%" to "100%"; -1: none of it. */
static int percent_of(const char *text)
{
    char digits[4];
    size_t len = strlen(text);
    int64_t percent;

    if (len < 2 || len > 4 || text[len - 1] != '%' || (text[0] == '0' && len > 2))
        return -1;
    memcpy(digits, text, len - 1);
    digits[len - 1] = '\0';
    return str_to_int(digits, 0, 100, &percent) && digits[0] != '-' ? (int)percent : -1;
}

static int check_brake(const struct plan_brake *brake, const struct plan_tally *tally, struct err *err)
{
    int percent;

    if (brake->max_changes == NULL)
        return 0;
    percent = percent_of(brake->max_changes);
    if (percent < 0)
        return err_set(err, ERR_PLAN_FORMAT, 0, "brake.max_changes '%.16s': wanted 0%% to 100%%",
                       brake->max_changes);
    if (check_count("brake.existing", brake->existing, err) != 0 ||
        check_count("brake.changes", brake->changes, err) != 0)
        return -1;
    if (brake->changes > brake->existing)
        return err_set(err, ERR_PLAN_FORMAT, 0, "brake.changes %lld is more than brake.existing %lld",
                       (long long)brake->changes, (long long)brake->existing);
    if (tally != NULL && brake->changes != tally->changed)
        return err_set(err, ERR_PLAN_FORMAT, 0,
                       "brake.changes %lld: the entries change %lld existing assignments",
                       (long long)brake->changes, (long long)tally->changed);
    if (brake->would_pause != plan_would_pause(brake->changes, brake->existing, percent))
        return err_set(err, ERR_PLAN_FORMAT, 0, "brake.would_pause: %lld of %lld are %smore than %d %%",
                       (long long)brake->changes, (long long)brake->existing,
                       brake->would_pause ? "not " : "", percent);
    return 0;
}

int plan_check_head(const struct plan_head *head, const struct plan_tally *tally, struct err *err)
{
    if (check_texts(plan_head_texts, PLAN_HEAD_TEXTS, head, "", err) != 0 ||
        check_texts(plan_input_texts, PLAN_INPUT_TEXTS, head, "inputs.", err) != 0 ||
        check_count("unchanged", head->unchanged, err) != 0 ||
        check_count("rejected", head->rejected, err) != 0 ||
        check_count("duplicate", head->duplicate, err) != 0 || check_count("kept", head->kept, err) != 0)
        return -1;
    if (head->created_at_ms < 0 || head->created_at_ms > TIME_MAX_MS)
        return disagrees(err, "created_at is no time within the years 1970 to 9999");
    if (head->kept != 0 && !head->is_only_new)
        return disagrees(err, "kept stands only where only_new does");
    if (check_brake(&head->brake, tally, err) != 0)
        return -1;
    if (tally != NULL && tally->counts[PLAN_REMOVE] > 0 && !head->is_complete && head->reverts == NULL)
        return disagrees(err, "remove: only a complete plan, or one that reverts a run, removes devices");
    return 0;
}
