/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.c -- see mapping.h.
 *
 * Keys of the model are kept as encoded KeyValue.key fields, so that an attribute is written as
 * four short headers and two copies.  Whether the sender wrote the key is one load in nearly all
 * cases; comparing values, and looking for chains of agent.norm., is for the records that need
 * it.
 */
#include "normalize/mapping.h"

#define NORM_PREFIX  SLICE("agent.norm.")
#define PEER_PREFIX  SLICE("agent.peer.")
#define AGENT_PREFIX SLICE("agent.")

enum {
    TAG_ATTRIBUTES = RECORD_ATTRIBUTES << 3 | WIRE_BYTES,
    TAG_VALUE = KEY_VALUE_VALUE << 3 | WIRE_BYTES,
    TAG_STRING = ANY_STRING << 3 | WIRE_BYTES,
    FIELD_OVERHEAD_MAX = 64, /* of one attribute beyond key and value */
};

/* --- What the sender wrote ---------------------------------------------------------------- */

struct slice mapping_source_text(const struct mapping *m, uint8_t source)
{
    const struct any_view *value = mapping_source(m, source);
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

bool mapping_source_true(const struct mapping *m, uint8_t source)
{
    const struct any_view *value = mapping_source(m, source);
    return value != NULL && value->type == ANY_TYPE_BOOL && value->integer != 0;
}

bool mapping_is_ours_alone(uint16_t id)
{
    switch (id) {
    case KEY_AGENT_SCHEMA_VERSION:
    case KEY_AGENT_EVENT_KIND:
    case KEY_AGENT_DIALECT:
    case KEY_AGENT_DIALECT_EVENT:
    case KEY_AGENT_TRANSPORT:
    case KEY_AGENT_TIME_SOURCE:
    case KEY_AGENT_NORM_ERRORS:
    case KEY_AGENT_DERIVED:
    case KEY_AGENT_DERIVED_FROM:
    case KEY_LOG_RECORD_UID:
    case KEY_AGENT_PEER_ATTESTATION:
    case KEY_AGENT_PEER_PID:
    case KEY_AGENT_PEER_UID:
    case KEY_AGENT_PEER_GID:
    case KEY_AGENT_PEER_EXECUTABLE_PATH:
    case KEY_AGENT_PEER_CREATION_TIME:
    case KEY_AGENT_PEER_LINUX_CGROUP:
    case KEY_AGENT_PEER_CONTAINER_ID:
        return true;
    default:
        return false;
    }
}

bool mapping_is_fixed(uint16_t id)
{
    return id == KEY_AGENT_SCHEMA_VERSION || id == KEY_AGENT_DIALECT || id == KEY_AGENT_TRANSPORT ||
           id == KEY_AGENT_EVENT_KIND || id == KEY_AGENT_PRODUCT;
}

/* Over OTLP a native sender has no other place to say these. */
static bool is_native_word(const struct mapping *m, uint16_t id)
{
    return m->input->is_native && (id == KEY_AGENT_DIALECT || id == KEY_AGENT_EVENT_KIND);
}

/* Readers leave out what is listed; what cannot be listed must not be believed for that. */
static void note_forged(struct mapping *m, struct slice key)
{
    m->forges_all |= !mapping_error(m, key);
}

/* A key that begins with agent. */
static void note_agent_key(struct mapping *m, struct slice key, uint16_t id)
{
    struct slice rest = key;
    int chain = believed_chain(&rest);
    if (chain > 0) {
        m->is_odd = true;
        if (chain <= MAPPING_CHAIN_MAX && chain > m->chain)
            m->chain = chain;
        m->forges_all |= chain == MAPPING_CHAIN_MAX; /* ours goes no further */
        m->forges_peer |= slice_starts_with(rest, PEER_PREFIX);
        note_forged(m, key);
    } else if (slice_starts_with(key, PEER_PREFIX)) {
        m->forges_peer = true;
        note_forged(m, key);
    } else if (id < SCHEMA_KEY_COUNT) {
        m->has_fixed |= mapping_is_fixed(id);
        if (!m->trusts_sender || (mapping_is_ours_alone(id) && !is_native_word(m, id)))
            note_forged(m, key);
    }
}

void mapping_add_source(struct mapping *m, struct slice key, const struct any_view *value)
{
    if (m->record.attribute_count == m->limits.attribute_count_max)
        return;
    m->attributes[m->record.attribute_count++] =
        (struct attribute_view){.key = key, .value = *value};
}

void mapping_index(struct mapping *m)
{
    m->has_fixed = m->is_odd = m->forges_peer = m->forges_all = false;
    m->chain = 0;
    m->error_count = m->errors_size = 0;
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        struct slice key = m->record.attributes[i].key;
        uint16_t id = text_table_find(&m->keys, key);
        m->attribute_ids[i] = id;
        if (id != TEXT_TABLE_NONE) {
            if (m->at[id] == 0) {
                m->at[id] = (uint16_t)(i + 1);
            } else {
                m->is_odd = true;
                (void)mapping_error(m, key); /* what is forged of them is noted below */
            }
        }
        if (slice_starts_with(key, AGENT_PREFIX))
            note_agent_key(m, key, id);
    }
}

