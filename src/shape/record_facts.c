/* SPDX-License-Identifier: Apache-2.0 */
/* record_facts.c -- the facts of the record that a reader has at hand. */
#include "shape/record_reader.h"
#include "wire/record_uid.h"

enum { SEVERITY_MAX = 24 };

static bool is_usable_time(uint64_t unix_ns)
{
    return unix_ns > 0 && unix_ns <= INT64_MAX;
}

static void gather_times(struct record_facts *facts, const struct record_view *view)
{
    facts->received_unix_ns = record_uid_unix_ns(facts->uid);
    facts->observed_unix_ns = view->observed_time_unix_nano;
    facts->time_unix_ns = is_usable_time(view->time_unix_nano) ? view->time_unix_nano
                          : is_usable_time(view->observed_time_unix_nano)
                              ? view->observed_time_unix_nano
                              : facts->received_unix_ns;
}

static uint32_t severity_of(const struct any_view *value)
{
    return value != NULL && value->integer > 0 && value->integer <= SEVERITY_MAX
               ? (uint32_t)value->integer
               : 0;
}

static struct slice either(struct slice first, struct slice second)
{
    return first.size > 0 ? first : second;
}

void reader_gather_facts(struct record_reader *reader)
{
    const struct record_view *view = &reader->view;
    reader->facts = (struct record_facts){
        .severity_number = view->severity_number <= SEVERITY_MAX ? view->severity_number : 0,
        .agent_severity = severity_of(reader_value(reader, KEY_AGENT_SEVERITY)),
        .severity_text = view->severity_text,
        .event_name = view->event_name,
        .uid = reader_text(reader, KEY_LOG_RECORD_UID),
        .kind = reader_text(reader, KEY_AGENT_EVENT_KIND),
        .phase = reader_text(reader, KEY_AGENT_EVENT_PHASE),
        .outcome = reader_text(reader, KEY_AGENT_OUTCOME),
        .decision = reader_text(reader, KEY_AGENT_DECISION_OUTCOME),
        .product = reader_text(reader, KEY_AGENT_PRODUCT),
        .dialect = reader_text(reader, KEY_AGENT_DIALECT),
        .dialect_event = reader_text(reader, KEY_AGENT_DIALECT_EVENT),
        .transport = reader_text(reader, KEY_AGENT_TRANSPORT),
        .session_id = reader_text(reader, KEY_SESSION_ID),
        .conversation_id = reader_text(reader, KEY_GEN_AI_CONVERSATION_ID),
        .turn_id = reader_text(reader, KEY_AGENT_TURN_ID),
        .tool_name = reader_text(reader, KEY_GEN_AI_TOOL_NAME),
        .integrity_action = reader_text(reader, KEY_AGENT_INTEGRITY_ACTION),
        .integrity_note = reader_text(reader, KEY_AGENT_INTEGRITY_NOTE),
        .integrity_growth = reader_text(reader, KEY_AGENT_INTEGRITY_GROWTH),
        .integrity_token = reader_text(reader, KEY_AGENT_INTEGRITY_TOKEN),
        .integrity_origin = reader_text(reader, KEY_AGENT_INTEGRITY_ORIGIN),
        .integrity_file = reader_text(reader, KEY_AGENT_INTEGRITY_FILE),
        .integrity_manifest = reader_text(reader, KEY_AGENT_INTEGRITY_MANIFEST),
        .user_id = reader_text(reader, KEY_USER_ID),
        .user_name = reader_text(reader, KEY_USER_NAME),
        .user_email = reader_text(reader, KEY_USER_EMAIL),
        .host_name = either(reader_text(reader, READER_HOST_NAME),
                            reader_resource_text(reader, READER_HOST_NAME)),
        .service_name = either(reader_resource_text(reader, READER_SERVICE_NAME),
                               reader_text(reader, READER_SERVICE_NAME)),
        .trace_id = view->trace_id,
        .span_id = view->span_id,
        .body_text = view->body.type == ANY_TYPE_STRING ? view->body.bytes : SLICE_EMPTY,
        .body = view->body.encoded,
    };
    gather_times(&reader->facts, view);
    uint16_t kind = text_table_find(&reader->kinds, reader->facts.kind);
    reader->kind = kind == TEXT_TABLE_NONE ? KIND_COUNT : (enum event_kind)kind;
}
