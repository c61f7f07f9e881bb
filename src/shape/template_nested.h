/* SPDX-License-Identifier: Apache-2.0 */
/* template_nested.h -- attributes as objects within objects: "a.b" and "a.c" as
 * {"a":{"b":..,"c":..}}.
 *
 * An attribute whose key is also the beginning of others ("a" beside "a.b") cannot stand there, and
 * goes to the list of others.  Behind NESTED_PARTS_MAX parts dots are left as they are.
 *
 * Threads: one owner.
 */
#pragma once

#include "shape/shape_put.h"

enum { NESTED_PARTS_MAX = 8 };

struct nested_keys {
    uint32_t *order; /* owned: indexes of the attributes, by the parts of their keys */
    size_t count, capacity;
};

/* ST_NO_MEMORY. */
MUST_CHECK enum status nested_keys_sort(struct nested_keys *keys, const struct attribute_set *set,
                                        struct error *err);

/* Writes the object, braces included, of the set that was sorted. */
void nested_keys_put(const struct nested_keys *keys, struct attribute_set *set,
                     struct shape_out *out);

void nested_keys_fini(struct nested_keys *keys);