void mapping_forget(struct mapping *m)
{
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        if (m->attribute_ids[i] != TEXT_TABLE_NONE)
            m->at[m->attribute_ids[i]] = 0;
    }
    m->record.attribute_count = 0;
}

bool mapping_error(struct mapping *m, struct slice key)
{
    for (size_t i = 0; i < m->error_count; i++) {
        if (slice_equal(m->errors[i], key))
            return true;
    }
    if (m->error_count == MAPPING_ERRORS_MAX || m->errors_size + key.size > MAPPING_ERRORS_SIZE_MAX)
        return false;
    m->errors[m->error_count++] = key;
    m->errors_size += key.size;
    return true;
}

static bool is_word(const char *const *words, struct slice text)
{
    for (; *words != NULL; words++) {
        if ((*words)[0] == (char)text.data[0] &&
            strncmp(*words, (const char *)text.data, text.size) == 0 && (*words)[text.size] == '\0')
            return true;
    }
    return false;
}

bool mapping_is_valid(enum schema_key key, const struct any_view *value)
{
    const struct schema_attribute *attribute = &schema_attributes[key];
    switch (attribute->type) {
    case VALUE_TEXT:
        return value->type == ANY_TYPE_STRING &&
               (attribute->words == NULL ||
                (value->bytes.size > 0 && is_word(attribute->words, value->bytes)));
    case VALUE_INT:
        return value->type == ANY_TYPE_INT &&
               (key != KEY_AGENT_SEVERITY || (value->integer >= 1 && value->integer <= 24));
    case VALUE_DOUBLE:
        return value->type == ANY_TYPE_DOUBLE || value->type == ANY_TYPE_INT;
    case VALUE_BOOL:
        return value->type == ANY_TYPE_BOOL;
    case VALUE_TEXTS:
        return value->type == ANY_TYPE_ARRAY;
    }
    return false;
}

/* --- What we append ------------------------------------------------------------------------ */

struct our_value {
    enum value_type type;
    struct slice text;
    int64_t integer; /* INT and BOOL */
    double number;
    const struct slice *texts;
    size_t count;
};

static bool texts_equal(struct slice array, const struct slice *texts, size_t count)
{
    struct pb_walk walk = pb_walk_start(array);
    struct pb_field field;
    size_t at = 0;
    while (pb_next(&walk, &field) == PB_FIELD) {
        struct any_view element;
        struct error ignored;
        if (at == count || field.number != LIST_VALUES || field.type != WIRE_BYTES ||
            otlp_read_any(field.bytes, &element, &ignored) != ST_OK ||
            element.type != ANY_TYPE_STRING || !slice_equal(element.bytes, texts[at]))
            return false;
        at++;
    }
    return at == count;
}

