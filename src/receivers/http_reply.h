/* SPDX-License-Identifier: Apache-2.0 */
/* http_reply.h -- sends the answer to one OTLP/HTTP request: its verdict, or success.
 *
 * Threads: that of the HTTP library that has the request.
 */
#pragma once

#include "receivers/http_request.h"
#include "receivers/otlp_intake.h"

/* The status that http_reply_send() will send. */
unsigned int http_reply_status(const struct http_request *request);

/* Queues the answer.  MHD_NO: there was no memory, the connection is to be closed. */
MUST_CHECK enum MHD_Result http_reply_send(struct MHD_Connection *connection,
                                           const struct http_request *request,
                                           const struct otlp_intake_result *result);
