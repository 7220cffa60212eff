/*
 * abmctl drift against the simulator: what somebody else changed is found, against a device file and against
 * what the signed evidence says was done last.
 */
#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/pipeline.h"

#define DEVICES 9
#define PREFIX  "C02"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static const char *serial_of(int at)
{
    static char text[8][16];
    static unsigned turn;
    char *serial = text[turn++ % 8];

    snprintf(serial, sizeof(text[0]), "%s%09d", PREFIX, at);
    return serial;
}

static void change(struct pipeline *pipeline, int at, const char *blueprint, const char *server)
{
    struct err err = ERR_INIT;

    must(abmsim_assign(&pipeline->sim, serial_of(at), blueprint, server, &err), &err);
}

static struct json *drift_of(struct pipeline *pipeline, const char *word, const char *value, int status,
                             int64_t drifted)
{
    struct desk *desk = &pipeline->desk;
    struct err err = ERR_INIT;
    struct json *doc;
    int64_t got;

    desk_expect(desk, desk_ctl(desk, "--json", "drift", "--exit-code", word, value, NULL), status,
                "\"devices\":[", NULL);
    must(json_parse(desk->out.data, desk->out.len, &doc, &err), &err);
    if (!json_int(json_get(doc, "drifted"), &got) || got != drifted ||
        (int64_t)json_count(json_get(doc, "devices")) != drifted)
        fail_msg("not %lld drifted: %s", (long long)drifted, desk->out.data);
    return doc;
}

static void assert_device(const struct json *doc, int at, const char *want)
{
    const struct json *device = json_first(json_get(doc, "devices"));
    struct buf text;

    while (device != NULL && !str_eq(json_string(json_get(device, "serial")), serial_of(at)))
        device = json_next(device);
    if (device == NULL)
        fail_msg("%s is not told", serial_of(at));
    buf_init(&text, 1 << 16);
    json_print(json_get(device, "wanted"), &text);
    json_print(json_get(device, "is"), &text);
    assert_string_equal(text.data, want);
    buf_release(&text);
}

/* The three that were changed, as input and evidence alike declare them. */
static void assert_changed(const struct json *doc)
{
    assert_device(doc, 0,
                  "{\"blueprint_id\":\"bp-5e6f7g8h\",\"mdm_server\":\"mdm-apac\"}"
                  "{\"blueprint_id\":\"bp-5e6f7g8h\",\"mdm_server\":\"mdm-main\",\"state\":\"PROPAGATED\"}");
    assert_device(doc, 1,
                  "{\"blueprint_id\":\"bp-9i0j1k2l\",\"mdm_server\":null}"
                  "{\"blueprint_id\":\"bp-1a2b3c4d\",\"mdm_server\":null,\"state\":\"PROPAGATED\"}");
    assert_device(doc, 2,
                  "{\"blueprint_id\":\"bp-9i0j1k2l\",\"mdm_server\":null}"
                  "{\"blueprint_id\":null,\"mdm_server\":null,\"state\":null}");
}

static void remove_by_a_producer(struct pipeline *pipeline, int at)
{
    char batch[512];

    snprintf(batch, sizeof(batch),
             "{\"version\":1,\"run\":\"removing\",\"batch\":1,\"batches\":1,\"devices\":[{\"row\":1,"
             "\"serial\":\"%s\","
             "\"country\":\"DE\",\"action\":\"remove\"}]}",
             serial_of(at));
    desk_text(&pipeline->desk, "XADD", "@ingest", "*", "batch", batch, NULL);
    assert_true(pipeline_wait_state(pipeline, "removing", "closed", 30000));
}

