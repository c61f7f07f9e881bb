/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_config.h -- the options of the timestamp exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/http_config.h"

struct timestamp_config {
    struct http_config http;
    const char *policy;  /* OID; NULL: the authority's own */
    const char *ca_file; /* whose tokens are taken; NULL: anybody's */
    uint64_t every_ns;
};

extern const struct config_field timestamp_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status timestamp_config_check(const struct timestamp_config *config,
                                              struct error *err);
