/* SPDX-License-Identifier: Apache-2.0 */
/* native_intake.c -- see native_intake.h.
 *
 * A record can only be opened in its group, but the line says its resource anywhere.  So the
 * record is built in the group of the event before, which is right almost always; when the
 * resource turns out to be another one, the record is taken out, the group is changed, and the
 * record is put back. */
#include "receivers/native_intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "normalize/normalize.h"
#include "receivers/sender.h"
#include "wire/hook_line.h"
#include "wire/json_put.h"
#include "wire/native_json.h"

enum {
    NORMALIZED_MAX = 1024 * 1024, /* what normalization may add to one record */
    GROUP_FIELDS_MAX = 2 * NATIVE_RESOURCE_MAX,
    GROUP_SWITCHES_MAX = APPEND_GROUPS_MAX - 4, /* of one batch */
    DECODED_KEPT_MAX = 256 * 1024,
    PREAMBLE_SIZE_MAX = 1024,
    REPORT_SIZE_MAX = 4096, /* of a line of our own about refusals */
};

struct native_intake {
    struct otlp_limits limits;
    struct normalizer *normalizer;
    const struct shedding *shedding; /* borrowed */
    struct append_batch *batch;      /* borrowed */
    unsigned int group_switches;
    bool in_group; /* `batch` and `normalizer` know the present group */

    struct slice sent_resource;      /* of the present group, as the event said it */
    struct buf sent_resource_bytes;  /* what it points into */
    struct buf resource_logs_fields; /* of the present group */
    /* Resource.attributes fields, of events that name none and of our own reports */
    struct buf default_resource, pipeline_resource;
    struct buf event_scope, pipeline_scope;
    bool is_pipeline; /* the present group is that of agent.pipeline */

    struct event_ids *ids; /* borrowed; NULL: they are not looked at */
    uid_t uid;             /* whose events come */
    bool has_id, is_duplicate;
    struct event_id_key id; /* of the last event */

    struct hook_line hook_line;
    struct normalize_hook hook;
    struct buf decoded; /* a hook's bytes that were sent as base64 */

    struct buf moved;      /* a record on its way to another group */
    struct buf normalized; /* what is appended to the record */
    struct native_scratch scratch;
};

/* --- Making ------------------------------------------------------------------------------ */

static enum status append_message(struct buf *out, uint32_t number, struct slice content,
                                  struct error *err)
{
    enum status st = buf_reserve(out, PB_TAG_MAX + PB_VARINT_MAX + content.size, err);

    if (st != ST_OK)
        return st;
    uint8_t *end = pb_put_bytes(out->data + out->size, number, content);
    out->size = (size_t)(end - out->data);
    return ST_OK;
}

static enum status make_scope(struct buf *out, struct slice name, struct error *err)
{
    struct buf scope;

    buf_init(&scope, 256);
    enum status st = append_message(&scope, SCOPE_NAME, name, err);
    if (st == ST_OK)
        st = append_message(&scope, SCOPE_VERSION, SLICE(TELLTALE_VERSION), err);
    if (st == ST_OK)
        st = append_message(out, SCOPE_LOGS_SCOPE, buf_slice(&scope), err);
    buf_fini(&scope);
    return st;
}

enum status native_intake_create(const struct otlp_limits *limits, struct native_intake **ret,
                                 struct error *err)
{
    struct native_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL)
        return error_set(err, ST_NO_MEMORY, "make an intake for native events");
    intake->limits = *limits;
    buf_init(&intake->sent_resource_bytes, NATIVE_RESOURCE_MAX);
    buf_init(&intake->resource_logs_fields, GROUP_FIELDS_MAX);
    buf_init(&intake->default_resource, NATIVE_RESOURCE_MAX);
    buf_init(&intake->pipeline_resource, NATIVE_RESOURCE_MAX);
    buf_init(&intake->event_scope, 512);
    buf_init(&intake->pipeline_scope, 512);
    buf_init(&intake->moved, 2 * limits->record_size_max + NORMALIZED_MAX);
    buf_init(&intake->normalized, NORMALIZED_MAX);
    buf_init(&intake->decoded, limits->record_size_max);
    enum status st = normalizer_create(limits, &intake->normalizer, err);
    if (st == ST_OK)
        st = sender_append_default_resource(SLICE("unknown_agent"), &intake->default_resource, err);
    if (st == ST_OK)
        st = sender_append_default_resource(SLICE("telltale"), &intake->pipeline_resource, err);
    if (st == ST_OK)
        st = make_scope(&intake->event_scope, SLICE("telltale.unix"), err);
    if (st == ST_OK)
        st = make_scope(&intake->pipeline_scope, SLICE("telltale.pipeline"), err);
    if (st != ST_OK) {
        native_intake_destroy(intake);
        return st;
    }
    *ret = intake;
    return ST_OK;
}

