#include "validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "catalog.h"

/* A device that has good values, on its way through the rule. */
struct candidate {
    struct job *job;
    const struct mapping_rule *rule; /* that decided; NULL: the input itself says what is wanted */
};

struct pass {
    struct validate *validate;
    struct batch *batch;
    const struct rules *rules; /* NULL: no device asks them */
    struct candidate *candidates;
    size_t count;
    struct catalog catalog;
};

int validate_init(struct validate *validate, struct abm_api api, struct runbook runbook,
                  const struct org_settings *org, struct err *err)
{
    *validate = (struct validate){ .api = api, .runbook = runbook, .mdm_server = org->mdm_server };
    if (serial_pattern_new(org->serial_pattern, &validate->pattern, err) != 0)
        return -1;
    if (rulebook_init(&validate->rulebook, org->rules, &validate->runbook, err) != 0) {
        validate_release(validate);
        return -1;
    }
    return 0;
}

void validate_release(struct validate *validate)
{
    rulebook_release(&validate->rulebook);
    serial_pattern_free(validate->pattern);
    validate->pattern = NULL;
}

/* Ends a device here. Its columns end too: audit gets what tells it apart, and no more than a message takes.
 */
static int end(struct pass *pass, struct job *job, enum outcome outcome, enum err_code code, const char *text,
               struct err *err)
{
    if (device_shorten(job->device, pass->batch->pool, err) != 0)
        return -1;
    job_finish(job, outcome, code, text);
    return 0;
}

/* The same with the text of an error, which is about this device alone. */
static int reject(struct pass *pass, struct job *job, const struct err *why, struct err *err)
{
    const char *text = pool_strdup(pass->batch->pool, why->text);

    if (text == NULL)
        return pool_failed(pass->batch->pool, err);
    return end(pass, job, OUTCOME_REJECTED, why->code, text, err);
}

/* Rows that push has judged. A code that this version does not know still says that the row was bad. */
static int end_rejected_row(struct pass *pass, struct job *job, const struct ingest_rejected *row,
                            struct err *err)
{
    enum err_code code = row->code != NULL ? err_from_wire(row->code) : ERR_CODE_COUNT;
    const char *text = row->text;
    enum outcome outcome = OUTCOME_REJECTED;

    if (code == ERR_DUPLICATE || code == ERR_DUPLICATE_DIFFERS)
        outcome = OUTCOME_DUPLICATE;
    if (code == ERR_CODE_COUNT || code == ERR_NONE) {
        code = ERR_ROW_FORMAT;
        text = pool_printf(pass->batch->pool, "%s: %s", row->code != NULL ? row->code : "rejected",
                           row->text != NULL ? row->text : "the producer gives no reason");
        if (text == NULL)
            return pool_failed(pass->batch->pool, err);
    }
    return end(pass, job, outcome, code, text, err);
}

/* Asks the rules, unless the input itself says what is wanted. */
static int resolve(struct pass *pass, struct candidate *candidate, struct err *err)
{
    struct device *device = candidate->job->device;
    struct err why = ERR_INIT;
    int rc;

    if (device_is_planned(device))
        return 0;
    if (pass->rules->mapping == NULL)
        return reject(pass, candidate->job, &pass->rules->problem, err);
    rc = mapping_resolve(pass->rules->mapping, device, &candidate->rule, &why);
    if (rc < 0)
        return reject(pass, candidate->job, &why, err);
    if (rc == 0) {
        err_set(&why, ERR_NO_RULE, 0, "no rule of %s matches, and it has no default", pass->rules->name);
        return reject(pass, candidate->job, &why, err);
    }
    device->blueprint_id = candidate->rule->blueprint_id;
    device->rule = candidate->rule->text;
    return 0;
}

static int by_serial_and_row(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = strcmp(left->job->device->serial, right->job->device->serial);

    if (order != 0)
        return order;
    return (left->job->device->row > right->job->device->row) -
           (left->job->device->row < right->job->device->row);
}

static bool wants_the_same(const struct device *a, const struct device *b)
{
    return a->action == b->action && str_eq(a->blueprint_id, b->blueprint_id);
}

