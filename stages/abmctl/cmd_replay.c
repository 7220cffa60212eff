/* abmctl replay: dead devices go back to work, each in one step on the server (common/queue/lua/replay.lua).
 */
#include "commands.h"

#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "letters.h"
#include "replay.h"

#define REASONS_MAX   20    /* refused letters that are named on stderr for people */
#define EARLY_WAIT_MS 10000 /* in all, for outcomes that audit has yet to count */
#define EARLY_LOOK_MS 100
#define POOL_BYTES    (4u * 1024 * 1024)

struct replay {
    struct ctl *ctl;
    struct letters_choice choice;
    const char *from;
    bool is_all, is_forced, is_dry;

    struct pool *pool; /* of the letter in hand */
    struct buf message;
    char uid_prefix[17];
    int64_t taken, replayed, refused;
    int64_t early_left_ms;
    struct json_out json; /* the refused, under --json */
    struct buf line;
};

static int refuse(struct replay *replay, const struct dead_letter *letter, const struct err *why)
{
    char id[DEAD_ID_BYTES + 16];

    replay->refused++;
    snprintf(id, sizeof(id), "%s:%s", letter->stage, letter->id);
    if (replay->ctl->is_json) {
        json_begin(&replay->json, NULL, '{');
        json_add_string(&replay->json, "id", id);
        json_add_string(&replay->json, "serial", letter->serial);
        json_add_string(&replay->json, "code", err_wire(why->code));
        json_add_string(&replay->json, "text", why->text);
        json_end(&replay->json, '}');
    } else if (replay->refused <= REASONS_MAX) {
        ctl_say(replay->ctl, "refused %s (%s): %s", id, ctl_shown(letter->serial), ctl_shown(why->text));
    }
    return 0;
}

/* What the server said instead of doing it, in words. */
static void explain(enum dead_answer answer, const struct dead_letter *letter, const char *other,
                    int64_t wait_ms, struct err *why)
{
    char wait[32];

    switch (answer) {
    case DEAD_REPLAYED: break;
    case DEAD_GONE: err_set(why, ERR_NOT_FOUND, 0, "it was replayed or dropped meanwhile"); break;
    case DEAD_NO_RUN:
        err_set(why, ERR_RUN_STATE, 0, "run %s is not kept any more: push the device again", letter->run);
        break;
    case DEAD_EARLY:
        err_set(why, ERR_RUN_STATE, 0,
                "its outcome is not recorded yet, or its run is being closed: try again soon");
        break;
    case DEAD_HELD:
        if (str_eq(other, letter->run))
            err_set(why, ERR_CLAIMED, 0, "another row of its run holds the device");
        else
            err_set(why, ERR_CLAIMED, 0, "run %s holds the device now",
                    other[0] != '\0' ? other : "(unknown)");
        break;
    case DEAD_LATER:
        err_set(why, ERR_CLAIMED, 0, "a request of another run may still be on its way: try again in %s",
                clock_duration(wait_ms, wait));
        break;
    case DEAD_SUPERSEDED:
        err_set(why, ERR_SUPERSEDED, 0, "run %s has finished the device since", other);
        break;
    }
}

/* Asks until the answer is not `early`, within what is left of the time for that. */
static int put_back(struct replay *replay, const struct dead_replay *step, enum dead_answer *answer_r,
                    char other_r[65], int64_t *wait_ms_r, struct err *err)
{
    for (;;) {
        if (dead_replay(replay->ctl->redis, &replay->ctl->keys, step, answer_r, other_r, wait_ms_r, err) != 0)
            return -1;
        if (*answer_r != DEAD_EARLY || replay->early_left_ms <= 0)
            return 0;
        if (ctl_wait(replay->ctl, EARLY_LOOK_MS))
            return err_set(err, ERR_STOPPED, 0, "stopped: what is not replayed stays a dead letter");
        replay->early_left_ms -= EARLY_LOOK_MS;
    }
}

static int replay_letter(void *user, const struct dead_letter *letter, struct err *err)
{
    struct replay *replay = user;
    struct dead_replay step = {
        .stage = letter->stage, .id = letter->id, .is_forced = replay->is_forced, .is_dry = replay->is_dry
    };
    struct err why = ERR_INIT;
    enum dead_answer answer;
    char uid[48], other[65];
    int64_t wait_ms;

    if (ctl_is_stopped(replay->ctl))
        return err_set(err, ERR_STOPPED, 0, "stopped: what is not replayed stays a dead letter");
    pool_reset(replay->pool);
    buf_reset(&replay->message);
    snprintf(uid, sizeof(uid), "r%s-%lld", replay->uid_prefix, (long long)replay->taken++);
    step.target = replay->from != NULL ? replay->from : replay_target(letter->stage);
    if (replay_message(letter, step.target, uid, replay->pool, &replay->message, &why) != 0)
        return refuse(replay, letter, &why);
    step.message = replay->message.data;
    step.message_len = replay->message.len;
    if (put_back(replay, &step, &answer, other, &wait_ms, err) != 0)
        return err_prefix(err, "after %lld replayed", (long long)replay->replayed);
    if (answer == DEAD_REPLAYED) {
        replay->replayed++;
        ctl_progress(replay->ctl, "%lld replayed", (long long)replay->replayed);
        return 0;
    }
    explain(answer, letter, other, wait_ms, &why);
    return refuse(replay, letter, &why);
}