static bool value_equal(const struct any_view *theirs, const struct our_value *ours)
{
    switch (ours->type) {
    case VALUE_TEXT:
        return theirs->type == ANY_TYPE_STRING && slice_equal(theirs->bytes, ours->text);
    case VALUE_INT:
        return theirs->type == ANY_TYPE_INT && theirs->integer == ours->integer;
    case VALUE_BOOL:
        return theirs->type == ANY_TYPE_BOOL && theirs->integer == ours->integer;
    case VALUE_DOUBLE:
        return (theirs->type == ANY_TYPE_DOUBLE && theirs->number == ours->number) ||
               (theirs->type == ANY_TYPE_INT && (double)theirs->integer == ours->number);
    case VALUE_TEXTS:
        return theirs->type == ANY_TYPE_ARRAY &&
               texts_equal(theirs->bytes, ours->texts, ours->count);
    }
    return false;
}

/* Whether a value of a trusted sender stands in place of ours.  The phase does not: the engine
 * has taken over the sender's if the kind has it. */
static bool stands(const struct mapping *m, enum schema_key key)
{
    return m->trusts_sender && key != KEY_AGENT_EVENT_PHASE && !mapping_is_ours_alone(key);
}

/* Whether a sender's value is listed as forged, so that ours must stand beside it even if it says
 * the same.  Of what is in every record readers take it all the same. */
static bool is_forged(const struct mapping *m, enum schema_key key)
{
    return (!m->trusts_sender || mapping_is_ours_alone(key)) &&
           slice_starts_with(slice_of_text(schema_attributes[key].key), AGENT_PREFIX) &&
           schema_attributes[key].requirement != SCHEMA_REQUIRED;
}

enum { PLACE_SKIP = -1 }; /* otherwise the number of agent.norm. to write before the key */

/* Where ours outruns a sender's chain; of the longest that counts ours is the last, and so the one
 * that is read. */
static int chain_behind(int chain)
{
    return chain < MAPPING_CHAIN_MAX ? chain + 1 : MAPPING_CHAIN_MAX;
}

static int place_in_odd_record(const struct mapping *m, enum schema_key key,
                               const struct our_value *ours)
{
    struct slice name = slice_of_text(schema_attributes[key].key);
    int chain = -1;
    bool same = true, valid = true;
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        const struct attribute_view *attribute = &m->record.attributes[i];
        struct slice rest = attribute->key;
        if (rest.size < name.size || !slice_equal(slice_from(rest, rest.size - name.size), name))
            continue; /* most keys, and a sender may have written a thousand */
        int length = believed_chain(&rest);
        if (length < chain || length > MAPPING_CHAIN_MAX || !slice_equal(rest, name))
            continue;
        bool equal = value_equal(&attribute->value, ours);
        same = equal && (length > chain || same);
        valid = mapping_is_valid(key, &attribute->value) && (length > chain || valid);
        chain = length;
    }
    if (chain >= 0 && same && !is_forged(m, key))
        return PLACE_SKIP;
    if (chain == 0 && valid && stands(m, key))
        return PLACE_SKIP;
    return chain_behind(chain);
}

static int place(const struct mapping *m, enum schema_key key, const struct our_value *ours)
{
    if (m->is_odd)
        return place_in_odd_record(m, key, ours);
    if (m->at[key] == 0)
        return 0;
    const struct any_view *theirs = &m->record.attributes[m->at[key] - 1].value;
    if (value_equal(theirs, ours) && !is_forged(m, key))
        return PLACE_SKIP;
    if (stands(m, key) && mapping_is_valid(key, theirs))
        return PLACE_SKIP;
    return 1;
}

static uint8_t *put_chained_key(uint8_t *at, int chain, struct slice key)
{
    at = pb_put_header(at, KEY_VALUE_KEY, (size_t)chain * NORM_PREFIX.size + key.size);
    for (int i = 0; i < chain; i++) {
        memcpy(at, NORM_PREFIX.data, NORM_PREFIX.size);
        at += NORM_PREFIX.size;
    }
    if (key.size > 0)
        memcpy(at, key.data, key.size);
    return at + key.size;
}

/* Writes the field up to the first byte of the AnyValue, of `any_size` bytes, and returns where
 * it goes; the caller writes it and calls end_attribute().  NULL: failed. */
