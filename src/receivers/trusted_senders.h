/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_senders.h -- whose word is taken on a listener that the configuration calls trusted: that
 * of everybody who may connect, or of some users alone.
 *
 * Threads: pure functions.
 */
#pragma once

#include "net/listener.h"
#include "net/peer.h"

struct trusted_senders {
    const uid_t *uids; /* borrowed */
    size_t uid_count;  /* 0: whoever may connect */
};

/* `peer` has connected to `listener`.  Where users are named, one whom the kernel does not tell is
 * none of them. */
bool trusted_senders_include(const struct trusted_senders *trusted, const struct listener *listener,
                             const struct peer *peer);
