/* SPDX-License-Identifier: Apache-2.0 */
/* letters.h -- the loop over all dead letters that the parts of `telltale dead-letter` share.
 *
 * Threads: the main thread.
 */
#pragma once

#include "config/config_dirs.h"
#include "deliver/letter.h"

enum { LETTERS_DIR_SIZE = PATH_MAX + 16 };

struct letters {
    char dir[LETTERS_DIR_SIZE];
    const char *exporter; /* only its letters; NULL: all */
    /* A failure ends the loop. */
    enum status (*on_letter)(void *context, const struct letter *letter, struct error *err);
    void *context;
};

/* The dead letters of these directories. */
void letters_init(struct letters *letters, const struct config_dirs *dirs);

/* Gives every letter, file by file, each in the order of writing.  Lines that are no letters are
 * said on stderr and passed over.  No directory: no letters. */
MUST_CHECK enum status letters_read(const struct letters *letters, struct error *err);
