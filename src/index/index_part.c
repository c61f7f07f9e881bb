/* SPDX-License-Identifier: Apache-2.0 */
/* index_part.c -- see index_part.h.
 *
 * Lines repeat themselves: most of their attributes have stood in the block before, with the same
 * value.  So what an attribute turned out to be is remembered by the hash of key and value; one
 * that is met again in its frame costs that hash, and a look.  The memory is a table in which a
 * newer one takes the place of an older one; the seed is chance, so nobody can aim at the places
 * of others.
 *
 * Words that are met again in their block are kept away from its list in the same way.  What slips
 * through only makes the list longer: it is sorted in the end, and each word is kept once.
 */
#include "index/index_part.h"

#include <stdlib.h>

#include "index/id_table.h"
#include "index/index_keys.h"
#include "index/uid_time.h"
#include "index/word_split.h"
#include "index/word_table.h"
#include "util/random.h"
#include "wire/base64.h"

enum {
    KNOWN_BITS = 13,
    KNOWN_COUNT = 1 << KNOWN_BITS,
    MET_COUNT = 1 << 10,
    KEYS_COUNT = 1 << 10,
    SEEN_BITS = 14,
    SEEN_COUNT = 1 << SEEN_BITS,
};

/* An attribute that was met before. */
struct known {
    uint64_t hash;    /* of key and value; 0: none */
    uint64_t id_hash; /* of the value; when is_id */
    uint32_t frame;   /* in which it was met last, of all of the file, from 1 */
    uint32_t block;   /* the same */
    int32_t number;   /* of what the contents call it, by its role */
    uint8_t role;
    uint8_t chain;
    bool is_id;
};

/* A text that was met in a block. */
struct met {
    uint64_t hash;
    uint32_t block; /* 0: none */
};

/* A key that was met before, and what it is. */
struct met_key {
    uint64_t hash;
    uint32_t block;
    struct index_key is;
};

struct index_part {
    uint64_t seed;       /* of what is in the index */
    uint64_t known_seed; /* of what is remembered */
    struct known *known; /* owned, as the others */
    struct met *met;
    struct met_key *keys;
    uint64_t *seen; /* words of the present block: upper bits of the hash, and the block */
    struct pair_list ids;
    struct word_table_maker words;
    struct buf scratch;
    uint64_t unknown_ids[PART_FRAMES_MAX / 64];
    bool has_any_word;  /* the present block may have */
    size_t frame_count; /* ended ones of this part */
    uint32_t frame;     /* of all of the file, from 1 */
    uint32_t block;
    /* While a line is looked at: */
    const uint8_t *line_end;
    struct contents *contents;
    struct time_range *times;
    struct time_range *arrivals;
    struct error *err;
    enum status status;
    uint64_t unix_ns;
    uint64_t observed_unix_ns;
    int32_t numbers[ROLE_COUNT];
    int32_t resource_host;
    int8_t chains[ROLE_COUNT]; /* -1: not met */
    bool is_denied;
    bool is_failure;
};

enum status index_part_create(uint64_t seed, struct index_part **ret, struct error *err)
{
    struct index_part *part = calloc(1, sizeof(*part));

    if (part == NULL)
        return error_set(err, ST_NO_MEMORY, "begin an index");
    part->seed = seed;
    part->known_seed = random_bits();
    part->known = calloc(KNOWN_COUNT, sizeof(*part->known));
    part->met = calloc(MET_COUNT, sizeof(*part->met));
    part->keys = calloc(KEYS_COUNT, sizeof(*part->keys));
    part->seen = calloc(SEEN_COUNT, sizeof(*part->seen));
    pair_list_init(&part->ids, PART_PAIRS_MAX);
    word_table_init(&part->words);
    buf_init(&part->scratch, PART_SCRATCH_MAX);
    part->frame = 1;
    part->block = 1;
    if (part->known == NULL || part->met == NULL || part->keys == NULL || part->seen == NULL) {
        index_part_destroy(part);
        return error_set(err, ST_NO_MEMORY, "begin an index");
    }
    *ret = part;
    return ST_OK;
}

