/* SPDX-License-Identifier: Apache-2.0 */
/* store_manifest.h -- the lines of manifest.jsonl: what became of each file of a store
 * (docs/STORE_FORMAT.md, "The manifest").  Implemented in src/integrity/; line_file.h reads and
 * appends them.
 *
 * Each line ends with a chain value, SHA-256 of the one before it and of the line, so that a line
 * that was changed, removed or put in breaks all behind it.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/merkle_range.h"
#include "telltale/store_file.h"

#define STORE_MANIFEST_NAME "manifest.jsonl"

enum {
    MANIFEST_REASON_SIZE = 64, /* with NUL */
    MANIFEST_RULE_SIZE = 256,  /* name of a rule, or id of a hold, with NUL */
};

enum manifest_kind {
    MANIFEST_CLOSED,     /* a file got its final name: its range, its size and hash */
    MANIFEST_COMPRESSED, /* size and hash of the compressed form */
    MANIFEST_REWRITTEN,  /* records were erased: new size and hash; how many; reason, rule */
    MANIFEST_DELETED,    /* reason, rule.  Written before the file goes */
    MANIFEST_HELD,       /* a legal hold: its id as rule, reason */
    MANIFEST_RELEASED,   /* and its end */
    MANIFEST_GONE,       /* in place of the lines of neighbouring files that were deleted */
    MANIFEST_COMPACTED,  /* the first line of a manifest in which lines were replaced so */
};

/* Which members count stands behind them; the others are 0. */
struct manifest_fact {
    enum manifest_kind kind;
    uint64_t unix_ns;                     /* all: when it was written */
    char base[STORE_FILE_NAME_SIZE];      /* closed to deleted: name without its suffixes; gone: the
                                             first */
    char last_base[STORE_FILE_NAME_SIZE]; /* gone: of the last file */
    uint8_t journal_id[JOURNAL_ID_SIZE];  /* closed */
    uint64_t size_bytes;               /* closed: plain; compressed and rewritten: as it stands */
    struct hash sha256;                /* likewise; closed: all zeros where it is not said */
    uint64_t record_count;             /* rewritten: how many were erased */
    uint64_t file_count;               /* gone */
    struct merkle_range range;         /* closed, gone: of the leaves */
    char reason[MANIFEST_REASON_SIZE]; /* rewritten, deleted, held, released: one word or few */
    char rule[MANIFEST_RULE_SIZE];     /* likewise; may be empty */
    struct hash previous_chain;        /* compacted: the last value of the manifest before */
    uint64_t line_count;               /* compacted: how many lines that had */
};

/* The value before the first line is all zeros. */
struct manifest_chain {
    struct hash value; /* of the last line */
    uint64_t lines;
};

/* Appends the line, with its '\n', that follows `chain`, and moves that on; on failure neither
 * changes. To be taken back by the caller when the line did not get to the disk. */
MUST_CHECK enum status manifest_put(const struct manifest_fact *fact, struct manifest_chain *chain,
                                    struct buf *out, struct error *err);

/* Reads a line, without its '\n', and moves the chain on.  ST_CORRUPT: the chain value is not that
 * of this line behind those before; the fact and the chain as the line has it are given all the
 * same, so that reading can go on.  ST_INVALID: it is no line of a manifest. */
MUST_CHECK enum status manifest_read_line(struct slice line, struct manifest_chain *chain,
                                          struct manifest_fact *ret, struct error *err);

/* --- Compaction --------------------------------------------------------------------------------
 */

struct manifest_compactor;

/* Makes of the lines of a manifest shorter ones that say the same of what is there: lines about
 * files that were deleted become one for each run of neighbours, ended holds go.  Two passes over
 * the same lines: first all to manifest_compact_look(), then all to manifest_compact_write().  On
 * ST_OK the caller owns *ret. */
MUST_CHECK enum status manifest_compact_create(uint64_t unix_ns, struct manifest_compactor **ret,
                                               struct error *err);
void manifest_compact_destroy(struct manifest_compactor *compactor); /* accepts NULL */

/* Both fit line_file_visit.  ST_CORRUPT: the manifest's chain is broken: it stays as it is. */
MUST_CHECK enum status manifest_compact_look(void *compactor, struct slice line, uint64_t number,
                                             struct error *err);
/* Between the passes: whether it is worth it: at least `lines_min` lines fewer. */
bool manifest_compact_is_worth(const struct manifest_compactor *compactor, uint64_t lines_min);
/* Appends to the compactor's output. */
MUST_CHECK enum status manifest_compact_write(void *compactor, struct slice line, uint64_t number,
                                              struct error *err);
/* When all lines were written: the whole new manifest, borrowed, to be published (disk_publish),
 * and its chain. */
MUST_CHECK enum status manifest_compact_finish(struct manifest_compactor *compactor,
                                               struct slice *ret, struct manifest_chain *ret_chain,
                                               struct error *err);
