/* SPDX-License-Identifier: Apache-2.0 */
/* unix_sender.c -- see unix_sender.h.  The kernel notes the effective user of the thread that
 * connects.  The system call changes this thread alone, and file permissions stay ours. */
#include "support/unix_sender.h"

#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "telltale/base.h"

static void become(uid_t uid, uid_t files)
{
    ASSERT(syscall(SYS_setresuid, -1, uid, -1) == 0);
    (void)setfsuid(files);
}

int unix_sender_connect(const char *path, uid_t uid)
{
    static const char greeting[] = "{\"telltale\":1,\"ack\":true}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uid_t own = geteuid();

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (uid != UNIX_SENDER_ANY_UID)
        become(uid, own);
    int failed = connect(fd, (const struct sockaddr *)&address, sizeof(address));
    if (uid != UNIX_SENDER_ANY_UID)
        become(own, own);
    ASSERT(failed == 0);
    ASSERT(send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL) == sizeof(greeting) - 1);
    return fd;
}
