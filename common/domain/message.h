/**
 * message.h - what travels between the stages: a version, a uid, a run and up to 200 devices, as JSON in the
 * one field `m` of a stream entry (DESIGN.md 5). Pure: text in, structures out, and back.
 *
 *   {"version":1,"uid":"5d0c...-1f","run":"2026-11-24-acme-7f3a","n":2,"devices":[{"serial":...},...]}
 *
 * "n" stands before the devices so that a script can count without parsing. A closing message (to audit) has
 * "close":true and no devices. Members that this version does not know travel on, of messages and of devices.
 */
#ifndef DOMAIN_MESSAGE_H
#define DOMAIN_MESSAGE_H

#include "base/buf.h"
#include "domain/device.h"

#define MESSAGE_VERSION     1
#define MESSAGE_MAX_DEVICES 200
#define MESSAGE_MAX_BYTES   (128 * 1024)
#define MESSAGE_UID_MAX     47
#define RUN_ID_MAX          64

struct message {
    const char *uid;
    const char *run;
    bool is_close;
    struct device *devices;
    size_t count;
    const char *unknown; /* members of the message that this version does not know; NULL: none */
};

/**
 * Reads one message; everything in *message_r lives in pool.
 * -1 with ERR_MSG_VERSION (newer: put it back), ERR_MSG_MALFORMED (the text names the path), ERR_LIMIT,
 * ERR_NOMEM.
 */
int message_parse(const char *text, size_t len, struct pool *pool, struct message *message_r, struct err *err)
    __attribute__((nonnull(1, 3, 4, 5)));

/** Appends the message with the devices of list[count]; absent and zero members are left out. */
void message_print(struct buf *out, const char *uid, const char *run, const char *unknown,
                   const struct device *const *list, size_t count) __attribute__((nonnull(1, 2, 3)));
void message_print_close(struct buf *out, const char *uid, const char *run) __attribute__((nonnull(1, 2, 3)));

/** One device as it stands in a message (also in a dead letter). */
void message_print_device(struct buf *out, const struct device *device) __attribute__((nonnull(1, 2)));

struct json;
/** The other way: one device from its JSON object; path names it in errors ("devices[3]"). */
int message_read_device(const struct json *value, const char *path, struct pool *pool,
                        struct device *device_r, struct err *err) __attribute__((nonnull(2, 3, 4, 5)));

/** [A-Za-z0-9][A-Za-z0-9._-]{0,63} */
bool run_id_is_valid(const char *run);
/** As a run id, of at most MESSAGE_UID_MAX: it names a part's file and keys of Redis. */
bool message_uid_is_valid(const char *uid);

#endif
