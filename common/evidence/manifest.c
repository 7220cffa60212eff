#include "evidence/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "domain/approvers.h"

#define NUMBER_MAX INT64_C(999999999)

void manifest_name(int64_t number, char *name_r)
{
    snprintf(name_r, MANIFEST_NAME_MAX, "manifest-%" PRId64 ".dsse.json", number);
}

void manifest_records_name(int64_t number, char *name_r)
{
    snprintf(name_r, MANIFEST_NAME_MAX, "records-%05" PRId64 ".jsonl", number);
}

/* The number in the middle of a name, where making the name of it gives the very same text. */
static int64_t number_of(const char *name, const char *prefix, void (*make)(int64_t number, char *name_r))
{
    char again[MANIFEST_NAME_MAX];
    int64_t number = 0;

    if (!str_starts(name, prefix))
        return 0;
    for (const char *at = name + strlen(prefix); *at >= '0' && *at <= '9' && number <= NUMBER_MAX; at++)
        number = number * 10 + (*at - '0');
    if (number > NUMBER_MAX)
        return 0;
    make(number, again);
    return strcmp(name, again) == 0 ? number : 0;
}

int64_t manifest_number(const char *name)
{
    return number_of(name, "manifest-", manifest_name);
}

int64_t manifest_records_number(const char *name)
{
    return number_of(name, "records-", manifest_records_name);
}

static void print_files(struct json_out *json, const struct manifest *manifest)
{
    json_begin(json, "records", '[');
    for (size_t i = 0; i < manifest->file_count; i++) {
        json_begin(json, NULL, '{');
        json_add_string(json, "name", manifest->files[i].name);
        json_add_string(json, "sha256", manifest->files[i].sha256);
        json_add_int(json, "count", manifest->files[i].count);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void print_previous(struct json_out *json, const struct manifest *manifest)
{
    json_begin(json, "previous", '{');
    if (manifest->previous_sequence > 0)
        json_add_int(json, "sequence", manifest->previous_sequence);
    else
        json_add_null(json, "sequence");
    json_add_string(json, "sha256", manifest->previous_sha256);
    json_end(json, '}');
}

void manifest_print(struct buf *out, const struct manifest *manifest)
{
    char time[CLOCK_ISO_BYTES];
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "version", MANIFEST_VERSION);
    json_add_int(&json, "sequence", manifest->sequence);
    json_add_string(&json, "timestamp", clock_iso(manifest->timestamp_ms, time));
    json_add_string(&json, "run", manifest->run);
    json_add_string(&json, "org", manifest->org);
    json_add_string(&json, "mode", manifest->mode);
    json_add_string(&json, "git_commit", manifest->git_commit);
    json_add_string(&json, "pipeline_version", manifest->pipeline_version);
    json_begin(&json, "context", '{');
    json_add_string(&json, "operator", manifest->operator_);
    json_add_string(&json, "host", manifest->host);
    json_end(&json, '}');
    json_begin(&json, "inputs", '{');
    json_add_string(&json, "name", manifest->input_name);
    json_add_string(&json, "sha256", manifest->input_sha256);
    json_add_string(&json, "mapping_sha256", manifest->mapping_sha256);
    json_end(&json, '}');
    json_begin(&json, "outputs", '{');
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        json_add_int(&json, outcome_name((enum outcome)outcome), manifest->outputs[outcome]);
    json_add_int(&json, "total", manifest->total);
    json_end(&json, '}');
    json_add_bool(&json, "complete", manifest->is_complete);
    print_files(&json, manifest);
    json_add_string(&json, "merkle_root", manifest->merkle_root);
    print_previous(&json, manifest);
    json_add_string(&json, "supersedes", manifest->supersedes);
    json_add_string(&json, "dialect", manifest->dialect);
    json_begin(&json, "deprecations", '[');
    for (size_t i = 0; i < manifest->deprecation_count; i++)
        json_add_string(&json, NULL, manifest->deprecations[i]);
    json_end(&json, ']');
    if (manifest->plan_sha256 != NULL) {
        json_begin(&json, "plan", '{');
        json_add_string(&json, "sha256", manifest->plan_sha256);
        approvers_print(&json, "approvers", manifest->plan_approvers);
        json_end(&json, '}');
    }
    json_end(&json, '}');
}
