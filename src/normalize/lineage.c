/* SPDX-License-Identifier: Apache-2.0 */
/* lineage.c -- four tables of fixed size.
 *
 *   threads  64 sets of 4; a new thread takes the place of the one in its set that came first
 *   traces   256 places by hash; a new trace takes the place
 *   denied   a ring of the hashes of the last 256 refused calls; asked only when a call failed
 *   told     a ring of the hashes of the last 256 spans in which a log record told an event
 *
 * Hashes are not keyed: who collides on purpose spoils what is said about his own calls and
 * those of senders whose ids he knows, which he can do as well by sending their ids.
 */
#include "normalize/lineage.h"

#include <stdlib.h>

enum { SET_COUNT = 64, SET_SIZE = 4, TRACE_COUNT = 256, RING_COUNT = 256, TRACE_ID_SIZE = 16 };

struct trace {
    uint8_t id[TRACE_ID_SIZE];
    struct lineage_id owner; /* none: the place is free */
};

struct ring {
    uint64_t hashes[RING_COUNT]; /* 0: free */
    size_t next;
};

struct lineage {
    struct lineage_thread threads[SET_COUNT][SET_SIZE];
    uint8_t next_in_set[SET_COUNT];
    struct lineage_thread *latest; /* records of a thread come in rows */
    struct trace traces[TRACE_COUNT];
    struct ring denied, told;
};

static uint64_t hash_bytes(uint64_t hash, struct slice bytes)
{
    size_t at = 0;
    for (; at + 8 <= bytes.size; at += 8) {
        uint64_t word;
        memcpy(&word, bytes.data + at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    for (; at < bytes.size; at++)
        hash = (hash ^ bytes.data[at]) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= bytes.size;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static bool id_equal(const struct lineage_id *id, struct slice text)
{
    return slice_equal(lineage_id_slice(id), text);
}

/* Texts that are too long leave the id empty. */
static void set_id(struct lineage_id *id, struct slice text)
{
    id->size = text.size <= LINEAGE_ID_MAX ? (uint8_t)text.size : 0;
    if (id->size > 0)
        memcpy(id->text, text.data, id->size);
}

enum status lineage_create(struct lineage **ret, struct error *err)
{
    struct lineage *lineage = calloc(1, sizeof(*lineage));
    if (lineage == NULL)
        return error_set(err, ST_NO_MEMORY, "the table of agent threads");
    *ret = lineage;
    return ST_OK;
}

void lineage_destroy(struct lineage *lineage)
{
    free(lineage);
}

struct lineage_thread *lineage_open(struct lineage *lineage, struct slice id)
{
    if (id.size == 0 || id.size > LINEAGE_ID_MAX)
        return NULL;
    if (lineage->latest != NULL && id_equal(&lineage->latest->id, id))
        return lineage->latest;
    size_t set = hash_bytes(0, id) % SET_COUNT;
    for (size_t i = 0; i < SET_SIZE; i++) {
        struct lineage_thread *thread = &lineage->threads[set][i];
        if (id_equal(&thread->id, id)) {
            lineage->latest = thread;
            return thread;
        }
    }
    struct lineage_thread *thread = &lineage->threads[set][lineage->next_in_set[set]];
    lineage->next_in_set[set] = (lineage->next_in_set[set] + 1) % SET_SIZE;
    *thread = (struct lineage_thread){.role = ROLE_UNKNOWN};
    set_id(&thread->id, id);
    lineage->latest = thread;
    return thread;
}

void lineage_set_parent(struct lineage *lineage, struct lineage_thread *thread,
                        struct slice parent_id)
{
    if (id_equal(&thread->id, parent_id) || parent_id.size == 0)
        return;
    set_id(&thread->parent, parent_id);
    thread->root = thread->parent;
    /* A grandchild belongs to the session of its parent.  Looked for, not opened: opening could
     * push `thread` out. */
    size_t set = hash_bytes(0, parent_id) % SET_COUNT;
    for (size_t i = 0; i < SET_SIZE; i++) {
        const struct lineage_thread *parent = &lineage->threads[set][i];
        if (id_equal(&parent->id, parent_id) && parent->root.size > 0 &&
            !id_equal(&parent->root, lineage_id_slice(&thread->id)))
            thread->root = parent->root;
    }
}

void lineage_set_provider(struct lineage_thread *thread, struct slice provider)
{
    thread->provider_size = provider.size <= LINEAGE_PROVIDER_MAX ? (uint8_t)provider.size : 0;
    if (thread->provider_size > 0)
        memcpy(thread->provider, provider.data, thread->provider_size);
}

void lineage_note_trace(struct lineage *lineage, struct slice trace_id, struct slice id)
{
    if (trace_id.size != TRACE_ID_SIZE || id.size == 0 || id.size > LINEAGE_ID_MAX)
        return;
    struct trace *trace = &lineage->traces[hash_bytes(0, trace_id) % TRACE_COUNT];
    if (trace->owner.size > 0 && memcmp(trace->id, trace_id.data, TRACE_ID_SIZE) == 0)
        return;
    memcpy(trace->id, trace_id.data, TRACE_ID_SIZE);
    set_id(&trace->owner, id);
}

struct slice lineage_trace_owner(const struct lineage *lineage, struct slice trace_id)
{
    if (trace_id.size != TRACE_ID_SIZE)
        return SLICE_EMPTY;
    const struct trace *trace = &lineage->traces[hash_bytes(0, trace_id) % TRACE_COUNT];
    if (memcmp(trace->id, trace_id.data, TRACE_ID_SIZE) != 0)
        return SLICE_EMPTY;
    return lineage_id_slice(&trace->owner);
}

static uint64_t pair_hash(uint64_t seed, struct slice first, struct slice second)
{
    return hash_bytes(hash_bytes(seed, first), second) | 1;
}

static void note(struct ring *ring, uint64_t hash)
{
    ring->hashes[ring->next] = hash;
    ring->next = (ring->next + 1) % RING_COUNT;
}

static bool is_noted(const struct ring *ring, uint64_t hash)
{
    bool found = false;
    for (size_t i = 0; i < RING_COUNT; i++)
        found |= ring->hashes[i] == hash;
    return found;
}

void lineage_note_denied(struct lineage *lineage, struct slice thread_id, struct slice call_id)
{
    if (call_id.size > 0)
        note(&lineage->denied, pair_hash(1, thread_id, call_id));
}

bool lineage_was_denied(const struct lineage *lineage, struct slice thread_id, struct slice call_id)
{
    return call_id.size > 0 && is_noted(&lineage->denied, pair_hash(1, thread_id, call_id));
}

void lineage_note_told(struct lineage *lineage, struct slice trace_id, struct slice span_id,
                       enum event_kind kind)
{
    if (span_id.size > 0)
        note(&lineage->told, pair_hash(kind, trace_id, span_id));
}

bool lineage_was_told(const struct lineage *lineage, struct slice trace_id, struct slice span_id,
                      enum event_kind kind)
{
    return span_id.size > 0 && is_noted(&lineage->told, pair_hash(kind, trace_id, span_id));
}
