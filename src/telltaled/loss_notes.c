/* SPDX-License-Identifier: Apache-2.0 */
/* loss_notes.c -- see loss_notes.h. */
#include "telltaled/loss_notes.h"

#include <stdio.h>

#include "telltaled/pipeline_notes.h"

void loss_notes_take(void *context, const struct loss *loss)
{
    struct pipeline_note note = {
        .reason = loss->reason == LOSS_DAMAGE ? "sequence_gap" : "overflow",
        .count = loss->records,
        .bytes = loss->bytes,
        .first = loss->first,
        .last = loss->last,
        .from_ns = loss->first_event_ns,
        .to_ns = loss->last_event_ns,
    };

    snprintf(note.code, sizeof(note.code), "%s", loss_reason_text(loss->reason));
    snprintf(note.destination, sizeof(note.destination), "%s", loss->destination);
    pipeline_notes_add(context, &note);
}
