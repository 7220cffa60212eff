/*
 * The reader: cuts the document into its entries and the rest, which is small; reads each strictly, prints
 * again what it has understood, and compares. So whatever is not exactly what the writer writes is found, and
 * where.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "domain/dedupe.h"
#include "domain/plan_cut.h"
#include "domain/plan_inside.h"

#define NAME_BYTES  64
#define SHOWN_BYTES 24

struct reader {
    struct plan_cut cut;
    const struct plan_entry_sink *sink; /* NULL: none */
    struct buf raw;                     /* the entry that is read */
    struct buf again;                   /* printed again */
    struct buf head;                    /* all but the entries: the document with three empty lists */
    size_t lists[PLAN_KINDS];           /* where in head a list ends */
    int64_t left_out[PLAN_KINDS];       /* and the bytes of entries that stand before it in the document */
    int lists_seen;
    struct plan_tally tally;
    struct dedupe *serials;
    size_t approvals_at, approvals_len;
    bool is_past_approvals;
    struct err *err;
};

static void hashed(struct reader *reader, const char *data, size_t len)
{
    reader->cut.source->hashed(reader->cut.source->ctx, data, len);
}

static int expect(struct reader *reader, const char *text)
{
    return plan_cut_expect(&reader->cut, text, reader->err);
}

/* A plan of which something is not in the form that plans have was altered. */
static int as_altered(struct err *err)
{
    if (err->code == ERR_PLAN_FORMAT || err->code == ERR_JSON)
        err->code = ERR_PLAN_ALTERED;
    return -1;
}

/* Puts the entry before the error's text. */
static int in_entry(struct reader *reader, enum plan_kind kind, int64_t place)
{
    as_altered(reader->err);
    return err_prefix(reader->err, "%s[%lld], from byte %lld", plan_kind_name(kind),
                      (long long)reader->tally.counts[kind], (long long)place);
}

/* Where the text of a JSON error begins with a byte of what was parsed: *at_r, and the words behind it. */
static const char *json_place(const struct err *err, size_t *at_r)
{
    char *end;

    if (err->code != ERR_JSON || !str_starts(err->text, "byte "))
        return NULL;
    *at_r = strtoul(err->text + strlen("byte "), &end, 10);
    return str_starts(end, ": ") ? end + 2 : NULL;
}

static void show(struct buf *out, const struct buf *text, size_t at)
{
    str_escape(out, text->data + at, text->len - at, SHOWN_BYTES);
}

/* Where the two first differ; their length where they do not. */
static size_t common_bytes(const struct buf *a, const struct buf *b)
{
    size_t len = a->len < b->len ? a->len : b->len, at = 0;

    while (at < len && a->data[at] == b->data[at])
        at++;
    return at;
}

/* place: of read[at] in the document. */
static int differs(struct reader *reader, const struct buf *read, size_t at, int64_t place)
{
    struct buf got, want;

    buf_init(&got, 8 * SHOWN_BYTES + 8);
    buf_init(&want, 8 * SHOWN_BYTES + 8);
    show(&got, read, at);
    show(&want, &reader->again, at);
    err_set(reader->err, ERR_PLAN_ALTERED, 0, "byte %lld: %s, where %s was expected", (long long)place,
            got.len > 0 ? got.data : "nothing more", want.len > 0 ? want.data : "nothing more");
    buf_release(&got);
    buf_release(&want);
    return -1;
}

/* --- an entry --- */

static int check_twice(struct reader *reader, enum plan_kind kind, const struct plan_entry *entry)
{
    struct dedupe_first first;
    int rc = dedupe_add(reader->serials, entry->serial, reader->tally.rows + 1, (uint32_t)kind, &first,
                        reader->err);

    if (rc > 0)
        return err_set(reader->err, ERR_PLAN_ALTERED, 0, "serial '%s' stands twice: row %u in %s has it, too",
                       entry->serial, (unsigned)first.row, plan_kind_name((enum plan_kind)first.target));
    return rc;
}

/* What the raw text says, and whether it is how we say it. */
static int understand(struct reader *reader, enum plan_kind kind, const struct json *object,
                      struct plan_entry *entry, int64_t place)
{
    int64_t row = reader->tally.rows + 1;
    size_t same;

    if (json_kind(object) != JSON_OBJECT)
        return err_set(reader->err, ERR_PLAN_ALTERED, 0, "%s, wanted an object",
                       json_kind_name(json_kind(object)));
    if (plan_fill_entry(object, entry, reader->err) != 0 || plan_check_entry(kind, entry, reader->err) != 0 ||
        check_twice(reader, kind, entry) != 0)
        return -1;
    buf_reset(&reader->again);
    plan_print_entry(&reader->again, entry, row);
    if (buf_check(&reader->again, "an entry", reader->err) != 0)
        return -1;
    same = common_bytes(&reader->raw, &reader->again);
    if (same < reader->raw.len || same < reader->again.len)
        return differs(reader, &reader->raw, same, place + (int64_t)same);
    return 0;
}

