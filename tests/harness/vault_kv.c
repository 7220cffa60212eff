/* The KV engine, version 2, of the Vault stand-in. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "harness/vault_api.h"

#define UNSUPPORTED "1 error occurred:\n\t* unsupported operation\n\n"

static void print_times(const struct vault_version *version, struct json_out *out)
{
    char time[CLOCK_ISO_BYTES];

    json_add_string(out, "created_time", clock_iso(version->created_ms, time));
    json_add_string(out, "deletion_time", version->deleted_ms ? clock_iso(version->deleted_ms, time) : "");
    json_add_bool(out, "destroyed", version->data == NULL);
}

static void print_metadata(const struct vault_version *version, int64_t number, struct json_out *out)
{
    print_times(version, out);
    json_add_null(out, "custom_metadata");
    json_add_int(out, "version", number);
}

static int read_version(struct vault *vault, struct vault_entry *entry, int64_t number, struct buf *body)
{
    struct vault_version *version = entry ? vault_entry_version(entry, number, &number) : NULL;
    bool is_there = version && version->data && version->deleted_ms == 0;
    struct json_out out;

    if (!version)
        return vault_answer_error(body, 404, "");
    vault_begin(&out, body);
    json_begin(&out, "data", '{');
    if (is_there)
        json_add_raw(&out, "data", version->data, strlen(version->data));
    else
        json_add_null(&out, "data");
    json_begin(&out, "metadata", '{');
    print_metadata(version, number, &out);
    json_end(&out, '}');
    json_end(&out, '}');
    json_add_null(&out, "auth");
    vault_end(&out);
    vault->counts.reads += is_there;
    return is_there ? 200 : 404;
}

static int write_version(struct vault *vault, const char *path, const struct json *doc, int64_t now_ms,
                         struct buf *body)
{
    const struct json *data = json_get(doc, "data"), *cas = json_get(json_get(doc, "options"), "cas");
    struct err err = ERR_INIT;
    struct vault_entry *entry;
    struct json_out out;
    int64_t want = -1;
    struct buf text;

    if (json_kind(data) != JSON_OBJECT)
        return vault_answer_error(body, 400, "no data provided");
    if (cas && (!json_int(cas, &want) || want < 0))
        return vault_answer_error(body, 400, "error parsing check-and-set parameter");
    buf_init(&text, 1 << 20);
    json_print(data, &text);
    entry = buf_check(&text, "the secret", &err) == 0
                ? vault_store_put(&vault->store, path, text.data, want, now_ms, &err)
                : NULL;
    buf_release(&text);
    if (!entry)
        return vault_answer_error(body, 400, err.text);
    vault->counts.writes++;
    vault_begin(&out, body);
    json_begin(&out, "data", '{');
    print_metadata(&entry->versions[entry->count - 1], entry->current, &out);
    json_end(&out, '}');
    json_add_null(&out, "auth");
    vault_end(&out);
    return 200;
}

/* Segments that are not empty, and none that climbs. */
static bool is_path(const char *path)
{
    size_t len;

    do {
        len = strcspn(path, "/");
        if (len == 0 || (len == 2 && strncmp(path, "..", 2) == 0))
            return false;
        path += len;
    } while (*path++ == '/');
    return true;
}

int vault_kv_data(struct vault *vault, const struct vault_request *request, const char *path, int64_t now_ms,
                  struct buf *body)
{
    struct vault_entry *entry = vault_store_find(&vault->store, path);
    int64_t number = 0;
    struct err err = ERR_INIT;
    struct json *doc;
    int status;

    if (!is_path(path))
        return vault_answer_error(body, 404, "");
    if (strcmp(request->method, "GET") == 0) {
        if (request->version && !str_to_int(request->version, 0, INT32_MAX, &number))
            return vault_answer_error(
                body, 400, "Field validation failed: error converting input for field \"version\"");
        return read_version(vault, entry, number, body);
    }
    if (strcmp(request->method, "DELETE") == 0) {
        if (entry && entry->versions[entry->count - 1].deleted_ms == 0)
            entry->versions[entry->count - 1].deleted_ms = now_ms;
        return 204;
    }
    if (strcmp(request->method, "POST") != 0 && strcmp(request->method, "PUT") != 0)
        return vault_answer_error(body, 405, UNSUPPORTED);
    if (json_parse(request->body ? request->body : "", request->body_len, &doc, &err) != 0)
        return vault_answer_error(body, 400, "failed to parse JSON input");
    status = write_version(vault, path, doc, now_ms, body);
    json_free(doc);
    return status;
}

static int list(struct vault *vault, const char *path, struct buf *body)
{
    char folder[VAULT_PATH_MAX + 2];
    size_t len = strlen(path), count;
    struct json_out out;

    if (len > VAULT_PATH_MAX)
        return vault_answer_error(body, 404, "");
    snprintf(folder, sizeof(folder), "%s%s", path, len > 0 && path[len - 1] != '/' ? "/" : "");
    vault_begin(&out, body);
    json_begin(&out, "data", '{');
    json_begin(&out, "keys", '[');
    count = vault_store_list(&vault->store, folder, &out);
    json_end(&out, ']');
    json_end(&out, '}');
    json_add_null(&out, "auth");
    vault_end(&out);
    return count > 0 ? 200 : vault_answer_error(body, 404, "");
}

static int read_metadata(const struct vault_entry *entry, struct buf *body)
{
    char time[CLOCK_ISO_BYTES], name[24];
    struct json_out out;

    if (!entry)
        return vault_answer_error(body, 404, "");
    vault_begin(&out, body);
    json_begin(&out, "data", '{');
    json_add_bool(&out, "cas_required", false);
    json_add_string(&out, "created_time", clock_iso(entry->created_ms, time));
    json_add_int(&out, "current_version", entry->current);
    json_add_null(&out, "custom_metadata");
    json_add_string(&out, "delete_version_after", "0s");
    json_add_int(&out, "max_versions", 0);
    json_add_int(&out, "oldest_version", entry->current - (int64_t)entry->count + 1);
    json_add_string(&out, "updated_time", clock_iso(entry->updated_ms, time));
    json_begin(&out, "versions", '{');
    for (size_t i = 0; i < entry->count; i++) {
        snprintf(name, sizeof(name), "%lld", (long long)(entry->current - (int64_t)(entry->count - i) + 1));
        json_begin(&out, name, '{');
        print_times(&entry->versions[i], &out);
        json_end(&out, '}');
    }
    json_end(&out, '}');
    json_end(&out, '}');
    json_add_null(&out, "auth");
    vault_end(&out);
    return 200;
}

int vault_kv_metadata(struct vault *vault, const struct vault_request *request, const char *path,
                      struct buf *body)
{
    bool is_get = strcmp(request->method, "GET") == 0;

    if (strcmp(request->method, "LIST") == 0 || (is_get && request->is_list))
        return list(vault, path, body);
    if (is_get)
        return read_metadata(vault_store_find(&vault->store, path), body);
    if (strcmp(request->method, "DELETE") != 0)
        return vault_answer_error(body, 405, UNSUPPORTED);
    vault_store_remove(&vault->store, path);
    return 204;
}
