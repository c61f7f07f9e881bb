/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_key.h -- which session a record belongs to: the key of its message.
 *
 * Of a log record and a span the attribute session.id, or gen_ai.conversation.id when it has none
 * of that; of a span without either its trace id, so that a trace stays together.  A metric has
 * none: it is of many sessions.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"

enum { KAFKA_KEY_SIZE_MAX = 256 }; /* of a longer name the beginning is the key */

/* Borrowed from `record`; no bytes when there is no session, or when `record` is not protobuf. */
struct slice kafka_key_of(enum signal signal, struct slice record);
