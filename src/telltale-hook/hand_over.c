/* SPDX-License-Identifier: Apache-2.0 */
/* hand_over.c -- see hand_over.h.
 *
 * Nothing blocks but poll(2), up to the deadline.  The greeting goes with the event, so that the
 * usual case is four system calls: connect, sendmsg, poll, recv. */
#include "telltale-hook/hand_over.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "telltale-hook/hook_clock.h"

enum { PARTS = 4, ANSWER_MAX = 4096, BUSY_PAUSE_MS = 5 };

static bool wait_for(int fd, short events, uint64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int ready;
    do
        ready = poll(&poll_fd, 1, hook_clock_left(deadline_ms));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* A full backlog is told at once: the daemon may only be slow. */
static int dial(const char *path, uint64_t deadline_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        bool may_succeed = (errno == EAGAIN || errno == EINTR) && hook_clock_left(deadline_ms) > 0;
        if (!may_succeed) {
            (void)close(fd); /* nothing was sent */
            return -1;
        }
        (void)poll(NULL, 0, BUSY_PAUSE_MS); /* nothing tells when there is room */
    }
    return fd;
}

static void step_over(struct iovec *parts, size_t sent)
{
    for (size_t i = 0; i < PARTS && sent > 0; i++) {
        size_t step = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        parts[i].iov_base = (uint8_t *)parts[i].iov_base + step;
        parts[i].iov_len -= step;
        sent -= step;
    }
}

static bool send_all(int fd, const struct event_line *line, uint64_t deadline_ms)
{
    static const char greeting[] = "{\"telltale\":1,\"ack\":true}\n";
    struct iovec parts[PARTS] = {
        {.iov_base = (void *)(uintptr_t)greeting, .iov_len = sizeof(greeting) - 1}};
    size_t left = sizeof(greeting) - 1 + line->size;
    for (size_t i = 0; i + 1 < PARTS; i++)
        parts[i + 1] = (struct iovec){.iov_base = (void *)(uintptr_t)line->parts[i].data,
                                      .iov_len = line->parts[i].size};
    while (left > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = PARTS};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            step_over(parts, (size_t)sent);
            left -= (size_t)sent;
        } else if (errno == EAGAIN ? !wait_for(fd, POLLOUT, deadline_ms) : errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool contains(const char *answer, size_t size, const char *sign)
{
    return memmem(answer, size, sign, strlen(sign)) != NULL;
}

/* Of the errors that the protocol knows, these will be the same again. */
static bool is_final(const char *answer, size_t size)
{
    return contains(answer, size, "\"code\":\"too_large\"") ||
           contains(answer, size, "\"code\":\"invalid_json\"") ||
           contains(answer, size, "\"code\":\"limit_exceeded\"");
}

static enum hand_over_result hear(int fd, uint64_t deadline_ms, const char **ret_why)
{
    char answer[ANSWER_MAX];
    size_t size = 0;
    *ret_why = "no answer in time";
    while (size < sizeof(answer) && wait_for(fd, POLLIN, deadline_ms)) {
        ssize_t got = recv(fd, answer + size, sizeof(answer) - size, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) {
            *ret_why = "the daemon has closed";
            return HAND_OVER_UNKNOWN;
        }
        size += (size_t)got;
        if (memchr(answer, '\n', size) == NULL)
            continue;
        *ret_why = "the daemon has refused it";
        if (is_final(answer, size))
            return HAND_OVER_REFUSED;
        return contains(answer, size, "\"error\"") ? HAND_OVER_UNKNOWN : HAND_OVER_DURABLE;
    }
    return HAND_OVER_UNKNOWN;
}

enum hand_over_result hand_over(const char *path, const struct event_line *line,
                                uint64_t deadline_ms, const char **ret_why)
{
    enum hand_over_result result = HAND_OVER_UNKNOWN;
    *ret_why = "cannot connect";
    int fd = dial(path, deadline_ms);
    if (fd < 0)
        return HAND_OVER_ABSENT;
    *ret_why = "cannot send it in time";
    if (send_all(fd, line, deadline_ms))
        result = hear(fd, deadline_ms, ret_why);
    (void)close(fd); /* all was said */
    return result;
}
