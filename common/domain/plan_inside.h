/**
 * plan_inside.h - what the writer and the reader of plans share: what may stand in one, and how it is
 * printed. The reader prints again what it has understood and compares, so there is one form of every plan.
 * Internal to domain/plan*.c.
 */
#ifndef DOMAIN_PLAN_INSIDE_H
#define DOMAIN_PLAN_INSIDE_H

#include "base/json.h"
#include "domain/device.h"
#include "domain/plan.h"

#define PLAN_COUNT_MAX   1000000000 /* of devices without an entry */
#define PLAN_ENTRY_BYTES 16384      /* one entry as text: at most 9 texts of 128 bytes, each byte escaped */
#define PLAN_HEAD_BYTES  (PLAN_APPROVALS_MAX * PLAN_APPROVAL_MAX + 32 * 1024) /* all but the entries */

/* A text of a structure. */
struct plan_text {
    const char *name;
    size_t at;  /* offsetof in the structure */
    size_t max; /* bytes */
    enum { PLAN_TEXT_ANY, PLAN_TEXT_SOME, PLAN_TEXT_ID, PLAN_TEXT_SHA256 } form; /* SOME: not empty */
    bool is_required;
};

#define PLAN_ENTRY_TEXTS 10
#define PLAN_HEAD_TEXTS  7 /* at the top, but created_at */
#define PLAN_INPUT_TEXTS 3 /* in inputs */

extern const struct plan_text plan_entry_texts[PLAN_ENTRY_TEXTS];
extern const struct plan_text plan_head_texts[PLAN_HEAD_TEXTS];
extern const struct plan_text plan_input_texts[PLAN_INPUT_TEXTS];

/** Checks an entry by itself: texts, and whether what it says agrees. ERR_PLAN_FORMAT, the text begins with
 * the member. */
int plan_check_entry(enum plan_kind kind, const struct plan_entry *entry, struct err *err);
/** Counts an entry that was checked. ERR_PLAN_FORMAT (the order of those removed), ERR_LIMIT. */
int plan_tally_add(struct plan_tally *tally, enum plan_kind kind, const struct plan_entry *entry,
                   struct err *err);
/** Checks a head by itself, or (tally not NULL) against all entries. ERR_PLAN_FORMAT. */
int plan_check_head(const struct plan_head *head, const struct plan_tally *tally, struct err *err);

/* The document apart from its entries: these, in order. Entries follow OPEN, CHANGE and REMOVE. */
enum plan_piece {
    PLAN_PIECE_OPEN,      /* {"add":[ */
    PLAN_PIECE_API,       /* ],"api_version":"2.0", */
    PLAN_PIECE_APPROVALS, /* "approvals":[...], or nothing; not hashed */
    PLAN_PIECE_CHANGE,    /* "brake":{...},"change":[ */
    PLAN_PIECE_COMPLETE,  /* ],"complete":false, ... "org":"acme", */
    PLAN_PIECE_SHA256,    /* "plan_sha256":"...", or nothing; not hashed */
    PLAN_PIECE_REMOVE,    /* "rejected":0,"remove":[ */
    PLAN_PIECE_CLOSE,     /* ],"reverts":"...","unchanged":0,"version":1} */
    PLAN_PIECE_NEWLINE,   /* not hashed */
    PLAN_PIECES,
};

/** How many pieces stand before the entries of a kind; PLAN_PIECES for PLAN_SAME. */
int plan_pieces_before(enum plan_kind kind);
/** True for the pieces that count for plan_sha256. */
bool plan_piece_is_hashed(enum plan_piece piece);
/** Appends it; errors stand in the buffer. plan_sha256 NULL: that piece is nothing. */
void plan_print_piece(struct buf *out, enum plan_piece piece, const struct plan_head *head,
                      const char *plan_sha256);
/** Appends an entry that was checked, without a comma. */
void plan_print_entry(struct buf *out, const struct plan_entry *entry, int64_t row);

/*
 * From JSON. -1 with ERR_PLAN_FORMAT: the member, and what stands there. What is missing, null where it is to
 * be absent, or in another form, is the comparison's to find.
 */
/** The text is borrowed from object. */
int plan_fill_entry(const struct json *object, struct plan_entry *entry, struct err *err);
/** object: the document with its three lists empty. The text is copied to pool. */
int plan_fill_head(const struct json *object, struct pool *pool, struct plan_head *head, struct err *err);

#endif
