#include "roll_read.h"

#include <sys/stat.h>

#include "base/str.h"
#include "evidence/verify.h"
#include "evidence/visit.h"
#include "kept.h"

#define RECORD_POOL  (1024u * 1024)
#define LOOK_RECORDS 4096 /* between two looks at signals and progress */

struct reading {
    struct ctl *ctl;
    const struct roll_source *source;
    struct roll *roll;
    struct pool *pool; /* of one record */
    int64_t records;
};

static bool is_asked_for(const struct reading *reading, enum outcome outcome)
{
    return outcome == OUTCOME_ASSIGNED || outcome == OUTCOME_REMOVED ||
           outcome == (reading->source->is_declared ? OUTCOME_UNCHANGED : OUTCOME_FAILED);
}

static int take_record(void *ctx, const struct visit_record *record, struct err *err)
{
    struct reading *reading = ctx;
    struct device device;
    const char *run;

    if (++reading->records % LOOK_RECORDS == 0) {
        if (ctl_is_stopped(reading->ctl))
            return err_set(err, ERR_STOPPED, 0, "stopped while reading the evidence");
        ctl_progress(reading->ctl, "evidence: %lld records", (long long)reading->records);
    }
    if (!is_asked_for(reading, record->head.outcome))
        return 0;
    pool_reset(reading->pool);
    if (record_parse(record->line, record->len, reading->pool, &run, &device, err) != 0)
        return -1;
    /* --only-new left the device as it was: what it wanted is not what the device has. */
    if (str_eq(device.code, err_wire(ERR_KEPT_EXISTING)))
        return 0;
    return roll_add(reading->roll, &device, record_tells_from_server(record->line, record->len),
                    record->manifest->manifest.sequence, err);
}

/* The folder of the run, where path is the organization's. */
static bool find_folder(const struct roll_source *source, const char *path, char folder[PATH_MAX])
{
    struct stat st;

    return source->run != NULL && snprintf(folder, PATH_MAX, "%s/%s", path, source->run) < PATH_MAX &&
           stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
}

static int read_all(struct reading *reading, const char *path, const struct verifier *verifier,
                    struct err *err)
{
    const struct visitor visitor = { take_record, reading };
    const struct roll_source *source = reading->source;
    struct verify_result result;
    char folder[PATH_MAX];
    int64_t manifests;

    if (find_folder(source, path, folder)) {
        /* A later manifest that is missing would not be missed by reading alone. */
        if (evidence_verify(folder, verifier, &result, err) != 0)
            return -1;
        path = folder;
    }
    if (visit_evidence(path, verifier, reading->ctl->org->name, source->run, &visitor, &manifests, err) != 0)
        return -1;
    ctl_progress_end(reading->ctl);
    if (manifests > 0)
        return 0;
    if (source->run != NULL)
        return err_set(err, ERR_NOT_FOUND, 0, "no manifest of run %s under %s: has it closed?", source->run,
                       path);
    return err_set(err, ERR_NOT_FOUND, 0, "no manifest of %s under %s", reading->ctl->org->name, path);
}

int roll_read(struct ctl *ctl, const struct roll_source *source, struct roll *roll, struct err *err)
{
    struct reading reading = { .ctl = ctl, .source = source, .roll = roll };
    const char *path = source->path;
    char buffer[PATH_MAX];
    struct verifier verifier;
    int rc = -1;

    if (ctl_open_org(ctl, err) != 0 || kept_path(ctl, &path, buffer, err) != 0 ||
        kept_verifier(ctl, source->pubkey, &verifier, err) != 0 || roll_init(roll, err) != 0)
        return -1;
    reading.pool = pool_new(RECORD_POOL);
    if (reading.pool == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory");
    else
        rc = read_all(&reading, path, &verifier, err);
    pool_free(reading.pool);
    return rc;
}
