/* SPDX-License-Identifier: Apache-2.0 */
/* record_template.h -- log records as the JSON that a configuration draws up.  Implemented in
 * src/shape/.
 *
 * A template is a JSON text with slots, which is read once and then written for any record:
 *
 *     {"ts":{{time:unix_ms}},"host":{{host!}},"tool":{{tool?}},"message":"{{kind}}: {{body}}"}
 *
 * A slot stands where a value may, or within a string, and what it writes is escaped by its place:
 * whatever a record holds, the text stays valid JSON on one line, with the members that the
 * template has.  White space outside of strings is left away.
 *
 * Slots, which docs/INTAKES.md explains one by one:
 *
 *     facts        kind phase outcome decision product dialect dialect_event session conversation
 *                  turn tool user user_name user_email host service uid event_name severity_text
 *                  severity severity_number sequence trace_id span_id
 *     times        time observed received, with a form: time:unix_ms
 *     the body     body body:str body:b64
 *     attributes   attrs:flat attrs:nested attr:KEY attr_str:KEY
 *     documents    shape:otel shape:otel:str shape:otel:b64, and so for each shape of shape.h
 *
 * What a record does not say is `null`; of `{{NAME!}}` it is `""`, and with `{{NAME?}}` the whole
 * member or element is left out.  Within a string it is nothing.  Objects within a string are JSON
 * as text.
 *
 * Threads: a set of templates belongs to one thread at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/record_facts.h"

enum {
    TEMPLATE_SIZE_MAX = 64 * 1024,
    TEMPLATE_SLOTS_MAX = 256, /* and as many parts between them */
    TEMPLATE_DEPTH_MAX = 32,  /* objects and arrays within another */
    TEMPLATES_MAX = 4,        /* in a set */
};

/* Templates that are written of the same records, which are read once for all. */
struct record_templates;

/* An empty set.  ST_NO_MEMORY. */
MUST_CHECK enum status record_templates_create(struct record_templates **ret, struct error *err);
void record_templates_destroy(struct record_templates *set); /* accepts NULL */

/* Adds a template; they are numbered from 0.  ST_INVALID: it is none, "column 17: ..."; ST_LIMIT;
 * ST_NO_MEMORY.  `text` is not kept. */
MUST_CHECK enum status record_templates_add(struct record_templates *set, struct slice text,
                                            struct error *err);

/* Whether the text is a template. */
MUST_CHECK enum status record_template_check(struct slice text, struct error *err);

/* As record_reader_set_group() and record_reader_read().  `sequence`: the record's. */
MUST_CHECK enum status record_templates_set_group(struct record_templates *set,
                                                  const struct record_group *group,
                                                  struct error *err);
MUST_CHECK enum status record_templates_read(struct record_templates *set, struct slice record,
                                             uint64_t sequence, struct record_facts *ret,
                                             struct error *err);

/* Appends template `number` with the record that was read last, and successfully.  ST_LIMIT: `out`
 * may not grow that far; ST_NO_MEMORY; on failure it is as it was. */
MUST_CHECK enum status record_templates_append(struct record_templates *set, size_t number,
                                               struct buf *out, struct error *err);