/* Of the rows with one serial the lowest goes on. */
static int end_duplicates(struct pass *pass, struct err *err)
{
    const struct device *first = NULL;

    qsort(pass->candidates, pass->count, sizeof(*pass->candidates), by_serial_and_row);
    for (size_t i = 0; i < pass->count; i++) {
        struct job *job = pass->candidates[i].job;
        bool is_same;
        const char *text;

        if (first == NULL || strcmp(first->serial, job->device->serial) != 0) {
            first = job->device;
            continue;
        }
        is_same = wants_the_same(first, job->device);
        text = pool_printf(pass->batch->pool, "row %lld has this serial too and is used%s",
                           (long long)first->row, is_same ? "" : "; it wants another blueprint");
        if (text == NULL)
            return pool_failed(pass->batch->pool, err);
        if (end(pass, job, OUTCOME_DUPLICATE, is_same ? ERR_DUPLICATE : ERR_DUPLICATE_DIFFERS, text, err) !=
            0)
            return -1;
    }
    return 0;
}

static int reject_unknown(struct pass *pass, const struct candidate *candidate, enum err_code code,
                          const char *what, const char *name, bool is_rules_word, struct err *err)
{
    struct device *device = candidate->job->device;
    struct err why = ERR_INIT;

    if (is_rules_word) {
        err_set(&why, code, 0, "%s:%zu: rule %zu names %s %s, which ABM does not have", pass->rules->name,
                candidate->rule->line, candidate->rule->number, what, name);
        /* The record keeps the rule, and no text: whoever reads it is to find the line that needs correcting.
         */
        device->rule = pool_printf(pass->batch->pool, "%s (line %zu of %s)", candidate->rule->text,
                                   candidate->rule->line, pass->rules->name);
        if (device->rule == NULL)
            return pool_failed(pass->batch->pool, err);
    } else {
        err_set(&why, code, 0, "%s names %s %s, which ABM does not have",
                name == pass->validate->mdm_server ? "the setting mdm_server" : "the input", what, name);
    }
    return reject(pass, candidate->job, &why, err);
}

/* The server that is wanted, as ABM's id: the device's own word, else the rule's, else the settings'. A plan
 * was approved as it stands: what it leaves alone, settings of today do not add. */
static int find_server(struct pass *pass, const struct candidate *candidate, struct err *err)
{
    struct device *device = candidate->job->device;
    const char *name = device->mdm_server_id;
    bool is_rules_word = false;
    const char *id;

    if (name == NULL && candidate->rule != NULL) {
        name = candidate->rule->mdm_server;
        is_rules_word = name != NULL;
    }
    if (name == NULL && pass->batch->ingest->plan_sha256 == NULL)
        name = pass->validate->mdm_server;
    if (name == NULL)
        return 0;
    if (catalog_server(&pass->catalog, name, &id, err) != 0)
        return -1;
    if (id == NULL)
        return reject_unknown(pass, candidate, ERR_SERVER_UNKNOWN, "MDM server", name, is_rules_word, err);
    device->mdm_server_id = id;
    return 0;
}

/* A plan may name the server it expects by its name too. One that is gone cannot be what is there. */
static int find_expected_server(struct pass *pass, struct device *device, struct err *err)
{
    const char *id;

    if (device->expect_mdm_server_id == NULL)
        return 0;
    if (catalog_server(&pass->catalog, device->expect_mdm_server_id, &id, err) != 0)
        return -1;
    if (id != NULL)
        device->expect_mdm_server_id = id;
    return 0;
}

static int find_in_catalog(struct pass *pass, const struct candidate *candidate, struct err *err)
{
    struct device *device = candidate->job->device;
    const char *id;

    if (find_expected_server(pass, device, err) != 0)
        return -1;
    if (device->action == ACTION_REMOVE) {
        device->blueprint_id = NULL;
        device->mdm_server_id = NULL;
        return 0;
    }
    if (catalog_blueprint(&pass->catalog, device->blueprint_id, &id, err) != 0)
        return -1;
    if (id == NULL)
        return reject_unknown(pass, candidate, ERR_BLUEPRINT_UNKNOWN, "blueprint", device->blueprint_id,
                              candidate->rule != NULL, err);
    return find_server(pass, candidate, err);
}

