/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c -- the thread that writes.
 *
 *     submit ─► queue ─► [thread] frame, write ─► fdatasync ─► publish ─► done
 *                                      │ failure
 *                                      ▼
 *                        give the segment up, write the same to a fresh one;
 *                        fails again: the batches hear ST_IO, the next ones try anew
 *
 * The numbers of a batch that failed are used again.  That is sound, because a segment ends
 * where the next one begins: nothing is acknowledged in the fresh segment before it is durable
 * under its name, and from then on it supersedes whatever the failed write left behind
 * (docs/JOURNAL_FORMAT.md, "Failures", has the argument).
 *
 * A commit starts at once unless the one before it began so short a time ago that the disk would
 * be busy for more than a quarter of its time; then it waits for company, until that is over or
 * group_delay_ns after the beginning of the one before.  So a lone event is never delayed, nor a
 * stream that the disk takes with ease; what costs grows into groups by itself, for a larger
 * commit takes longer, and so does one on a slow disk or a busy machine.  A fixed distance would
 * be too long for the one and too short for the other.
 *
 * A commit that somebody waits for who says little (an urgent batch) waits only as long as its like
 * makes it: so the quiet do not pay for the company that the loud are made to wait for, and find
 * the disk free for most of the time.
 *
 * The fresh segment after a failure is a new file, lest a spare with bad blocks fail it again; but
 * when the disk is full it is a spare if there is one, which needs no room. */
#include <errno.h>

#include "journal/journal_state.h"
#include "util/clock.h"

enum {
    END_SIZE_MAX = 2 * FRAME_HEADER_SIZE, /* an end mark and a filler in front of it */
    DISK_CHECK_BYTES = 4 << 20,           /* look at the disk's free room this often */
    WASTE_SHARE = 4,        /* of a segment: so much may be unused when it is kept whole */
    GROUP_COMMIT_SHARE = 4, /* commits are a quarter of the time, if events may wait */
};

void journal_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_S),
        .tv_nsec = (long)(deadline_ns % NS_PER_S),
    };
    (void)pthread_cond_timedwait(cond, lock, &deadline); /* the caller looks again */
}

/* What is to be committed together. */
struct commit {
    struct append_batch *first;
    bool is_urgent;
    struct commit_facts facts;
};

/* Says when the next ones may begin; called at the end of one. */
static void pace(struct journal *journal, const struct commit *commit)
{
    uint64_t delay_ns = (clock_monotonic_ns() - commit->facts.begun_ns) * GROUP_COMMIT_SHARE;

    if (delay_ns > journal->settings.group_delay_ns)
        delay_ns = journal->settings.group_delay_ns;
    journal->next_start_ns = commit->facts.begun_ns + delay_ns;
    if (commit->is_urgent)
        journal->next_urgent_ns = journal->next_start_ns;
}

/* Under lock: when what is queued may be committed. */
static uint64_t start_ns(const struct journal *journal)
{
    return journal->queue_is_urgent ? journal->next_urgent_ns : journal->next_start_ns;
}

/* Waits for work.  None: the journal stops and everything is written. */
static struct commit take_waiting(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    while (journal->queue == NULL && !journal->is_stopping)
        (void)pthread_cond_wait(&journal->submitted, &journal->lock);

    while (journal->queue != NULL && !journal->is_stopping &&
           journal->queue_bytes < GROUP_BYTES_ENOUGH && clock_monotonic_ns() < start_ns(journal))
        journal_wait_until(&journal->submitted, &journal->lock, start_ns(journal));

    const struct commit commit = {.first = journal->queue,
                                  .is_urgent = journal->queue_is_urgent,
                                  .facts = {clock_monotonic_ns(), journal->queue_bytes}};
    journal->queue = NULL;
    journal->queue_end = &journal->queue;
    journal->queue_bytes = 0;
    journal->queue_is_urgent = false;
    (void)pthread_mutex_unlock(&journal->lock);
    return commit;
}

