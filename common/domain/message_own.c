/*
 * Reads what message_print wrote, in one pass over one copy of it: strings end where a NUL takes their
 * quote's place. It never reports an error. At the first byte that is not as expected it gives up, and the
 * tree decides.
 */
#include <string.h>

#include "base/json_scan.h"
#include "domain/message_inside.h"

#define DIGITS_MAX 15 /* below 2^53 - 1 in any case */

struct cursor {
    char *at;
    char *end; /* a NUL stands there */
};

static bool take(struct cursor *cursor, const char *text, size_t len)
{
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, text, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static bool take_char(struct cursor *cursor, char c)
{
    if (*cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* A string of plain ASCII without escapes. */
static bool take_text(struct cursor *cursor, const char **text_r)
{
    char *text = cursor->at + 1;

    if (*cursor->at != '"')
        return false;
    cursor->at = text + json_plain_run(text, (size_t)(cursor->end - text));
    if (*cursor->at != '"')
        return false;
    *cursor->at++ = '\0';
    *text_r = text;
    return true;
}

/* A whole number without leading zeros; 0 is refused unless may_be_zero. */
static bool take_number(struct cursor *cursor, bool may_be_zero, int64_t *number_r)
{
    const char *first = cursor->at;
    int64_t number = 0;

    while (*cursor->at >= '0' && *cursor->at <= '9' && cursor->at - first < DIGITS_MAX)
        number = number * 10 + (*cursor->at++ - '0');
    if (cursor->at == first || (*first == '0' && (cursor->at - first > 1 || !may_be_zero)))
        return false;
    *number_r = number;
    return *cursor->at == ',' || *cursor->at == '}' || *cursor->at == ']';
}

static bool take_times(struct cursor *cursor, struct device *device)
{
    int64_t last = 0, number;

    if (!take_char(cursor, '['))
        return false;
    for (int step = 0; step < STEP_COUNT; step++) {
        bool is_negative;

        if (!take(cursor, "null", 4)) {
            is_negative = take_char(cursor, '-');
            if (!take_number(cursor, !is_negative, &number))
                return false;
            last += is_negative ? -number : number;
            if (last <= 0)
                return false;
            device->times_ms[step] = last;
        }
        if (take_char(cursor, ']'))
            return true;
        if (!take_char(cursor, ','))
            return false;
    }
    return false;
}

static bool take_outcome(struct cursor *cursor, struct device *device)
{
    const char *name;

    if (!take_text(cursor, &name))
        return false;
    device->outcome = outcome_from_name(name);
    return device->outcome != OUTCOME_NONE;
}

/* The members with a form of their own that most devices have; the tree knows the others. */
static bool take_other(struct cursor *cursor, const struct field *field, struct device *device)
{
    if (strcmp(field->name, "times") == 0)
        return take_times(cursor, device);
    if (strcmp(field->name, "outcome") == 0)
        return take_outcome(cursor, device);
    return false;
}

static bool take_member(struct cursor *cursor, const struct field *field, struct device *device)
{
    char *member = (char *)device + field->at;
    int64_t number;

    switch (field->kind) {
    case FIELD_TEXT: return take_text(cursor, (const char **)(void *)member);
    case FIELD_ROW:
    case FIELD_TIME: return take_number(cursor, false, (int64_t *)(void *)member);
    case FIELD_COUNT:
        if (!take_number(cursor, false, &number) || number > FIELD_COUNT_MAX)
            return false;
        *(int *)(void *)member = (int)number;
        return true;
    case FIELD_FLAG: *(bool *)(void *)member = true; return take(cursor, "true", 4);
    case FIELD_OTHER: return take_other(cursor, field, device);
    }
    return false;
}

/* Members ascend in the table, so none can come twice. */
static bool take_device(struct cursor *cursor, struct device *device)
{
    const struct field *field = message_device_fields, *end = field + MESSAGE_DEVICE_FIELDS;

    if (!take_char(cursor, '{'))
        return false;
    for (;;) {
        while (field < end && !take(cursor, field->label + 1, field->label_len - 1))
            field++;
        if (field == end || !take_member(cursor, field++, device))
            return false;
        if (take_char(cursor, '}'))
            return device->row != 0 && device->serial != NULL;
        if (!take_char(cursor, ','))
            return false;
    }
}

static bool take_head(struct cursor *cursor, struct message *message)
{
    static const char version[] = "{\"version\":1,\"uid\":", run[] = ",\"run\":", n[] = ",\"n\":";
    static const char devices[] = ",\"devices\":[";
    int64_t count;

    if (!take(cursor, version, sizeof(version) - 1) || !take_text(cursor, &message->uid) ||
        !take(cursor, run, sizeof(run) - 1) || !take_text(cursor, &message->run) ||
        !take(cursor, n, sizeof(n) - 1) || !take_number(cursor, false, &count) ||
        !take(cursor, devices, sizeof(devices) - 1))
        return false;
    message->count = (size_t)count;
    return count <= MESSAGE_MAX_DEVICES && message_uid_is_valid(message->uid) &&
           run_id_is_valid(message->run);
}

static bool take_message(struct cursor *cursor, struct pool *pool, struct message *message)
{
    if (!take_head(cursor, message))
        return false;
    message->devices = pool_array(pool, message->count, sizeof(*message->devices));
    if (message->devices == NULL)
        return false;
    for (size_t i = 0; i < message->count; i++)
        if ((i > 0 && !take_char(cursor, ',')) || !take_device(cursor, &message->devices[i]))
            return false;
    return take(cursor, "]}", 2) && cursor->at == cursor->end;
}

bool message_parse_own(const char *text, size_t len, struct pool *pool, struct message *message_r)
{
    struct cursor cursor;

    memset(message_r, 0, sizeof(*message_r));
    cursor.at = pool_strndup(pool, text, len);
    if (cursor.at == NULL)
        return false;
    cursor.end = cursor.at + len;
    return take_message(&cursor, pool, message_r);
}
