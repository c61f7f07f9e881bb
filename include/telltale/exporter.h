/* SPDX-License-Identifier: Apache-2.0 */
/* exporter.h -- what a destination must provide.
 *
 * An exporter knows one protocol.  It has no threads, queues, timers, retries, cursors or
 * log lines: src/deliver/worker.c owns those, once, for all of them.
 *
 * Threads: a destination may have several instances, made from one `config`, each with a thread of
 * its own that makes every call on it, in turns; create() and destroy() may be called by another
 * thread, before and after that.  cancel() alone comes from another thread in between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/batch.h"
#include "telltale/config_field.h"
#include "telltale/error.h"
#include "telltale/exporter_note.h"

enum export_result {
    EXPORT_DONE,      /* the destination has it: the cursor may advance */
    EXPORT_RETRY,     /* it may not have arrived: the same batch will come again */
    EXPORT_REJECTED,  /* it will never be accepted: goes to the dead letters */
    EXPORT_TOO_LARGE, /* not accepted at this size: the worker halves it, or, when it is a single
                       record, sends that to the dead letters */
    EXPORT_MIXED,     /* each record has an outcome of its own: report->tell() has said it */
};

/* What became of one record of a batch: EXPORT_MIXED. */
enum item_outcome {
    ITEM_RETRY,     /* not taken: it comes again behind the backoff, or retry_after_ms */
    ITEM_AGAIN,     /* not taken only because of another record of the batch, or because the request
                       was full: it comes again at once */
    ITEM_DONE,      /* the destination has it */
    ITEM_REJECTED,  /* it will never be accepted: goes to the dead letters */
    ITEM_TOO_LARGE, /* the same, because of its size */
};

enum { ITEM_WORDS_MAX = 255 }; /* bytes of the destination's words about one record */

/* What the worker should know beyond the result.  Zeroed before each send() but for tell(). */
struct export_report {
    uint32_t rejected_count; /* EXPORT_DONE: records refused out of a batch otherwise taken */
    uint32_t retry_after_ms; /* EXPORT_RETRY, and EXPORT_MIXED with an ITEM_RETRY: the destination's
                                own wish; 0: use our backoff */
    uint32_t put_aside_count; /* EXPORT_DONE, EXPORT_MIXED: of the records that it has, those that
                                 it could not take as they should be and keeps elsewhere */
    size_t sent_bytes;        /* on the wire, as far as known */
    char message[256];        /* the destination's own words, cut and NUL-terminated */
    const char *notice; /* what an operator should know of a destination that takes all the same;
                           logged when it is another text than before.  Static; NULL: nothing */
    /* What a tick() would have failed with, of what it does that was done along with the records,
     * because where they never cease there is no tick().  Without a text: nothing. */
    struct error upkeep;
    /* For EXPORT_MIXED: the outcome of record `index` of the batch; the last word about a record
     * counts, and of one that nothing is said of it is ITEM_RETRY.  `words`: the destination's
     * about a record that it refused, copied and cut; NULL or empty: `message` has them.  Of no
     * effect with another result, so an exporter may tell while it reads an answer that turns out
     * to be damaged.  Never NULL. */
    void (*tell)(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words);
};

struct disk_io; /* disk_io.h */

/* What the daemon tells an exporter about the place it runs in. */
struct exporter_context {
    const char *name;      /* "type/name" of the configuration section; borrowed */
    const char *state_dir; /* absolute; borrowed */
    /* Records with this sequence number and larger ones are new: none was handed to an instance
     * before, even if one had that number, which happens when damage shortens the journal.  0: not
     * known. */
    uint64_t first_new_sequence;
    const struct disk_io *io; /* for durable files; borrowed until destroy(); NULL: the system's */
    struct exporter_notes notes;  /* to be copied */
    uint64_t (*read_clock)(void); /* Unix nanoseconds; NULL: the system's */
};

