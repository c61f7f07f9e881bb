/* SPDX-License-Identifier: Apache-2.0 */
/* record_reader.c -- see record_reader.h.
 *
 * Two passes over the attributes, both linear: wire/otlp.h reads them into an array, then each is
 * looked up among the keys of the model and, where it is none, hashed among those of the record.
 * The arrays grow with the largest record so far and are never given back.
 */
#include "shape/record_reader.h"

#include <math.h>
#include <stdlib.h>

#include "util/random.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

enum { ATTRIBUTES_START = 128, SLOTS_MIN = 64 };

static const char *const extra_keys[READER_KEY_COUNT - SCHEMA_KEY_COUNT] = {
    [READER_HOST_NAME - SCHEMA_KEY_COUNT] = "host.name",
    [READER_HOST_ID - SCHEMA_KEY_COUNT] = "host.id",
    [READER_HOST_ARCH - SCHEMA_KEY_COUNT] = "host.arch",
    [READER_OS_TYPE - SCHEMA_KEY_COUNT] = "os.type",
    [READER_OS_NAME - SCHEMA_KEY_COUNT] = "os.name",
    [READER_OS_VERSION - SCHEMA_KEY_COUNT] = "os.version",
    [READER_SERVICE_NAME - SCHEMA_KEY_COUNT] = "service.name",
    [READER_SERVICE_VERSION - SCHEMA_KEY_COUNT] = "service.version",
    [READER_SERVICE_INSTANCE_ID - SCHEMA_KEY_COUNT] = "service.instance.id",
    [READER_DEPLOYMENT_ENVIRONMENT - SCHEMA_KEY_COUNT] = "deployment.environment.name",
    [READER_CONTAINER_NAME - SCHEMA_KEY_COUNT] = "container.name",
    [READER_CONTAINER_IMAGE_NAME - SCHEMA_KEY_COUNT] = "container.image.name",
    [READER_K8S_NAMESPACE_NAME - SCHEMA_KEY_COUNT] = "k8s.namespace.name",
    [READER_K8S_CLUSTER_NAME - SCHEMA_KEY_COUNT] = "k8s.cluster.name",
    [READER_K8S_POD_NAME - SCHEMA_KEY_COUNT] = "k8s.pod.name",
};

/* Of a value that needs no further look. */
static const uint8_t plain_types[] = {[VALUE_TEXT] = ANY_TYPE_STRING,
                                      [VALUE_INT] = ANY_TYPE_INT,
                                      [VALUE_DOUBLE] = UINT8_MAX,
                                      [VALUE_BOOL] = ANY_TYPE_BOOL,
                                      [VALUE_TEXTS] = UINT8_MAX};

static const struct otlp_limits limits = {
    .record_size_max = SIZE_MAX, /* what the journal has was let in by other limits */
    .attribute_count_max = READER_ATTRIBUTES_MAX,
    .key_size_max = SIZE_MAX,
    .depth_max = OTLP_DEPTH_MAX,
};

/* --- Making one ------------------------------------------------------------------------------ */

static enum status set_grow(struct attribute_set *set, size_t capacity, struct error *err)
{
    ASSERT(capacity > set->capacity);
    struct attribute_view *views = realloc(set->views, capacity * sizeof(*views));
    if (views != NULL)
        set->views = views;
    struct read_attribute *reads = realloc(set->reads, capacity * sizeof(*reads));
    if (reads != NULL)
        set->reads = reads;
    uint32_t *slots = realloc(set->slots, 2 * capacity * sizeof(*slots));
    if (slots != NULL)
        set->slots = slots;
    if (views == NULL || reads == NULL || slots == NULL)
        return error_set(err, ST_NO_MEMORY, "room for %zu attributes", capacity);
    set->capacity = capacity;
    set->slot_capacity = 2 * capacity;
    return ST_OK;
}

static void set_fini(struct attribute_set *set)
{
    free(set->views);
    free(set->reads);
    free(set->slots);
    *set = (struct attribute_set){.views = NULL};
}

