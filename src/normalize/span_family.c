/* SPDX-License-Identifier: Apache-2.0 */
/* span_family.c -- see span_family.h.  A table of all spans is made when the first question is
 * asked, for most requests hold no call; what a span says of a call is read only where the way up
 * passes.  Places are by a hash with a seed of this run, so that nobody can make ids collide. */
#include "normalize/span_family.h"

#include <stdlib.h>
#include <string.h>

#include "util/random.h"

enum { SLOTS = 2 * SPAN_FAMILY_MAX, FREE = UINT16_MAX };

_Static_assert((int)SPAN_FAMILY_MAX < (int)FREE, "spans are counted in 16 bits");

struct member {
    uint64_t id, parent_id; /* 0: none */
    uint8_t trace_id[TRACE_ID_SIZE];
};

struct span_family {
    const struct slice *spans; /* borrowed */
    size_t count;
    bool is_indexed;
    uint64_t seed;
    struct member members[SPAN_FAMILY_MAX]; /* of each span */
    uint16_t slots[SLOTS];
};

enum status span_family_create(struct span_family **ret, struct error *err)
{
    struct span_family *family = calloc(1, sizeof(*family));
    if (family == NULL)
        return error_set(err, ST_NO_MEMORY, "a table of spans");
    family->seed = random_bits();
    *ret = family;
    return ST_OK;
}

void span_family_destroy(struct span_family *family)
{
    free(family);
}

void span_family_set(struct span_family *family, const struct slice *spans, size_t count)
{
    family->spans = spans;
    family->count = count < SPAN_FAMILY_MAX ? count : SPAN_FAMILY_MAX;
    family->is_indexed = false;
}

/* --- The table --------------------------------------------------------------------------- */

static uint64_t read_id(struct slice bytes)
{
    uint64_t id = 0;
    if (bytes.size == SPAN_ID_SIZE)
        memcpy(&id, bytes.data, sizeof(id));
    return id;
}

static struct member read_member(struct slice span)
{
    struct pb_walk walk = pb_walk_start(span);
    struct pb_field field;
    struct member member = {0};
    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.type != WIRE_BYTES)
            continue;
        if (field.number == SPAN_SPAN_ID)
            member.id = read_id(field.bytes);
        else if (field.number == SPAN_PARENT_SPAN_ID)
            member.parent_id = read_id(field.bytes);
        else if (field.number == SPAN_TRACE_ID && field.bytes.size == TRACE_ID_SIZE)
            memcpy(member.trace_id, field.bytes.data, TRACE_ID_SIZE);
    }
    return member;
}

static size_t slot_of(const struct span_family *family, uint64_t id)
{
    uint64_t hash = (id ^ family->seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)((hash ^ hash >> 29) * UINT64_C(0xd6e8feb86659fd93) >> 40) % SLOTS;
}

static void make_index(struct span_family *family)
{
    memset(family->slots, 0xff, sizeof(family->slots));
    for (size_t i = 0; i < family->count; i++) {
        family->members[i] = read_member(family->spans[i]);
        size_t slot = slot_of(family, family->members[i].id);
        while (family->slots[slot] != FREE)
            slot = (slot + 1) % SLOTS;
        family->slots[slot] = (uint16_t)i;
    }
    family->is_indexed = true;
}

/* The span `id` of the trace, or NULL. */
static const struct member *find(const struct span_family *family, uint64_t id,
                                 struct slice trace_id)
{
    size_t slot = slot_of(family, id);
    for (; id != 0 && family->slots[slot] != FREE; slot = (slot + 1) % SLOTS) {
        const struct member *member = &family->members[family->slots[slot]];
        if (member->id == id && memcmp(member->trace_id, trace_id.data, TRACE_ID_SIZE) == 0)
            return member;
    }
    return NULL;
}

/* --- The way up -------------------------------------------------------------------------- */

/* The id of the call that the span is about, by the conventions or by opencode's words. */
static struct slice call_id_of(struct slice span)
{
    struct pb_walk walk = pb_walk_start(span);
    struct pb_field field;
    struct error ignored;
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct attribute_view attribute;
        if (field.number != SPAN_ATTRIBUTES || field.type != WIRE_BYTES ||
            otlp_read_attribute(field.bytes, &attribute, &ignored) != ST_OK ||
            attribute.value.type != ANY_TYPE_STRING)
            continue;
        if (slice_equal(attribute.key, SLICE("gen_ai.tool.call.id")) ||
            slice_equal(attribute.key, SLICE("tool.call_id")) ||
            slice_equal(attribute.key, SLICE("ai.toolCall.id")))
            return attribute.value.bytes;
    }
    return SLICE_EMPTY;
}

struct slice span_family_parent_call(struct span_family *family, const struct span_view *span)
{
    uint64_t id = read_id(span->parent_span_id);

    if (id == 0 || span->trace_id.size != TRACE_ID_SIZE)
        return SLICE_EMPTY;
    if (!family->is_indexed)
        make_index(family);
    struct slice own = call_id_of(span->encoded);
    for (unsigned int depth = 0; depth < SPAN_FAMILY_DEPTH_MAX; depth++) {
        const struct member *member = find(family, id, span->trace_id);
        if (member == NULL)
            return SLICE_EMPTY;
        struct slice call = call_id_of(family->spans[member - family->members]);
        if (call.size > 0 && !slice_equal(call, own))
            return call.size <= SPAN_FAMILY_ID_MAX ? call : SLICE_EMPTY;
        id = member->parent_id;
    }
    return SLICE_EMPTY;
}
