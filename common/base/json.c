#include "base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

#define WHOLE_MAX   9007199254740991.0 /* 2^53 - 1: RFC 8259, section 6 */
#define FEW_MEMBERS 32                 /* up to here names are compared pair by pair */

/* struct json is a cJSON in another name, so that no other file depends on cJSON. */
static const cJSON *item_of(const struct json *value)
{
    return (const cJSON *)value;
}

static const struct json *value_of(const cJSON *item)
{
    return (const struct json *)item;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* An object of many members: sorted, so that hostile input costs n log n. */
static int check_many(const cJSON *object, size_t count, struct err *err)
{
    const cJSON **sorted = malloc(count * sizeof(const cJSON *));
    size_t at = 0;
    int rc = 0;

    if (sorted == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a JSON object");
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        sorted[at++] = member;
    qsort(sorted, count, sizeof(const cJSON *), compare_names);
    for (size_t i = 1; i < count && rc == 0; i++)
        if (compare_names(&sorted[i - 1], &sorted[i]) == 0)
            rc = err_set(err, ERR_JSON, 0, "member \"%.64s\" stands twice in one object", sorted[i]->string);
    free(sorted);
    return rc;
}

/* Two names are compared only where a set of 64 bits cannot tell them apart. */
static int check_names(const cJSON *object, struct err *err)
{
    uint64_t seen = 0;
    size_t count = 0;

    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const unsigned char *name = (const unsigned char *)member->string;
        uint64_t bit = UINT64_C(1) << ((name[0] * 7u + (name[0] != 0 ? name[1] : 0) * 3u) % 64);

        if ((seen & bit) != 0 && count < FEW_MEMBERS)
            for (const cJSON *other = object->child; other != member; other = other->next)
                if (strcmp(other->string, member->string) == 0)
                    return err_set(err, ERR_JSON, 0, "member \"%.64s\" stands twice in one object",
                                   member->string);
        seen |= bit;
        count++;
    }
    return count > FEW_MEMBERS ? check_many(object, count, err) : 0;
}

/* What the scan cannot see: names after unescaping, numbers after conversion. Recursion is bounded by the
 * scan. */
static int check_tree(const cJSON *item, struct err *err)
{
    size_t place = 0;

    if (cJSON_IsObject(item) && check_names(item, err) != 0)
        return -1;
    for (const cJSON *child = item->child; child != NULL; child = child->next, place++) {
        int type = child->type & 0xff;

        if (type == cJSON_Number && isfinite(child->valuedouble))
            continue;
        if (type != cJSON_Number && child->child == NULL)
            continue;
        if (type == cJSON_Number)
            err_set(err, ERR_JSON, 0, "a number that is too large");
        else if (check_tree(child, err) == 0)
            continue;
        if (child->string != NULL)
            return err_prefix(err, "%.64s", child->string);
        return err_prefix(err, "[%zu]", place);
    }
    return 0;
}

int json_parse(const char *text, size_t len, struct json **doc_r, struct err *err)
{
    cJSON *root;

    if (json_scan(text, len, err) != 0)
        return -1;
    root = cJSON_ParseWithLength(text, len);
    if (root == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %zu bytes of JSON", len);
    if (check_tree(root, err) != 0) {
        cJSON_Delete(root);
        return -1;
    }
    if (cJSON_IsNumber(root) && !isfinite(root->valuedouble)) {
        cJSON_Delete(root);
        return err_set(err, ERR_JSON, 0, "byte 0: a number that is too large");
    }
    *doc_r = (struct json *)root;
    return 0;
}

void json_free(struct json *doc)
{
    cJSON_Delete((cJSON *)doc);
}

enum json_kind json_kind(const struct json *value)
{
    if (value == NULL)
        return JSON_ABSENT;
    switch (item_of(value)->type & 0xff) {
    case cJSON_NULL: return JSON_NULL;
    case cJSON_True:
    case cJSON_False: return JSON_BOOL;
    case cJSON_Number: return JSON_NUMBER;
    case cJSON_String: return JSON_STRING;
    case cJSON_Array: return JSON_ARRAY;
    case cJSON_Object: return JSON_OBJECT;
    default: return JSON_ABSENT;
    }
}

const char *json_kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_NULL: return "null";
    case JSON_BOOL: return "a boolean";
    case JSON_NUMBER: return "a number";
    case JSON_STRING: return "a string";
    case JSON_ARRAY: return "an array";
    case JSON_OBJECT: return "an object";
    case JSON_ABSENT: break;
    }
    return "nothing";
}

const struct json *json_get(const struct json *value, const char *name)
{
    if (value == NULL || (item_of(value)->type & 0xff) != cJSON_Object)
        return NULL;
    for (const cJSON *member = item_of(value)->child; member != NULL; member = member->next)
        if (member->string[0] == name[0] && strcmp(member->string, name) == 0)
            return value_of(member);
    return NULL;
}

const struct json *json_first(const struct json *value)
{
    return value == NULL ? NULL : value_of(item_of(value)->child);
}

const struct json *json_next(const struct json *child)
{
    return value_of(item_of(child)->next);
}

size_t json_count(const struct json *value)
{
    size_t count = 0;

    for (const struct json *child = json_first(value); child != NULL; child = json_next(child))
        count++;
    return count;
}

const char *json_name(const struct json *child)
{
    return item_of(child)->string;
}

const char *json_string(const struct json *value)
{
    return json_kind(value) == JSON_STRING ? item_of(value)->valuestring : NULL;
}

bool json_int(const struct json *value, int64_t *number_r)
{
    double number;

    if (!json_number(value, &number) || !(fabs(number) <= WHOLE_MAX) || (double)(int64_t)number != number)
        return false;
    *number_r = (int64_t)number;
    return true;
}

bool json_number(const struct json *value, double *number_r)
{
    if (json_kind(value) != JSON_NUMBER)
        return false;
    *number_r = item_of(value)->valuedouble;
    return true;
}

bool json_bool(const struct json *value, bool *is_true_r)
{
    if (json_kind(value) != JSON_BOOL)
        return false;
    *is_true_r = cJSON_IsTrue(item_of(value));
    return true;
}
