/**
 * plan.h - the plan document: what would change in ABM, one line of canonical JSON (RFC 8785) and a newline,
 * written by `abmctl plan` and `abmctl revert`, read by `abmctl apply` and `abmctl plan approve`:
 * config/schema/plan.schema.json. Pure: bytes come and go by callbacks, files are stages/abmctl/plan_file.h.
 *
 * Writing and reading are streams, one entry at a time: neither ever holds the whole document. There is one
 * form of every plan: the same head and entries are always the same bytes, and a reader takes no other.
 * plan_sha256 is the SHA-256 of the document without its members plan_sha256 and approvals and without the
 * newline; this layer has no hash, so it says of every piece of bytes whether it counts (is_hashed).
 *
 * To change the format: a new member, or a new meaning of one, is a new PLAN_VERSION, since whoever applies a
 * plan must understand all of it. `version` stays a member of the document, a whole number.
 */
#ifndef DOMAIN_PLAN_H
#define DOMAIN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "domain/device.h"

#define PLAN_VERSION       1
#define PLAN_MAX_BYTES     (512 * 1024 * 1024)
#define PLAN_MAX_ENTRIES   1000000
#define PLAN_TEXT_MAX      1024 /* bytes of operator, and of the input's name */
#define PLAN_WORD_MAX      128  /* bytes of every other text of the head */
#define PLAN_APPROVALS_MAX 16
#define PLAN_APPROVAL_MAX  8192 /* bytes of one approval as canonical JSON */

/* In the order of a plan's entries. PLAN_SAME has none. */
enum plan_kind { PLAN_ADD, PLAN_CHANGE, PLAN_REMOVE, PLAN_SAME };
#define PLAN_KINDS 3

/* What ABM showed of a device's assignment; PLAN_STATE_NONE: that there is none. */
enum plan_state { PLAN_STATE_NONE, PLAN_STATE_ACCEPTED, PLAN_STATE_PROPAGATED, PLAN_STATE_FAILED };

/* One device that would change. */
struct plan_entry {
    int64_t row; /* from 1 through all three lists; set by the reader, and counted by the writer itself */
    const char *serial;
    const char *country;
    const char *model, *order_number, *asset_tag; /* NULL: the input did not say */
    enum plan_state state;
    const char *from_blueprint_id; /* NULL: unassigned */
    const char *to_blueprint_id;   /* NULL: only in PLAN_REMOVE, and always there */
    const char *mdm_server_id;     /* the one wanted; NULL: left as it is */
    bool has_servers; /* the server changes: from one of these, each NULL for none, to the other */
    const char *from_mdm_server_id, *to_mdm_server_id;
};

/* What the brake orgs.NAME.limits.max_changes makes of the plan. */
struct plan_brake {
    const char *max_changes; /* "10%"; NULL: there is no brake, and no member */
    int64_t changes;         /* entries whose from is not null */
    int64_t existing;        /* devices of the input, and those to be removed, that are assigned now */
    bool would_pause;        /* plan_would_pause */
};

struct plan_head {
    const char *org, *dialect, *api_version;
    int64_t created_at_ms; /* Unix, at most the year 9999 */
    const char *operator_;
    const char *git_commit;                                 /* NULL: null */
    const char *input_name, *input_sha256, *mapping_sha256; /* each NULL: null, as of a revert */
    const char *reverts;                                    /* the run that it takes back; NULL: none */
    bool is_complete, is_only_new;
    int64_t unchanged, rejected, duplicate, kept; /* devices without an entry; kept only where is_only_new */
    struct plan_brake brake;

    /* Set by the reader alone. */
    const char *plan_sha256; /* as the document says; whoever hashed compares */
    int64_t counts[PLAN_KINDS];
    const char *approvals; /* the list as it stands there, canonical JSON, at most PLAN_APPROVALS_MAX objects;
                              NULL: no such member */
    size_t approvals_at, approvals_len; /* bytes of the document that the member takes with its comma; where
                                           there is none, approvals_at is its place and approvals_len 0 */
};

/* "add", "change", "remove", "unchanged". */
const char *plan_kind_name(enum plan_kind kind);
/** "ACCEPTED", ...; NULL for PLAN_STATE_NONE. */
const char *plan_state_name(enum plan_state state);

/* --- judging --- */

/* What ABM shows. state PLAN_STATE_NONE: no assignment, whatever the other members say. */
struct plan_seen {
    enum plan_state state;
    const char *blueprint_id, *mdm_server_id;
};

/* What is wanted. */
struct plan_wanted {
    bool is_remove;            /* no assignment; the other members say nothing */
    const char *blueprint_id;  /* not NULL but for is_remove */
    const char *mdm_server_id; /* NULL: left as it is */
};

