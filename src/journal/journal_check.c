/* SPDX-License-Identifier: Apache-2.0 */
/* journal_check.c -- see journal_check.h; the rules are in docs/JOURNAL_FORMAT.md.
 *
 *     list the names until two lists agree -> probe each header -> for each file, oldest first:
 *     walk its frames -> judge what stands behind the last one -> compare with the next file
 *
 * `due` is the sequence number up to which everything is accounted for, as there or as missing.
 * Between two usable segments it has to arrive at the first number of the second; what lacks is
 * put down to the end of the first segment, to the unusable files between them, and to the file
 * that the second one names as the one before it and that is not there.
 *
 * The end of the newest segment needs judgement, since nothing supersedes it.  An end mark says how
 * many records stand before it, and what is behind it belongs to no one; it is there at every
 * moment and whenever a process dies.  Without one the end is damaged, or a power cut has torn a
 * write that was not acknowledged; the two cannot be told apart, and it counts as damage.  The next
 * start keeps the bytes aside, cuts them off and puts the mark anew.  A mark of which a few bytes
 * are damaged is still known for one.
 *
 * Segments of version 1 have no marks: there the end of the file ends the records, and a frame that
 * it cuts was never synced, so never acknowledged.
 *
 * The journal may be at work.  An end that looks damaged is looked at again, a little later, before
 * it is said; and a file that has become another segment meanwhile, as its salt shows, was retired.
 */
#include "journal/journal_check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "journal/segment_survey.h"
#include "journal/segment_tail.h"
#include "journal/segment_writer.h"
#include "telltale/buf.h"

enum {
    RESCANS_MAX = 4,
    RESCAN_DELAY_NS = 1000000,                  /* four times as long before each further one */
    GROUP_NUMBERS_MAX = 2 * SEGMENT_GROUPS_MAX, /* more than a writer gives out */
};

struct journal_check {
    const struct journal_check_options *options; /* borrowed */
    const struct disk_io *io;                    /* borrowed */
    const struct journal_check_handler *handler; /* borrowed while running */
    struct journal_check_report report;
    struct segment_survey survey;
    uint64_t due; /* see above; 0: nothing was seen yet */

    /* The segment at hand. */
    int fd;
    struct segment_probe probe;
    struct segment_scan scan;
    uint64_t own_end; /* the next file begins here; UINT64_MAX: there is none */
    struct journal_segment_report segment;
    bool was_recycled;        /* the file has become another segment meanwhile */
    uint64_t groupless;       /* records of it */
    uint64_t first_groupless; /* the first of them */
    uint64_t *group_frames;   /* owned; where each group stands, by its number; 0: not seen */
    size_t group_numbers;     /* those from here on were not seen */

    /* The group of the last record that was shown. */
    uint64_t group_frame; /* 0: none */
    struct buf group_bytes;
    struct record_group group;
};

static const struct {
    const char *name, *text;
} finding_words[] = {
    [FINDING_UNFINISHED] = {"unfinished_write",
                            "a write that is not finished; nothing of it was acknowledged"},
    [FINDING_SUPERSEDED] = {"superseded", "left by a failed write; the next segment has the "
                                          "records"},
    [FINDING_UNUSED] = {"unused", "zeros, never written to"},
    [FINDING_END_MARK] = {"damaged_end_mark", "only the end mark is damaged; no record is missing"},
    [FINDING_ID] = {"journal_id", "journal.id is damaged or missing; the next start makes it anew "
                                  "from the newest segment"},
    [FINDING_HEADER] = {"damaged_header", "the header is damaged; the records were found all the "
                                          "same"},
    [FINDING_UNUSABLE] = {"unusable_file", "the file cannot be used"},
    [FINDING_RANGE] = {"damaged_range", "damaged"},
    [FINDING_TAIL] = {"damaged_end", "damaged up to its end"},
    [FINDING_GAP] = {"missing_records", "in no file"},
    [FINDING_REMOVED] = {"removed_segment", "the segment behind it names it, but it is not there"},
    [FINDING_GROUPS] = {"lost_groups", "records have lost their resource and scope"},
};

const char *journal_finding_name(enum journal_finding_kind kind)
{
    return finding_words[kind].name;
}

const char *journal_finding_text(enum journal_finding_kind kind)
{
    return finding_words[kind].text;
}