/* 1: the sink has seen enough. */
static int read_entry(struct reader *reader, enum plan_kind kind)
{
    int64_t place = plan_cut_place(&reader->cut);
    struct plan_entry entry;
    struct json *object;
    size_t at;
    int rc;

    buf_reset(&reader->raw);
    if (plan_cut_value(&reader->cut, &reader->raw, reader->err) != 0)
        return in_entry(reader, kind, place);
    if (json_parse(reader->raw.data, reader->raw.len, &object, reader->err) != 0) {
        const char *words = json_place(reader->err, &at);

        if (words != NULL)
            err_set(reader->err, ERR_PLAN_ALTERED, 0, "byte %lld: %s", (long long)place + (long long)at,
                    words);
        return in_entry(reader, kind, place);
    }
    rc = understand(reader, kind, object, &entry, place);
    if (rc == 0)
        rc = plan_tally_add(&reader->tally, kind, &entry, reader->err);
    if (rc != 0) {
        in_entry(reader, kind, place);
    } else {
        hashed(reader, reader->raw.data, reader->raw.len);
        if (reader->sink != NULL)
            rc = reader->sink->entry(reader->sink->ctx, kind, &entry, reader->err);
    }
    json_free(object);
    return rc;
}

static int read_list(struct reader *reader, enum plan_kind kind)
{
    int64_t first;
    int rc, c;

    if (expect(reader, "[") != 0)
        return -1;
    hashed(reader, "[", 1);
    buf_add_char(&reader->head, '[');
    first = plan_cut_place(&reader->cut);
    c = plan_cut_peek(&reader->cut, reader->err);
    while (c != ']' && c != PLAN_CUT_ERROR) {
        rc = read_entry(reader, kind);
        if (rc != 0)
            return rc;
        c = plan_cut_peek(&reader->cut, reader->err);
        if (c == ']')
            break;
        if (c == PLAN_CUT_ERROR || expect(reader, ",") != 0)
            return -1;
        hashed(reader, ",", 1);
    }
    if (c == PLAN_CUT_ERROR)
        return -1;
    reader->lists[kind] = reader->head.len;
    reader->left_out[kind] = plan_cut_place(&reader->cut) - first;
    hashed(reader, "]", 1);
    buf_add_char(&reader->head, ']');
    return expect(reader, "]");
}

/* --- the rest --- */

/* The list of that name with its quotes, which must be the next one. PLAN_SAME: it is no list. */
static int list_of(struct reader *reader, const char *name, enum plan_kind *kind_r)
{
    static const char *const names[PLAN_KINDS] = { "\"add\"", "\"change\"", "\"remove\"" };

    *kind_r = PLAN_SAME;
    for (int i = 0; i < PLAN_KINDS; i++)
        if (strcmp(name, names[i]) == 0)
            *kind_r = (enum plan_kind)i;
    if (*kind_r == PLAN_SAME)
        return 0;
    if ((int)*kind_r != reader->lists_seen)
        return err_set(reader->err, ERR_PLAN_ALTERED, 0, "byte %lld: the list %s is out of place",
                       (long long)plan_cut_place(&reader->cut), name);
    reader->lists_seen++;
    return 0;
}

/* The member's name, with its quotes, to name[NAME_BYTES]. */
static int read_name(struct reader *reader, char *name)
{
    int rc, c = plan_cut_peek(&reader->cut, reader->err);
    struct buf raw;

    if (c == PLAN_CUT_ERROR || (c != '"' && expect(reader, "\"") != 0))
        return -1;
    buf_init(&raw, NAME_BYTES - 1);
    rc = plan_cut_value(&reader->cut, &raw, reader->err);
    if (rc == 0)
        memcpy(name, raw.data, raw.len + 1);
    buf_release(&raw);
    return rc;
}

/* A member that is no list, behind its colon. */
static int read_value(struct reader *reader, bool is_hashed)
{
    size_t from = reader->head.len;

    if (plan_cut_value(&reader->cut, &reader->head, reader->err) != 0)
        return -1;
    if (is_hashed)
        hashed(reader, reader->head.data + from, reader->head.len - from);
    return 0;
}

