#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "evidence/close.h"

/*
 * A closing knows each part by name and hash, some 200 bytes. A part is a message that came to audit: one for
 * 200 devices, but one for each where devices end one by one (batch: 1, a producer of small batches). What a
 * run of a million such parts takes is taken by it alone; under a limit that it does not fit it could never
 * be closed.
 */
#define CLOSING_POOL_BYTES ((size_t)256 * 1024 * 1024)

static int open_sinks(struct audit *audit, const struct settings *settings, struct err *err)
{
    if (settings->audit_sink_count == 0)
        return err_set(err, ERR_SETTINGS_MISSING, 0, "audit.sinks: at least one is required");
    audit->sinks = calloc(settings->audit_sink_count, sizeof(*audit->sinks));
    if (audit->sinks == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the sinks");
    for (; audit->sink_count < settings->audit_sink_count; audit->sink_count++)
        if (sink_open(settings->audit_sinks[audit->sink_count], &audit->sinks[audit->sink_count], err) != 0)
            return -1;
    return 0;
}

int audit_open(const struct stage_env *env, void **state_r, struct err *err)
{
    const struct settings *settings = env->settings;
    const struct signer_options options = { .base = settings->path,
                                            .allow_mount_mode = settings->secrets_allow_mount_mode };
    struct audit *audit = calloc(1, sizeof(*audit));

    if (audit == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the audit");
    audit->env = env;
    audit->runbook = env->runbook;
    audit->chain = env->chain;
    if (!spool_name_is_safe(env->org->name)) {
        err_set(err, ERR_SETTINGS, 0, "orgs: '%s' cannot name a folder: use letters, digits, . _ -",
                env->org->name);
        audit_close(audit);
        return -1;
    }
    if (signer_open(settings->audit_signer, &options, &audit->signer, err) != 0 ||
        open_sinks(audit, settings, err) != 0) {
        audit_close(audit);
        return -1;
    }
    *state_r = audit;
    return 0;
}

void audit_close(void *state)
{
    struct audit *audit = state;

    if (audit == NULL)
        return;
    for (size_t i = 0; i < audit->sink_count; i++)
        sink_free(audit->sinks[i]);
    free(audit->sinks);
    signer_free(audit->signer);
    free(audit);
}

static struct spool spool_of(const struct audit *audit)
{
    return (struct spool){ audit->env->settings->audit_spool, audit->env->org->name };
}

/* A device that came here without an outcome is a fault of the stage before: it is written down as just that.
 */
static void require_outcome(struct device *device)
{
    if (device->outcome > OUTCOME_NONE && device->outcome < OUTCOME_COUNT)
        return;
    device->outcome = OUTCOME_FAILED;
    device->code = err_wire(ERR_NO_VERDICT);
}

static int write_part(const struct audit *audit, struct batch *batch, struct err *err)
{
    const struct device **devices = pool_array(batch->pool, batch->count, sizeof(*devices));
    const struct spool spool = spool_of(audit);
    char sha256[SHA256_HEX];

    if (devices == NULL)
        return pool_failed(batch->pool, err);
    for (size_t i = 0; i < batch->count; i++) {
        require_outcome(batch->jobs[i].device);
        devices[i] = batch->jobs[i].device;
    }
    if (spool_write(&spool, batch->run, batch->uid, devices, batch->count, sha256, err) != 0)
        return -1;
    batch->part_sha256 = pool_strdup(batch->pool, sha256);
    if (batch->part_sha256 == NULL)
        return pool_failed(batch->pool, err);
    for (size_t i = 0; i < batch->count; i++)
        job_pass(&batch->jobs[i]);
    return 0;
}

static int keep_closed(struct batch *batch, const struct closed *closed, struct err *err)
{
    batch->manifest_path = pool_strdup(batch->pool, closed->manifest_path);
    batch->manifest_sha256 = pool_strdup(batch->pool, closed->payload_sha256);
    batch->records_files = closed->records_files;
    batch->manifest_number = closed->manifest;
    if ((closed->manifest_path != NULL && batch->manifest_path == NULL) ||
        (closed->payload_sha256 != NULL && batch->manifest_sha256 == NULL))
        return pool_failed(batch->pool, err);
    return 0;
}

static int close_one(struct audit *audit, struct batch *batch, struct err *err)
{
    const struct closing closing = {
        .runbook = &audit->runbook,
        .chain = &audit->chain,
        .signer = audit->signer,
        .sinks = audit->sinks,
        .sink_count = audit->sink_count,
        .spool = spool_of(audit),
        .dialect = audit->env->org->api_dialect,
        .version = audit->env->version,
        .now_ms = batch->now_ms,
    };
    struct pool *pool = pool_new(CLOSING_POOL_BYTES);
    struct closed closed;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a closing");
    rc = close_run(&closing, batch->run, pool, &closed, err);
    if (rc > 0 && keep_closed(batch, &closed, err) != 0)
        rc = -1;
    pool_free(pool);
    if (rc < 0)
        return err_prefix(err, "closing run %s", batch->run);
    batch->close_verdict = rc == 0 ? VERDICT_WAIT : VERDICT_FINISH;
    if (rc > 0 && closed.restored > 0)
        log_warn("chain_restored", "sequence", log_int(closed.restored), "text",
                 "Redis had forgotten manifests that are in the sinks; the chain goes on behind them", NULL);
    return 0;
}

/*
 * Evidence of one run that is denied (a file in the way), or cannot be made sense of, must not end a worker
 * that other runs need: it waits, and its error says why. Only what concerns all of them keeps its class.
 */
static int keep_for_later(struct err *err)
{
    enum err_class class = err_class_of(err->code);

    if (class == ERR_CLASS_DENIED || class == ERR_CLASS_INPUT || class == ERR_CLASS_DEVICE)
        err_set(err, ERR_SINK, 0, "%s (%s)", err->text, err_wire(err->code));
    return -1;
}

int audit_batch(void *state, struct batch *batch, struct err *err)
{
    struct audit *audit = state;
    int rc = batch->is_close ? close_one(audit, batch, err) : write_part(audit, batch, err);

    return rc == 0 ? 0 : keep_for_later(err);
}

void audit_forget(void *state, const char *run)
{
    const struct audit *audit = state;
    const struct spool spool = spool_of(audit);

    spool_remove(&spool, run, audit->env->settings->runs_keep_ms);
}
