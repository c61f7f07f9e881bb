/* SPDX-License-Identifier: Apache-2.0 */
/* request_size.h -- how large a request may be, as far as the destination has shown.
 *
 * A request that was too large halves the size.  It grows again by a sixteenth of the configured
 * size behind REQUEST_SIZE_PATIENCE full requests that were accepted, but not to the size that was
 * refused: that one is tried again only after many times as many, and each time that it is
 * refused again, after twice as many as before.  So a limit that was raised is found, and one
 * that was not costs hardly a request.
 *
 * Threads: none of its own; its owner has a lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_SIZE_LEAST = 64 * 1024, /* a destination's limit is not believed to be below this */
    REQUEST_SIZE_STEPS = 16,
    REQUEST_SIZE_PATIENCE = 64,
    REQUEST_SIZE_DOUBT_FIRST = 16, /* times the patience, before the refused size is tried */
    REQUEST_SIZE_DOUBT_MAX = 1024,
};

struct request_size {
    size_t configured;
    size_t present;
    size_t refused;    /* the smallest that was too large; 0: none */
    uint32_t accepted; /* full requests since the size has changed */
    uint32_t doubt;    /* how many times the patience the refused size has to wait */
};

void request_size_init(struct request_size *size, size_t configured);

/* A request of `bytes`, more than one record, was too large. */
void request_size_refuse(struct request_size *size, size_t bytes);

/* A request of `bytes` was accepted. */
void request_size_accept(struct request_size *size, size_t bytes);
