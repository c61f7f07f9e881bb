/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_text.h -- what a daemon counts, asked for over its control socket.
 *
 * Failures abort.  Threads: one owner at a time.
 */
#pragma once

#include <stdint.h>

#include "telltale/buf.h"

/* `home` as of daemon_process_start().  The caller owns what is in `ret`. */
void metrics_text_read(struct buf *ret, const char *home);

/* The sum of all series of `name` whose labels contain `labels`. */
uint64_t metrics_text_sum(const struct buf *text, const char *name, const char *labels);
