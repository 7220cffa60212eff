/**
 * ship.h - brings a signed manifest and the record files it names to every sink, and reads them back.
 * Idempotent.
 */
#ifndef EVIDENCE_SHIP_H
#define EVIDENCE_SHIP_H

#include "evidence/close.h"
#include "evidence/manifest.h"

struct shipment {
    const char *run;
    const char *name; /* of the envelope's file */
    const struct buf *envelope;
    const struct manifest *manifest;
};

/** Refuses with ERR_SINK_EXISTS where a sink holds other bytes under one of the names of the record files. */
int ship_precheck(const struct closing *closing, const char *run, const struct manifest_file *files,
                  size_t count, struct err *err) __attribute__((nonnull(1, 2, 5)));

/** 1: some sink lacks a record file; 0: all have all of them; -1 err. */
int ship_needs_records(const struct closing *closing, const struct shipment *shipment, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * Record files first, the envelope last, so that a manifest in a sink is always whole. folder: where the
 * record files stand; NULL: the sinks have them all.
 */
int ship_all(const struct closing *closing, const struct shipment *shipment, const char *folder,
             struct err *err) __attribute__((nonnull(1, 2, 4)));

#endif
