#include "rulebook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/fake_runbook.h"

#define OWN_1  "blueprint_mappings:\n  - default: \"bp-one\"\n"
#define OWN_2  "blueprint_mappings:\n  - default: \"bp-two-\"\n"
#define BROKEN "blueprint_mappings:\n  - condition: \"serial.startswith(\"\n    blueprint_id: bp-x\n"

struct world {
    char dir[64], path[96];
    struct fake_runbook redis;
    struct rulebook book;
    struct pool *pool;
    struct err err;
};

/* As an editor does it: another file under the name, so the change is seen whatever the clock's grain. */
static void write_own(struct world *world, const char *text)
{
    char fresh[112];
    FILE *file;

    snprintf(fresh, sizeof(fresh), "%s.new", world->path);
    file = fopen(fresh, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, world->path), 0);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    strcpy(world->dir, "/tmp/test_rulebook.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->path, sizeof(world->path), "%s/blueprints.yaml", world->dir);
    fake_runbook_init(&world->redis);
    world->pool = pool_new(4 * 1024 * 1024);
    assert_non_null(world->pool);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    rulebook_release(&world->book);
    fake_runbook_release(&world->redis);
    pool_free(world->pool);
    unlink(world->path);
    rmdir(world->dir);
    free(world);
    return 0;
}

static void start(struct world *world, const char *text)
{
    write_own(world, text);
    if (rulebook_init(&world->book, world->path, &world->redis.runbook, &world->err) != 0)
        fail_msg("%s", world->err.text);
}

/* Which blueprint the mapping gives; hash NULL: the own one. */
static const char *default_of(struct world *world, const char *hash)
{
    const struct rules *rules;
    const struct mapping_rule *rule;
    struct device device = { .serial = "F000000001", .country = "DE" };

    assert_int_equal(rulebook_find(&world->book, hash, world->pool, &rules, &world->err), 1);
    assert_non_null(rules->mapping);
    assert_int_equal(mapping_resolve(rules->mapping, &device, &rule, &world->err), 1);
    return rule->blueprint_id;
}

static void the_own_file_is_read_at_the_start(void **state)
{
    struct world *world = *state;
    char hash[SHA256_HEX];

    start(world, OWN_1);
    sha256_hex(OWN_1, strlen(OWN_1), hash);
    assert_string_equal(world->book.own.sha256, hash);
    assert_string_equal(world->book.text.data, OWN_1);
    assert_string_equal(default_of(world, NULL), "bp-one");
    assert_string_equal(default_of(world, hash), "bp-one"); /* Redis is not asked: it holds nothing */
}

static void a_file_that_cannot_serve_ends_the_start(void **state)
{
    static const struct {
        const char *what, *text;
        enum err_code code;
    } rows[] = {
        { "no file", NULL, ERR_FILE_MISSING },
        { "broken", BROKEN, ERR_RULE_SYNTAX },
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].text != NULL)
            write_own(world, rows[i].text);
        assert_int_equal(rulebook_init(&world->book, world->path, &world->redis.runbook, &world->err), -1);
        if (world->err.code != rows[i].code)
            fail_msg("%s: %s: %s", rows[i].what, err_wire(world->err.code), world->err.text);
        if (strstr(world->err.text, "blueprints.yaml") == NULL)
            fail_msg("%s: the file is not named: %s", rows[i].what, world->err.text);
        rulebook_release(&world->book);
    }
}

static void a_change_is_taken_over(void **state)
{
    struct world *world = *state;

    start(world, OWN_1);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 0);
    write_own(world, OWN_2);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 1);
    assert_string_equal(default_of(world, NULL), "bp-two-");
    assert_string_equal(world->book.text.data, OWN_2);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 0);
    write_own(world, OWN_2); /* touched, the same */
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 0);
}