static uint8_t *begin_attribute(struct mapping *m, enum schema_key key, int chain, size_t any_size)
{
    struct slice encoded = m->encoded_keys[key];
    size_t room = FIELD_OVERHEAD_MAX + encoded.size + (size_t)chain * NORM_PREFIX.size + any_size;
    if (room > buf_room(m->out)) {
        m->status = buf_reserve(m->out, room, m->err);
        if (m->status != ST_OK)
            return NULL;
    }
    struct slice name = slice_from(encoded, 2); /* no key of ours is longer than 127 */
    size_t chained = name.size + (size_t)chain * NORM_PREFIX.size;
    size_t key_size = chain == 0 ? encoded.size : 1 + pb_varint_size(chained) + chained;
    uint8_t *at = m->out->data + m->out->size;
    *at++ = TAG_ATTRIBUTES;
    at = pb_put_varint(at, key_size + 1 + pb_varint_size(any_size) + any_size);
    if (chain == 0) {
        memcpy(at, encoded.data, encoded.size);
        at += encoded.size;
    } else {
        at = put_chained_key(at, chain, name);
    }
    *at++ = KEY_VALUE_VALUE << 3 | WIRE_BYTES;
    return pb_put_varint(at, any_size);
}

static void end_attribute(struct mapping *m, const uint8_t *end)
{
    m->out->size = (size_t)(end - m->out->data);
    ASSERT(m->out->size <= m->out->capacity);
}

/* Copies an encoded key by pieces of 16 bytes, which is quicker than a call; room behind it is
 * there on both sides (MAPPING_KEY_SLACK, FIELD_OVERHEAD_MAX). */
static uint8_t *copy_key(uint8_t *out, struct slice encoded)
{
    for (size_t at = 0; at < encoded.size; at += MAPPING_KEY_SLACK)
        memcpy(out + at, encoded.data + at, MAPPING_KEY_SLACK);
    return out + encoded.size;
}

/* The usual attribute: the sender has no such key, and each length is one byte. */
static bool put_short_text(struct mapping *m, enum schema_key key, struct slice value)
{
    struct slice encoded = m->encoded_keys[key];
    size_t size = encoded.size + 4 + value.size;
    if (size >= MAPPING_SHORT_MAX || size + FIELD_OVERHEAD_MAX > buf_room(m->out) ||
        m->status != ST_OK)
        return false;
    uint8_t *at = m->out->data + m->out->size;
    *at++ = TAG_ATTRIBUTES;
    *at++ = (uint8_t)size;
    at = copy_key(at, encoded);
    *at++ = TAG_VALUE;
    *at++ = (uint8_t)(value.size + 2);
    *at++ = TAG_STRING;
    *at++ = (uint8_t)value.size;
    if (value.size > 0)
        memcpy(at, value.data, value.size);
    m->out->size += size + 2;
    return true;
}

void mapping_put_text(struct mapping *m, enum schema_key key, struct slice value)
{
    if (m->at[key] == 0 && !m->is_odd && put_short_text(m, key, value))
        return;
    int chain = place(m, key, &(struct our_value){.type = VALUE_TEXT, .text = value});
    if (m->status != ST_OK || chain == PLACE_SKIP)
        return;
    if (value.size > MAPPING_COPY_MAX) {
        mapping_error(m, slice_of_text(schema_attributes[key].key));
        return;
    }
    uint8_t *at = begin_attribute(m, key, chain, 1 + pb_varint_size(value.size) + value.size);
    if (at != NULL)
        end_attribute(m, pb_put_bytes(at, ANY_STRING, value));
}

void mapping_put_word(struct mapping *m, enum schema_key key, unsigned word)
{
    if (m->at[key] == 0 && !m->is_odd)
        mapping_put_raw(m, m->encoded_words[key][word]);
    else
        mapping_put_text(m, key, slice_of_text(schema_attributes[key].words[word]));
}

/* An AnyValue of one short field. */
static void put_scalar(struct mapping *m, enum schema_key key, const struct our_value *ours,
                       const uint8_t *any, const uint8_t *any_end)
{
    int chain = place(m, key, ours);
    if (m->status != ST_OK || chain == PLACE_SKIP)
        return;
    size_t any_size = (size_t)(any_end - any);
    uint8_t *at = begin_attribute(m, key, chain, any_size);
    if (at == NULL)
        return;
    memcpy(at, any, any_size);
    end_attribute(m, at + any_size);
}

