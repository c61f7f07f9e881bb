/* SPDX-License-Identifier: Apache-2.0 */
/* made_span.h -- Spans put together by a test, and what they yield. */
#pragma once

#include "normalize/span_derive.h"
#include "support/normalized.h"

struct made_span {
    struct buf bytes; /* owned; the Span so far */
};

/* Begins a span with ids 1, 1, ... and 2, 2, ... that ended at MADE_SPAN_END, a second after it
 * began. */
void made_span_init(struct made_span *made, const char *name);
void made_span_fini(struct made_span *made);

#define MADE_SPAN_END UINT64_C(1795209900000000000)

/* Gives it ids of the bytes `id` and `parent`; parent 0: it has none. */
void made_span_ids(struct made_span *made, uint8_t id, uint8_t parent);

void made_span_text(struct made_span *made, const char *key, const char *value);
void made_span_bool(struct made_span *made, const char *key, bool value);
void made_span_status(struct made_span *made, enum span_status code, const char *message);
void made_span_exception(struct made_span *made, const char *type, const char *message);

/* Tells the deriver of a group with that scope and service.name; either may be NULL. */
enum status made_span_set_group(struct span_deriver *deriver, const char *scope,
                                const char *service);

/* What the span yields; NULL: nothing.  Free with normalized_destroy(). */
struct normalized *made_span_derive(struct span_deriver *deriver, const struct made_span *made);
