/*
 * A proof is made of numbers and hashes that a stranger hands over: "index, count, hashes" (8 + 8 bytes, then
 * 32 each) never prove a leaf that is none, and a true path proves its own leaf, at its own place, alone. The
 * low bytes of both numbers also choose the tree that the true path is of.
 */
#include <string.h>

#include "evidence/merkle.h"
#include "fuzz.h"

#define LEAVES_MOST 40

static int64_t number_at(const uint8_t *data)
{
    uint64_t number = 0;

    for (size_t i = 0; i < 8; i++)
        number = number << 8 | data[i];
    return (int64_t)number;
}

/* Leaf i is the byte i. */
static void grow(struct merkle *merkle, int64_t wanted, int64_t count, char root[SHA256_HEX])
{
    merkle_init_path(merkle, wanted);
    for (int64_t i = 0; i < count; i++) {
        const unsigned char leaf = (unsigned char)i;

        merkle_add(merkle, &leaf, 1);
    }
    merkle_end(merkle, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char other = 0xff;
    struct merkle_path path = { .count = 0 };
    int64_t index, count, leaves, wanted;
    char root[SHA256_HEX];
    struct merkle merkle;
    unsigned char leaf;
    bool is_other;

    if (size < 16)
        return 0;
    index = number_at(data);
    count = number_at(data + 8);
    leaves = data[15] % LEAVES_MOST + 1;
    wanted = data[7] % leaves;
    leaf = (unsigned char)wanted;
    grow(&merkle, wanted, leaves, root);
    FUZZ_CHECK(merkle_proves(root, wanted, leaves, &leaf, 1, &merkle.path));
    FUZZ_CHECK(!merkle_proves(root, wanted, leaves, &other, 1, &merkle.path));
    is_other = index != wanted || count != leaves;
    /* Where the numbers are others, a true path may still fit (a tree of the same shape on that side), but no
     * leaf that the tree does not have. */
    FUZZ_CHECK(!is_other || !merkle_proves(root, index, count, &other, 1, &merkle.path));
    for (size_t at = 16; path.count < MERKLE_LEVELS && at + SHA256_BYTES <= size; at += SHA256_BYTES)
        memcpy(path.at[path.count++].bytes, data + at, SHA256_BYTES);
    FUZZ_CHECK(!merkle_proves(root, index, count, &other, 1, &path));
    return 0;
}
