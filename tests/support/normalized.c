/* SPDX-License-Identifier: Apache-2.0 */
/* normalized.c -- see normalized.h. */
#include "support/normalized.h"

#include <stdlib.h>

enum { BYTES_MAX = 1 << 26 };

struct normalized *normalized_read(struct slice record, size_t record_size)
{
    struct error err = {.status = ST_OK};
    struct normalized *self = calloc(1, sizeof(*self));
    ASSERT(self != NULL);
    buf_init(&self->bytes, BYTES_MAX);
    self->record_size = record_size;
    ASSERT(buf_append(&self->bytes, record.data, record.size, &err) == ST_OK);
    const struct otlp_limits limits = {.record_size_max = BYTES_MAX,
                                       .attribute_count_max = NORMALIZED_ATTRIBUTES_MAX,
                                       .key_size_max = 2048,
                                       .depth_max = 64};
    struct slice whole = buf_slice(&self->bytes);
    enum status st = otlp_read_record(whole, &limits, self->whole_attributes,
                                      NORMALIZED_ATTRIBUTES_MAX, &self->whole, &err);
    ASSERT(st == ST_OK);
    st = otlp_read_record(slice_from(whole, self->record_size), &limits, self->our_attributes,
                          NORMALIZED_ATTRIBUTES_MAX, &self->ours, &err);
    ASSERT(st == ST_OK);
    return self;
}

struct normalized *normalized_make(struct normalizer *normalizer,
                                   const struct normalize_input *input)
{
    struct error err = {.status = ST_OK};
    struct buf bytes;
    buf_init(&bytes, BYTES_MAX);
    ASSERT(buf_append(&bytes, input->record.data, input->record.size, &err) == ST_OK);
    enum status st = normalize_record(normalizer, input, &bytes, &err);
    ASSERT(st == ST_OK);
    struct normalized *self = normalized_read(buf_slice(&bytes), input->record.size);
    buf_fini(&bytes);
    return self;
}

void normalized_destroy(struct normalized *normalized)
{
    if (normalized == NULL)
        return;
    buf_fini(&normalized->bytes);
    free(normalized);
}

enum { CHAIN_MAX = 9 }; /* a longer one is no part of the rule */

/* agent.norm. before the rest; -1 when the rest is not `key`. */
static int chain_of(struct slice text, struct slice key)
{
    const struct slice prefix = SLICE("agent.norm.");
    int chain = 0;
    while (!slice_equal(text, key)) {
        if (!slice_starts_with(text, prefix))
            return -1;
        text = slice_from(text, prefix.size);
        chain++;
    }
    return chain <= CHAIN_MAX ? chain : -1;
}

const struct any_view *normalized_value(const struct normalized *normalized, const char *key)
{
    const struct any_view *found = NULL;
    int longest = 0;
    for (size_t i = 0; i < normalized->whole.attribute_count; i++) {
        const struct attribute_view *attribute = &normalized->whole.attributes[i];
        int chain = chain_of(attribute->key, slice_of_text(key));
        if (chain >= longest) {
            longest = chain;
            found = &attribute->value;
        }
    }
    return found;
}

struct slice normalized_text(const struct normalized *normalized, const char *key)
{
    const struct any_view *value = normalized_value(normalized, key);
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

bool normalized_lists_error(const struct normalized *normalized, const char *key)
{
    const struct any_view *list = normalized_value(normalized, "agent.norm.errors");
    struct error err;
    if (list == NULL)
        return false;
    struct pb_walk walk = pb_walk_start(list->bytes);
    struct pb_field field;
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct any_view element;
        if (otlp_read_any(field.bytes, &element, &err) == ST_OK &&
            slice_equal(element.bytes, slice_of_text(key)))
            return true;
    }
    return false;
}
