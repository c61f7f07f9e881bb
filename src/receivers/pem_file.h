/* SPDX-License-Identifier: Apache-2.0 */
/* pem_file.h -- certificates and keys from files, wiped when they are let go.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

void pem_file_init(struct buf *pem);
/* The bytes are overwritten first. */
void pem_file_fini(struct buf *pem);

/* Reads the file, and ends the text with a NUL.  `option` is named in the message. */
MUST_CHECK enum status pem_file_read(const char *path, const char *option, struct buf *pem,
                                     struct error *err);
