/* SPDX-License-Identifier: Apache-2.0 */
/* attestation.h -- says at times how far a store has come, so that nobody can tell otherwise later
 * (docs/INTEGRITY.md): signed checkpoints of its tree, heartbeats, and the evolution of the key
 * that signs.  Each goes to checkpoints.jsonl and to the daemon, which sends it to every
 * destination.
 *
 * One that is switched off accepts every call and does nothing.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "file_config.h"
#include "proof_recovery.h"
#include "store_proofs.h"
#include "telltale/exporter.h"
#include "telltale/key_ring.h"

struct attestation {
    bool is_on;
    const struct integrity_config *config; /* borrowed, as these: */
    struct store_dir *dir;
    struct active_file *active;
    struct store_proofs *proofs;
    const struct store_place *newest; /* of the newest line; sequence 0: not known */
    struct exporter_notes notes;
    char exporter[128];
    int key_dir_fd;
    struct key_ring *ring; /* owned */
    struct line_file checkpoints;
    uint64_t epoch_offset; /* in that file: where those of the present epoch begin */
    uint64_t last_offset;  /* and where the last one begins */
    bool has_last;         /* a checkpoint was made before: */
    uint64_t last_size;
    struct hash last_root;
    bool has_news;      /* there are records since, and not only about the store itself */
    bool file_has_news; /* the same of the active file */
    bool has_started;   /* the first word of this process was said */
    uint64_t clock_ns;
    uint64_t checkpoint_due_ns, heartbeat_due_ns, epoch_due_ns; /* by that clock */
    struct buf note;
    struct buf growth; /* text */
    struct buf line;
};

/* Not switched on. */
void attestation_init(struct attestation *self, const struct exporter_context *context);

/* Switches it and `proofs` on, with what is on the disk, and finishes or repairs that.  `config`,
 * `dir`, `active`, `proofs` and `newest` are borrowed until fini.  `line` is for scratch. */
struct attestation_parts {
    struct store_dir *dir;
    struct active_file *active;
    struct store_proofs *proofs;
    const struct store_place *newest;
};
MUST_CHECK enum status attestation_open(struct attestation *self,
                                        const struct integrity_config *config,
                                        const struct exporter_context *context,
                                        const struct attestation_parts *parts, uint64_t now_unix_ns,
                                        struct buf *line, struct error *err);

/* For a store whose proofs are switched off: ends the log that there may be.  What is written now
 * cannot be in its tree, so another one begins when they are switched on again. */
MUST_CHECK enum status attestation_end(struct attestation *self,
                                       const struct integrity_config *config,
                                       const struct exporter_context *context,
                                       const struct attestation_parts *parts, uint64_t now_unix_ns,
                                       struct error *err);

/* Says the last word, if there is one to say, and ends. */
void attestation_fini(struct attestation *self, uint64_t now_unix_ns);

/* A record that is no word of ours about the store is in the tree. */
static inline void attestation_note_news(struct attestation *self)
{
    self->has_news = true;
    self->file_has_news = true;
}

/* Does what is due.  To be called about once a second. */
MUST_CHECK enum status attestation_tick(struct attestation *self, uint64_t now_unix_ns,
                                        struct error *err);

/* Signs the tree as it is.  `action` and `reason` as in SCHEMA.md, literals. */
MUST_CHECK enum status attestation_sign(struct attestation *self, const char *action,
                                        const char *reason, uint64_t now_unix_ns,
                                        struct error *err);

/* Puts on record that somebody took the active file away, which would have got this name. */
void attestation_tell_loss(struct attestation *self, const struct store_file_name *name);
