#include "evidence/sink.h"

#include <string.h>

#include "evidence/spool.h"

/* The seam for further kinds (object storage with a write-once lock). */
static const struct {
    const char *prefix;
    int (*open)(const char *rest, struct sink **sink_r, struct err *err);
} kinds[] = {
    { "file:", sink_file_open },
};

#define KINDS_SERVED "file:DIR"

int sink_open(const char *url, struct sink **sink_r, struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].prefix);

        if (strncmp(url, kinds[i].prefix, len) == 0 && url[len] != '\0')
            return kinds[i].open(url + len, sink_r, err);
    }
    return err_set(err, ERR_SETTINGS, 0, "audit.sinks: '%s' is no sink; there is: " KINDS_SERVED, url);
}

/* Names come from messages and settings: none of them may lead out of the sink. */
static int check_place(const struct sink_place *place, struct err *err)
{
    if (spool_name_is_safe(place->org) && spool_name_is_safe(place->run) && spool_name_is_safe(place->name))
        return 0;
    return err_set(err, ERR_RUN_ID, 0,
                   "evidence cannot be kept under such a name of organization, run or file");
}

int sink_put(struct sink *sink, const struct sink_place *place, const struct sink_content *content,
             struct err *err)
{
    return check_place(place, err) != 0 ? -1 : sink->ops->put(sink, place, content, err);
}

int sink_look(struct sink *sink, const struct sink_place *place, char sha256_r[SHA256_HEX], struct err *err)
{
    return check_place(place, err) != 0 ? -1 : sink->ops->look(sink, place, sha256_r, err);
}

int sink_read(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
{
    return check_place(place, err) != 0 ? -1 : sink->ops->read(sink, place, out, err);
}

int sink_locate(struct sink *sink, const struct sink_place *place, struct buf *out, struct err *err)
{
    return check_place(place, err) != 0 ? -1 : sink->ops->locate(sink, place, out, err);
}
