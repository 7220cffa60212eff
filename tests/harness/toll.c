#include "harness/toll.h"

#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct count {
    const char *prefix;
    int count;
    struct seen {
        int records, changes, puts;
        bool is_assigned, is_in_effect;
    } * seen;
};

static struct seen *seen_of(const struct count *count, const char *serial)
{
    size_t prefix = strlen(count->prefix);
    int64_t at;

    if (strncmp(serial, count->prefix, prefix) != 0 || strlen(serial) != 12 ||
        !str_to_int(serial + prefix, 0, count->count - 1, &at))
        return NULL;
    return &count->seen[at];
}

static void see_record(void *user, const struct device *record)
{
    struct seen *seen = seen_of(user, record->serial);

    if (seen == NULL)
        return;
    seen->records++;
    seen->is_assigned = record->outcome == OUTCOME_ASSIGNED;
    if (!seen->is_assigned)
        print_message("%s ended %s (%s)\n", record->serial, outcome_name(record->outcome),
                      record->code != NULL ? record->code : "no code");
}

static void see_device(void *user, const char *serial, const struct abmsim_device *device)
{
    const struct count *count = user;
    struct seen *seen = seen_of(count, serial);
    const char *server;

    if (seen == NULL)
        return;
    seen->changes = (int)device->puts_changed;
    seen->puts = (int)device->puts_received;
    seen->is_in_effect =
        strcmp(device->blueprint_id,
               pipeline_wanted(serial, pipeline_country((int)(seen - count->seen)), &server)) == 0;
}

static int64_t counted(struct pipeline *pipeline, enum pipeline_stage stage, const char *what)
{
    char key[32];

    snprintf(key, sizeof(key), "@count:%s", pipeline_stage_name(stage));
    return desk_number(&pipeline->desk, "HGET", key, what, NULL);
}

void toll_mark(struct pipeline *pipeline, struct toll_mark *mark)
{
    int64_t ended = 0;

    memset(mark, 0, sizeof(*mark));
    for (int stage = PIPELINE_IMPORT; stage < PIPELINE_AUDIT; stage++) {
        ended += counted(pipeline, (enum pipeline_stage)stage, "finished");
        mark->through[stage] = counted(pipeline, (enum pipeline_stage)stage, "passed") + ended;
    }
}

void toll_take(struct pipeline *pipeline, const struct toll_mark *mark, const char *run, const char *prefix,
               int count, struct toll *toll)
{
    struct count counted = { prefix, count, calloc((size_t)count, sizeof(struct seen)) };
    struct err err = ERR_INIT;
    struct toll_mark now;

    assert_non_null(counted.seen);
    (void)pipeline_records(pipeline, run, see_record, &counted);
    if (abmsim_each_device(&pipeline->sim, see_device, &counted, &err) != 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < count; i++) {
        const struct seen *seen = &counted.seen[i];

        toll->lost += seen->records == 0 || !seen->is_assigned || !seen->is_in_effect;
        toll->doubled += seen->records > 1 || seen->changes > 1;
        toll->repeated += seen->puts > 1 ? seen->puts - 1 : 0;
    }
    free(counted.seen);
    toll_mark(pipeline, &now);
    for (int stage = PIPELINE_IMPORT; stage < PIPELINE_AUDIT; stage++) {
        int64_t more = now.through[stage] - mark->through[stage] - count;

        if (more != 0)
            print_message("%lld devices more than there were have come through %s\n", (long long)more,
                          pipeline_stage_name((enum pipeline_stage)stage));
        toll->doubled += more > 0 ? more : 0;
        toll->lost += more < 0 ? -more : 0;
    }
    toll->devices += count;
}
