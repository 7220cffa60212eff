#include "domain/device.h"

#include <string.h>

static const char *const step_names[STEP_COUNT] = {
    [STEP_INGEST] = "ingest", [STEP_VALIDATE] = "validate", [STEP_IMPORT] = "import",
    [STEP_ASSIGN] = "assign", [STEP_VERIFY] = "verify",     [STEP_END] = "end",
};

/* Every text member, for copies. */
static const size_t texts[] = {
    offsetof(struct device, serial),
    offsetof(struct device, country),
    offsetof(struct device, model),
    offsetof(struct device, order_number),
    offsetof(struct device, asset_tag),
    offsetof(struct device, action_word),
    offsetof(struct device, expect_blueprint_id),
    offsetof(struct device, expect_mdm_server_id),
    offsetof(struct device, blueprint_id),
    offsetof(struct device, mdm_server_id),
    offsetof(struct device, rule),
    offsetof(struct device, device_id),
    offsetof(struct device, from_blueprint_id),
    offsetof(struct device, from_mdm_server_id),
    offsetof(struct device, assignment_id),
    offsetof(struct device, suspect.op),
    offsetof(struct device, suspect.code),
    offsetof(struct device, code),
    offsetof(struct device, text),
    offsetof(struct device, unknown),
};

const char *device_step_name(enum device_step step)
{
    return (unsigned)step < STEP_COUNT ? step_names[step] : "none";
}

bool device_is_planned(const struct device *device)
{
    return device->blueprint_id != NULL || device->action == ACTION_REMOVE;
}

void device_drop_columns(struct device *device)
{
    device->model = NULL;
    device->order_number = NULL;
    device->asset_tag = NULL;
    device->extra = NULL;
    device->extra_count = 0;
}

/* Where text may be cut so that at most max bytes stay and no UTF-8 character is torn. */
static size_t cut_at(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static void drop_if_longer(const char **text, size_t max)
{
    if (*text != NULL && strnlen(*text, max + 1) > max)
        *text = NULL;
}

int device_shorten(struct device *device, struct pool *pool, struct err *err)
{
    size_t len = device->serial != NULL ? strlen(device->serial) : 0;

    if (len > DEVICE_SHOWN_MAX) {
        device->serial = pool_strndup(pool, device->serial, cut_at(device->serial, len, DEVICE_SHOWN_MAX));
        if (device->serial == NULL)
            return pool_failed(pool, err);
    }
    device_drop_columns(device);
    drop_if_longer(&device->country, 2);
    drop_if_longer(&device->blueprint_id, DEVICE_ID_MAX);
    drop_if_longer(&device->mdm_server_id, DEVICE_ID_MAX);
    drop_if_longer(&device->expect_blueprint_id, DEVICE_ID_MAX);
    drop_if_longer(&device->expect_mdm_server_id, DEVICE_ID_MAX);
    drop_if_longer(&device->action_word, DEVICE_TAG_MAX);
    drop_if_longer(&device->unknown, DEVICE_UNKNOWN_MAX);
    return 0;
}

static int clone_extra(struct device *copy, struct pool *pool)
{
    struct device_extra *extra;

    if (copy->extra_count == 0)
        return 0;
    extra = pool_array(pool, copy->extra_count, sizeof(*extra));
    if (extra == NULL)
        return -1;
    for (size_t i = 0; i < copy->extra_count; i++) {
        extra[i].name = pool_strdup(pool, copy->extra[i].name);
        extra[i].value = pool_strdup(pool, copy->extra[i].value);
        if (extra[i].name == NULL || (extra[i].value == NULL && copy->extra[i].value != NULL))
            return -1;
    }
    copy->extra = extra;
    return 0;
}

struct device *device_clone(const struct device *device, struct pool *pool)
{
    struct device *copy = pool_alloc(pool, sizeof(*copy));

    if (copy == NULL)
        return NULL;
    *copy = *device;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char **text = (const char **)(void *)((char *)copy + texts[i]);

        if (*text == NULL)
            continue;
        *text = pool_strdup(pool, *text);
        if (*text == NULL)
            return NULL;
    }
    return clone_extra(copy, pool) == 0 ? copy : NULL;
}
