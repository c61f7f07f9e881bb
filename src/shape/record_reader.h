/* SPDX-License-Identifier: Apache-2.0 */
/* record_reader.h -- a record and its group, read once for all shapes: which attribute says what of
 * the model, and which are the sender's own.
 *
 * An attribute is of the model when its key is one of schema.h behind the longest chain of
 * agent.norm. (docs/SCHEMA.md, "Reading a record"), its value has the type of that key, and nothing
 * says that the sender forged it.  All others are the sender's.  Those with a usual key stand in a
 * container of the document under that key, which stands once; those with an odd key, or with a
 * value that is too long to be indexed, and earlier ones of a key that stands twice go to a list of
 * pairs.  So no record can make a document that a destination cannot take.
 *
 * Threads: a reader belongs to one thread at a time.
 */
#pragma once

#include "normalize/schema.h"
#include "normalize/text_table.h"
#include "telltale/buf.h"
#include "telltale/record_facts.h"
#include "wire/believed.h"

enum {
    /* A longer value is not indexed under its key: Lucene refuses terms over 32766 bytes, and the
     * whole document with them; what else is in a term is the path. */
    READER_VALUE_MAX = 8192,
    READER_KEY_SIZE_MAX = 1024,         /* of a usual key */
    READER_ATTRIBUTES_MAX = 128 * 1024, /* twice what a configuration can allow */
    READER_WORDS = (SCHEMA_KEY_COUNT + 63) / 64,
};

/* Keys of a resource that have a meaning of their own, numbered behind those of the model. */
enum reader_key {
    READER_HOST_NAME = SCHEMA_KEY_COUNT,
    READER_HOST_ID,
    READER_HOST_ARCH,
    READER_OS_TYPE,
    READER_OS_NAME,
    READER_OS_VERSION,
    READER_SERVICE_NAME,
    READER_SERVICE_VERSION,
    READER_SERVICE_INSTANCE_ID,
    READER_DEPLOYMENT_ENVIRONMENT,
    READER_CONTAINER_NAME,
    READER_CONTAINER_IMAGE_NAME,
    READER_K8S_NAMESPACE_NAME,
    READER_K8S_CLUSTER_NAME,
    READER_K8S_POD_NAME,
    READER_KEY_COUNT
};

struct read_attribute {
    uint16_t id;    /* of the key behind any chain of agent.norm.; TEXT_TABLE_NONE: none of ours */
    uint8_t chain;  /* how long it is */
    bool is_model;  /* it is what the record says at that key of the model */
    bool is_listed; /* it cannot stand under its key: odd, repeated later on, or long */
};

/* A set of attributes that stand together: those of a record, a resource or a scope. */
struct attribute_set {
    struct attribute_view *views; /* owned */
    struct read_attribute *reads; /* owned; of each */
    size_t count, capacity;
    bool has_listed; /* false: none of them is listed */
    uint32_t *slots; /* owned; a hash table of usual keys: 1 + index */
    size_t slot_capacity;
};

struct record_reader {
    struct text_table keys;                /* owned: key to schema_key or reader_key */
    struct text_table kinds;               /* owned: name to enum event_kind */
    uint8_t plain_types[READER_KEY_COUNT]; /* enum any_type that needs no further look */
    uint64_t seed; /* of the hashes: nobody can foresee which keys collide */

    /* Of the present group. */
    const struct record_group *group; /* borrowed; NULL: none yet */
    struct attribute_set resource, scope;
    uint32_t resource_at[READER_KEY_COUNT]; /* 1 + index in `resource`; 0: it does not say */
    struct slice scope_name, scope_version, resource_schema_url, scope_schema_url;

    /* Of the present record. */
    struct attribute_set record;
    struct record_view view;
    uint64_t said[READER_WORDS];   /* a bit for each key of the model that it says */
    uint32_t at[READER_KEY_COUNT]; /* 1 + index in `record`; 0: it does not say */
    struct record_facts facts;
    enum event_kind kind; /* KIND_COUNT: it says none */
    bool is_read;         /* there is a present record */
};

MUST_CHECK enum status record_reader_init(struct record_reader *reader, struct error *err);
void record_reader_fini(struct record_reader *reader);

/* Of ASCII letters, digits and signs but quote and backslash, at most READER_KEY_SIZE_MAX, with
 * something before, behind and between its dots. */
bool reader_is_usual_key(struct slice key);

/* What the record says at a key of the model, of that key's type; NULL: nothing. */
static inline const struct any_view *reader_value(const struct record_reader *reader, unsigned key)
{
    uint32_t at = reader->at[key];
    return at == 0 ? NULL : &reader->record.views[at - 1].value;
}

/* The same as a text, empty when there is none; for keys whose type is text. */
static inline struct slice reader_text(const struct record_reader *reader, unsigned key)
{
    const struct any_view *value = reader_value(reader, key);
    return value == NULL ? SLICE_EMPTY : value->bytes;
}

/* Fills `facts` and `kind` from what the present record says. */
void reader_gather_facts(struct record_reader *reader);

/* The name of a key of the model or of a resource. */
const char *reader_key_name(unsigned key);

/* The number of the text in `words` that the record says at `key`; `none` when it is none. */
unsigned reader_word(const struct record_reader *reader, unsigned key, const char *const *words,
                     unsigned none);

/* What the resource says at a key, which is a text; empty: nothing. */
static inline struct slice reader_resource_text(const struct record_reader *reader, unsigned key)
{
    uint32_t at = reader->resource_at[key];
    return at == 0 ? SLICE_EMPTY : reader->resource.views[at - 1].value.bytes;
}
