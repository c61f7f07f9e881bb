/* SPDX-License-Identifier: Apache-2.0 */
/* loss_count.c -- see loss_count.h.  A record is walked field by field: of attributes that are
 * there twice the last one counts, as for everybody who reads the record. */
#include "deliver/loss_count.h"

#include "journal/reader.h"
#include "wire/otlp_span.h"
#include "wire/protobuf.h"

enum { READ_SIZE = 1 << 20, READ_COUNT = 4096 };

/* The text of an AnyValue; empty: it is something else. */
static struct slice any_text(struct slice any)
{
    struct pb_walk walk = pb_walk_start(any);
    struct slice text = SLICE_EMPTY;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == ANY_STRING && field.type == WIRE_BYTES)
            text = field.bytes;
    }
    return text;
}

static void read_attribute(struct slice attribute, struct slice *kind, struct slice *outcome)
{
    struct pb_walk walk = pb_walk_start(attribute);
    struct slice key = SLICE_EMPTY;
    struct slice value = SLICE_EMPTY;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.type == WIRE_BYTES && field.number == KEY_VALUE_KEY)
            key = field.bytes;
        else if (field.type == WIRE_BYTES && field.number == KEY_VALUE_VALUE)
            value = field.bytes;
    }
    if (slice_equal(key, SLICE("agent.event.kind")))
        *kind = any_text(value);
    else if (slice_equal(key, SLICE("agent.outcome")))
        *outcome = any_text(value);
}

/* What a LogRecord says of itself. */
static void read_log(struct slice record, struct slice *kind, struct slice *outcome,
                     uint64_t *ret_time_ns)
{
    struct pb_walk walk = pb_walk_start(record);
    uint64_t time_ns = 0;
    uint64_t observed_ns = 0;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RECORD_ATTRIBUTES && field.type == WIRE_BYTES)
            read_attribute(field.bytes, kind, outcome);
        else if (field.number == RECORD_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            time_ns = field.value;
        else if (field.number == RECORD_OBSERVED_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            observed_ns = field.value;
    }
    *ret_time_ns = time_ns != 0 ? time_ns : observed_ns;
}

/* When a span ended, or began if that is not known. */
static uint64_t span_time(struct slice record)
{
    struct pb_walk walk = pb_walk_start(record);
    uint64_t start_ns = 0;
    uint64_t end_ns = 0;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == SPAN_END_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            end_ns = field.value;
        else if (field.number == SPAN_START_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            start_ns = field.value;
    }
    return end_ns != 0 ? end_ns : start_ns;
}

void loss_add_record(struct loss *loss, enum signal signal, const struct record *record)
{
    static const struct slice names[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = {(const uint8_t *)"unknown", 7},
        [SIGNAL_TRACES] = {(const uint8_t *)"span", 4},
        [SIGNAL_METRICS] = {(const uint8_t *)"metric", 6},
    };
    struct slice kind = SLICE_EMPTY;
    struct slice outcome = SLICE_EMPTY;
    uint64_t time_ns = 0; /* of a metric: its points may have any number of them */

    if (signal == SIGNAL_LOGS)
        read_log(record->bytes, &kind, &outcome, &time_ns);
    else if (signal == SIGNAL_TRACES)
        time_ns = span_time(record->bytes);
    if (loss->records == 0 || record->sequence < loss->first)
        loss->first = record->sequence;
    if (record->sequence > loss->last)
        loss->last = record->sequence;
    loss->records++;
    loss->bytes += record->bytes.size;
    loss_add_time(loss, time_ns);
    loss_words_add(&loss->kinds, kind.size > 0 ? kind : names[signal], 1);
    if (outcome.size > 0)
        loss_words_add(&loss->outcomes, outcome, 1);
}

enum status loss_count_range(struct journal *journal, uint64_t first, uint64_t next,
                             unsigned signals, struct loss *lost, uint64_t *ret_passed,
                             struct error *err)
{
    const struct batch_limits limits = {READ_SIZE, READ_COUNT, 0};
    struct journal_reader *reader;
    struct batch batch;
    uint64_t missing;
    uint64_t passed = 0;

    ASSERT(next <= journal_committed(journal));
    enum status st = journal_reader_open(journal, first, &reader, err);
    if (st != ST_OK)
        return st;
    for (uint64_t at = first; st == ST_OK && at < next;) {
        st = journal_reader_next(reader, &limits, &batch, &at, &missing, err);
        for (size_t i = 0; st == ST_OK && i < batch.record_count; i++) {
            const struct record *record = &batch.records[i];
            enum signal signal = batch.groups[record->group_index].signal;
            if (record->sequence < next && (signals & 1U << signal) != 0)
                loss_add_record(lost, signal, record);
            else if (record->sequence < next)
                passed++;
        }
    }
    journal_reader_close(reader);
    *ret_passed = passed;
    return st;
}
