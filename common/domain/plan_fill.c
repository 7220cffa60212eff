/* A plan's structures from JSON. Only types are looked at: whether it is all there, and in the one form that
 * there is, is found by printing it again. */
#include "domain/plan_inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/json_canonical.h"
#include "base/str.h"

static int wrong_type(const struct json *value, const char *path, const char *wanted, struct err *err)
{
    return err_set(err, ERR_PLAN_FORMAT, 0, "%s%.64s: %s, wanted %s", path, json_name(value),
                   json_kind_name(json_kind(value)), wanted);
}

static int unknown(const struct json *value, const char *path, struct err *err)
{
    return err_set(err, ERR_PLAN_FORMAT, 0, "%s%.64s: no such member is known", path, json_name(value));
}

/* The text's member, where it is one of them: 1; 0: it is none. pool NULL: borrowed. */
static int fill_text(const struct json *value, const struct plan_text *texts, size_t count, struct pool *pool,
                     void *object, const char *path, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string(value);

        if (strcmp(json_name(value), texts[i].name) != 0)
            continue;
        if (text == NULL && json_kind(value) != JSON_NULL)
            return wrong_type(value, path, "a string or null", err);
        if (text != NULL && pool != NULL) {
            text = pool_strdup(pool, text);
            if (text == NULL)
                return pool_failed(pool, err);
        }
        memcpy((char *)object + texts[i].at, &text, sizeof(text));
        return 1;
    }
    return 0;
}

static int fill_state(const struct json *value, enum plan_state *state_r, struct err *err)
{
    if (json_kind(value) != JSON_NULL && json_kind(value) != JSON_STRING)
        return wrong_type(value, "", "a string or null", err);
    for (int state = PLAN_STATE_NONE; state <= PLAN_STATE_FAILED; state++)
        if (str_eq(json_string(value), plan_state_name((enum plan_state)state))) {
            *state_r = (enum plan_state)state;
            return 0;
        }
    return err_set(err, ERR_PLAN_FORMAT, 0, "state '%.64s': wanted ACCEPTED, PROPAGATED, FAILED or null",
                   json_string(value));
}

int plan_fill_entry(const struct json *object, struct plan_entry *entry, struct err *err)
{
    memset(entry, 0, sizeof(*entry));
    for (const struct json *value = json_first(object); value != NULL; value = json_next(value)) {
        const char *name = json_name(value);
        int rc = fill_text(value, plan_entry_texts, PLAN_ENTRY_TEXTS, NULL, entry, "", err);

        if (rc == 0 && strcmp(name, "row") == 0)
            rc = json_int(value, &entry->row) ? 1 : wrong_type(value, "", "a whole number", err);
        else if (rc == 0 && strcmp(name, "state") == 0)
            rc = fill_state(value, &entry->state, err) == 0 ? 1 : -1;
        if (rc == 0)
            return unknown(value, "", err);
        if (rc < 0)
            return -1;
        if (str_ends(name, "_mdm_server"))
            entry->has_servers = true;
    }
    return 0;
}

static int fill_inputs(const struct json *object, struct pool *pool, struct plan_head *head, struct err *err)
{
    if (json_kind(object) != JSON_OBJECT)
        return wrong_type(object, "", "an object", err);
    for (const struct json *value = json_first(object); value != NULL; value = json_next(value)) {
        int rc = fill_text(value, plan_input_texts, PLAN_INPUT_TEXTS, pool, head, "inputs.", err);

        if (rc <= 0)
            return rc < 0 ? -1 : unknown(value, "inputs.", err);
    }
    return 0;
}

static int fill_brake(const struct json *object, struct pool *pool, struct plan_brake *brake, struct err *err)
{
    static const struct plan_text texts[] = {
        { "max_changes", offsetof(struct plan_brake, max_changes), 0, PLAN_TEXT_ANY, true },
    };

    if (json_kind(object) != JSON_OBJECT)
        return wrong_type(object, "", "an object", err);
    for (const struct json *value = json_first(object); value != NULL; value = json_next(value)) {
        const char *name = json_name(value);
        int rc = fill_text(value, texts, 1, pool, brake, "brake.", err);

        if (rc == 0 && strcmp(name, "changes") == 0)
            rc = json_int(value, &brake->changes) ? 1 : wrong_type(value, "brake.", "a whole number", err);
        else if (rc == 0 && strcmp(name, "existing") == 0)
            rc = json_int(value, &brake->existing) ? 1 : wrong_type(value, "brake.", "a whole number", err);
        else if (rc == 0 && strcmp(name, "would_pause") == 0)
            rc = json_bool(value, &brake->would_pause) ? 1 : wrong_type(value, "brake.", "a boolean", err);
        if (rc <= 0)
            return rc < 0 ? -1 : unknown(value, "brake.", err);
    }
    return 0;
}

