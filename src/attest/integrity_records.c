/* SPDX-License-Identifier: Apache-2.0 */
/* integrity_records.c -- see integrity_records.h. */
#include "telltale/integrity_records.h"

#include <stdlib.h>
#include <string.h>

#define KIND SLICE("agent.integrity")

static bool may_be_one(const struct record *record)
{
    return record->bytes.size >= KIND.size &&
           memmem(record->bytes.data, record->bytes.size, KIND.data, KIND.size) != NULL;
}

enum status integrity_records_visit(struct record_reader *reader, const struct batch *batch,
                                    integrity_visit *visit, void *context, struct error *err)
{
    struct record_facts facts;
    struct error ignored;
    enum status st = ST_OK;

    for (size_t i = 0; i < batch->record_count && st == ST_OK; i++) {
        const struct record *record = &batch->records[i];
        if (!may_be_one(record)) /* almost all */
            continue;
        if (record_reader_set_group(reader, &batch->groups[record->group_index], &ignored) ==
                ST_OK &&
            record_reader_read(reader, record->bytes, &facts, &ignored) == ST_OK &&
            slice_equal(facts.kind, KIND) && slice_equal(facts.transport, SLICE("internal")))
            st = visit(context, &facts, err);
    }
    return st;
}

bool integrity_record_has_checkpoint(const struct record_facts *facts, struct checkpoint *ret)
{
    struct error ignored;

    if (facts->integrity_note.size == 0 || facts->integrity_note.size > SHOWN_NOTE_MAX)
        return false;
    struct note *note = malloc(sizeof(*note));
    bool is_good = note != NULL && note_parse(facts->integrity_note, note, &ignored) == ST_OK &&
                   checkpoint_parse(note->text, ret, &ignored) == ST_OK && ret->size > 0;
    free(note);
    return is_good;
}

bool integrity_record_is_checkpoint(const struct record_facts *facts, struct checkpoint *ret)
{
    return (slice_equal(facts->integrity_action, SLICE("checkpoint")) ||
            slice_equal(facts->integrity_action, SLICE("heartbeat"))) &&
           integrity_record_has_checkpoint(facts, ret);
}
