/* What a document is that was not taken: found without any of the reader's strictness, in no memory. */
#include <string.h>

#include "domain/plan_cut.h"

#define NAME_MAX_BYTES 16
#define VERSION_MAX    1000000000

struct guess {
    struct plan_guess *found;
    int64_t depth;
    bool is_string, is_escaped;
    char name[NAME_MAX_BYTES]; /* the last string at the top */
    size_t name_len;           /* beyond its room where it is longer */
    bool is_version;           /* what stands here is the value of `version` */
};

static void in_string(struct guess *guess, int c)
{
    if (guess->is_escaped) {
        guess->is_escaped = false;
    } else if (c == '\\') {
        guess->is_escaped = true;
    } else if (c == '"') {
        guess->is_string = false;
        return;
    }
    if (guess->depth == 1 && guess->name_len < sizeof(guess->name))
        guess->name[guess->name_len++] = (char)c;
}

static bool is_named(const struct guess *guess, const char *name)
{
    return guess->name_len == strlen(name) && memcmp(guess->name, name, guess->name_len) == 0;
}

/* Behind a member's name. */
static void at_colon(struct guess *guess)
{
    if (guess->depth != 1)
        return;
    if (is_named(guess, "add") || is_named(guess, "plan_sha256"))
        guess->found->is_plan = true;
    guess->is_version = is_named(guess, "version");
    if (guess->is_version)
        guess->found->version = 0;
}

static void outside(struct guess *guess, int c)
{
    struct plan_guess *found = guess->found;

    if (guess->is_version && c >= '0' && c <= '9' && found->version < VERSION_MAX)
        found->version = found->version * 10 + (c - '0');
    switch (c) {
    case '"':
        guess->is_string = true;
        guess->name_len = 0;
        break;
    case ':': at_colon(guess); break;
    case ',': guess->is_version = false; break;
    case '{':
    case '[':
        guess->depth++;
        guess->is_version = false;
        break;
    case '}':
    case ']': guess->depth--; break;
    default: break;
    }
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int look_through(struct plan_cut *cut, struct guess *guess, struct err *err)
{
    int c = plan_cut_peek(cut, err);

    for (; is_blank(c); c = plan_cut_peek(cut, err))
        plan_cut_skip(cut);
    if (c >= 0 && c != '{')
        return 0;
    for (; c >= 0; c = plan_cut_peek(cut, err)) {
        if (guess->is_string)
            in_string(guess, c);
        else
            outside(guess, c);
        if (guess->depth <= 0)
            return 0;
        plan_cut_skip(cut);
    }
    return c == PLAN_CUT_END ? 0 : -1;
}

int plan_guess(const struct plan_source *source, struct plan_guess *guess_r, struct err *err)
{
    struct guess guess = { .found = guess_r };
    struct plan_cut cut;
    int rc;

    memset(guess_r, 0, sizeof(*guess_r));
    if (plan_cut_init(&cut, source, err) != 0)
        return -1;
    rc = look_through(&cut, &guess, err);
    plan_cut_release(&cut);
    return rc;
}
