/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c -- see reader.h.
 *
 * A batch is gathered from one segment: record bytes stay in the walker's window, groups are
 * read from where their frames stand, and slices are made at the end, when nothing moves any
 * more.  A batch ends before damage, so that the search behind it holds no memory; damage is
 * crossed at the beginning of the next batch.  What is kept of the segment: reader_segment.h.
 *
 * A disk that cannot read is asked again, call after call, since it may recover; what it has
 * refused READ_FAILURES_MAX times is taken for damage, lest one bad sector stop a destination
 * for ever.
 *
 * A batch also ends where records of another signal begin.  Records that nobody wants are stepped
 * over, and count as read: like a batch they end before damage, so what is missing always stands in
 * front of everything else that one call has met.
 *
 * A record whose group was damaged is delivered without resource and scope: it is better to
 * have it than not. */
#include "journal/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "journal/journal_internal.h"
#include "journal/reader_segment.h"
#include "journal/zeroed_array.h"

enum {
    WINDOW_KEEP = 4 << 20,
    GROUPS_KEEP = 1 << 20,
    READ_FAILURES_MAX = 8,   /* of calls in a row; then what cannot be read is damage */
    TAIL_KEEP_MAX = 1 << 20, /* of a damaged end of unknown size */
};

struct gathered_group {
    size_t offset; /* into group_bytes */
    size_t size;   /* 0: lost */
    enum signal signal;
};

struct journal_reader {
    struct journal *journal; /* borrowed */
    uint64_t position;       /* sequence number of the next record */
    uint64_t counted;        /* below this, missing records have been reported */
    bool must_move;          /* position is not where the walker stands */
    unsigned failures;       /* calls in a row that ended with ST_IO */
    struct reader_place place;
    struct reader_segment segment; /* the one at hand */

    /* The batch at hand. */
    uint64_t batch_number;
    struct record *records; /* owned; while gathering, bytes.data is an offset in the file */
    uint64_t *payloads;     /* owned; where the records' bytes stand in the file */
    size_t record_count;
    size_t record_capacity;
    struct gathered_group *gathered; /* owned */
    struct record_group *groups;     /* owned; the same, resolved */
    size_t group_count;
    size_t group_capacity;
    struct buf group_bytes;
    size_t size_bytes;
    enum signal signal; /* of its first record */
    uint64_t missing;
    struct reader_passage passage;
};

/* Nothing of the range has been read yet, or passed over. */
static bool is_empty_handed(const struct journal_reader *reader)
{
    return reader->record_count == 0 && reader->passage.passed == 0 &&
           reader->passage.filtered == 0;
}

/* The records from the position to `sequence` are gone. */
static void pass_over(struct journal_reader *reader, uint64_t sequence)
{
    uint64_t from = reader->position > reader->counted ? reader->position : reader->counted;

    if (sequence > reader->position) {
        ASSERT(is_empty_handed(reader));
        reader->passage.present = sequence;
    }
    if (sequence > from) {
        reader->missing += sequence - from;
        reader->counted = sequence;
    }
    reader->position = sequence;
}

/* --- The batch at hand ------------------------------------------------------------------- */

static void begin_batch(struct journal_reader *reader)
{
    reader->batch_number++;
    reader->record_count = 0;
    reader->group_count = 0;
    reader->size_bytes = 0;
    reader->missing = 0;
    reader->passage = (struct reader_passage){.present = reader->position};
    buf_trim(&reader->group_bytes, GROUPS_KEEP);
    reader->segment.scan.keep = UINT64_MAX;
    segment_scan_trim(&reader->segment.scan, WINDOW_KEEP);
}

/* The index of the record's group in the batch; a group that is not there yet is read, and
 * stays if the record does. */
