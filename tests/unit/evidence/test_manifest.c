#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/json.h"
#include "evidence/manifest.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_0 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct manifest_file files[] = { { "records-00002.jsonl", HASH_A, 3 },
                                              { "records-00003.jsonl", HASH_B, 1 } };
static const char *const deprecations[] = { "importDevices: sunset 2027-01-01" };

static struct manifest full_manifest(void)
{
    return (struct manifest){
        .sequence = 7,
        .timestamp_ms = INT64_C(1795507200123),
        .run = "acme-7f3a",
        .org = "acme",
        .mode = "apply",
        .git_commit = "0123abc",
        .pipeline_version = "0.1.0",
        .operator_ = "CI=github-actions",
        .host = "build-1",
        .input_name = "devices.csv",
        .input_sha256 = HASH_A,
        .mapping_sha256 = HASH_B,
        .outputs = { 0, 2, 1, 0, 0, 0, 0, 1, 0 },
        .total = 4,
        .is_complete = true,
        .files = files,
        .file_count = 2,
        .merkle_root = HASH_B,
        .previous_sequence = 6,
        .previous_sha256 = HASH_A,
        .supersedes = HASH_B,
        .dialect = "abm-v2",
        .deprecations = deprecations,
        .deprecation_count = 1,
    };
}

/* The members and their order are a stored format: this text is what DESIGN.md promises. */
static const char full[] =
    "{\"version\":1,\"sequence\":7,\"timestamp\":\"2026-11-24T08:00:00.123Z\",\"run\":\"acme-7f3a\",\"org\":"
    "\"acme\","
    "\"mode\":\"apply\",\"git_commit\":\"0123abc\",\"pipeline_version\":\"0.1.0\","
    "\"context\":{\"operator\":\"CI=github-actions\",\"host\":\"build-1\"},"
    "\"inputs\":{\"name\":\"devices.csv\",\"sha256\":\"" HASH_A "\",\"mapping_sha256\":\"" HASH_B "\"},"
    "\"outputs\":{\"assigned\":2,\"unchanged\":1,\"removed\":0,\"rejected\":0,\"duplicate\":0,\"conflict\":0,"
    "\"failed\":1,"
    "\"cancelled\":0,\"total\":4},\"complete\":true,"
    "\"records\":[{\"name\":\"records-00002.jsonl\",\"sha256\":\"" HASH_A "\",\"count\":3},"
    "{\"name\":\"records-00003.jsonl\",\"sha256\":\"" HASH_B "\",\"count\":1}],"
    "\"merkle_root\":\"" HASH_B "\",\"previous\":{\"sequence\":6,\"sha256\":\"" HASH_A
    "\"},\"supersedes\":\"" HASH_B "\","
    "\"dialect\":\"abm-v2\",\"deprecations\":[\"importDevices: sunset 2027-01-01\"]}";

static const char first[] =
    "{\"version\":1,\"sequence\":1,\"timestamp\":\"2026-11-24T08:00:00.000Z\",\"run\":\"r\",\"org\":\"acme\","
    "\"mode\":\"apply\",\"git_commit\":null,\"pipeline_version\":\"0.1.0\",\"context\":{\"operator\":null,"
    "\"host\":null},"
    "\"inputs\":{\"name\":null,\"sha256\":null,\"mapping_sha256\":null},"
    "\"outputs\":{\"assigned\":0,\"unchanged\":0,\"removed\":0,\"rejected\":0,\"duplicate\":0,\"conflict\":0,"
    "\"failed\":0,"
    "\"cancelled\":0,\"total\":0},\"complete\":false,\"records\":[],\"merkle_root\":\"" HASH_0 "\","
    "\"previous\":{\"sequence\":null,\"sha256\":null},\"supersedes\":null,\"dialect\":\"abm-v2\","
    "\"deprecations\":[]}";

