/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_sessions.c -- see kafka_sessions.h.
 *
 * One pass finds each record's session in a hash table and counts; a second one lays the records
 * out.  Neighbours are mostly of one session, so the last one is tried first.
 */
#include "kafka_sessions.h"

#include <stdlib.h>
#include <sys/random.h>

#include "kafka_key.h"

enum { SLOTS_PER_RECORD = 2, CAPACITY_LEAST = 64 };

void kafka_sessions_init(struct kafka_sessions *sessions)
{
    *sessions = (struct kafka_sessions){.seed = 0};
    /* Without randomness, which a kernel that has just booted may lack, sessions are only slower
     * to find for somebody who has chosen their names for that. */
    (void)!getrandom(&sessions->seed, sizeof(sessions->seed), GRND_NONBLOCK);
}

void kafka_sessions_fini(struct kafka_sessions *sessions)
{
    free(sessions->items);
    free(sessions->order);
    free(sessions->session_of);
    free(sessions->slots);
    *sessions = (struct kafka_sessions){.seed = sessions->seed};
}

static enum status make_room(struct kafka_sessions *sessions, size_t records, struct error *err)
{
    size_t capacity = CAPACITY_LEAST;

    if (records <= sessions->capacity)
        return ST_OK;
    while (capacity < records)
        capacity *= 2;
    kafka_sessions_fini(sessions);
    sessions->slot_count = capacity * SLOTS_PER_RECORD;
    sessions->items = calloc(capacity, sizeof(*sessions->items));
    sessions->order = calloc(capacity, sizeof(*sessions->order));
    sessions->session_of = calloc(capacity, sizeof(*sessions->session_of));
    sessions->slots = calloc(sessions->slot_count, sizeof(*sessions->slots));
    if (sessions->items == NULL || sessions->order == NULL || sessions->session_of == NULL ||
        sessions->slots == NULL) {
        kafka_sessions_fini(sessions);
        return error_set(err, ST_NO_MEMORY, "sort %zu records", records);
    }
    sessions->capacity = capacity;
    return ST_OK;
}

/* FNV-1a from a secret start, and its bits mixed once more for the low ones. */
static uint64_t hash_key(uint64_t seed, struct slice key)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static uint32_t find_session(struct kafka_sessions *sessions, struct slice key)
{
    uint64_t hash = hash_key(sessions->seed, key);
    size_t slot = hash & (sessions->slot_count - 1);

    for (; sessions->slots[slot] != 0; slot = (slot + 1) & (sessions->slot_count - 1)) {
        uint32_t index = sessions->slots[slot] - 1;
        if (sessions->items[index].hash == hash && slice_equal(sessions->items[index].key, key))
            return index;
    }
    sessions->items[sessions->count] = (struct kafka_session){.key = key, .hash = hash};
    sessions->slots[slot] = (uint32_t)++sessions->count;
    return (uint32_t)(sessions->count - 1);
}

static void lay_out(struct kafka_sessions *sessions, size_t record_count)
{
    uint32_t first = 0;

    for (size_t i = 0; i < sessions->count; i++) {
        sessions->items[i].first = first;
        first += sessions->items[i].count;
        sessions->items[i].count = 0;
    }
    for (uint32_t i = 0; i < record_count; i++) {
        struct kafka_session *session = &sessions->items[sessions->session_of[i]];
        sessions->order[session->first + session->count++] = i;
    }
}

static void sort_by_session(struct kafka_sessions *sessions, const struct batch *batch)
{
    enum signal signal = batch_signal(batch);
    uint32_t last = 0;

    memset(sessions->slots, 0, sessions->slot_count * sizeof(*sessions->slots));
    for (size_t i = 0; i < batch->record_count; i++) {
        struct slice key = kafka_key_of(signal, batch->records[i].bytes);
        if (i == 0 || !slice_equal(sessions->items[last].key, key))
            last = find_session(sessions, key);
        sessions->session_of[i] = last;
        sessions->items[last].count++;
    }
}

enum status kafka_sessions_find(struct kafka_sessions *sessions, const struct batch *batch,
                                bool by_session, struct error *err)
{
    enum status st = make_room(sessions, batch->record_count, err);
    if (st != ST_OK)
        return st;
    sessions->count = 0;
    if (by_session) {
        sort_by_session(sessions, batch);
    } else {
        memset(sessions->session_of, 0, batch->record_count * sizeof(*sessions->session_of));
        sessions->items[0] = (struct kafka_session){.key = SLICE_EMPTY};
        sessions->items[0].count = (uint32_t)batch->record_count;
        sessions->count = 1;
    }
    lay_out(sessions, batch->record_count);
    return ST_OK;
}
