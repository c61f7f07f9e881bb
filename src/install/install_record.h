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

#include "telltale/error.h"

enum { INSTALL_RECORD_NAME_MAX = 4096 };

/* Reads the record of the state directory; an empty one if there is none. */
MUST_CHECK enum status install_record_read(const char *state_dir, cJSON **ret, struct error *err);
MUST_CHECK enum status install_record_write(const char *state_dir, const cJSON *record,
                                            struct error *err);
