/**
 * ingest_device.h - one device and one rejected row of an ingest message; the inside of ingest.c.
 */
#ifndef DOMAIN_INGEST_DEVICE_H
#define DOMAIN_INGEST_DEVICE_H

#include "domain/field.h"
#include "domain/ingest.h"

/** row stays 0 where absent. -1 as ingest_parse. */
int ingest_device_read(struct field_reader *reader, const struct json *value, struct device *device_r)
    __attribute__((nonnull(1, 3)));
void ingest_device_print(struct buf *out, const struct device *device) __attribute__((nonnull(1, 2)));

int ingest_rejected_read(struct field_reader *reader, const struct json *value,
                         struct ingest_rejected *rejected_r) __attribute__((nonnull(1, 3)));
void ingest_rejected_print(struct buf *out, const struct ingest_rejected *rejected)
    __attribute__((nonnull(1, 2)));

#endif
