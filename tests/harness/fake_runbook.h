/**
 * fake_runbook.h - the run book of queue/runbook.h in memory, for tests: the test fills in the views, and
 * does with parts and manifests what the settle scripts would.
 */
#ifndef HARNESS_FAKE_RUNBOOK_H
#define HARNESS_FAKE_RUNBOOK_H

#include "queue/runbook.h"

#define FAKE_RUNBOOK_RUNS  8
#define FAKE_RUNBOOK_PARTS 2048

struct fake_part {
    char name[80];
    char sha256[65];
    int64_t count;
};

struct fake_run {
    struct run_view view; /* text borrowed from the test */
    char manifest_path[512], payload_sha256[65];
    struct fake_part *parts; /* listed since the last manifest; room for FAKE_RUNBOOK_PARTS */
    size_t part_count;
};

struct fake_runbook {
    struct runbook runbook; /* to be handed to the code under test */
    struct fake_run runs[FAKE_RUNBOOK_RUNS];
    size_t count;
    const char *mapping_sha256, *mapping; /* the one mapping it knows; NULL: none */
};

void fake_runbook_init(struct fake_runbook *fake);
void fake_runbook_release(struct fake_runbook *fake);
/** A new open run of one batch; id borrowed. The test changes its view as it likes. */
struct fake_run *fake_runbook_add(struct fake_runbook *fake, const char *id);
/** What settle does with a part: lists it, and counts the devices as ended. */
void fake_run_list_part(struct fake_run *run, const char *uid, const char *sha256, int64_t count);
/** What the settle of the closing message does. */
void fake_run_close(struct fake_run *run, const char *manifest_path, const char *payload_sha256,
                    int64_t records_files);

#endif