void index_part_destroy(struct index_part *part)
{
    if (part == NULL)
        return;
    free(part->known);
    free(part->met);
    free(part->keys);
    free(part->seen);
    pair_list_fini(&part->ids);
    word_table_fini(&part->words);
    buf_fini(&part->scratch);
    free(part);
}

/* --- Ids and words --------------------------------------------------------------------------- */

static void widen(struct time_range *range, uint64_t time)
{
    if (time < range->first)
        range->first = time;
    if (time > range->last)
        range->last = time;
}

static void mark_any_id(struct index_part *part)
{
    part->unknown_ids[part->frame_count / 64] |= UINT64_C(1) << (part->frame_count % 64);
}

static void note_failure(struct index_part *part, enum status st)
{
    if (st != ST_OK && part->status == ST_OK)
        part->status = st;
}

/* Where an id or a word had no room, its frame or block may have any; other failures end the index.
 */
static void add_id(struct index_part *part, uint64_t hash)
{
    enum status st = pair_list_add(&part->ids, hash, (uint32_t)part->frame_count, part->err);

    if (st == ST_LIMIT)
        mark_any_id(part);
    else
        note_failure(part, st);
}

static bool make_room_for_word(struct index_part *part)
{
    enum status st = word_table_grow(&part->words, part->err);

    if (st == ST_LIMIT)
        part->has_any_word = true;
    else
        note_failure(part, st);
    return st == ST_OK;
}

static void add_words(struct index_part *part, struct slice text, const uint8_t *readable)
{
    if (text.size == 0)
        return;
    struct word_split split = word_split_start(text, readable);
    struct word_table_maker *words = &part->words;
    uint64_t *seen = part->seen;
    size_t count = words->count;
    struct slice word;

    while (word_split_next(&split, &word)) {
        if (__builtin_expect(count == words->capacity, 0)) {
            words->count = count;
            if (!make_room_for_word(part))
                return;
        }
        uint64_t hash = word_hash(word, readable, part->seed);
        uint64_t entry = (hash & ~(uint64_t)UINT32_MAX) | part->block;
        uint64_t *pair = &seen[hash & (SEEN_COUNT - 2)];
        uint64_t first = pair[0];
        uint64_t second = pair[1];
        /* Nobody can foretell whether it is new, least of all the processor. */
        bool is_new = (first != entry) & (second != entry) & (word.size >= WORD_SIZE_MIN);
        pair[0] = is_new ? entry : first;
        pair[1] = is_new ? first : second;
        words->words[count] = word_table_word(hash);
        count += is_new;
    }
    words->count = count;
}

/* The text without escapes: as it stands in the line, or in the scratch. *ret_readable: bytes may
 * be read up to here.  False: there is no room. */
static bool decode(struct index_part *part, const struct json_text *text, struct slice *ret,
                   const uint8_t **ret_readable)
{
    *ret = slice_of(text->raw, text->raw_size);
    *ret_readable = part->line_end;
    if (text->size == text->raw_size)
        return true;
    buf_clear(&part->scratch);
    enum status st =
        buf_reserve(&part->scratch, text->size + JSON_TEXT_SLACK + TEXT_WORD_STEP, part->err);
    if (st != ST_OK)
        return false;
    uint8_t *end = json_text_decode(text, part->scratch.data);
    *ret = slice_of(part->scratch.data, (size_t)(end - part->scratch.data));
    *ret_readable = end;
    return true;
}

static void give_up(struct index_part *part)
{
    mark_any_id(part);
    part->has_any_word = true;
}

/* Whether a text with this hash has stood in the block before, or one whose hash looks like it in
 * 64 bits that are chance; if not, it has from now on. */
static bool was_text_met(struct index_part *part, uint64_t hash)
{
    struct met *pair = &part->met[hash & (MET_COUNT - 2)];

    if (pair[0].hash == hash && pair[0].block == part->block)
        return true;
    if (pair[1].hash == hash && pair[1].block == part->block)
        return true;
    pair[1] = pair[0];
    pair[0] = (struct met){.hash = hash, .block = part->block};
    return false;
}

