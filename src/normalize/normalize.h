/* SPDX-License-Identifier: Apache-2.0 */
/* normalize.h -- what any agent said, in one model: the agent.* attributes of docs/SCHEMA.md,
 * appended to the record.
 *
 * What the sender wrote is never changed: the output is more fields for the same LogRecord, to
 * be laid behind its bytes.  A dialect is a table (dialect.h); adding one is adding a file.
 *
 * Threads: a normalizer belongs to the thread that made it.
 */
#pragma once

#include "normalize/schema.h"
#include "normalize/sequence_watch.h"
#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"
#include "wire/otlp_span.h"

enum transport {
    TRANSPORT_UNIX_SOCKET,
    TRANSPORT_OTLP_HTTP_PROTOBUF,
    TRANSPORT_OTLP_HTTP_JSON,
    TRANSPORT_OTLP_GRPC,
    TRANSPORT_INTERNAL,
    TRANSPORT_HOOK_STDIN,
    TRANSPORT_NOTIFY_ARGV,
    TRANSPORT_COUNT
};

struct normalizer;

MUST_CHECK enum status normalizer_create(const struct otlp_limits *limits, struct normalizer **ret,
                                         struct error *err);
void normalizer_destroy(struct normalizer *normalizer); /* accepts NULL */

/* Tells which resource and scope the next records stand under; facts about them are looked up
 * once.  `group` is borrowed until the next call.  ST_CORRUPT: its bytes are not protobuf. */
MUST_CHECK enum status normalizer_set_group(struct normalizer *normalizer,
                                            const struct record_group *group, struct error *err);

/* What an agent gave to a hook: the record holds it as log.record.original and nothing else. */
struct normalize_hook {
    struct slice dialect; /* as the hook says; empty: it does not */
    struct slice event;   /* its name, where the JSON does not tell; or empty */
    struct slice json;    /* what the agent wrote, which need not be JSON */
    uint64_t unix_nano;   /* when; 0: not said */
    bool is_json, is_cut; /* it is JSON; its end is missing */
};

struct normalize_input {
    struct slice record; /* LogRecord, as the sender wrote it or as native_json made it */
    enum transport transport;
    const struct normalize_hook *hook; /* borrowed; NULL: it is no hook's */
    struct slice native_kind;          /* native events: "kind" as sent; empty otherwise */
    bool is_native; /* over OTLP, of a sender whose word is taken: it speaks the model itself */
    struct slice sender_fields; /* encoded attributes about the sender (agent.peer.*), appended as
                                  they are; see net/peer.h */
    uint64_t received_unix_nano;
    bool is_again; /* it was normalized before, and not kept: counters of senders are not noted */
};

/* Appends to `out` the fields to lay behind the record.  ST_CORRUPT: the record is not a
 * LogRecord; ST_LIMIT: it is over a limit, which the message names.  On failure `out` is as it
 * was. */
MUST_CHECK enum status normalize_record(struct normalizer *normalizer,
                                        const struct normalize_input *input, struct buf *out,
                                        struct error *err);

/* What a record that was made from a span needs to know of it; see span_derive.h. */
struct span_facts {
    const struct span_view *span;
    struct slice exception_type; /* of its first event `exception`; empty: there is none */
    struct slice exception_message;
    struct slice parent_call_id; /* of the call that its call was made for; empty: not known */
};

/* The same for a record made from a span, by the table `span_dialect_list[dialect]`; the name of
 * its event is that of the span.  *ret_made false: the table does not want this span, and `out` is
 * as it was. */
MUST_CHECK enum status normalize_derived(struct normalizer *normalizer,
                                         const struct normalize_input *input,
                                         const struct span_facts *facts, size_t dialect,
                                         struct buf *out, bool *ret_made, struct error *err);

/* What the last record that was normalized turned out to be. */
struct normalized_kind {
    enum event_kind kind;
    bool is_decision;     /* somebody decided, or something was denied */
    bool has_time;        /* its sender said when it was */
    bool has_coarse_time; /* to the second, as far as one can see */
};
struct normalized_kind normalizer_last(const struct normalizer *normalizer);

/* What agents say of themselves: a text is empty where they do not, or say too much. */
enum { SOURCE_PRODUCT_SIZE = 32, SOURCE_SESSION_SIZE = 128 };
struct normalized_source {
    char product[SOURCE_PRODUCT_SIZE];
    char session[SOURCE_SESSION_SIZE];
    int32_t claimed_pid; /* process.pid of the resource; 0: none.  Not filled in here */
    bool is_hook;        /* a hook said something: no agent, but what it started */
};

/* From now on the first that records say of their agent is written into `source`, until its texts
 * are filled; clear it to hear of others.  Borrowed; NULL, and at first: nowhere. */
void normalizer_tell_source(struct normalizer *normalizer, struct normalized_source *source);

/* What its sender's counter tells: records before it are missing, or the agent began anew.  NULL:
 * nothing.  Good until the next record. */
const struct sequence_note *normalizer_last_note(const struct normalizer *normalizer);
