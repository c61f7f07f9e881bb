/* SPDX-License-Identifier: Apache-2.0 */
/* disk_trace.h -- a struct disk_io that does what the system does and writes down every change of a
 * file and of a name, and every sync.  crash_states.h makes of that what a power cut may leave.
 *
 * Below one directory, which is empty at the beginning.  There is one trace, for one test at a
 * time. Threads: any may call the disk and mark; the rest is for the test.
 */
#pragma once

#include "telltale/disk_io.h"

extern const struct disk_io disk_trace_io;

enum trace_kind {
    TRACE_WRITE,    /* bytes at `offset` of `file` */
    TRACE_TRUNCATE, /* `file` has `size` bytes now */
    TRACE_GROW,     /* `file` has at least `size` bytes now */
    TRACE_SYNC,     /* of `file` */
    TRACE_CREATE,   /* `file` has `name` in `dir` now */
    TRACE_RENAME,   /* `from_name` in `from_dir` has `name` in `dir` now */
    TRACE_UNLINK,   /* `name` in `dir` is gone */
    TRACE_SYNC_DIR, /* of `dir` */
    TRACE_MARK,     /* what the test has noted */
};

enum { TRACE_NAME_SIZE = 128, TRACE_DIRS_MAX = 16, TRACE_FILES_MAX = 1024, TRACE_MARKS = 4 };

struct trace_event {
    enum trace_kind kind;
    unsigned file;
    unsigned dir, from_dir;
    char name[TRACE_NAME_SIZE];
    char from_name[TRACE_NAME_SIZE];
    uint64_t offset;
    uint64_t size;
    uint8_t *bytes;              /* owned by the trace; TRACE_WRITE: `size` of them */
    uint64_t marks[TRACE_MARKS]; /* what was marked last, here */
};

/* What a broken program would leave out: the calls succeed and are not written down. */
enum trace_omission {
    TRACE_OMIT_NOTHING,
    TRACE_OMIT_FILE_SYNCS,
    TRACE_OMIT_DIR_SYNCS,
};

/* Begins anew, below the absolute path `root`. */
void disk_trace_begin(const char *root, enum trace_omission omission);
void disk_trace_end(void);

/* From here on value `which` (below TRACE_MARKS) is `value`. */
void disk_trace_mark(unsigned which, uint64_t value);

size_t disk_trace_count(void);
const struct trace_event *disk_trace_event(size_t index);

/* The directories by number, relative to the root. */
unsigned disk_trace_dir_count(void);
const char *disk_trace_dir(unsigned dir);
