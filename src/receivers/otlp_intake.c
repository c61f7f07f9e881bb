/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_intake.c -- see otlp_intake.h.  Whatever happens to one record or one group is noted and
 * never ends the walk; only bytes that are no request do.
 *
 * Of a trusted upstream a log record that it has normalized passes as it is, and nothing is said
 * besides: the upstream has told what its senders left out, who of them is silent, and what follows
 * from spans.  Spans do not show whether it has, so none of its spans are derived from. */
#include "receivers/otlp_intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "normalize/span_derive.h"
#include "normalize/upstream.h"
#include "receivers/native_intake.h"
#include "telltale/encode.h"
#include "util/clock.h"
#include "wire/json_put.h"
#include "wire/otlp_check.h"

enum {
    NORMALIZED_MAX = 1024 * 1024,
    /* Local files repeat resource and scope in each line.  A small request could become terabytes
     * of lines if they were large in it; so what is over SPREAD_FREE in them is counted for every
     * record, up to SPREAD_MAX in a request. */
    SPREAD_FREE = 4 * 1024,
    SPREAD_MAX = 64 * 1024 * 1024,
    /* A small request, compressed, may hold tens of millions of records.  After this many that had
     * to be refused, and when the batch is full, the rest is refused without a look. */
    REJECTED_MAX = 64 * 1024,
    GROUPS_MAX = 64 * 1024, /* with or without records */
    SPANS_TOGETHER = 1024,
    NOTES_MAX = 16, /* about the sender, of one request */
    NOTE_SIZE_MAX = 1024,
};

struct otlp_intake {
    struct otlp_limits limits;
    struct normalizer *normalizer;
    struct native_intake *own; /* for records of ours */
    struct span_deriver *deriver;
    struct upstream *upstream;
    const struct shedding *shedding; /* borrowed */
    struct buf normalized;
    /* of the present request */
    const struct otlp_intake_input *input;
    struct append_batch *batch;
    struct source_watch *sources; /* borrowed; NULL: nobody is watched */
    struct normalized_source said;
    struct otlp_intake_result result;
    struct normalized_kind last; /* of the last log record that was added to the batch */
    bool last_passed;            /* it is as the upstream sent it */
    size_t group_spread;         /* what each record of the present group counts, as said above */
    size_t spread;               /* what all have counted */
    size_t groups;
    /* Spans of the present group that were accepted, and from which nothing was derived yet. */
    struct slice spans[SPANS_TOGETHER];
    size_t span_count;
    struct sequence_note notes[NOTES_MAX];
    size_t note_count;
    bool is_full;             /* nothing more of the request is taken */
    enum status group_status; /* not ST_OK: its records are refused, for `group_error` */
    struct error group_error;
};

enum status otlp_intake_create(const struct otlp_limits *limits, struct otlp_intake **ret,
                               struct error *err)
{
    struct otlp_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL)
        return error_set(err, ST_NO_MEMORY, "make an intake for OTLP");
    intake->limits = *limits;
    buf_init(&intake->normalized, NORMALIZED_MAX);
    enum status st = normalizer_create(limits, &intake->normalizer, err);
    if (st == ST_OK)
        st = native_intake_create(limits, &intake->own, err);
    if (st == ST_OK)
        st = span_deriver_create(intake->normalizer, limits, &intake->deriver, err);
    if (st == ST_OK)
        st = upstream_create(limits, &intake->upstream, err);
    if (st != ST_OK) {
        otlp_intake_destroy(intake);
        return st;
    }
    *ret = intake;
    return ST_OK;
}

void otlp_intake_set_shedding(struct otlp_intake *intake, const struct shedding *shedding)
{
    intake->shedding = shedding;
}

void otlp_intake_destroy(struct otlp_intake *intake)
{
    if (intake == NULL)
        return;
    upstream_destroy(intake->upstream);
    span_deriver_destroy(intake->deriver);
    normalizer_destroy(intake->normalizer);
    native_intake_destroy(intake->own);
    buf_fini(&intake->normalized);
    free(intake);
}

static void reject(struct otlp_intake *intake, enum status status, const struct error *why)
{
    struct otlp_intake_result *result = &intake->result;

    if (result->rejected == result->shed_count)
        result->reason = refusal_of_event(status);
    if (result->rejected++ > 0)
        return;
    snprintf(result->message, sizeof(result->message), "%s", why->text);
}

/* What is wrong with a record costs that record.  Want of memory is no fault of it: the request
 * fails, and its sender comes again. */
static enum status refuse(struct otlp_intake *intake, enum status status, struct error *why)
{
    if (status == ST_NO_MEMORY)
        return status;
    reject(intake, status, why);
    return ST_OK;
}