/* Only behind what the other manifests have. */
static const char planned[] =
    "{\"version\":1,\"sequence\":1,\"timestamp\":\"2026-11-24T08:00:00.000Z\",\"run\":\"r\",\"org\":\"acme\","
    "\"mode\":\"apply\",\"git_commit\":null,\"pipeline_version\":\"0.1.0\",\"context\":{\"operator\":null,"
    "\"host\":null},"
    "\"inputs\":{\"name\":null,\"sha256\":null,\"mapping_sha256\":null},"
    "\"outputs\":{\"assigned\":0,\"unchanged\":0,\"removed\":0,\"rejected\":0,\"duplicate\":0,\"conflict\":0,"
    "\"failed\":0,"
    "\"cancelled\":0,\"total\":0},\"complete\":false,\"records\":[],\"merkle_root\":\"" HASH_0 "\","
    "\"previous\":{\"sequence\":null,\"sha256\":null},\"supersedes\":null,\"dialect\":\"abm-v2\","
    "\"deprecations\":[],\"plan\":{\"sha256\":\"" HASH_A "\",\"approvers\":[\"" HASH_B "\",\"" HASH_0 "\"]}}";

static void prints_the_format(void **state)
{
    struct manifest manifest = full_manifest();
    struct manifest nothing = { .sequence = 1,
                                .timestamp_ms = INT64_C(1795507200000),
                                .run = "r",
                                .org = "acme",
                                .mode = "apply",
                                .pipeline_version = "0.1.0",
                                .merkle_root = HASH_0,
                                .dialect = "abm-v2" };
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    manifest_print(&out, &manifest);
    assert_string_equal(out.data, full);
    buf_reset(&out);
    manifest_print(&out, &nothing);
    assert_string_equal(out.data, first);
    nothing.plan_sha256 = HASH_A;
    nothing.plan_approvers = HASH_B "," HASH_0;
    buf_reset(&out);
    manifest_print(&out, &nothing);
    assert_string_equal(out.data, planned);
    nothing.plan_approvers = NULL;
    buf_reset(&out);
    manifest_print(&out, &nothing);
    assert_non_null(strstr(out.data, "\"plan\":{\"sha256\":\"" HASH_A "\",\"approvers\":[]}}"));
    buf_release(&out);
}

static void reads_back_what_it_prints(void **state)
{
    const char *const texts[] = { full, first, planned };
    struct pool *pool = pool_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct err err = ERR_INIT;
        struct manifest manifest;
        struct buf out;

        if (manifest_parse(texts[i], strlen(texts[i]), pool, &manifest, &err) != 0)
            fail_msg("%s: %s", texts[i], err.text);
        buf_init(&out, 65536);
        manifest_print(&out, &manifest);
        assert_string_equal(out.data, texts[i]);
        buf_release(&out);
    }
    pool_free(pool);
}

