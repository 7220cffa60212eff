#include "stage/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message of 128 KiB, or a batch of 1 MiB, several times over: text is unescaped and structures come on
 * top. */
#define HELD_POOL_BYTES (16 * 1024 * 1024)

/* "n" of the head, as the scripts read it, for content that cannot be parsed: the counters must agree. */
static size_t count_in_head(const char *raw, size_t len)
{
    char head[513];
    const char *at;
    size_t count = 0;

    snprintf(head, sizeof(head), "%.*s", (int)(len < 512 ? len : 512), raw);
    at = strstr(head, "\"n\":");
    if (at == NULL)
        return 0;
    for (at += 4; *at >= '0' && *at <= '9' && count < 100000; at++)
        count = count * 10 + (size_t)(*at - '0');
    return count;
}

static void read_message(struct held *held, const struct stream_entry *entry)
{
    held->counted = count_in_head(entry->body, entry->len);
    if (message_parse(entry->body, entry->len, held->pool, &held->message, &held->why) != 0) {
        held->kind = held->why.code == ERR_MSG_VERSION ? HELD_NEWER : HELD_BAD;
        return;
    }
    held->kind = held->message.is_close ? HELD_CLOSE : HELD_DEVICES;
    snprintf(held->run, sizeof(held->run), "%s", held->message.run);
}

static void read_ingest(struct held *held, const struct stream_entry *entry, held_digest *digest)
{
    int rc = ingest_parse(entry->body, entry->len, held->pool, &held->ingest, &held->why);

    if (held->ingest.part.sha256 != NULL && rc == 0)
        snprintf(held->sha256, sizeof(held->sha256), "%s", held->ingest.part.sha256);
    else
        digest(entry->body, entry->len, held->sha256);
    if (held->ingest.run != NULL)
        snprintf(held->run, sizeof(held->run), "%s", held->ingest.run);
    else if (rc == 0)
        snprintf(held->run, sizeof(held->run), "ingest-%.*s", (int)strcspn(held->id, "@"),
                 held->id); /* a run by itself, the same at each delivery */
    if (rc != 0)
        held->kind = held->why.code == ERR_MSG_VERSION ? HELD_NEWER : HELD_BAD;
}

/* Neither parser builds anything of an entry above INGEST_MAX_BYTES, and its letter shows its beginning
 * alone: whoever may write to a stream must not have a worker hold the whole several times over. */
static int keep_raw(struct held *held, const struct stream_entry *entry)
{
    held->raw_len = entry->len > INGEST_MAX_BYTES ? HELD_SHOWN_BYTES : entry->len;
    held->raw = malloc(held->raw_len + 1);
    if (held->raw == NULL)
        return -1;
    memcpy(held->raw, entry->body, held->raw_len);
    held->raw[held->raw_len] = '\0';
    return 0;
}

struct held *held_new(const struct stream_entry *entry, held_digest *digest, bool is_redelivered,
                      struct err *err)
{
    struct held *held = calloc(1, sizeof(*held));

    if (held == NULL)
        goto no_memory;
    held->pool = pool_new(HELD_POOL_BYTES);
    if (held->pool == NULL || keep_raw(held, entry) != 0)
        goto no_memory;
    snprintf(held->id, sizeof(held->id), "%s", entry->id);
    held->is_urgent = lane_of_id(held->id) == LANE_URGENT;
    held->deliveries = entry->deliveries;
    held->is_redelivered = is_redelivered;
    held->may_have_note = is_redelivered;
    held->fence = (struct fence){ .id = held->id, .run = held->run };
    if (digest != NULL)
        read_ingest(held, entry, digest);
    else
        read_message(held, entry);
    if (held->raw_len < entry->len)
        err_set(&held->why, held->why.code, 0, "%s; the first %d bytes are kept", held->why.text,
                HELD_SHOWN_BYTES);
    if (held->kind == HELD_BAD && held->why.code == ERR_NOMEM)
        goto no_memory;
    return held;
no_memory:
    held_free(held);
    err_set(err, ERR_NOMEM, 0, "no memory for a message of %zu bytes", entry->len);
    return NULL;
}

void held_free(struct held *held)
{
    if (held == NULL)
        return;
    pool_free(held->pool);
    free(held->raw);
    free(held);
}

static bool has_ingest(const struct held *held)
{
    return held->sha256[0] != '\0';
}

size_t held_jobs(const struct held *held)
{
    if (held->kind != HELD_DEVICES)
        return 0;
    return has_ingest(held) ? held->ingest.count + held->ingest.rejected_count : held->message.count;
}

/* A row that push refused has no device of its own: it gets one with its row and serial. */
static struct device *rejected_device(struct held *held, const struct ingest_rejected *rejected)
{
    struct device *device = pool_alloc(held->pool, sizeof(*device));

    if (device == NULL)
        return NULL;
    device->row = rejected->row;
    device->serial = rejected->serial != NULL ? rejected->serial : "";
    return device;
}

struct device *held_device(struct held *held, size_t index)
{
    if (!has_ingest(held))
        return &held->message.devices[index];
    if (index < held->ingest.count)
        return &held->ingest.devices[index];
    return rejected_device(held, &held->ingest.rejected[index - held->ingest.count]);
}
