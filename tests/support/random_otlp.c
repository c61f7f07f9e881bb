/* SPDX-License-Identifier: Apache-2.0 */
/* random_otlp.c -- see random_otlp.h.  Written with nothing but a plain encoder of its own, so
 * that a mistake in src/wire/ is not made here again. */
#include "support/random_otlp.h"

#include <math.h>

#include "wire/protobuf.h"

uint64_t random_next(struct random *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) >> 33) % bound;
}

static void put_byte(struct buf *out, uint64_t byte)
{
    struct error err;
    uint8_t value = (uint8_t)byte;
    ASSERT(buf_append(out, &value, 1, &err) == ST_OK);
}

static void put_varint(struct buf *out, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        put_byte(out, (value & 0x7f) | 0x80);
    put_byte(out, value);
}

static void put_fixed(struct buf *out, uint32_t number, unsigned size, uint64_t value)
{
    put_varint(out, number << 3 | (size == 8 ? 1 : 5));
    for (unsigned i = 0; i < size; i++)
        put_byte(out, value >> (8 * i));
}

static void put_int(struct buf *out, uint32_t number, uint64_t value)
{
    put_varint(out, number << 3);
    put_varint(out, value);
}

static void put_field(struct buf *out, uint32_t number, const struct buf *payload)
{
    struct error err;
    put_varint(out, number << 3 | 2);
    put_varint(out, payload->size);
    ASSERT(buf_append(out, payload->data, payload->size, &err) == ST_OK);
}

/* Moves what `part` holds into the field and frees it. */
static void put_message(struct buf *out, uint32_t number, struct buf *part)
{
    put_field(out, number, part);
    buf_fini(part);
}

static struct buf new_part(void)
{
    struct buf part;
    buf_init(&part, (size_t)16 << 20);
    return part;
}

static void put_character(struct random *random, struct buf *out)
{
    static const char *const odd[] = {"\"",           "\\",
                                      "\n",           "\x01",
                                      "\x7f",         "\xc3\xa4",
                                      "\xe2\x80\xa8", "\xe2\x80\xa9",
                                      "\xe4\xb8\xad", "\xf0\x9f\x98\x80",
                                      "\t",           "/"};
    struct error err;
    const char *text = odd[random_below(random, COUNT_OF(odd))];
    if (random_below(random, 12) > 0)
        put_byte(out, ' ' + random_below(random, 95));
    else
        ASSERT(buf_append(out, text, strlen(text), &err) == ST_OK);
}

static void put_text_of(struct random *random, struct buf *out, uint32_t number, uint32_t size)
{
    struct buf text = new_part();
    for (uint32_t i = 0; i < size; i++)
        put_character(random, &text);
    put_message(out, number, &text);
}

static void put_text(struct random *random, struct buf *out, uint32_t number)
{
    static const uint32_t sizes[] = {1, 10, 40, 140, 300};
    uint32_t size = random_below(random, sizes[random_below(random, COUNT_OF(sizes))]);
    put_text_of(random, out, number, random_below(random, 500) == 0 ? 20000 : size);
}

static void put_bytes(struct random *random, struct buf *out, uint32_t number, uint32_t size)
{
    struct buf bytes = new_part();
    for (uint32_t i = 0; i < size; i++)
        put_byte(&bytes, random_next(random));
    put_message(out, number, &bytes);
}

/* A field from a version of the protocol that is not written yet. */
static void maybe_unknown(struct random *random, struct buf *out)
{
    if (random_below(random, 8) > 0)
        return;
    uint32_t number = 100 + random_below(random, 5000);
    switch (random_below(random, 4)) {
    case 0:
        put_int(out, number, random_next(random));
        break;
    case 1:
        put_fixed(out, number, 8, random_next(random));
        break;
    case 2:
        put_fixed(out, number, 4, random_next(random));
        break;
    default:
        put_bytes(random, out, number, random_below(random, 200));
        break;
    }
}

static uint64_t random_double(struct random *random)
{
    static const double odd[] = {0.0,  -0.0,   1.0,  -1.5, 0.1,      1e300,     5e-324,
                                 1e15, 123456, 1e22, NAN,  INFINITY, -INFINITY, 1.0 / 3.0};
    uint64_t bits = random_next(random);
    if (random_below(random, 2) == 0)
        memcpy(&bits, &odd[random_below(random, COUNT_OF(odd))], sizeof(bits));
    return bits;
}

static void put_attribute(struct random *random, struct buf *out, uint32_t number, uint32_t depth);
static void put_any(struct random *random, struct buf *out, uint32_t number, uint32_t depth);

static void put_list(struct random *random, struct buf *out, uint32_t number, bool keys,
                     uint32_t depth)
{
    struct buf list = new_part();
    uint32_t count = random_below(random, 4);
    for (uint32_t i = 0; i < count; i++) {
        if (keys)
            put_attribute(random, &list, 1, depth + 1);
        else
            put_any(random, &list, 1, depth + 1);
        maybe_unknown(random, &list);
    }
    put_message(out, number, &list);
}

