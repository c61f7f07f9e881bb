/* SPDX-License-Identifier: Apache-2.0 */
/* admission.c -- see admission.h.  The table of users is searched from its start: it has at
 * most as many users as connections, and is read at accept and close only. */
#include "receivers/admission.h"

#include <stdlib.h>

#include "util/clock.h"

#define SHARED_NS (250 * NS_PER_MS)

void admission_init(struct admission *admission, size_t limit)
{
    atomic_init(&admission->used, 0);
    atomic_init(&admission->light_ns, 0);
    admission->limit = limit;
}

bool admission_take(struct admission *admission, size_t held, size_t more)
{
    size_t used = atomic_load_explicit(&admission->used, memory_order_relaxed);

    do {
        bool alone = used <= held;
        bool fits = used <= admission->limit && more <= admission->limit - used;
        if (!alone && !fits)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&admission->used, &used, used + more,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void admission_force(struct admission *admission, size_t more)
{
    atomic_fetch_add_explicit(&admission->used, more, memory_order_relaxed);
}

void admission_give(struct admission *admission, size_t size)
{
    size_t before = atomic_fetch_sub_explicit(&admission->used, size, memory_order_relaxed);

    ASSERT(before >= size);
}

size_t admission_used(const struct admission *admission)
{
    return atomic_load_explicit(&admission->used, memory_order_relaxed);
}

void admission_note_light(struct admission *admission, uint64_t now_ns)
{
    atomic_store_explicit(&admission->light_ns, now_ns, memory_order_relaxed);
}

bool admission_is_shared(const struct admission *admission, uint64_t now_ns)
{
    uint64_t light_ns = atomic_load_explicit(&admission->light_ns, memory_order_relaxed);

    return light_ns != 0 && now_ns < light_ns + SHARED_NS;
}

enum status uid_table_init(struct uid_table *table, size_t connections_max,
                           unsigned int per_uid_max, struct error *err)
{
    struct uid_count *counts = calloc(connections_max, sizeof(*counts));

    if (counts == NULL)
        return error_set(err, ST_NO_MEMORY, "make a table of %zu users", connections_max);
    *table = (struct uid_table){counts, connections_max, per_uid_max};
    return ST_OK;
}

void uid_table_fini(struct uid_table *table)
{
    free(table->counts);
    *table = (struct uid_table){0};
}

bool uid_table_enter(struct uid_table *table, uid_t uid)
{
    struct uid_count *place = NULL;

    for (size_t i = 0; i < table->size; i++) {
        struct uid_count *count = &table->counts[i];
        if (count->connections > 0 && count->uid == uid) {
            place = count;
            break;
        }
        if (count->connections == 0 && place == NULL)
            place = count;
    }
    if (place == NULL || (place->connections > 0 && place->connections >= table->per_uid_max))
        return false;
    place->uid = uid;
    place->connections++;
    return true;
}

void uid_table_leave(struct uid_table *table, uid_t uid)
{
    for (size_t i = 0; i < table->size; i++) {
        if (table->counts[i].connections > 0 && table->counts[i].uid == uid) {
            table->counts[i].connections--;
            return;
        }
    }
    ASSERT(!"a user leaves who never entered");
}