void native_intake_destroy(struct native_intake *intake)
{
    if (intake == NULL)
        return;
    normalizer_destroy(intake->normalizer);
    buf_fini(&intake->sent_resource_bytes);
    buf_fini(&intake->resource_logs_fields);
    buf_fini(&intake->default_resource);
    buf_fini(&intake->pipeline_resource);
    buf_fini(&intake->event_scope);
    buf_fini(&intake->pipeline_scope);
    buf_fini(&intake->moved);
    buf_fini(&intake->normalized);
    buf_fini(&intake->decoded);
    free(intake);
}

void native_intake_set_shedding(struct native_intake *intake, const struct shedding *shedding)
{
    intake->shedding = shedding;
}

void native_intake_tell_source(struct native_intake *intake, struct normalized_source *source)
{
    normalizer_tell_source(intake->normalizer, source);
}

void native_intake_set_ids(struct native_intake *intake, struct event_ids *ids, uid_t uid)
{
    intake->ids = ids;
    intake->uid = uid;
}

bool native_intake_is_duplicate(const struct native_intake *intake)
{
    return intake->is_duplicate;
}

void native_intake_remember(struct native_intake *intake, const struct event_id_owner *owner)
{
    if (intake->has_id)
        event_ids_take(intake->ids, intake->id, owner);
}

struct normalized_kind native_intake_last(const struct native_intake *intake)
{
    return normalizer_last(intake->normalizer);
}

/* --- Groups ------------------------------------------------------------------------------ */

void native_intake_use_batch(struct native_intake *intake, struct append_batch *batch)
{
    intake->batch = batch;
    intake->group_switches = 0;
    intake->in_group = false;
}

bool native_intake_has_room(const struct native_intake *intake)
{
    return intake->group_switches < GROUP_SWITCHES_MAX;
}

static enum status build_resource(struct native_intake *intake, struct slice sent, bool is_pipeline,
                                  struct error *err)
{
    const struct buf *unsaid = is_pipeline ? &intake->pipeline_resource : &intake->default_resource;
    struct buf resource;
    enum status st = ST_OK;

    buf_clear(&intake->resource_logs_fields);
    if (sent.size == 0) {
        return append_message(&intake->resource_logs_fields, RESOURCE_LOGS_RESOURCE,
                              buf_slice(unsaid), err);
    }
    buf_init(&resource, GROUP_FIELDS_MAX);
    st = sender_append_resource(sent, &resource, err);
    if (st == ST_OK)
        st = append_message(&intake->resource_logs_fields, RESOURCE_LOGS_RESOURCE,
                            buf_slice(&resource), err);
    buf_fini(&resource);
    return st;
}

static bool is_present_group(const struct native_intake *intake, struct slice sent_resource,
                             bool is_pipeline)
{
    return intake->in_group && intake->is_pipeline == is_pipeline &&
           slice_equal(intake->sent_resource, sent_resource);
}

