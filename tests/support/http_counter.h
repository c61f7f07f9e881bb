/* SPDX-License-Identifier: Apache-2.0 */
/* http_counter.h -- a server for an exporter over HTTP that accepts every request and counts what
 * came.  Failures abort.  Functions are for any thread. */
#pragma once

#include "support/counting_sink.h"

struct http_counter;

enum http_counter_protocol { COUNT_OTLP_HTTP, COUNT_SPLUNK_HEC, COUNT_BULK };

/* `unix_path`: NULL: 127.0.0.1, any port. */
struct http_counter *http_counter_start(const char *unix_path, enum http_counter_protocol protocol);
int http_counter_port(const struct http_counter *counter);
struct sink_counts http_counter_read(struct http_counter *counter);
void http_counter_stop(struct http_counter *counter);
