/* SPDX-License-Identifier: Apache-2.0 */
/* sender.h -- who sent it, as attributes of a record, and the groups that native events stand
 * under.
 *
 * Threads: pure functions.
 */
#pragma once

#include "net/peer.h"
#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

/* What sender_append_fields() appends at most: the texts of struct peer and their keys. */
enum { SENDER_FIELDS_MAX = 2048 };

/* Appends agent.peer.* as LogRecord.attributes fields: how the peer is known, and what is known of
 * it.  NULL: as one of whom nothing is.  The attestation comes first: an agent.peer.* before it is
 * not ours (src/query/attested.h). */
MUST_CHECK enum status sender_append_fields(const struct peer *peer, struct buf *out,
                                            struct error *err);

/* Appends Resource.attributes fields for events that name no resource: service.name and
 * host.name of this host. */
MUST_CHECK enum status sender_append_default_resource(struct slice service_name, struct buf *out,
                                                      struct error *err);

/* Appends the sender's own `fields`, and host.name if they lack it. */
MUST_CHECK enum status sender_append_resource(struct slice fields, struct buf *out,
                                              struct error *err);
