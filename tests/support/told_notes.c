/* SPDX-License-Identifier: Apache-2.0 */
/* told_notes.c -- see told_notes.h. */
#include "support/told_notes.h"

#include <stdio.h>
#include <string.h>

#include "telltale/base.h"

static void copy(char *out, size_t size, const char *text)
{
    int used = snprintf(out, size, "%s", text != NULL ? text : "");
    ASSERT(used >= 0 && (size_t)used < size);
}

static bool take(void *context, const char *exporter, const struct exporter_note *note)
{
    struct told_notes *told = context;

    ASSERT(exporter[0] != 0 && note->action != NULL);
    ASSERT(told->count < TOLD_MAX);
    struct told_note *item = &told->items[told->count++];
    *item = (struct told_note){
        .size = note->size,
        .epoch = note->epoch,
        .first = note->first,
        .last = note->last,
        .count = note->count,
        .bytes = note->bytes,
        .skipped = note->skipped,
        .token_unix_s = note->token_unix_s,
        .is_alarm = note->is_alarm,
    };
    copy(item->action, sizeof(item->action), note->action);
    copy(item->reason, sizeof(item->reason), note->reason);
    copy(item->origin, sizeof(item->origin), note->origin);
    copy(item->file, sizeof(item->file), note->file);
    copy(item->root, sizeof(item->root), note->root);
    copy(item->key, sizeof(item->key), note->key);
    copy(item->note, sizeof(item->note), note->note);
    copy(item->growth, sizeof(item->growth), note->growth);
    copy(item->token, sizeof(item->token), note->token);
    copy(item->actor, sizeof(item->actor), note->actor);
    copy(item->manifest, sizeof(item->manifest), note->manifest);
    return true;
}

struct exporter_notes told_notes_listen(struct told_notes *told)
{
    *told = (struct told_notes){.count = 0};
    return (struct exporter_notes){.context = told, .tell = take};
}

static bool is_asked_for(const struct told_note *note, const char *action, const char *reason)
{
    return strcmp(note->action, action) == 0 &&
           (reason == NULL || strcmp(note->reason, reason) == 0);
}

size_t told_notes_count(const struct told_notes *told, const char *action, const char *reason)
{
    size_t count = 0;

    for (size_t i = 0; i < told->count; i++)
        count += is_asked_for(&told->items[i], action, reason);
    return count;
}

const struct told_note *told_notes_last(const struct told_notes *told, const char *action,
                                        const char *reason)
{
    for (size_t i = told->count; i > 0; i--) {
        if (is_asked_for(&told->items[i - 1], action, reason))
            return &told->items[i - 1];
    }
    return NULL;
}
