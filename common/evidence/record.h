/**
 * record.h - one device's line in the evidence: how it ended, and why (DESIGN.md 8,
 * config/schema/record.schema.json).
 *
 *   {"serial":"FVFGH2345678","run":"acme-7f3a","row":2,"seq":0,"outcome":"assigned","code":null,
 *    "blueprint_id":"bp-1","from_blueprint_id":null,"mdm_server":"mdm-1","assignment_id":"as-9","attempts":1,
 *    "times":{"ingest":"2026-11-24T08:17:00.123Z",...},"rule":"1: serial.startswith('F')",
 *    "from_mdm_server":null}
 *
 * The members stand in this order, always all of them, null where there is nothing to say; the bytes of a
 * line are what is hashed, so a change of the form needs a new version of the manifest. A member that is
 * added stands last, and is absent in what was written before: from_mdm_server is one. Pure.
 */
#ifndef EVIDENCE_RECORD_H
#define EVIDENCE_RECORD_H

#include "base/buf.h"
#include "domain/device.h"

#define RECORD_LINE_MAX (32 * 1024)

/** Appends the line of a device that has ended, with its newline. Errors stand in out. */
void record_print(struct buf *out, const char *run, const struct device *device)
    __attribute__((nonnull(1, 2, 3)));

/* What merging and counting need of a line; serial is borrowed from it, still in its JSON form without the
 * quotes. */
struct record_head {
    const char *serial;
    size_t serial_len;
    int64_t row, seq;
    enum outcome outcome;
};

/** Reads the first members of a line (newline or not) by their fixed order. false: it is no such line. */
bool record_read_head(const char *line, size_t len, struct record_head *head_r)
    __attribute__((nonnull(1, 3)));

/** By row, then serial, a device before its duplicates, then seq: <0, 0, >0. */
int record_compare(const struct record_head *a, const struct record_head *b) __attribute__((nonnull(1, 2)));
/** True where both tell of one device of one input: the same row and serial, and neither is a duplicate. */
bool record_is_same_device(const struct record_head *a, const struct record_head *b)
    __attribute__((nonnull(1, 2)));

/**
 * Reads a whole line back, strictly. What lives on is in pool.
 *
 * @param device_r  out: serial row seq outcome code blueprint_id from_blueprint_id mdm_server_id
 * assignment_id attempts_all times_ms rule from_mdm_server_id; the rest is zero
 * @return 0; -1 with ERR_EVIDENCE, ERR_NOMEM, ERR_LIMIT
 */
int record_parse(const char *line, size_t len, struct pool *pool, const char **run_r, struct device *device_r,
                 struct err *err) __attribute__((nonnull(1, 3, 4, 5, 6)));

/** Whether a line that record_parse takes says which server the device had before (null: none): older ones do
 * not. */
bool record_tells_from_server(const char *line, size_t len) __attribute__((nonnull(1)));

#endif
