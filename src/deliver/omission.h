/* SPDX-License-Identifier: Apache-2.0 */
/* omission.h -- a batch without what was said and done in it: for destinations that are to know
 * that something happened, but not the words.
 *
 * Left out are attributes whose key says so, of records, span events and links, resources and
 * scopes; lists of keys and values in which such a key is; the body of a log record; and the
 * message of a span's status.  What is left out of a record, or of a resource or scope, is told by
 * two attributes:
 *
 *     agent.content.omitted        each key and its size, "prompt=1782"; OMISSION_KEYS_MAX at most
 *     agent.content.omitted_bytes  all sizes together
 *
 * and agent.content.state no longer says that the content is there.  Everything else keeps its
 * bytes and its place.  Bytes that are not protobuf are left out, since nobody knows what they
 * hold. The data points of metrics are not looked at.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

enum { OMISSION_KEYS_MAX = 64, OMISSION_KEY_SIZE_MAX = 128 };

/* Whether the value at an attribute's key is content. */
typedef bool omission_rule(struct slice key);

struct omission_note {
    const char *prefix; /* static */
    struct slice key;   /* borrowed from the record */
    uint64_t size;
};

struct omission {
    omission_rule *is_content;
    struct buf bytes;            /* owned: what was written anew */
    struct record *records;      /* owned */
    struct record_group *groups; /* owned */
    size_t record_capacity, group_capacity;
    struct omission_note notes[OMISSION_KEYS_MAX]; /* of the message at hand */
    size_t note_count;
    uint64_t omitted_bytes; /* of the message at hand */
};

void omission_init(struct omission *self);
void omission_fini(struct omission *self);

/* Makes `ret` a batch of the same records without their content.  It borrows from `batch` and from
 * `self`, until the next call.  ST_NO_MEMORY. */
MUST_CHECK enum status omission_apply(struct omission *self, omission_rule *is_content,
                                      const struct batch *batch, struct batch *ret,
                                      struct error *err);
