/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h -- legal holds: what of a store must stay, by whose word and why (docs/STORE_FORMAT.md,
 * "Holds").  Implemented in src/retain/.
 *
 * A hold in force is a file holds/<id>.json in the store; an ended one is holds/<id>.released, kept
 * for the record.  The command writes them, the exporter reads them before it deletes anything.
 * Both take a lock: once `telltale hold add` has returned, nothing that the hold covers goes any
 * more.
 *
 * A file that cannot be read might hold anything, and so it does.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/config_field.h"
#include "telltale/error.h"

#define HOLD_DIR_NAME "holds"

enum {
    HOLDS_MAX = 256,
    HOLD_ID_SIZE = 64, /* with NUL */
    HOLD_FILE_SIZE_MAX = 1 << 20,
    HOLD_CONDITIONS_MAX = 64,
    HOLD_TEXT_SIZE_MAX = 4096, /* of each text in it */
};

/* All that is said must be true of a record; NULL and 0: not said.  As for `telltale query`. */
struct hold_question {
    uint64_t from_unix_ns, to_unix_ns; /* when it happened, or when it arrived; `to` is not in */
    const char *session, *kinds, *outcomes, *tool, *agents, *users, *hosts, *text, *grep;
    struct config_text_list conditions;
    bool is_everything; /* nothing else is said, on purpose */
};

struct hold {
    char id[HOLD_ID_SIZE];
    uint64_t made_unix_ns;
    const char *by, *reason;
    uint64_t released_unix_ns; /* 0: it is in force */
    const char *released_by, *released_reason;
    struct hold_question question;
    const char *conditions[HOLD_CONDITIONS_MAX]; /* memory of question.conditions */
    char *texts;                                 /* owned: of a hold that was read */
};

/* ST_INVALID: a hold without a question, an id that is no name, a text that is too long. */
MUST_CHECK enum status hold_check(const struct hold *hold, struct error *err);

/* Appends the file of a hold: one line of JSON. */
MUST_CHECK enum status hold_put(const struct hold *hold, struct buf *out, struct error *err);

/* Reads it again.  ST_INVALID says what is wrong.  On ST_OK the caller owns *ret. */
MUST_CHECK enum status hold_read(struct slice text, struct hold **ret, struct error *err);
void hold_destroy(struct hold *hold); /* accepts NULL */

/* --- The directory -------------------------------------------------------------------------- */

struct hold_list {
    struct hold **items; /* owned; in force, and where asked for ended ones too; sorted by id */
    size_t count;
    uint64_t stamp;    /* changes when a file comes, goes or changes */
    size_t unreadable; /* files in force that cannot be read: all is held */
    char trouble[256]; /* about the first of them */
};

/* Lists the holds of the store in directory `dir_fd`.  ST_IO, ST_NO_MEMORY: nothing is known, and
 * nothing may be deleted. */
MUST_CHECK enum status hold_list_read(struct hold_list *list, int dir_fd, bool with_released,
                                      struct error *err);
void hold_list_fini(struct hold_list *list); /* accepts one that is zeroed */

/* Only the stamp, without reading the files. */
MUST_CHECK enum status hold_stamp_read(int dir_fd, uint64_t *ret, struct error *err);

static inline bool hold_list_holds(const struct hold_list *list)
{
    return list->count > 0 || list->unreadable > 0;
}

/* Keeps holds from being added until *ret_lock is closed; -1 when there is no directory of holds
 * and none can be made.  ST_AGAIN: one is being added just now. */
MUST_CHECK enum status hold_lock_shared(int dir_fd, int *ret_lock, struct error *err);

/* Writes a new hold, with everything on the disk when it returns.  Its file belongs to the owner of
 * the store.  ST_INVALID: there is one of this id. */
MUST_CHECK enum status hold_add(int dir_fd, const struct hold *hold, struct error *err);

/* Ends hold `id`.  ST_NOT_FOUND: none of this id is in force.  An unreadable one is ended too. */
MUST_CHECK enum status hold_release(int dir_fd, const char *id, const char *by, const char *reason,
                                    uint64_t now_unix_ns, struct error *err);