static int show(struct replay *replay, struct err *err)
{
    struct ctl *ctl = replay->ctl;

    ctl_progress_end(ctl);
    if (!ctl->is_json) {
        if (replay->refused > REASONS_MAX)
            ctl_say(ctl, "... and more: %d of %lld are named; --json names all", REASONS_MAX,
                    (long long)replay->refused);
        printf("%s%lld, refused %lld%s\n", replay->is_dry ? "would replay " : "replayed ",
               (long long)replay->replayed, (long long)replay->refused,
               replay->replayed + replay->refused == 0 ? ": no dead letter matches" : "");
        return 0;
    }
    json_end(&replay->json, ']');
    json_add_int(&replay->json, "replayed", replay->replayed);
    json_add_bool(&replay->json, "dry_run", replay->is_dry);
    json_end(&replay->json, '}');
    return ctl_print_line(&replay->line, err);
}

static int run(struct replay *replay, struct err *err)
{
    int rc;

    replay->early_left_ms = replay->is_dry ? 0 : EARLY_WAIT_MS;
    replay->pool = pool_new(POOL_BYTES);
    if (replay->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    buf_init(&replay->message, 1024 * 1024);
    buf_init(&replay->line, 256u * 1024 * 1024);
    json_out_init(&replay->json, &replay->line);
    json_begin(&replay->json, NULL, '{');
    json_begin(&replay->json, "refused", '[');
    rand_hex16(replay->uid_prefix);
    rc = ctl_catch_signals(replay->ctl, err);
    if (rc == 0)
        rc = letters_each(replay->ctl, &replay->choice, replay_letter, replay, err);
    if (rc == 0 && replay->choice.id != NULL && replay->replayed + replay->refused == 0)
        rc = err_set(err, ERR_NOT_FOUND, 0, "there is no dead letter '%s'", replay->choice.id);
    if (rc == 0)
        rc = show(replay, err);
    buf_release(&replay->line);
    buf_release(&replay->message);
    pool_free(replay->pool);
    return rc != 0 ? -1 : (replay->refused > 0 ? CTL_NO : CTL_DONE);
}

static int check(struct replay *replay, struct err *err)
{
    const struct letters_choice *choice = &replay->choice;
    bool is_filtered = choice->stage != NULL || choice->id != NULL || choice->filter.run != NULL ||
                       choice->filter.code != NULL;

    if (!replay->is_all && !is_filtered)
        return err_set(err, ERR_USAGE, 0,
                       "replay: name letters by --stage, --run, --code or --id, or give --all");
    if (replay->from != NULL && strcmp(replay->from, "import") != 0 && strcmp(replay->from, "assign") != 0 &&
        strcmp(replay->from, "verify") != 0)
        return err_set(err, ERR_USAGE, 0, "--from '%.100s': import, assign or verify", replay->from);
    return letters_check(&replay->choice, err);
}

int cmd_replay(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct replay replay = { .ctl = ctl };
    struct letters_choice *choice = &replay.choice;
    const struct ctl_option rows[] = {
        { .name = "stage",
          .kind = CTL_TEXT,
          .to.text = &choice->stage,
          .value = "STAGE",
          .help = "letters of this stage" },
        { .name = "run",
          .kind = CTL_TEXT,
          .to.text = &choice->filter.run,
          .value = "ID",
          .help = "of this run" },
        { .name = "code",
          .kind = CTL_TEXT,
          .to.text = &choice->filter.code,
          .value = "CODE",
          .help = "with this error code" },
        { .name = "id",
          .kind = CTL_TEXT,
          .to.text = &choice->id,
          .value = "ID",
          .help = "this one, as dead list names it" },
        { .name = "all",
          .kind = CTL_FLAG,
          .to.flag = &replay.is_all,
          .help = "all that the other options leave" },
        { .name = "from",
          .kind = CTL_TEXT,
          .to.text = &replay.from,
          .value = "STAGE",
          .help = "begin at import, assign or verify (their own; verify's: assign)" },
        { .name = "force",
          .kind = CTL_FLAG,
          .to.flag = &replay.is_forced,
          .help = "also where another run holds or has finished the device" },
        { .name = "dry-run",
          .kind = CTL_FLAG,
          .to.flag = &replay.is_dry,
          .help = "only tell what would be replayed" },
    };
    int first, rc = ctl_options(ctl, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (check(&replay, err) != 0 || ctl_open_redis(ctl, err) != 0)
        return -1;
    return run(&replay, err);
}