/* The segment before the one that begins with next_sequence; 0: there is none. */
static uint64_t previous_segment(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    const struct segment_list *list = &journal->segments;
    size_t count = list->count;
    if (count > 0 && list->items[count - 1].first == journal->next_sequence)
        count--; /* it is about to be replaced */
    uint64_t first = count > 0 ? list->items[count - 1].first : 0;
    (void)pthread_mutex_unlock(&journal->lock);
    return first;
}

static enum status make_segment(struct journal *journal, bool may_take_spare, struct error *err)
{
    struct segment_writer *writer = &journal->writer;
    uint64_t previous = previous_segment(journal);
    char name[SPARE_NAME_SIZE];

    struct spare *spare = may_take_spare ? journal_take_spare(journal, name) : NULL;
    if (spare == NULL)
        return segment_writer_create(writer, journal->next_sequence, previous, NULL,
                                     journal_preallocation(journal), err);
    const struct spare_file file = {.name = name, .size = spare->was.size, .salt = spare->was.salt};
    enum status st = segment_writer_create(writer, journal->next_sequence, previous, &file, 0, err);
    if (st == ST_OK)
        journal_forget_spare(journal, spare);
    else
        journal_drop_spare(journal, spare);
    return st;
}

static enum status open_segment(struct journal *journal, bool may_take_spare, struct error *err)
{
    struct segment_writer *writer = &journal->writer;

    if (segment_writer_is_open(writer))
        return ST_OK;
    (void)pthread_mutex_lock(&journal->lock);
    enum status st = segment_list_reserve(&journal->segments, err);
    (void)pthread_mutex_unlock(&journal->lock);
    if (st != ST_OK)
        return st;
    journal_check_disk(journal);
    st = make_segment(journal, may_take_spare, err);
    if (st != ST_OK)
        return st;
    struct segment segment = {.first = writer->first_sequence,
                              .salt = writer->salt,
                              .end = writer->committed,
                              .size = writer->committed};
    (void)pthread_mutex_lock(&journal->lock);
    segment_list_add(&journal->segments, &segment);
    (void)pthread_mutex_unlock(&journal->lock);
    return ST_OK;
}

/* A segment that is nearly full keeps its room, to be written over when it is retired; of another
 * one the rest is given back.  A file in which a write has failed is not used again. */
static void close_segment(struct journal *journal, bool is_full)
{
    struct segment_writer *writer = &journal->writer;

    if (!segment_writer_is_open(writer))
        return;
    uint64_t rest = writer->file_size - segment_writer_used(writer);
    bool is_worth = is_full && writer->file_size == journal->settings.segment_size &&
                    rest <= writer->file_size / WASTE_SHARE;
    segment_writer_close(writer, !is_worth);
    (void)pthread_mutex_lock(&journal->lock);
    segment_list_close(&journal->segments, writer->first_sequence, writer->file_size, is_worth);
    (void)pthread_mutex_unlock(&journal->lock);
}

/* The batches from `first` on that go into one segment together; at least one.  Closes the
 * segment at hand when not even the first has room in it. */
static struct append_batch *choose_span(struct journal *journal, struct append_batch *first)
{
    struct segment_writer *writer = &journal->writer;
    uint64_t room = journal->settings.segment_size - END_SIZE_MAX;
    uint64_t position = SEGMENT_HEADER_SIZE;
    size_t groups = 0;

    if (segment_writer_is_open(writer) && writer->position > SEGMENT_HEADER_SIZE) {
        position = writer->position;
        groups = segment_writer_groups(writer);
        if (position + append_batch_size(first) > room ||
            groups + first->groups.count > SEGMENT_GROUPS_MAX) {
            close_segment(journal, true);
            position = SEGMENT_HEADER_SIZE;
            groups = 0;
        }
    }
    struct append_batch *stop = first;
    do {
        position += append_batch_size(stop);
        groups += stop->groups.count;
        stop = stop->next;
    } while (stop != NULL && position + append_batch_size(stop) <= room &&
             groups + stop->groups.count <= SEGMENT_GROUPS_MAX);
    return stop;
}

