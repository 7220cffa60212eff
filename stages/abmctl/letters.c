#include "letters.h"

#include <string.h>

#include "base/str.h"
#include "domain/message.h"
#include "queue/status.h"

static int check_stage(const char *stage, struct err *err)
{
    const char *names[STATUS_STAGES], *near;

    if (status_stage_of(stage) >= 0)
        return 0;
    for (int i = 0; i < STATUS_STAGES; i++)
        names[i] = status_stage_name(i);
    near = str_nearest(stage, names, STATUS_STAGES);
    return err_set(err, ERR_USAGE, 0, "unknown stage '%.100s'%s%s%s", stage,
                   near != NULL ? " - did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
}

/* "assign:1764000000000-0" into stage and entry. */
static int split_id(struct letters_choice *choice, struct err *err)
{
    const char *colon = strchr(choice->id, ':');
    size_t digits;

    for (int i = 0; colon != NULL && i < STATUS_STAGES; i++) {
        const char *name = status_stage_name(i);

        if (strlen(name) != (size_t)(colon - choice->id) || !str_starts(choice->id, name))
            continue;
        digits = strspn(colon + 1, "0123456789-");
        if (digits == 0 || colon[1 + digits] != '\0' || digits >= sizeof(choice->entry))
            break;
        if (choice->stage != NULL && strcmp(choice->stage, name) != 0)
            return err_set(err, ERR_USAGE, 0, "--stage %s and --id %s do not agree", choice->stage,
                           choice->id);
        choice->stage = name;
        snprintf(choice->entry, sizeof(choice->entry), "%s", colon + 1);
        choice->filter.id = choice->entry;
        return 0;
    }
    return err_set(err, ERR_USAGE, 0,
                   "'%.100s' is no dead letter's id: dead list shows them, as assign:1764000000000-0",
                   choice->id);
}

int letters_check(struct letters_choice *choice, struct err *err)
{
    const char *code = choice->filter.code;

    if (choice->stage != NULL && check_stage(choice->stage, err) != 0)
        return -1;
    if (choice->filter.run != NULL && !run_id_is_valid(choice->filter.run))
        return err_set(err, ERR_RUN_ID, 0, "'%.100s' is no run id", choice->filter.run);
    if (code != NULL && err_from_wire(code) == ERR_CODE_COUNT)
        return err_set(err, ERR_USAGE, 0, "'%.100s' is no error code: dead list shows those there are", code);
    return choice->id != NULL ? split_id(choice, err) : 0;
}

int letters_each(struct ctl *ctl, const struct letters_choice *choice, dead_each_fn *fn, void *user,
                 struct err *err)
{
    for (int i = 0; i < STATUS_STAGES; i++) {
        const char *stage = status_stage_name(i);

        if (choice->stage != NULL && strcmp(stage, choice->stage) != 0)
            continue;
        if (dead_each(ctl->redis, &ctl->keys, stage, &choice->filter, fn, user, err) != 0)
            return -1;
    }
    return 0;
}
