/**
 * ingest.h - the public message of the ingest stream, field `batch`: config/schema/ingest.schema.json.
 * Pure. Values are checked by device_check (check.h), not here: a wrong type makes the message malformed, a
 * well-typed but bad value rejects the device.
 */
#ifndef DOMAIN_INGEST_H
#define DOMAIN_INGEST_H

#include "base/buf.h"
#include "domain/device.h"

#define INGEST_VERSION     1
#define INGEST_MAX_DEVICES 1000
#define INGEST_MAX_BYTES   (1024 * 1024)
#define INGEST_MAX_BATCHES 1000000
#define INGEST_PART_DEPTH  16 /* halvings; 1,000 devices need 10 */

struct ingest_rejected {
    int64_t row;
    const char *serial; /* as it was written, at most 128 bytes of it */
    const char *code;   /* wire name */
    const char *text;
};

/*
 * A half of a batch that was split after its worker crashed, or devices of it that were lost and put back
 * (abmctl run repair): it keeps the parent's registration. Devices of a part may carry what they have been
 * through: seq, is_noted, from_*.
 */
struct ingest_part {
    const char *path;   /* "" whole; "0", "1", "01", ... */
    const char *sha256; /* of the whole batch's bytes; NULL: whole, hash it yourself */
    int64_t total;      /* devices and rejected rows of the whole batch */
};

struct ingest {
    const char *run; /* NULL: a run by itself */
    int64_t batch;   /* 1..batches; both 1 where absent */
    int64_t batches;
    const char *mode; /* "apply", the only one there is; absent is "apply" */
    const char *operator_;
    const char *source_name, *source_sha256;
    const char *mapping_sha256; /* NULL: validate's own mapping */
    const char *git_commit;
    bool is_urgent;          /* passes other runs; a run of one batch */
    bool is_only_new;        /* no existing assignment is changed */
    const char *plan_sha256; /* the plan that the run applies (plan.h); NULL: none */
    int64_t plan_unchanged;  /* assignments that it leaves as they are, of devices that are in no batch */
    const char *approvers;   /* of that plan, as approvers.h has them; NULL: nobody */
    struct device *devices;
    size_t count;
    struct ingest_rejected *rejected;
    size_t rejected_count;
    struct ingest_part part;
    const char *unknown; /* members that this version does not know; they travel on with halves; NULL: none */
};

/**
 * Reads one batch; everything in *ingest_r lives in pool.
 *
 * Required: version, devices (may be empty where rejected is not), and of each device serial and country.
 * null stands for absent in every optional member but expected_from. approvers stands only with plan_sha256.
 * No two rows of the batch, of devices and rejected together, are the same. An action that is neither assign
 * nor remove is ACTION_UNKNOWN.
 *
 * -1 with ERR_MSG_VERSION, ERR_MSG_TOO_MANY, ERR_MSG_TOO_LARGE, ERR_MSG_MALFORMED (the text names the path,
 * as "devices[3].serial: a number, wanted a string"), ERR_LIMIT (the pool). Where the run and batch could
 * still be read they are set in *ingest_r even then (run NULL otherwise), so that a malformed batch counts as
 * come.
 */
int ingest_parse(const char *text, size_t len, struct pool *pool, struct ingest *ingest_r, struct err *err)
    __attribute__((nonnull(1, 3, 4, 5)));

/**
 * Appends the batch as JSON, with head's rejected rows; devices given as a list of pointers so that halves
 * need no copy. Absent members are left out; rows are always written.
 */
void ingest_print(struct buf *out, const struct ingest *head, const struct device *const *list, size_t count)
    __attribute__((nonnull(1, 2)));

/** True where text is 64 lower-case hex digits. NULL-safe. */
bool sha256_hex_is_valid(const char *text);

#endif
