#include "verify.h"

#include "harness/batch.h"
#include "harness/check.h"
#include "harness/fake_abm.h"
#include "harness/fake_cache.h"

#define A "F000000001"
#define B "F000000002"

#define TIMEOUT_MS  15000
#define DEADLINE_MS (24 * 60 * 60 * 1000)

struct world {
    struct fake_abm abm;
    struct fake_cache cache;
    struct verify verify;
    struct batch_made made;
    struct err err;
};

static void world_init(struct world *world)
{
    *world = (struct world){ .err = ERR_INIT };
    fake_cache_init(&world->cache);
    world->verify.api = fake_abm_of(&world->abm);
    world->verify.cache = world->cache.cache;
    world->verify.timeout_ms = TIMEOUT_MS;
    world->verify.deadline_ms = DEADLINE_MS;
    batch_make(&world->made, 8);
}

static void world_release(struct world *world)
{
    batch_unmake(&world->made);
    fake_cache_release(&world->cache);
}

/* A device that was assigned age_ms ago. */
static struct job *add(struct world *world, const char *serial, int64_t age_ms)
{
    struct job *job = batch_add(&world->made, serial, NULL);

    job->device->is_noted = true;
    job->device->assignment_id = "as-1";
    job->device->times_ms[STEP_ASSIGN] = BATCH_NOW_MS - age_ms;
    return job;
}

static void run(const char *what, struct world *world)
{
    if (verify_batch(&world->verify, &world->made.batch, &world->err) != 0)
        fail_msg("%s: %s", what, world->err.text);
}

#define SHOWS(id, blueprint, server, how)                                                                    \
    {                                                                                                        \
        .kind = ABM_OK, .assignment_id = id, .blueprint_id = blueprint, .mdm_server_id = server,             \
        .state = ABM_STATE_##how, .failure = "no free licence"                                               \
    }
#define NOTHING                                                                                              \
    {                                                                                                        \
        .kind = ABM_NONE                                                                                     \
    }

