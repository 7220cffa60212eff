/* The reading half of manifest.h: strict, since what is read here is held against files. */
#include "evidence/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "domain/approvers.h"

enum need { REQUIRED, OR_NULL };

static int wrong(struct err *err, const char *path, const struct json *value, const char *wanted)
{
    return err_set(err, ERR_EVIDENCE, 0, "manifest: %s: %s, wanted %s", path,
                   json_kind_name(json_kind(value)), wanted);
}

static int read_text(const struct json *value, const char *path, enum need need, struct pool *pool,
                     const char **text_r, struct err *err)
{
    if (json_kind(value) == JSON_NULL && need == OR_NULL)
        return 0;
    if (json_kind(value) != JSON_STRING)
        return wrong(err, path, value, need == OR_NULL ? "a string or null" : "a string");
    *text_r = pool_strdup(pool, json_string(value));
    return *text_r != NULL ? 0 : pool_failed(pool, err);
}

static int read_hash(const struct json *value, const char *path, enum need need, struct pool *pool,
                     const char **hash_r, struct err *err)
{
    if (read_text(value, path, need, pool, hash_r, err) != 0)
        return -1;
    if (*hash_r != NULL && !sha256_is_hex(*hash_r))
        return err_set(err, ERR_EVIDENCE, 0, "manifest: %s: wanted 64 lower-case hex digits", path);
    return 0;
}

static int read_int(const struct json *value, const char *path, int64_t least, int64_t *number_r,
                    struct err *err)
{
    if (!json_int(value, number_r) || *number_r < least)
        return wrong(err, path, value, least > 0 ? "a whole number from 1" : "a whole number from 0");
    return 0;
}

static int read_head(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *timestamp = json_get(doc, "timestamp");
    int64_t version = 0;

    if (read_int(json_get(doc, "version"), "version", 1, &version, err) != 0)
        return -1;
    if (version != MANIFEST_VERSION)
        return err_set(err, ERR_EVIDENCE, 0,
                       "manifest: version %" PRId64 " is not known here; this program reads %d", version,
                       MANIFEST_VERSION);
    if (json_string(timestamp) == NULL ||
        clock_parse_iso(json_string(timestamp), &manifest->timestamp_ms) != 0)
        return wrong(err, "timestamp", timestamp, "a time (RFC 3339)");
    if (read_int(json_get(doc, "sequence"), "sequence", 1, &manifest->sequence, err) != 0 ||
        read_text(json_get(doc, "run"), "run", REQUIRED, pool, &manifest->run, err) != 0 ||
        read_text(json_get(doc, "org"), "org", REQUIRED, pool, &manifest->org, err) != 0 ||
        read_text(json_get(doc, "mode"), "mode", REQUIRED, pool, &manifest->mode, err) != 0 ||
        read_text(json_get(doc, "git_commit"), "git_commit", OR_NULL, pool, &manifest->git_commit, err) !=
            0 ||
        read_text(json_get(doc, "pipeline_version"), "pipeline_version", REQUIRED, pool,
                  &manifest->pipeline_version, err) != 0)
        return -1;
    return 0;
}

static int read_context(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *context = json_get(doc, "context"), *inputs = json_get(doc, "inputs");

    if (json_kind(context) != JSON_OBJECT)
        return wrong(err, "context", context, "an object");
    if (json_kind(inputs) != JSON_OBJECT)
        return wrong(err, "inputs", inputs, "an object");
    if (read_text(json_get(context, "operator"), "context.operator", OR_NULL, pool, &manifest->operator_,
                  err) != 0 ||
        read_text(json_get(context, "host"), "context.host", OR_NULL, pool, &manifest->host, err) != 0 ||
        read_text(json_get(inputs, "name"), "inputs.name", OR_NULL, pool, &manifest->input_name, err) != 0 ||
        read_hash(json_get(inputs, "sha256"), "inputs.sha256", OR_NULL, pool, &manifest->input_sha256, err) !=
            0 ||
        read_hash(json_get(inputs, "mapping_sha256"), "inputs.mapping_sha256", OR_NULL, pool,
                  &manifest->mapping_sha256, err) != 0)
        return -1;
    return 0;
}

static int read_outputs(const struct json *doc, struct manifest *manifest, struct err *err)
{
    const struct json *outputs = json_get(doc, "outputs");
    const struct json *complete = json_get(doc, "complete");
    int64_t sum = 0;

    if (json_kind(outputs) != JSON_OBJECT)
        return wrong(err, "outputs", outputs, "an object");
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++) {
        const char *name = outcome_name((enum outcome)outcome);
        char path[40] = "outputs.";

        strncat(path, name, sizeof(path) - strlen(path) - 1);
        if (read_int(json_get(outputs, name), path, 0, &manifest->outputs[outcome], err) != 0)
            return -1;
        sum += manifest->outputs[outcome]; /* 8 numbers below 2^53: no overflow */
    }
    if (read_int(json_get(outputs, "total"), "outputs.total", 0, &manifest->total, err) != 0)
        return -1;
    if (sum != manifest->total)
        return err_set(err, ERR_EVIDENCE, 0,
                       "manifest: outputs: they sum up to %" PRId64 ", total says %" PRId64, sum,
                       manifest->total);
    if (!json_bool(complete, &manifest->is_complete))
        return wrong(err, "complete", complete, "true or false");
    return 0;
}

static int read_file(const struct json *item, size_t index, struct pool *pool, struct manifest_file *file,
                     struct err *err)
{
    char path[48];