enum status record_reader_init(struct record_reader *reader, struct error *err)
{
    *reader = (struct record_reader){.seed = random_bits()};
    enum status st = text_table_init(&reader->keys, READER_KEY_COUNT, err);
    if (st != ST_OK)
        return st;
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++)
        text_table_add(&reader->keys, slice_of_text(schema_attributes[key].key), (uint16_t)key);
    memset(reader->plain_types, ANY_TYPE_STRING, sizeof(reader->plain_types));
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++)
        reader->plain_types[key] = plain_types[schema_attributes[key].type];
    for (unsigned i = 0; i < COUNT_OF(extra_keys); i++)
        text_table_add(&reader->keys, slice_of_text(extra_keys[i]),
                       (uint16_t)(SCHEMA_KEY_COUNT + i));
    st = text_table_init(&reader->kinds, KIND_COUNT, err);
    for (unsigned kind = 0; kind < KIND_COUNT && st == ST_OK; kind++)
        text_table_add(&reader->kinds, slice_of_text(schema_kinds[kind].name), (uint16_t)kind);
    struct attribute_set *const sets[] = {&reader->record, &reader->resource, &reader->scope};
    for (size_t i = 0; i < COUNT_OF(sets) && st == ST_OK; i++)
        st = set_grow(sets[i], ATTRIBUTES_START, err);
    if (st != ST_OK)
        record_reader_fini(reader);
    return st;
}

void record_reader_fini(struct record_reader *reader)
{
    text_table_fini(&reader->keys);
    text_table_fini(&reader->kinds);
    set_fini(&reader->record);
    set_fini(&reader->resource);
    set_fini(&reader->scope);
}

enum status record_reader_create(struct record_reader **ret, struct error *err)
{
    struct record_reader *reader = malloc(sizeof(*reader));
    if (reader == NULL)
        return error_set(err, ST_NO_MEMORY, "a reader of records");
    enum status st = record_reader_init(reader, err);
    if (st != ST_OK) {
        free(reader);
        return st;
    }
    *ret = reader;
    return ST_OK;
}

void record_reader_destroy(struct record_reader *reader)
{
    if (reader == NULL)
        return;
    record_reader_fini(reader);
    free(reader);
}

/* --- Keys --------------------------------------------------------------------------------------
 * A usual key is of ASCII letters, digits and signs without quote and backslash, and names between
 * its dots: what every destination takes as it is, and what needs no escape in JSON. */