static void reject_unseen(struct otlp_intake *intake)
{
    struct error why;

    if (intake->result.rejected == intake->result.shed_count) {
        (void)error_set(&why, ST_LIMIT, "more than %d groups of records", (int)GROUPS_MAX);
        reject(intake, ST_LIMIT, &why);
    } else {
        intake->result.rejected++;
    }
}

/* A record that finds no room, or would be over a limit, is not made: the span has it all. */
static void derive_from_span(struct otlp_intake *intake, struct slice span)
{
    const struct span_input input = {
        .span = span,
        .transport = intake->input->transport,
        .sender_fields = intake->input->sender_fields,
        .received_unix_nano = intake->input->now_unix_ns,
    };
    struct buf *record;
    struct error ignored;
    bool made = false;

    buf_clear(&intake->normalized);
    if (span_derive(intake->deriver, &input, &intake->normalized, &made, &ignored) != ST_OK ||
        !made)
        return;
    append_batch_set_signal(intake->batch, SIGNAL_LOGS);
    if (append_batch_begin(intake->batch, &record, &ignored) != ST_OK)
        return;
    if (buf_append(record, intake->normalized.data, intake->normalized.size, &ignored) == ST_OK) {
        append_batch_end(intake->batch);
        intake->result.derived++;
    } else {
        append_batch_cancel(intake->batch);
    }
}

/* Log records that follow from the spans that were added last, under the resource and the scope of
 * these.  They stand behind some spans and not each behind its own, since a request to a
 * destination ends where the signal changes. */
static void derive_from_spans(struct otlp_intake *intake)
{
    if (intake->span_count == 0)
        return;
    span_deriver_set_family(intake->deriver, intake->spans, intake->span_count);
    for (size_t i = 0; i < intake->span_count; i++)
        derive_from_span(intake, intake->spans[i]);
    span_deriver_set_family(intake->deriver, NULL, 0);
    intake->span_count = 0;
    append_batch_set_signal(intake->batch, SIGNAL_TRACES);
}

/* Which process the sender says it is: the last resource counts. */
static void read_claim(struct otlp_intake *intake, struct slice resource_logs_fields)
{
    struct pb_walk walk = pb_walk_start(resource_logs_fields);
    struct pb_field field, inner;
    struct error ignored;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != RESOURCE_LOGS_RESOURCE || field.type != WIRE_BYTES)
            continue;
        struct pb_walk resource = pb_walk_start(field.bytes);
        while (pb_next(&resource, &inner) == PB_FIELD) {
            struct attribute_view attribute;
            if (inner.number == RESOURCE_ATTRIBUTES && inner.type == WIRE_BYTES &&
                otlp_read_attribute(inner.bytes, &attribute, &ignored) == ST_OK &&
                slice_equal(attribute.key, SLICE("process.pid")) &&
                attribute.value.type == ANY_TYPE_INT && attribute.value.integer > 0 &&
                attribute.value.integer <= INT32_MAX)
                intake->said.claimed_pid = (int32_t)attribute.value.integer;
        }
    }
}

static enum status set_group(struct otlp_intake *intake, const struct record_group *around)
{
    struct record_group group = *around;

    group.signal = intake->input->signal;
    enum status st = append_batch_set_group(intake->batch, &group, &intake->group_error);
    if (st == ST_OK && group.signal == SIGNAL_LOGS)
        st = normalizer_set_group(intake->normalizer, &group, &intake->group_error);
    if (st == ST_OK && group.signal == SIGNAL_TRACES)
        st = span_deriver_set_group(intake->deriver, &group, &intake->group_error);
    return st;
}

static enum status on_group(void *context, const struct record_group *group, struct error *err)
{
    struct otlp_intake *intake = context;

    (void)err;
    derive_from_spans(intake);
    if (intake->groups++ >= GROUPS_MAX || intake->is_full) {
        intake->is_full = true;
        return ST_OK;
    }
    size_t size = group->request_fields.size + group->resource_logs_fields.size +
                  group->scope_logs_fields.size;
    intake->group_spread = size > SPREAD_FREE ? size - SPREAD_FREE : 0;
    intake->group_status = set_group(intake, group);
    if (intake->sources != NULL)
        read_claim(intake, group->resource_logs_fields);
    return ST_OK;
}

static enum status append_both(struct slice bytes, const struct buf *normalized, struct buf *record,
                               struct error *err)
{
    enum status st = buf_append(record, bytes.data, bytes.size, err);
    return st == ST_OK ? buf_append(record, normalized->data, normalized->size, err) : st;
}

/* A span or a metric is appended as it came. */
static enum status add_as_it_is(struct otlp_intake *intake, struct slice bytes, struct buf *record,
                                struct error *err)
{
    enum status st = otlp_check_record(intake->input->signal, bytes, &intake->limits, err);
    if (st != ST_OK)
        return st;
    st = buf_append(record, bytes.data, bytes.size, err);
    intake->is_full = st != ST_OK;
    return st;
}

