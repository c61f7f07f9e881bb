/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_config.h -- the options of the OTLP/HTTP exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/http_config.h"

enum otlp_http_encoding { OTLP_HTTP_PROTOBUF, OTLP_HTTP_JSON };

enum otlp_http_500_policy { OTLP_HTTP_500_HOLD, OTLP_HTTP_500_DEAD_LETTER };

struct otlp_http_config {
    struct http_config http;
    int encoding; /* enum otlp_http_encoding */
    const char *logs_endpoint;
    const char *traces_endpoint;
    const char *metrics_endpoint;
    int on_bare_500; /* enum otlp_http_500_policy */
    struct config_text_list signals;
};

extern const struct config_field otlp_http_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status otlp_http_config_check(const struct otlp_http_config *config,
                                              struct error *err);

/* The address that a signal has for itself; NULL: its path below the endpoint. */
const char *otlp_http_config_url(const struct otlp_http_config *config, enum signal signal);
