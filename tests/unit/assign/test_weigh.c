/* The brake's part of assign, and what --only-new leaves: who is weighed as what, and who is held. */
#include "assign.h"

#include "harness/batch.h"
#include "harness/check.h"
#include "harness/fake_abm.h"
#include "harness/fake_brake.h"
#include "harness/fake_notes.h"

#define A "F000000001"
#define B "F000000002"
#define C "F000000003"

struct world {
    struct fake_abm abm;
    struct fake_notes notes;
    struct fake_brake brake;
    struct assign assign;
    struct batch_made made;
    struct err err;
};

static void world_init(struct world *world)
{
    *world = (struct world){ .err = ERR_INIT };
    world->assign.api = fake_abm_of(&world->abm);
    world->assign.notes = fake_notes_of(&world->notes);
    world->assign.brake = fake_brake_of(&world->brake);
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

#define SHOWS(blueprint, how)                                                                                \
    {                                                                                                        \
        .kind = ABM_OK, .assignment_id = "as-1", .blueprint_id = blueprint, .state = ABM_STATE_##how         \
    }

static void each_device_is_weighed_as_what_it_is(void **state)
{
    static const struct {
        const char *what;
        struct device device;
        struct abm_item read;
        int weighed; /* enum brake_what; -1: not */
        bool is_changed;
        enum outcome outcome;
        enum err_code code;
    } rows[] = {
        { "new", { 0 }, { .kind = ABM_NONE }, BRAKE_NEW, true, 0, 0 },
        { "failed in ABM: never in effect", { 0 }, SHOWS("bp-old", FAILED), BRAKE_NEW, true, 0, 0 },
        { "as it is wanted", { 0 }, SHOWS("bp-want", PROPAGATED), BRAKE_KEPT, false, OUTCOME_UNCHANGED, 0 },
        { "another one", { 0 }, SHOWS("bp-old", PROPAGATED), BRAKE_CHANGE, true, 0, 0 },
        { "another one on its way", { 0 }, SHOWS("bp-old", ACCEPTED), BRAKE_CHANGE, true, 0, 0 },
        { "another server",
          { .mdm_server_id = "mdm-2" },
          SHOWS("bp-want", PROPAGATED),
          BRAKE_CHANGE,
          true,
          0,
          0 },
        { "to be removed",
          { .action = ACTION_REMOVE },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_CHANGE,
          true,
          0,
          0 },
        { "nothing to remove",
          { .action = ACTION_REMOVE },
          { .kind = ABM_NONE },
          BRAKE_NEW,
          false,
          OUTCOME_UNCHANGED,
          0 },
        { "not as the plan expected",
          { .expect = EXPECT_UNASSIGNED },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_CONFLICT,
          ERR_STATE_DIFFERS },
        { "changed by an earlier delivery",
          { .is_noted = true, .from_blueprint_id = "bp-old" },
          SHOWS("bp-want", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_ASSIGNED,
          0 },
        { "noted, not changed yet",
          { .is_noted = true, .from_blueprint_id = "bp-old" },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_CHANGE,
          true,
          0,
          0 },
        { "noted as new", { .is_noted = true }, { .kind = ABM_NONE }, BRAKE_NEW, true, 0, 0 },
        { "refused by the read",
          { 0 },
          { .kind = ABM_REFUSED, .code = ERR_ABM_REFUSED },
          -1,
          false,
          OUTCOME_FAILED,
          ERR_ABM_REFUSED },
        { "weighed before, new", { .weight = WEIGHT_TAKEN }, { .kind = ABM_NONE }, -1, true, 0, 0 },
        { "weighed before, to be changed",
          { .weight = WEIGHT_TAKEN },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_CHANGE,
          true,
          0,
          0 },
        { "of another version's weight", { .weight = 77 }, { .kind = ABM_NONE }, BRAKE_NEW, true, 0, 0 },
        { "only new: one is there",
          { .is_only_new = true },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_UNCHANGED,
          ERR_KEPT_EXISTING },
        { "only new: another server is there",
          { .is_only_new = true, .mdm_server_id = "mdm-2" },
          SHOWS("bp-want", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_UNCHANGED,
          ERR_KEPT_EXISTING },
        { "only new: none is there", { .is_only_new = true }, { .kind = ABM_NONE }, BRAKE_NEW, true, 0, 0 },
        { "only new: it failed", { .is_only_new = true }, SHOWS("bp-old", FAILED), BRAKE_NEW, true, 0, 0 },
        { "only new: as it is wanted",
          { .is_only_new = true },
          SHOWS("bp-want", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_UNCHANGED,
          0 },
        { "only new: new when it was noted",
          { .is_only_new = true, .is_noted = true },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_NEW,
          true,
          0,
          0 },
        { "only new: a removal",
          { .is_only_new = true, .action = ACTION_REMOVE },
          SHOWS("bp-old", PROPAGATED),
          BRAKE_KEPT,
          false,
          OUTCOME_UNCHANGED,
          ERR_KEPT_EXISTING },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *job;
        struct device *device;

        world_init(&world);
        job = batch_add(&world.made, A, NULL);
        device = job->device;
        device->action = rows[i].device.action;
        device->mdm_server_id = rows[i].device.mdm_server_id;
        device->expect = rows[i].device.expect;
        device->is_noted = rows[i].device.is_noted;
        device->from_blueprint_id = rows[i].device.from_blueprint_id;
        device->is_only_new = rows[i].device.is_only_new;
        device->weight = rows[i].device.weight;
        fake_abm_script(&world.abm, FAKE_READ, A, rows[i].read);
        run(rows[i].what, &world);
        if ((int)world.brake.count != (rows[i].weighed >= 0) ||
            (rows[i].weighed >= 0 && (int)world.brake.asked[0].what != rows[i].weighed))
            fail_msg("%s: asked %zu times, as %d", rows[i].what, world.brake.count,
                     (int)world.brake.asked[0].what);
        if (changes(&world, A) != rows[i].is_changed)
            fail_msg("%s: %d changes", rows[i].what, changes(&world, A));
        if (rows[i].weighed >= 0 && device->weight != WEIGHT_TAKEN)
            fail_msg("%s: weight %d", rows[i].what, device->weight);
        if (rows[i].outcome != OUTCOME_NONE)
            want_finish(rows[i].what, job, rows[i].outcome, rows[i].code);
        else
            want_verdict(rows[i].what, job, VERDICT_PASS);
        world_release(&world);
    }
}

/* Held: nothing is noted, nothing sent, and it is as if it had not been here. */
static void what_is_not_granted_is_held(void **state)
{
    struct world world;
    struct job *a, *b, *c;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    b = batch_add(&world.made, B, NULL);
    c = batch_add(&world.made, C, NULL);
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, B, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows_none(&world.abm, C);
    b->device->times_ms[STEP_IMPORT] = BATCH_NOW_MS - 12000;
    world.brake.held[0] = 2;
    run("held", &world);
    assert_int_equal(world.brake.calls, 1);
    want_verdict("granted", a, VERDICT_PASS);
    want_verdict("held", b, VERDICT_BACK);
    want_verdict("new", c, VERDICT_PASS);
    assert_true(b->is_held);
    assert_int_equal(b->delay_ms, 5000);
    assert_int_equal(b->device->weight, WEIGHT_HELD);
    assert_false(b->device->is_noted);
    assert_null(b->device->from_blueprint_id);
    assert_null(fake_notes_find(&world.notes, B));
    assert_int_equal(changes(&world, B), 0);
    assert_int_equal(changes(&world, A) + changes(&world, C), 2);

    /* It asks before anything is read of it. */
    batch_again(&world.made);
    a->verdict = c->verdict = VERDICT_PASS; /* they have gone on */
    world.brake.count = 0;
    run("held on", &world);
    assert_int_equal(world.brake.count, 1);
    assert_int_equal(world.brake.asked[0].what, BRAKE_HELD);
    want_verdict("held on", b, VERDICT_BACK);
    assert_int_equal(fake_abm_asked(&world.abm, FAKE_READ, B), 1);

    /* Granted at last, it is read and weighed as what it is by then. */
    batch_again(&world.made);
    a->verdict = c->verdict = VERDICT_PASS;
    world.brake.count = 0;
    world.brake.held[0] = 0;
    run("granted", &world);
    assert_int_equal(world.brake.count, 2);
    assert_int_equal(world.brake.asked[1].what, BRAKE_CHANGE);
    want_verdict("granted", b, VERDICT_PASS);
    assert_int_equal(changes(&world, B), 1);
    assert_string_equal(fake_notes_find(&world.notes, B)->from_blueprint_id, "bp-old");
    world_release(&world);
}

/* Redelivered without what it had learned: the brake, which has, holds it or not. */
static void a_redelivered_one_is_weighed_again(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    world.brake.held[0] = 1;
    run("held", &world);
    a->device->weight = WEIGHT_NONE;
    batch_again(&world.made);
    a->is_redelivered = true;
    run("redelivered", &world);
    want_verdict("redelivered", a, VERDICT_BACK);
    assert_int_equal(world.brake.asked[1].what, BRAKE_CHANGE);
    assert_int_equal(changes(&world, A), 0);
    world_release(&world);
}

static void runs_are_weighed_apart(void **state)
{
    static const struct fence other = { .id = "2-1", .run = "other" };
    struct world world;
    struct job *a, *b, *c;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    b = batch_add(&world.made, B, NULL);
    c = batch_add(&world.made, C, NULL);
    b->fence = &other;
    b->device->row = 7;
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, B, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, C, "bp-old", NULL, ABM_STATE_PROPAGATED);
    world.brake.held[0] = 7;
    run("two runs", &world);
    assert_int_equal(world.brake.calls, 2);
    assert_string_equal(world.brake.asked[0].run, a->fence->run);
    assert_string_equal(world.brake.asked[1].run, a->fence->run);
    assert_string_equal(world.brake.asked[2].run, "other");
    want_verdict("of the first", a, VERDICT_PASS);
    want_verdict("of the other", b, VERDICT_BACK);
    want_verdict("of the first", c, VERDICT_PASS);
    world_release(&world);
}

static void without_an_answer_nothing_is_changed(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    world.brake.fail = ERR_REDIS_LOST;
    assert_int_equal(assign_batch(&world.assign, &world.made.batch, &world.err), -1);
    assert_int_equal(world.err.code, ERR_REDIS_LOST);
    assert_int_equal(changes(&world, A), 0);
    assert_int_equal(world.notes.count, 0);
    assert_null(a->device->from_blueprint_id);
    assert_int_equal(a->device->weight, WEIGHT_NONE);
    world_release(&world);
}

static void without_a_brake_nobody_is_asked(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    world.assign.brake = (struct brake){ NULL, NULL };
    a = batch_add(&world.made, A, NULL);
    a->device->weight = WEIGHT_HELD; /* of a time when there was one */
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    run("no brake", &world);
    want_verdict("no brake", a, VERDICT_PASS);
    assert_int_equal(world.brake.calls, 0);
    world_release(&world);
}

/* The run is paused when the change's turn comes: as if it had not been here, and it waits. */
static void of_a_paused_run_nothing_is_sent(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    a = batch_add(&world.made, A, NULL);
    fake_abm_shows(&world.abm, A, "bp-old", NULL, ABM_STATE_PROPAGATED);
    fake_abm_script(&world.abm, FAKE_ASSIGN, A, (struct abm_item){ .kind = ABM_PAUSED });
    run("paused", &world);
    want_verdict("paused", a, VERDICT_BACK);
    assert_true(a->is_held);
    assert_true(a->delay_ms > 0);
    assert_false(a->device->is_noted);
    assert_null(a->device->from_blueprint_id);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_device_is_weighed_as_what_it_is),
        cmocka_unit_test(what_is_not_granted_is_held),
        cmocka_unit_test(a_redelivered_one_is_weighed_again),
        cmocka_unit_test(runs_are_weighed_apart),
        cmocka_unit_test(without_an_answer_nothing_is_changed),
        cmocka_unit_test(without_a_brake_nobody_is_asked),
        cmocka_unit_test(of_a_paused_run_nothing_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
