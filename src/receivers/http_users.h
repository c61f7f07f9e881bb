/* SPDX-License-Identifier: Apache-2.0 */
/* http_users.h -- how many connections each user has, and how much it has sent lately, whatever
 * connections it sent that over: a user is remembered until what it sent is long ago.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "receivers/recent_bytes.h"
#include "telltale/error.h"

/* Stands for everybody whom the kernel does not tell: no process can have it. */
#define HTTP_USER_UNKNOWN ((uid_t)-1)

struct http_user {
    uid_t uid;
    unsigned int connections;
    struct recent_bytes recent;
};

struct http_users {
    struct http_user *users; /* owned */
    size_t size;
    unsigned int per_user_max;
};

/* There may be up to `connections_max` connections at a time. */
MUST_CHECK enum status http_users_init(struct http_users *users, size_t connections_max,
                                       unsigned int per_user_max, struct error *err);
void http_users_fini(struct http_users *users); /* zeroes are allowed */

/* NULL: the user has as many connections as it may.  Borrowed until it leaves. */
struct http_user *http_users_enter(struct http_users *users, uid_t uid, uint64_t now_ns);
void http_users_leave(struct http_user *user);

/* While `room` of `size_max` bytes is left in the journal: whether a connection of the user, which
 * has sent `recent`, has to wait for those who send less. */
bool http_user_is_over_share(const struct http_user *user, const struct recent_bytes *recent,
                             uint64_t room, uint64_t size_max);
