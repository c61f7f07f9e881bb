/* SPDX-License-Identifier: Apache-2.0 */
/* fd.h -- reading and writing descriptors completely, with errors that say what failed.
 *
 * Threads: a descriptor belongs to its caller; nothing is shared.
 */
#pragma once

#include <stddef.h>

#include "telltale/error.h"

/* Writes all `size` bytes, retrying after EINTR and short writes.  Blocks. */
MUST_CHECK enum status fd_write_all(int fd, const void *data, size_t size, struct error *err);

/* fsync(2) that fails loudly. */
MUST_CHECK enum status fd_sync(int fd, struct error *err);

/* Reads until `size` bytes or end of file; *ret_got says how many.  Blocks. */
MUST_CHECK enum status fd_read_up_to(int fd, void *data, size_t size, size_t *ret_got,
                                     struct error *err);
