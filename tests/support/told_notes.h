/* SPDX-License-Identifier: Apache-2.0 */
/* told_notes.h -- remembers what an exporter put on record.
 *
 * Threads: one.
 */
#pragma once

#include "telltale/exporter_note.h"

enum { TOLD_MAX = 256 };

struct told_note {
    char action[32], reason[640], origin[256], file[96], root[64], key[320], note[2048],
        growth[4096], token[8192], actor[128], manifest[64];
    uint64_t size, epoch, first, last, count, bytes, skipped, token_unix_s;
    bool is_alarm;
};

struct told_notes {
    struct told_note items[TOLD_MAX];
    size_t count;
};

/* For exporter_context; `told` is borrowed. */
struct exporter_notes told_notes_listen(struct told_notes *told);

/* How many have this action, and this reason unless it is NULL; the last of them, NULL: none. */
size_t told_notes_count(const struct told_notes *told, const char *action, const char *reason);
const struct told_note *told_notes_last(const struct told_notes *told, const char *action,
                                        const char *reason);