/* On failure there is no present group, so that the next event makes its own. */
static enum status enter_group(struct native_intake *intake, struct slice sent_resource,
                               bool is_pipeline, struct error *err)
{
    if (is_present_group(intake, sent_resource, is_pipeline))
        return ST_OK;
    intake->in_group = false;
    buf_clear(&intake->sent_resource_bytes);
    enum status st =
        buf_append(&intake->sent_resource_bytes, sent_resource.data, sent_resource.size, err);
    if (st == ST_OK)
        st = build_resource(intake, sent_resource, is_pipeline, err);
    if (st != ST_OK)
        return st;
    struct record_group group = {
        .resource_logs_fields = buf_slice(&intake->resource_logs_fields),
        .scope_logs_fields =
            buf_slice(is_pipeline ? &intake->pipeline_scope : &intake->event_scope),
    };
    st = append_batch_set_group(intake->batch, &group, err);
    if (st == ST_OK)
        st = normalizer_set_group(intake->normalizer, &group, err);
    if (st != ST_OK)
        return st;
    intake->sent_resource = buf_slice(&intake->sent_resource_bytes);
    intake->is_pipeline = is_pipeline;
    intake->group_switches++;
    intake->in_group = true;
    return ST_OK;
}

/* --- Events ------------------------------------------------------------------------------ */

/* The record was built in a group that is not its own: it moves. */
static enum status move_record(struct native_intake *intake, const struct native_event *event,
                               struct buf **record, size_t *start, struct error *err)
{
    buf_clear(&intake->moved);
    enum status st =
        buf_append(&intake->moved, (*record)->data + *start, (*record)->size - *start, err);
    append_batch_cancel(intake->batch);
    *record = NULL;
    if (st == ST_OK)
        st = enter_group(intake, event->resource_fields, false, err);
    if (st == ST_OK)
        st = append_batch_begin(intake->batch, record, err);
    if (st != ST_OK)
        return st;
    *start = (*record)->size;
    return buf_append(*record, intake->moved.data, intake->moved.size, err);
}

/* Whether the event has come before; ST_NO_MEMORY: it is on its way. */
static enum status look_at_id(struct native_intake *intake, struct slice id, struct error *err)
{
    if (id.size == 0 || intake->ids == NULL)
        return ST_OK;
    intake->id = event_ids_key(intake->ids, intake->uid, id);
    enum event_id_state state = event_ids_find(intake->ids, intake->id);
    intake->has_id = state == EVENT_ID_NEW;
    intake->is_duplicate = state == EVENT_ID_DURABLE;
    if (intake->is_duplicate)
        event_ids_count_duplicate(intake->ids);
    if (state == EVENT_ID_PENDING)
        return error_set(err, ST_NO_MEMORY, "another copy of this event is on its way");
    return ST_OK;
}

/* A hook's record is what the agent wrote, and what the normalizer makes of it; they take the place
 * of what is in `record` from `start` on.  ST_NOT_FOUND: the line is no hook's. */
static enum status read_hook(struct native_intake *intake, struct slice line,
                             struct normalize_input *input, struct buf *record, size_t start,
                             struct error *err)
{
    struct hook_line *hook = &intake->hook_line;
    enum status st = hook_line_read(line, &intake->decoded, hook, err);
    if (st != ST_OK)
        return st;
    record->size = start;
    st = hook_line_append_record(hook, record, err);
    if (st != ST_OK)
        return st;
    intake->hook = (struct normalize_hook){.dialect = hook->dialect,
                                           .event = hook->event,
                                           .json = hook->hook,
                                           .unix_nano = hook->time_unix_nano,
                                           .is_json = hook->is_json,
                                           .is_cut = hook->is_cut};
    input->hook = &intake->hook;
    bool is_notify = slice_equal(hook->dialect, SLICE("codex_notify"));
    input->transport = is_notify ? TRANSPORT_NOTIFY_ARGV : TRANSPORT_HOOK_STDIN;
    return look_at_id(intake, hook->id, err);
}

static bool contains(struct slice line, struct slice sign)
{
    return memmem(line.data, line.size, sign.data, sign.size) != NULL;
}

static bool names_hook(struct slice line)
{
    return contains(line, SLICE("\"hook_event_name\"")) ||
           contains(line, SLICE("\"agent-turn-complete\""));
}

/* A hook's own members may have the names of ours and other types, so that it is no event. */
static bool may_be_hook(enum status st, const struct native_event *event, struct slice line)
{
    if (st != ST_OK) {
        return (st == ST_INVALID || st == ST_LIMIT) &&
               (contains(line, SLICE("\"dialect\"")) || names_hook(line));
    }
    if (event->dialect.size > 0)
        return !slice_equal(event->dialect, SLICE("native"));
    return event->kind.size == 0 && names_hook(line);
}