/* Sets the top bit of each byte that is zero, and of no other. */
static uint64_t mark_zero_bytes(uint64_t word)
{
    return ~(((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | word | EACH_BYTE(0x7f));
}

/* Marks bytes that a usual key cannot have; of whole words. */
static uint64_t mark_odd_bytes(uint64_t word)
{
    uint64_t above = word | ((word & EACH_BYTE(0x7f)) + EACH_BYTE(1));     /* 0x7f and more */
    uint64_t below = ~((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f - 0x20)); /* 0x20 and less */
    uint64_t quotes =
        mark_zero_bytes(word ^ EACH_BYTE('"')) | mark_zero_bytes(word ^ EACH_BYTE('\\'));
    return (above | below | quotes) & EACH_BYTE(0x80);
}

/* False: the key is odd.  *ret_hash is of all its bytes. */
static bool hash_usual_key(struct slice key, uint64_t seed, uint64_t *ret_hash)
{
    uint64_t hash = seed ^ key.size, odd = 0, dot_before = 0x80; /* none may stand first */

    if (key.size == 0 || key.size > READER_KEY_SIZE_MAX || key.data[key.size - 1] == '.')
        return false;
    for (size_t at = 0; at < key.size; at += sizeof(uint64_t)) {
        uint64_t word = EACH_BYTE('x');
        size_t left = key.size - at;
        memcpy(&word, key.data + at, left < sizeof(word) ? left : sizeof(word));
        odd |= mark_odd_bytes(word);
        uint64_t dots = mark_zero_bytes(word ^ EACH_BYTE('.'));
        odd |= dots & (dots << 8 | dot_before);
        dot_before = dots >> 56;
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    *ret_hash = hash;
    return odd == 0;
}

bool reader_is_usual_key(struct slice key)
{
    uint64_t hash;
    return hash_usual_key(key, 0, &hash);
}

/* The number of a key behind one agent.norm. or more; *ret_chain is how many of them. */
static uint16_t find_chained(const struct record_reader *reader, struct slice key,
                             uint8_t *ret_chain)
{
    const struct slice prefix = SLICE("agent.norm.");
    uint16_t id = TEXT_TABLE_NONE;

    *ret_chain = 0;
    while (id == TEXT_TABLE_NONE && slice_starts_with(key, prefix) &&
           *ret_chain < BELIEVED_CHAIN_MAX) {
        key = slice_from(key, prefix.size);
        ++*ret_chain;
        id = text_table_find(&reader->keys, key);
    }
    return id;
}

/* Where an attribute with the same key stands: 1 + index; 0: nowhere, and there it belongs.  NULL:
 * the key is odd. */
static uint32_t *find_slot(const struct attribute_set *set, struct slice key, uint64_t seed,
                           size_t mask)
{
    uint64_t hash;

    if (!hash_usual_key(key, seed, &hash))
        return NULL;
    size_t slot = hash & mask;
    while (set->slots[slot] != 0 && !slice_equal(set->views[set->slots[slot] - 1].key, key))
        slot = (slot + 1) & mask;
    return &set->slots[slot];
}

/* Sorts out the attributes: which key each has, whether it is odd, too long or repeated. */
static void set_index(const struct record_reader *reader, struct attribute_set *set)
{
    uint32_t of_keys[READER_KEY_COUNT] = {0}; /* those of the table are usual, and need no hash */
    size_t mask = SLOTS_MIN - 1;

    while (mask + 1 < 2 * set->count)
        mask = 2 * mask + 1;
    ASSERT(mask < set->slot_capacity);
    memset(set->slots, 0, (mask + 1) * sizeof(*set->slots));
    set->has_listed = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct attribute_view *view = &set->views[i];
        struct read_attribute *read = &set->reads[i];
        read->chain = 0;
        read->is_model = false;
        read->id = text_table_find(&reader->keys, view->key);
        uint32_t *same = &of_keys[read->id < READER_KEY_COUNT ? read->id : 0];
        if (read->id == TEXT_TABLE_NONE) {
            read->id = find_chained(reader, view->key, &read->chain);
            same = find_slot(set, view->key, reader->seed, mask);
        }
        read->is_listed = same == NULL || view->value.encoded.size > READER_VALUE_MAX;
        set->has_listed |= read->is_listed || *same != 0;
        if (same == NULL)
            continue;
        if (*same != 0)
            set->reads[*same - 1].is_listed = true; /* the last one counts */
        *same = (uint32_t)i + 1;
    }
}

/* --- What a record says ------------------------------------------------------------------------
 */

static bool is_list_of_texts(const struct any_view *value)
{
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct pb_field field;
    struct any_view element;
    struct error ignored;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == LIST_VALUES &&
            (otlp_read_any(field.bytes, &element, &ignored) != ST_OK ||
             element.type != ANY_TYPE_STRING))
            return false;
    }
    return step == PB_END;
}

/* Whether a value has the type of its key, so that whoever reads the key can rely on it. */
static bool has_type(const struct record_reader *reader, unsigned key, const struct any_view *value)
{
    if (value->type == reader->plain_types[key])
        return true;
    if (key >= SCHEMA_KEY_COUNT)
        return false;
    switch (schema_attributes[key].type) {
    case VALUE_DOUBLE:
        return value->type == ANY_TYPE_INT ||
               (value->type == ANY_TYPE_DOUBLE && isfinite(value->number));
    case VALUE_TEXTS:
        return value->type == ANY_TYPE_ARRAY && is_list_of_texts(value);
    default:
        return false;
    }
}

static void forget_key(struct record_reader *reader, unsigned key)
{
    if (reader->at[key] != 0)
        reader->record.reads[reader->at[key] - 1].is_model = false;
    reader->at[key] = 0;
    if (key < SCHEMA_KEY_COUNT)
        reader->said[key / 64] &= ~(UINT64_C(1) << key % 64);
}

/* What the daemon says of every record: its longest chain is the daemon's, or says the same. */
static bool is_always(unsigned key)
{
    return key == KEY_AGENT_NORM_ERRORS ||
           (key < SCHEMA_KEY_COUNT && schema_attributes[key].requirement == SCHEMA_REQUIRED);
}

