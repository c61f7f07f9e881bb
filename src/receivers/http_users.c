/* SPDX-License-Identifier: Apache-2.0 */
/* http_users.c -- see http_users.h.  The table is searched from its start, once a connection.  A
 * place without connections belongs to its user until a new one needs it: then the one goes that
 * has sent least lately.  There is one place more than connections, so one is always found.
 *
 * The journal's last quarter is shared twice.  Of connections: who has sent more lately than is
 * left is refused.  Of users: when all connections of a user together have, those that sent their
 * part of it are refused, so that a quiet agent does not suffer for a loud one of the same user;
 * and all of them when less than an eighth is left, for a user who opens a new connection for each
 * request has only quiet ones.  What is left then is for other users.  Nobody can speak for those
 * whose user is not known: each of their connections stands for itself. */
#include "receivers/http_users.h"

#include <stdlib.h>

enum status http_users_init(struct http_users *users, size_t connections_max,
                            unsigned int per_user_max, struct error *err)
{
    struct http_user *places = calloc(connections_max + 1, sizeof(*places));

    if (places == NULL)
        return error_set(err, ST_NO_MEMORY, "make a table of %zu users", connections_max);
    *users = (struct http_users){places, connections_max + 1, per_user_max};
    return ST_OK;
}

void http_users_fini(struct http_users *users)
{
    free(users->users);
    *users = (struct http_users){0};
}

static bool is_better_place(const struct http_user *user, const struct http_user *found)
{
    return user->connections == 0 && (found == NULL || user->recent.bytes < found->recent.bytes);
}

struct http_user *http_users_enter(struct http_users *users, uid_t uid, uint64_t now_ns)
{
    struct http_user *found = NULL;

    for (size_t i = 0; i < users->size; i++) {
        struct http_user *user = &users->users[i];
        recent_bytes_add(&user->recent, 0, now_ns);
        bool is_remembered = user->connections > 0 || user->recent.bytes > 0;
        if (is_remembered && user->uid == uid) {
            found = user;
            break;
        }
        if (is_better_place(user, found))
            found = user;
    }
    ASSERT(found != NULL);
    if (found->uid != uid || (found->connections == 0 && found->recent.bytes == 0))
        *found = (struct http_user){.uid = uid, .recent = {0, now_ns}};
    if (found->connections >= users->per_user_max)
        return NULL;
    found->connections++;
    return found;
}

void http_users_leave(struct http_user *user)
{
    ASSERT(user->connections > 0);
    user->connections--;
}

bool http_user_is_over_share(const struct http_user *user, const struct recent_bytes *recent,
                             uint64_t room, uint64_t size_max)
{
    if (recent_bytes_is_too_much(recent, room, size_max))
        return true;
    if (user->uid == HTTP_USER_UNKNOWN || !recent_bytes_is_too_much(&user->recent, room, size_max))
        return false;
    return room < size_max / 8 || recent->bytes >= user->recent.bytes / user->connections;
}
