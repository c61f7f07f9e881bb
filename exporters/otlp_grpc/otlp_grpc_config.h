/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_config.h -- the options of the OTLP/gRPC exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include <grpc/slice.h>

#include "grpc_endpoint.h"
#include "telltale/config_field.h"
#include "telltale/error.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP };

struct tls_config {
    bool insecure;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const char *server_name_override;
};

struct keepalive_config {
    uint64_t time_ns;
    uint64_t timeout_ns;
};

struct otlp_grpc_config {
    const char *endpoint;
    struct tls_config tls;
    struct config_text_map headers;
    const char *token_file;
    int compression; /* enum compression */
    uint64_t compression_level;
    struct keepalive_config keepalive;
    uint64_t max_message_size;
    struct config_text_list signals;
};

extern const struct config_field otlp_grpc_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status otlp_grpc_config_check(const struct otlp_grpc_config *config,
                                              struct error *err);

/* Whether the connection is to be encrypted.  `endpoint` is the parsed config->endpoint. */
bool otlp_grpc_config_wants_tls(const struct otlp_grpc_config *config,
                                const struct grpc_endpoint *endpoint);

/* A header's name as HTTP/2 has it, in lower case; the caller owns the slice. */
grpc_slice otlp_grpc_config_header_key(const char *key);