static void what_is_seen_decides(void **state)
{
    static const struct {
        const char *what;
        struct device device; /* action, mdm_server_id, is_noted, is_maybe_sent, returns */
        int64_t age_ms;
        struct abm_item read;
        enum verdict verdict;
        enum outcome outcome;
        enum err_code code;
        int64_t delay_ms;
        const char *text;
    } rows[] = {
        { "in effect",
          { .is_noted = true },
          500,
          SHOWS("as-1", "bp-want", "mdm-1", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_ASSIGNED,
          ERR_NONE,
          0,
          NULL },
        { "in effect, not our doing",
          { 0 },
          500,
          SHOWS("as-1", "bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          ERR_NONE,
          0,
          NULL },
        { "in effect on the wanted server",
          { .is_noted = true, .mdm_server_id = "mdm-1" },
          500,
          SHOWS("as-1", "bp-want", "mdm-1", PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_ASSIGNED,
          ERR_NONE,
          0,
          NULL },
        { "the blueprint, but on another server",
          { .is_noted = true, .mdm_server_id = "mdm-1" },
          500,
          SHOWS("as-1", "bp-want", "mdm-2", PROPAGATED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_OLD,
          1000,
          "ABM shows blueprint bp-want on mdm-2, in effect" },
        { "accepted",
          { .is_noted = true },
          500,
          SHOWS("as-1", "bp-want", NULL, ACCEPTED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_ACCEPTED,
          1000,
          "ABM shows blueprint bp-want on no MDM server, accepted" },
        { "the assignment before",
          { .is_noted = true },
          500,
          SHOWS("as-0", "bp-old", NULL, PROPAGATED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_OLD,
          1000,
          "ABM shows blueprint bp-old on no MDM server, in effect" },
        { "the assignment before, which had failed",
          { .is_noted = true },
          500,
          SHOWS("as-0", "bp-want", NULL, FAILED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_OLD,
          1000,
          "ABM shows blueprint bp-want on no MDM server, failed" },
        { "another blueprint failed",
          { .is_noted = true },
          500,
          SHOWS("as-1", "bp-old", NULL, FAILED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_OLD,
          1000,
          "ABM shows blueprint bp-old on no MDM server, failed" },
        { "nothing",
          { .is_noted = true },
          500,
          NOTHING,
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_ABSENT,
          1000,
          "ABM shows no assignment" },
        { "failed",
          { .is_noted = true },
          500,
          SHOWS("as-1", "bp-want", NULL, FAILED),
          VERDICT_SEND,
          0,
          0,
          0,
          NULL },
        { "failed again",
          { .is_noted = true, .returns = 1 },
          500,
          SHOWS("as-1", "bp-want", NULL, FAILED),
          VERDICT_SEND,
          0,
          0,
          0,
          NULL },
        { "failed a third time",
          { .is_noted = true, .returns = 2 },
          500,
          SHOWS("as-1", "bp-want", NULL, FAILED),
          VERDICT_FINISH,
          OUTCOME_FAILED,
          ERR_ASSIGNMENT_FAILED,
          0,
          "no free licence" },
        { "removed",
          { .is_noted = true, .action = ACTION_REMOVE },
          500,
          NOTHING,
          VERDICT_FINISH,
          OUTCOME_REMOVED,
          ERR_NONE,
          0,
          NULL },
        { "nothing to remove",
          { .action = ACTION_REMOVE },
          500,
          NOTHING,
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          ERR_NONE,
          0,
          NULL },
        { "removed, still shown",
          { .is_noted = true, .action = ACTION_REMOVE },
          500,
          SHOWS("as-0", "bp-old", NULL, PROPAGATED),
          VERDICT_WAIT,
          0,
          ERR_DEADLINE_STILL_SET,
          1000,
          "ABM shows blueprint bp-old on no MDM server, in effect" },
        { "the last look after it",
          { .is_noted = true, .is_maybe_sent = true },
          TIMEOUT_MS + VERIFY_LATE_MS,
          SHOWS("as-1", "bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_ASSIGNED,
          ERR_NONE,
          0,
          NULL },
        { "redelivered, but never noted: no request is out",
          { .is_maybe_sent = true },
          0,
          SHOWS("as-1", "bp-want", NULL, PROPAGATED),
          VERDICT_FINISH,
          OUTCOME_UNCHANGED,
          ERR_NONE,
          0,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct device *device;
        struct job *job;

        world_init(&world);
        job = add(&world, A, rows[i].age_ms);
        device = job->device;
        device->action = rows[i].device.action;
        device->blueprint_id = device->action == ACTION_REMOVE ? NULL : "bp-want";
        device->mdm_server_id = rows[i].device.mdm_server_id;
        device->is_noted = rows[i].device.is_noted;
        device->is_maybe_sent = rows[i].device.is_maybe_sent;
        device->returns = rows[i].device.returns;
        fake_abm_script(&world.abm, FAKE_READ, A, rows[i].read);
        run(rows[i].what, &world);

        if (rows[i].verdict == VERDICT_FINISH)
            want_finish(rows[i].what, job, rows[i].outcome, rows[i].code);
        else if (rows[i].verdict == VERDICT_WAIT)
            want_wait(rows[i].what, job, rows[i].code, rows[i].delay_ms);
        else
            want_verdict(rows[i].what, job, rows[i].verdict);
        want_text(rows[i].what, job->text, rows[i].text);
        if (rows[i].verdict == VERDICT_SEND) {
            want_text(rows[i].what, job->stage, "assign");
            want_text(rows[i].what, device->assignment_id, NULL);
            assert_int_equal(device->returns, rows[i].device.returns + 1);
            assert_int_equal(device->looks, 0);
        } else {
            assert_int_equal(device->looks, 1);
        }
        world_release(&world);
    }
}

/* While a request of a dead worker may still arrive, no look could confirm anything: none is made. */
static void the_look_that_counts_follows_the_last_request(void **state)
{
    static const struct {
        const char *what;
        enum device_action action;
        int looks;
        int64_t learned_ms, age_ms, want_ms; /* 0: looked at, and confirmed */
    } rows[] = {
        { "assigned a moment ago", ACTION_ASSIGN, 0, 0, 500, 30000 },
        { "removed a moment ago", ACTION_REMOVE, 0, 0, 0, 30000 },
        { "looked at before", ACTION_ASSIGN, 2, 0, 12000, 5000 },
        { "a moment before the end", ACTION_ASSIGN, 2, 0, TIMEOUT_MS + VERIFY_LATE_MS - 1, 1 },
        { "at the end", ACTION_ASSIGN, 2, 0, TIMEOUT_MS + VERIFY_LATE_MS, 0 },
        { "removed, at the end", ACTION_REMOVE, 0, 0, TIMEOUT_MS + VERIFY_LATE_MS, 0 },
        { "changes take longer", ACTION_ASSIGN, 0, 120000, 25000, 120000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *job;

        world_init(&world);
        world.verify.propagation = (struct propagation){ rows[i].learned_ms, BATCH_NOW_MS, BATCH_NOW_MS };
        job = add(&world, A, rows[i].age_ms);
        job->device->is_maybe_sent = true;
        job->device->action = rows[i].action;
        job->device->looks = rows[i].looks;
        if (rows[i].action == ACTION_ASSIGN)
            fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
        run(rows[i].what, &world);
        if (rows[i].want_ms == 0)
            want_finish(rows[i].what, job,
                        rows[i].action == ACTION_REMOVE ? OUTCOME_REMOVED : OUTCOME_ASSIGNED, ERR_NONE);
        else
            want_wait(rows[i].what, job, ERR_DEADLINE, rows[i].want_ms);
        assert_int_equal(world.abm.calls[FAKE_READ], rows[i].want_ms == 0);
        world_release(&world);
    }
}

/* Where the deadline is short, the look comes before that, and is followed by the one that counts. */
static void with_a_short_deadline_it_is_looked_at_twice(void **state)
{
    struct world world;
    struct job *job;

    (void)state;
    world_init(&world);
    world.verify.deadline_ms = 40000;
    job = add(&world, A, 12000);
    job->device->is_maybe_sent = true;
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
    run("seen", &world);
    want_wait("seen", job, ERR_DEADLINE, TIMEOUT_MS + VERIFY_LATE_MS - 12000);
    assert_int_equal(job->device->looks, 1);
    world.made.batch.now_ms += job->delay_ms;
    batch_again(&world.made);
    run("seen again", &world);
    want_finish("seen again", job, OUTCOME_ASSIGNED, ERR_NONE);
    world_release(&world);
}

static void answers_that_show_nothing_are_no_looks(void **state)
{
    static const struct {
        const char *what;
        struct abm_item read;
        enum verdict verdict;
    } rows[] = {
        { "refused", { .kind = ABM_REFUSED, .code = ERR_ABM_NOT_FOUND }, VERDICT_FINISH },
        { "transient", { .kind = ABM_RETRY, .code = ERR_ABM_WRONG_ANSWER, .delay_ms = -1 }, VERDICT_RETRY },
        { "503", { .kind = ABM_SUSPECT, .code = ERR_ABM_SERVER, .op = "listAssignments" }, VERDICT_SUSPECT },
        { "lost", { .kind = ABM_LOST }, VERDICT_LOST },
        { "cancelled", { .kind = ABM_CANCELLED }, VERDICT_FINISH },
        { "stopping", { .kind = ABM_UNSENT }, VERDICT_BACK },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        struct job *a, *b;

        world_init(&world);
        a = add(&world, A, 500);
        b = add(&world, B, 500);
        fake_abm_script(&world.abm, FAKE_READ, A, rows[i].read);
        fake_abm_shows(&world.abm, B, "bp-want", NULL, ABM_STATE_PROPAGATED);
        run(rows[i].what, &world);
        want_verdict(rows[i].what, a, rows[i].verdict);
        assert_int_equal(a->device->looks, 0);
        want_finish(rows[i].what, b, OUTCOME_ASSIGNED, ERR_NONE);
        assert_int_equal(world.abm.calls[FAKE_READ], 1);
        world_release(&world);
    }
}

static void looks_are_ever_further_apart(void **state)
{
    static const int64_t want_ms[] = { 1000,
                                       2000,
                                       4000,
                                       8000,
                                       16000,
                                       32000,
                                       64000,
                                       128000,
                                       256000,
                                       512000,
                                       1024000,
                                       VERIFY_STEP_MAX_MS,
                                       VERIFY_STEP_MAX_MS };
    struct world world;
    struct job *job;

    (void)state;
    world_init(&world);
    job = add(&world, A, 0);
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_ACCEPTED);
    for (size_t i = 0; i < sizeof(want_ms) / sizeof(want_ms[0]); i++) {
        batch_again(&world.made);
        run("accepted", &world);
        want_wait("accepted", job, ERR_DEADLINE_ACCEPTED, want_ms[i]);
        world.made.batch.now_ms += job->delay_ms;
    }
    world_release(&world);
}

/* What one device taught spares the next one looks that come too early; and an outage teaches nothing of ABM.
 */
static void first_looks_wait_as_long_as_changes_take(void **state)
{
    struct world world;
    struct job *a, *b;

    (void)state;
    world_init(&world);
    a = add(&world, A, 0);
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_ACCEPTED);
    run("a too early", &world);
    want_wait("a too early", a, ERR_DEADLINE_ACCEPTED, 1000);
    world.made.batch.now_ms += 1000;
    batch_again(&world.made);
    run("a still too early", &world);
    want_wait("a still too early", a, ERR_DEADLINE_ACCEPTED, 2000);

    world.made.batch.now_ms += 120 * 1000; /* due after 5 s (the grid), but nobody looked for two minutes */
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
    batch_again(&world.made);
    run("a in effect", &world);
    want_finish("a in effect", a, OUTCOME_ASSIGNED, ERR_NONE);
    assert_int_equal(world.verify.propagation.learned_ms, 6000);

    world.made.batch.count = 0;
    b = add(&world, B, 0);
    b->device->times_ms[STEP_ASSIGN] = world.made.batch.now_ms;
    fake_abm_shows(&world.abm, B, "bp-want", NULL, ABM_STATE_PROPAGATED);
    world.abm.calls[FAKE_READ] = 0;
    run("b waits", &world);
    want_wait("b waits", b, ERR_DEADLINE, 5000);
    assert_int_equal(b->device->looks, 0);
    assert_int_equal(world.abm.calls[FAKE_READ], 0);

    world.made.batch.now_ms += 6000;
    batch_again(&world.made);
    run("b in effect", &world);
    want_finish("b in effect", b, OUTCOME_ASSIGNED, ERR_NONE);
    assert_int_equal(world.abm.calls[FAKE_READ], 1);
    assert_true(world.verify.propagation.learned_ms < 6000);
    world_release(&world);
}

static void a_first_look_is_never_put_off_to_the_deadline(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    world.verify.deadline_ms = 2000;
    world.verify.propagation = (struct propagation){ 60000, BATCH_NOW_MS, BATCH_NOW_MS };
    a = add(&world, A, 500);
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
    run("a quarter of the deadline has passed", &world);
    want_finish("a quarter of the deadline has passed", a, OUTCOME_ASSIGNED, ERR_NONE);
    world_release(&world);
}

/* What others did, and what waited for a late request, says nothing of how long ABM takes. */
static void only_own_changes_teach(void **state)
{
    struct world world;
    struct job *a, *b;

    (void)state;
    world_init(&world);
    a = add(&world, A, 60000);
    b = add(&world, B, 60000);
    a->device->is_noted = false;
    b->device->is_maybe_sent = true;
    a->device->looks = b->device->looks = 3;
    a->device->times_ms[STEP_VERIFY] = b->device->times_ms[STEP_VERIFY] = BATCH_NOW_MS - 30000;
    fake_abm_shows(&world.abm, A, "bp-want", NULL, ABM_STATE_PROPAGATED);
    fake_abm_shows(&world.abm, B, "bp-want", NULL, ABM_STATE_PROPAGATED);
    run("nothing to learn", &world);
    want_finish("a", a, OUTCOME_UNCHANGED, ERR_NONE);
    want_finish("b", b, OUTCOME_ASSIGNED, ERR_NONE);
    assert_int_equal(world.verify.propagation.learned_ms, 0);
    assert_int_equal(world.cache.sets, 0);
    world_release(&world);
}

static void failures_give_the_batch_back(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    add(&world, A, 0);
    world.abm.fail[FAKE_READ] = ERR_ABM_UNREACHABLE;
    assert_int_equal(verify_batch(&world.verify, &world.made.batch, &world.err), -1);
    assert_int_equal(world.err.code, ERR_ABM_UNREACHABLE);
    world_release(&world);

    world_init(&world);
    add(&world, A, 0);
    world.cache.fail_after = 0;
    assert_int_equal(verify_batch(&world.verify, &world.made.batch, &world.err), -1);
    assert_int_equal(world.err.code, ERR_REDIS_LOST);
    assert_int_equal(world.abm.calls[FAKE_READ], 0);
    world_release(&world);
}

static void without_a_device_id_it_goes_to_import(void **state)
{
    struct world world;
    struct job *a;

    (void)state;
    world_init(&world);
    a = add(&world, A, 0);
    a->device->device_id = NULL;
    run("no device id", &world);
    want_verdict("no device id", a, VERDICT_SEND);
    want_text("no device id", a->stage, "import");
    assert_int_equal(world.abm.calls[FAKE_READ], 0);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_decides),
        cmocka_unit_test(the_look_that_counts_follows_the_last_request),
        cmocka_unit_test(with_a_short_deadline_it_is_looked_at_twice),
        cmocka_unit_test(answers_that_show_nothing_are_no_looks),
        cmocka_unit_test(looks_are_ever_further_apart),
        cmocka_unit_test(first_looks_wait_as_long_as_changes_take),
        cmocka_unit_test(a_first_look_is_never_put_off_to_the_deadline),
        cmocka_unit_test(only_own_changes_teach),
        cmocka_unit_test(failures_give_the_batch_back),
        cmocka_unit_test(without_a_device_id_it_goes_to_import),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
