/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h -- whether a forensic store is unchanged, complete and attested (docs/INTEGRITY.md).
 *
 * Everything in the store's directory is taken for a stranger's: it is read with limits, and
 * counts only as far as the signed checkpoints say the same.  The store may be in use: files that
 * are closed, compressed, rewritten or deleted meanwhile are no findings, and nothing is locked or
 * written.
 *
 * The lines are read once, by several threads, a file at a time each; memory depends on the longest
 * line and on the number of checkpoints, not on the size of the store.
 *
 * Threads: one verification belongs to the thread that called it; it starts and joins its own.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/error.h"
#include "verify/verify_report.h"

enum {
    VERIFY_KEYS_MAX = 64,
    VERIFY_COPIES_MAX = 1024,
    VERIFY_STAMP_CAS_MAX = 16,
    VERIFY_THREADS_MAX = 16,
    VERIFY_KEY_TEXT_SIZE = 384, /* a verifier key, with NUL */
    VERIFY_ROOT_TEXT_SIZE = 48, /* base64, with NUL */
};

struct verify_options {
    const char *store_dir;
    const char *const *keys; /* verifier keys, as text, that are trusted */
    size_t key_count;
    const char *const *witnesses; /* verifier keys of witnesses whose cosignature is asked for */
    size_t witness_count;
    const char *const
        *stamp_cas; /* files with certificates of time authorities that are believed */
    size_t stamp_ca_count;
    const char *const *copies; /* files with checkpoints that were kept elsewhere */
    size_t copy_count;
    unsigned threads; /* 0: as many as there are processors */

    /* How many of the records `first` to `last` of a journal a book of losses has as lost.  May be
     * NULL. */
    uint64_t (*count_losses)(void *context, const uint8_t journal_id[JOURNAL_ID_SIZE],
                             uint64_t first, uint64_t last);
    /* Hears how far it has come, now and then, on the calling thread.  May be NULL. */
    void (*on_progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
    void *context;
};

/* What was looked at. */
struct verify_summary {
    uint64_t files, bytes; /* with lines; bytes of lines, uncompressed */
    uint64_t lines;        /* that were read */
    uint64_t leaves;       /* of the tree: with those of deleted files and erased records */
    uint64_t deleted_files, deleted_lines, erased_lines; /* on record */
    uint64_t old_files, old_lines;                       /* from before there were proofs */
    uint64_t uncovered_lines;                            /* behind the last checkpoint */
    uint64_t checkpoints;                                /* in the store */
    uint64_t copies;                                     /* from elsewhere */
    uint64_t matched;         /* of both, those whose root was recomputed and is the same */
    uint64_t unmatched_sizes; /* of both, those within a file that is not there any more */
    uint64_t epochs;          /* keys in the chain */
    uint64_t lost;            /* records of the journal that the book of losses has */
    uint64_t passed_by; /* and those that the store was not given, for whatever other reason */
    uint64_t last_size; /* of the last checkpoint */
    char last_root[VERIFY_ROOT_TEXT_SIZE];
    uint64_t first_unix_s, last_unix_s; /* of the chain of keys: its first and its last */
    char first_key[VERIFY_KEY_TEXT_SIZE];
    char origin[VERIFY_KEY_TEXT_SIZE];
};

/* Verifies the store; the report is the caller's, initialised.  ST_NOT_FOUND: there is no such
 * directory, or file.  ST_INVALID: a key is none, or there is no certificate in a file.  Every
 * other failure is one of ours or of the machine: what is wrong with the store is a finding, not a
 * failure. */
MUST_CHECK enum status verify_store(const struct verify_options *options,
                                    struct verify_report *report, struct verify_summary *ret,
                                    struct error *err);
