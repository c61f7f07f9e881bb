/* SPDX-License-Identifier: Apache-2.0 */
/* config_pool.c -- blocks in a list; an allocation that does not fit opens a new block, and
 * what was left in the old one is given up. */
#include "config/config_pool.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct config_pool_block {
    struct config_pool_block *next;
    size_t used;
    size_t capacity;
    alignas(max_align_t) char data[];
};

void config_pool_init(struct config_pool *pool, size_t limit)
{
    *pool = (struct config_pool){.limit = limit};
}

void config_pool_fini(struct config_pool *pool)
{
    struct config_pool_block *next;

    for (struct config_pool_block *block = pool->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *pool = (struct config_pool){.limit = pool->limit};
}

static struct config_pool_block *add_block(struct config_pool *pool, size_t size)
{
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;

    if (capacity > pool->limit - pool->allocated)
        return NULL;
    struct config_pool_block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    *block = (struct config_pool_block){.next = pool->blocks, .capacity = capacity};
    pool->blocks = block;
    pool->allocated += capacity;
    return block;
}

void *config_pool_alloc(struct config_pool *pool, size_t size)
{
    enum { ALIGNMENT = alignof(max_align_t) };
    struct config_pool_block *block = pool->blocks;

    ASSERT(pool->allocated <= pool->limit);
    if (size > pool->limit) {
        pool->failed = true;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (block == NULL || size > block->capacity - block->used)
        block = add_block(pool, size);
    if (block == NULL) {
        pool->failed = true;
        return NULL;
    }
    void *result = block->data + block->used;
    block->used += size;
    memset(result, 0, size);
    return result;
}

char *config_pool_copy(struct config_pool *pool, const char *text, size_t size)
{
    char *copy = size < pool->limit ? config_pool_alloc(pool, size + 1) : NULL;

    if (copy == NULL) {
        pool->failed = true;
        return NULL;
    }
    if (size > 0)
        memcpy(copy, text, size);
    return copy;
}

char *config_pool_printf(struct config_pool *pool, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = size >= 0 ? config_pool_alloc(pool, (size_t)size + 1) : NULL;
    if (text == NULL) {
        pool->failed = true;
        return NULL;
    }
    va_start(args, fmt);
    vsnprintf(text, (size_t)size + 1, fmt, args);
    va_end(args);
    return text;
}
