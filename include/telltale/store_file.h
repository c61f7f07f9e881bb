/* SPDX-License-Identifier: Apache-2.0 */
/* store_file.h -- the files of a forensic store: what its writer (exporters/file) and its
 * readers (src/store) agree on.  Implemented in src/wire/.
 *
 * A store is a directory:
 *
 *     active.jsonl                    being appended to; a crash may leave a torn last line
 *     <time>-<first>-<last>.jsonl     closed: whole lines, never changed again
 *     <time>-<first>-<last>.jsonl.zst the same compressed, in the zstd seekable format; the
 *                                     plain file goes when this one is durable
 *     <...>.tmp                       being made; not for readers
 *     store.log, store.log.1          what the store did: deletions, repairs
 *
 * <time> is when the file was begun, in UTC, as 20261120T223820Z, or that of the file before it
 * when the clock went back since; <first> and <last> are the journal sequence numbers of its first
 * and last line, in 20 digits.  Names sort in the order of writing.  The lines of one file come
 * from one journal.
 *
 * A line is one record as a LogsData object in OTLP JSON.  Its place in the journal stands in
 * the record's last two attributes: agent.journal.id, 32 hexadecimal digits, and
 * agent.journal.sequence.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"
#include "telltale/slice.h"

#define STORE_ACTIVE_NAME          "active.jsonl"
#define STORE_JOURNAL_ID_KEY       "agent.journal.id"
#define STORE_JOURNAL_SEQUENCE_KEY "agent.journal.sequence"

enum {
    STORE_LINE_SIZE_MAX = 128 << 20, /* longer ones are not written, and not read */
    STORE_FILE_NAME_SIZE = 72,       /* with NUL */
    JOURNAL_ID_TEXT_SIZE = 2 * JOURNAL_ID_SIZE,
};

struct store_file_name {
    uint64_t begun_unix_s;
    uint64_t first_sequence;
    uint64_t last_sequence;
    bool compressed;
};

/* Writes the name of a closed file, NUL-terminated.  Years behind 9999 count as 9999. */
void store_file_name_format(const struct store_file_name *name, char out[STORE_FILE_NAME_SIZE]);

/* False: `text` is not the name of a closed file. */
bool store_file_name_parse(const char *text, struct store_file_name *ret);

/* Less than, equal to or greater than 0, in order of writing.  A file and its compressed form
 * are equal. */
int store_file_name_compare(const struct store_file_name *a, const struct store_file_name *b);

/* Writes 32 lower-case digits, no NUL. */
void journal_id_format(const uint8_t id[JOURNAL_ID_SIZE], char out[JOURNAL_ID_TEXT_SIZE]);

/* Where a line stands in which journal. */
struct store_place {
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t sequence;
};

/* Reads the place of a line of a store.  False: the line does not tell one. */
bool store_line_place(struct slice line, struct store_place *ret);
