/*
 * A run whose outcomes came one by one, as where a stage's batch is 1: as many parts as devices. It closes,
 * and its evidence is whole. The parts are made here, as audit would have made them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check.h"

#include "base/fsio.h"
#include "crypto/sha256.h"
#include "harness/pipeline.h"

#define PARTS  80000
#define AT_ONE 1000 /* of a command */
#define BATCH                                                                                                \
    "{\"version\":1,\"run\":\"r\",\"batch\":%d,\"batches\":2,\"devices\":[{\"row\":%d,\"serial\":\"bad "     \
    "%d\",\"country\":\"JP\"}]}"

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void push(struct pipeline *pipeline, int batch)
{
    char text[256];

    snprintf(text, sizeof(text), BATCH, batch, batch, batch);
    redis_reply_free(desk_ask(&pipeline->desk, "XADD", "@ingest", "*", "batch", text, NULL));
}

static bool has_ended_one(void *user)
{
    struct pipeline *pipeline = user;

    return desk_number(&pipeline->desk, "HGET", "@run:r", "ended", NULL) == 1;
}

/* The one record that there is, from the only part in the folder. */
static void read_record(const char *folder, struct buf *record)
{
    DIR *dir = opendir(folder);
    struct err err = ERR_INIT;
    struct dirent *entry;
    char path[512];

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".jsonl") == NULL)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        must(fsio_read(path, record, &err), &err);
    }
    closedir(dir);
    assert_true(record->len > 0);
}

/* The record again, of another row. */
static void write_part(const char *folder, const char *record, int row, char name[64], char listed[96])
{
    const char *serial = strstr(record, "bad 1\""), *at_row = strstr(record, "\"row\":1,");
    char hex[SHA256_HEX], line[2048];
    struct buf path;
    FILE *file;

    assert_true(serial != NULL && at_row != NULL && serial < at_row);
    snprintf(line, sizeof(line), "%.*sbad %d\"%.*s\"row\":%d,%s", (int)(serial - record), record, row,
             (int)(at_row - serial - 6), serial + 6, row, at_row + 8);
    snprintf(name, 64, "abcdef%010d-1.jsonl", row);
    buf_init(&path, 4096);
    buf_addf(&path, "%s/%s", folder, name);
    file = fopen(path.data, "w"); /* not synced one by one: that alone would take minutes */
    assert_non_null(file);
    fputs(line, file);
    assert_int_equal(fclose(file), 0);
    buf_release(&path);
    sha256_hex(line, strlen(line), hex);
    snprintf(listed, 96, "%s 1", hex);
}

static void list_parts(struct pipeline *pipeline, const char *folder, const char *record, int from)
{
    static char names[AT_ONE][64], listed[AT_ONE][96];
    char key[KEY_MAX_BYTES];
    struct redis_reply *reply;
    struct err err = ERR_INIT;
    struct redis_args args;

    redis_args_init(&args);
    redis_arg(&args, "HSET");
    redis_arg(&args, keys_make(&pipeline->desk.keys, "run", "r:parts", key));
    for (int i = 0; i < AT_ONE; i++) {
        write_part(folder, record, from + i, names[i], listed[i]);
        redis_arg(&args, names[i]);
        redis_arg(&args, listed[i]);
    }
    must(redis_call(pipeline->desk.redis, &args, &reply, &err), &err);
    redis_reply_free(reply);
    redis_args_release(&args);
}

static void closes_a_run_of_very_many_parts(void **state)
{
    static const char *const counters[] = { "ended", "rejected", "expected" };
    static struct pipeline pipeline;
    struct pipeline_options options = { .bin = TEST_BIN };
    struct buf record;
    char more[16];
    const char *folder;

    (void)state;
    pipeline_start(&pipeline, &options);
    pipeline_start_worker(&pipeline, PIPELINE_VALIDATE, 0);
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    push(&pipeline, 1);
    assert_true(proc_until(has_ended_one, &pipeline, 20000));
    assert_int_equal(proc_stop(&pipeline.workers[PIPELINE_AUDIT][0], 20000), 0);
    folder = desk_path(&pipeline.desk, "spool/acme/r");
    buf_init(&record, 65536);
    read_record(folder, &record);
    for (int row = 3; row < PARTS + 3; row += AT_ONE)
        list_parts(&pipeline, folder, record.data, row);
    snprintf(more, sizeof(more), "%d", PARTS);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        desk_number(&pipeline.desk, "HINCRBY", "@run:r", counters[i], more, NULL);
    pipeline_start_worker(&pipeline, PIPELINE_AUDIT, 0);
    push(&pipeline, 2);
    assert_true(pipeline_wait_state(&pipeline, "r", "closed", 300000));
    assert_int_equal(desk_number(&pipeline.desk, "HGET", "@run:r", "rejected", NULL), PARTS + 2);
    pipeline_assert_evidence_whole(&pipeline);
    buf_release(&record);
    pipeline_stop(&pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(closes_a_run_of_very_many_parts) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