static void add_text(struct index_part *part, const struct json_text *text)
{
    const uint8_t *readable;
    struct slice decoded;

    if (was_text_met(part, XXH3_64bits_withSeed(text->raw, text->raw_size, part->known_seed)))
        return;
    if (decode(part, text, &decoded, &readable))
        add_words(part, decoded, readable);
    else
        give_up(part);
}

/* Bytes are searched as what they are, not as their base64. */
static void add_bytes(struct index_part *part, const struct json_text *text)
{
    size_t size = 0;

    buf_clear(&part->scratch);
    if (text->size != text->raw_size ||
        buf_append(&part->scratch, text->raw, text->raw_size, part->err) != ST_OK ||
        !base64_decode(part->scratch.data, part->scratch.size, &size)) {
        give_up(part);
        return;
    }
    if (size > 0)
        add_words(part, slice_of(part->scratch.data, size), part->scratch.data + size);
}

/* --- What a line says ------------------------------------------------------------------------ */

static enum status find_number(struct index_part *part, enum index_role role, struct slice value,
                               int32_t *ret)
{
    static const enum store_index_fact facts[ROLE_COUNT] = {
        [ROLE_KIND] = INDEX_FACT_KIND,         [ROLE_OUTCOME] = INDEX_FACT_OUTCOME,
        [ROLE_PRODUCT] = INDEX_FACT_PRODUCT,   [ROLE_USER_EMAIL] = INDEX_FACT_USER,
        [ROLE_USER_NAME] = INDEX_FACT_USER,    [ROLE_USER_ID] = INDEX_FACT_USER,
        [ROLE_PROCESS_USER] = INDEX_FACT_USER, [ROLE_HOST] = INDEX_FACT_HOST};

    *ret = CONTENTS_NONE;
    if (role == ROLE_NONE || role == ROLE_UID)
        return ST_OK;
    if (role == ROLE_SESSION || role == ROLE_CONVERSATION || role == ROLE_PARENT)
        return contents_find_session(part->contents, value, ret, part->err);
    return contents_find_text(part->contents, facts[role], value, ret, part->err);
}

/* What a record says counts where no other says it with a longer chain before, or later. */
static void take_role(struct index_part *part, const struct known *known,
                      const struct line_attribute *attribute)
{
    if (!attribute->is_top || attribute->place == LINE_SCOPE)
        return;
    if (attribute->place == LINE_RESOURCE) {
        if (known->role == ROLE_HOST && known->chain == 0)
            part->resource_host = known->number;
        return;
    }
    if (known->chain < part->chains[known->role])
        return;
    part->chains[known->role] = (int8_t)known->chain;
    part->numbers[known->role] = known->number;
    if (known->role == ROLE_OUTCOME) {
        struct slice value = slice_of(attribute->value.raw, attribute->value.raw_size);
        part->is_denied = slice_equal(value, SLICE("denied"));
        part->is_failure = slice_equal(value, SLICE("failure"));
    }
}

/* What the key of an attribute is; its words are in the block then.  False: there is no room to
 * look at it. */
static bool learn_key(struct index_part *part, const struct json_text *text, struct index_key *ret)
{
    uint64_t hash = XXH3_64bits_withSeed(text->raw, text->raw_size, part->known_seed);
    struct met_key *met = &part->keys[hash & (KEYS_COUNT - 1)];
    const uint8_t *readable;
    struct slice key;

    if (met->hash != hash || met->block != part->block) {
        if (!decode(part, text, &key, &readable))
            return false;
        if (met->hash != hash || met->block == 0)
            *met = (struct met_key){.hash = hash, .is = index_key_of(key)};
        met->block = part->block;
        add_words(part, key, readable);
    }
    *ret = met->is;
    return true;
}

/* Looks closely at an attribute that is new in this block. */
static void learn(struct index_part *part, const struct line_attribute *attribute,
                  struct known *known)
{
    const uint8_t *readable;
    struct index_key is;
    struct slice value;
    uint64_t unix_ms;

