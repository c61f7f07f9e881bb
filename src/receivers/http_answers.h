/* SPDX-License-Identifier: Apache-2.0 */
/* http_answers.h -- the bodies that an OTLP sender gets: an Export response, or a
 * google.rpc.Status, in the encoding of its request.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

enum otlp_encoding { OTLP_PROTOBUF, OTLP_JSON };

/* The codes of google.rpc.Code that we use. */
enum rpc_code {
    RPC_INVALID_ARGUMENT = 3,
    RPC_NOT_FOUND = 5,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
};

/* "application/x-protobuf", "application/json": a literal. */
const char *http_answer_content_type(enum otlp_encoding encoding);

/* Appends a google.rpc.Status with `code` and `message`. */
MUST_CHECK enum status http_answer_status(enum otlp_encoding encoding, enum rpc_code code,
                                          const char *message, struct buf *out, struct error *err);

/* Appends an ExportLogsServiceResponse, or that of another signal, whose count has another name.
 * `rejected` 0: all were taken, and `message` is not said. */
MUST_CHECK enum status http_answer_export(enum otlp_encoding encoding, enum signal signal,
                                          uint64_t rejected, const char *message, struct buf *out,
                                          struct error *err);