static void finds_what_others_changed(void **state)
{
    static const char wrong_row[] = "serial,country\nshort,JP\n" PREFIX "000000004,DE\n";
    const struct pipeline_options options = { .bin = TEST_BIN };
    struct pipeline_result result;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct json *doc;
    const char *csv;
    int64_t puts;

    (void)state;
    pipeline_start(&pipeline, &options);
    csv = pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES);
    desk_expect(desk, desk_ctl(desk, "drift", NULL), 65, NULL,
                "acme"); /* no evidence: no word of what should be */
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, csv, 30000, &result);
    assert_int_equal(result.assigned, DEVICES);
    puts = pipeline_stat(&pipeline, "puts_received");

    doc = drift_of(&pipeline, NULL, NULL, 0, 0);
    assert_string_equal(json_string(json_get(doc, "declared_by")), "evidence");
    json_free(doc);
    json_free(drift_of(&pipeline, "--input", csv, 0, 0));

    change(&pipeline, 0, "bp-5e6f7g8h", "mdm-main");
    change(&pipeline, 1, "bp-1a2b3c4d", NULL);
    change(&pipeline, 2, NULL, NULL);
    doc = drift_of(&pipeline, NULL, NULL, 1, 3);
    assert_changed(doc);
    json_free(doc);
    doc = drift_of(&pipeline, "--input", csv, 1, 3);
    assert_string_equal(json_string(json_get(doc, "declared_by")), "input");
    assert_changed(doc);
    json_free(doc);
    /* Without --exit-code it is no failure; for people a table. */
    desk_expect(desk, desk_ctl(desk, "drift", NULL), 0, "3 of 9 devices are not as the evidence declares",
                NULL);
    assert_non_null(strstr(desk->out.data, serial_of(1)));
    assert_int_equal(pipeline_stat(&pipeline, "puts_received"), puts);

    /* What was done last is what is declared: the blueprint is right again, one device is wanted away. */
    pipeline_import(&pipeline, csv, 30000, &result);
    assert_int_equal(result.assigned, 3);
    remove_by_a_producer(&pipeline, 4);
    json_free(drift_of(&pipeline, NULL, NULL, 0, 0));
    change(&pipeline, 4, "bp-9i0j1k2l", NULL);
    doc = drift_of(&pipeline, NULL, NULL, 1, 1);
    assert_device(doc, 4,
                  "{\"blueprint_id\":null,\"mdm_server\":null}"
                  "{\"blueprint_id\":\"bp-9i0j1k2l\",\"mdm_server\":null,\"state\":\"PROPAGATED\"}");
    json_free(doc);
    json_free(drift_of(&pipeline, "--input", csv, 0, 0)); /* the file still wants it */
    /* Nobody can say that all is well of rows that were not looked at. */
    csv = desk_file(desk, "wrong.csv", wrong_row, strlen(wrong_row));
    json_free(drift_of(&pipeline, "--input", csv, 1, 0));
    pipeline_assert_no_violations(&pipeline);
    pipeline_stop(&pipeline);
}

/* Evidence that was touched declares nothing. */
static void believes_only_what_is_signed(void **state)
{
    const struct pipeline_options options = { .bin = TEST_BIN };
    struct pipeline_result result;
    struct pipeline pipeline;
    struct desk *desk = &pipeline.desk;
    struct err err = ERR_INIT;
    char path[512];
    struct buf text;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_workers(&pipeline);
    pipeline_import(&pipeline, pipeline_csv(&pipeline, "devices.csv", PREFIX, DEVICES), 30000, &result);
    assert_int_equal(result.status, 0);
    desk_expect(desk, desk_ctl(desk, "audit", "keygen", "--out", desk_path(desk, "other.key"), NULL), 0, NULL,
                NULL);
    desk_file(desk, "other.pem", desk->out.data, desk->out.len);
    desk_expect(desk, desk_ctl(desk, "drift", "--pubkey", desk_path(desk, "other.pem"), NULL), 65, NULL,
                "signature");

    snprintf(path, sizeof(path), "%s/acme/%s/records-00001.jsonl", pipeline.evidence, result.run);
    buf_init(&text, 1 << 20);
    must(fsio_read(path, &text, &err), &err);
    strstr(text.data, "\"bp-5e6f7g8h\"")[4] = 'X';
    must(fsio_write(path, text.data, text.len, 0600, &err), &err);
    buf_release(&text);
    desk_expect(desk, desk_ctl(desk, "drift", NULL), 65, NULL, "records-00001.jsonl");
    assert_int_equal(desk->out.len, 0);
    desk_expect(desk, desk_ctl(desk, "revert", "--run", result.run, NULL), 65, NULL, "records-00001.jsonl");
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_others_changed),
        cmocka_unit_test(believes_only_what_is_signed),
    };

    setenv("ABM_TOKEN", "e2e-token", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