static void a_broken_change_is_told_once_and_not_used(void **state)
{
    struct world *world = *state;

    start(world, OWN_1);
    write_own(world, BROKEN);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), -1);
    assert_int_equal(world->err.code, ERR_RULE_SYNTAX);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 0);
    assert_string_equal(default_of(world, NULL), "bp-one");
    assert_string_equal(world->book.text.data, OWN_1);

    assert_int_equal(unlink(world->path), 0);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), -1);
    assert_int_equal(world->err.code, ERR_FILE_MISSING);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 0);
    assert_string_equal(default_of(world, NULL), "bp-one");

    write_own(world, OWN_2);
    assert_int_equal(rulebook_refresh(&world->book, &world->err), 1);
    assert_string_equal(default_of(world, NULL), "bp-two-");
}

static void the_named_mapping_decides(void **state)
{
    struct world *world = *state;
    const struct rules *rules;
    char hash[SHA256_HEX];

    start(world, OWN_1);
    sha256_hex(OWN_2, strlen(OWN_2), hash);
    assert_int_equal(rulebook_find(&world->book, hash, world->pool, &rules, &world->err), 0);
    world->redis.mapping_sha256 = hash;
    world->redis.mapping = OWN_2;
    assert_string_equal(default_of(world, hash), "bp-two-");
    world->redis.mapping = world->redis.mapping_sha256 = NULL; /* it is kept: Redis is not asked again */
    assert_string_equal(default_of(world, hash), "bp-two-");
    assert_string_equal(default_of(world, NULL), "bp-one");
}

static void another_text_under_the_name_is_not_it(void **state)
{
    struct world *world = *state;
    const struct rules *rules;
    char hash[SHA256_HEX];

    start(world, OWN_1);
    sha256_hex(OWN_2, strlen(OWN_2), hash);
    world->redis.mapping_sha256 = hash;
    world->redis.mapping = "blueprint_mappings:\n  - default: \"bp-forged\"\n";
    assert_int_equal(rulebook_find(&world->book, hash, world->pool, &rules, &world->err), 0);
}

static void a_named_mapping_that_is_broken_keeps_its_problem(void **state)
{
    struct world *world = *state;
    const struct rules *rules;
    char hash[SHA256_HEX];

    start(world, OWN_1);
    sha256_hex(BROKEN, strlen(BROKEN), hash);
    world->redis.mapping_sha256 = hash;
    world->redis.mapping = BROKEN;
    assert_int_equal(rulebook_find(&world->book, hash, world->pool, &rules, &world->err), 1);
    assert_null(rules->mapping);
    assert_int_equal(rules->problem.code, ERR_RULE_SYNTAX);
}

static void the_least_used_mapping_goes(void **state)
{
    struct world *world = *state;
    char texts[RULEBOOK_KEPT + 1][64], hashes[RULEBOOK_KEPT + 1][SHA256_HEX], want[32];
    const struct rules *rules;

    start(world, OWN_1);
    for (size_t i = 0; i <= RULEBOOK_KEPT; i++) {
        snprintf(texts[i], sizeof(texts[i]), "blueprint_mappings:\n  - default: \"bp-%zu\"\n", i);
        sha256_hex(texts[i], strlen(texts[i]), hashes[i]);
        world->redis.mapping_sha256 = hashes[i];
        world->redis.mapping = texts[i];
        snprintf(want, sizeof(want), "bp-%zu", i);
        assert_string_equal(default_of(world, hashes[i]), want);
        if (i == RULEBOOK_KEPT - 1)
            default_of(world, hashes[0]); /* used lately: the second is the oldest now */
    }
    world->redis.mapping = world->redis.mapping_sha256 = NULL;
    assert_int_equal(rulebook_find(&world->book, hashes[0], world->pool, &rules, &world->err), 1);
    assert_int_equal(rulebook_find(&world->book, hashes[1], world->pool, &rules, &world->err), 0);
    assert_int_equal(rulebook_find(&world->book, hashes[2], world->pool, &rules, &world->err), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_own_file_is_read_at_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_serve_ends_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_change_is_told_once_and_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(the_named_mapping_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(another_text_under_the_name_is_not_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_named_mapping_that_is_broken_keeps_its_problem, setup, teardown),
        cmocka_unit_test_setup_teardown(the_least_used_mapping_goes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
