/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_answers.h -- the google.rpc.Status that an OTLP/gRPC sender gets with an error, in
 * grpc-status-details-bin: whether and when it may send again.
 *
 * Threads: pure functions.
 */
#pragma once

#include "receivers/http_answers.h"

/* Appends it.  `retry_after_s` 0: it says nothing about sending again. */
MUST_CHECK enum status grpc_answer_details(enum rpc_code code, const char *message,
                                           unsigned int retry_after_s, struct buf *out,
                                           struct error *err);