/* A file that has to grow for this does so within the limit, at the cost of spares. */
static void make_room(struct journal *journal, const struct append_batch *first,
                      const struct append_batch *stop)
{
    uint64_t end = journal->writer.position + END_SIZE_MAX;

    for (; first != stop; first = first->next)
        end += append_batch_size(first);
    if (end > journal->writer.file_size)
        (void)journal_make_room(journal, end - journal->writer.file_size); /* was admitted */
}

static enum status write_and_sync(struct journal *journal, struct append_batch *first,
                                  const struct append_batch *stop, bool may_take_spare,
                                  uint64_t *ret_next, struct error *err)
{
    struct segment_writer *writer = &journal->writer;

    enum status st = open_segment(journal, may_take_spare, err);
    if (st == ST_OK) {
        make_room(journal, first, stop);
        st = segment_writer_write(writer, first, stop, journal->next_sequence, ret_next, err);
    }
    if (st == ST_OK)
        st = segment_writer_sync(writer, err);
    if (st != ST_OK)
        close_segment(journal, false);
    return st;
}

/* Shows readers what is durable now. */
static void publish(struct journal *journal, uint64_t next)
{
    uint64_t end = journal->writer.committed;

    (void)pthread_mutex_lock(&journal->lock);
    struct segment *newest = &journal->segments.items[journal->segments.count - 1];
    ASSERT(newest->first == journal->writer.first_sequence);
    journal->unchecked_bytes += end - newest->end;
    segment_list_extend(&journal->segments, end);
    journal->next_sequence = next;
    journal->failure.status = ST_OK;
    atomic_store(&journal->committed, next);
    if (next > journal->awaited) {
        journal->awaited = UINT64_MAX; /* those who go on waiting say so again */
        (void)pthread_cond_broadcast(&journal->progress);
    }
    (void)pthread_mutex_unlock(&journal->lock);
}

static void note_failure(struct journal *journal, const struct error *err)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->failure = *err;
    (void)pthread_mutex_unlock(&journal->lock);
}

/* `done` may free the batch or submit it again, so it is let go of first. */
static void hand_back(struct journal *journal, struct append_batch *first,
                      const struct append_batch *stop, enum status status, const struct error *err)
{
    while (first != stop) {
        struct append_batch *batch = first;
        first = batch->next;
        (void)pthread_mutex_lock(&journal->lock);
        journal->pending_bytes -= append_batch_size(batch);
        (void)pthread_mutex_unlock(&journal->lock);
        batch->next = NULL;
        batch->done(batch->context, batch, status, err);
    }
}

static void commit_span(struct journal *journal, struct append_batch *first,
                        const struct append_batch *stop, struct commit_facts facts)
{
    struct error err = {0};
    uint64_t next = journal->next_sequence;

    enum status st = write_and_sync(journal, first, stop, true, &next, &err);
    if (st != ST_OK) /* in a fresh segment */
        st = write_and_sync(journal, first, stop, err.os_errno == ENOSPC, &next, &err);
    if (st == ST_OK) {
        publish(journal, next);
    } else {
        bool lacks_room = err.os_errno == ENOSPC || err.os_errno == EDQUOT;
        st = err.status = lacks_room ? ST_LIMIT : ST_IO;
        note_failure(journal, &err);
    }
    for (struct append_batch *batch = first; batch != stop; batch = batch->next)
        batch->commit = facts;
    hand_back(journal, first, stop, st, &err);
}

void *journal_run(void *context)
{
    struct journal *journal = context;

    for (;;) {
        const struct commit commit = take_waiting(journal);
        if (commit.first == NULL)
            break;
        for (struct append_batch *batch = commit.first; batch != NULL;) {
            struct append_batch *stop = choose_span(journal, batch);
            commit_span(journal, batch, stop, commit.facts);
            batch = stop;
        }
        pace(journal, &commit);
        if (journal->unchecked_bytes >= DISK_CHECK_BYTES)
            journal_check_disk(journal);
        if (journal->writer.position >= journal->settings.segment_size) {
            struct error ignored; /* the next commit tries again and has somebody to tell */
            close_segment(journal, true);
            (void)(open_segment(journal, true, &ignored) == ST_OK);
        }
    }
    close_segment(journal, false);
    return NULL;
}
