/* SPDX-License-Identifier: Apache-2.0 */
/* store_dir.h -- the directory of a forensic store, as its one writer sees it: the lock, the
 * closed files in order of writing, and the notes in store.log.
 *
 * Threads: belongs to the exporter that opened it.
 */
#pragma once

#include <limits.h>

#include "telltale/buf.h"
#include "telltale/disk_io.h"
#include "telltale/hash.h"
#include "telltale/retention.h"
#include "telltale/store_file.h"

/* What is known of the index of a compressed file. */
enum store_entry_index {
    INDEX_UNKNOWN, /* nothing: it is looked at, and made when there is none of use */
    INDEX_GOOD,
    INDEX_NEVER, /* none can be made, since the file is damaged */
};

struct store_entry {
    struct store_file_name name;
    uint64_t size_bytes;
    uint64_t index_bytes; /* of its index; 0: it has none */
    enum store_entry_index index;
    uint64_t written_unix_s;         /* when its last line was written: its mtime */
    bool keep_plain;                 /* compressing it failed for good */
    struct retention_survey *survey; /* owned; what retention has found in it; NULL: nothing yet */
    bool in_manifest;                /* which has a line that it was closed, */
    bool is_deleted;                 /* and one that it was deleted, which is to be done yet: */
    struct hash deletion;            /* chain value of that line */
};

struct store_dir {
    const struct disk_io *io; /* borrowed */
    int fd;
    char path[PATH_MAX];
    struct store_entry *entries; /* owned; sorted, oldest first */
    size_t count;
    size_t capacity;
    uint64_t total_size_bytes; /* of all entries, with their indexes */
};

/* Makes the directory (mode 0700, parents too) when it is not there, locks it, lists its closed
 * files, and finishes what a crash left: removes *.tmp, plain files whose compressed form is
 * there, and indexes of files that are not there.  `io` is borrowed until store_dir_close().
 * ST_AGAIN: another process writes to this store. */
MUST_CHECK enum status store_dir_open(struct store_dir *dir, const char *path,
                                      const struct disk_io *io, struct error *err);
void store_dir_close(struct store_dir *dir); /* accepts one that never opened, with fd -1 */

/* Makes room for one more closed file, so that adding it cannot fail. */
MUST_CHECK enum status store_dir_reserve(struct store_dir *dir, struct error *err);

/* Adds a closed file that is newer than all others. */
MUST_CHECK enum status store_dir_add(struct store_dir *dir, const struct store_entry *entry,
                                     struct error *err);

/* Deletes the index of a closed file of the directory, which may have none. */
void store_dir_drop_index(struct store_dir *dir, struct store_entry *entry);

/* Deletes the closed file entries[index], and its index. */
MUST_CHECK enum status store_dir_remove(struct store_dir *dir, size_t index, struct error *err);

/* What retention has found in the file does not count any more. */
void store_entry_forget(struct store_entry *entry);

/* Makes the names in the directory durable. */
MUST_CHECK enum status store_dir_sync(const struct store_dir *dir, struct error *err);

/* Puts the last line of a closed file, with its '\n', into `line`.  ST_CORRUPT, ST_IO: it cannot
 * be read. */
MUST_CHECK enum status store_dir_read_last_line(const struct store_dir *dir,
                                                const struct store_entry *entry, struct buf *line,
                                                struct error *err);

/* The same of the newest closed file.  ST_NOT_FOUND: there is none. */
MUST_CHECK enum status store_dir_read_newest_line(const struct store_dir *dir, struct buf *line,
                                                  struct error *err);

/* Appends "<time> <text>" to store.log.  That file never exceeds 1 MiB: it becomes store.log.1
 * then.  Nothing is promised: notes must not stop the store. */
void store_dir_note(const struct store_dir *dir, uint64_t now_unix_ns, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
