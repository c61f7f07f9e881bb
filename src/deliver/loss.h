/* SPDX-License-Identifier: Apache-2.0 */
/* loss.h -- one incident in which records were given up or found gone, and sums of such.
 *
 * A line of the loss ledger is an incident:
 *
 *     {"time":"2026-11-20T22:23:31.123456789Z",  when it was decided or found
 *      "destination":"otlp_grpc/soc",            who did not get them, or whose copy they were
 *      "reason":"journal_full",
 *      "journal":"00112233445566778899aabbccddeeff",
 *      "first":1,"last":4711,                    sequence numbers, both included; 0: unknown
 *      "records":4711,"bytes":3812345,
 *      "first_event":"...","last_event":"...",   the earliest and latest of the events' own times
 *      "file":"...",                             that was deleted, if it was one
 *      "kinds":{"agent.tool":4000},"outcomes":{"success":3900}}   as far as they were read
 *
 * or the sums of everything before it, the first line of a file:
 *
 *     {"totals":[{"destination":...,"reason":...,"incidents":3,"records":...,"bytes":...,
 *                 "first_event":...,"last_event":...}]}
 *
 * Threads: pure functions on the caller's structs.
 */
#pragma once

#include <stdbool.h>

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

enum loss_reason {
    LOSS_JOURNAL_FULL,      /* exporters.TYPE.on_journal_full: drop_oldest */
    LOSS_DISK_FULL,         /* journal.on_disk_full: drop_oldest_delivered */
    LOSS_DEAD_LETTERS_FULL, /* exporters.TYPE.dead_letters.on_full: drop_oldest */
    LOSS_DAMAGE,            /* cannot be read in the journal */
    LOSS_RETIRED,           /* gone while the destination was not in the configuration */
    LOSS_SHED,              /* not taken, because more came than could be kept */
    LOSS_REASON_COUNT
};

enum {
    LOSS_NAME_SIZE = 128,
    LOSS_FILE_SIZE = 160,
    LOSS_WORD_SIZE = 48,
    LOSS_WORDS_MAX = 32,
    LOSS_TOTALS_MAX = 256,
};

/* How many records had this word; past LOSS_WORDS_MAX words the last one is "other". */
struct loss_word {
    char text[LOSS_WORD_SIZE];
    uint64_t count;
};

struct loss_words {
    struct loss_word items[LOSS_WORDS_MAX];
    size_t count;
};

struct loss {
    uint64_t unix_ns;
    char destination[LOSS_NAME_SIZE]; /* "type/name", "journal", "receiver" */
    enum loss_reason reason;
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t first, last;
    uint64_t records, bytes;
    uint64_t first_event_ns, last_event_ns; /* Unix; 0: unknown */
    char file[LOSS_FILE_SIZE];              /* empty: none */
    struct loss_words kinds, outcomes;
};

/* All incidents of one destination and reason. */
struct loss_total {
    char destination[LOSS_NAME_SIZE];
    enum loss_reason reason;
    uint64_t incidents, records, bytes;
    uint64_t first_event_ns, last_event_ns;
};

struct loss_totals {
    struct loss_total items[LOSS_TOTALS_MAX]; /* the last one may stand for many */
    size_t count;
};

/* "journal_full": a literal.  False: `text` is none of them. */
const char *loss_reason_text(enum loss_reason reason);
bool loss_reason_parse(const char *text, enum loss_reason *ret);

/* An incident without records yet.  A name that is too long is cut. */
void loss_init(struct loss *loss, const char *destination, enum loss_reason reason,
               const uint8_t journal_id[JOURNAL_ID_SIZE], uint64_t unix_ns);

void loss_words_add(struct loss_words *words, struct slice word, uint64_t count);

/* An event's own time; 0 is passed over. */
void loss_add_time(struct loss *loss, uint64_t unix_ns);

/* NULL: there is none. */
const struct loss_total *loss_totals_find(const struct loss_totals *totals, const char *destination,
                                          enum loss_reason reason);
void loss_totals_add(struct loss_totals *totals, const struct loss *loss);

/* Appends a line with its newline. */
MUST_CHECK enum status loss_write(const struct loss *loss, struct buf *out, struct error *err);
MUST_CHECK enum status loss_totals_write(const struct loss_totals *totals, struct buf *out,
                                         struct error *err);

/* Reads a line without its newline: an incident into `ret_loss`, or sums into `ret_totals`;
 * *ret_is_totals says which.  ST_INVALID: it is neither. */
MUST_CHECK enum status loss_read(struct slice line, bool *ret_is_totals, struct loss *ret_loss,
                                 struct loss_totals *ret_totals, struct error *err);
