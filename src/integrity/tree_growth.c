/* SPDX-License-Identifier: Apache-2.0 */
/* tree_growth.c -- see telltale/tree_growth.h.
 *
 * A node of a consistency proof lies wholly before the old size or wholly behind it, and is a
 * subtree that the range on its side has, or several of them put together: so two ranges that meet
 * there are enough. */
#include "telltale/tree_growth.h"

#include <inttypes.h>
#include <stdio.h>

enum { SIZE_TEXT_MAX = 24, FOREST_NODES = 4096 };

void tree_growth_start(struct tree_growth *growth, const struct merkle_range *whole)
{
    ASSERT(whole->first == 0);
    growth->count = 1;
    growth->steps[0] = *whole;
}

static void join(struct merkle_range *range, const struct merkle_range *next)
{
    struct error err;

    enum status st = merkle_range_append(range, next, &err);
    ASSERT(st == ST_OK); /* they lie side by side */
}

void tree_growth_step(struct tree_growth *growth)
{
    uint64_t end = tree_growth_size(growth);
    struct merkle_range *last = tree_growth_last(growth);

    if (growth->count > 1 && last->first == last->end)
        return;
    if (growth->count == TREE_GROWTH_STEPS_MAX) {
        join(&growth->steps[0], &growth->steps[1]);
        memmove(&growth->steps[1], &growth->steps[2],
                (TREE_GROWTH_STEPS_MAX - 2) * sizeof(growth->steps[0]));
        growth->count--;
    }
    merkle_range_init(&growth->steps[growth->count++], end);
}

void tree_growth_join(const struct tree_growth *growth, size_t from, size_t to,
                      struct merkle_range *ret)
{
    ASSERT(from < to && to <= growth->count);
    *ret = growth->steps[from];
    for (size_t i = from + 1; i < to; i++)
        join(ret, &growth->steps[i]);
}

void tree_growth_root(const struct tree_growth *growth, struct hash *ret)
{
    struct merkle_range whole;

    tree_growth_join(growth, 0, growth->count, &whole);
    merkle_range_root(&whole, ret);
}

bool tree_growth_meets(const struct tree_growth *growth, uint64_t size, size_t *ret)
{
    for (size_t i = 0; i < growth->count; i++) {
        if (growth->steps[i].end != size)
            continue;
        *ret = i + 1;
        return true;
    }
    return false;
}

enum status tree_growth_put(const struct tree_growth *growth, struct buf *out, struct error *err)
{
    char text[SIZE_TEXT_MAX];
    size_t start = out->size;

    enum status st = buf_append(out, "0", 1, err);
    for (size_t i = 0; i < growth->count && st == ST_OK; i++) {
        int size = snprintf(text, sizeof(text), ",%" PRIu64, growth->steps[i].end);
        st = buf_append(out, text, (size_t)size, err);
    }
    if (st == ST_OK)
        st = buf_append(out, " ", 1, err);
    for (size_t i = 0; i < growth->count && st == ST_OK; i++) {
        const struct merkle_range *step = &growth->steps[i];
        st = buf_reserve(out, step->count * HASH_BASE64_SIZE, err);
        for (size_t k = 0; k < step->count && st == ST_OK; k++) {
            hash_format_base64(&step->hashes[k], (char *)out->data + out->size);
            out->size += HASH_BASE64_SIZE;
        }
    }
    if (st != ST_OK)
        out->size = start;
    return st;
}

/* Strict: no sign, no leading zeros. */
static bool take_size(struct slice *text, uint64_t *ret)
{
    uint64_t value = 0;
    size_t at = 0;

    while (at < text->size && text->data[at] >= '0' && text->data[at] <= '9') {
        value = value * 10 + (uint64_t)(text->data[at++] - '0');
        if (value > MERKLE_SIZE_MAX)
            return false;
    }
    if (at == 0 || (at > 1 && text->data[0] == '0'))
        return false;
    *text = slice_from(*text, at);
    *ret = value;
    return true;
}

static bool take_sizes(struct slice *text, struct tree_growth *ret)
{
    uint64_t first, end;

    ret->count = 0;
    if (!take_size(text, &first) || first != 0)
        return false;
    while (text->size > 0 && text->data[0] == ',') {
        *text = slice_from(*text, 1);
        if (ret->count == TREE_GROWTH_STEPS_MAX || !take_size(text, &end) || end < first)
            return false;
        struct merkle_range *step = &ret->steps[ret->count++];
        step->first = first;
        step->end = end;
        step->count = merkle_range_count(first, end);
        first = end;
    }
    if (ret->count == 0 || text->size == 0 || text->data[0] != ' ')
        return false;
    *text = slice_from(*text, 1);
    return true;
}

enum status tree_growth_read(struct slice text, struct tree_growth *ret, struct error *err)
{
    bool is_good = take_sizes(&text, ret);

    for (size_t i = 0; is_good && i < ret->count; i++) {
        struct merkle_range *step = &ret->steps[i];
        for (size_t k = 0; is_good && k < step->count; k++) {
            is_good = text.size >= HASH_BASE64_SIZE &&
                      hash_parse_base64(slice_of(text.data, HASH_BASE64_SIZE), &step->hashes[k]);
            if (is_good)
                text = slice_from(text, HASH_BASE64_SIZE);
        }
    }
    if (is_good && text.size == 0)
        return ST_OK;
    return error_set(err, ST_INVALID, "it does not say how a tree grew");
}

enum status tree_growth_prove(const struct merkle_range *first, const struct merkle_range *next,
                              struct merkle_path *ret, struct error *err)
{
    struct merkle_forest *forest;

    ASSERT(first->first == 0 && first->end == next->first);
    ret->count = 0;
    if (first->end == 0 || next->end == next->first)
        return ST_OK;
    enum status st = merkle_forest_create(FOREST_NODES, &forest, err);
    if (st != ST_OK)
        return st;
    st = merkle_forest_append_range(forest, first, err);
    if (st == ST_OK)
        st = merkle_forest_append_range(forest, next, err);
    if (st == ST_OK)
        st = merkle_prove_consistency(forest, first->end, next->end, ret, err);
    merkle_forest_destroy(forest);
    return st;
}
