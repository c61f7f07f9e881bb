/* SPDX-License-Identifier: Apache-2.0 */
/* span_derive.h -- agent events from spans, where a product says something only there: that a tool
 * was called, that a call was refused or cancelled.
 *
 * A span yields no event or one: a whole LogRecord in the model of docs/SCHEMA.md, which stands
 * under the span's resource and scope.  Its time is the span's end, its trace and span id are the
 * span's, its body is empty, its event_name is its kind.  The attributes of the span that the
 * tables read are copied under their keys; agent.derived is true, agent.derived.from is
 * "span:TRACE ID/SPAN ID" in hex.  The span itself is somebody else's to keep.
 *
 * Nothing is told twice: a table lists only spans whose fact is in no log record of the product.
 * Which products have one, and which have none because their log records say it all, is in
 * span_derive.c and in docs/SCHEMA.md.
 *
 * For a receiver:
 *
 *     span_deriver_set_group(deriver, group, &err)             once for each ScopeSpans
 *     span_derive(deriver, &input, &out, &made, &err)          for each span of it
 *     if made: `out` has grown by one LogRecord, to append behind the group of logs made of the
 *              same resource and scope; normalizer_last() tells its kind
 *
 * A span that yields nothing costs a look at the group's answer, and where the group may have some,
 * a walk over the span's fields without copying.
 *
 * Threads: a deriver belongs to the thread of its normalizer.
 */
#pragma once

#include "normalize/normalize.h"

struct span_deriver;

/* `normalizer` is borrowed for the deriver's life. */
MUST_CHECK enum status span_deriver_create(struct normalizer *normalizer,
                                           const struct otlp_limits *limits,
                                           struct span_deriver **ret, struct error *err);
void span_deriver_destroy(struct span_deriver *deriver); /* accepts NULL */

/* Tells which resource and scope the next spans stand under: the fields of ResourceSpans but
 * scope_spans, and those of ScopeSpans but spans.  Looks at them once and keeps no slice.  Does not
 * touch what normalizer_set_group() has set.  ST_CORRUPT: they are not protobuf; spans that follow
 * yield nothing. */
MUST_CHECK enum status span_deriver_set_group(struct span_deriver *deriver,
                                              const struct record_group *group, struct error *err);

/* Tells which spans came together with the next ones, up to SPAN_FAMILY_MAX of them: a call is told
 * with the id of the call among them that it was made for.  Borrowed until the next call; NULL, and
 * at first: none. */
void span_deriver_set_family(struct span_deriver *deriver, const struct slice *spans, size_t count);

struct span_input {
    struct slice span; /* Span, as its sender wrote it; borrowed for the call */
    enum transport transport;
    struct slice sender_fields; /* as in struct normalize_input */
    uint64_t received_unix_nano;
};

/* Appends to `out` the LogRecord that the span yields; *ret_made says whether there is one.  On
 * failure `out` is as it was: ST_CORRUPT, the span is none; ST_LIMIT, it or what became of it is
 * over a limit; the receiver has nothing to refuse for it that it would not refuse itself, and goes
 * on with the next span.  ST_NO_MEMORY. */
MUST_CHECK enum status span_derive(struct span_deriver *deriver, const struct span_input *input,
                                   struct buf *out, bool *ret_made, struct error *err);

/* Whose spans yield events, in the order of asking; for docs/SCHEMA.md. */
struct span_source {
    const char *scope_prefix;      /* of the scope's name; NULL: no such sign */
    const char *service;           /* service.name of the resource; NULL: no such sign */
    const struct dialect *dialect; /* NULL: they yield nothing */
    const char *const *marks;      /* a span without one of these keys, or a name of the dialect's
                                      events, yields nothing; ends with NULL; NULL: none */
    const char *note;              /* for docs/SCHEMA.md */
};

extern const struct span_source span_sources[]; /* the last has no sign: it is for all others */
extern const size_t span_source_count;
