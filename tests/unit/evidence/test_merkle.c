#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "evidence/merkle.h"

/* The trees of 0 to 8 leaves that Certificate Transparency's implementations test themselves by (RFC 6962).
 */
static void gives_the_standards_roots(void **state)
{
    static const struct {
        const char *leaf;
        size_t len;
    } leaves[] = {
        { "", 0 },
        { "\x00", 1 },
        { "\x10", 1 },
        { "\x20\x21", 2 },
        { "\x30\x31", 2 },
        { "\x40\x41\x42\x43", 4 },
        { "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
        { "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
    };
    static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };

    (void)state;
    for (size_t count = 0; count < sizeof(roots) / sizeof(roots[0]); count++) {
        char root[SHA256_HEX];
        struct merkle merkle;

        merkle_init(&merkle);
        for (size_t i = 0; i < count; i++)
            merkle_add(&merkle, leaves[i].leaf, leaves[i].len);
        merkle_end(&merkle, root);
        if (strcmp(root, roots[count]) != 0)
            fail_msg("%zu leaves: root %s", count, root);
    }
}

static size_t leaf_of(size_t i, char leaf[16])
{
    return (size_t)snprintf(leaf, 16, "leaf %zu", i);
}

static void make(size_t count, int64_t wanted, struct merkle *merkle, char root[SHA256_HEX])
{
    merkle_init_path(merkle, wanted);
    for (size_t i = 0; i < count; i++) {
        char leaf[16];

        merkle_add(merkle, leaf, leaf_of(i, leaf));
    }
    merkle_end(merkle, root);
}

/* RFC 6962, 2.1.3: the paths in its tree of seven leaves have 3, 3, 3 and 2 hashes for leaves 0, 3, 4 and 6.
 */
static void paths_are_as_long_as_the_standards(void **state)
{
    static const struct {
        int64_t leaf;
        size_t hashes;
    } rows[] = { { 0, 3 }, { 3, 3 }, { 4, 3 }, { 6, 2 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char root[SHA256_HEX];
        struct merkle merkle;

        make(7, rows[i].leaf, &merkle, root);
        if (merkle.path.count != rows[i].hashes)
            fail_msg("leaf %lld: %zu hashes", (long long)rows[i].leaf, merkle.path.count);
    }
}

static void check_leaf(size_t count, size_t at)
{
    char root[SHA256_HEX], leaf[16];
    struct merkle merkle;
    size_t len = leaf_of(at, leaf);

    make(count, (int64_t)at, &merkle, root);
    if (!merkle_proves(root, (int64_t)at, (int64_t)count, leaf, len, &merkle.path))
        fail_msg("leaf %zu of %zu is not proved", at, count);
    if (merkle_proves(root, (int64_t)at, (int64_t)count, "other", 5, &merkle.path))
        fail_msg("leaf %zu of %zu: another leaf is proved", at, count);
    if (at > 0 && merkle_proves(root, (int64_t)at - 1, (int64_t)count, leaf, len, &merkle.path))
        fail_msg("leaf %zu of %zu is proved in the place before", at, count);
    if (count > 1) {
        struct merkle_path cut = merkle.path;

        cut.count--;
        if (merkle_proves(root, (int64_t)at, (int64_t)count, leaf, len, &cut))
            fail_msg("leaf %zu of %zu is proved by a shorter path", at, count);
        merkle.path.at[0].bytes[7] ^= 1;
        if (merkle_proves(root, (int64_t)at, (int64_t)count, leaf, len, &merkle.path))
            fail_msg("leaf %zu of %zu is proved by another path", at, count);
    }
}

static void proves_every_leaf(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 70; count++)
        for (size_t at = 0; at < count; at++)
            check_leaf(count, at);
}

static void refuses_places_outside(void **state)
{
    struct merkle_path path = { .count = 0 };
    char root[SHA256_HEX];
    struct merkle merkle;

    (void)state;
    make(1, 0, &merkle, root);
    assert_true(merkle_proves(root, 0, 1, "leaf 0", 6, &path));
    assert_false(merkle_proves(root, -1, 1, "leaf 0", 6, &path));
    assert_false(merkle_proves(root, 1, 1, "leaf 0", 6, &path));
    assert_false(merkle_proves(root, 0, 0, "leaf 0", 6, &path));
    assert_false(merkle_proves("", 0, 1, "leaf 0", 6, &path));
    path.count = 1;
    assert_false(merkle_proves(root, 0, 1, "leaf 0", 6, &path));
    path.count = MERKLE_LEVELS + 1;
    assert_false(merkle_proves(root, 0, 1, "leaf 0", 6, &path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_standards_roots),
        cmocka_unit_test(paths_are_as_long_as_the_standards),
        cmocka_unit_test(proves_every_leaf),
        cmocka_unit_test(refuses_places_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
