#include "harness/fake_notes.h"

#include "base/str.h"
#include "harness/check.h"

static int save(void *ctx, const struct fence *fence, const struct note *list, size_t count, struct err *err)
{
    struct fake_notes *fake = ctx;

    if (fake->fail != ERR_NONE)
        return err_set(err, fake->fail, 0, "as the test wants");
    if (str_eq(fence->id, fake->lost_message))
        return 1;
    fake->saves++;
    for (size_t i = 0; i < count; i++) {
        assert_true(fake->count < FAKE_NOTES_MAX);
        fake->at[fake->count++] = (struct fake_note){
            .message = fence->id,
            .serial = list[i].serial,
            .from_blueprint_id = list[i].from_blueprint_id,
            .from_mdm_server_id = list[i].from_mdm_server_id,
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
