#include "assign.h"

#include <stdio.h>

#include "harness/batch.h"
#include "harness/check.h"
#include "harness/fake_abm.h"
#include "harness/fake_notes.h"

#define A "F000000001"
#define B "F000000002"
#define C "F000000003"

struct world {
    struct fake_abm abm;
    struct fake_notes notes;
    struct assign assign;
    struct batch_made made;
    struct err err;
};

/* Nothing may be changed before its note stands. */
static void note_comes_first(void *user, enum fake_abm_call call)
{
    const struct world *world = user;

    if (call == FAKE_ASSIGN || call == FAKE_UNASSIGN)
        assert_true(world->notes.count > 0);
}

static void world_init(struct world *world)
{
    *world = (struct world){ .err = ERR_INIT };
    world->abm.on_call = note_comes_first;
    world->abm.user = world;
    world->assign.api = fake_abm_of(&world->abm);
    world->assign.notes = fake_notes_of(&world->notes);
    batch_make(&world->made, 8);
}

static void world_release(struct world *world)
{
    batch_unmake(&world->made);
}

static void run(const char *what, struct world *world)
{
    if (assign_batch(&world->assign, &world->made.batch, &world->err) != 0)
        fail_msg("%s: %s", what, world->err.text);
}

static int changes(const struct world *world, const char *serial)
{
    return fake_abm_asked(&world->abm, FAKE_ASSIGN, serial) +
           fake_abm_asked(&world->abm, FAKE_UNASSIGN, serial);
}

#define ASSIGNED(blueprint, server, how)                                                                     \
    {                                                                                                        \
        .kind = ABM_OK, .assignment_id = "as-1", .blueprint_id = blueprint, .mdm_server_id = server,         \
        .state = ABM_STATE_##how                                                                             \
    }
#define NOTHING                                                                                              \
    {                                                                                                        \
        .kind = ABM_NONE                                                                                     \
    }

