#include "http/link.h"

#include <string.h>
#include <strings.h>

#define BLANK " \t"

static bool is_end_of_token(char c)
{
    return c == '\0' || strchr(" \t;,=\"<>", c) != NULL;
}

/* Behind the next comma outside a quoted string and outside <>, or at the end. */
static const char *skip_link(const char *at)
{
    bool is_quoted = false, is_target = false;

    for (; *at != '\0'; at++) {
        if (is_quoted) {
            if (*at == '\\' && at[1] != '\0')
                at++;
            else if (*at == '"')
                is_quoted = false;
        } else if (*at == '"' && !is_target) {
            is_quoted = true;
        } else if (*at == '<') {
            is_target = true;
        } else if (*at == '>') {
            is_target = false;
        } else if (*at == ',' && !is_target) {
            return at + 1;
        }
    }
    return at;
}

/* A parameter's value at `at`, unescaped into value[size]; behind it, or NULL where a quote is not closed. */
static const char *take_value(const char *at, char *value, size_t size, bool *is_cut_r)
{
    bool is_quoted = *at == '"';
    size_t len = 0;

    *is_cut_r = false;
    if (is_quoted)
        at++;
    for (; is_quoted ? *at != '"' : !is_end_of_token(*at); at++) {
        if (is_quoted && *at == '\\' && at[1] != '\0')
            at++;
        if (*at == '\0')
            return NULL;
        if (len + 1 < size)
            value[len++] = *at;
        else
            *is_cut_r = true;
    }
    value[len] = '\0';
    return is_quoted ? at + 1 : at;
}

/* A type that was cut in two is none: back to the last blank. */
static void drop_cut_type(char *rel)
{
    size_t len = strlen(rel);

    while (len > 0 && strchr(BLANK, rel[len - 1]) == NULL)
        len--;
    rel[len] = '\0';
}

/* Parameters up to the comma that ends the link. Behind it; NULL where they are malformed. */
static const char *take_params(const char *at, struct link *link)
{
    bool has_rel = false;

    for (;;) {
        const char *name;
        size_t name_len;
        char value[LINK_REL_MAX] = "";
        bool is_cut = false;

        at += strspn(at, BLANK);
        if (*at == '\0')
            return at;
        if (*at == ',')
            return at + 1;
        if (*at != ';')
            return NULL;
        at++;
        at += strspn(at, BLANK);
        if (*at == ';' || *at == ',' || *at == '\0')
            continue; /* an empty parameter */
        for (name = at; !is_end_of_token(*at); at++)
            ;
        name_len = (size_t)(at - name);
        if (name_len == 0)
            return NULL;
        at += strspn(at, BLANK);
        if (*at == '=') {
            at++;
            at += strspn(at, BLANK);
            at = take_value(at, value, sizeof(value), &is_cut);
            if (at == NULL)
                return NULL;
        }
        /* RFC 8288, 3.3: of several rel the first counts. */
        if (!has_rel && name_len == 3 && strncasecmp(name, "rel", 3) == 0) {
            has_rel = true;
            if (is_cut)
                drop_cut_type(value);
            memcpy(link->rel, value, sizeof(link->rel));
        }
    }
}

bool link_next(const char **at, struct link *link_r)
{
    const char *here = *at;

    while (*(here += strspn(here, " \t,")) != '\0') {
        const char *end = *here == '<' ? strchr(here, '>') : NULL;
        const char *next;

        if (end != NULL) {
            link_r->target = here + 1;
            link_r->target_len = (size_t)(end - here) - 1;
            link_r->rel[0] = '\0';
            next = take_params(end + 1, link_r);
            if (next != NULL) {
                *at = next;
                return true;
            }
        }
        here = skip_link(here);
    }
    *at = here;
    return false;
}

bool link_has_rel(const struct link *link, const char *rel)
{
    size_t want = strlen(rel);

    for (const char *at = link->rel; *(at += strspn(at, BLANK)) != '\0';) {
        size_t len = strcspn(at, BLANK);

        if (len == want && strncasecmp(at, rel, len) == 0)
            return true;
        at += len;
    }
    return false;
}