static void note_span(struct otlp_intake *intake, struct slice bytes)
{
    if (intake->input->is_trusted)
        return;
    if (intake->span_count == SPANS_TOGETHER)
        derive_from_spans(intake);
    intake->spans[intake->span_count++] = bytes;
}

/* `said`: what a trusted upstream says of it; NULL: it is of somebody else. */
static enum status add_normalized(struct otlp_intake *intake, struct slice bytes,
                                  const struct upstream_record *said, struct buf *record,
                                  struct error *err)
{
    bool is_native = said != NULL && said->claim == UPSTREAM_NATIVE;
    const struct normalize_input input = {
        .record = bytes,
        .transport = intake->input->transport,
        .sender_fields = intake->input->sender_fields,
        .received_unix_nano = intake->input->now_unix_ns,
        .is_again = intake->input->is_again,
        .is_native = is_native,
        .native_kind = is_native ? said->native_kind : SLICE_EMPTY,
    };

    buf_clear(&intake->normalized);
    enum status st = normalize_record(intake->normalizer, &input, &intake->normalized, err);
    if (st != ST_OK)
        return st;
    intake->last = normalizer_last(intake->normalizer);
    st = append_both(bytes, &intake->normalized, record, err);
    intake->is_full = st != ST_OK;
    return st;
}

static enum status add_of_upstream(struct otlp_intake *intake, struct slice bytes,
                                   struct buf *record, struct error *err)
{
    struct upstream_record said;

    enum status st = upstream_read(intake->upstream, bytes, &said, err);
    if (st != ST_OK)
        return st;
    if (said.claim != UPSTREAM_NORMALIZED)
        return add_normalized(intake, bytes, &said, record, err);
    intake->last = said.kind;
    intake->last_passed = true;
    st = buf_append(record, bytes.data, bytes.size, err);
    intake->is_full = st != ST_OK;
    return st;
}

static enum status add_record(struct otlp_intake *intake, struct slice bytes, struct buf *record,
                              struct error *err)
{
    intake->last_passed = false;
    if (intake->input->signal != SIGNAL_LOGS)
        return add_as_it_is(intake, bytes, record, err);
    if (intake->input->is_trusted)
        return add_of_upstream(intake, bytes, record, err);
    return add_normalized(intake, bytes, NULL, record, err);
}

/* True: the record that was just added is to go again. */
static bool shed(struct otlp_intake *intake)
{
    struct otlp_intake_result *result = &intake->result;

    if (intake->input->signal != SIGNAL_LOGS || intake->shedding == NULL)
        return false;
    enum event_kind kind = intake->last.kind;
    if (!shedding_wants(intake->shedding, &intake->last))
        return false;
    shedding_count(intake->shedding, kind);
    result->shed[kind]++;
    result->shed_count++;
    if (result->rejected++ == 0)
        snprintf(result->message, sizeof(result->message), "%s is shed: room for events is short",
                 schema_kinds[kind].name);
    return true;
}

/* Its record goes behind those of the request. */
static void remember_note(struct otlp_intake *intake)
{
    const struct sequence_note *note = normalizer_last_note(intake->normalizer);

    if (note != NULL && intake->note_count < NOTES_MAX)
        intake->notes[intake->note_count++] = *note;
}

/* Whether the record, if its bytes come again, is the same one. */
static void note_distinction(struct otlp_intake *intake, struct slice bytes)
{
    struct otlp_intake_result *result = &intake->result;

    if (intake->input->signal != SIGNAL_LOGS) {
        result->alike += !otlp_is_told_apart(intake->input->signal, bytes);
        return;
    }
    result->alike += !intake->last.has_time;
    result->coarse += intake->last.has_coarse_time;
}

static void note_accepted(struct otlp_intake *intake, struct slice bytes)
{
    note_distinction(intake, bytes);
    if (intake->input->signal == SIGNAL_TRACES)
        note_span(intake, bytes);
    else if (intake->last_passed)
        intake->result.passed++;
    else if (intake->input->signal == SIGNAL_LOGS)
        remember_note(intake);
}

static enum status describe(const struct sequence_note *note, struct buf *line, struct error *err)
{
    bool is_gap = note->finding == SEQUENCE_GAP;
    struct json_put json;
    char body[128];

