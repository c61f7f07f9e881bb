/* SPDX-License-Identifier: Apache-2.0 */
/* documented.h -- the requests of tests/corpus/documented: OTLP in JSON, put together from what
 * the makers of agents document. */
#pragma once

#include "support/recorded_session.h"

/* All of them by their names under documented/, ending with NULL. */
extern const char *const documented_requests[];

/* Appends the request `name` as protobuf.  What cannot be read ends the test. */
void documented_read(const char *name, struct buf *out);

/* The records of the request as the normalizer tells them, in order; one after another, as if
 * they had come as JSON over HTTP at the same moment. */
void documented_session_read(const char *name, const struct recorded_session_reader *reader);
