/* SPDX-License-Identifier: Apache-2.0 */
/* letter.h -- one line of the dead letters, read: dead_letter.h says what stands in it.
 *
 * Whoever finds the files may have written to them: a line that is no letter is ST_INVALID and
 * nothing worse.  Members that are not known are passed over.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

enum { LETTER_RECORD_MAX = 96 << 20 }; /* bytes of what a line is decoded to */

struct letter {
    uint64_t unix_ns; /* when the record was given up */
    uint64_t attempts;
    uint64_t sequence; /* its place in the journal */
    uint8_t journal_id[JOURNAL_ID_SIZE];
    enum signal signal;
    struct slice exporter, reason, message; /* borrowed from the reader's texts */
    struct slice otlp;                      /* JSON, borrowed from the line; empty: see below */
    struct slice base64;                    /* the record as it is; borrowed from the texts */
};

/* Room for what letter_read() decodes. */
struct letter_texts {
    struct buf bytes; /* owned */
};

void letter_texts_init(struct letter_texts *texts);
void letter_texts_fini(struct letter_texts *texts);

/* Reads a line without its newline.  `ret` borrows from `line` and `texts`, until the next call
 * with the same texts.  ST_INVALID: it is no letter, and the message says where. */
MUST_CHECK enum status letter_read(struct slice line, struct letter_texts *texts,
                                   struct letter *ret, struct error *err);

/* The record of a letter and what stood around it: the bytes that the letter holds.  Of a letter
 * in base64 that is the record alone. */
struct letter_record {
    struct record_group group; /* borrowed from the buffers below */
    struct record record;
    struct buf request; /* owned */
    struct buf around;  /* owned */
};

void letter_record_init(struct letter_record *record);
void letter_record_fini(struct letter_record *record);

/* ST_INVALID, ST_LIMIT, ST_CORRUPT: what the letter holds is not one record. */
MUST_CHECK enum status letter_record_read(struct letter_record *record, const struct letter *letter,
                                          struct error *err);

/* A batch of this one record, borrowed from `record`. */
struct batch letter_record_batch(const struct letter_record *record, const struct letter *letter);
