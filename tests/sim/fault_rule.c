/* One rule as JSON: read strictly, since a fault misspelt would let its test pass. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "faults.h"

#define DAY_MS INT64_C(86400000)

static const struct {
    enum fault_kind kind;
    const char *name;
    enum operation only; /* OP_COUNT: it makes sense with any */
} kinds[FAULT_KIND_COUNT] = {
    { FAULT_STATUS, "status", OP_COUNT },
    { FAULT_RATE, "rate429", OP_COUNT },
    { FAULT_HTML, "html", OP_COUNT },
    { FAULT_TRUNCATE, "truncate", OP_COUNT },
    { FAULT_MALFORMED, "malformed", OP_COUNT },
    { FAULT_CUT, "cut", OP_COUNT },
    { FAULT_RESET_BEFORE, "reset_before", OP_COUNT },
    { FAULT_RESET_AFTER, "reset_after", OP_COUNT },
    { FAULT_SLOW, "slow", OP_COUNT },
    { FAULT_HANG, "hang", OP_COUNT },
    { FAULT_REFUSE_ITEM, "refuse_item", OP_IMPORT_DEVICES },
    { FAULT_DROP_ITEM, "drop_item", OP_IMPORT_DEVICES },
    { FAULT_BAD_REQUEST, "bad_request_if_serial", OP_COUNT },
    { FAULT_NEVER_PROPAGATE, "never_propagate", OP_PUT_ASSIGNMENT },
    { FAULT_FAIL_ASSIGNMENT, "fail_assignment", OP_PUT_ASSIGNMENT },
    { FAULT_FORGET, "forget", OP_PUT_ASSIGNMENT },
    { FAULT_PROFILE_IGNORED, "profile_ignored", OP_PUT_ASSIGNMENT },
    { FAULT_LACK_BLUEPRINT, "lack_blueprint_id", OP_COUNT },
    { FAULT_WRONG_DEVICE, "wrong_device", OP_COUNT },
    { FAULT_DEPRECATION, "deprecation", OP_COUNT },
    { FAULT_TOKEN_EXPIRED, "token_expired", OP_COUNT },
};

bool retry_after_read(const char *text, enum retry_after *form_r, int64_t *seconds_r)
{
    static const char *const names[] = { "seconds", "date", "none" };

    for (int i = 0; i < 3; i++) {
        size_t len = strlen(names[i]);

        if (strncmp(text, names[i], len) != 0 || (text[len] != '\0' && text[len] != ':'))
            continue;
        *form_r = (enum retry_after)i;
        return text[len] == '\0' || str_to_int(text + len + 1, 0, 86400, seconds_r);
    }
    return false;
}

static int read_int(const struct json *value, const char *name, int64_t min, int64_t max, int64_t *number_r,
                    struct err *err)
{
    int64_t number;

    if (!json_int(value, &number) || number < min || number > max)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: a whole number of %lld to %lld is needed", name,
                       (long long)min, (long long)max);
    *number_r = number;
    return 0;
}

static int read_text(const struct json *value, const char *name, char *text, size_t size, struct err *err)
{
    const char *from = json_string(value);

    if (!from || strlen(from) >= size)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: a text of at most %zu bytes is needed", name, size - 1);
    strcpy(text, from);
    return 0;
}

static int read_bool(const struct json *value, const char *name, bool *is_true_r, struct err *err)
{
    return json_bool(value, is_true_r) ? 0
                                       : err_set(err, ERR_JSON_SHAPE, 0, "%s: true or false is needed", name);
}

static int read_names(const struct json *value, const char *name, struct fault *rule, struct err *err)
{
    const char *text = json_string(value);

    if (!text)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s: a text is needed", name);
    if (strcmp(name, "kind") == 0) {
        for (int i = 0; i < FAULT_KIND_COUNT; i++) {
            if (strcmp(kinds[i].name, text) == 0)
                rule->kind = kinds[i].kind;
        }
        return rule->kind == FAULT_NONE ? err_set(err, ERR_JSON_SHAPE, 0, "kind: there is no '%.40s'", text)
                                        : 0;
    }
    if (strcmp(name, "retry_after") == 0)
        return retry_after_read(text, &rule->retry_after, &rule->retry_seconds)
                   ? 0
                   : err_set(err, ERR_JSON_SHAPE, 0,
                             "retry_after: 'seconds:N', 'date:N' or 'none' is needed");
    rule->operation = strcmp(text, "*") == 0 ? OP_COUNT : operation_parse(text);
    if (rule->operation == OP_COUNT && strcmp(text, "*") != 0)
        return err_set(err, ERR_JSON_SHAPE, 0, "op: the contract has no '%.40s'", text);
    return 0;
}

