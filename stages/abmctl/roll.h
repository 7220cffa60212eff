/**
 * roll.h - what the signed evidence says of devices, the newest record of each: what drift takes as declared,
 * and what revert takes back. Pure but for memory: about 150 bytes a device.
 */
#ifndef ABMCTL_ROLL_H
#define ABMCTL_ROLL_H

#include "domain/device.h"

#define ROLL_DEVICES_MAX 2000000

/* Text is the roll's. */
struct roll_entry {
    const char *serial;
    const char *blueprint_id;  /* NULL: nothing is assigned */
    const char *mdm_server_id; /* NULL: it was left as it is */
    const char *from_blueprint_id, *from_mdm_server_id;
    int64_t row;
    int64_t sequence;       /* of the manifest */
    int32_t seq;            /* of the record */
    uint8_t outcome;        /* enum outcome */
    bool tells_from_server; /* from_mdm_server_id NULL then means none */
};

struct roll {
    struct pool *pool;
    struct roll_entry *at;
    size_t count, room;
    uint32_t *slots; /* index of an entry + 1; 0: free. A power of two of them */
    size_t slot_count;
    const char **names; /* ids that many entries share, in such a table as well */
    size_t name_count, name_slots;
};

int roll_init(struct roll *roll, struct err *err);
/** All zero is fine. */
void roll_release(struct roll *roll);

/**
 * Takes a record (record_parse's device) of the manifest of that sequence. The newest of a serial stays: the
 * highest sequence, then the highest seq. ERR_LIMIT, ERR_NOMEM.
 */
int roll_add(struct roll *roll, const struct device *record, bool tells_from_server, int64_t sequence,
             struct err *err);

/** Orders the entries by the row that the input gave, then by serial. Nothing can be added after. */
void roll_sort(struct roll *roll);
/** The same by serial alone. */
void roll_sort_by_serial(struct roll *roll);

#endif