/* One member and what stands behind it. *is_last_r: that was the bracket. 1: the sink has seen enough. */
static int read_member(struct reader *reader, bool *is_last_r)
{
    size_t place = (size_t)plan_cut_place(&reader->cut);
    char name[NAME_BYTES];
    enum plan_kind kind;
    bool is_hashed, is_approvals;
    int rc, c;

    if (read_name(reader, name) != 0 || list_of(reader, name, &kind) != 0 || expect(reader, ":") != 0)
        return -1;
    is_approvals = strcmp(name, "\"approvals\"") == 0;
    is_hashed = !is_approvals && strcmp(name, "\"plan_sha256\"") != 0;
    if (!reader->is_past_approvals && strcmp(name, "\"approvals\"") >= 0) {
        reader->is_past_approvals = true;
        reader->approvals_at = place;
    }
    buf_addf(&reader->head, "%s:", name);
    if (is_hashed) {
        hashed(reader, name, strlen(name));
        hashed(reader, ":", 1);
    }
    rc = kind != PLAN_SAME ? read_list(reader, kind) : read_value(reader, is_hashed);
    if (rc != 0)
        return rc;
    c = plan_cut_peek(&reader->cut, reader->err);
    *is_last_r = c == '}';
    if (*is_last_r)
        return 0;
    if (c == PLAN_CUT_ERROR || expect(reader, ",") != 0)
        return -1;
    buf_add_char(&reader->head, ',');
    if (is_hashed)
        hashed(reader, ",", 1);
    if (is_approvals)
        reader->approvals_len = (size_t)plan_cut_place(&reader->cut) - place;
    return 0;
}

static int read_all(struct reader *reader)
{
    bool is_last = false;
    int rc, c;

    if (expect(reader, "{") != 0)
        return -1;
    hashed(reader, "{", 1);
    buf_add_char(&reader->head, '{');
    while (!is_last) {
        rc = read_member(reader, &is_last);
        if (rc != 0)
            return rc;
    }
    if (expect(reader, "}\n") != 0)
        return -1;
    hashed(reader, "}", 1);
    buf_add_char(&reader->head, '}');
    c = plan_cut_peek(&reader->cut, reader->err);
    if (c >= 0)
        return err_set(reader->err, ERR_PLAN_ALTERED, 0, "byte %lld: something stands behind the plan",
                       (long long)plan_cut_place(&reader->cut));
    return c == PLAN_CUT_END ? 0 : -1;
}

/* Where in the document the byte of head stands. */
static int64_t document_place(const struct reader *reader, size_t at)
{
    int64_t place = (int64_t)at;

    for (int i = 0; i < reader->lists_seen; i++)
        if (at >= reader->lists[i])
            place += reader->left_out[i];
    return place;
}

static int compare_head(struct reader *reader, const struct plan_head *head)
{
    size_t same;

    buf_reset(&reader->again);
    for (int piece = 0; piece < PLAN_PIECE_NEWLINE; piece++)
        plan_print_piece(&reader->again, (enum plan_piece)piece, head, head->plan_sha256);
    if (buf_check(&reader->again, "the head of the plan", reader->err) != 0)
        return -1;
    same = common_bytes(&reader->head, &reader->again);
    if (same < reader->head.len || same < reader->again.len)
        return differs(reader, &reader->head, same, document_place(reader, same));
    return 0;
}

static int understand_head(struct reader *reader, struct pool *pool, struct plan_head *head)
{
    struct json *object;
    size_t at;
    int rc;

    if (buf_check(&reader->head, "the head of the plan", reader->err) != 0)
        return -1;
    if (json_parse(reader->head.data, reader->head.len, &object, reader->err) != 0) {
        const char *words = json_place(reader->err, &at);

        if (words != NULL)
            err_set(reader->err, ERR_PLAN_ALTERED, 0, "byte %lld: %s", (long long)document_place(reader, at),
                    words);
        return as_altered(reader->err);
    }
    rc = plan_fill_head(object, pool, head, reader->err);
    json_free(object);
    if (rc != 0 || plan_check_head(head, &reader->tally, reader->err) != 0)
        return as_altered(reader->err);
    if (compare_head(reader, head) != 0)
        return -1;
    if (head->plan_sha256 == NULL)
        return err_set(reader->err, ERR_PLAN_ALTERED, 0, "plan_sha256 is missing");
    memcpy(head->counts, reader->tally.counts, sizeof(head->counts));
    head->approvals_at = reader->approvals_at;
    head->approvals_len = reader->approvals_len;
    return 0;
}

int plan_read(const struct plan_source *source, const struct plan_entry_sink *sink, struct pool *pool,
              struct plan_head *head_r, struct err *err)
{
    struct reader reader = { .sink = sink, .err = err };
    struct plan_head head;
    int rc = -1;

    buf_init(&reader.raw, PLAN_ENTRY_BYTES);
    buf_init(&reader.again, PLAN_HEAD_BYTES);
    buf_init(&reader.head, PLAN_HEAD_BYTES);
    reader.serials = dedupe_new();
    if (reader.serials == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory to find serials that stand twice");
    else if (plan_cut_init(&reader.cut, source, err) == 0)
        rc = read_all(&reader);
    if (rc == 0)
        rc = understand_head(&reader, pool, &head);
    if (rc == 0)
        *head_r = head;
    plan_cut_release(&reader.cut);
    dedupe_free(reader.serials);
    buf_release(&reader.raw);
    buf_release(&reader.again);
    buf_release(&reader.head);
    return rc;
}
