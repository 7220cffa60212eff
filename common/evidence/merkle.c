#include "evidence/merkle.h"

#include <string.h>

#include "base/str.h"

static void hash_leaf(const void *leaf, size_t len, struct merkle_hash *hash_r)
{
    struct sha256 sha;

    sha256_init(&sha);
    sha256_add(&sha, "\0", 1);
    sha256_add(&sha, leaf, len);
    sha256_end(&sha, hash_r->bytes);
}

static void hash_node(const struct merkle_hash *left, const struct merkle_hash *right,
                      struct merkle_hash *hash_r)
{
    struct sha256 sha;

    sha256_init(&sha);
    sha256_add(&sha, "\1", 1);
    sha256_add(&sha, left->bytes, sizeof(left->bytes));
    sha256_add(&sha, right->bytes, sizeof(right->bytes));
    sha256_end(&sha, hash_r->bytes);
}

void merkle_init(struct merkle *merkle)
{
    merkle_init_path(merkle, -1);
}

void merkle_init_path(struct merkle *merkle, int64_t wanted)
{
    memset(merkle, 0, sizeof(*merkle));
    merkle->wanted = wanted;
    merkle->holder = SIZE_MAX;
}

/* Puts one node in the place of the two at the top of the stack. */
static void join_top(struct merkle *merkle)
{
    size_t left = merkle->depth - 2, right = merkle->depth - 1;

    if (merkle->holder == left || merkle->holder == right) {
        merkle->path.at[merkle->path.count++] = merkle->stack[merkle->holder == left ? right : left];
        merkle->holder = left;
    }
    hash_node(&merkle->stack[left], &merkle->stack[right], &merkle->stack[left]);
    merkle->levels[left]++;
    merkle->depth--;
}

void merkle_add(struct merkle *merkle, const void *leaf, size_t len)
{
    hash_leaf(leaf, len, &merkle->stack[merkle->depth]);
    merkle->levels[merkle->depth] = 0;
    if (merkle->count == merkle->wanted)
        merkle->holder = merkle->depth;
    merkle->depth++;
    merkle->count++;
    while (merkle->depth > 1 && merkle->levels[merkle->depth - 1] == merkle->levels[merkle->depth - 2])
        join_top(merkle);
}

void merkle_end(struct merkle *merkle, char root_r[SHA256_HEX])
{
    if (merkle->depth == 0) {
        sha256_hex(NULL, 0, root_r);
        return;
    }
    while (merkle->depth > 1) /* what is left are unequal subtrees: from the right, as RFC 6962 splits them */
        join_top(merkle);
    str_hex(merkle->stack[0].bytes, SHA256_BYTES, root_r);
}

bool merkle_proves(const char *root, int64_t index, int64_t count, const void *leaf, size_t len,
                   const struct merkle_path *path)
{
    struct merkle_hash want, node;
    uint64_t at = (uint64_t)index, last = (uint64_t)count - 1;

    if (index < 0 || index >= count || path->count > MERKLE_LEVELS || !sha256_from_hex(root, want.bytes))
        return false;
    hash_leaf(leaf, len, &node);
    for (size_t i = 0; i < path->count; i++) {
        if (last == 0)
            return false; /* the path is longer than the tree is high */
        if ((at & 1) != 0 || at == last) {
            hash_node(&path->at[i], &node, &node);
            while ((at & 1) == 0 && at != 0) { /* the levels at which the node has no sibling */
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash_node(&node, &path->at[i], &node);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(want.bytes, node.bytes, sizeof(want.bytes)) == 0;
}
