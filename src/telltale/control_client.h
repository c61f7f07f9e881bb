/* SPDX-License-Identifier: Apache-2.0 */
/* control_client.h -- asking the daemon how it is, over its control socket.
 *
 * Threads: the main thread.
 */
#pragma once

#include "config/config_dirs.h"
#include "telltale/buf.h"

enum { CONTROL_ANSWER_SIZE_MAX = 4 * 1024 * 1024 };

/* Its status report, JSON, into `answer`.  False: no daemon answers, which was said on stderr in
 * the name of `asker`. */
bool control_ask(const struct config_dirs *dirs, const char *asker, struct buf *answer);
