/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_setup.c -- making a mapping: the keys and words of the model, encoded once. */
#include <stdlib.h>

#include "normalize/mapping.h"

enum {
    KEY_OVERHEAD_MAX = 64,   /* of one beyond its name */
    ENCODED_MAX = 64 * 1024, /* keys and words of the model */
};

/* The type that alone makes a value valid; ANY_TYPE_NONE: there is more to look at. */
static uint8_t plain_type(const struct schema_attribute *attribute)
{
    static const uint8_t types[] = {[VALUE_TEXT] = ANY_TYPE_STRING,
                                    [VALUE_INT] = ANY_TYPE_INT,
                                    [VALUE_DOUBLE] = ANY_TYPE_DOUBLE,
                                    [VALUE_BOOL] = ANY_TYPE_BOOL,
                                    [VALUE_TEXTS] = ANY_TYPE_ARRAY};
    bool has_range = attribute == &schema_attributes[KEY_AGENT_SEVERITY];
    return attribute->words != NULL || has_range ? ANY_TYPE_NONE : types[attribute->type];
}

static enum status encode_key(struct mapping *m, uint16_t id, struct error *err)
{
    struct slice key = slice_of_text(schema_attributes[id].key);
    ASSERT(key.size < MAPPING_SHORT_MAX);
    size_t start = m->encoded.size;
    enum status st = buf_reserve(&m->encoded, key.size + KEY_OVERHEAD_MAX, err);
    if (st != ST_OK)
        return st;
    const uint8_t *end = pb_put_bytes(m->encoded.data + start, KEY_VALUE_KEY, key);
    m->encoded.size = (size_t)(end - m->encoded.data);
    m->encoded_keys[id] = slice_of(m->encoded.data + start, m->encoded.size - start);
    text_table_add(&m->keys, key, id);
    m->plain_types[id] = plain_type(&schema_attributes[id]);
    return ST_OK;
}

static enum status encode_words(struct mapping *m, uint16_t id, struct error *err)
{
    const char *const *words = schema_attributes[id].words;
    enum status st = ST_OK;
    for (size_t i = 0; words != NULL && words[i] != NULL && st == ST_OK; i++) {
        ASSERT(i < SCHEMA_WORDS_MAX);
        size_t start = m->encoded.size;
        st = pb_append_text(&m->encoded, RECORD_ATTRIBUTES,
                            slice_of_text(schema_attributes[id].key), slice_of_text(words[i]), err);
        m->encoded_words[id][i] = slice_of(m->encoded.data + start, m->encoded.size - start);
    }
    return st;
}

static enum status encode_model(struct mapping *m, struct error *err)
{
    /* Reserved at once: the slices point into it. */
    buf_init(&m->encoded, ENCODED_MAX);
    enum status st = buf_reserve(&m->encoded, ENCODED_MAX, err);
    if (st == ST_OK)
        memset(m->encoded.data, 0, ENCODED_MAX);
    for (uint16_t id = 0; id < SCHEMA_KEY_COUNT && st == ST_OK; id++) {
        st = encode_key(m, id, err);
        if (st == ST_OK)
            st = encode_words(m, id, err);
    }
    ASSERT(st != ST_OK || buf_room(&m->encoded) >= MAPPING_KEY_SLACK);
    return st;
}

enum status mapping_init(struct mapping *m, const struct otlp_limits *limits, struct error *err)
{
    *m = (struct mapping){.limits = *limits};
    if (m->limits.attribute_count_max >= UINT16_MAX)
        m->limits.attribute_count_max = UINT16_MAX - 1; /* `at` counts from 1 in 16 bits */
    size_t attribute_max = m->limits.attribute_count_max;
    buf_init(&m->scratch, MAPPING_SCRATCH_MAX);
    m->attributes = calloc(attribute_max + 1, sizeof(*m->attributes));
    m->attribute_ids = calloc(attribute_max + 1, sizeof(*m->attribute_ids));
    enum status st = ST_OK;
    if (m->attributes == NULL || m->attribute_ids == NULL)
        st = error_set(err, ST_NO_MEMORY, "room for %zu attributes", attribute_max);
    if (st == ST_OK)
        st = buf_reserve(&m->scratch, MAPPING_SCRATCH_MAX, err);
    if (st == ST_OK)
        st = text_table_init(&m->keys, MAPPING_KEYS_MAX, err);
    if (st == ST_OK)
        st = encode_model(m, err);
    if (st == ST_OK)
        st = text_table_init(&m->kinds, KIND_COUNT, err);
    for (uint16_t kind = 0; st == ST_OK && kind < KIND_COUNT; kind++)
        text_table_add(&m->kinds, slice_of_text(schema_kinds[kind].name), kind);
    if (st == ST_OK)
        st = lineage_create(&m->lineage, err);
    if (st != ST_OK)
        mapping_fini(m);
    return st;
}

void mapping_fini(struct mapping *m)
{
    lineage_destroy(m->lineage);
    text_table_fini(&m->keys);
    text_table_fini(&m->kinds);
    buf_fini(&m->scratch);
    free(m->attributes);
    free(m->attribute_ids);
    buf_fini(&m->encoded);
    *m = (struct mapping){.limits = m->limits};
}

uint16_t mapping_key_id(struct mapping *m, struct slice key)
{
    uint16_t id = text_table_find(&m->keys, key);
    if (id != TEXT_TABLE_NONE)
        return id;
    ASSERT(m->keys.count < MAPPING_KEYS_MAX);
    id = (uint16_t)m->keys.count;
    text_table_add(&m->keys, key, id);
    return id;
}
