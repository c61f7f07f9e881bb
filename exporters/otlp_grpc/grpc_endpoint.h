/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_endpoint.h -- where an `endpoint` option points, in the words of gRPC.
 *
 *     HOST[:PORT]           https://HOST[:PORT]      http://HOST[:PORT]
 *     unix:/absolute/path   unix:///absolute/path
 *
 * The port is 4317 when none is given.  A numeric IPv6 address stands in brackets.  Without a
 * scheme, whoever connects decides whether to encrypt.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/error.h"

#include <stdbool.h>

enum { GRPC_TARGET_MAX = 512 };

enum grpc_endpoint_scheme { GRPC_SCHEME_NONE, GRPC_SCHEME_HTTP, GRPC_SCHEME_HTTPS };

struct grpc_endpoint {
    char target[GRPC_TARGET_MAX]; /* "dns:///host:port" or "unix:/path" */
    enum grpc_endpoint_scheme scheme;
    bool is_unix;
    bool is_local; /* a Unix socket or a loopback address: the bytes stay on this machine */
};

/* ST_INVALID: `text` is none of the above; the message says why. */
MUST_CHECK enum status grpc_endpoint_parse(const char *text, struct grpc_endpoint *ret,
                                           struct error *err);