static int fill_approvals(const struct json *list, struct pool *pool, struct plan_head *head, struct err *err)
{
    struct buf text;
    int rc = 0;

    if (json_kind(list) != JSON_ARRAY)
        return wrong_type(list, "", "an array", err);
    if (json_count(list) < 1 || json_count(list) > PLAN_APPROVALS_MAX)
        return err_set(err, ERR_PLAN_FORMAT, 0, "approvals: %zu of them, wanted 1 to %d", json_count(list),
                       PLAN_APPROVALS_MAX);
    for (const struct json *value = json_first(list); value != NULL; value = json_next(value))
        if (json_kind(value) != JSON_OBJECT)
            return err_set(err, ERR_PLAN_FORMAT, 0, "approvals: %s among them, wanted objects",
                           json_kind_name(json_kind(value)));
    buf_init(&text, PLAN_HEAD_BYTES);
    if (json_canonical(list, &text, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_PLAN_FORMAT;
        rc = err_prefix(err, "approvals");
    } else {
        head->approvals = pool_strndup(pool, text.data, text.len);
        rc = head->approvals != NULL ? 0 : pool_failed(pool, err);
    }
    buf_release(&text);
    return rc;
}

static int fill_created_at(const struct json *value, struct plan_head *head, struct err *err)
{
    const char *text = json_string(value);

    if (text == NULL)
        return wrong_type(value, "", "a string", err);
    if (clock_parse_iso(text, &head->created_at_ms) == 0)
        return 0;
    return err_set(err, ERR_PLAN_FORMAT, 0, "created_at '%.64s' is no time as 2026-11-24T08:17:00.123Z",
                   text);
}

/* Only the version that we know comes here: plan_guess tells of others. */
static int fill_version(const struct json *value, struct err *err)
{
    int64_t version;

    if (!json_int(value, &version))
        return wrong_type(value, "", "a whole number", err);
    return version == PLAN_VERSION ? 0
                                   : err_set(err, ERR_PLAN_FORMAT, 0, "version %lld: wanted %d",
                                             (long long)version, PLAN_VERSION);
}

static int fill_list(const struct json *value, struct err *err)
{
    return json_kind(value) == JSON_ARRAY ? 0 : wrong_type(value, "", "an array", err);
}

/* A whole number or a boolean. 1; 0: no such member. */
static int fill_number(const struct json *value, struct plan_head *head, struct err *err)
{
    const struct {
        const char *name;
        int64_t *number;
        bool *flag;
    } rows[] = {
        { "complete", NULL, &head->is_complete },
        { "duplicate", &head->duplicate, NULL },
        { "kept", &head->kept, NULL },
        { "only_new", NULL, &head->is_only_new },
        { "rejected", &head->rejected, NULL },
        { "unchanged", &head->unchanged, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(json_name(value), rows[i].name) != 0)
            continue;
        if (rows[i].number != NULL && !json_int(value, rows[i].number))
            return wrong_type(value, "", "a whole number", err);
        if (rows[i].flag != NULL && !json_bool(value, rows[i].flag))
            return wrong_type(value, "", "a boolean", err);
        return 1;
    }
    return 0;
}

static int fill_member(const struct json *value, struct pool *pool, struct plan_head *head, struct err *err)
{
    const char *name = json_name(value);
    int rc = fill_text(value, plan_head_texts, PLAN_HEAD_TEXTS, pool, head, "", err);

    if (rc == 0)
        rc = fill_number(value, head, err);
    if (rc != 0)
        return rc > 0 ? 0 : -1;
    if (strcmp(name, "add") == 0 || strcmp(name, "change") == 0 || strcmp(name, "remove") == 0)
        return fill_list(value, err);
    if (strcmp(name, "approvals") == 0)
        return fill_approvals(value, pool, head, err);
    if (strcmp(name, "brake") == 0)
        return fill_brake(value, pool, &head->brake, err);
    if (strcmp(name, "created_at") == 0)
        return fill_created_at(value, head, err);
    if (strcmp(name, "inputs") == 0)
        return fill_inputs(value, pool, head, err);
    if (strcmp(name, "version") == 0)
        return fill_version(value, err);
    return unknown(value, "", err);
}

int plan_fill_head(const struct json *object, struct pool *pool, struct plan_head *head, struct err *err)
{
    memset(head, 0, sizeof(*head));
    for (const struct json *value = json_first(object); value != NULL; value = json_next(value))
        if (fill_member(value, pool, head, err) != 0)
            return -1;
    return 0;
}
