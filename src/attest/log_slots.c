/* SPDX-License-Identifier: Apache-2.0 */
/* log_slots.c -- see log_slots.h. */
#include "telltale/log_slots.h"

#include <stdio.h>
#include <string.h>

size_t log_slots_find(struct log_slots *slots, const char *origin, bool *ret_is_new)
{
    size_t oldest = 0;

    for (size_t i = 0; i < LOG_SLOTS_MAX; i++) {
        struct log_slot *slot = &slots->items[i];
        if (slot->origin[0] != 0 && strcmp(slot->origin, origin) == 0) {
            slot->used = ++slots->uses;
            *ret_is_new = false;
            return i;
        }
        if (slot->used < slots->items[oldest].used)
            oldest = i;
    }
    *ret_is_new = true;
    return oldest;
}

void log_slots_take(struct log_slots *slots, size_t index, const char *origin)
{
    struct log_slot *slot = &slots->items[index];

    *slot = (struct log_slot){.used = ++slots->uses};
    (void)snprintf(slot->origin, sizeof(slot->origin), "%s", origin); /* fits: it is one of notes */
}

void log_slots_leave(struct log_slots *slots, size_t index)
{
    slots->items[index] = (struct log_slot){.used = 0};
}

bool log_slot_is_due(const struct log_slot *slot, uint64_t now_unix_ns, uint64_t wait_max_ns)
{
    return slot->origin[0] != 0 &&
           (now_unix_ns >= slot->due_ns || slot->due_ns - now_unix_ns > wait_max_ns);
}

void log_slot_tell_trouble(struct log_slot *slot, const struct exporter_notes *notes,
                           const char *exporter, int trouble, const struct exporter_note *note)
{
    struct exporter_note alarm = *note;

    if (slot->told_trouble == trouble)
        return;
    alarm.origin = slot->origin;
    alarm.has_size = true;
    alarm.is_alarm = true;
    if (exporter_tell(notes, exporter, &alarm))
        slot->told_trouble = trouble;
}
