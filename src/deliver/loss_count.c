/* SPDX-License-Identifier: Apache-2.0 */
/* loss_count.c -- see loss_count.h.  A record is walked field by field: of attributes that are
 * there twice the last one counts, as for everybody who reads the record. */
#include "deliver/loss_count.h"

#include "journal/reader.h"
#include "wire/otlp.h"
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

void loss_add_record(struct loss *loss, const struct record *record)
{
    struct pb_walk walk = pb_walk_start(record->bytes);
    struct slice kind = SLICE_EMPTY;
    struct slice outcome = SLICE_EMPTY;
    uint64_t time_ns = 0;
    uint64_t observed_ns = 0;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RECORD_ATTRIBUTES && field.type == WIRE_BYTES)
            read_attribute(field.bytes, &kind, &outcome);
        else if (field.number == RECORD_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            time_ns = field.value;
        else if (field.number == RECORD_OBSERVED_TIME_UNIX_NANO && field.type == WIRE_FIXED64)
            observed_ns = field.value;
    }
    if (loss->records == 0 || record->sequence < loss->first)
        loss->first = record->sequence;
    if (record->sequence > loss->last)
        loss->last = record->sequence;
    loss->records++;
    loss->bytes += record->bytes.size;
    loss_add_time(loss, time_ns != 0 ? time_ns : observed_ns);
    loss_words_add(&loss->kinds, kind.size > 0 ? kind : SLICE("unknown"), 1);
    if (outcome.size > 0)
        loss_words_add(&loss->outcomes, outcome, 1);
}

enum status loss_count_range(struct journal *journal, uint64_t first, uint64_t next,
                             struct loss *lost, struct error *err)
{
    const struct batch_limits limits = {READ_SIZE, READ_COUNT};
    struct journal_reader *reader;
    struct batch batch;
    uint64_t missing;

    ASSERT(next <= journal_committed(journal));
    enum status st = journal_reader_open(journal, first, &reader, err);
    if (st != ST_OK)
        return st;
    for (uint64_t at = first; st == ST_OK && at < next;) {
        st = journal_reader_next(reader, &limits, &batch, &at, &missing, err);
        for (size_t i = 0; st == ST_OK && i < batch.record_count; i++) {
            if (batch.records[i].sequence < next)
                loss_add_record(lost, &batch.records[i]);
        }
    }
    journal_reader_close(reader);
    return st;
}
