#include "queue/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void redis_args_init(struct redis_args *args)
{
    memset(args, 0, sizeof(*args));
}

/* Numbers are printed into blocks that never move while arguments point into them. */
#define NUMBERS_A_BLOCK 256

struct number_block {
    struct number_block *next;
    char text[NUMBERS_A_BLOCK][24];
};

static void free_numbers(struct redis_args *args)
{
    struct number_block *block = args->numbers;

    while (block != NULL) {
        struct number_block *next = block->next;

        free(block);
        block = next;
    }
    args->numbers = NULL;
    args->number_count = 0;
}

void redis_args_release(struct redis_args *args)
{
    free_numbers(args);
    free(args->at);
    free(args->len);
    redis_args_init(args);
}

void redis_args_reset(struct redis_args *args)
{
    free_numbers(args);
    args->count = 0;
    args->is_failed = false;
}

void redis_arg_len(struct redis_args *args, const char *data, size_t len)
{
    if (args->count == args->cap) {
        size_t cap = args->cap > 0 ? args->cap * 2 : 32;
        const char **at = realloc(args->at, cap * sizeof(*at));
        size_t *lens;

        if (at != NULL)
            args->at = at;
        lens = realloc(args->len, cap * sizeof(*lens));
        if (lens != NULL)
            args->len = lens;
        if (at == NULL || lens == NULL) {
            args->is_failed = true;
            return;
        }
        args->cap = cap;
    }
    args->at[args->count] = data;
    args->len[args->count++] = len;
}

void redis_arg(struct redis_args *args, const char *text)
{
    redis_arg_len(args, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

void redis_arg_int(struct redis_args *args, int64_t number)
{
    struct number_block *block = args->numbers;
    char *text;

    if (block == NULL || args->number_count == NUMBERS_A_BLOCK) {
        block = malloc(sizeof(*block));
        if (block == NULL) {
            args->is_failed = true;
            return;
        }
        block->next = args->numbers;
        args->numbers = block;
        args->number_count = 0;
    }
    text = block->text[args->number_count++];
    redis_arg_len(args, text, (size_t)snprintf(text, sizeof(block->text[0]), "%lld", (long long)number));
}