static enum status find_group(struct journal_reader *reader, const struct scan_frame *frame,
                              uint32_t *ret_index, struct error *err)
{
    struct reader_segment *segment = &reader->segment;
    struct reader_group lost = {0};
    struct reader_group *known =
        frame->group < segment->group_capacity ? &segment->groups[frame->group] : &lost;
    enum signal signal = frame_signal(frame->type);

    if (known->batch[signal] == reader->batch_number &&
        known->in_batch[signal] < reader->group_count) {
        *ret_index = known->in_batch[signal];
        return ST_OK;
    }
    size_t count = reader->group_count;
    if (count == reader->group_capacity) {
        size_t capacity = reader->group_capacity;
        enum status st = zeroed_array_reserve((void **)&reader->gathered, &capacity, count + 1,
                                              sizeof(*reader->gathered), err);
        if (st == ST_OK)
            st = zeroed_array_reserve((void **)&reader->groups, &reader->group_capacity, count + 1,
                                      sizeof(*reader->groups), err);
        if (st != ST_OK)
            return st;
    }
    struct gathered_group group = {.offset = reader->group_bytes.size, .signal = signal};
    enum status st =
        reader_segment_read_group(segment, known->frame, &reader->group_bytes, &group.size, err);
    if (st != ST_OK)
        return st;
    reader->gathered[count] = group;
    known->batch[signal] = reader->batch_number;
    known->in_batch[signal] = (uint32_t)count;
    *ret_index = (uint32_t)count;
    reader->group_count++;
    return ST_OK;
}

static enum status grow_records(struct journal_reader *reader, struct error *err)
{
    size_t capacity = reader->record_capacity;
    enum status st = zeroed_array_reserve((void **)&reader->payloads, &capacity,
                                          reader->record_count + 1, sizeof(*reader->payloads), err);
    if (st == ST_OK)
        st = zeroed_array_reserve((void **)&reader->records, &reader->record_capacity,
                                  reader->record_count + 1, sizeof(*reader->records), err);
    return st;
}

/* Adds the record, unless the batch may not have it: then *ret_full, and it comes again next time.
 */
static enum status add_record(struct journal_reader *reader, const struct scan_frame *frame,
                              const struct batch_limits *limits, bool *ret_full, struct error *err)
{
    size_t groups_before = reader->group_count;
    uint32_t group_index;

    enum status st = grow_records(reader, err);
    if (st == ST_OK)
        st = find_group(reader, frame, &group_index, err);
    if (st != ST_OK)
        return st;
    size_t size = frame->payload_size;
    if (reader->group_count > groups_before)
        size += reader->gathered[group_index].size;
    if (reader->record_count > 0 &&
        (reader->size_bytes > limits->size_max || size > limits->size_max - reader->size_bytes ||
         (limits->signals != 0 && reader->signal != reader->gathered[group_index].signal))) {
        reader->group_count = groups_before;
        segment_scan_move(&reader->segment.scan, frame->start, frame->sequence);
        *ret_full = true;
        return ST_OK;
    }
    if (reader->record_count == 0) {
        reader->segment.scan.keep = frame->start;
        reader->signal = reader->gathered[group_index].signal;
    }
    reader->records[reader->record_count] = (struct record){
        .sequence = frame->sequence,
        .bytes = {.size = frame->payload_size},
        .group_index = group_index,
    };
    reader->payloads[reader->record_count++] = frame->payload;
    reader->size_bytes += size;
    reader->position = frame->sequence + 1;
    *ret_full = reader->record_count >= limits->count_max;
    return ST_OK;
}

/* Whether the record is wanted; if not, it counts as passed over. */
static bool is_wanted(struct journal_reader *reader, const struct scan_frame *frame,
                      const struct batch_limits *limits)
{
    enum signal signal = frame_signal(frame->type);

    if (limits->signals != 0 && (limits->signals & 1U << signal) == 0) {
        reader->passage.passed++;
        return false;
    }
    if (limits->wants == NULL)
        return true;
    struct slice record =
        slice_of(segment_scan_bytes(&reader->segment.scan, frame->payload, frame->payload_size),
                 frame->payload_size);
    bool wanted = limits->wants(limits->context, signal, record);
    reader->passage.filtered += !wanted;
    return wanted;
}