/* Of each key the longest chain counts, and of several the last; of those that are left. */
static void choose_values(struct record_reader *reader, const struct disbelief *disbelief)
{
    struct attribute_set *set = &reader->record;

    memset(reader->at, 0, sizeof(reader->at));
    for (size_t i = 0; i < set->count; i++) {
        unsigned key = set->reads[i].id;
        if (key == TEXT_TABLE_NONE)
            continue;
        if (disbelief != NULL && !is_always(key) && disbelief_has(disbelief, set->views[i].key, i))
            continue;
        uint32_t before = reader->at[key];
        if (before != 0 && set->reads[before - 1].chain > set->reads[i].chain)
            continue;
        reader->at[key] = (uint32_t)i + 1;
    }
}

/* The same without what agent.norm.errors says a sender wrote under agent. without our trust. */
static void leave_out_forged(struct record_reader *reader)
{
    uint32_t errors = reader->at[KEY_AGENT_NORM_ERRORS];
    uint32_t uid = reader->at[KEY_LOG_RECORD_UID];
    struct disbelief disbelief;

    if (errors == 0 || reader->record.views[errors - 1].value.type != ANY_TYPE_ARRAY)
        return;
    disbelief.list = reader->record.views[errors - 1].value.bytes;
    disbelief.has_all = believed_list_has(disbelief.list, BELIEVED_ALL);
    disbelief.ours_index = uid > 0 ? uid - 1 : (uint32_t)reader->record.count;
    choose_values(reader, &disbelief);
}

/* A value of another type is the sender's, and says nothing. */
static void check_types(struct record_reader *reader)
{
    memset(reader->said, 0, sizeof(reader->said));
    for (size_t i = 0; i < reader->record.count; i++) {
        unsigned key = reader->record.reads[i].id;
        if (key == TEXT_TABLE_NONE || reader->at[key] != i + 1)
            continue;
        if (!has_type(reader, key, &reader->record.views[i].value)) {
            reader->at[key] = 0;
            continue;
        }
        reader->record.reads[i].is_model = key < SCHEMA_KEY_COUNT;
        if (key < SCHEMA_KEY_COUNT)
            reader->said[key / 64] |= UINT64_C(1) << key % 64;
    }
}

/* All of agent.peer. that is ours stands behind the attestation, under as long a chain. */
static void drop_forged_peer(struct record_reader *reader)
{
    uint32_t at = reader->at[KEY_AGENT_PEER_ATTESTATION];

    for (unsigned key = KEY_AGENT_PEER_PID; key <= KEY_AGENT_PEER_CONTAINER_ID; key++) {
        uint32_t own = reader->at[key];
        if (own != 0 && (own < at || at == 0 ||
                         reader->record.reads[own - 1].chain != reader->record.reads[at - 1].chain))
            forget_key(reader, key);
    }
}

/* --- Reading -----------------------------------------------------------------------------------
 */

/* Makes room for the attributes of a record that has more than any before. */
static enum status make_room(struct attribute_set *set, struct slice record, struct error *err)
{
    struct record_view head;
    size_t capacity = set->capacity;
    enum status st = otlp_read_record_head(record, &head, err);

    if (st != ST_OK)
        return st;
    while (capacity < head.attribute_count && capacity < READER_ATTRIBUTES_MAX)
        capacity *= 2;
    return capacity > set->capacity ? set_grow(set, capacity, err) : ST_OK;
}

enum status record_reader_read(struct record_reader *reader, struct slice record,
                               struct record_facts *ret, struct error *err)
{
    struct attribute_set *set = &reader->record;
    enum status st;

    reader->is_read = false;
    st = otlp_read_record(record, &limits, set->views, set->capacity, &reader->view, err);
    if (st == ST_LIMIT) {
        st = make_room(set, record, err);
        if (st == ST_OK)
            st = otlp_read_record(record, &limits, set->views, set->capacity, &reader->view, err);
    }
    if (st != ST_OK)
        return st;
    set->count = reader->view.attribute_count;
    set_index(reader, set);
    choose_values(reader, NULL);
    leave_out_forged(reader);
    check_types(reader);
    drop_forged_peer(reader);
    reader_gather_facts(reader);
    reader->is_read = true;
    *ret = reader->facts;
    return ST_OK;
}

/* Takes the attributes `number` of all messages `owner_number` in `fields`, and its texts by
 * number to texts[0 .. 2]: laid end to end, the messages are one. */
