/* SPDX-License-Identifier: Apache-2.0 */
/* record_facts.h -- what envelopes, keys and labels need of a log record.  Implemented in
 * src/shape/.
 *
 * A reader is made once and then reads any number of records without allocating; the attributes of
 * the model (docs/SCHEMA.md) are found wherever normalization had to put them.
 *
 * Threads: a reader belongs to one thread at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"

/* Slices are borrowed from the record and its group, and empty where nothing is said. */
struct record_facts {
    uint64_t time_unix_ns; /* when it happened: of the three the first that is in [1, INT64_MAX],
                              else 0 */
    uint64_t observed_unix_ns; /* as the record says; 0: it does not */
    uint64_t received_unix_ns; /* when we took it, in milliseconds at best; 0: not known */
    uint32_t severity_number;  /* of the LogRecord, 1 to 24; 0: none */
    uint32_t agent_severity;   /* ours, on the same scale; 0: none */
    struct slice severity_text;
    struct slice event_name;
    struct slice uid;           /* log.record.uid */
    struct slice kind;          /* agent.event.kind, as in agent.tool */
    struct slice phase;         /* agent.event.phase */
    struct slice outcome;       /* agent.outcome */
    struct slice decision;      /* agent.decision.outcome */
    struct slice product;       /* agent.product */
    struct slice dialect;       /* agent.dialect */
    struct slice dialect_event; /* agent.dialect.event */
    struct slice transport;     /* agent.transport */
    struct slice session_id;
    struct slice conversation_id; /* gen_ai.conversation.id */
    struct slice turn_id;         /* agent.turn.id */
    struct slice tool_name;       /* gen_ai.tool.name */
    struct slice user_id, user_name, user_email;
    struct slice host_name;        /* of the record, else of the resource */
    struct slice service_name;     /* of the resource, else of the record */
    struct slice trace_id;         /* 16 bytes, not text */
    struct slice span_id;          /* 8 bytes, not text */
    struct slice integrity_action; /* agent.integrity.*: */
    struct slice integrity_note, integrity_growth, integrity_token;
    struct slice integrity_origin, integrity_file, integrity_manifest;
    struct slice body_text; /* when the body is a text */
    struct slice body;      /* the encoded AnyValue; no data: there is none */
};

struct record_reader;

/* ST_NO_MEMORY. */
MUST_CHECK enum status record_reader_create(struct record_reader **ret, struct error *err);
void record_reader_destroy(struct record_reader *reader); /* accepts NULL */

/* Tells which resource and scope the next records stand under.  `group` is borrowed until the next
 * call; it must be one of logs.  ST_CORRUPT: its bytes are not protobuf; ST_LIMIT. */
MUST_CHECK enum status record_reader_set_group(struct record_reader *reader,
                                               const struct record_group *group, struct error *err);

/* Reads one LogRecord; *ret is good for as long as its bytes and those of the group are.
 * ST_CORRUPT: it is none; ST_LIMIT: it has more attributes, or nests deeper, than any receiver of
 * ours takes. */
MUST_CHECK enum status record_reader_read(struct record_reader *reader, struct slice record,
                                          struct record_facts *ret, struct error *err);
