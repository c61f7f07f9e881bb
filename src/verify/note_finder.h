/* SPDX-License-Identifier: Apache-2.0 */
/* note_finder.h -- signed notes, and time stamps, in what was kept elsewhere: files of notes as
 * they are, or whatever a SIEM exports of the agent.integrity records, in any shape of JSON, a log
 * line of ours included.
 *
 * A note is text, an empty line, and lines that begin with an em dash and a space.  It may stand as
 * it is, several in a row, or within a string of JSON, also of JSON that is itself within a string.
 * A time stamp is a string of base64 that begins as one in DER does.  What is found is one of them
 * by its looks only: nothing here knows signatures.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum {
    NOTE_FOUND_SIZE_MAX = 64 << 10, /* a longer one is none */
    TOKEN_FOUND_SIZE_MIN = 256,     /* a shorter one is none */
    TOKEN_FOUND_SIZE_MAX = 32 << 10,
    NOTE_LINE_SIZE_MAX = 16 << 20, /* longer lines are passed over, and counted */
    NOTE_NESTING_MAX = 4,          /* strings within strings */
};

/* `found` is borrowed during the call.  A failure ends the search and is given back. */
typedef enum status (*note_found_fn)(void *context, struct slice found, uint64_t line,
                                     struct error *err);

struct note_finder {
    note_found_fn on_note;
    note_found_fn
        on_token; /* base64, at most TOKEN_FOUND_SIZE_MAX; NULL: they are not looked for */
    void *context;
    struct buf plain;                     /* a note that stands as it is, as far as it was seen */
    uint64_t plain_line;                  /* where it begins */
    bool has_signature;                   /* a signature's line was the last of `plain` */
    struct buf strings[NOTE_NESTING_MAX]; /* decoded, of each level */
    uint64_t line;                        /* the last one, from 1 */
    uint64_t lines_passed_over;
};

void note_finder_init(struct note_finder *finder, note_found_fn on_note, void *context);
void note_finder_fini(struct note_finder *finder);

/* Looks through the next line, given without its newline. */
MUST_CHECK enum status note_finder_line(struct note_finder *finder, struct slice line,
                                        struct error *err);

/* After the last line. */
MUST_CHECK enum status note_finder_end(struct note_finder *finder, struct error *err);

/* Looks through all lines of the file `path`, from its start. */
MUST_CHECK enum status note_finder_file(struct note_finder *finder, const char *path,
                                        struct error *err);
