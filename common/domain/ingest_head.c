#include "domain/ingest_head.h"

#include <stdbool.h>
#include <string.h>

#define VALUE_MAX 128

enum { RUN, BATCH, BATCHES, NAMES };

struct scan {
    const char *at, *end;
};

struct part {
    const char *text;
    size_t len;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0')
        scan->at++;
}

/* Behind the string's second quote. */
static void skip_string(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\' && scan->end - scan->at > 1)
            scan->at++;
    if (scan->at < scan->end)
        scan->at++;
}

/* To the comma or bracket behind a value. */
static struct part take_value(struct scan *scan)
{
    struct part value = { .text = scan->at };
    int depth = 0;

    while (scan->at < scan->end) {
        char c = *scan->at;

        if (c == '"') {
            skip_string(scan);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}'))
            break;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        scan->at++;
    }
    value.len = (size_t)(scan->at - value.text);
    return value;
}

static bool next_member(struct scan *scan, struct part *name, struct part *value)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != '"')
        return false;
    name->text = scan->at;
    skip_string(scan);
    name->len = (size_t)(scan->at - name->text);
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at++ != ':')
        return false;
    skip_blanks(scan);
    *value = take_value(scan);
    return true;
}

void ingest_head_find(const char *text, size_t len, struct buf *out)
{
    static const char *const names[NAMES] = { "\"run\"", "\"batch\"", "\"batches\"" };
    struct scan scan = { .at = text, .end = text + len };
    struct part found[NAMES] = { { NULL, 0 } }, name, value;
    bool is_first = true;

    skip_blanks(&scan);
    if (scan.at < scan.end && *scan.at == '{')
        for (scan.at++; next_member(&scan, &name, &value); scan.at++) {
            for (int i = 0; i < NAMES; i++)
                if (name.len == strlen(names[i]) && memcmp(name.text, names[i], name.len) == 0)
                    found[i] = value;
            if (scan.at == scan.end || *scan.at != ',')
                break;
        }
    buf_add_char(out, '{');
    for (int i = 0; i < NAMES; i++) {
        if (found[i].len == 0 || found[i].len > VALUE_MAX)
            continue;
        buf_addf(out, "%s%s:", is_first ? "" : ",", names[i]);
        buf_add(out, found[i].text, found[i].len);
        is_first = false;
    }
    buf_add_char(out, '}');
}
