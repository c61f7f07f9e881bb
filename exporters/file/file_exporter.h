/* SPDX-License-Identifier: Apache-2.0 */
/* file_exporter.h -- what the parts of this exporter share: one store, its files and where it is.
 *
 * Threads: as include/telltale/exporter.h says of an exporter.
 */
#pragma once

#include "active_file.h"
#include "attestation.h"
#include "closed_file.h"
#include "deeds.h"
#include "file_config.h"
#include "index_file.h"
#include "retainer.h"
#include "store_dir.h"
#include "store_proofs.h"
#include "telltale/exporter.h"
#include "telltale/record_facts.h"

struct file_exporter {
    const struct file_config *config; /* borrowed */
    const char *name;                 /* of its section; borrowed */
    struct exporter_notes notes;
    uint64_t (*read_clock)(void); /* NULL: the system's */
    struct store_dir dir;
    struct active_file active;
    bool place_known;
    unsigned place_tries;        /* left, to find it in a file that could not be read */
    struct store_place place;    /* of the newest line; good when place_known */
    uint64_t first_new_sequence; /* the store has no record from here on, whatever its place says;
                                    UINT64_MAX: not known, or the place is of this run */
    struct retainer retainer;
    struct store_proofs proofs;
    struct attestation attestation;
    struct deeds deeds;
    struct record_reader *reader; /* owned; NULL while proofs are off */
    struct closed_file_job *job;
    bool plain_left; /* there may be closed files to compress */
    struct index_job *index_job;
    bool unindexed_left; /* there may be compressed files without an index */
    uint64_t compress_not_before_ns;
    uint64_t index_not_before_ns;
    uint64_t note_not_before_ns;
    uint64_t upkeep_unix_ns; /* when the present round of upkeep began */
    uint64_t appended_bytes; /* since the start */
    struct buf text;         /* lines on their way to the file */
    struct buf extra;        /* the attributes that tell a line's place */
};
