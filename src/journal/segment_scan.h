/* SPDX-License-Identifier: Apache-2.0 */
/* segment_scan.h -- walks over the frames of one segment, checks each, and finds the next valid
 * one behind damage.  Recovery and readers share it.
 *
 * Bytes are read in chunks into a window; the walker keeps those from `keep` on, so that a
 * caller may gather frames and resolve them together.  Damage is stepped over in constant
 * memory.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "journal/frame.h"
#include "telltale/disk_io.h"

struct segment_scan {
    const struct disk_io *io;
    int fd; /* borrowed */
    uint32_t salt;
    uint64_t end;            /* bytes of the file that may be read */
    uint64_t limit_sequence; /* frames from here on belong to the next segment */
    uint64_t offset;         /* of the next frame */
    uint64_t good_end;       /* behind the last valid frame; less than offset: damage since */
    uint64_t expected;       /* the sequence number that comes next */
    uint64_t keep;           /* the window holds on to bytes from here; UINT64_MAX: to none */
    bool takes_bad_sectors;  /* bytes that cannot be read are damage, not ST_IO */
    uint64_t unreadable;     /* bytes that were taken so, since segment_scan_begin() */
    uint64_t unreadable_end; /* behind the last of them */
    uint64_t mark; /* 0: no end mark was met; else its number, and `end` is where it stands */

    /* The window: `filled` bytes of the file, from `window` on. */
    uint8_t *data; /* owned */
    size_t capacity;
    size_t filled;
    uint64_t window;
};

struct scan_frame {
    uint8_t type;
    uint32_t group;
    uint64_t sequence;
    uint64_t missing;      /* records that damage took just before it */
    uint64_t damage_start; /* where that damage begins; equal to `start` if there is none */
    uint64_t start;        /* of the frame, in the file */
    uint64_t payload;      /* of its payload, in the file */
    uint32_t payload_size;
};

enum scan_result {
    SCAN_END,    /* nothing more; bytes from good_end to `end`, if any, are no valid frame */
    SCAN_FRAME,  /* a valid frame; the walker stands behind it */
    SCAN_DAMAGE, /* no valid frame here: segment_scan_skip(), then ask again */
};

/* At the first frame of a segment; no memory is taken yet. */
void segment_scan_init(struct segment_scan *scan, const struct disk_io *io);
void segment_scan_fini(struct segment_scan *scan);

/* Turns to another segment.  Keeps the window's memory. */
void segment_scan_begin(struct segment_scan *scan, int fd, uint32_t salt, uint64_t first_sequence);

/* Continues at `offset`, where a frame begins that precedes record `sequence`. */
void segment_scan_move(struct segment_scan *scan, uint64_t offset, uint64_t sequence);

/* ST_IO, ST_NO_MEMORY: nothing has moved. */
MUST_CHECK enum status segment_scan_next(struct segment_scan *scan, enum scan_result *ret,
                                         struct scan_frame *ret_frame, struct error *err);

/* After SCAN_DAMAGE: to the next place where a frame may be valid, or to the end. */
MUST_CHECK enum status segment_scan_skip(struct segment_scan *scan, struct error *err);

/* Bytes that the window holds: offsets of a frame since `keep`.  Good until the next call. */
const uint8_t *segment_scan_bytes(const struct segment_scan *scan, uint64_t offset, size_t size);

/* Gives a window back that is larger than `keep_bytes`. */
void segment_scan_trim(struct segment_scan *scan, size_t keep_bytes);
