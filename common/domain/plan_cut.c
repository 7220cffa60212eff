#include "domain/plan_cut.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_scan.h"

#define CHUNK_BYTES 65536

int plan_cut_init(struct plan_cut *cut, const struct plan_source *source, struct err *err)
{
    *cut = (struct plan_cut){ .source = source, .chunk = malloc(CHUNK_BYTES) };
    return cut->chunk != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "no memory to read a plan");
}

void plan_cut_release(struct plan_cut *cut)
{
    free(cut->chunk);
    cut->chunk = NULL;
}

int64_t plan_cut_place(const struct plan_cut *cut)
{
    return cut->before + (int64_t)cut->at;
}

/* At the end of the chunk: the next one. */
static int next_chunk(struct plan_cut *cut, struct err *err)
{
    cut->before += (int64_t)cut->got;
    cut->at = 0;
    cut->got = 0;
    if (cut->source->read(cut->source->ctx, cut->chunk, CHUNK_BYTES, &cut->got, err) != 0)
        return PLAN_CUT_ERROR;
    if (cut->before + (int64_t)cut->got > PLAN_MAX_BYTES) {
        err_set(err, ERR_LIMIT, 0, "a plan of more than %d bytes", PLAN_MAX_BYTES);
        return PLAN_CUT_ERROR;
    }
    return cut->got > 0 ? (unsigned char)cut->chunk[0] : PLAN_CUT_END;
}

int plan_cut_peek(struct plan_cut *cut, struct err *err)
{
    return cut->at < cut->got ? (unsigned char)cut->chunk[cut->at] : next_chunk(cut, err);
}

void plan_cut_skip(struct plan_cut *cut)
{
    cut->at++;
}

static int altered(const struct plan_cut *cut, struct err *err, const char *what)
{
    return err_set(err, ERR_PLAN_ALTERED, 0, "byte %lld: %s", (long long)plan_cut_place(cut), what);
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Something stands where it should not: says what, in the words of what somebody may have done. */
static int misplaced(const struct plan_cut *cut, int c, char wanted, struct err *err)
{
    if (c == PLAN_CUT_ERROR)
        return -1;
    if (c == PLAN_CUT_END)
        return altered(cut, err, "the file ends here: it was cut off");
    if (is_blank(c) && wanted != '\n')
        return altered(cut, err, "white space between the values: the file was formatted anew");
    return err_set(err, ERR_PLAN_ALTERED, 0, "byte %lld: '%c' (0x%02x), where %s%c%s was expected",
                   (long long)plan_cut_place(cut), c >= 0x20 && c < 0x7f ? c : '?', (unsigned)c,
                   wanted == '\n' ? "the end of the lin" : "'", wanted == '\n' ? 'e' : wanted,
                   wanted == '\n' ? "" : "'");
}

int plan_cut_expect(struct plan_cut *cut, const char *text, struct err *err)
{
    for (; *text != '\0'; text++) {
        int c = plan_cut_peek(cut, err);

        if (c != (unsigned char)*text)
            return misplaced(cut, c, *text, err);
        cut->at++;
    }
    return 0;
}

static int too_large(const struct plan_cut *cut, const struct buf *raw, struct err *err)
{
    if (raw->is_out_of_memory)
        return err_set(err, ERR_NOMEM, 0, "no memory to read a plan");
    return err_set(err, ERR_PLAN_ALTERED, 0, "byte %lld: a value of more than %zu bytes",
                   (long long)plan_cut_place(cut), raw->max_bytes);
}

/* One byte, which was peeked. */
static int take(struct plan_cut *cut, struct buf *raw, struct err *err)
{
    if (buf_add_char(raw, cut->chunk[cut->at]) != 0)
        return too_large(cut, raw, err);
    cut->at++;
    return 0;
}

/* At the opening quote. */
static int take_string(struct plan_cut *cut, struct buf *raw, struct err *err)
{
    bool is_escaped = false;

    if (take(cut, raw, err) != 0)
        return -1;
    for (;;) {
        int c = plan_cut_peek(cut, err);
        size_t run;

        if (c < 0)
            return misplaced(cut, c, '"', err);
        run = is_escaped ? 0 : json_plain_run(cut->chunk + cut->at, cut->got - cut->at);
        if (run > 0) {
            if (buf_add(raw, cut->chunk + cut->at, run) != 0)
                return too_large(cut, raw, err);
            cut->at += run;
            continue;
        }
        if (take(cut, raw, err) != 0)
            return -1;
        if (c == '"' && !is_escaped)
            return 0;
        is_escaped = c == '\\' && !is_escaped;
    }
}

int plan_cut_value(struct plan_cut *cut, struct buf *raw, struct err *err)
{
    int depth = 0;

    for (;;) {
        int c = plan_cut_peek(cut, err);

        if (c < 0 || is_blank(c))
            return misplaced(cut, c, '"', err);
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return 0;
        if (c == '"') {
            if (take_string(cut, raw, err) != 0)
                return -1;
        } else if (take(cut, raw, err) != 0) {
            return -1;
        }
        if ((c == '{' || c == '[') && ++depth > PLAN_CUT_DEPTH)
            return altered(cut, err, "nested too deep");
        if (c == '}' || c == ']')
            depth--;
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            return 0;
    }
}
