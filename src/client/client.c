/* SPDX-License-Identifier: Apache-2.0 */
/* client.c -- see include/telltale/client.h.
 *
 * Needs libc and nothing else, so that a program that an agent's hook starts is small and starts
 * fast.  The daemon's answers have one fixed form each, so they are taken apart as text.
 *
 * Sending also reads: a daemon that could not write its answers would drop errors. */
#include "telltale/client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

enum { ANSWER_MAX = 4096 };

struct telltale_client {
    int fd;
    uint64_t sent, acked, refused;
    char answers[ANSWER_MAX]; /* read, and not yet a whole line */
    size_t answers_size;
    char first_refusal[200];
    bool failed; /* the daemon refuses the connection, or is gone: `failure` says why */
    struct error failure;
};

/* --- Waiting ----------------------------------------------------------------------------- */

static int wait_ms(uint64_t deadline_ns)
{
    enum { LONGEST_MS = 60 * 60 * 1000 };
    uint64_t now_ns = clock_monotonic_ns();

    if (deadline_ns <= now_ns)
        return 0;
    uint64_t ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms < LONGEST_MS ? (int)ms : LONGEST_MS;
}

/* ST_OK: one of `events` is there, *ret_events says which. */
static enum status wait_for(const struct telltale_client *client, short events,
                            uint64_t deadline_ns, short *ret_events, struct error *err)
{
    for (;;) {
        struct pollfd poller = {.fd = client->fd, .events = events};
        int count = poll(&poller, 1, wait_ms(deadline_ns));
        if (count > 0) {
            *ret_events = poller.revents;
            return ST_OK;
        }
        if (count < 0 && errno != EINTR)
            return error_set_errno(err, ST_IO, "poll");
        if (clock_monotonic_ns() >= deadline_ns)
            return error_set(err, ST_AGAIN, "the daemon did not answer in time");
    }
}

/* --- Answers ----------------------------------------------------------------------------- */

static enum status fail(struct telltale_client *client, enum status status, const char *text,
                        struct error *err)
{
    if (!client->failed) {
        client->failed = true;
        (void)error_set(&client->failure, status, "%s", text);
    }
    *err = client->failure;
    return client->failure.status;
}

/* The text behind `"name":"` up to its quote, as it stands in the JSON. */
static void copy_text(const char *line, const char *name, char *out, size_t out_size)
{
    const char *found = strstr(line, name);
    size_t used = 0;

    if (found != NULL) {
        const char *p = found + strlen(name);
        while (*p != 0 && *p != '"' && used + 2 < out_size) {
            if (*p == '\\' && p[1] != 0)
                out[used++] = *p++;
            out[used++] = *p++;
        }
    }
    out[used] = 0;
}

static enum status take_error(struct telltale_client *client, const char *line, struct error *err)
{
    static const char of_event[] = "{\"error\":{\"event\":";
    char code[40];
    char message[160];
    char text[240];

    copy_text(line, "\"code\":\"", code, sizeof(code));
    copy_text(line, "\"message\":\"", message, sizeof(message));
    if (strncmp(line, of_event, strlen(of_event)) != 0) {
        snprintf(text, sizeof(text), "the daemon says: %s: %s", code, message);
        return fail(client, ST_IO, text, err);
    }
    if (client->refused++ == 0) {
        snprintf(client->first_refusal, sizeof(client->first_refusal), "event %llu: %s: %.130s",
                 strtoull(line + strlen(of_event), NULL, 10), code, message);
    }
    return ST_OK;
}

static enum status take_answer(struct telltale_client *client, const char *line, struct error *err)
{
    if (strncmp(line, "{\"ack\":", 7) == 0) {
        uint64_t acked = strtoull(line + 7, NULL, 10);
        if (acked < client->acked || acked > client->sent)
            return fail(client, ST_CORRUPT, "the daemon acknowledged what was not sent", err);
        client->acked = acked;
        return ST_OK;
    }
    if (strncmp(line, "{\"error\":", 9) == 0)
        return take_error(client, line, err);
    return fail(client, ST_CORRUPT, "the answer is not of the telltale protocol", err);
}

static enum status take_answers(struct telltale_client *client, struct error *err)
{
    char *line = client->answers;
    char *end = client->answers + client->answers_size;
    enum status st = ST_OK;

    while (st == ST_OK) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL)
            break;
        *newline = 0;
        st = take_answer(client, line, err);
        line = newline + 1;
    }
    client->answers_size = (size_t)(end - line);
    memmove(client->answers, line, client->answers_size);
    if (st == ST_OK && client->answers_size == sizeof(client->answers))
        st = fail(client, ST_CORRUPT, "the answer is not of the telltale protocol", err);
    return st;
}

