#include "harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "evidence/witness.h"
#include "harness/proc.h"

static char dir[128];

static int setup(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    return proc_temp_dir("abm-witness", dir, sizeof(dir), &err);
}

static int teardown(void **state)
{
    (void)state;
    proc_remove_dir(dir);
    return 0;
}

static struct witness sample(int64_t sequence)
{
    struct witness witness = { .sequence = sequence, .run = "run-1", .name = "manifest-1.dsse.json" };

    memset(witness.payload_sha256, 'a', SHA256_HEX - 1);
    return witness;
}

static void keeps_the_last(void **state)
{
    const struct spool spool = { dir, "acme" };
    struct witness witness = sample(7), got;
    struct buf envelope, read;
    struct err err = ERR_INIT;

    (void)state;
    buf_init(&envelope, 4096);
    buf_init(&read, 4096);
    assert_int_equal(witness_read(&spool, &got, &read, &err), 0);
    assert_int_equal(err.code, 0);
    for (int i = 0; i < 2; i++) {
        buf_reset(&envelope);
        buf_addf(&envelope, "{\"payload\":\"%d\"}\n", i);
        witness.sequence = 7 + i;
        assert_int_equal(witness_write(&spool, &witness, &envelope, &err), 0);
    }
    assert_int_equal(witness_read(&spool, &got, &read, &err), 1);
    assert_int_equal(got.sequence, 8);
    assert_string_equal(got.payload_sha256, witness.payload_sha256);
    assert_string_equal(got.previous, "");
    assert_string_equal(got.run, "run-1");
    assert_string_equal(got.name, "manifest-1.dsse.json");
    assert_string_equal(read.data, envelope.data);
    buf_release(&envelope);
    buf_release(&read);
}

static void trusts_nothing_that_makes_no_sense(void **state)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        { "nothing", "" },
        { "no line", "{}" },
        { "no JSON", "witness\n{}" },
        { "no sequence",
          "{\"payload_sha256\":\"a\",\"previous_sha256\":\"\",\"run\":\"r\",\"name\":\"n\"}\n{}" },
        { "sequence 0", "{\"sequence\":0,\"payload_sha256\":\"a\",\"previous_sha256\":\"\",\"run\":\"r\","
                        "\"name\":\"n\"}\n{}" },
        { "a run too long",
          "{\"sequence\":1,\"payload_sha256\":\"a\",\"previous_sha256\":\"\",\"run\":"
          "\"rrrrrrrrrrrrrrrrrrrrrrrrr"
          "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\",\"name\":\"n\"}\n{}" },
    };
    const struct spool spool = { dir, "acme" };
    char path[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct witness got;
        struct err err = ERR_INIT;
        struct buf read;

        buf_init(&read, 4096);
        snprintf(path, sizeof(path), "%s/acme/.chain", dir);
        assert_int_equal(fsio_write(path, rows[i].text, strlen(rows[i].text), 0600, &err), 0);
        if (witness_read(&spool, &got, &read, &err) != -1 || err.code != ERR_CHAIN)
            fail_msg("%s: %s", rows[i].what, err_wire(err.code));
        buf_release(&read);
    }
}

static void leads_out_of_no_folder(void **state)
{
    const struct spool spool = { dir, "../acme" };
    struct witness witness = sample(1), got;
    struct err err = ERR_INIT;
    struct buf text;

    (void)state;
    buf_init(&text, 64);
    assert_int_equal(witness_write(&spool, &witness, &text, &err), -1);
    assert_int_equal(witness_read(&spool, &got, &text, &err), -1);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_last),
        cmocka_unit_test(trusts_nothing_that_makes_no_sense),
        cmocka_unit_test(leads_out_of_no_folder),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