/* Looks whether the file is still what it was, before something is believed that it shows. */
static bool is_recycled(struct journal_check *check)
{
    uint8_t header[SEGMENT_HEADER_SIZE];
    uint32_t salts[2];
    struct error ignored;
    size_t got;

    if (check->fd < 0 || !check->probe.header_is_valid || check->was_recycled)
        return check->was_recycled;
    if (disk_read(check->io, check->fd, header, sizeof(header), 0, &got, &ignored) != ST_OK ||
        got < sizeof(header))
        return false;
    segment_header_salts(header, salts);
    check->was_recycled =
        salts[0] != check->probe.segment.salt && salts[1] != check->probe.segment.salt;
    return check->was_recycled;
}

static enum status found(struct journal_check *check, uint64_t segment_first,
                         struct journal_finding finding, struct error *err)
{
    if (segment_first > 0 && is_recycled(check))
        return ST_OK;
    finding.is_damage = finding.kind >= FINDING_ID;
    if (segment_first > 0)
        segment_name(finding.file, segment_first);
    check->report.damages += finding.is_damage;
    if (finding.kind == FINDING_GROUPS)
        check->report.groupless += finding.count;
    else
        check->report.missing += finding.count;
    return check->handler->on_finding != NULL
               ? check->handler->on_finding(check->handler->context, &finding, err)
               : ST_OK;
}

/* --- Groups and records ------------------------------------------------------------------- */

static void note_group(struct journal_check *check, const struct scan_frame *frame)
{
    const uint8_t *payload = segment_scan_bytes(&check->scan, frame->payload, frame->payload_size);
    struct record_group ignored;

    check->segment.groups++;
    if (frame->group >= GROUP_NUMBERS_MAX || frame->payload_size > GROUP_SIZE_MAX ||
        !group_get(slice_of(payload, frame->payload_size), &ignored))
        return; /* its records will be counted */
    while (check->group_numbers <= frame->group)
        check->group_frames[check->group_numbers++] = 0;
    check->group_frames[frame->group] = frame->start;
}

static uint64_t find_group(const struct journal_check *check, uint32_t number)
{
    return number < check->group_numbers ? check->group_frames[number] : 0;
}

/* Reads the group whose frame was valid when the walk came by.  It comes out empty if that has
 * changed since. */
static enum status load_group(struct journal_check *check, uint64_t frame, struct error *err)
{
    struct buf *bytes = &check->group_bytes;
    struct frame_header header = {0};
    uint8_t head[FRAME_HEADER_SIZE];
    size_t got = 0;

    if (frame == check->group_frame)
        return ST_OK;
    check->group = (struct record_group){0};
    check->group_frame = frame;
    buf_clear(bytes);
    if (frame == 0)
        return ST_OK;
    enum status st = disk_read(check->io, check->fd, head, sizeof(head), frame, &got, err);
    if (st == ST_OK && got == sizeof(head) &&
        frame_header_get(head, check->probe.segment.salt, &header))
        st = buf_reserve(bytes, header.payload_size, err);
    if (st == ST_OK && header.payload_size > 0)
        st = disk_read(check->io, check->fd, bytes->data, header.payload_size,
                       frame + FRAME_HEADER_SIZE, &bytes->size, err);
    if (st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK || bytes->size != header.payload_size ||
        crc32c(check->probe.segment.salt, bytes->data, bytes->size) != header.payload_crc ||
        !group_get(buf_slice(bytes), &check->group)) {
        check->group = (struct record_group){0};
        (void)is_recycled(check); /* then its records are not shown */
    }
    return ST_OK;
}

static enum status take_record(struct journal_check *check, const struct scan_frame *frame,
                               struct error *err)
{
    const struct journal_check_handler *handler = check->handler;
    uint64_t group = find_group(check, frame->group);

    check->segment.records++;
    check->segment.of_signal[frame_signal(frame->type)]++;
    check->segment.last = frame->sequence;
    if (check->report.oldest == 0)
        check->report.oldest = frame->sequence;
    if (group == 0 && check->groupless++ == 0)
        check->first_groupless = frame->sequence;
    if (handler->on_record == NULL || frame->sequence < check->options->from ||
        frame->sequence > check->options->to)
        return ST_OK;
    enum status st = load_group(check, group, err);
    if (st != ST_OK || check->was_recycled)
        return st;
    struct slice record = slice_of(
        segment_scan_bytes(&check->scan, frame->payload, frame->payload_size), frame->payload_size);
    check->group.signal = frame_signal(frame->type);
    return handler->on_record(handler->context, frame->sequence, &check->group, record, err);
}

