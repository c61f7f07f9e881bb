/* SPDX-License-Identifier: Apache-2.0 */
/* write_off.c -- see write_off.h.
 *
 * A range of damage is written as it is met, so a crash before the cursor has passed it meets it
 * again; the ledger knows it then. */
#include "deliver/write_off.h"

#include <inttypes.h>
#include <stdio.h>

#include "deliver/loss_count.h"
#include "deliver/loss_ledger.h"
#include "util/clock.h"
#include "util/log.h"

static void begin(const struct worker *worker, enum loss_reason reason, struct loss *ret)
{
    loss_init(ret, worker->account.name, reason, journal_id(worker->journal), clock_unix_ns());
}

static enum status write_down(struct worker *worker, const struct loss *loss, struct error *err)
{
    bool is_new = false;

    if (worker->settings.ledger == NULL || loss->records == 0)
        return ST_OK;
    return loss_ledger_write(worker->settings.ledger, loss, &is_new, err);
}

/* Tells who wants to know which records were given up. */
static void tell_skipped(struct worker *worker, uint64_t first, uint64_t next)
{
    if (worker->settings.note_skipped != NULL)
        worker->settings.note_skipped(worker->settings.note_context, first, next);
}

/* Between the records of a part may be others that have their outcome. */
static void tell_skipped_part(struct worker *worker, const struct batch *part)
{
    size_t first = 0;

    for (size_t i = 1; i <= part->record_count; i++) {
        uint64_t next = part->records[i - 1].sequence + 1;
        if (i < part->record_count && part->records[i].sequence == next)
            continue;
        tell_skipped(worker, part->records[first].sequence, next);
        first = i;
    }
}

static enum status write_missing(struct worker *worker, enum loss_reason reason, uint64_t first,
                                 uint64_t next, struct error *err)
{
    struct loss loss;

    begin(worker, reason, &loss);
    loss.first = first;
    loss.last = next - 1;
    loss.records = next - first;
    return write_down(worker, &loss, err);
}

void write_off_at_start(struct worker *worker, const struct progress_start *start)
{
    uint64_t next = progress_next(worker->progress);
    struct error err;

    if (worker->settings.ledger == NULL)
        return;
    if (start->missing_records > 0 &&
        write_missing(worker, LOSS_RETIRED, next - start->missing_records, next, &err) != ST_OK)
        account_note_error(&worker->account, "export.loss", &err);
    uint64_t resumed = loss_ledger_resume(worker->settings.ledger, worker->account.name,
                                          journal_id(worker->journal), next);
    if (resumed > journal_committed(worker->journal))
        resumed = journal_committed(worker->journal); /* damage has shortened it since */
    if (resumed <= next)
        return;
    log_warn("export.dropped",
             "exporter=%s first=%" PRIu64 " last=%" PRIu64
             " why=\"written down before the last stop\"",
             worker->account.name, next, resumed - 1);
    progress_settle(worker->progress, resumed, 0);
}

enum status write_off_part(struct worker *worker, const struct batch *part, struct error *err)
{
    struct loss loss;

    begin(worker, LOSS_JOURNAL_FULL, &loss);
    for (size_t i = 0; i < part->record_count; i++)
        loss_add_record(&loss, batch_signal(part), &part->records[i]);
    enum status st = write_down(worker, &loss, err);
    if (st != ST_OK)
        return st;
    account_skipped(&worker->account, loss.records);
    tell_skipped_part(worker, part);
    return ST_OK;
}

enum status write_off_range(struct worker *worker, uint64_t first, uint64_t next, struct error *err)
{
    struct loss loss;
    uint64_t passed = 0;

    begin(worker, LOSS_JOURNAL_FULL, &loss);
    const struct loss_range range = {first, next, worker->signals, &worker->settings.filter};
    enum status st = loss_count_range(worker->journal, &range, &loss, &passed, err);
    uint64_t gone = next - first - loss.records - passed;
    if (st == ST_OK)
        st = write_down(worker, &loss, err);
    if (st == ST_OK && gone > 0) {
        struct loss damage;
        begin(worker, LOSS_DAMAGE, &damage);
        damage.first = first;
        damage.last = next - 1;
        damage.records = gone;
        st = write_down(worker, &damage, err);
    }
    if (st != ST_OK)
        return st;
    account_skipped(&worker->account, loss.records);
    tell_skipped(worker, first, next);
    if (gone > 0)
        account_missing(&worker->account, gone);
    return ST_OK;
}

/* What is in the file is told by its name: a number that the store does not have, because its
 * record became a dead letter, counts too. */
enum status write_off_file(void *context, const struct exporter_deletion *deletion,
                           struct error *err)
{
    struct worker *worker = context;
    struct loss loss;

    begin(worker, LOSS_DISK_FULL, &loss);
    memcpy(loss.journal_id, deletion->journal_id, JOURNAL_ID_SIZE);
    loss.first = deletion->first_sequence;
    loss.last = deletion->last_sequence;
    loss.records = loss.last - loss.first + 1;
    loss.bytes = deletion->size_bytes;
    loss_add_time(&loss, deletion->first_unix_ns);
    loss_add_time(&loss, deletion->last_unix_ns);
    snprintf(loss.file, sizeof(loss.file), "%s", deletion->name);
    return write_down(worker, &loss, err);
}

enum status write_off_gap(struct worker *worker, uint64_t from, uint64_t present, struct error *err)
{
    return present > from ? write_missing(worker, LOSS_DAMAGE, from, present, err) : ST_OK;
}
