/* SPDX-License-Identifier: Apache-2.0 */
/* letters_found.h -- which dead letters a reader finds in a directory.
 *
 * Threads: none of its own.
 */
#pragma once

enum { LETTERS_FOUND_MAX = 64 };

struct letters_found {
    unsigned times[LETTERS_FOUND_MAX]; /* by sequence number */
    unsigned torn;                     /* lines that are no letters */
};

/* Reads all files of `dir_fd`; what cannot be read ends the test. */
void letters_found_read(int dir_fd, struct letters_found *ret);
