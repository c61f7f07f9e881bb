/* SPDX-License-Identifier: Apache-2.0 */
/* source_notes.c -- see source_notes.h. */
#include "telltaled/source_notes.h"

#include <stdio.h>

#include "telltaled/pipeline_notes.h"

_Static_assert(sizeof(((struct pipeline_note *)0)->executable) >= PEER_EXECUTABLE_MAX,
               "a path as the kernel tells it has room in a note");

void source_notes_take(void *context, const struct source_report *report)
{
    struct pipeline_note note = {
        .reason = "source_silent",
        .pid = report->pid,
        .said = report->said,
        .from_ns = report->from_ns,
        .to_ns = report->to_ns,
    };

    snprintf(note.code, sizeof(note.code), "%s",
             report->has_resumed ? "source_resumed" : "source_silent");
    snprintf(note.executable, sizeof(note.executable), "%s", report->executable);
    pipeline_notes_add(context, &note);
}