/* Takes what is there; does not wait. */
static enum status read_answers(struct telltale_client *client, struct error *err)
{
    ssize_t got = recv(client->fd, client->answers + client->answers_size,
                       sizeof(client->answers) - client->answers_size, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return ST_OK;
    if (got < 0)
        return fail(client, ST_IO, strerrordesc_np(errno), err);
    if (got == 0)
        return fail(client, ST_IO, "the daemon closed the connection", err);
    client->answers_size += (size_t)got;
    return take_answers(client, err);
}

/* --- Sending ----------------------------------------------------------------------------- */

/* A refusal of the connection may stand unread in the socket when writing to it fails. */
static enum status fail_sending(struct telltale_client *client, int os_errno, struct error *err)
{
    while (!client->failed && read_answers(client, err) == ST_OK) {
        short ignored;
        if (wait_for(client, POLLIN, 0, &ignored, err) != ST_OK)
            break;
    }
    return fail(client, ST_IO, strerrordesc_np(os_errno), err);
}

static enum status send_some(struct telltale_client *client, struct iovec parts[2],
                             struct error *err)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return ST_OK;
    if (sent < 0)
        return fail_sending(client, errno, err);
    for (int i = 0; i < 2; i++) {
        size_t part = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + part;
        parts[i].iov_len -= part;
        sent -= (ssize_t)part;
    }
    return ST_OK;
}

static enum status send_line(struct telltale_client *client, const char *line, size_t size,
                             uint64_t deadline_ns, struct error *err)
{
    char newline[] = "\n";
    struct iovec parts[2] = {{(void *)(uintptr_t)line, size}, {newline, 1}};
    enum status st = send_some(client, parts, err);

    while (st == ST_OK && parts[1].iov_len > 0) {
        short events = 0;
        st = wait_for(client, POLLIN | POLLOUT, deadline_ns, &events, err);
        if (st == ST_OK && (events & POLLIN))
            st = read_answers(client, err);
        if (st == ST_OK && (events & (POLLOUT | POLLERR | POLLHUP)))
            st = send_some(client, parts, err);
    }
    if (st == ST_AGAIN && !client->failed)
        return fail(client, ST_AGAIN, "the daemon did not take the event in time", err);
    return st;
}

enum status telltale_client_send(struct telltale_client *client, const char *event, size_t size,
                                 uint64_t deadline_ns, struct error *err)
{
    if (client->failed)
        return fail(client, ST_IO, "", err);
    if (size > 0 && event[size - 1] == '\n')
        size--;
    if (size == 0 || memchr(event, '\n', size) != NULL)
        return error_set(err, ST_INVALID, "an event is one line, and not an empty one");
    client->sent++;
    return send_line(client, event, size, deadline_ns, err);
}

enum status telltale_client_wait(struct telltale_client *client, uint64_t deadline_ns,
                                 struct error *err)
{
    while (client->acked < client->sent) {
        short events = 0;
        if (client->failed)
            return fail(client, ST_IO, "", err);
        enum status st = wait_for(client, POLLIN, deadline_ns, &events, err);
        if (st == ST_OK)
            st = read_answers(client, err);
        if (st != ST_OK)
            return st;
    }
    if (client->refused > 0)
        return error_set(err, ST_INVALID, "the daemon refused %" PRIu64 " of %" PRIu64 ": %s",
                         client->refused, client->sent, client->first_refusal);
    return ST_OK;
}

/* --- Opening ----------------------------------------------------------------------------- */

/* A full backlog is a daemon that is busy: it is asked again until the deadline. */
static enum status connect_to(int fd, const char *path, uint64_t deadline_ns, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timespec pause = {.tv_nsec = 1000000};

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, ST_INVALID, "'%s' is too long for a socket", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return error_set_errno(err, ST_NOT_FOUND, "connect to '%s'", path);
        if (errno != EAGAIN && errno != EINTR)
            return error_set_errno(err, ST_IO, "connect to '%s'", path);
        if (clock_monotonic_ns() >= deadline_ns)
            return error_set(err, ST_AGAIN, "connect to '%s': the daemon is busy", path);
        (void)nanosleep(&pause, NULL); /* woken early, it asks early */
    }
    return ST_OK;
}

enum status telltale_client_open(const char *path, uint64_t deadline_ns,
                                 struct telltale_client **ret, struct error *err)
{
    static const char preamble[] = "{\"telltale\":1,\"ack\":true}";
    struct telltale_client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return error_set(err, ST_NO_MEMORY, "make a client");
    enum status st = ST_OK;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        st = error_set_errno(err, ST_IO, "make a socket");
    if (st == ST_OK)
        st = connect_to(client->fd, path, deadline_ns, err);
    if (st == ST_OK)
        st = send_line(client, preamble, strlen(preamble), deadline_ns, err);
    if (st != ST_OK) {
        telltale_client_close(client);
        return st;
    }
    *ret = client;
    return ST_OK;
}

uint64_t telltale_client_sent(const struct telltale_client *client)
{
    return client->sent;
}

uint64_t telltale_client_acked(const struct telltale_client *client)
{
    return client->acked;
}

uint64_t telltale_client_refused(const struct telltale_client *client)
{
    return client->refused;
}

void telltale_client_close(struct telltale_client *client)
{
    if (client == NULL)
        return;
    if (client->fd >= 0)
        (void)close(client->fd); /* what was sent is with the kernel */
    free(client);
}
