/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_key.c -- see kafka_key.h.
 *
 * Normalizing lays attributes behind the sender's own, and the last one of a name counts, as
 * everywhere; so the record is walked to its end.
 */
#include "kafka_key.h"

#include <stdbool.h>

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

enum {
    RECORD_ATTRIBUTES = 6,
    SPAN_TRACE_ID = 1,
    SPAN_ATTRIBUTES = 9,
    ATTRIBUTE_KEY = 1,
    ATTRIBUTE_VALUE = 2,
    VALUE_TEXT = 1,
};

struct part {
    uint32_t number;
    bool is_bytes;
    struct slice bytes;
};

struct names_found {
    struct slice session;
    struct slice conversation;
    struct slice trace_id;
};

static bool take_number(struct slice *in, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < in->size && i < 10; i++) {
        value |= (uint64_t)(in->data[i] & 0x7F) << (7 * i);
        if (in->data[i] < 0x80) {
            *in = slice_from(*in, i + 1);
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct slice *in, uint64_t size, struct slice *ret)
{
    if (size > in->size)
        return false;
    *ret = slice_of(in->data, (size_t)size);
    *in = slice_from(*in, (size_t)size);
    return true;
}

/* Groups, which nobody sends, count as damage: there is no key then, which is no loss. */
static bool take_part(struct slice *in, struct part *ret)
{
    uint64_t tag;
    uint64_t value;

    if (!take_number(in, &tag) || tag >> 3 > UINT32_MAX)
        return false;
    *ret = (struct part){.number = (uint32_t)(tag >> 3), .is_bytes = (tag & 7) == BYTES};
    switch ((enum wire)(tag & 7)) {
    case VARINT:
        return take_number(in, &value);
    case FIXED64:
        return take_bytes(in, 8, &ret->bytes);
    case FIXED32:
        return take_bytes(in, 4, &ret->bytes);
    case BYTES:
        return take_number(in, &value) && take_bytes(in, value, &ret->bytes);
    default:
        return false;
    }
}

/* The text of an AnyValue; empty when it is something else. */
static struct slice read_text(struct slice value)
{
    struct slice text = SLICE_EMPTY;
    struct part part;

    while (value.size > 0 && take_part(&value, &part))
        text = part.is_bytes && part.number == VALUE_TEXT ? part.bytes : SLICE_EMPTY;
    return text;
}

static void note_attribute(struct slice attribute, struct names_found *found)
{
    struct slice key = SLICE_EMPTY;
    struct slice value = SLICE_EMPTY;
    struct part part;

    while (attribute.size > 0 && take_part(&attribute, &part)) {
        if (part.is_bytes && part.number == ATTRIBUTE_KEY)
            key = part.bytes;
        else if (part.is_bytes && part.number == ATTRIBUTE_VALUE)
            value = part.bytes;
    }
    if (slice_equal(key, SLICE("session.id")))
        found->session = read_text(value);
    else if (slice_equal(key, SLICE("gen_ai.conversation.id")))
        found->conversation = read_text(value);
}

struct slice kafka_key_of(enum signal signal, struct slice record)
{
    struct names_found found = {.session = SLICE_EMPTY};
    uint32_t attributes = signal == SIGNAL_TRACES ? SPAN_ATTRIBUTES : RECORD_ATTRIBUTES;
    struct part part;

    if (signal == SIGNAL_METRICS)
        return SLICE_EMPTY;
    while (record.size > 0) {
        if (!take_part(&record, &part))
            return SLICE_EMPTY;
        if (part.is_bytes && part.number == attributes)
            note_attribute(part.bytes, &found);
        else if (part.is_bytes && signal == SIGNAL_TRACES && part.number == SPAN_TRACE_ID)
            found.trace_id = part.bytes;
    }
    struct slice key = found.session.size > 0        ? found.session
                       : found.conversation.size > 0 ? found.conversation
                                                     : found.trace_id;
    key.size = key.size <= KAFKA_KEY_SIZE_MAX ? key.size : KAFKA_KEY_SIZE_MAX;
    return key;
}
