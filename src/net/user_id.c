/* SPDX-License-Identifier: Apache-2.0 */
/* user_id.c -- see user_id.h. */
#include "net/user_id.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

enum status user_id_find(const char *name, uid_t *ret, struct error *err)
{
    const struct passwd *user = getpwnam(name);
    char *end;

    if (user != NULL) {
        *ret = user->pw_uid;
        return ST_OK;
    }
    errno = 0;
    unsigned long id = strtoul(name, &end, 10);
    if (errno != 0 || end == name || *end != 0 || id >= UINT32_MAX || name[0] == '-')
        return error_set(err, ST_INVALID, "there is no user '%s'", name);
    *ret = (uid_t)id;
    return ST_OK;
}
