/* A batch as JSON: what a push publishes, and the halves of a batch that killed its worker. */
#include "domain/ingest.h"

#include "base/json.h"
#include "domain/approvers.h"
#include "domain/ingest_device.h"

static void add_if(struct json_out *json, const char *name, const char *text)
{
    if (text != NULL)
        json_add_string(json, name, text);
}

static void print_head(struct json_out *json, const struct ingest *head)
{
    json_add_int(json, "version", INGEST_VERSION);
    add_if(json, "run", head->run);
    json_add_int(json, "batch", head->batch);
    json_add_int(json, "batches", head->batches);
    add_if(json, "mode", head->mode);
    add_if(json, "operator", head->operator_);
    if (head->source_name != NULL || head->source_sha256 != NULL) {
        json_begin(json, "source", '{');
        add_if(json, "name", head->source_name);
        add_if(json, "sha256", head->source_sha256);
        json_end(json, '}');
    }
    add_if(json, "mapping_sha256", head->mapping_sha256);
    add_if(json, "git_commit", head->git_commit);
    if (head->is_urgent)
        json_add_bool(json, "urgent", true);
    if (head->is_only_new)
        json_add_bool(json, "only_new", true);
    add_if(json, "plan_sha256", head->plan_sha256);
    if (head->plan_unchanged > 0)
        json_add_int(json, "plan_unchanged", head->plan_unchanged);
    if (head->approvers != NULL)
        approvers_print(json, "approvers", head->approvers);
    if (head->part.path != NULL && *head->part.path != '\0') {
        json_begin(json, "part", '{');
        json_add_string(json, "path", head->part.path);
        json_add_string(json, "sha256", head->part.sha256);
        json_add_int(json, "total", head->part.total);
        json_end(json, '}');
    }
}

void ingest_print(struct buf *out, const struct ingest *head, const struct device *const *list, size_t count)
{
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    print_head(&json, head);
    if (head->unknown != NULL) {
        buf_add_char(out, ',');
        buf_add_str(out, head->unknown);
    }
    json_begin(&json, "devices", '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        ingest_device_print(out, list[i]);
    }
    json_end(&json, ']');
    if (head->rejected_count > 0) {
        json_begin(&json, "rejected", '[');
        for (size_t i = 0; i < head->rejected_count; i++) {
            if (i > 0)
                buf_add_char(out, ',');
            ingest_rejected_print(out, &head->rejected[i]);
        }
        json_end(&json, ']');
    }
    json_end(&json, '}');
}
