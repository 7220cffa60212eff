/*
 * What is read prints, what is printed reads again and prints the same; and a string that was read comes
 * through the writer. So the reader takes nothing that the writer cannot put into words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define OUT_MAX ((size_t)64 << 20)

static void check(int is_right)
{
    if (!is_right)
        abort();
}

static void walk(const struct json *value)
{
    int64_t whole;
    double number;
    bool is_true;

    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        if (json_kind(value) == JSON_OBJECT)
            check(json_get(value, json_name(child)) == child); /* no name stands twice */
        walk(child);
    }
    check(json_string(value) == NULL || json_kind(value) == JSON_STRING);
    check(!json_int(value, &whole) || (json_number(value, &number) && (double)whole == number));
    check(!json_bool(value, &is_true) || json_kind(value) == JSON_BOOL);
}

/* Any bytes at all quote to a string that reads. */
static void quote(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct json *doc = NULL;
    struct buf out;

    buf_init(&out, OUT_MAX);
    json_quote(&out, (const char *)data, size);
    check(!out.is_failed && json_parse(out.data, out.len, &doc, &err) == 0 && json_kind(doc) == JSON_STRING);
    json_free(doc);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct json *doc = NULL, *again = NULL;
    struct buf first, second;

    if (size > 0)
        quote(data, size);
    if (size == 0 || json_parse((const char *)data, size, &doc, &err) != 0) {
        check(size == 0 || (err.code == ERR_JSON && err.text[0] != '\0'));
        return 0;
    }
    walk(doc);
    buf_init(&first, OUT_MAX);
    buf_init(&second, OUT_MAX);
    json_print(doc, &first);
    check(!first.is_failed && json_parse(first.data, first.len, &again, &err) == 0);
    json_print(again, &second);
    check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    json_free(doc);
    json_free(again);
    buf_release(&first);
    buf_release(&second);
    return 0;
}
