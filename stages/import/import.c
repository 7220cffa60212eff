#include "import.h"

#include "../api_call.h"

/* The later stages and the record do not need them: a message stays small. */
static void drop_input(struct device *device)
{
    device->country = NULL;
    device->model = NULL;
    device->order_number = NULL;
    device->asset_tag = NULL;
}

int import_batch(const struct abm_api *api, struct batch *batch, struct err *err)
{
    struct api_call call;

    if (api_call_init(&call, batch->count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        api_call_add(&call, &batch->jobs[i]);
    if (abm_api_import(api, call.items, call.count, batch->pool, err) != 0)
        return -1;
    for (size_t i = 0; i < call.count; i++) {
        struct job *job = call.jobs[i];

        if (api_call_verdict(job, &call.items[i]))
            continue;
        job->device->device_id = call.items[i].device_id;
        drop_input(job->device);
        job_pass(job);
    }
    return 0;
}