/* The rows that push rejected, and the devices with bad values; the others become candidates. */
static int check_values(struct pass *pass, struct err *err)
{
    const struct ingest *ingest = pass->batch->ingest;

    for (size_t i = 0; i < pass->batch->count; i++) {
        struct job *job = &pass->batch->jobs[i];
        struct err why = ERR_INIT;
        int rc = 0;

        if (i >= ingest->count)
            rc = end_rejected_row(pass, job, &ingest->rejected[i - ingest->count], err);
        else if (device_check(job->device, pass->validate->pattern, &why) != 0)
            rc = reject(pass, job, &why, err);
        else
            pass->candidates[pass->count++].job = job;
        if (rc != 0)
            return -1;
    }
    return 0;
}

static int judge(struct pass *pass, struct err *err)
{
    if (check_values(pass, err) != 0)
        return -1;
    for (size_t i = 0; i < pass->count; i++)
        if (resolve(pass, &pass->candidates[i], err) != 0)
            return -1;
    if (end_duplicates(pass, err) != 0)
        return -1;
    for (size_t i = 0; i < pass->count; i++) {
        struct candidate *candidate = &pass->candidates[i];

        if (candidate->job->verdict == VERDICT_NONE && find_in_catalog(pass, candidate, err) != 0)
            return -1;
        if (candidate->job->verdict != VERDICT_NONE)
            continue;
        candidate->job->device->is_only_new = pass->batch->ingest->is_only_new;
        candidate->job->device->extra = NULL;
        candidate->job->device->extra_count = 0;
        job_pass(candidate->job);
    }
    return 0;
}

/* The mapping that decides for the batch. 0: Redis does not hold the one that it names, the whole message
 * waits. */
static int find_rules(struct validate *validate, struct batch *batch, const struct rules **rules_r,
                      struct err *err)
{
    const char *named = batch->ingest->mapping_sha256;
    const char *text;
    int rc = rulebook_find(&validate->rulebook, named, batch->pool, rules_r, err);

    if (rc < 0)
        return -1;
    if (rc == 0) {
        text = pool_printf(batch->pool, "Redis does not hold the mapping %s", named);
        if (text == NULL)
            return pool_failed(batch->pool, err);
        for (size_t i = 0; i < batch->count; i++)
            job_wait(&batch->jobs[i], ERR_RULES_MISSING, text, -1);
        return 0;
    }
    if (named == NULL) {
        batch->mapping_sha256 = (*rules_r)->sha256;
        batch->mapping_text = validate->rulebook.text.data;
        batch->mapping_len = validate->rulebook.text.len;
    }
    return 1;
}

static void refresh_rules(struct validate *validate)
{
    struct err why = ERR_INIT;
    int rc = rulebook_refresh(&validate->rulebook, &why);

    if (rc < 0)
        log_err(LOG_LEVEL_WARN, "rules_not_used", &why, "in_force", validate->rulebook.own.sha256, NULL);
    else if (rc == 1)
        log_info("rules_changed", "in_force", validate->rulebook.own.sha256, NULL);
}

static bool needs_rules(const struct batch *batch)
{
    for (size_t i = 0; i < batch->ingest->count; i++)
        if (!device_is_planned(batch->jobs[i].device))
            return true;
    return false;
}

int validate_batch(struct validate *validate, struct batch *batch, struct err *err)
{
    struct pass pass = { .validate = validate, .batch = batch };
    int rc;

    if (batch->ingest == NULL || batch->count != batch->ingest->count + batch->ingest->rejected_count)
        return err_set(err, ERR_BUG, 0, "%zu jobs that are no whole ingest message", batch->count);
    pass.catalog.api = &validate->api;
    pass.catalog.pool = batch->pool;
    pass.candidates = pool_array(batch->pool, batch->count, sizeof(*pass.candidates));
    if (pass.candidates == NULL)
        return pool_failed(batch->pool, err);
    refresh_rules(validate);
    if (needs_rules(batch)) {
        rc = find_rules(validate, batch, &pass.rules, err);
        if (rc != 1)
            return rc;
    }
    return judge(&pass, err);
}