static enum status read_line(struct native_intake *intake, struct slice line,
                             struct normalize_input *input, struct buf *record,
                             struct native_event *ret_event, struct error *err)
{
    size_t start = record->size;
    struct error hook_err;
    enum status st;

    intake->has_id = intake->is_duplicate = false;
    *ret_event = (struct native_event){.kind = SLICE_EMPTY};
    /* As telltale-hook writes it: read once. */
    if (slice_starts_with(line, SLICE("{\"dialect\":"))) {
        st = read_hook(intake, line, input, record, start, err);
        if (st != ST_NOT_FOUND)
            return st;
    }
    st = native_json_read(line, input->received_unix_nano, &intake->limits, &intake->scratch,
                          record, ret_event, err);
    if (!may_be_hook(st, ret_event, line))
        return st;
    enum status hook_st = read_hook(intake, line, input, record, start, &hook_err);
    if (hook_st != ST_OK && (st != ST_OK || hook_st == ST_NOT_FOUND))
        return st; /* it is what it seemed to be */
    *ret_event = (struct native_event){.kind = SLICE_EMPTY};
    if (hook_st != ST_OK)
        *err = hook_err;
    return hook_st;
}

static enum status append_normalized(struct native_intake *intake, struct buf *record, size_t start,
                                     struct normalize_input *input, struct error *err)
{
    input->record = slice_of(record->data + start, record->size - start);
    buf_clear(&intake->normalized);
    enum status st = normalize_record(intake->normalizer, input, &intake->normalized, err);
    if (st != ST_OK)
        return st;
    return buf_append(record, intake->normalized.data, intake->normalized.size, err);
}

static enum status shed(const struct native_intake *intake, struct error *err)
{
    struct normalized_kind last = normalizer_last(intake->normalizer);

    if (intake->shedding == NULL || !shedding_wants(intake->shedding, &last))
        return ST_OK;
    return error_set(err, ST_AGAIN, "%s is shed: room for events is short",
                     schema_kinds[last.kind].name);
}

static enum status add(struct native_intake *intake, struct slice line, bool is_pipeline,
                       struct normalize_input *input, struct error *err)
{
    struct native_event event;
    struct buf *record = NULL;

    ASSERT(intake->batch != NULL);
    enum status st = ST_OK;
    if (!intake->in_group || intake->is_pipeline != is_pipeline)
        st = enter_group(intake, SLICE_EMPTY, is_pipeline, err);
    if (st == ST_OK)
        st = append_batch_begin(intake->batch, &record, err);
    if (st != ST_OK)
        return st;
    size_t start = record->size;
    st = read_line(intake, line, input, record, &event, err);
    if (st == ST_OK && intake->is_duplicate) {
        append_batch_cancel(intake->batch);
        return ST_OK;
    }
    if (st == ST_OK && !is_present_group(intake, event.resource_fields, is_pipeline))
        st = move_record(intake, &event, &record, &start, err);
    if (st == ST_OK) {
        input->native_kind = event.kind;
        st = append_normalized(intake, record, start, input, err);
    }
    if (st == ST_OK)
        st = shed(intake, err);
    buf_trim(&intake->decoded, DECODED_KEPT_MAX);
    if (st == ST_OK)
        append_batch_end(intake->batch);
    else if (record != NULL)
        append_batch_cancel(intake->batch);
    return st;
}

enum status native_intake_add(struct native_intake *intake, struct slice line,
                              struct slice sender_fields, uint64_t now_unix_ns, struct error *err)
{
    struct normalize_input input = {
        .transport = TRANSPORT_UNIX_SOCKET,
        .sender_fields = sender_fields,
        .received_unix_nano = now_unix_ns,
    };

    return add(intake, line, false, &input, err);
}

/* Says since when and until when; the kind of what was shed. */
static enum status describe(struct buf *line, size_t slot, const struct refusal_count *count,
                            struct error *err)
{
    bool is_shed = slot >= REFUSAL_COUNT;
    enum refusal refusal = is_shed ? REFUSAL_SHED : (enum refusal)slot;
    const char *kind = is_shed ? schema_kinds[slot - REFUSAL_COUNT].name : "";
    struct json_put json;
    char body[128];

