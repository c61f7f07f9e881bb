/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_senders.c -- see trusted_senders.h. */
#include "receivers/trusted_senders.h"

bool trusted_senders_include(const struct trusted_senders *trusted, const struct listener *listener,
                             const struct peer *peer)
{
    if (!listener->is_trusted || trusted->uid_count == 0)
        return listener->is_trusted;
    if (peer->attestation == PEER_UNKNOWN)
        return false;
    for (size_t i = 0; i < trusted->uid_count; i++) {
        if (trusted->uids[i] == peer->uid)
            return true;
    }
    return false;
}