static void put_any(struct random *random, struct buf *out, uint32_t number, uint32_t depth)
{
    struct buf any = new_part();
    switch (random_below(random, depth < 6 ? 9 : 6)) {
    case 0:
        break;
    case 1:
        put_int(&any, 2, random_below(random, 2));
        break;
    case 2:
        put_int(&any, 3, random_next(random) >> random_below(random, 64));
        break;
    case 3:
        put_fixed(&any, 4, 8, random_double(random));
        break;
    case 4:
        put_bytes(random, &any, 7, random_below(random, 150));
        break;
    case 6:
        put_list(random, &any, 5, false, depth);
        break;
    case 7:
        put_list(random, &any, 6, true, depth);
        break;
    default:
        put_text(random, &any, 1);
        break;
    }
    maybe_unknown(random, &any);
    put_message(out, number, &any);
}

static void put_attribute(struct random *random, struct buf *out, uint32_t number, uint32_t depth)
{
    struct buf attribute = new_part();
    put_text_of(random, &attribute, 1, random_below(random, 200));
    if (random_below(random, 20) > 0)
        put_any(random, &attribute, 2, depth);
    maybe_unknown(random, &attribute);
    put_message(out, number, &attribute);
}

static void put_attributes(struct random *random, struct buf *out, uint32_t number, uint32_t most)
{
    uint32_t count = random_below(random, most + 1);
    for (uint32_t i = 0; i < count; i++)
        put_attribute(random, out, number, 0);
}

static void put_record(struct random *random, struct buf *out)
{
    struct buf record = new_part();
    uint64_t present = random_next(random);
    if (present & 1)
        put_fixed(&record, 1, 8, random_next(random));
    if (present & 2)
        put_int(&record, 2, random_below(random, 25));
    if (present & 4)
        put_text(random, &record, 3);
    if (present & 8)
        put_any(random, &record, 5, 0);
    put_attributes(random, &record, 6, 20);
    if (present & 16)
        put_int(&record, 7, random_next(random) & UINT32_MAX);
    if (present & 32)
        put_fixed(&record, 8, 4, random_next(random));
    if (present & 64)
        put_bytes(random, &record, 9, 16);
    if (present & 128)
        put_bytes(random, &record, 10, 8);
    if (present & 256)
        put_fixed(&record, 11, 8, random_next(random));
    if (present & 512)
        put_text(random, &record, 12);
    maybe_unknown(random, &record);
    put_message(out, 2, &record);
}

static void put_scope_logs(struct random *random, struct buf *out)
{
    struct buf scope_logs = new_part();
    if (random_below(random, 4) > 0) {
        struct buf scope = new_part();
        put_text(random, &scope, 1);
        put_text(random, &scope, 2);
        put_attributes(random, &scope, 3, 3);
        put_int(&scope, 4, random_below(random, 3));
        maybe_unknown(random, &scope);
        put_message(&scope_logs, 1, &scope);
    }
    uint32_t count = random_below(random, 4);
    for (uint32_t i = 0; i < count; i++)
        put_record(random, &scope_logs);
    if (random_below(random, 2) == 0)
        put_text(random, &scope_logs, 3);
    maybe_unknown(random, &scope_logs);
    put_message(out, 2, &scope_logs);
}

static void put_entity(struct random *random, struct buf *out)
{
    struct buf entity = new_part();
    put_text(random, &entity, 1);
    put_text(random, &entity, 2);
    put_text(random, &entity, 3);
    put_text(random, &entity, 4);
    put_text(random, &entity, 4);
    put_message(out, 3, &entity);
}

static void put_resource_logs(struct random *random, struct buf *out)
{
    struct buf resource_logs = new_part();
    if (random_below(random, 4) > 0) {
        struct buf resource = new_part();
        put_attributes(random, &resource, 1, 6);
        put_int(&resource, 2, random_below(random, 3));
        if (random_below(random, 3) == 0)
            put_entity(random, &resource);
        maybe_unknown(random, &resource);
        put_message(&resource_logs, 1, &resource);
    }
    uint32_t count = random_below(random, 3);
    for (uint32_t i = 0; i < count; i++)
        put_scope_logs(random, &resource_logs);
    if (random_below(random, 2) == 0)
        put_text(random, &resource_logs, 3);
    maybe_unknown(random, &resource_logs);
    put_message(out, 1, &resource_logs);
}

void random_request(struct random *random, struct buf *out)
{
    uint32_t count = random_below(random, 4);
    for (uint32_t i = 0; i < count; i++)
        put_resource_logs(random, out);
    maybe_unknown(random, out);
}

/* Puts the fields from `pivot` upwards first; within each half the order stays. */
static void rotate_fields(struct slice message, uint32_t pivot)
{
    struct error err;
    struct buf moved = new_part();
    for (int half = 0; half < 2; half++) {
        struct pb_walk walk = pb_walk_start(message);
        struct pb_field field;
        while (pb_next(&walk, &field) == PB_FIELD) {
            if ((field.number < pivot) == (half == 1))
                ASSERT(buf_append(&moved, field.whole.data, field.whole.size, &err) == ST_OK);
        }
    }
    ASSERT(moved.size == message.size);
    if (moved.size > 0)
        memcpy((uint8_t *)message.data, moved.data, moved.size); /* ours: part of a buffer */
    buf_fini(&moved);
}

static void reorder(struct random *random, struct slice message, uint32_t level)
{
    static const uint32_t child[] = {1, 2, 2};
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    while (level < COUNT_OF(child) && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == child[level])
            reorder(random, field.bytes, level + 1);
    }
    rotate_fields(message, 1 + random_below(random, 12));
}

void random_reorder(struct random *random, struct buf *request)
{
    reorder(random, buf_slice(request), 0);
}
