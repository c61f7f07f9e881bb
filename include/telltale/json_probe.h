/* SPDX-License-Identifier: Apache-2.0 */
/* json_probe.h -- one value out of a JSON text that somebody else wrote.  Implemented in src/wire/.
 *
 * The text is read once, nesting is bounded, and what is not looked for is passed over.
 *
 * Threads: a pure function.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

enum json_probe_result {
    JSON_PROBE_FOUND,
    JSON_PROBE_ABSENT,   /* it is JSON, and has no such member */
    JSON_PROBE_NOT_JSON, /* or its nesting is too deep, or the value does not fit into `text` */
};

enum { JSON_PROBE_DEPTH_MAX = 16 }; /* names in a path */

/* Looks for the member at `path`, names with dots between, "error.code".  `*ret` is a string
 * decoded to `text`, which is cleared first, or any other value as it is written, borrowed from
 * `json`. */
enum json_probe_result json_probe(struct slice json, const char *path, struct buf *text,
                                  struct slice *ret);
