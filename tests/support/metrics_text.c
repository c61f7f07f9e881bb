/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_text.c -- see metrics_text.h. */
#include "support/metrics_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

void metrics_text_read(struct buf *ret, const char *home)
{
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct error err;
    char piece[4096];
    ssize_t got;

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int size = snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/control.sock", home);
    ASSERT(fd >= 0 && size > 0 && (size_t)size < sizeof(address.sun_path));
    ASSERT(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ASSERT(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1);
    buf_init(ret, TEXT_MAX);
    while ((got = recv(fd, piece, sizeof(piece), 0)) > 0)
        ASSERT(buf_append(ret, piece, (size_t)got, &err) == ST_OK);
    ASSERT(buf_append(ret, "", 1, &err) == ST_OK); /* a text now */
    (void)close(fd);
}

uint64_t metrics_text_sum(const struct buf *text, const char *name, const char *labels)
{
    size_t name_size = strlen(name);
    uint64_t sum = 0;

    for (const char *line = (const char *)text->data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *end = strchr(line, '}');
        const char *found = strstr(line, labels);
        if (strncmp(line, name, name_size) == 0 && line[name_size] == '{' && end != NULL &&
            found != NULL && found < end)
            sum += strtoull(end + 1, NULL, 10);
    }
    return sum;
}