/* full with `from` exchanged for `to`; malloc'd. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(full, from);
    char *text = NULL;

    if (at == NULL || asprintf(&text, "%.*s%s%s", (int)(at - full), full, to, at + strlen(from)) < 0)
        fail_msg("'%s' is not in the manifest", from);
    return text;
}

static void refuses_what_does_not_agree(void **state)
{
    static const struct {
        const char *what, *from, *to, *says;
    } rows[] = {
        { "a later version", "\"version\":1", "\"version\":2", "version 2" },
        { "no sequence", "\"sequence\":7,", "", "sequence" },
        { "sequence 0", "\"sequence\":7", "\"sequence\":0", "sequence" },
        { "a broken time", "2026-11-24T08:00:00.123Z", "yesterday", "timestamp" },
        { "a number for a text", "\"run\":\"acme-7f3a\"", "\"run\":7", "run: a number" },
        { "no context", "\"context\":{", "\"contexts\":{", "context" },
        { "a sum that is wrong", "\"total\":4", "\"total\":5", "sum up to 4" },
        { "a count that is wrong", "\"count\":3", "\"count\":4", "counts" },
        { "counts beyond all numbers", "\"count\":3", "\"count\":9007199254740991", "counts" },
        { "an empty record file", "\"count\":1}", "\"count\":0}", "records[1]" },
        { "a file elsewhere", "records-00002.jsonl", "../records-00002.jsonl", "records[0].name" },
        { "a file of another name", "records-00003.jsonl", "records-3.jsonl", "records[1].name" },
        { "a gap in the files", "records-00003.jsonl", "records-00004.jsonl", "go on" },
        { "a hash in capitals", "\"merkle_root\":\"b", "\"merkle_root\":\"B", "merkle_root" },
        { "another sequence before", "\"previous\":{\"sequence\":6", "\"previous\":{\"sequence\":5",
          "previous" },
        { "no hash before", "\"sha256\":\"" HASH_A "\"},\"supersedes\"", "\"sha256\":null},\"supersedes\"",
          "previous" },
        { "complete in words", "\"complete\":true", "\"complete\":\"yes\"", "complete" },
        { "no dialect", "\"dialect\":\"abm-v2\",", "", "dialect" },
        { "a deprecation of no text", "\"importDevices: sunset 2027-01-01\"", "1", "deprecations" },
        { "something behind", "01\"]}", "01\"]}{}", "manifest" },
    };
    struct pool *pool = pool_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = changed(rows[i].from, rows[i].to);
        struct err err = ERR_INIT;
        struct manifest manifest;

        if (manifest_parse(text, strlen(text), pool, &manifest, &err) == 0)
            fail_msg("%s: taken", rows[i].what);
        if (err.code != ERR_EVIDENCE || strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(err.code), err.text);
        free(text);
    }
    pool_free(pool);
}

static void takes_further_members(void **state)
{
    char *text = changed("\"version\":1,", "\"version\":1,\"later\":{\"a\":1},");
    struct pool *pool = pool_new(1 << 20);
    struct err err = ERR_INIT;
    struct manifest manifest;

    (void)state;
    assert_int_equal(manifest_parse(text, strlen(text), pool, &manifest, &err), 0);
    free(text);
    pool_free(pool);
}

static void names_its_files(void **state)
{
    static const struct {
        const char *name;
        int64_t manifest, records;
    } rows[] = {
        { "manifest-1.dsse.json", 1, 0 },
        { "manifest-12.dsse.json", 12, 0 },
        { "manifest-0.dsse.json", 0, 0 },
        { "manifest-01.dsse.json", 0, 0 },
        { "manifest-1.dsse.json.tmp", 0, 0 },
        { "manifest-.dsse.json", 0, 0 },
        { "manifest--1.dsse.json", 0, 0 },
        { "records-00001.jsonl", 0, 1 },
        { "records-99999.jsonl", 0, 99999 },
        { "records-100000.jsonl", 0, 100000 },
        { "records-1.jsonl", 0, 0 },
        { "records-000001.jsonl", 0, 0 },
        { "records-99999999999999999999.jsonl", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (manifest_number(rows[i].name) != rows[i].manifest ||
            manifest_records_number(rows[i].name) != rows[i].records)
            fail_msg("%s: manifest %lld, records %lld", rows[i].name,
                     (long long)manifest_number(rows[i].name),
                     (long long)manifest_records_number(rows[i].name));
}

/* The schema that is handed out lists the very members that are printed, in their order. */
static void the_schema_lists_its_members(void **state)
{
    struct json *schema, *printed;
    const struct json *member, *name;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    if (fsio_read(TEST_TOP "/config/schema/manifest.schema.json", &text, &err) != 0 ||
        json_parse(text.data, text.len, &schema, &err) != 0 ||
        json_parse(full, strlen(full), &printed, &err) != 0)
        fail_msg("%s", err.text);
    name = json_first(json_get(schema, "required"));
    for (member = json_first(printed); member != NULL; member = json_next(member), name = json_next(name)) {
        if (name == NULL)
            fail_msg("the schema does not require %s", json_name(member));
        assert_string_equal(json_string(name), json_name(member));
        assert_non_null(json_get(json_get(schema, "properties"), json_name(member)));
    }
    assert_null(name);
    json_free(schema);
    json_free(printed);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_lists_its_members), cmocka_unit_test(prints_the_format),
        cmocka_unit_test(reads_back_what_it_prints),    cmocka_unit_test(refuses_what_does_not_agree),
        cmocka_unit_test(takes_further_members),        cmocka_unit_test(names_its_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
