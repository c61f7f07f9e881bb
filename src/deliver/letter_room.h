/* SPDX-License-Identifier: Apache-2.0 */
/* letter_room.h -- giving up the oldest dead letters, when their policy says so.
 *
 * Threads: the owner of the letters.
 */
#pragma once

#include "deliver/loss_ledger.h"

struct letter_room {
    const struct disk_io *io; /* borrowed, as all of it */
    int dir_fd;
    const char *name;           /* of the files */
    const char *exporter;       /* "type/name" */
    const char *keep;           /* a file that is in use; NULL: none */
    struct loss_ledger *ledger; /* NULL: none is kept */
};

/* Deletes the oldest numbered file; what was in it is in the ledger before.  A file with letters of
 * somebody else stays.  ST_NOT_FOUND: there is none that may go. */
MUST_CHECK enum status letter_room_drop_oldest(const struct letter_room *room, struct error *err);
