#include "import.h"

#include "harness/batch.h"
#include "harness/check.h"
#include "harness/fake_abm.h"

static void each_answer_gives_its_verdict(void **state)
{
    static const struct {
        const char *what;
        struct abm_item answer;
        enum verdict verdict;
        enum outcome outcome;
        enum err_code code;
    } rows[] = {
        { "known", { .kind = ABM_OK, .device_id = "dev-9" }, VERDICT_PASS, OUTCOME_NONE, ERR_NONE },
        { "refused",
          { .kind = ABM_REFUSED, .code = ERR_ABM_REFUSED, .text = "DEVICE_LOCKED" },
          VERDICT_FINISH,
          OUTCOME_FAILED,
          ERR_ABM_REFUSED },
        { "missing from the answer",
          { .kind = ABM_RETRY, .code = ERR_ABM_ITEM_MISSING, .delay_ms = -1 },
          VERDICT_RETRY,
          OUTCOME_NONE,
          ERR_ABM_ITEM_MISSING },
        { "503",
          { .kind = ABM_SUSPECT, .code = ERR_ABM_SERVER, .op = "importDevices" },
          VERDICT_SUSPECT,
          OUTCOME_NONE,
          ERR_ABM_SERVER },
        { "another's", { .kind = ABM_LOST }, VERDICT_LOST, OUTCOME_NONE, ERR_LOST_MESSAGE },
        { "run cancelled", { .kind = ABM_CANCELLED }, VERDICT_FINISH, OUTCOME_CANCELLED, ERR_CANCELLED },
        { "stopping", { .kind = ABM_UNSENT }, VERDICT_BACK, OUTCOME_NONE, ERR_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_abm fake = { 0 };
        struct abm_api api = fake_abm_of(&fake);
        struct err err = ERR_INIT;
        struct batch_made made;
        struct job *job;

        batch_make(&made, 1);
        job = batch_add(&made, "F000000001", NULL);
        job->device->device_id = NULL;
        fake_abm_script(&fake, FAKE_IMPORT, "F000000001", rows[i].answer);
        assert_int_equal(import_batch(&api, &made.batch, &err), 0);
        want_verdict(rows[i].what, job, rows[i].verdict);
        if (rows[i].verdict == VERDICT_FINISH)
            want_finish(rows[i].what, job, rows[i].outcome, rows[i].code);
        if (rows[i].verdict != VERDICT_PASS && job->code != rows[i].code)
            fail_msg("%s: code %s", rows[i].what, err_wire(job->code));
        want_text(rows[i].what, job->text, rows[i].answer.text);
        want_text(rows[i].what, job->device->device_id, rows[i].answer.device_id);
        want_text(rows[i].what, job->op, rows[i].answer.op);
        batch_unmake(&made);
    }
}

/* One refused device is its own outcome; and what only the import needs ends with a pass, not before. */
static void a_batch_is_judged_one_by_one(void **state)
{
    struct fake_abm fake = { 0 };
    struct abm_api api = fake_abm_of(&fake);
    struct err err = ERR_INIT;
    struct batch_made made;
    struct job *a, *b, *c;

    (void)state;
    batch_make(&made, 3);
    a = batch_add(&made, "F000000001", "1-1");
    b = batch_add(&made, "F000000002", "1-1");
    c = batch_add(&made, "F000000003", "2-1");
    for (size_t i = 0; i < made.batch.count; i++) {
        struct device *device = made.batch.jobs[i].device;

        device->device_id = NULL;
        device->model = "MacBook Air";
        device->order_number = "W1";
        device->asset_tag = "A-1";
    }
    c->device->action = ACTION_REMOVE; /* its id is learned the same way */
    fake_abm_script(&fake, FAKE_IMPORT, "F000000002",
                    (struct abm_item){ .kind = ABM_RETRY, .code = ERR_ABM_ITEM_MISSING, .delay_ms = 2000 });
    assert_int_equal(import_batch(&api, &made.batch, &err), 0);
    assert_int_equal(fake.calls[FAKE_IMPORT], 1);

    want_verdict("a", a, VERDICT_PASS);
    want_text("a's id", a->device->device_id, "dev-F000000001");
    assert_null(a->device->country);
    assert_null(a->device->model);
    assert_null(a->device->order_number);
    assert_null(a->device->asset_tag);

    want_verdict("b", b, VERDICT_RETRY);
    assert_int_equal(b->delay_ms, 2000);
    want_text("b's country", b->device->country, "DE");
    want_text("b's model", b->device->model, "MacBook Air");

    want_verdict("c", c, VERDICT_PASS);
    want_text("c's id", c->device->device_id, "dev-F000000003");
    batch_unmake(&made);
}

static void an_outage_gives_the_batch_back(void **state)
{
    struct fake_abm fake = { .fail[FAKE_IMPORT] = ERR_ABM_UNAUTHORIZED };
    struct abm_api api = fake_abm_of(&fake);
    struct err err = ERR_INIT;
    struct batch_made made;

    (void)state;
    batch_make(&made, 2);
    batch_add(&made, "F000000001", NULL);
    batch_add(&made, "F000000002", NULL);
    assert_int_equal(import_batch(&api, &made.batch, &err), -1);
    assert_int_equal(err.code, ERR_ABM_UNAUTHORIZED);
    want_text("the input stays", made.batch.jobs[0].device->country, "DE");
    batch_unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_gives_its_verdict),
        cmocka_unit_test(a_batch_is_judged_one_by_one),
        cmocka_unit_test(an_outage_gives_the_batch_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