    if (!learn_key(part, &attribute->key, &is)) {
        give_up(part);
        return;
    }
    known->role = (uint8_t)is.role;
    known->chain = (uint8_t)(is.chain < UINT8_MAX ? is.chain : UINT8_MAX);
    known->is_id = is.is_id;
    known->number = CONTENTS_NONE;
    if (attribute->type == LINE_BYTES)
        add_bytes(part, &attribute->value);
    if (attribute->type != LINE_TEXT)
        return;
    if (!decode(part, &attribute->value, &value, &readable)) {
        give_up(part);
        return;
    }
    known->id_hash = is.is_id ? index_id_hash(value, part->seed) : 0;
    if (is.role == ROLE_UID && uid_time(value, &unix_ms)) {
        widen(part->arrivals, unix_ms);
        return;
    }
    add_words(part, value, readable);
    enum status st = find_number(part, is.role, value, &known->number);
    note_failure(part, st);
}

/* Of key and value as they stand in the line; of what the value of is counted or looked up by
 * itself, of the key alone. */
static uint64_t hash_of_attribute(const struct index_part *part,
                                  const struct line_attribute *attribute)
{
    struct slice key = slice_of(attribute->key.raw, attribute->key.raw_size);
    struct slice value = slice_of(attribute->value.raw, attribute->value.raw_size);
    uint64_t seed = part->known_seed + ((uint64_t)attribute->type << 1 | attribute->is_top);
    uint64_t hash;

    if (attribute->type == LINE_INT || attribute->type == LINE_OTHER)
        hash = XXH3_64bits_withSeed(key.data, key.size, seed);
    else if (attribute->is_top) /* the same text stands between them every time */
        hash = XXH3_64bits_withSeed(key.data, (size_t)(value.data + value.size - key.data), seed);
    else
        hash = XXH3_64bits_withSeed(value.data, value.size,
                                    XXH3_64bits_withSeed(key.data, key.size, seed));
    return hash != 0 ? hash : 1;
}

/* The place of an attribute in what is known, where it stands or may stand. */
static struct known *find_known(struct index_part *part, uint64_t hash)
{
    struct known *pair = &part->known[hash & (KNOWN_COUNT - 2)];

    if (pair[0].hash == hash)
        return &pair[0];
    if (pair[1].hash == hash)
        return &pair[1];
    return pair[0].frame < pair[1].frame ? &pair[0] : &pair[1]; /* the older one makes room */
}

static void take_id(struct index_part *part, const struct known *known,
                    const struct line_attribute *attribute)
{
    if (attribute->type == LINE_TEXT && known->frame != part->frame)
        add_id(part, known->id_hash);
    else if (attribute->type == LINE_INT)
        add_id(part, index_id_hash(slice_of(attribute->value.raw, attribute->value.raw_size),
                                   part->seed));
    else if (attribute->type != LINE_TEXT)
        mark_any_id(part);
}

static void on_attribute(void *context, const struct line_attribute *attribute)
{
    struct index_part *part = context;
    uint64_t hash = hash_of_attribute(part, attribute);
    struct known *known = find_known(part, hash);
    struct known fresh = {.hash = hash};

    if (known->hash != hash || known->block != part->block) {
        learn(part, attribute, &fresh);
        if (fresh.role == ROLE_UID) /* each is another one */
            known = &fresh;
        else
            *known = fresh;
        known->block = part->block;
    }
    if (known->is_id)
        take_id(part, known, attribute);
    known->frame = part->frame;
    if (known->role != ROLE_NONE)
        take_role(part, known, attribute);
}

static void on_text(void *context, const struct json_text *text)
{
    add_text(context, text);
}

static void on_time(void *context, bool is_observed, uint64_t unix_ns)
{
    struct index_part *part = context;

    if (is_observed)
        part->observed_unix_ns = unix_ns;
    else
        part->unix_ns = unix_ns;
}

static void on_trace_id(void *context, const struct json_text *id)
{
    struct index_part *part = context;

    add_id(part, index_id_hash(slice_of(id->raw, id->raw_size), part->seed));
}

static int32_t first_of(const int32_t *numbers, const enum index_role *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[order[i]] != CONTENTS_NONE)
            return numbers[order[i]];
    }
    return CONTENTS_NONE;
}