    snprintf(body, sizeof(body), "%" PRIu64 " events refused: %s%s%s", count->count,
             refusal_code(refusal), is_shed ? " " : "", kind);
    json_start(&json, line, err);
    json_put(&json, SLICE("{\"kind\":\"agent.pipeline\",\"severity\":17,\"body\":"));
    json_put_text(&json, slice_of_text(body));
    json_put(&json, SLICE(",\"attributes\":{\"agent.pipeline.reason\":"));
    json_put_text(&json, slice_of_text(refusal_pipeline_reason(refusal)));
    json_put(&json, SLICE(",\"agent.pipeline.code\":"));
    json_put_text(&json, slice_of_text(refusal_code(refusal)));
    json_put(&json, SLICE(",\"agent.pipeline.count\":"));
    json_put_uint(&json, count->count);
    json_put(&json, SLICE(",\"agent.pipeline.from\":"));
    json_put_time(&json, count->first_unix_ns);
    json_put(&json, SLICE(",\"agent.pipeline.to\":"));
    json_put_time(&json, count->last_unix_ns);
    if (is_shed) {
        json_put(&json, SLICE(",\"agent.pipeline.kind\":"));
        json_put_text(&json, slice_of_text(kind));
    }
    json_put(&json, SLICE("}}"));
    return json_finish(&json);
}

enum status native_intake_add_own(struct native_intake *intake, struct slice line,
                                  uint64_t now_unix_ns, struct error *err)
{
    struct normalize_input input = {
        .transport = TRANSPORT_INTERNAL,
        .received_unix_nano = now_unix_ns,
    };

    return add(intake, line, true, &input, err);
}

enum status native_intake_add_refusal(struct native_intake *intake, size_t slot,
                                      const struct refusal_count *count, uint64_t now_unix_ns,
                                      struct error *err)
{
    struct buf line;

    buf_init(&line, REPORT_SIZE_MAX);
    enum status st = describe(&line, slot, count, err);
    if (st == ST_OK)
        st = native_intake_add_own(intake, buf_slice(&line), now_unix_ns, err);
    buf_fini(&line);
    return st;
}

/* --- The first line ---------------------------------------------------------------------- */

static enum status look_for_version(struct slice record, const struct otlp_limits *limits,
                                    struct native_preamble *ret, struct error *err)
{
    struct attribute_view attributes[32];
    struct record_view view;
    struct native_preamble preamble = {0};
    bool found = false;

    enum status st = otlp_read_record(record, limits, attributes, COUNT_OF(attributes), &view, err);
    if (st != ST_OK)
        return error_set(err, ST_NOT_FOUND, "not a preamble");
    for (size_t i = 0; i < view.attribute_count; i++) {
        const struct any_view *value = &attributes[i].value;
        if (slice_equal(attributes[i].key, SLICE("telltale")) && value->type == ANY_TYPE_INT) {
            preamble.version = value->integer;
            found = true;
        } else if (slice_equal(attributes[i].key, SLICE("ack")) && value->type == ANY_TYPE_BOOL) {
            preamble.ack = value->integer != 0;
        }
    }
    if (!found)
        return error_set(err, ST_NOT_FOUND, "not a preamble");
    *ret = preamble;
    return ST_OK;
}

/* The preamble is read as an event, whose unknown keys are attributes: one reader of JSON. */
enum status native_intake_read_preamble(struct native_intake *intake, struct slice line,
                                        struct native_preamble *ret, struct error *err)
{
    struct native_event event;

    if (line.size > PREAMBLE_SIZE_MAX || memmem(line.data, line.size, "\"telltale\"", 10) == NULL)
        return error_set(err, ST_NOT_FOUND, "not a preamble");
    buf_clear(&intake->moved);
    enum status st =
        native_json_read(line, 0, &intake->limits, &intake->scratch, &intake->moved, &event, err);
    if (st != ST_OK || event.kind.size > 0)
        return error_set(err, ST_NOT_FOUND, "not a preamble");
    return look_for_version(slice_of(intake->moved.data + event.record_offset, event.record_size),
                            &intake->limits, ret, err);
}