static enum status take_frame(struct journal_check *check, const struct scan_frame *frame,
                              struct error *err)
{
    enum status st = ST_OK;

    if (frame->damage_start < frame->start)
        st = found(check, check->segment.first,
                   (struct journal_finding){
                       .kind = FINDING_RANGE,
                       .offset = frame->damage_start,
                       .size = frame->start - frame->damage_start,
                       .first_sequence = frame->missing > 0 ? frame->sequence - frame->missing : 0,
                       .count = frame->missing,
                   },
                   err);
    if (st != ST_OK)
        return st;
    if (frame->type == FRAME_GROUP)
        note_group(check, frame);
    return frame_is_record(frame->type) ? take_record(check, frame, err) : ST_OK;
}

/* --- The end of a segment ----------------------------------------------------------------- */

static bool has_end_marks(const struct journal_check *check)
{
    return !check->probe.header_is_valid || check->probe.header.version > 1;
}

/* What stands behind the last valid frame, which is the last one that is wanted if
 * `finding->count` is 0.  There is no valid end mark. */
static enum journal_finding_kind judge_tail(struct journal_check *check,
                                            const struct journal_finding *finding)
{
    const struct segment_scan *scan = &check->scan;
    bool is_newest = scan->limit_sequence == UINT64_MAX;
    struct error ignored;
    bool is_zero;

    if (finding->count > 0)
        return finding->size > 0 ? FINDING_TAIL : FINDING_GAP;
    if (has_end_marks(check) && segment_tail_is_end_mark(scan))
        return FINDING_END_MARK;
    if (is_newest && has_end_marks(check))
        return FINDING_TAIL;
    if (segment_tail_is_zero(scan->io, scan->fd, scan->good_end, scan->end, &is_zero, &ignored) ==
            ST_OK &&
        is_zero)
        return FINDING_UNUSED;
    if (!is_newest)
        return FINDING_SUPERSEDED;
    return segment_tail_is_cut(scan) ? FINDING_UNFINISHED : FINDING_TAIL;
}

/* Looks again from the last valid frame on, with the size that the file has now. */
static enum status look_again(struct journal_check *check, unsigned rescans, struct error *err)
{
    struct segment_scan *scan = &check->scan;
    const struct timespec delay = {.tv_nsec = RESCAN_DELAY_NS << 2 * rescans};

    (void)nanosleep(&delay, NULL); /* a shorter one will do */
    uint64_t good_end = scan->good_end;
    uint64_t expected = scan->expected;
    off_t size = lseek(check->fd, 0, SEEK_END);

    if (size < 0)
        return error_set_errno(err, ST_IO, "size of a segment");
    segment_scan_begin(scan, check->fd, check->probe.segment.salt, check->segment.first);
    segment_scan_move(scan, good_end, expected);
    scan->end = (uint64_t)size;
    return ST_OK;
}

/* An end mark was met: damage before it is named, with the number of records that it took. */
static enum status take_end_mark(struct journal_check *check, struct error *err)
{
    struct segment_scan *scan = &check->scan;
    uint64_t first = scan->expected;
    uint64_t next = scan->mark < scan->limit_sequence ? scan->mark : scan->limit_sequence;
    struct journal_finding finding = {
        .kind = FINDING_RANGE, .offset = scan->good_end, .size = scan->end - scan->good_end};

    scan->good_end = scan->end;
    if (next > first) {
        finding.first_sequence = first;
        finding.count = next - first;
        scan->expected = next;
    } else if (scan->limit_sequence == first) {
        finding.kind = FINDING_SUPERSEDED;
    }
    return finding.size > 0 ? found(check, check->segment.first, finding, err) : ST_OK;
}

/* At the end of the walk: *ret_again, and it goes on; or it is said what stands there. */
static enum status end_walk(struct journal_check *check, unsigned *rescans, bool *ret_again,
                            struct error *err)
{
    const struct segment_scan *scan = &check->scan;
    bool is_last = scan->limit_sequence == UINT64_MAX;
    uint64_t wanted = check->own_end != UINT64_MAX ? check->own_end : check->options->committed;
    bool needs_mark = is_last && has_end_marks(check) && scan->mark == 0;