static enum status take_frame(struct journal_reader *reader, const struct scan_frame *frame,
                              const struct batch_limits *limits, bool *ret_full, struct error *err)
{
    reader_segment_keep_aside(&reader->segment, frame->damage_start, frame->start);
    if (frame->type == FRAME_GROUP)
        return reader_segment_note_group(&reader->segment, frame, err);
    if (!frame_is_record(frame->type))
        return ST_OK; /* from a newer version, which made it so that it may be skipped */
    enum status st = reader_segment_note_record(&reader->segment, frame, err);
    if (st != ST_OK || frame->sequence < reader->position)
        return st;
    pass_over(reader, frame->sequence);
    if (is_wanted(reader, frame, limits))
        return add_record(reader, frame, limits, ret_full, err);
    reader->position = frame->sequence + 1;
    /* The walker's window holds everything from the first record of the batch on. */
    *ret_full = reader->record_count > 0 && frame->payload - reader->payloads[0] > limits->size_max;
    return ST_OK;
}

/* Walks on until the batch is full, the segment ends or damage begins. */
static enum status gather(struct journal_reader *reader, const struct batch_limits *limits,
                          bool *ret_ended, struct error *err)
{
    bool is_full = false;

    *ret_ended = false;
    while (!is_full) {
        enum scan_result result;
        struct scan_frame frame;
        enum status st = segment_scan_next(&reader->segment.scan, &result, &frame, err);
        if (st == ST_OK && result == SCAN_DAMAGE) {
            if (!is_empty_handed(reader))
                return ST_OK;
            st = segment_scan_skip(&reader->segment.scan, err);
        } else if (st == ST_OK && result == SCAN_END) {
            *ret_ended = true;
            return ST_OK;
        } else if (st == ST_OK) {
            st = take_frame(reader, &frame, limits, &is_full, err);
        }
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* The walker has reached the end; records that should have come before it are gone. */
static void end_segment(struct journal_reader *reader, const struct segment_view *view)
{
    if (reader->position >= view->limit_sequence)
        return;
    uint64_t start = reader->segment.scan.good_end;
    uint64_t end = reader->segment.scan.end; /* of the damage, if there is an end mark */
    if (reader->segment.scan.mark == 0 && end > start + TAIL_KEEP_MAX)
        end = start + TAIL_KEEP_MAX; /* what follows may be of another life of the file */
    reader_segment_keep_aside(&reader->segment, start, end);
    pass_over(reader, view->limit_sequence);
    if (view->segment.end % FRAME_ALIGNMENT == 0) /* else nothing will come behind it */
        segment_scan_move(&reader->segment.scan, view->segment.end, view->limit_sequence);
}

/* Gathers a batch from the segment of `view`.  *ret_more: nothing was there, but there is a
 * segment behind it. */
static enum status read_segment(struct journal_reader *reader, const struct segment_view *view,
                                const struct batch_limits *limits, bool *ret_more,
                                struct error *err)
{
    struct reader_segment *segment = &reader->segment;
    bool is_present = true;
    bool has_ended;

    *ret_more = true;
    if (reader->position < view->segment.first)
        pass_over(reader, view->segment.first);
    bool is_at_hand = reader_segment_is(segment, &view->segment);
    if (reader_segment_is_open(segment) && view->is_last_reader)
        reader_segment_release(segment, !is_at_hand);
    if (!is_at_hand) {
        enum status st = reader_segment_enter(segment, &view->segment, &is_present, err);
        if (st != ST_OK)
            return st;
        if (!is_present) {
            pass_over(reader, view->limit_sequence);
            return ST_OK;
        }
    } else if (reader->must_move) {
        reader_segment_move(segment, reader->position);
    }
    reader->must_move = false;
    segment->scan.end = view->segment.end;
    segment->scan.limit_sequence = view->limit_sequence;
    enum status st = gather(reader, limits, &has_ended, err);
    if (st != ST_OK)
        return st;
    if (is_empty_handed(reader) && has_ended)
        end_segment(reader, view);
    *ret_more = is_empty_handed(reader);
    return ST_OK;
}

static void resolve(struct journal_reader *reader, struct batch *ret)
{
    size_t size_bytes = 0;

    for (size_t i = 0; i < reader->group_count; i++) {
        const struct gathered_group *gathered = &reader->gathered[i];
        struct record_group *group = &reader->groups[i];
        *group = (struct record_group){0};
        if (gathered->size > 0)
            (void)group_get(slice_of(reader->group_bytes.data + gathered->offset, gathered->size),
                            group); /* was checked when it was read */
        group->signal = gathered->signal;
        size_bytes += group->request_fields.size + group->resource_logs_fields.size +
                      group->scope_logs_fields.size;
    }
    for (size_t i = 0; i < reader->record_count; i++) {
        struct slice *bytes = &reader->records[i].bytes;
        bytes->data = segment_scan_bytes(&reader->segment.scan, reader->payloads[i], bytes->size);
        size_bytes += bytes->size;
    }
    *ret = (struct batch){
        .records = reader->records,
        .record_count = reader->record_count,
        .groups = reader->groups,
        .group_count = reader->group_count,
        .size_bytes = size_bytes,
    };
    memcpy(ret->journal_id, journal_id(reader->journal), JOURNAL_ID_SIZE);
}

/* --- The interface ----------------------------------------------------------------------- */

enum status journal_reader_open(struct journal *journal, uint64_t sequence,
                                struct journal_reader **ret, struct error *err)
{
    uint64_t committed = journal_committed(journal);
    if (sequence > committed) {
        return error_set(err, ST_INVALID,
                         "cannot read from %" PRIu64 ": the journal ends at %" PRIu64, sequence,
                         committed);
    }
    struct journal_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(err, ST_NO_MEMORY, "open a reader");
    reader->journal = journal;
    reader->position = sequence > 0 ? sequence : journal_oldest(journal);
    reader->counted = reader->position;
    reader->must_move = true;
    reader->place.position = reader->position;
    journal_enter(journal, &reader->place);
    reader_segment_init(&reader->segment, journal_directory(journal));
    buf_init(&reader->group_bytes, SIZE_MAX / 2); /* bounded by the limits of a batch */
    *ret = reader;
    return ST_OK;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (reader == NULL)
        return;
    reader_segment_fini(&reader->segment);
    journal_leave(reader->journal, &reader->place);
    buf_fini(&reader->group_bytes);
    free(reader->records);
    free(reader->payloads);
    free(reader->gathered);
    free(reader->groups);
    free(reader);
}

enum status journal_reader_next(struct journal_reader *reader, const struct batch_limits *limits,
                                struct batch *ret, uint64_t *ret_next, uint64_t *ret_missing,
                                struct error *err)
{
    uint64_t position = reader->position;
    uint64_t counted = reader->counted;
    struct segment_view view;
    bool has_more = true;

    begin_batch(reader);
    reader->segment.scan.takes_bad_sectors = reader->failures >= READ_FAILURES_MAX;
    while (has_more && journal_view(reader->journal, &reader->place, reader->position, &view) &&
           reader->position < view.committed) {
        enum status st = read_segment(reader, &view, limits, &has_more, err);
        if (st != ST_OK) {
            journal_reader_seek(reader, position);
            reader->counted = counted;
            reader->failures += st == ST_IO;
            return error_context(err, "read the journal at %" PRIu64, position);
        }
    }
    reader->failures = 0;
    resolve(reader, ret);
    *ret_next = reader->position;
    *ret_missing = reader->missing;
    return ST_OK;
}

struct reader_passage journal_reader_passage(const struct journal_reader *reader)
{
    return reader->passage;
}

void journal_reader_seek(struct journal_reader *reader, uint64_t sequence)
{
    reader->position = sequence;
    reader->must_move = true;
}