/**
 * What must change so that what is wanted is there, judged as abm-assign does it: a FAILED assignment never
 * took effect, so nothing is assigned; but a remove finds its work done only where no assignment of any state
 * is left. ACCEPTED counts as assigned.
 *
 * @param entry  gets state, from_*, to_*, mdm_server_id and has_servers (also for PLAN_SAME); its other
 *               members stay. The text is borrowed from seen and wanted.
 */
enum plan_kind plan_judge(const struct plan_wanted *wanted, const struct plan_seen *seen,
                          struct plan_entry *entry) __attribute__((nonnull(1, 2, 3)));

/** True where a run of so many changes among so many existing assignments would be paused: changes are more
 * than the whole percentage of existing. */
bool plan_would_pause(int64_t changes, int64_t existing, int percent);

/* --- writing --- */

struct plan_sink {
    /** Takes the next bytes. is_hashed: they count for plan_sha256. -1 with err ends the writing. */
    int (*put)(void *ctx, const char *data, size_t len, bool is_hashed, struct err *err);
    void *ctx;
};

/* The caller's storage; its members are the writer's own. */
struct plan_writer {
    const struct plan_head *head;
    const char *plan_sha256;
    struct plan_sink sink;
    struct buf buf;
    int piece; /* the next one of the head's pieces */
    struct plan_tally {
        int64_t rows;
        int64_t counts[PLAN_KINDS];
        int64_t changed;                     /* entries whose from is not null */
        char removed[DEVICE_SERIAL_MAX + 1]; /* the last one removed */
    } tally;
};

/**
 * Writes a plan: init, plan_writer_add for each entry in the order add, change, remove, end, release.
 * Everything in head is known before (it is borrowed until the release), so a caller counts first. It is done
 * twice, with the same entries: once only for the hash, then with it.
 *
 * What a reader would refuse is refused here as well, with ERR_PLAN_FORMAT and the reader's words (a text too
 * long, a control character, from and to that agree, removed serials out of order), but for a serial that
 * stands twice.
 *
 * @param plan_sha256  64 hex digits; NULL: not known yet, the member is left out. Borrowed until the release
 */
void plan_writer_init(struct plan_writer *writer, const struct plan_head *head, const char *plan_sha256,
                      const struct plan_sink *sink) __attribute__((nonnull(1, 2, 4)));
void plan_writer_release(struct plan_writer *writer) __attribute__((nonnull(1)));
/** kind: never less than that of the call before. */
int plan_writer_add(struct plan_writer *writer, enum plan_kind kind, const struct plan_entry *entry,
                    struct err *err) __attribute__((nonnull(1, 3, 4)));
/** All that stands behind the last entry, and the newline. */
int plan_writer_end(struct plan_writer *writer, struct err *err) __attribute__((nonnull(1, 2)));

/* --- reading --- */

struct plan_source {
    /** Up to cap bytes into data; *got_r 0: the end. -1 with err. */
    int (*read)(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err);
    /** Gets every byte that counts for plan_sha256, in order. */
    void (*hashed)(void *ctx, const char *data, size_t len);
    void *ctx;
};

struct plan_entry_sink {
    /** Everything in entry is borrowed for the call. 1 ends the reading early, -1 with err ends it with that
     * error. */
    int (*entry)(void *ctx, enum plan_kind kind, const struct plan_entry *entry, struct err *err);
    void *ctx;
};

/**
 * Reads a plan, whatever its bytes: at most one entry is in memory, and about 40 bytes of each serial.
 *
 * @param sink    NULL: entries are only checked. They are handed out before the rest is: so a caller that
 * acts on them reads twice, and the first time only checks.
 * @param pool    holds the text of *head_r
 * @return 0; 1 where the sink ended it (*head_r untouched). -1 with ERR_PLAN_ALTERED: no byte may differ from
 * what the writer writes of this head and these entries, and what they say must agree; the text names the
 * byte, the entry and the member, as "add[3].serial, byte 512: ...". Also where a plan of a newer version is
 * read (plan_version_of tells), or what is no plan at all. ERR_LIMIT (more than PLAN_MAX_ENTRIES or
 * PLAN_MAX_BYTES), ERR_NOMEM, and what source and sink said.
 */
int plan_read(const struct plan_source *source, const struct plan_entry_sink *sink, struct pool *pool,
              struct plan_head *head_r, struct err *err) __attribute__((nonnull(1, 3, 4, 5)));

/* What can be said of a document that plan_read did not take. */
struct plan_guess {
    bool is_plan;    /* it is, or begins as, a JSON object with members of a plan */
    int64_t version; /* 0: none was found */
};

/** Looks through any bytes for the top-level members of a plan; nothing else is checked. -1: the source said
 * so. */
int plan_guess(const struct plan_source *source, struct plan_guess *guess_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

#endif