    snprintf(body, sizeof(body),
             is_gap ? "%" PRIu64 " tool results are missing" : "the agent began anew",
             note->last - note->first + 1);
    json_start(&json, line, err);
    json_put(&json, SLICE("{\"kind\":\"agent.pipeline\",\"session\":"));
    json_put_text(&json, slice_of(note->session, note->session_size));
    json_put(&json, is_gap ? SLICE(",\"severity\":17,\"body\":") : SLICE(",\"body\":"));
    json_put_text(&json, slice_of_text(body));
    json_put(&json, SLICE(",\"attributes\":{\"agent.pipeline.reason\":"));
    json_put(&json, is_gap ? SLICE("\"sequence_gap\"") : SLICE("\"restart\""));
    if (is_gap) {
        json_put(&json, SLICE(",\"agent.pipeline.count\":"));
        json_put_uint(&json, note->last - note->first + 1);
        json_put(&json, SLICE(",\"agent.pipeline.first\":"));
        json_put_uint(&json, note->first);
        json_put(&json, SLICE(",\"agent.pipeline.last\":"));
        json_put_uint(&json, note->last);
    }
    json_put(&json, SLICE("}}"));
    return json_finish(&json);
}

/* A record that finds no room is not made: what the sender said goes first. */
static void add_notes(struct otlp_intake *intake)
{
    struct error ignored;
    struct buf line;

    if (intake->note_count == 0)
        return;
    buf_init(&line, NOTE_SIZE_MAX);
    native_intake_use_batch(intake->own, intake->batch);
    for (size_t i = 0; i < intake->note_count; i++) {
        buf_clear(&line);
        if (describe(&intake->notes[i], &line, &ignored) == ST_OK &&
            native_intake_add_own(intake->own, buf_slice(&line), intake->input->now_unix_ns,
                                  &ignored) == ST_OK)
            intake->result.notes++;
    }
    buf_fini(&line);
}

static size_t record_size_max(const struct otlp_intake *intake)
{
    return intake->input->is_trusted ? upstream_limits(intake->upstream)->record_size_max
                                     : intake->limits.record_size_max;
}

static enum status take_record(void *context, struct slice bytes, struct error *err)
{
    struct otlp_intake *intake = context;
    struct buf *record;

    if (intake->is_full || intake->result.rejected - intake->result.shed_count >= REJECTED_MAX) {
        reject_unseen(intake);
        return ST_OK;
    }
    if (intake->group_status != ST_OK) {
        *err = intake->group_error;
        return refuse(intake, intake->group_status, err);
    }
    enum status st = ST_OK;
    size_t size_max = record_size_max(intake);
    if (intake->group_spread > SPREAD_MAX - intake->spread)
        st = error_set(err, ST_LIMIT, "resource and scope are too large for so many records");
    else if (bytes.size > size_max)
        st = error_set(err, ST_LIMIT, "a record has %zu bytes, the limit is %zu", bytes.size,
                       size_max);
    if (st == ST_OK)
        st = append_batch_begin(intake->batch, &record, err);
    if (st != ST_OK)
        return refuse(intake, st, err);
    st = add_record(intake, bytes, record, err);
    if (st == ST_OK && shed(intake)) {
        append_batch_cancel(intake->batch);
    } else if (st == ST_OK) {
        append_batch_end(intake->batch);
        intake->spread += intake->group_spread;
        intake->result.accepted++;
        note_accepted(intake, bytes);
    } else {
        append_batch_cancel(intake->batch);
        return refuse(intake, st, err);
    }
    return ST_OK;
}

static enum status on_record(void *context, struct slice bytes, struct error *err)
{
    struct otlp_intake *intake = context;
    uint64_t rejected = intake->result.rejected;

    enum status st = take_record(context, bytes, err);
    if (intake->input->signal == SIGNAL_METRICS && intake->result.rejected > rejected)
        intake->result.rejected_points += otlp_metric_point_count(bytes);
    return st;
}

/* Metrics are no sign of life: they come by themselves. */
static void note_source(struct otlp_intake *intake)
{
    const struct otlp_intake_input *input = intake->input;

    if (intake->sources == NULL || input->signal == SIGNAL_METRICS ||
        intake->result.accepted + intake->result.rejected == 0)
        return;
    source_watch_note(intake->sources, input->source, &intake->said, clock_monotonic_ns(),
                      input->now_unix_ns);
}

enum status otlp_intake_add(struct otlp_intake *intake, const struct otlp_intake_input *input,
                            struct append_batch *batch, struct otlp_intake_result *ret,
                            struct error *err)
{
    const struct otlp_request_visitor visitor = {intake, on_group, on_record};

    intake->input = input;
    intake->said = (struct normalized_source){0};
    intake->sources = input->is_trusted ? NULL : input->sources;
    normalizer_tell_source(intake->normalizer, intake->sources != NULL ? &intake->said : NULL);
    intake->batch = batch;
    intake->result = (struct otlp_intake_result){0};
    intake->group_status = ST_OK;
    intake->group_spread = intake->spread = 0;
    intake->groups = 0;
    intake->span_count = 0;
    intake->is_full = false;
    intake->note_count = 0;
    enum status st = otlp_walk_request(input->request, &visitor, err);
    if (st != ST_OK)
        return st;
    derive_from_spans(intake);
    add_notes(intake);
    note_source(intake);
    *ret = intake->result;
    return ST_OK;
}