static enum status read_owner(struct attribute_set *set, struct slice fields, uint32_t owner_number,
                              uint32_t number, struct slice *texts, struct error *err)
{
    struct pb_walk owners = pb_walk_start(fields), walk;
    struct pb_field owner, field;
    enum pb_step step = PB_END;
    enum status st = ST_OK;

    set->count = 0;
    while (st == ST_OK && (step = pb_next(&owners, &owner)) == PB_FIELD) {
        if (owner.number != owner_number || owner.type != WIRE_BYTES)
            continue;
        walk = pb_walk_start(owner.bytes);
        while (st == ST_OK && (step = pb_next(&walk, &field)) == PB_FIELD) {
            if (field.number != number && field.number < 3 && field.type == WIRE_BYTES)
                texts[field.number] = field.bytes;
            if (field.number != number)
                continue;
            if (set->count == set->capacity && set->capacity < READER_ATTRIBUTES_MAX)
                st = set_grow(set, 2 * set->capacity, err);
            if (st == ST_OK)
                st = otlp_take_attribute(&field, &limits, set->capacity, set->views, &set->count,
                                         err);
        }
        if (st == ST_OK && step == PB_BROKEN)
            break;
    }
    if (st == ST_OK && step == PB_BROKEN)
        st = error_set(err, ST_CORRUPT, "a resource or scope is broken");
    return st;
}

static enum status read_schema_url(struct slice fields, uint32_t number, struct slice *ret,
                                   struct error *err)
{
    struct pb_walk walk = pb_walk_start(fields);
    struct pb_field field;
    enum pb_step step;

    *ret = SLICE_EMPTY;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES)
            *ret = field.bytes;
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the group is broken");
}

/* What the resource says at the keys that have a meaning of their own. */
static void choose_resource(struct record_reader *reader)
{
    struct attribute_set *set = &reader->resource;

    memset(reader->resource_at, 0, sizeof(reader->resource_at));
    for (size_t i = 0; i < set->count; i++) {
        unsigned key = set->reads[i].id;
        if (key == TEXT_TABLE_NONE || set->reads[i].chain > 0 || set->reads[i].is_listed)
            continue;
        if (has_type(reader, key, &set->views[i].value) &&
            (key >= SCHEMA_KEY_COUNT || key == KEY_CONTAINER_ID))
            reader->resource_at[key] = (uint32_t)i + 1;
    }
}

enum status record_reader_set_group(struct record_reader *reader, const struct record_group *group,
                                    struct error *err)
{
    struct slice texts[4] = {SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};

    ASSERT(group->signal == SIGNAL_LOGS);
    reader->group = NULL;
    reader->is_read = false;
    enum status st = read_owner(&reader->resource, group->resource_logs_fields,
                                RESOURCE_LOGS_RESOURCE, RESOURCE_ATTRIBUTES, texts, err);
    if (st == ST_OK) {
        memset(texts, 0, sizeof(texts));
        st = read_owner(&reader->scope, group->scope_logs_fields, SCOPE_LOGS_SCOPE,
                        SCOPE_ATTRIBUTES, texts, err);
    }
    if (st == ST_OK)
        st = read_schema_url(group->resource_logs_fields, RESOURCE_LOGS_SCHEMA_URL,
                             &reader->resource_schema_url, err);
    if (st == ST_OK)
        st = read_schema_url(group->scope_logs_fields, SCOPE_LOGS_SCHEMA_URL,
                             &reader->scope_schema_url, err);
    if (st != ST_OK)
        return st;
    reader->scope_name = texts[SCOPE_NAME];
    reader->scope_version = texts[SCOPE_VERSION];
    set_index(reader, &reader->resource);
    set_index(reader, &reader->scope);
    choose_resource(reader);
    reader->group = group;
    return ST_OK;
}

const char *reader_key_name(unsigned key)
{
    return key < SCHEMA_KEY_COUNT ? schema_attributes[key].key : extra_keys[key - SCHEMA_KEY_COUNT];
}

unsigned reader_word(const struct record_reader *reader, unsigned key, const char *const *words,
                     unsigned none)
{
    struct slice text = reader_text(reader, key);

    for (unsigned i = 0; text.size > 0 && words[i] != NULL; i++) {
        if (words[i][0] == (char)text.data[0] && slice_equal(text, slice_of_text(words[i])))
            return i;
    }
    return none;
}
