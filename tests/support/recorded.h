/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.h -- the requests of real agents that tests/corpus/ holds. */
#pragma once

#include "telltale/buf.h"

/* Log requests in protobuf; NULL behind the last. */
extern const char *const recorded_log_requests[];

/* Log requests of dialects that the list above lacks, in protobuf or JSON. */
extern const char *const recorded_dialect_requests[];

/* As recorded_read(), and makes protobuf of log requests in JSON. */
void recorded_read_protobuf(const char *name, struct buf *out);

/* Appends the message in file `name`, below tests/corpus/, inflated and without its gRPC
 * frame if it has one.  A file that cannot be read ends the test. */
void recorded_read(const char *name, struct buf *out);
