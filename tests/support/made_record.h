/* SPDX-License-Identifier: Apache-2.0 */
/* made_record.h -- LogRecords put together by a test, attribute by attribute, and normalized. */
#pragma once

#include "support/normalized.h"

struct made_record {
    struct buf bytes; /* owned; the LogRecord so far */
};

void made_init(struct made_record *made);
void made_fini(struct made_record *made);

void made_text(struct made_record *made, const char *key, const char *value);
void made_bytes_text(struct made_record *made, const char *key, struct slice value);
void made_int(struct made_record *made, const char *key, int64_t value);
void made_double(struct made_record *made, const char *key, double value);
void made_bool(struct made_record *made, const char *key, bool value);
void made_texts(struct made_record *made, const char *key, const char *only); /* a list of one */
void made_nothing(struct made_record *made, const char *key); /* an empty AnyValue */
/* Fields of the record itself, by number. */
void made_fixed64(struct made_record *made, uint32_t number, uint64_t value);
void made_uint(struct made_record *made, uint32_t number, uint64_t value);
void made_field(struct made_record *made, uint32_t number, struct slice bytes);

/* Normalizes it as a record of the scope `scope` (NULL: none) that came over OTLP/HTTP, or as a
 * native event of `kind` over the Unix socket.  Free with normalized_destroy(). */
struct normalized *made_normalize_otlp(const struct made_record *made,
                                       struct normalizer *normalizer, const char *scope);
struct normalized *made_normalize_native(const struct made_record *made,
                                         struct normalizer *normalizer, const char *kind);

/* Tells the normalizer that the next records stand under the scope `scope`; NULL: none. */
void made_set_scope(struct normalizer *normalizer, const char *scope);

/* A normalizer with the default limits; the test ends when there is none. */
struct normalizer *made_normalizer(void);

/* What the receivers would say of the peer: agent.peer.uid 1000, agent.peer.pid 4711. */
struct slice made_peer(void);
