/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_disk.h -- a disk that fails when it is told to, and that forgets at a power cut what was
 * not synced.
 *
 * It stands in front of the real file system as a struct disk_io.  It remembers the old bytes
 * of everything that was written, renamed, unlinked or truncated since the last sync that
 * covers it.  faulty_disk_settle() then takes back whatever its random choice says, sector by
 * sector, and files that were made: that is what a machine may find after its power came back.
 * What was being written when a sync failed is never safe again, even if a later sync says "ok": so
 * Linux does it.  Directories that are made stay.
 *
 * There is one, for one test at a time.  Threads: any may call the disk; the functions below are
 * for the test.
 */
#pragma once

#include "telltale/disk_io.h"

extern const struct disk_io faulty_disk_io;

enum disk_fault {
    DISK_FAULT_NONE,
    DISK_FAULT_ERROR,     /* the call fails with the given errno, half done */
    DISK_FAULT_SHORT,     /* reads and writes do half of their work and say so */
    DISK_FAULT_INTERRUPT, /* EINTR, nothing done */
    DISK_FAULT_POWER_CUT, /* half done; from here on every call fails */
    DISK_FAULT_SYNC,      /* as DISK_FAULT_ERROR; only syncs meet it, and only they are counted */
    DISK_FAULT_LIE,       /* a sync says "ok" and does nothing; counted likewise */
};

/* Forgets everything.  `dir_fd` is where files are, borrowed. */
void faulty_disk_reset(int dir_fd);

/* Lets calls number `at` (from 1) to `at + length - 1`, counted from now, meet `fault`. */
void faulty_disk_break(enum disk_fault fault, int os_errno, unsigned at, unsigned length);

/* Whether any call has met the fault so far. */
bool faulty_disk_was_hit(void);

/* No faults from now on.  Returns whether any call has met one. */
bool faulty_disk_repair(void);

/* The power is off: takes back at random what was not durable. */
void faulty_disk_settle(unsigned seed);
