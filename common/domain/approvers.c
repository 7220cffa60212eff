#include "domain/approvers.h"

#include <string.h>

#define ID_LEN 64

static const char digits[] = "0123456789abcdef";
static const char wanted[] =
    "wanted a list of at most 16 key ids, each of 64 lower-case hex digits, none twice";

static bool is_id(const char *text)
{
    return strspn(text, digits) == ID_LEN;
}

/* Whether the id stands in the text before it. */
static bool is_told(const char *text, const char *before, const char *id)
{
    for (; text < before; text += ID_LEN + 1)
        if (memcmp(text, id, ID_LEN) == 0)
            return true;
    return false;
}

bool approvers_are_valid(const char *text)
{
    if (text == NULL)
        return true;
    if (strlen(text) >= APPROVERS_BYTES)
        return false;
    for (const char *at = text;; at += ID_LEN + 1) {
        if (!is_id(at) || is_told(text, at, at))
            return false;
        if (at[ID_LEN] == '\0')
            return true;
        if (at[ID_LEN] != ',')
            return false;
    }
}

const char *approvers_read(const struct json *list, char text_r[APPROVERS_BYTES])
{
    char *at = text_r;

    *at = '\0';
    if (json_kind(list) != JSON_ARRAY || json_count(list) > APPROVERS_MAX)
        return wanted;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        const char *id = json_string(item);

        if (id == NULL || strlen(id) != ID_LEN || !is_id(id) || is_told(text_r, at, id))
            return wanted;
        if (at > text_r)
            at[-1] = ',';
        memcpy(at, id, ID_LEN + 1);
        at += ID_LEN + 1;
    }
    return NULL;
}

void approvers_print(struct json_out *json, const char *name, const char *text)
{
    json_begin(json, name, '[');
    while (text != NULL && *text != '\0') {
        char id[ID_LEN + 1];

        memcpy(id, text, ID_LEN);
        id[ID_LEN] = '\0';
        json_add_string(json, NULL, id);
        text += ID_LEN + (text[ID_LEN] == ',');
    }
    json_end(json, ']');
}