    *ret_again = false;
    enum status st = scan->mark > 0 ? take_end_mark(check, err) : ST_OK;
    if (st != ST_OK)
        return st;
    struct journal_finding finding = {
        .offset = scan->good_end,
        .size = scan->end > scan->good_end ? scan->end - scan->good_end : 0,
    };
    if (wanted > scan->expected)
        finding.count = wanted - scan->expected;
    if (finding.size == 0 && finding.count == 0 && !needs_mark)
        return ST_OK;
    finding.kind = judge_tail(check, &finding);
    if (finding.kind >= FINDING_ID) {
        finding.first_sequence = scan->expected;
        finding.count_is_unknown = is_last && check->own_end == UINT64_MAX;
    } else if (finding.kind == FINDING_END_MARK) {
        finding.size = FRAME_HEADER_SIZE;
    }
    bool may_change = finding.kind == FINDING_TAIL || (needs_mark && finding.kind == FINDING_GAP);
    bool is_cut = scan->good_end % FRAME_ALIGNMENT != 0; /* in the padding: nothing comes there */
    if (may_change && is_last && !is_cut && *rescans < RESCANS_MAX) {
        *ret_again = true;
        return look_again(check, (*rescans)++, err);
    }
    return found(check, check->segment.first, finding, err);
}

/* --- Segments ----------------------------------------------------------------------------- */

static enum status walk(struct journal_check *check, struct error *err)
{
    enum status st = ST_OK;
    unsigned rescans = 0;
    bool goes_on = true;

    while (goes_on && st == ST_OK && !check->was_recycled) {
        enum scan_result result;
        struct scan_frame frame;
        st = segment_scan_next(&check->scan, &result, &frame, err);
        if (st == ST_OK && result == SCAN_FRAME)
            st = take_frame(check, &frame, err);
        else if (st == ST_OK && result == SCAN_DAMAGE)
            st = segment_scan_skip(&check->scan, err);
        else if (st == ST_OK)
            st = end_walk(check, &rescans, &goes_on, err);
    }
    return st;
}

static void close_segment(struct journal_check *check)
{
    if (check->fd >= 0)
        (void)close(check->fd); /* was only read */
    check->fd = -1;
    check->was_recycled = false;
}

static enum status walk_usable(struct journal_check *check, size_t i, struct error *err)
{
    const struct segment_probe *probe = &check->probe;
    struct segment_scan *scan = &check->scan;
    enum status st = ST_OK;

    check->segment.is_usable = true;
    check->groupless = 0;
    check->group_numbers = 0;
    check->group_frame = 0;
    check->group = (struct record_group){0};
    if (!probe->header_is_valid)
        st = found(check, probe->segment.first,
                   (struct journal_finding){.kind = FINDING_HEADER, .size = SEGMENT_HEADER_SIZE},
                   err);
    segment_scan_begin(scan, check->fd, probe->segment.salt, probe->segment.first);
    scan->end = probe->segment.end;
    scan->limit_sequence = segment_survey_limit(&check->survey, i);
    if (st == ST_OK)
        st = walk(check, err);
    if (st == ST_OK && check->groupless > 0)
        st = found(check, probe->segment.first,
                   (struct journal_finding){.kind = FINDING_GROUPS,
                                            .first_sequence = check->first_groupless,
                                            .count = check->groupless},
                   err);
    if (scan->expected > check->due)
        check->due = scan->expected;
    if (scan->expected > check->report.next)
        check->report.next = scan->expected;
    return st;
}

static enum status tell_unusable(struct journal_check *check, struct error *err)
{
    const struct segment_probe *probe = &check->probe;
    uint64_t from = check->due > probe->segment.first ? check->due : probe->segment.first;
    uint64_t until = check->own_end != UINT64_MAX ? check->own_end : check->options->committed;

    return found(check, probe->segment.first,
                 (struct journal_finding){
                     .kind = FINDING_UNUSABLE,
                     .size = probe->segment.end,
                     .first_sequence = from,
                     .count = until > from ? until - from : 0,
                     .count_is_unknown = check->own_end == UINT64_MAX,
                     .reason = probe->fault,
                 },
                 err);
}

static enum status tell_removed(struct journal_check *check, uint64_t first, uint64_t until,
                                struct error *err)
{
    return found(check, first,
                 (struct journal_finding){.kind = FINDING_REMOVED,
                                          .first_sequence = check->due,
                                          .count = until - check->due},
                 err);
}

static enum status check_present(struct journal_check *check, size_t i, struct error *err)
{
    const struct journal_check_handler *handler = check->handler;
    const struct segment_probe *probe = &check->probe;
    enum status st;

