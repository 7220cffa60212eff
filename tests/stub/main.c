/*
 * stub-stage: any of the five stages on the real skeleton, with a rule that only passes devices on. For tests
 * and benches of the engine. STUB_STAGE names the stage; the rest of its behaviour is chosen by:
 *
 *   STUB_ABORT=SERIAL    abort() when a batch holds this device (a crasher)
 *   STUB_RETRY=PERCENT   that share of first attempts is a retry
 *   STUB_STUCK=FILE      while FILE exists, give every batch back: the rule can do nothing
 *   STUB_FIELD=1         each stage adds a field to the device, as a rule would; columns end at validate
 *   STUB_HANG=FILE       while FILE exists, wait in the handler (a test can kill the worker there)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "stage/stage.h"
#include "stage_crypto.h"

struct stub {
    const char *abort_serial, *hang_file, *stuck_file;
    unsigned retry_percent;
    const char *field_of; /* the stage whose field is added; NULL: none */
};

static int open_stub(const struct stage_env *env, void **state_r, struct err *err)
{
    struct stub *stub = calloc(1, sizeof(*stub));
    const char *retry = getenv("STUB_RETRY");

    if (stub == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    stub->abort_serial = getenv("STUB_ABORT");
    stub->hang_file = getenv("STUB_HANG");
    stub->stuck_file = getenv("STUB_STUCK");
    stub->retry_percent = retry != NULL ? (unsigned)atoi(retry) : 0;
    stub->field_of = getenv("STUB_FIELD") != NULL ? env->stage : NULL;
    *state_r = stub;
    return 0;
}

static void add_field(const char *stage, struct device *device)
{
    if (strcmp(stage, "validate") == 0) {
        device->blueprint_id = "bp-1a2b3c4d";
        device_drop_columns(device);
    } else if (strcmp(stage, "import") == 0)
        device->device_id = "dev-0123456789abcdef";
    else if (strcmp(stage, "assign") == 0)
        device->assignment_id = "asg-0123456789ab";
    else if (strcmp(stage, "verify") == 0)
        device->mdm_server_id = "mdm-main";
}

static int handle(void *state, struct batch *batch, struct err *err)
{
    struct stub *stub = state;

    if (stub->stuck_file != NULL && access(stub->stuck_file, F_OK) == 0)
        return err_set(err, ERR_SPOOL, 0, "the stub says so");
    while (stub->hang_file != NULL && access(stub->hang_file, F_OK) == 0)
        usleep(5000);
    batch->close_verdict = VERDICT_FINISH;
    batch->part_sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];

        if (stub->abort_serial != NULL && strcmp(job->device->serial, stub->abort_serial) == 0)
            abort();
        if (job->device->attempts == 0 && stub->retry_percent > 0 && rand_u32() % 100 < stub->retry_percent)
            job_retry(job, ERR_ABM_ITEM_MISSING, "the stub says so", -1);
        else
            job_pass(job);
        if (stub->field_of != NULL && job->verdict == VERDICT_PASS)
            add_field(stub->field_of, job->device);
    }
    return 0;
}

static int handle_last(void *state, struct batch *batch, struct err *err)
{
    int rc = handle(state, batch, err);

    for (size_t i = 0; rc == 0 && i < batch->count; i++)
        if (batch->jobs[i].verdict == VERDICT_PASS)
            job_finish(&batch->jobs[i], OUTCOME_ASSIGNED, ERR_NONE, NULL);
    return rc;
}

static int probe(void *state, struct err *err)
{
    (void)state;
    (void)err;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct stage stages[] = {
        { .name = "validate",
          .crypto = &stage_crypto,
          .next = "import",
          .open = open_stub,
          .handle = handle,
          .close = free },
        { .name = "import",
          .crypto = &stage_crypto,
          .next = "assign",
          .needs_api = true,
          .probe = probe,
          .open = open_stub,
          .handle = handle,
          .close = free },
        { .name = "assign",
          .crypto = &stage_crypto,
          .next = "verify",
          .needs_api = true,
          .probe = probe,
          .open = open_stub,
          .handle = handle,
          .close = free },
        { .name = "verify",
          .crypto = &stage_crypto,
          .next = "audit",
          .needs_api = true,
          .probe = probe,
          .open = open_stub,
          .handle = handle_last,
          .close = free },
        { .name = "audit", .crypto = &stage_crypto, .open = open_stub, .handle = handle, .close = free },
    };
    const char *name = getenv("STUB_STAGE");

    for (size_t i = 0; name != NULL && i < sizeof(stages) / sizeof(stages[0]); i++)
        if (strcmp(stages[i].name, name) == 0)
            return stage_main(argc, argv, &stages[i]);
    fprintf(stderr, "stub-stage: STUB_STAGE must name a stage\n");
    return 64;
}
