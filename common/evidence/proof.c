/* The proof half of find.h. */
#include "evidence/find.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "evidence/dsse.h"
#include "evidence/lines.h"
#include "evidence/merkle.h"

#define PROOF_VERSION 1

struct proving {
    const struct find_hit *hit;
    struct buf *out;
};

static int add_leaves(const char *folder, const char *name, struct merkle *merkle, struct err *err)
{
    char path[PATH_MAX];
    struct lines lines;
    const char *line;
    size_t len;
    int rc;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return err_set(err, ERR_IO, 0, "%s: its path is too long", name);
    if (lines_open(&lines, path, err) != 0)
        return -1;
    while ((rc = lines_next(&lines, &line, &len, err)) > 0)
        merkle_add(merkle, line, len);
    lines_close(&lines);
    return rc == 0 ? 0 : err_prefix(err, "%s", path);
}

static void print_proof(struct buf *out, const struct find_hit *hit, const struct merkle *merkle,
                        const struct tree_manifest *found)
{
    size_t envelope_len = found->envelope_len;
    struct json_out json;

    while (envelope_len > 0 && found->envelope[envelope_len - 1] == '\n')
        envelope_len--;
    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "version", PROOF_VERSION);
    json_add_string(&json, "record", hit->line);
    json_add_int(&json, "index", hit->index);
    json_add_int(&json, "count", merkle->count);
    json_begin(&json, "path", '[');
    for (size_t i = 0; i < merkle->path.count; i++) {
        char hex[SHA256_HEX];

        str_hex(merkle->path.at[i].bytes, SHA256_BYTES, hex);
        json_add_string(&json, NULL, hex);
    }
    json_end(&json, ']');
    json_add_raw(&json, "envelope", found->envelope, envelope_len);
    json_end(&json, '}');
}

static int prove_manifest(void *ctx, const struct tree_manifest *found, struct err *err)
{
    struct proving *proving = ctx;
    struct merkle merkle;
    char root[SHA256_HEX];

    merkle_init_path(&merkle, proving->hit->index);
    for (size_t i = 0; i < found->manifest.file_count; i++)
        if (add_leaves(found->folder, found->manifest.files[i].name, &merkle, err) != 0)
            return -1;
    merkle_end(&merkle, root);
    if (strcmp(root, found->manifest.merkle_root) != 0)
        return err_set(err, ERR_EVIDENCE, 0, "%s/%s: the records are not those that the manifest proves",
                       found->folder, found->name);
    print_proof(proving->out, proving->hit, &merkle, found);
    return buf_check(proving->out, "the proof", err);
}

int evidence_prove(const struct find_hit *hit, struct buf *out, struct err *err)
{
    struct proving proving = { .hit = hit, .out = out };
    struct tree_visitor visitor = { prove_manifest, &proving };
    char path[PATH_MAX];
    bool is_tree;
    size_t count;

    if (snprintf(path, sizeof(path), "%s/%s", hit->folder, hit->manifest) >= (int)sizeof(path))
        return err_set(err, ERR_IO, 0, "%s: its path is too long", hit->manifest);
    return tree_walk(path, NULL, &visitor, &is_tree, &count, err);
}

static int wrong(struct err *err, const char *what)
{
    return err_set(err, ERR_EVIDENCE, 0, "proof: %s", what);
}

static int read_path(const struct json *list, struct merkle_path *path_r, struct err *err)
{
    path_r->count = 0;
    if (json_kind(list) != JSON_ARRAY || json_count(list) > MERKLE_LEVELS)
        return wrong(err, "path: wanted an array of at most 64 hashes");
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        if (!sha256_from_hex(json_string(item), path_r->at[path_r->count++].bytes))
            return wrong(err, "path: wanted 64 lower-case hex digits");
    return 0;
}

static int check_doc(const struct json *doc, const struct verifier *verifier, struct pool *pool,
                     struct find_hit *hit, struct err *err)
{
    const char *record = json_string(json_get(doc, "record"));
    int64_t version = 0, count = 0;
    struct manifest manifest;
    struct merkle_path path;
    struct buf envelope, payload;
    int rc = -1;

    if (!json_int(json_get(doc, "version"), &version) || version != PROOF_VERSION)
        return wrong(err, "version: wanted 1");
    if (record == NULL || !json_int(json_get(doc, "index"), &hit->index) ||
        !json_int(json_get(doc, "count"), &count) || json_kind(json_get(doc, "envelope")) != JSON_OBJECT)
        return wrong(err, "record, index, count and envelope are required");
    if (read_path(json_get(doc, "path"), &path, err) != 0)
        return -1;
    buf_init(&envelope, DSSE_ENVELOPE_MAX);
    buf_init(&payload, DSSE_PAYLOAD_MAX);
    json_print(json_get(doc, "envelope"), &envelope);
    if (buf_check(&envelope, "the envelope", err) != 0 ||
        dsse_open(envelope.data, envelope.len, verifier, &payload, err) != 0 ||
        manifest_parse(payload.data, payload.len, pool, &manifest, err) != 0)
        goto out;
    if (count != manifest.total ||
        !merkle_proves(manifest.merkle_root, hit->index, count, record, strlen(record), &path)) {
        wrong(err, "the record is not in the manifest under this path");
        goto out;
    }
    hit->org = manifest.org;
    hit->run = manifest.run;
    hit->sequence = manifest.sequence;
    hit->timestamp_ms = manifest.timestamp_ms;
    hit->line = pool_strdup(pool, record);
    hit->len = strlen(record);
    rc = hit->line != NULL ? 0 : pool_failed(pool, err);
out:
    buf_release(&envelope);
    buf_release(&payload);
    return rc;
}

int evidence_check_proof(const char *text, size_t len, const struct verifier *verifier, struct pool *pool,
                         struct find_hit *hit_r, struct err *err)
{
    struct json *doc;
    int rc;

    if (json_parse(text, len, &doc, err) != 0) {
        if (err->code == ERR_JSON)
            err->code = ERR_EVIDENCE;
        return err_prefix(err, "proof");
    }
    memset(hit_r, 0, sizeof(*hit_r));
    rc = check_doc(doc, verifier, pool, hit_r, err);
    json_free(doc);
    return rc;
}
