/* SPDX-License-Identifier: Apache-2.0 */
/* file_store.h -- a forensic store in a directory of its own, written by the real exporter.
 *
 * Everything here fails the test when it cannot be done.
 */
#pragma once

#include "support/temp_dir.h"
#include "telltale/buf.h"
#include "telltale/exporter.h"
#include "telltale/retention.h"

enum { FILE_STORE_NAMES_MAX = 512, FILE_STORE_NAME_SIZE = 80 };

struct file_store {
    struct temp_dir dir;
    char path[TEMP_DIR_PATH_MAX + 16]; /* the store's directory, below `dir` */
    void *config;
    void *exporter;               /* NULL while it is not started */
    uint8_t journal_id;           /* every byte of the journal's id */
    uint64_t first_new_sequence;  /* what the next start is told */
    size_t padding_bytes;         /* how much text each record carries */
    bool odd_go;                  /* records of odd numbers are due after a second */
    const struct disk_io *io;     /* NULL: the system's */
    const char *state_dir;        /* borrowed; NULL: `dir` */
    struct exporter_notes notes;  /* what the next start is given */
    uint64_t (*read_clock)(void); /* NULL: the system's */
    struct export_report report;
    struct error err;
};

struct file_store_names {
    char names[FILE_STORE_NAMES_MAX][FILE_STORE_NAME_SIZE];
    size_t count;
};

/* No limits, no compression; not started. */
void file_store_init(struct file_store *store);
void file_store_fini(struct file_store *store);

/* Sets an option, as in "rotate.size". */
void file_store_set(struct file_store *store, const char *option, uint64_t value);
/* From now on records of odd numbers are prompts, and due a second after they were written. */
void file_store_let_odd_go(struct file_store *store);

/* Borrowed. */
void file_store_set_rules(struct file_store *store, const struct retention_rule *rules,
                          size_t count);
void file_store_set_dir(struct file_store *store, const char *dir);
/* The store is <root>/store, and <root> the state directory; borrowed. */
void file_store_set_root(struct file_store *store, const char *root);
/* Switches the proofs on, with the intervals that are the defaults. */
void file_store_prove(struct file_store *store);

void file_store_start(struct file_store *store);
enum status file_store_try_start(struct file_store *store);
/* As when the process is gone: nothing is finished. */
void file_store_stop(struct file_store *store);

/* Sends records `first` to `last` as one batch. */
enum export_result file_store_try(struct file_store *store, uint64_t first, uint64_t last);
void file_store_send(struct file_store *store, uint64_t first, uint64_t last);
/* Sends one record of these bytes, in an empty group. */
enum export_result file_store_try_record(struct file_store *store, uint64_t sequence,
                                         struct slice bytes);

/* Ticks at `seconds` from now, by its clock. */
enum status file_store_try_tick(struct file_store *store, uint64_t seconds);
void file_store_tick(struct file_store *store, uint64_t seconds);
/* Ticks until no closed file is left to compress. */
void file_store_compress_all(struct file_store *store);

/* The names in the store's directory, sorted. */
void file_store_list(const struct file_store *store, struct file_store_names *ret);
/* How many names end with `suffix`. */
size_t file_store_count(const struct file_store *store, const char *suffix);
/* The only name that ends with `suffix`, as a path. */
void file_store_path(const struct file_store *store, const char *suffix, char *out, size_t size);

/* Reads all files with zstd and cat, in order, and checks that their lines are those of records
 * `first` to `last`, each once. */
void file_store_expect(const struct file_store *store, uint64_t first, uint64_t last);

/* Runs a command of the shell in the store's directory; its output goes to `out`. */
void file_store_run(const struct file_store *store, const char *command, struct buf *out);
uint64_t file_store_run_number(const struct file_store *store, const char *command);