static void on_record(void *context, bool begins)
{
    static const enum index_role users[] = {ROLE_USER_EMAIL, ROLE_USER_NAME, ROLE_USER_ID,
                                            ROLE_PROCESS_USER};
    struct index_part *part = context;

    if (begins) {
        part->unix_ns = 0;
        part->observed_unix_ns = 0;
        part->is_denied = false;
        part->is_failure = false;
        for (size_t i = 0; i < ROLE_COUNT; i++) {
            part->numbers[i] = CONTENTS_NONE;
            part->chains[i] = -1;
        }
        return;
    }
    uint64_t time = part->unix_ns != 0 ? part->unix_ns : part->observed_unix_ns;
    widen(part->times, time);
    const int32_t *numbers = part->numbers;
    const struct contents_record record = {
        .session = numbers[ROLE_SESSION],
        .conversation = numbers[ROLE_CONVERSATION],
        .facts = {[INDEX_FACT_KIND] = numbers[ROLE_KIND],
                  [INDEX_FACT_OUTCOME] = numbers[ROLE_OUTCOME],
                  [INDEX_FACT_PRODUCT] = numbers[ROLE_PRODUCT],
                  [INDEX_FACT_USER] = first_of(numbers, users, COUNT_OF(users)),
                  [INDEX_FACT_HOST] = part->resource_host != CONTENTS_NONE ? part->resource_host
                                                                           : numbers[ROLE_HOST]},
        .is_denied = part->is_denied,
        .is_failure = part->is_failure,
        .unix_ns = time,
    };
    contents_count(part->contents, &record);
}

enum status index_part_add(struct index_part *part, struct slice line, struct contents *contents,
                           struct time_range *times, struct time_range *arrivals, struct error *err)
{
    static const struct line_events events = {.on_attribute = on_attribute,
                                              .on_text = on_text,
                                              .on_time = on_time,
                                              .on_trace_id = on_trace_id,
                                              .on_record = on_record};

    part->line_end = line.data + line.size;
    part->contents = contents;
    part->times = times;
    part->arrivals = arrivals;
    part->err = err;
    part->status = ST_OK;
    part->resource_host = CONTENTS_NONE;
    if (!line_walk(line, &events, part))
        index_part_give_up_frame(part, times, arrivals);
    return part->status;
}

void index_part_give_up_frame(struct index_part *part, struct time_range *times,
                              struct time_range *arrivals)
{
    *times = (struct time_range){.first = 0, .last = UINT64_MAX};
    *arrivals = *times;
    give_up(part);
}

/* --- Frames and parts ------------------------------------------------------------------------ */

static enum status end_block(struct index_part *part, struct error *err)
{
    enum status st = word_table_end_block(&part->words, part->has_any_word, err);

    part->has_any_word = false;
    part->block++;
    return st;
}

enum status index_part_end_frame(struct index_part *part, struct error *err)
{
    part->frame_count++;
    part->frame++;
    return part->frame_count % WORD_BLOCK_FRAMES == 0 ? end_block(part, err) : ST_OK;
}

size_t index_part_frame_count(const struct index_part *part)
{
    return part->frame_count;
}

bool index_part_is_full(const struct index_part *part)
{
    if (part->frame_count == 0 || part->frame_count % WORD_BLOCK_FRAMES != 0)
        return false;
    return part->frame_count == PART_FRAMES_MAX || part->ids.count > PART_PAIRS_FULL;
}

enum status index_part_append_ids(struct index_part *part, struct buf *out, struct error *err)
{
    pair_list_sort(&part->ids);
    return id_table_append(&part->ids, part->unknown_ids, part->frame_count, out, err);
}

enum status index_part_append_words(struct index_part *part, struct buf *out, struct error *err)
{
    enum status st = ST_OK;

    if (part->frame_count % WORD_BLOCK_FRAMES != 0)
        st = end_block(part, err);
    return st == ST_OK ? word_table_append(&part->words, out, err) : st;
}

void index_part_clear(struct index_part *part)
{
    part->ids.count = 0;
    memset(part->unknown_ids, 0, sizeof(part->unknown_ids));
    part->frame_count = 0;
}
