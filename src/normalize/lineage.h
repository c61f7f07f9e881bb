/* SPDX-License-Identifier: Apache-2.0 */
/* lineage.h -- which thread of an agent (gen_ai.conversation.id) is whose child, and which calls
 * were refused: the little that one record says about later ones.
 *
 * Records of a sub-agent or an automatic reviewer look like those of an agent that a person
 * talks to; what tells them apart stood in an earlier record.  It is remembered in tables of a
 * fixed size, where the new pushes out the old: what has been forgotten is reported as unknown,
 * never wrongly.
 *
 * Threads: belongs to its normalizer.
 */
#pragma once

#include "normalize/schema.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum { LINEAGE_ID_MAX = 64, LINEAGE_PROVIDER_MAX = 48 };

struct lineage_id {
    uint8_t size; /* 0: none */
    uint8_t text[LINEAGE_ID_MAX];
};

struct lineage_thread {
    struct lineage_id id;
    struct lineage_id parent;
    struct lineage_id root; /* the session that it belongs to; none: its own */
    enum agent_role role;
    bool is_guess;           /* role or parent were concluded, not said */
    uint8_t permission_mode; /* 1 + enum permission_mode; 0: not said */
    uint8_t provider_size;
    uint8_t provider[LINEAGE_PROVIDER_MAX];
};

struct lineage;

MUST_CHECK enum status lineage_create(struct lineage **ret, struct error *err);
void lineage_destroy(struct lineage *lineage); /* accepts NULL */

/* The thread `id`, a new one of unknown role if it is not remembered.  NULL: the id is empty or
 * longer than LINEAGE_ID_MAX.  Good until the next call. */
struct lineage_thread *lineage_open(struct lineage *lineage, struct slice id);

/* Makes `thread` a child of `parent_id`. */
void lineage_set_parent(struct lineage *lineage, struct lineage_thread *thread,
                        struct slice parent_id);

void lineage_set_provider(struct lineage_thread *thread, struct slice provider);

/* Remembers that the trace belongs to a turn of thread `id`, unless it belongs to another. */
void lineage_note_trace(struct lineage *lineage, struct slice trace_id, struct slice id);

/* The thread whose turn the trace belongs to; empty when it is not remembered. */
struct slice lineage_trace_owner(const struct lineage *lineage, struct slice trace_id);

void lineage_note_denied(struct lineage *lineage, struct slice thread_id, struct slice call_id);
bool lineage_was_denied(const struct lineage *lineage, struct slice thread_id,
                        struct slice call_id);

/* Remembers that a log record has told an event of `kind` in the span, so that the span need not
 * tell it again. */
void lineage_note_told(struct lineage *lineage, struct slice trace_id, struct slice span_id,
                       enum event_kind kind);
bool lineage_was_told(const struct lineage *lineage, struct slice trace_id, struct slice span_id,
                      enum event_kind kind);

static inline struct slice lineage_id_slice(const struct lineage_id *id)
{
    return slice_of(id->text, id->size);
}
