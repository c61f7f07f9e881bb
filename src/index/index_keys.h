/* SPDX-License-Identifier: Apache-2.0 */
/* index_keys.h -- which attributes have values that an index knows exactly, and what they say of a
 * record.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

enum index_role {
    ROLE_NONE,
    ROLE_SESSION,
    ROLE_CONVERSATION,
    ROLE_PARENT, /* another conversation, or another session */
    ROLE_KIND,
    ROLE_OUTCOME,
    ROLE_PRODUCT,
    ROLE_USER_EMAIL,
    ROLE_USER_NAME,
    ROLE_USER_ID,
    ROLE_PROCESS_USER,
    ROLE_HOST,
    ROLE_UID,
    ROLE_COUNT
};

enum { INDEX_CHAIN_MAX = 9 }; /* so many times agent.norm. before a key; more are no part of it */

struct index_key {
    enum index_role role; /* of a key that is just that, but for agent.norm. before it */
    unsigned chain;       /* how often that stands before it */
    bool is_id; /* its values are looked up; also of keys of senders that only end alike */
};

struct index_key index_key_of(struct slice key);
