/* SPDX-License-Identifier: Apache-2.0 */
/* retention_plan.h -- what retention would do with a store at some time, without doing it.
 *
 * The files are read, the decision is that of the exporter (telltale/retention.h), and what it says
 * is done to the facts instead of the files, until nothing is left to do.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/hold.h"
#include "telltale/retention.h"
#include "telltale/store_file.h"

struct retention_plan_entry {
    char name[STORE_FILE_NAME_SIZE];
    struct store_file_name parts;
    uint64_t size_bytes, written_unix_s;
    bool was_seen;
    struct retention_survey survey; /* of what stays; good when was_seen */
    struct retention_step step;     /* KEEP, ERASE or DELETE */
    uint64_t due;                   /* records that go, of one that was seen */
    struct retention_step then;     /* of one that stays: what comes next; `when_unix_ns` */
    uint64_t *held;                 /* how many records each hold covers; NULL: nobody has looked */
};

struct retention_plan {
    const struct retention_config *config; /* borrowed */
    struct hold_list holds;
    struct retention_plan_entry *entries; /* owned, oldest first */
    size_t count;
    uint64_t active_size_bytes;
    uint64_t disk_size_bytes, disk_free_bytes;
    bool is_stuck; /* a bound is broken that nothing may go for: */
    enum retention_cause stuck;
};

/* `on_file` is told each file before it is read; NULL: nobody is.  ST_NOT_FOUND: no such store. */
MUST_CHECK enum status retention_plan_make(const char *path, const struct retention_config *config,
                                           uint64_t at_unix_ns, void (*on_file)(const char *name),
                                           struct retention_plan *ret, struct error *err);
void retention_plan_fini(struct retention_plan *plan); /* accepts one that is zeroed */
