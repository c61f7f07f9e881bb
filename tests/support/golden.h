/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h -- files that hold what a test's output was when a person read it. */
#pragma once

#include "telltale/slice.h"

/* Whether the file at `path` holds `text`; a missing file holds nothing.  *ret_line is the line
 * of the first difference.  With UPDATE_GOLDEN in the environment, writes the file first. */
bool golden_holds(const char *path, struct slice text, size_t *ret_line);
