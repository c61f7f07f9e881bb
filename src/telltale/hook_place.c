/* SPDX-License-Identifier: Apache-2.0 */
/* hook_place.c -- see hook_place.h. */
#include "telltale/hook_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM       "telltale-hook"
#define SYSTEM_SOCKET "/run/telltale/agent.sock"
#define SYSTEM_SPOOL  "/var/lib/telltale/spool"

static bool is_program(const char *dir, size_t size, char out[static PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%.*s/" PROGRAM, (int)size, dir);

    return length > 0 && length < PATH_MAX && out[0] == '/' && access(out, X_OK) == 0;
}

bool hook_place_program(char out[static PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (size > 0) {
        self[size] = 0;
        if (is_program(self, (size_t)(strrchr(self, '/') - self), out))
            return true;
    }
    for (const char *dir = getenv("PATH"); dir != NULL && *dir != 0;) {
        size_t length = strcspn(dir, ":");
        if (is_program(dir, length, out))
            return true;
        dir += length + (dir[length] == ':');
    }
    return false;
}

void hook_place_find(const struct config_dirs *dirs, struct hook_place *ret)
{
    int socket = snprintf(ret->socket, PATH_MAX, "%s/agent.sock", dirs->run_dir);
    int spool = snprintf(ret->spool, PATH_MAX, "%s/spool", dirs->state_dir);

    ASSERT(socket > 0 && spool > 0); /* a path that was cut is not there, and is told so */
    if (access(ret->socket, F_OK) == 0 || access(SYSTEM_SOCKET, F_OK) != 0)
        return;
    snprintf(ret->socket, PATH_MAX, "%s", SYSTEM_SOCKET);
    snprintf(ret->spool, PATH_MAX, "%s", SYSTEM_SPOOL);
}
