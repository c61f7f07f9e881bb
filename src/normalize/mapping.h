/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.h -- one record while it is normalized: what its sender wrote, looked up by key, and
 * what we append.
 *
 * The rule that every append keeps (docs/SCHEMA.md, "Reading a record"): what the sender wrote
 * stays at its key.  If it equals ours, ours is not repeated; if it differs, ours goes to
 * agent.norm.KEY.  A sender may write agent.norm.KEY itself; ours then goes one agent.norm.
 * further, so that the longest chain is always ours.  What it forged is listed, so that nobody
 * takes it for ours where we say nothing (wire/believed.h).
 *
 * Failures stick: after the first, appending does nothing, and the caller of the whole looks at
 * `status` once.
 *
 * Threads: a mapping belongs to its normalizer.
 */
#pragma once

#include "normalize/lineage.h"
#include "normalize/normalize.h"
#include "normalize/schema.h"
#include "normalize/sequence_watch.h"
#include "normalize/text_table.h"
#include "wire/believed.h"

enum {
    MAPPING_KEYS_MAX = 1024,                /* those of the model and those that dialects read */
    MAPPING_ERRORS_MAX = 32,                /* keys listed in agent.norm.errors, */
    MAPPING_ERRORS_SIZE_MAX = 4096,         /* bytes of them; the rest is not listed */
    MAPPING_COPY_MAX = 16 * 1024,           /* a longer text is not written a second time */
    MAPPING_CHAIN_MAX = BELIEVED_CHAIN_MAX, /* agent.norm. before a key; we write no more */
    MAPPING_SCRATCH_MAX = 4 * MAPPING_COPY_MAX,
    MAPPING_SHORT_MAX = 128, /* lengths below it are one byte, and those of all keys are */
    MAPPING_KEY_SLACK = 16,  /* bytes that may be read behind an encoded key */
};

struct dialect;

struct mapping {
    /* For the life of the normalizer. */
    struct text_table keys;                      /* owned: key to number */
    struct text_table kinds;                     /* owned: name to enum event_kind */
    struct slice encoded_keys[SCHEMA_KEY_COUNT]; /* as the field KeyValue.key */
    struct slice encoded_words[SCHEMA_KEY_COUNT][SCHEMA_WORDS_MAX]; /* whole fields */
    uint8_t plain_types[SCHEMA_KEY_COUNT]; /* enum any_type that needs no further check */
    struct buf encoded;                    /* owned; behind both */
    struct attribute_view *attributes;     /* owned */
    uint16_t *attribute_ids;               /* owned; of each attribute, its key's number */
    struct otlp_limits limits;
    struct buf scratch;      /* decoded texts of one record */
    struct lineage *lineage; /* owned */
    struct sequence_watch sequences;

    /* Of the present record. */
    const struct normalize_input *input;
    const struct span_facts *span; /* of the span that the record is made from; NULL: of none */
    struct record_view record;
    uint16_t at[MAPPING_KEYS_MAX]; /* 1 + index of the first attribute with the key; 0: none */
    const uint16_t *source_ids;    /* of the dialect's sources */
    bool trusts_sender;            /* its agent.* attributes are the values, if they are valid */
    bool has_fixed;                /* the sender wrote a key that mapping_is_fixed() */
    bool is_odd;                   /* it wrote a key twice, or agent.norm.: compare with care */
    bool forges_peer;              /* it wrote agent.peer. */
    bool forges_all;               /* it wrote more under agent. than can be listed or outrun */
    int chain;                     /* agent.norm. of its longest chain */

    /* What the dialect found out; the engine writes it. */
    enum event_kind kind;
    enum event_phase phase;
    enum outcome outcome;
    enum classification classification;
    enum agent_role role;
    uint32_t severity; /* 0: by the outcome */
    bool has_decision; /* decision_put_verdict() was called */

    bool has_note; /* the sender's counter tells something */
    struct sequence_note note;

    struct slice errors[MAPPING_ERRORS_MAX + 1]; /* the last is for BELIEVED_ALL */
    size_t error_count, errors_size;

    struct buf *out; /* borrowed */
    enum status status;
    struct error *err;
};

/* --- What the sender wrote ----------------------------------------------------------- */

/* The attribute with key number `id`; NULL when it is absent or its value is empty. */
static inline const struct any_view *mapping_value(const struct mapping *m, uint16_t id)
{
    uint16_t at = m->at[id];
    if (at == 0)
        return NULL;
    const struct any_view *value = &m->record.attributes[at - 1].value;
    return value->type == ANY_TYPE_NONE ? NULL : value;
}

/* The same by the dialect's own number of the key. */
static inline const struct any_view *mapping_source(const struct mapping *m, uint8_t source)
{
    return mapping_value(m, m->source_ids[source]);
}

/* A text, empty when it is absent or no text. */
struct slice mapping_source_text(const struct mapping *m, uint8_t source);

/* true only when it is there and says so. */
bool mapping_source_true(const struct mapping *m, uint8_t source);

/* --- What we append ------------------------------------------------------------------- */

void mapping_put_text(struct mapping *m, enum schema_key key, struct slice value);
void mapping_put_int(struct mapping *m, enum schema_key key, int64_t value);
void mapping_put_double(struct mapping *m, enum schema_key key, double value);
void mapping_put_bool(struct mapping *m, enum schema_key key, bool value);
void mapping_put_texts(struct mapping *m, enum schema_key key, const struct slice *values,
                       size_t count);

/* A word of the key's list. */
void mapping_put_word(struct mapping *m, enum schema_key key, unsigned word);

/* Appends a field that is no attribute, as it is. */
void mapping_put_raw(struct mapping *m, struct slice fields);

/* Lists `key` in agent.norm.errors, once.  The bytes must live as long as the record.  False: there
 * is no room for it. */
bool mapping_error(struct mapping *m, struct slice key);

/* --- For the engine ------------------------------------------------------------------- */

MUST_CHECK enum status mapping_init(struct mapping *m, const struct otlp_limits *limits,
                                    struct error *err);
void mapping_fini(struct mapping *m);

/* The number of `key`; a new one if the model does not have it. */
uint16_t mapping_key_id(struct mapping *m, struct slice key);

/* Adds a value that dialects can look up, as if the sender had written an attribute `key`, which
 * is one of theirs and none of the model.  To be called before mapping_index().  Dropped when there
 * is no room. */
void mapping_add_source(struct mapping *m, struct slice key, const struct any_view *value);

/* Looks up the keys of m->record, and clears what is left of the record before.
 * mapping_forget() must be called after it. */
void mapping_index(struct mapping *m);
void mapping_forget(struct mapping *m);

/* Whether a sender's value is of the type, and among the words, that the model wants. */
bool mapping_is_valid(enum schema_key key, const struct any_view *value);

/* Keys that the engine writes alike on many records, as one piece. */
bool mapping_is_fixed(uint16_t id);

/* Keys of the model that no sender is trusted with. */
bool mapping_is_ours_alone(uint16_t id);

/* Appends m->input->sender_fields. */
void mapping_put_sender(struct mapping *m);

/* Appends the list of errors, if there are any. */
void mapping_put_errors(struct mapping *m);