    snprintf(path, sizeof(path), "records[%zu]", index);
    if (read_text(json_get(item, "name"), path, REQUIRED, pool, &file->name, err) != 0 ||
        read_hash(json_get(item, "sha256"), path, REQUIRED, pool, &file->sha256, err) != 0 ||
        read_int(json_get(item, "count"), path, 1, &file->count, err) != 0)
        return -1;
    /* The name becomes a path: only names that this program makes. */
    if (manifest_records_number(file->name) == 0)
        return err_set(err, ERR_EVIDENCE, 0, "manifest: %s.name: wanted records-NNNNN.jsonl", path);
    return 0;
}

static int read_files(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *list = json_get(doc, "records");
    struct manifest_file *files;
    int64_t sum = 0;
    size_t i = 0;

    if (json_kind(list) != JSON_ARRAY)
        return wrong(err, "records", list, "an array");
    if (json_count(list) > MANIFEST_FILES_MAX)
        return err_set(err, ERR_EVIDENCE, 0, "manifest: records: more than %d files", MANIFEST_FILES_MAX);
    files = pool_array(pool, json_count(list), sizeof(*files));
    if (files == NULL)
        return pool_failed(pool, err);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item), i++) {
        if (read_file(item, i, pool, &files[i], err) != 0)
            return -1;
        if (i > 0 && manifest_records_number(files[i].name) != manifest_records_number(files[i - 1].name) + 1)
            return err_set(err, ERR_EVIDENCE, 0, "manifest: records[%zu].name: the numbers do not go on", i);
        sum += files[i].count > manifest->total - sum ? manifest->total - sum + 1 : files[i].count;
    }
    if (sum != manifest->total)
        return err_set(err, ERR_EVIDENCE, 0, "manifest: records: their counts are not outputs.total");
    manifest->files = files;
    manifest->file_count = i;
    return 0;
}

static int read_chain(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *previous = json_get(doc, "previous"), *sequence = json_get(previous, "sequence");

    if (read_hash(json_get(doc, "merkle_root"), "merkle_root", REQUIRED, pool, &manifest->merkle_root, err) !=
        0)
        return -1;
    if (json_kind(previous) != JSON_OBJECT)
        return wrong(err, "previous", previous, "an object");
    if (read_hash(json_get(previous, "sha256"), "previous.sha256", OR_NULL, pool, &manifest->previous_sha256,
                  err) != 0)
        return -1;
    if (json_kind(sequence) != JSON_NULL &&
        read_int(sequence, "previous.sequence", 1, &manifest->previous_sequence, err) != 0)
        return -1;
    if (manifest->previous_sequence != manifest->sequence - 1 ||
        (manifest->previous_sha256 == NULL) != (manifest->sequence == 1))
        return err_set(err, ERR_EVIDENCE, 0, "manifest: previous: not the one before sequence %" PRId64,
                       manifest->sequence);
    return read_hash(json_get(doc, "supersedes"), "supersedes", OR_NULL, pool, &manifest->supersedes, err);
}

static int read_tail(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *list = json_get(doc, "deprecations");
    const char **texts;
    size_t i = 0;

    if (read_text(json_get(doc, "dialect"), "dialect", REQUIRED, pool, &manifest->dialect, err) != 0)
        return -1;
    if (json_kind(list) != JSON_ARRAY)
        return wrong(err, "deprecations", list, "an array");
    texts = pool_array(pool, json_count(list), sizeof(*texts));
    if (texts == NULL)
        return pool_failed(pool, err);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item), i++)
        if (read_text(item, "deprecations[]", REQUIRED, pool, &texts[i], err) != 0)
            return -1;
    manifest->deprecations = texts;
    manifest->deprecation_count = i;
    return 0;
}

static int read_plan(const struct json *doc, struct pool *pool, struct manifest *manifest, struct err *err)
{
    const struct json *plan = json_get(doc, "plan");
    char approvers[APPROVERS_BYTES];
    const char *wanted;

    if (plan == NULL)
        return 0;
    if (json_kind(plan) != JSON_OBJECT)
        return wrong(err, "plan", plan, "an object");
    if (read_hash(json_get(plan, "sha256"), "plan.sha256", REQUIRED, pool, &manifest->plan_sha256, err) != 0)
        return -1;
    wanted = approvers_read(json_get(plan, "approvers"), approvers);
    if (wanted != NULL)
        return err_set(err, ERR_EVIDENCE, 0, "manifest: plan.approvers: %s", wanted);
    if (approvers[0] == '\0')
        return 0;
    manifest->plan_approvers = pool_strdup(pool, approvers);
    return manifest->plan_approvers != NULL ? 0 : pool_failed(pool, err);
}

int manifest_parse(const char *text, size_t len, struct pool *pool, struct manifest *manifest_r,
                   struct err *err)
{
    struct manifest manifest = { 0 };
    struct json *doc;
    int rc = -1;

    if (json_parse(text, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_EVIDENCE;
        return err_prefix(err, "manifest");
    }
    if (json_kind(doc) != JSON_OBJECT) {
        wrong(err, "payload", doc, "an object");
    } else if (read_head(doc, pool, &manifest, err) == 0 && read_context(doc, pool, &manifest, err) == 0 &&
               read_outputs(doc, &manifest, err) == 0 && read_files(doc, pool, &manifest, err) == 0 &&
               read_chain(doc, pool, &manifest, err) == 0 && read_tail(doc, pool, &manifest, err) == 0 &&
               read_plan(doc, pool, &manifest, err) == 0) {
        *manifest_r = manifest;
        rc = 0;
    }
    json_free(doc);
    return rc;
}