static int read_member(const struct json *value, const char *name, struct fault *rule, struct err *err)
{
    const struct {
        const char *name;
        int64_t min, max, scale, *number_r;
    } numbers[] = {
        { "every", 1, INT32_MAX, 1, &rule->every },
        { "times", 1, INT32_MAX, 1, &rule->times },
        { "after", 0, INT32_MAX, 1, &rule->after },
        { "from_ms", 0, DAY_MS, 1000, &rule->from_us },
        { "for_ms", 1, DAY_MS, 1000, &rule->for_us },
        { "status", 200, 599, 1, &rule->status },
        { "ms", 0, 600000, 1, &rule->ms },
    };
    const struct {
        const char *name;
        char *text;
        size_t size;
    } texts[] = {
        { "serial", rule->serial, sizeof(rule->serial) },
        { "code", rule->code, sizeof(rule->code) },
        { "link", rule->link, sizeof(rule->link) },
        { "deprecation", rule->deprecation, sizeof(rule->deprecation) },
        { "sunset", rule->sunset, sizeof(rule->sunset) },
    };
    const struct {
        const char *name;
        bool *is_true_r;
    } bools[] = {
        { "html", &rule->is_html },
        { "effect", &rule->has_effect },
        { "late_effect", &rule->is_late },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        if (read_int(value, name, numbers[i].min, numbers[i].max, numbers[i].number_r, err) != 0)
            return -1;
        *numbers[i].number_r *= numbers[i].scale;
        return 0;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0)
            return read_text(value, name, texts[i].text, texts[i].size, err);
    }
    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
        if (strcmp(name, bools[i].name) == 0)
            return read_bool(value, name, bools[i].is_true_r, err);
    }
    if (strcmp(name, "share") == 0)
        return json_number(value, &rule->share) && rule->share >= 0 && rule->share <= 1
                   ? 0
                   : err_set(err, ERR_JSON_SHAPE, 0, "share: a number of 0 to 1 is needed");
    if (strcmp(name, "kind") == 0 || strcmp(name, "op") == 0 || strcmp(name, "retry_after") == 0)
        return read_names(value, name, rule, err);
    if (strcmp(name, "comment") == 0)
        return 0;
    return err_set(err, ERR_JSON_SHAPE, 0, "there is no member '%.40s'", name);
}

int fault_read(const struct json *value, struct fault *rule, struct err *err)
{
    *rule = (struct fault){ .kind = FAULT_NONE,
                            .operation = OP_COUNT,
                            .share = 1,
                            .retry_after = RETRY_AFTER_NONE,
                            .retry_seconds = 1 };
    if (json_kind(value) != JSON_OBJECT)
        return err_set(err, ERR_JSON_SHAPE, 0, "an object is needed, this is %s",
                       json_kind_name(json_kind(value)));
    for (const struct json *member = json_first(value); member; member = json_next(member)) {
        if (read_member(member, json_name(member), rule, err) != 0)
            return -1;
    }
    if (rule->kind == FAULT_NONE)
        return err_set(err, ERR_JSON_SHAPE, 0, "kind is missing");
    if (kinds[rule->kind].only != OP_COUNT && rule->operation == OP_COUNT)
        rule->operation = kinds[rule->kind].only;
    if (kinds[rule->kind].only != OP_COUNT && rule->operation != kinds[rule->kind].only)
        return err_set(err, ERR_JSON_SHAPE, 0, "%s is a fault of %s only", kinds[rule->kind].name,
                       operation_name(kinds[rule->kind].only));
    if (rule->kind == FAULT_STATUS && rule->status == 0)
        return err_set(err, ERR_JSON_SHAPE, 0, "status is missing");
    if ((rule->kind == FAULT_SLOW || rule->kind == FAULT_HANG) && rule->ms == 0)
        return err_set(err, ERR_JSON_SHAPE, 0, "ms is missing");
    if (rule->kind == FAULT_BAD_REQUEST && rule->serial[0] == '\0')
        return err_set(err, ERR_JSON_SHAPE, 0, "serial is missing");
    return 0;
}

void faults_print(const struct faults *faults, struct buf *body)
{
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "faults", '[');
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *rule = &faults->rules[i];

        json_begin(&out, NULL, '{');
        json_add_string(&out, "kind", kinds[rule->kind].name);
        json_add_string(&out, "op", rule->operation == OP_COUNT ? "*" : operation_name(rule->operation));
        if (rule->serial[0] != '\0')
            json_add_string(&out, "serial", rule->serial);
        json_add_int(&out, "seen", (int64_t)rule->seen);
        json_add_int(&out, "fired", (int64_t)rule->fired);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
}
