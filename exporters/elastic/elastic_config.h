/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_config.h -- the options of the Elasticsearch exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/http_config.h"
#include "telltale/shape.h"

enum elastic_flavor {
    ELASTIC_AUTO,          /* asks the server */
    ELASTIC_ELASTICSEARCH, /* 8.18 or newer */
    ELASTIC_OPENSEARCH,    /* and what speaks as older ones do */
};

enum elastic_shape { ELASTIC_SHAPE_ECS, ELASTIC_SHAPE_OTEL };

struct elastic_stream_config {
    const char *dataset;
    const char *data_namespace;
};

struct elastic_config {
    struct http_config http;
    const char *api_key_file;
    int flavor; /* enum elastic_flavor */
    int shape;  /* enum elastic_shape */
    struct elastic_stream_config data_stream;
    const char *index; /* instead of the name that data_stream makes */
    const char *pipeline;
    bool error_reasons;
};

enum { ELASTIC_NAME_MAX = 256 }; /* of a data stream or index, with its NUL */

extern const struct config_field elastic_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status elastic_config_check(const struct elastic_config *config, struct error *err);

/* The options of the connection, an API key among them, and what stands before the token.  Borrows
 * from `config`. */
struct http_config elastic_config_http(const struct elastic_config *config,
                                       const char **ret_token_scheme);

/* The data set as it stands in documents and in the name of the stream: that of the shape otel ends
 * in .otel. */
void elastic_config_dataset(const struct elastic_config *config, char out[ELASTIC_NAME_MAX]);

/* Where to documents go. */
void elastic_config_target(const struct elastic_config *config, char out[ELASTIC_NAME_MAX]);
