/* SPDX-License-Identifier: Apache-2.0 */
/* loss_count.c -- see loss_count.h. */
#include "deliver/loss_count.h"

#include "deliver/record_scan.h"
#include "journal/reader.h"
#include "wire/otlp_span.h"
#include "wire/protobuf.h"

enum { READ_SIZE = 1 << 20, READ_COUNT = 4096 };

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
    /* Of a metric no time: its points may have any number of them. */
    struct record_scan scan = {.time_ns = 0};

    if (signal == SIGNAL_LOGS)
        record_scan_read(record->bytes, &scan);
    else if (signal == SIGNAL_TRACES)
        scan.time_ns = span_time(record->bytes);
    if (loss->records == 0 || record->sequence < loss->first)
        loss->first = record->sequence;
    if (record->sequence > loss->last)
        loss->last = record->sequence;
    loss->records++;
    loss->bytes += record->bytes.size;
    loss_add_time(loss, scan.time_ns);
    loss_words_add(&loss->kinds, scan.kind.size > 0 ? scan.kind : names[signal], 1);
    if (scan.outcome.size > 0)
        loss_words_add(&loss->outcomes, scan.outcome, 1);
}

static bool is_lost(const struct loss_range *range, enum signal signal, struct slice record)
{
    return (range->signals & 1U << signal) != 0 &&
           record_filter_passes(range->filter, signal, record);
}

enum status loss_count_range(struct journal *journal, const struct loss_range *range,
                             struct loss *lost, uint64_t *ret_passed, struct error *err)
{
    const struct batch_limits limits = {.size_max = READ_SIZE, .count_max = READ_COUNT};
    struct journal_reader *reader;
    struct batch batch;
    uint64_t missing;
    uint64_t passed = 0;

    ASSERT(range->next <= journal_committed(journal));
    enum status st = journal_reader_open(journal, range->first, &reader, err);
    if (st != ST_OK)
        return st;
    for (uint64_t at = range->first; st == ST_OK && at < range->next;) {
        st = journal_reader_next(reader, &limits, &batch, &at, &missing, err);
        for (size_t i = 0; st == ST_OK && i < batch.record_count; i++) {
            const struct record *record = &batch.records[i];
            enum signal signal = batch.groups[record->group_index].signal;
            if (record->sequence >= range->next)
                break;
            if (is_lost(range, signal, record->bytes))
                loss_add_record(lost, signal, record);
            else
                passed++;
        }
    }
    journal_reader_close(reader);
    *ret_passed = passed;
    return st;
}
