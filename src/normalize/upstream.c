/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.c -- see upstream.h.  Values are read as any reader does (docs/SCHEMA.md, rule 1), for
 * the upstream's own senders may have forged keys: what it says of them stands furthest on. */
#include "normalize/upstream.h"

#include <stdlib.h>

#include "normalize/schema.h"
#include "wire/believed.h"

enum {
    ADDED_SIZE_MAX = 1024 * 1024,       /* bytes, */
    ADDED_COUNT_MAX = SCHEMA_KEY_COUNT, /* and attributes, that normalizing adds to a record */
    KEY_SIZE_MIN = 256,                 /* our keys are shorter, whatever limits.key_size says */
};

/* The keys that are looked at. */
enum { LOOK_VERSION, LOOK_KIND, LOOK_DIALECT, LOOK_OUTCOME, LOOK_UID, LOOK_COUNT };

static const enum schema_key looked_at[LOOK_COUNT] = {
    [LOOK_VERSION] = KEY_AGENT_SCHEMA_VERSION, [LOOK_KIND] = KEY_AGENT_EVENT_KIND,
    [LOOK_DIALECT] = KEY_AGENT_DIALECT,        [LOOK_OUTCOME] = KEY_AGENT_OUTCOME,
    [LOOK_UID] = KEY_LOG_RECORD_UID,
};

struct upstream {
    struct otlp_limits limits;
    struct attribute_view *attributes; /* owned; limits.attribute_count_max of them */
    struct slice keys[LOOK_COUNT];
};

struct seen {
    const struct any_view *values[LOOK_COUNT]; /* NULL: absent */
    int chains[LOOK_COUNT];
};

enum status upstream_create(const struct otlp_limits *limits, struct upstream **ret,
                            struct error *err)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));

    if (upstream == NULL)
        return error_set(err, ST_NO_MEMORY, "read what upstreams say");
    upstream->limits = *limits;
    upstream->limits.record_size_max += ADDED_SIZE_MAX;
    upstream->limits.attribute_count_max += ADDED_COUNT_MAX;
    if (upstream->limits.key_size_max < KEY_SIZE_MIN)
        upstream->limits.key_size_max = KEY_SIZE_MIN;
    upstream->attributes =
        calloc(upstream->limits.attribute_count_max, sizeof(*upstream->attributes));
    for (size_t i = 0; i < LOOK_COUNT; i++)
        upstream->keys[i] = slice_of_text(schema_attributes[looked_at[i]].key);
    if (upstream->attributes == NULL) {
        upstream_destroy(upstream);
        return error_set(err, ST_NO_MEMORY, "room for %u attributes",
                         limits->attribute_count_max + ADDED_COUNT_MAX);
    }
    *ret = upstream;
    return ST_OK;
}

void upstream_destroy(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    free(upstream->attributes);
    free(upstream);
}

const struct otlp_limits *upstream_limits(const struct upstream *upstream)
{
    return &upstream->limits;
}

/* --- Reading --------------------------------------------------------------------------------- */

/* Of all that end in a key behind agent.norm. the longest counts, and of several the last. */
static void look_at(const struct upstream *upstream, const struct attribute_view *attribute,
                    struct seen *seen)
{
    struct slice key = attribute->key;
    int chain = believed_chain(&key);

    if (chain > BELIEVED_CHAIN_MAX)
        return;
    for (size_t i = 0; i < LOOK_COUNT; i++) {
        if (chain < seen->chains[i] || !slice_equal(key, upstream->keys[i]))
            continue;
        seen->values[i] = &attribute->value;
        seen->chains[i] = chain;
        return;
    }
}

static struct slice text_of(const struct any_view *value)
{
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

/* Minor versions add keys and words: a record of any of them says what this version wants. */
static bool is_known_version(struct slice version)
{
    const char *major_end = strchr(SCHEMA_VERSION, '.');

    ASSERT(major_end != NULL);
    return slice_starts_with(version,
                             slice_of(SCHEMA_VERSION, (size_t)(major_end + 1 - SCHEMA_VERSION)));
}

static enum event_kind kind_named(struct slice name)
{
    for (enum event_kind kind = 0; kind < KIND_COUNT; kind++) {
        if (slice_equal(name, slice_of_text(schema_kinds[kind].name)))
            return kind;
    }
    return KIND_OTHER; /* of a later minor version */
}

/* A record with an id of its own is told from all others, whatever its time. */
static void read_kind(const struct seen *seen, const struct record_view *view,
                      struct normalized_kind *ret)
{
    const struct slice decision = SLICE("agent.decision.outcome"); /* not in every record */
    bool has_uid = text_of(seen->values[LOOK_UID]).size > 0;

    *ret = (struct normalized_kind){
        .kind = kind_named(text_of(seen->values[LOOK_KIND])),
        .is_decision = believed_find(view, decision) < view->attribute_count ||
                       slice_equal(text_of(seen->values[LOOK_OUTCOME]), SLICE("denied")),
        .has_time = has_uid || view->time_unix_nano != 0,
        .has_coarse_time = !has_uid && view->time_unix_nano % UINT64_C(1000000000) == 0,
    };
}

enum status upstream_read(struct upstream *upstream, struct slice record,
                          struct upstream_record *ret, struct error *err)
{
    struct seen seen = {.values = {NULL}};
    struct record_view view;

    enum status st = otlp_read_record(record, &upstream->limits, upstream->attributes,
                                      upstream->limits.attribute_count_max, &view, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < view.attribute_count; i++)
        look_at(upstream, &view.attributes[i], &seen);
    *ret = (struct upstream_record){.claim = UPSTREAM_NOTHING};
    if (is_known_version(text_of(seen.values[LOOK_VERSION]))) {
        ret->claim = UPSTREAM_NORMALIZED;
        read_kind(&seen, &view, &ret->kind);
    } else if (seen.values[LOOK_VERSION] == NULL &&
               slice_equal(text_of(seen.values[LOOK_DIALECT]), SLICE("native"))) {
        ret->claim = UPSTREAM_NATIVE;
        ret->native_kind = text_of(seen.values[LOOK_KIND]);
    }
    return ST_OK;
}
