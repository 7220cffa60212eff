#include "replay.h"

#include <string.h>

#include "base/json.h"
#include "domain/message.h"

const char *replay_target(const char *stage)
{
    return strcmp(stage, "verify") == 0 ? "assign" : stage;
}

void replay_reset(struct device *device)
{
    device->seq++;
    device->attempts = 0;
    device->returns = 0;
    device->looks = 0;
    device->suspect = (struct device_suspect){ 0 };
    device->since_ms = 0;
    device->stalled_ms = 0;
    device->times_ms[STEP_END] = 0;
    device->outcome = OUTCOME_NONE;
    device->code = NULL;
    device->text = NULL;
}

static int read_device(const struct dead_letter *letter, struct pool *pool, struct device *device,
                       struct err *err)
{
    struct json *doc;
    int rc;

    if (json_parse(letter->device, letter->device_len, &doc, err) != 0)
        return err_prefix(err, "the letter's device cannot be read");
    rc = message_read_device(doc, "device", pool, device, err);
    json_free(doc);
    return rc;
}

int replay_message(const struct dead_letter *letter, const char *target, const char *uid, struct pool *pool,
                   struct buf *message, struct err *err)
{
    struct device device;
    const struct device *list[1] = { &device };

    if (letter->message != NULL)
        return err_set(err, ERR_NOT_FOUND, 0,
                       "it is a message that could not be read: push its devices again, then drop it");
    if (letter->device == NULL)
        return err_set(
            err, ERR_NOT_FOUND, 0,
            "it is a batch that could not be read: correct the producer, send the batch again, then drop it");
    if (letter->run == NULL || !run_id_is_valid(letter->run))
        return err_set(err, ERR_MSG_MALFORMED, 0, "it names no run: drop it and push the device again");
    if (strcmp(target, "import") != 0 && strcmp(target, "assign") != 0 && strcmp(target, "verify") != 0)
        return err_set(err, ERR_RUN_STATE, 0,
                       "%s cannot take a single device: push it again, then drop the letter", target);
    if (read_device(letter, pool, &device, err) != 0)
        return -1;
    if (device.action == ACTION_ASSIGN && device.blueprint_id == NULL)
        return err_set(
            err, ERR_RUN_STATE, 0,
            "validate has not found its blueprint yet: push the device again, then drop the letter");
    replay_reset(&device);
    message_print(message, uid, letter->run, NULL, list, 1);
    return buf_check(message, "the message", err);
}
