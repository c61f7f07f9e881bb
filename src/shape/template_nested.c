/* SPDX-License-Identifier: Apache-2.0 */
/* template_nested.c -- see template_nested.h.
 *
 * Keys are sorted with the dot below every other byte, so that those with the same first parts
 * stand together, and a key that is the beginning of others stands right before them.  Only usual
 * keys are here: no part is empty, and none stands twice. */
#include "shape/template_nested.h"

#include <stdlib.h>

static int compare_bytes(uint8_t a, uint8_t b)
{
    int left = a == '.' ? 0 : a, right = b == '.' ? 0 : b;
    return left - right;
}

static int compare_keys(const void *a, const void *b, void *context)
{
    const struct attribute_set *set = context;
    struct slice left = set->views[*(const uint32_t *)a].key;
    struct slice right = set->views[*(const uint32_t *)b].key;
    size_t size = left.size < right.size ? left.size : right.size;

    for (size_t i = 0; i < size; i++) {
        int order = compare_bytes(left.data[i], right.data[i]);
        if (order != 0)
            return order;
    }
    return (left.size > right.size) - (left.size < right.size);
}

enum status nested_keys_sort(struct nested_keys *keys, const struct attribute_set *set,
                             struct error *err)
{
    if (set->count > keys->capacity) {
        uint32_t *order = reallocarray(keys->order, set->count, sizeof(*order));
        if (order == NULL)
            return error_set(err, ST_NO_MEMORY, "the order of %zu attributes", set->count);
        keys->order = order;
        keys->capacity = set->count;
    }
    keys->count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!set->reads[i].is_listed)
            keys->order[keys->count++] = (uint32_t)i;
    }
    if (keys->count > 1)
        qsort_r(keys->order, keys->count, sizeof(*keys->order), compare_keys, (void *)set);
    return ST_OK;
}

void nested_keys_fini(struct nested_keys *keys)
{
    free(keys->order);
    *keys = (struct nested_keys){.order = NULL};
}

/* Where part `index` of a key begins; the last one has all that is left. */
struct parts {
    size_t count;
    struct slice items[NESTED_PARTS_MAX];
};

static struct parts split(struct slice key)
{
    struct parts parts = {.count = 0};

    for (;;) {
        const uint8_t *dot = parts.count + 1 < NESTED_PARTS_MAX && key.size > 0
                                 ? memchr(key.data, '.', key.size)
                                 : NULL;
        size_t size = dot != NULL ? (size_t)(dot - key.data) : key.size;
        parts.items[parts.count++] = slice_of(key.data, size);
        if (dot == NULL)
            return parts;
        key = slice_of(dot + 1, key.size - size - 1);
    }
}

static size_t count_common(const struct parts *a, const struct parts *b)
{
    size_t common = 0;

    while (common < a->count && common < b->count &&
           slice_equal(a->items[common], b->items[common]))
        common++;
    return common;
}

void nested_keys_put(const struct nested_keys *keys, struct attribute_set *set,
                     struct shape_out *out)
{
    struct json_put *json = &out->json;
    struct parts open = {.count = 0}; /* the objects that are open */
    size_t lifted = 0;                /* attributes that go to the list, moved to the front */

    json_put(json, SLICE("{"));
    for (size_t i = 0; i < keys->count && json_good(json); i++) {
        uint32_t index = keys->order[i];
        struct parts parts = split(set->views[index].key);
        if (i + 1 < keys->count) {
            struct parts next = split(set->views[keys->order[i + 1]].key);
            if (next.count > parts.count && count_common(&parts, &next) == parts.count) {
                set->reads[index].is_listed = true; /* until the list is written */
                set->has_listed = true;
                keys->order[lifted++] = index;
                continue;
            }
        }
        size_t common = count_common(&open, &parts);
        for (; open.count > common; open.count--)
            json_put(json, SLICE("}"));
        for (; open.count + 1 < parts.count; open.count++) {
            shape_put_key(json, parts.items[open.count]);
            json_put(json, SLICE("{"));
            open.items[open.count] = parts.items[open.count];
        }
        shape_put_key(json, parts.items[parts.count - 1]);
        shape_put_value(out, &set->views[index].value);
    }
    for (; open.count > 0; open.count--)
        json_put(json, SLICE("}"));
    shape_put_list(out, SHAPE_NAME("other attributes"), set, NULL, NULL, NULL, 0);
    for (size_t i = 0; i < lifted; i++)
        set->reads[keys->order[i]].is_listed = false;
    json_put(json, SLICE("}"));
}
