/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.h -- what a record says of itself when the sender is believed: that a Telltale before
 * this one has normalized it, or that it speaks the model itself.
 *
 * To be asked only of senders that the configuration names (receivers.*.trusted_upstreams): anybody
 * can write what is looked at here.
 *
 * Threads: an object belongs to the thread that made it.
 */
#pragma once

#include "normalize/normalize.h"

struct upstream;

MUST_CHECK enum status upstream_create(const struct otlp_limits *limits, struct upstream **ret,
                                       struct error *err);
void upstream_destroy(struct upstream *upstream); /* accepts NULL */

/* The limits for such a record: an upstream takes as much as we do, and adds to it.  Good as long
 * as the object. */
const struct otlp_limits *upstream_limits(const struct upstream *upstream);

enum upstream_claim {
    UPSTREAM_NOTHING,    /* to be normalized as anybody's */
    UPSTREAM_NORMALIZED, /* it has agent.schema.version, of a major version that we know */
    UPSTREAM_NATIVE,     /* it has none, and its agent.dialect is native */
};

struct upstream_record {
    enum upstream_claim claim;
    struct normalized_kind kind; /* UPSTREAM_NORMALIZED: as normalizer_last() said it there */
    struct slice native_kind;    /* UPSTREAM_NATIVE: its agent.event.kind; points into the record */
};

/* Looks at a LogRecord.  ST_CORRUPT: it is none; ST_LIMIT: it is over one of upstream_limits(),
 * which the message names. */
MUST_CHECK enum status upstream_read(struct upstream *upstream, struct slice record,
                                     struct upstream_record *ret, struct error *err);