void mapping_put_int(struct mapping *m, enum schema_key key, int64_t value)
{
    uint8_t any[PB_TAG_MAX + PB_VARINT_MAX];
    const uint8_t *end = pb_put_uint(any, ANY_INT, (uint64_t)value);
    put_scalar(m, key, &(struct our_value){.type = VALUE_INT, .integer = value}, any, end);
}

void mapping_put_double(struct mapping *m, enum schema_key key, double value)
{
    uint8_t any[PB_TAG_MAX + 8];
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint8_t *end = pb_put_fixed64(any, ANY_DOUBLE, bits);
    put_scalar(m, key, &(struct our_value){.type = VALUE_DOUBLE, .number = value}, any, end);
}

void mapping_put_bool(struct mapping *m, enum schema_key key, bool value)
{
    uint8_t any[PB_TAG_MAX + PB_VARINT_MAX];
    const uint8_t *end = pb_put_uint(any, ANY_BOOL, value);
    put_scalar(m, key, &(struct our_value){.type = VALUE_BOOL, .integer = value}, any, end);
}

static size_t field_size(size_t size)
{
    return 1 + pb_varint_size(size) + size;
}

void mapping_put_texts(struct mapping *m, enum schema_key key, const struct slice *values,
                       size_t count)
{
    struct our_value ours = {.type = VALUE_TEXTS, .texts = values, .count = count};
    int chain = place(m, key, &ours);
    if (m->status != ST_OK || chain == PLACE_SKIP)
        return;
    size_t array_size = 0;
    for (size_t i = 0; i < count; i++)
        array_size += field_size(field_size(values[i].size));
    if (array_size > MAPPING_SCRATCH_MAX) {
        mapping_error(m, slice_of_text(schema_attributes[key].key));
        return;
    }
    uint8_t *at = begin_attribute(m, key, chain, field_size(array_size));
    if (at == NULL)
        return;
    at = pb_put_header(at, ANY_ARRAY, array_size);
    for (size_t i = 0; i < count; i++) {
        at = pb_put_header(at, 1, field_size(values[i].size));
        at = pb_put_bytes(at, ANY_STRING, values[i]);
    }
    end_attribute(m, at);
}

void mapping_put_raw(struct mapping *m, struct slice fields)
{
    if (m->status != ST_OK)
        return;
    if (fields.size > buf_room(m->out))
        m->status = buf_reserve(m->out, fields.size, m->err);
    if (m->status == ST_OK)
        buf_append_reserved(m->out, fields.data, fields.size);
}

/* Appends one of the sender's fields with the key put out of reach of the forged one. */
static void put_renamed(struct mapping *m, struct slice key_value)
{
    struct attribute_view attribute;
    m->status = otlp_read_attribute(key_value, &attribute, m->err);
    ASSERT(m->status == ST_OK); /* we have encoded it ourselves */
    int chain = chain_behind(m->chain);
    size_t key_size = (size_t)chain * NORM_PREFIX.size + attribute.key.size;
    size_t any_size = attribute.value.encoded.size;
    m->status = buf_reserve(m->out, FIELD_OVERHEAD_MAX + key_size + any_size, m->err);
    if (m->status != ST_OK)
        return;
    uint8_t *at = m->out->data + m->out->size;
    at = pb_put_header(at, RECORD_ATTRIBUTES, field_size(key_size) + field_size(any_size));
    at = put_chained_key(at, chain, attribute.key);
    end_attribute(m, pb_put_bytes(at, KEY_VALUE_VALUE, attribute.value.encoded));
}

void mapping_put_sender(struct mapping *m)
{
    struct slice fields = m->input->sender_fields;
    if (!m->forges_peer) {
        mapping_put_raw(m, fields);
        return;
    }
    struct pb_walk walk = pb_walk_start(fields);
    struct pb_field field;
    while (m->status == ST_OK && pb_next(&walk, &field) == PB_FIELD)
        put_renamed(m, field.bytes);
}

void mapping_put_errors(struct mapping *m)
{
    if (m->forges_all)
        m->errors[m->error_count++] = BELIEVED_ALL;
    if (m->error_count > 0)
        mapping_put_texts(m, KEY_AGENT_NORM_ERRORS, m->errors, m->error_count);
}