/* What is read decides; from_* of the note is what was in effect. */
static void what_is_read_decides(void **state)
{
    static const struct {
        const char *what;
        struct device device; /* action, mdm_server_id, expect, note */
        struct abm_item read;
        enum verdict verdict;
        enum outcome outcome;
        enum err_code code;
        bool is_changed; /* a note and a request */
        const char *from, *from_server, *assignment_id;
    } rows[] = {
        { "unassigned", { 0 }, NOTHING, VERDICT_PASS, 0, 0, true, NULL, NULL, "as-" A },
        { "another blueprint",
          { 0 },
          ASSIGNED("bp-old", "mdm-1", PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          "mdm-1",
          "as-" A },
        { "another one accepted",
          { 0 },
          ASSIGNED("bp-old", NULL, ACCEPTED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          NULL,
          "as-" A },
        { "another one failed: never in effect",
          { 0 },
          ASSIGNED("bp-old", "mdm-1", FAILED),
          VERDICT_PASS,
          0,
          0,
          true,
          NULL,
          NULL,
          "as-" A },
        { "the wanted one failed",
          { 0 },
          ASSIGNED("bp-want", NULL, FAILED),
          VERDICT_PASS,
          0,
          0,
          true,
          NULL,
          NULL,
          "as-" A },
        { "done already",
          { 0 },
          ASSIGNED("bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          0,
          false,
          NULL,
          NULL,
          "as-1" },
        { "done, on any server",
          { 0 },
          ASSIGNED("bp-want", "mdm-7", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          0,
          false,
          NULL,
          NULL,
          "as-1" },
        { "done, on the wanted server",
          { .mdm_server_id = "mdm-7" },
          ASSIGNED("bp-want", "mdm-7", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          0,
          false,
          NULL,
          NULL,
          "as-1" },
        { "on another server",
          { .mdm_server_id = "mdm-7" },
          ASSIGNED("bp-want", "mdm-1", PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-want",
          "mdm-1",
          "as-" A },
        { "on no server",
          { .mdm_server_id = "mdm-7" },
          ASSIGNED("bp-want", NULL, PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-want",
          NULL,
          "as-" A },
        { "the wanted one accepted, not by us",
          { 0 },
          ASSIGNED("bp-want", NULL, ACCEPTED),
          VERDICT_PASS,
          0,
          0,
          false,
          NULL,
          NULL,
          "as-1" },
        { "redelivered: ours, in effect",
          { .is_noted = true, .from_blueprint_id = "bp-old" },
          ASSIGNED("bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_ASSIGNED,
          0,
          false,
          "bp-old",
          NULL,
          "as-1" },
        { "ours, in effect, and a request may still arrive",
          { .is_noted = true, .is_maybe_sent = true, .from_blueprint_id = "bp-old" },
          ASSIGNED("bp-want", NULL, PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          false,
          "bp-old",
          NULL,
          "as-1" },
        { "ours, accepted",
          { .is_noted = true, .from_blueprint_id = "bp-old" },
          ASSIGNED("bp-want", NULL, ACCEPTED),
          VERDICT_PASS,
          0,
          0,
          false,
          "bp-old",
          NULL,
          "as-1" },
        { "remove: there",
          { .action = ACTION_REMOVE },
          ASSIGNED("bp-old", "mdm-1", PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          "mdm-1",
          NULL },
        { "remove: there, but failed",
          { .action = ACTION_REMOVE },
          ASSIGNED("bp-old", NULL, FAILED),
          VERDICT_PASS,
          0,
          0,
          true,
          NULL,
          NULL,
          NULL },
        { "remove: nothing there",
          { .action = ACTION_REMOVE },
          NOTHING,
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          0,
          false,
          NULL,
          NULL,
          NULL },
        { "remove: nothing there, and that is our doing",
          { .action = ACTION_REMOVE, .is_noted = true, .from_blueprint_id = "bp-old" },
          NOTHING,
          VERDICT_FINISH,
          OUTCOME_REMOVED,
          0,
          false,
          "bp-old",
          NULL,
          NULL },
        { "expected unassigned, is so",
          { .expect = EXPECT_UNASSIGNED },
          NOTHING,
          VERDICT_PASS,
          0,
          0,
          true,
          NULL,
          NULL,
          "as-" A },
        { "expected unassigned, is not",
          { .expect = EXPECT_UNASSIGNED },
          ASSIGNED("bp-old", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          NULL,
          NULL,
          NULL },
        { "expected unassigned, but it has what is wanted",
          { .expect = EXPECT_UNASSIGNED },
          ASSIGNED("bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          0,
          false,
          NULL,
          NULL,
          "as-1" },
        { "expected blueprint",
          { .expect = EXPECT_STATE, .expect_blueprint_id = "bp-old" },
          ASSIGNED("bp-old", "mdm-1", PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          "mdm-1",
          "as-" A },
        { "expected another blueprint",
          { .expect = EXPECT_STATE, .expect_blueprint_id = "bp-x" },
          ASSIGNED("bp-old", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          NULL,
          NULL,
          NULL },
        { "expected another server",
          { .expect = EXPECT_STATE, .expect_blueprint_id = "bp-old", .expect_mdm_server_id = "mdm-2" },
          ASSIGNED("bp-old", "mdm-1", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          NULL,
          NULL,
          NULL },
        { "expected on no server",
          { .expect = EXPECT_STATE, .expect_blueprint_id = "bp-old", .expects_no_server = true },
          ASSIGNED("bp-old", NULL, PROPAGATED),
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          NULL,
          "as-" A },
        { "expected on no server, but somebody put it on one",
          { .expect = EXPECT_STATE, .expect_blueprint_id = "bp-old", .expects_no_server = true },
          ASSIGNED("bp-old", "mdm-1", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          NULL,
          NULL,
          NULL },
        { "remove: expected another blueprint",
          { .action = ACTION_REMOVE, .expect = EXPECT_STATE, .expect_blueprint_id = "bp-x" },
          ASSIGNED("bp-old", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          NULL,
          NULL,
          NULL },
        { "expected_from is judged by the note",
          { .expect = EXPECT_STATE,
            .expect_blueprint_id = "bp-old",
            .is_noted = true,
            .from_blueprint_id = "bp-old" },
          NOTHING,
          VERDICT_PASS,
          0,
          0,
          true,
          "bp-old",
          NULL,
          "as-" A },
        { "the note, not the read, is in conflict",
          { .expect = EXPECT_UNASSIGNED, .is_noted = true, .from_blueprint_id = "bp-old" },
          NOTHING,
          VERDICT_FINISH,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS,
          false,
          "bp-old",
          NULL,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *job;
        struct device *device;

        world_init(&world);
        world.abm.on_call = NULL; /* a noted device is not noted again */
        job = batch_add(&world.made, A, NULL);
        device = job->device;
        device->action = rows[i].device.action;
        device->blueprint_id = device->action == ACTION_REMOVE ? NULL : "bp-want";
        device->mdm_server_id = rows[i].device.mdm_server_id;
        device->expect = rows[i].device.expect;
        device->expect_blueprint_id = rows[i].device.expect_blueprint_id;
        device->expect_mdm_server_id = rows[i].device.expect_mdm_server_id;
        device->expects_no_server = rows[i].device.expects_no_server;
        device->is_noted = rows[i].device.is_noted;
        device->is_maybe_sent = rows[i].device.is_maybe_sent;
        device->from_blueprint_id = rows[i].device.from_blueprint_id;
        fake_abm_script(&world.abm, FAKE_READ, A, rows[i].read);
        run(rows[i].what, &world);

        if (rows[i].verdict == VERDICT_FINISH)
            want_finish(rows[i].what, job, rows[i].outcome, rows[i].code);
        else
            want_verdict(rows[i].what, job, rows[i].verdict);
        if (changes(&world, A) != rows[i].is_changed)
            fail_msg("%s: %d requests to change it", rows[i].what, changes(&world, A));
        if (device->is_noted != (rows[i].is_changed || rows[i].device.is_noted))
            fail_msg("%s: noted %d", rows[i].what, device->is_noted);
        if ((world.notes.saves > 0) != (rows[i].is_changed && !rows[i].device.is_noted))
            fail_msg("%s: %d notes saved", rows[i].what, world.notes.saves);
        want_text(rows[i].what, device->from_blueprint_id, rows[i].from);
        want_text(rows[i].what, device->from_mdm_server_id, rows[i].from_server);
        want_text(rows[i].what, device->assignment_id, rows[i].assignment_id);
        world_release(&world);
    }
}

static void what_abm_answers_decides(void **state)
{
    static const struct {
        const char *what;
        struct abm_item answer;
        struct device before; /* is_noted, is_maybe_sent, returns */
        enum verdict verdict;
        enum outcome outcome;
        enum err_code code;
        bool is_noted, is_maybe_sent; /* afterwards */
    } rows[] = {
        { "200", { .kind = ABM_OK, .assignment_id = "as-9" }, { 0 }, VERDICT_PASS, 0, 0, true, false },
        { "202", { .kind = ABM_ACCEPTED, .assignment_id = "as-9" }, { 0 }, VERDICT_PASS, 0, 0, true, false },
        { "422",
          { .kind = ABM_REFUSED, .code = ERR_ABM_REFUSED },
          { 0 },
          VERDICT_FINISH,
          OUTCOME_FAILED,
          ERR_ABM_REFUSED,
          true,
          false },
        { "answered for another device",
          { .kind = ABM_RETRY, .code = ERR_ABM_WRONG_ANSWER, .delay_ms = -1, .is_maybe_sent = true },
          { 0 },
          VERDICT_RETRY,
          0,
          ERR_ABM_WRONG_ANSWER,
          true,
          true },
        { "no answer",
          { .kind = ABM_SUSPECT, .code = ERR_ABM_TIMEOUT, .op = "putAssignment", .is_maybe_sent = true },
          { 0 },
          VERDICT_SUSPECT,
          0,
          ERR_ABM_TIMEOUT,
          true,
          true },
        { "lost", { .kind = ABM_LOST }, { 0 }, VERDICT_LOST, 0, 0, true, false },
        { "stopping: as if it had not been here",
          { .kind = ABM_UNSENT },
          { 0 },
          VERDICT_BACK,
          0,
          0,
          false,
          false },
        { "stopping, noted before",
          { .kind = ABM_UNSENT },
          { .is_noted = true },
          VERDICT_BACK,
          0,
          0,
          true,
          false },
        { "stopping after a first try went unanswered",
          { .kind = ABM_UNSENT, .is_maybe_sent = true },
          { 0 },
          VERDICT_BACK,
          0,
          0,
          true,
          true },
        { "cancelled before any request",
          { .kind = ABM_CANCELLED },
          { 0 },
          VERDICT_FINISH,
          OUTCOME_CANCELLED,
          ERR_CANCELLED,
          false,
          false },
        { "cancelled after a refused try",
          { .kind = ABM_CANCELLED },
          { .is_noted = true },
          VERDICT_FINISH,
          OUTCOME_CANCELLED,
          ERR_CANCELLED,
          true,
          false },
        { "cancelled while a request may be under way",
          { .kind = ABM_CANCELLED },
          { .is_noted = true, .is_maybe_sent = true },
          VERDICT_PASS,
          0,
          0,
          true,
          true },
        { "cancelled when verify has sent it back",
          { .kind = ABM_CANCELLED },
          { .is_noted = true, .returns = 1 },
          VERDICT_PASS,
          0,
          0,
          true,
          false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *job;

        world_init(&world);
        world.abm.on_call = NULL;
        job = batch_add(&world.made, A, NULL);
        job->device->is_noted = rows[i].before.is_noted;
        job->device->is_maybe_sent = rows[i].before.is_maybe_sent;
        job->device->returns = rows[i].before.returns;
        fake_abm_script(&world.abm, FAKE_ASSIGN, A, rows[i].answer);
        run(rows[i].what, &world);
        if (rows[i].verdict == VERDICT_FINISH)
            want_finish(rows[i].what, job, rows[i].outcome, rows[i].code);
        else
            want_verdict(rows[i].what, job, rows[i].verdict);
        want_text(rows[i].what, job->device->assignment_id, rows[i].answer.assignment_id);
        if (job->device->is_noted != rows[i].is_noted || job->device->is_maybe_sent != rows[i].is_maybe_sent)
            fail_msg("%s: noted %d, maybe sent %d", rows[i].what, job->device->is_noted,
                     job->device->is_maybe_sent);
        world_release(&world);
    }
}

/* A read that brings nothing to judge decides for its device alone. */
static void a_failed_read_changes_nothing(void **state)
{
    static const struct {
        const char *what;
        struct abm_item read;
        enum verdict verdict;
    } rows[] = {
        { "refused", { .kind = ABM_REFUSED, .code = ERR_ABM_NOT_FOUND }, VERDICT_FINISH },
        { "transient", { .kind = ABM_RETRY, .code = ERR_ABM_WRONG_ANSWER, .delay_ms = -1 }, VERDICT_RETRY },
        { "503", { .kind = ABM_SUSPECT, .code = ERR_ABM_SERVER, .op = "listAssignments" }, VERDICT_SUSPECT },
        { "stopping", { .kind = ABM_UNSENT }, VERDICT_BACK },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *a, *b;

        world_init(&world);
        a = batch_add(&world.made, A, NULL);
        b = batch_add(&world.made, B, NULL);
        fake_abm_script(&world.abm, FAKE_READ, A, rows[i].read);
        run(rows[i].what, &world);
        want_verdict(rows[i].what, a, rows[i].verdict);
        assert_int_equal(changes(&world, A), 0);
        assert_false(a->device->is_noted);
        want_verdict(rows[i].what, b, VERDICT_PASS);
        world_release(&world);
    }
}

static void messages_are_noted_apart(void **state)
{
    struct world world;
    struct job *done, *a, *b, *c;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, "1-1");
    b = batch_add(&world.made, B, "2-1");
    c = batch_add(&world.made, C, "1-1");
    done = batch_add(&world.made, "F000000004", "3-1");
    c->device->action = ACTION_REMOVE;
    c->device->blueprint_id = NULL;
    fake_abm_shows(&world.abm, A, "bp-old", "mdm-1", ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, C, "bp-c", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, done->device->serial, "bp-want", NULL, ABM_STATE_PROPAGATED);
    run("three messages", &world);

    assert_int_equal(world.notes.saves, 2);
    assert_int_equal(world.notes.count, 3);
    want_text("A", fake_notes_find(&world.notes, A)->message, "1-1");
    want_text("A", fake_notes_find(&world.notes, A)->from_blueprint_id, "bp-old");
    want_text("A", fake_notes_find(&world.notes, A)->from_mdm_server_id, "mdm-1");
    want_text("B", fake_notes_find(&world.notes, B)->message, "2-1");
    want_text("B", fake_notes_find(&world.notes, B)->from_blueprint_id, NULL);
    want_text("C", fake_notes_find(&world.notes, C)->from_blueprint_id, "bp-c");
    assert_null(fake_notes_find(&world.notes, done->device->serial));
    want_verdict("A", a, VERDICT_PASS);
    want_verdict("B", b, VERDICT_PASS);
    want_verdict("C", c, VERDICT_PASS);
    want_finish("done", done, OUTCOME_UNCHANGED, ERR_NONE);
    assert_int_equal(world.abm.calls[FAKE_ASSIGN], 1);
    assert_int_equal(world.abm.calls[FAKE_UNASSIGN], 1);
    world_release(&world);
}

/* The message that passed on is left alone whole; the other goes on. */
static void a_lost_message_is_not_changed(void **state)
{
    struct world world;
    struct job *a, *b, *c;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, "1-1");
    b = batch_add(&world.made, B, "2-1");
    c = batch_add(&world.made, C, "1-1");
    fake_abm_shows(&world.abm, C, "bp-want", NULL, ABM_STATE_PROPAGATED);
    world.notes.lost_message = "1-1";
    run("lost", &world);
    want_verdict("A", a, VERDICT_LOST);
    want_verdict("C, whose verdict would not be taken", c, VERDICT_LOST);
    want_verdict("B", b, VERDICT_PASS);
    assert_int_equal(changes(&world, A), 0);
    assert_int_equal(changes(&world, B), 1);
    world_release(&world);
}

/*
 * The worker is killed after the effect and before settle: the next one gets the devices with their note,
 * finds the wanted state, and says `assigned` with the true from.
 */
static void after_a_kill_the_note_tells_the_truth(void **state)
{
    struct world world;
    struct job *a, *b;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, "1-1");
    b = batch_add(&world.made, B, "1-1");
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_script(&world.abm, FAKE_READ, B, (struct abm_item){ .kind = ABM_UNSENT });
    run("first delivery", &world);
    want_verdict("A", a, VERDICT_PASS);
    want_verdict("B", b, VERDICT_BACK);

    /* Killed: nothing was settled. The note comes back with the message; A is done, B still to do. */
    batch_again(&world.made);
    a->is_redelivered = b->is_redelivered = true;
    a->device->assignment_id = NULL;
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows_none(&world.abm, B);
    run("second delivery", &world);
    want_verdict("A: in effect, but a request of the dead worker may still arrive", a, VERDICT_PASS);
    assert_true(a->device->is_maybe_sent);
    want_text("A", a->device->from_blueprint_id, "bp-old");
    assert_int_equal(changes(&world, A), 1);
    want_verdict("B", b, VERDICT_PASS);
    assert_false(b->device->is_maybe_sent);

    /* B's note was saved with A's again: a note is of the whole message. */
    want_text("A's note", fake_notes_find(&world.notes, A)->from_blueprint_id, "bp-old");
    assert_int_equal(world.notes.saves, 2);
    assert_int_equal(world.notes.count, 3);
    world_release(&world);
}

static void failures_give_the_batch_back(void **state)
{
    static const struct {
        const char *what;
        enum fake_abm_call call;
        enum err_code code, notes;
        bool is_noted_a; /* A's answer came before the outage */
    } rows[] = {
        { "the read", FAKE_READ, ERR_ABM_UNREACHABLE, ERR_NONE, false },
        { "the note", FAKE_CALLS, ERR_NONE, ERR_REDIS_LOST, false },
        { "the change", FAKE_ASSIGN, ERR_ABM_FORBIDDEN, ERR_NONE, true },
        { "the removal", FAKE_UNASSIGN, ERR_ABM_SERVER, ERR_NONE, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *a, *b, *c;

        world_init(&world);
        a = batch_add(&world.made, A, NULL);
        b = batch_add(&world.made, B, NULL);
        c = batch_add(&world.made, C, NULL);
        c->device->action = ACTION_REMOVE;
        c->device->blueprint_id = NULL;
        fake_abm_shows(&world.abm, C, "bp-c", NULL, ABM_STATE_PROPAGATED);
        fake_abm_script(
            &world.abm, FAKE_ASSIGN, A,
            (struct abm_item){
                .kind = ABM_SUSPECT, .code = ERR_ABM_TIMEOUT, .op = "putAssignment", .is_maybe_sent = true });
        if (rows[i].code != ERR_NONE)
            world.abm.fail[rows[i].call] = rows[i].code;
        world.notes.fail = rows[i].notes;
        if (assign_batch(&world.assign, &world.made.batch, &world.err) != -1)
            fail_msg("%s: no error", rows[i].what);
        assert_int_equal(world.err.code, rows[i].code != ERR_NONE ? rows[i].code : rows[i].notes);
        if (a->device->is_noted != rows[i].is_noted_a || a->device->is_maybe_sent != rows[i].is_noted_a)
            fail_msg("%s: A noted %d, maybe sent %d", rows[i].what, a->device->is_noted,
                     a->device->is_maybe_sent);
        if (c->device->is_noted || c->device->from_blueprint_id != NULL)
            fail_msg("%s: C keeps a note that nothing was sent for", rows[i].what);
        if (rows[i].call == FAKE_ASSIGN && b->device->is_noted)
            fail_msg("%s: B keeps a note that nothing was sent for", rows[i].what);
        world_release(&world);
    }
}

/* Changes that expect a state go few at a time; once what was read is old, the rest is as if it had not been
 * here. */
static void what_was_read_too_long_ago_is_read_again(void **state)
{
    static const struct {
        const char *what;
        size_t few;
        int64_t fresh_ms;
        int expecting; /* of five: the first so many */
        int calls;     /* PUTs of one call each */
        int changed;   /* of those that expect a state */
    } rows[] = {
        { "young", 2, 60000, 5, 3, 5 },        { "old after the first two", 2, 0, 5, 1, 2 },
        { "old after one", 1, 0, 5, 1, 1 },    { "nobody expects", 2, 0, 0, 1, 0 },
        { "the others go on", 2, 0, 3, 2, 2 }, { "all at once", 0, 0, 5, 1, 5 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *jobs[5];
        char serial[16];
        int changed = 0;

        world_init(&world);
        world.assign.few = rows[i].few;
        world.assign.fresh_ms = rows[i].fresh_ms;
        for (int k = 0; k < 5; k++) {
            snprintf(serial, sizeof(serial), "F%09d", k);
            jobs[k] = batch_add(&world.made, pool_strdup(world.made.batch.pool, serial), NULL);
            jobs[k]->device->expect = k < rows[i].expecting ? EXPECT_UNASSIGNED : EXPECT_ANY;
        }
        run(rows[i].what, &world);
        for (int k = 0; k < 5; k++) {
            bool is_changed = jobs[k]->verdict == VERDICT_PASS;

            changed += is_changed && k < rows[i].expecting;
            if (!is_changed && (k >= rows[i].expecting || jobs[k]->verdict != VERDICT_BACK ||
                                jobs[k]->device->is_noted || changes(&world, jobs[k]->device->serial) != 0))
                fail_msg("%s: device %d: verdict %d, noted %d", rows[i].what, k, jobs[k]->verdict,
                         jobs[k]->device->is_noted);
        }
        if (changed != rows[i].changed || world.abm.calls[FAKE_ASSIGN] != rows[i].calls)
            fail_msg("%s: %d changed in %d calls", rows[i].what, changed, world.abm.calls[FAKE_ASSIGN]);
        world_release(&world);
    }
}

static void as_many_as_two_seconds_take(void **state)
{
    (void)state;
    assert_int_equal(assign_few(&(struct rate_limit){ 100, 60000, 20 }, 16), 3);
    assert_int_equal(assign_few(&(struct rate_limit){ 1, 86400000, 1 }, 16), 1);
    assert_int_equal(assign_few(&(struct rate_limit){ 1000000, 1, 1 }, 16), 32);
    assert_int_equal(assign_few(&(struct rate_limit){ 10, 1000, 1 }, 256), 20);
}

static void without_a_device_id_it_goes_to_import(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    a->device->device_id = NULL;
    run("no device id", &world);
    want_verdict("A", a, VERDICT_SEND);
    want_text("A", a->stage, "import");
    assert_int_equal(world.abm.calls[FAKE_READ], 0);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_decides),
        cmocka_unit_test(what_abm_answers_decides),
        cmocka_unit_test(a_failed_read_changes_nothing),
        cmocka_unit_test(messages_are_noted_apart),
        cmocka_unit_test(a_lost_message_is_not_changed),
        cmocka_unit_test(after_a_kill_the_note_tells_the_truth),
        cmocka_unit_test(failures_give_the_batch_back),
        cmocka_unit_test(what_was_read_too_long_ago_is_read_again),
        cmocka_unit_test(as_many_as_two_seconds_take),
        cmocka_unit_test(without_a_device_id_it_goes_to_import),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
