/**
 * close_inside.h - what the files of closing a run share: close.c takes the turn, signs and ships,
 * close_shipped.c finds what stands in the sink already, close_witness.c what Redis has forgotten. Internal.
 */
#ifndef EVIDENCE_CLOSE_INSIDE_H
#define EVIDENCE_CLOSE_INSIDE_H

#include "evidence/close.h"
#include "evidence/dsse.h"
#include "evidence/manifest.h"
#include "evidence/merge.h"

/* One closing under way. */
struct close_job {
    const struct closing *closing;
    const char *run;
    struct pool *pool;
    struct run_view view;
    struct run_part *parts;
    size_t part_count;
    char name[MANIFEST_NAME_MAX]; /* of the manifest to be made */
    bool is_after_another;        /* an earlier run of this name has manifests in the sink */
    bool is_built;                /* set and folder are there */
    struct record_set set;
    struct buf folder;
    struct buf envelope, payload; /* of the manifest in hand */
    struct chain_turn turn;
    int64_t restored; /* sequence that the chain in Redis was brought back to; 0: it was right */
};

/* close_shipped.c */
/** 1: the manifest to be made is in the first sink; 0: it is not; -1 err. */
int close_is_in_sink(const struct close_job *job, struct err *err);
/**
 * Looks for the first name that is free, behind what an earlier run of this name left. 1: job->name stands in
 * the sink, and is this closing's; 0: it is free; -1 err.
 */
int close_find_name(struct close_job *job, struct err *err);
/** Takes the manifest that stands in the sink as this closing's; ERR_SINK_EXISTS where it is another's. */
int close_adopt_shipped(struct close_job *job, struct manifest *manifest_r, struct err *err);

/* close_witness.c */
/** Keeps the signed envelope in hand beside the spool, before any sink sees it. */
int close_keep_witness(const struct close_job *job, const char *run, const char *name, struct err *err);
/** 0: the turn is right, what Redis has forgotten stands in it again; 1: the head was moved, take the turn
 * again; -1 err. */
int close_heed_witness(struct close_job *job, struct err *err);

#endif
