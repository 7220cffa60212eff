#include "harness/fake_notes.h"

#include "base/str.h"
#include "domain/device.h"
#include "harness/check.h"

static int save(void *ctx, const struct fence *fence, const struct device *const *devices, size_t count,
                struct err *err)
{
    struct fake_notes *fake = ctx;

    if (fake->fail != ERR_NONE)
        return err_set(err, fake->fail, 0, "as the test wants");
    if (str_eq(fence->id, fake->lost_message))
        return 1;
    fake->saves++;
    for (size_t i = 0; i < count; i++) {
        assert_true(fake->count < FAKE_NOTES_MAX);
        assert_true(devices[i]->is_noted);
        fake->at[fake->count++] = (struct fake_note){
            .message = fence->id,
            .serial = devices[i]->serial,
            .from_blueprint_id = devices[i]->from_blueprint_id,
            .from_mdm_server_id = devices[i]->from_mdm_server_id,
        };
    }
    return 0;
}

struct notes fake_notes_of(struct fake_notes *fake)
{
    static const struct notes_ops ops = { .save = save };

    return (struct notes){ &ops, fake };
}

const struct fake_note *fake_notes_find(const struct fake_notes *fake, const char *serial)
{
    for (size_t i = fake->count; i > 0; i--)
        if (str_eq(fake->at[i - 1].serial, serial))
            return &fake->at[i - 1];
    return NULL;
}
