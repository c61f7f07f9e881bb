/* SPDX-License-Identifier: Apache-2.0 */
/* install_record.h -- what was done to which settings file, so that it can be undone: a JSON file
 * of the state directory, an object by path.
 *
 *     {"/home/a/.claude/settings.json": {"created": false, "edits": [...]},
 *      "/home/a/.codex/config.toml":    {"created": true,  "block": "[otel]\n..."}}
 *
 * Threads: one owner.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "telltale/error.h"

enum { INSTALL_RECORD_NAME_MAX = 4096 };

/* Reads the record of the state directory; an empty one if there is none. */
MUST_CHECK enum status install_record_read(const char *state_dir, cJSON **ret, struct error *err);

/* Notes what is going to be done to the file at `path`, beside what is noted of it already:
 * installing twice is undone at once, and what failed half way and is done again is noted once.
 * `created`: the file is not there yet.  Either `edits`, which are copied, or `block`. */
MUST_CHECK enum status install_record_add(cJSON *record, const char *path, bool created,
                                          const cJSON *edits, const char *block, struct error *err);

MUST_CHECK enum status install_record_write(const char *state_dir, const cJSON *record,
                                            struct error *err);
