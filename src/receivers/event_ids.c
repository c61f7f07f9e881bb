/* SPDX-License-Identifier: Apache-2.0 */
/* event_ids.c -- see event_ids.h.  A ring of entries, each in the chain of its bucket.  Keys are
 * hashes with a seed of this run, so that nobody can make two ids collide. */
#include "receivers/event_ids.h"

#include <stdlib.h>

#include "metrics/metrics.h"
#include "util/random.h"

enum { BUCKETS = EVENT_IDS_MAX, NONE = UINT16_MAX };

_Static_assert((int)EVENT_IDS_MAX < (int)NONE, "entries are counted in 16 bits");

struct entry {
    struct event_id_key key;
    struct event_id_owner owner; /* while it is pending */
    enum event_id_state state;   /* EVENT_ID_NEW: the entry is free */
    uint16_t next;               /* in its bucket */
};

struct event_ids {
    struct entry entries[EVENT_IDS_MAX];
    uint16_t buckets[BUCKETS];
    size_t position; /* of the ring: the oldest entry */
    uint16_t pending[EVENT_IDS_PENDING_MAX];
    size_t pending_count;
    uint64_t seeds[2];
    struct metric *duplicates;
};

enum status event_ids_create(struct event_ids **ret, struct error *err)
{
    struct event_ids *ids = calloc(1, sizeof(*ids));
    if (ids == NULL)
        return error_set(err, ST_NO_MEMORY, "remember ids of events");
    for (size_t i = 0; i < BUCKETS; i++)
        ids->buckets[i] = NONE;
    ids->seeds[0] = random_bits();
    ids->seeds[1] = random_bits();
    ids->duplicates =
        metric_register(METRIC_COUNTER, "telltale_receiver_duplicate_events_total",
                        "Events that came again, by their id, and were not kept twice.", "");
    *ret = ids;
    return ST_OK;
}

void event_ids_destroy(struct event_ids *ids)
{
    free(ids);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

struct event_id_key event_ids_key(const struct event_ids *ids, uid_t uid, struct slice id)
{
    struct event_id_key key;
    for (size_t half = 0; half < 2; half++) {
        uint64_t hash = mix(ids->seeds[half], uid);
        for (size_t i = 0; i < id.size; i++)
            hash = mix(hash, id.data[i]);
        key.words[half] = mix(hash, id.size + half);
    }
    return key;
}

static uint16_t *bucket_of(struct event_ids *ids, struct event_id_key key)
{
    return &ids->buckets[key.words[0] % BUCKETS];
}

static bool key_equal(struct event_id_key a, struct event_id_key b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

enum event_id_state event_ids_find(const struct event_ids *ids, struct event_id_key key)
{
    uint16_t at = ids->buckets[key.words[0] % BUCKETS];
    while (at != NONE && !key_equal(ids->entries[at].key, key))
        at = ids->entries[at].next;
    return at != NONE ? ids->entries[at].state : EVENT_ID_NEW;
}

static void forget(struct event_ids *ids, uint16_t index)
{
    struct entry *entry = &ids->entries[index];
    uint16_t *link = bucket_of(ids, entry->key);
    while (*link != index)
        link = &ids->entries[*link].next;
    *link = entry->next;
    entry->state = EVENT_ID_NEW;
}

static void drop_pending(struct event_ids *ids, size_t place)
{
    ids->pending[place] = ids->pending[--ids->pending_count];
}

static void free_place(struct event_ids *ids, uint16_t index)
{
    for (size_t i = 0; i < ids->pending_count; i++) {
        if (ids->pending[i] == index) {
            drop_pending(ids, i);
            break;
        }
    }
    forget(ids, index);
}

void event_ids_take(struct event_ids *ids, struct event_id_key key,
                    const struct event_id_owner *owner)
{
    if (ids->pending_count == EVENT_IDS_PENDING_MAX)
        return;
    uint16_t index = (uint16_t)ids->position;
    struct entry *entry = &ids->entries[index];
    ids->position = (ids->position + 1) % EVENT_IDS_MAX;
    if (entry->state != EVENT_ID_NEW)
        free_place(ids, index);
    uint16_t *bucket = bucket_of(ids, key);
    *entry =
        (struct entry){.key = key, .owner = *owner, .state = EVENT_ID_PENDING, .next = *bucket};
    *bucket = index;
    ids->pending[ids->pending_count++] = index;
}

void event_ids_land(struct event_ids *ids, uint32_t connection, uint32_t generation, uint64_t first,
                    uint64_t last, bool durable)
{
    for (size_t i = 0; i < ids->pending_count;) {
        struct entry *entry = &ids->entries[ids->pending[i]];
        const struct event_id_owner *owner = &entry->owner;
        if (owner->connection != connection || owner->generation != generation ||
            owner->event < first || owner->event > last) {
            i++;
            continue;
        }
        if (durable)
            entry->state = EVENT_ID_DURABLE;
        else
            forget(ids, ids->pending[i]);
        drop_pending(ids, i);
    }
}

void event_ids_count_duplicate(struct event_ids *ids)
{
    metric_add(ids->duplicates, 1);
}
