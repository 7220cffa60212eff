#include <string.h>

#include "domain/message_inside.h"
#include "fuzz.h"

/* What parses must print to something that parses and prints the same. */
static void print(struct buf *out, const struct message *message, struct pool *pool)
{
    const struct device **list = pool_array(pool, message->count, sizeof(*list));

    FUZZ_CHECK(list != NULL);
    for (size_t i = 0; i < message->count; i++)
        list[i] = &message->devices[i];
    if (message->is_close)
        message_print_close(out, message->uid, message->run);
    else
        message_print(out, message->uid, message->run, message->unknown, list, message->count);
    FUZZ_CHECK(!out->is_failed);
}

/* What the short way takes, the tree takes too, and both mean the same. */
static void compare_ways(const char *text, size_t len, struct pool *pool)
{
    struct message own, tree;
    struct err err = ERR_INIT;
    struct buf left, right;

    if (len > MESSAGE_MAX_BYTES || !message_parse_own(text, len, pool, &own))
        return;
    FUZZ_CHECK(message_parse_tree(text, len, pool, &tree, &err) == 0);
    buf_init(&left, 8 * 1024 * 1024);
    buf_init(&right, 8 * 1024 * 1024);
    print(&left, &own, pool);
    print(&right, &tree, pool);
    FUZZ_CHECK(left.len == right.len && memcmp(left.data, right.data, left.len) == 0);
    buf_release(&left);
    buf_release(&right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(16 * 1024 * 1024);
    struct message first, second;
    struct err err = ERR_INIT;
    struct buf once, twice;

    FUZZ_CHECK(pool != NULL);
    buf_init(&once, 8 * 1024 * 1024);
    buf_init(&twice, 8 * 1024 * 1024);
    if (message_parse((const char *)data, size, pool, &first, &err) == 0) {
        print(&once, &first, pool);
        if (once.len <= MESSAGE_MAX_BYTES) {
            FUZZ_CHECK(message_parse(once.data, once.len, pool, &second, &err) == 0);
            print(&twice, &second, pool);
            FUZZ_CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
        }
        compare_ways((const char *)data, size, pool);
    } else {
        FUZZ_CHECK(err.code != ERR_NONE && err.text[0] != '\0');
    }
    buf_release(&once);
    buf_release(&twice);
    pool_free(pool);
    return 0;
}
