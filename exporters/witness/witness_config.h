/* SPDX-License-Identifier: Apache-2.0 */
/* witness_config.h -- the options of the witness exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/http_config.h"
#include "telltale/signed_note.h"

struct witness_config {
    struct http_config http;
    const char *key; /* of the witness: NAME+HASH+BASE64 */
    uint64_t every_ns;
};

extern const struct config_field witness_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status witness_config_check(const struct witness_config *config, struct error *err);

/* The key, read.  ST_INVALID: it is none that a witness signs with. */
MUST_CHECK enum status witness_config_key(const struct witness_config *config,
                                          struct note_vkey *ret, struct error *err);
