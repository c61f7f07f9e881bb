/* SPDX-License-Identifier: Apache-2.0 */
/* span_family.h -- spans that came together, by their ids: for which call of a tool another one was
 * made.
 *
 * A call that is made for another, by a sub-agent for instance, has that one's span among its
 * ancestors.  Only those that came with it are known: of a call that takes long, its children come
 * in earlier requests.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/error.h"
#include "wire/otlp_span.h"

enum {
    SPAN_FAMILY_MAX = 1024,     /* more are not looked among */
    SPAN_FAMILY_DEPTH_MAX = 16, /* from a span to an ancestor */
    SPAN_FAMILY_ID_MAX = 256,   /* of a call; a longer one is not repeated */
};

struct span_family;

MUST_CHECK enum status span_family_create(struct span_family **ret, struct error *err);
void span_family_destroy(struct span_family *family); /* accepts NULL */

/* The spans from now on, as their sender wrote them; all is borrowed until the next call. */
void span_family_set(struct span_family *family, const struct slice *spans, size_t count);

/* The id of the nearest call above `span` that is not its own; empty: none is known. */
struct slice span_family_parent_call(struct span_family *family, const struct span_view *span);