    check->segment = (struct journal_segment_report){
        .first = probe->segment.first,
        .size_bytes = probe->segment.end,
        .created_unix_ns = probe->header_is_valid ? probe->header.created_unix_ns : 0,
        .format_version = probe->header_is_valid ? probe->header.version : 0,
        .is_newest = i + 1 == check->survey.count,
    };
    segment_name(check->segment.file, probe->segment.first);
    st = probe->fault == NULL ? walk_usable(check, i, err) : tell_unusable(check, err);
    check->report.segments++;
    check->report.records += check->segment.records;
    for (size_t signal = 0; signal < SIGNAL_COUNT; signal++)
        check->report.of_signal[signal] += check->segment.of_signal[signal];
    check->report.groups += check->segment.groups;
    check->report.size_bytes += check->segment.size_bytes;
    if (st == ST_OK && handler->on_segment != NULL)
        st = handler->on_segment(handler->context, &check->segment, err);
    return st;
}

static enum status check_file(struct journal_check *check, size_t i, struct error *err)
{
    uint64_t first = check->survey.items[i].first;
    enum status st = ST_OK;

    check->own_end = segment_survey_own_end(&check->survey, i);
    if (segment_survey_limit(&check->survey, i) <= check->options->from ||
        first > check->options->to) {
        check->due = check->own_end;
        return ST_OK;
    }
    if (check->due > 0 && check->due < first)
        st = tell_removed(check, check->due, first, err);
    if (check->due < first)
        check->due = first;
    if (st == ST_OK)
        st = segment_survey_open(&check->survey, i, &check->probe, &check->fd, err);
    if (st != ST_OK)
        return st;
    if (check->fd >= 0)
        st = check_present(check, i, err);
    else if (!segment_survey_was_retired(&check->survey, i))
        st = tell_removed(check, first,
                          check->own_end != UINT64_MAX && check->own_end > check->due
                              ? check->own_end
                              : check->due,
                          err);
    close_segment(check);
    if (check->own_end != UINT64_MAX && check->due < check->own_end)
        check->due = check->own_end;
    return st;
}

/* --- The interface ------------------------------------------------------------------------ */

enum status journal_check_open(int dir_fd, const struct journal_check_options *options,
                               struct journal_check **ret, struct error *err)
{
    struct journal_check *check = calloc(1, sizeof(*check));
    if (check == NULL)
        return error_set(err, ST_NO_MEMORY, "check a journal");
    check->options = options;
    check->io = options->io != NULL ? options->io : &disk_io_system;
    check->fd = -1;
    segment_scan_init(&check->scan, check->io);
    check->scan.takes_bad_sectors = true;
    buf_init(&check->group_bytes, GROUP_SIZE_MAX);
    check->survey = (struct segment_survey){.dir_fd = dir_fd, .scan = &check->scan};
    check->group_frames = malloc(GROUP_NUMBERS_MAX * sizeof(*check->group_frames));
    enum status st = check->group_frames != NULL ? segment_survey_make(&check->survey, err)
                                                 : error_set(err, ST_NO_MEMORY, "check a journal");
    if (st != ST_OK) {
        journal_check_close(check);
        return st;
    }
    *ret = check;
    return ST_OK;
}

void journal_check_close(struct journal_check *check)
{
    if (check == NULL)
        return;
    close_segment(check);
    segment_scan_fini(&check->scan);
    buf_fini(&check->group_bytes);
    free(check->group_frames);
    segment_survey_fini(&check->survey);
    free(check);
}

const uint8_t *journal_check_id(const struct journal_check *check)
{
    return check->survey.id_is_known ? check->survey.id : NULL;
}

enum status journal_check_run(struct journal_check *check,
                              const struct journal_check_handler *handler,
                              struct journal_check_report *ret, struct error *err)
{
    enum status st = ST_OK;

    check->handler = handler;
    check->report = (struct journal_check_report){.next = 1};
    check->due = 0;
    if (!check->survey.id_is_sound)
        st = found(check, 0,
                   (struct journal_finding){
                       .kind = FINDING_ID, .file = "journal.id", .size = check->survey.id_size},
                   err);
    for (size_t i = 0; i < check->survey.count && st == ST_OK; i++)
        st = check_file(check, i, err);
    if (check->survey.count == 0 && st == ST_OK && check->options->committed > 1)
        st = found(check, 0,
                   (struct journal_finding){.kind = FINDING_GAP,
                                            .first_sequence = 1,
                                            .count = check->options->committed - 1},
                   err);
    if (st == ST_OK)
        *ret = check->report;
    return st;
}
