/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h -- a log record as one JSON document, in the forms that destinations understand
 * (docs/SHAPES.md).  Implemented in src/shape/.
 *
 * A document is valid JSON on one line, without a line feed behind it, whatever the record holds:
 * keys stand once, texts are UTF-8, and the value at one path always has the same type.
 *
 * One record: shaper_read(), then what the envelope needs from the facts, then shaper_append(), as
 * often as wanted.
 *
 * Threads: a shaper belongs to one thread at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/record_facts.h"

enum shape {
    SHAPE_OTEL,     /* the document of the Elasticsearch exporter's OTel mode */
    SHAPE_ECS,      /* Elastic Common Schema, agent.* as ai_agent.* */
    SHAPE_CIM,      /* the attributes of the model by their names, and fields of Splunk's CIM */
    SHAPE_OCSF,     /* Open Cybersecurity Schema Framework 1.8.0, what it has no place for in
                       `unmapped` */
    SHAPE_OCSF_1_9, /* of 1.9.0-dev: ai_agent, and ai_operation in most classes */
    SHAPE_COUNT
};

static inline bool shape_is_ocsf(enum shape shape)
{
    return shape == SHAPE_OCSF || shape == SHAPE_OCSF_1_9;
}

/* otel, ecs: written as data_stream.{type,dataset,namespace} of each document, type `logs`.
 * Copied. */
struct shape_options {
    const char *dataset;        /* NULL: no data_stream in the document */
    const char *data_namespace; /* not NULL where dataset is not */
};

struct shaper;

/* The shape that a configuration calls `name` ("otel"); false: none. */
bool shape_named(const char *name, enum shape *ret);
const char *shape_name(enum shape shape);

/* `options` may be NULL.  ST_NO_MEMORY. */
MUST_CHECK enum status shaper_create(enum shape shape, const struct shape_options *options,
                                     struct shaper **ret, struct error *err);
void shaper_destroy(struct shaper *shaper); /* accepts NULL */

/* As record_reader_set_group(): once per group, not per record. */
MUST_CHECK enum status shaper_set_group(struct shaper *shaper, const struct record_group *group,
                                        struct error *err);

/* As record_reader_read().  `record` is borrowed until the next call. */
MUST_CHECK enum status shaper_read(struct shaper *shaper, struct slice record,
                                   struct record_facts *ret, struct error *err);

/* Appends the document of the record that was read last, and successfully.  ST_LIMIT: `out` may not
 * grow that far; ST_NO_MEMORY; on failure it is as it was. */
MUST_CHECK enum status shaper_append(struct shaper *shaper, struct buf *out, struct error *err);
