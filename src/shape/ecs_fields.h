/* SPDX-License-Identifier: Apache-2.0 */
/* ecs_fields.h -- which field of the Elastic Common Schema says what of a record.
 *
 * Tables and nothing else: shape_ecs.c writes by them and shape_doc.c tells of them.  Names and
 * types of ECS fields are those of version ECS_VERSION; the others are ours, below ai_agent.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include "shape/record_reader.h"

#define ECS_VERSION "9.4.0"

/* The type that an index must give the field. */
enum ecs_type {
    ECS_KEYWORD,
    ECS_KEYWORDS, /* an array of them */
    ECS_WILDCARD, /* texts of any length that are one term */
    ECS_TEXT,     /* match_only_text: words of a text of any length */
    ECS_STORED,   /* a keyword that is not indexed, of any length */
    ECS_LONG,
    ECS_INTEGER, /* 32 bits */
    ECS_DOUBLE,
    ECS_BOOLEAN,
    ECS_IP,
    ECS_DATE,
};

enum ecs_source {
    FROM_MODEL,    /* a key of the model */
    FROM_MS,       /* the same, milliseconds, as nanoseconds */
    FROM_IP,       /* the same when it is an IP address */
    FROM_DOMAIN,   /* the same when it is none */
    FROM_RESOURCE, /* a key of the resource, else of the record */
    FROM_EITHER,   /* a key of the record, else of the resource */
    FROM_RECORD,   /* enum ecs_fact */
};

enum ecs_fact {
    FACT_TIME,
    FACT_OBSERVED,
    FACT_RECEIVED,
    FACT_KIND,
    FACT_CATEGORY,
    FACT_TYPE,
    FACT_ACTION,
    FACT_OUTCOME,
    FACT_DATASET,
    FACT_LEVEL,
    FACT_MESSAGE,
    FACT_TRACE_ID,
    FACT_SPAN_ID,
    FACT_EVENT_NAME,
    FACT_FLAGS,
    FACT_DROPPED,
    FACT_SEVERITY_NUMBER,
    FACT_VERSION,
};

struct ecs_field {
    const char *path;
    uint8_t type;   /* enum ecs_type */
    uint8_t source; /* enum ecs_source */
    uint16_t key;   /* enum schema_key, reader_key or ecs_fact */
};

/* A key of the model that begins with agent. and stands in no row becomes ai_agent.REST, of the
 * type that it has in the model. */
extern const struct ecs_field ecs_fields[];
extern const size_t ecs_field_count;

enum { ECS_PATH_MAX = 96, ECS_FIELDS_MAX = 320 };

/* All fields: those of the table and the keys of the model that are in no row, sorted by path so
 * that the members of each object stand together.  Returns how many. */
size_t ecs_all_fields(struct ecs_field fields[ECS_FIELDS_MAX],
                      char paths[ECS_FIELDS_MAX][ECS_PATH_MAX]);

/* The name of a type in an index template. */
const char *ecs_type_name(enum ecs_type type);