/* A file that is about to go before its time, for the books. */
struct exporter_deletion {
    const char *name;
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t first_sequence, last_sequence;
    uint64_t size_bytes;
    uint64_t first_unix_ns, last_unix_ns; /* when its first and last line were written */
};

/* Room is needed on a disk. */
struct exporter_room {
    uint64_t wanted_bytes;
    uint64_t device; /* what stat(2) calls st_dev: files elsewhere do not help */
    uint8_t journal_id[JOURNAL_ID_SIZE]; /* of these records */
    uint64_t delivered_below;            /* every other destination has those below */
    void *context;
    /* To be called before each deletion, which must not follow if this fails. */
    enum status (*before_deletion)(void *context, const struct exporter_deletion *deletion,
                                   struct error *err);
};

struct exporter_ops {
    const char *name;                  /* also its config section */
    const struct config_field *fields; /* options; ends with a field whose key is NULL */
    size_t config_size;
    /* How long a send() may wait, beyond the `timeout` of its configuration, for the destination to
     * confirm what it has taken already, in nanoseconds.  NULL: not at all. */
    uint64_t (*confirm_ns)(const void *config);
    /* Takes records in the order of the journal only, and ignores those that come late: there is
     * one instance, and dead letters cannot be given to it again. */
    bool in_order_only;
    /* How long one request may take, its answer included, unless the configuration says otherwise.
     * 0: as for all. */
    uint64_t timeout_ns;
    /* One request at a time unless the configuration says otherwise: one fills its line, and events
     * stay in order. */
    bool one_lane;
    /* The signals that it can take, a set; 0: logs only.  send() is given records of one of them at
     * a time; records of others pass the destination by. */
    unsigned signals;
    /* Those of them that its configuration wants.  NULL: all. */
    unsigned (*choose_signals)(const void *config);
    /* Checks what a table of fields cannot say.  `config` is the filled struct.  NULL: nothing. */
    enum status (*check)(const void *config, struct error *err);
    /* What an operator has to be told whenever this configuration is used, in the log, at every
     * start; NULL, function or text: nothing.  The text is static. */
    const char *(*caution)(const void *config);
    /* `config` is borrowed until destroy().  Must not block on the network. */
    enum status (*create)(const void *config, const struct exporter_context *context,
                          void **ret_self, struct error *err);
    /* Connects when needed.  Must return by `deadline_ns` (monotonic).  `batch` is borrowed
     * until it returns.  `err` is set for every result but EXPORT_DONE; with EXPORT_MIXED it says
     * why records are to come again, if any are.  What EXPORT_MIXED leaves without an outcome comes
     * as a batch of its own, in the same order; when it leaves everything, it counts as
     * EXPORT_RETRY. */
    enum export_result (*send)(void *self, const struct batch *batch, uint64_t deadline_ns,
                               struct export_report *report, struct error *err);
    /* Called about once a second while there is nothing to send: rotation by age and the like.
     * NULL: not needed. */
    enum status (*tick)(void *self, uint64_t now_unix_ns, struct error *err);
    /* Makes the send() under way, and every later one, return soon with EXPORT_RETRY: nobody waits
     * for their answers any more.  From any thread, at any time between create() and destroy();
     * must not block.  NULL: a send() ends at its deadline. */
    void (*cancel)(void *self);
    /* Deletes what it keeps, oldest first, until `room->wanted_bytes` are freed: only what holds no
     * record that another destination still needs.  *ret_freed is set in any case.  NULL: it keeps
     * nothing on our disks. */
    enum status (*make_room)(void *self, const struct exporter_room *room, uint64_t *ret_freed,
                             struct error *err);
    void (*destroy)(void *self); /* accepts NULL */
};

/* The signals that a destination takes. */
static inline unsigned exporter_signals(const struct exporter_ops *ops, const void *config)
{
    unsigned can = ops->signals != 0 ? ops->signals : SIGNALS_LOGS;
    return ops->choose_signals != NULL ? can & ops->choose_signals(config) : can;
}
