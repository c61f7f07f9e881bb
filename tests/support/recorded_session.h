/* SPDX-License-Identifier: Apache-2.0 */
/* recorded_session.h -- a recorded session of an agent as the normalizer tells it. */
#pragma once

#include "normalize/span_derive.h"
#include "support/normalized.h"

/* Called with each record in the order it was sent; all is borrowed for the call. */
struct recorded_session_reader {
    void (*on_record)(void *context, const struct record_group *group,
                      const struct normalized *record);
    void *context;
};

/* Reads the log request in file `name`, below tests/corpus/, as recorded_session_read() does. */
void recorded_logs_read(struct normalizer *normalizer, const char *name,
                        const struct recorded_session_reader *reader);

/* Reads the trace request in file `name`, in protobuf; the records are what its spans yield, all of
 * it ours.  Returns how many spans there were. */
size_t recorded_spans_read(struct normalizer *normalizer, const char *name,
                           const struct recorded_session_reader *reader);

/* Reads the log requests 1 to `request_count` of Codex's `scenario`, sent in protobuf over HTTP and
 * all received at the same moment.  What cannot be read or normalized ends the test. */
void recorded_session_read(const char *scenario, int request_count,
                           const struct recorded_session_reader *reader);

/* The same for the directory `session` of tests/corpus/, as in "gemini-cli-0.61.0/grpc/mcpfail",
 * over the transport that it is named after. */
void recorded_session_read_from(const char *session, int request_count,
                                const struct recorded_session_reader *reader);
