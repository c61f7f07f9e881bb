/* SPDX-License-Identifier: Apache-2.0 */
/* control_client.c -- see control_client.h.
 *
 * One request of HTTP/1.0 on a connection of its own: the answer ends where the daemon closes it.
 * libcurl, which can do more, takes longer to load than the daemon to answer. */
#include "telltale/control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/clock.h"

enum { ANSWER_TIMEOUT_S = 10, READ_SIZE = 64 << 10 };
enum { OK = 200, STARTING = 503 };
/* A daemon that starts has nothing to report for a moment. */
enum { STARTING_TRIES = 40, STARTING_PAUSE_US = 50000 };

static const char request[] = "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n";

/* Errors are the system's words alone: the caller says of what. */
static enum status fail(struct error *err)
{
    return error_set(err, ST_IO, "%s", strerror(errno));
}

static enum status connect_to(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, ST_INVALID, "the path is too long for a socket");
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(err);
    /* With a timeout, connecting too waits no longer where the queue is full. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
        (void)fail(err);
        (void)close(fd); /* nothing was read from it */
        return ST_IO;
    }
    *ret_fd = fd;
    return ST_OK;
}

/* Waits for more of the answer. */
static enum status wait_for(int fd, uint64_t deadline_ns, struct error *err)
{
    for (;;) {
        uint64_t now = clock_monotonic_ns();
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        int got = 0;

        if (now < deadline_ns)
            got = poll(&readable, 1, (int)((deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS));
        if (got > 0)
            return ST_OK;
        if (got == 0)
            return error_set(err, ST_AGAIN, "there was no answer within %d s", ANSWER_TIMEOUT_S);
        if (errno != EINTR)
            return fail(err);
    }
}

static enum status read_answer(int fd, struct buf *answer, struct error *err)
{
    uint64_t deadline_ns = clock_monotonic_ns() + ANSWER_TIMEOUT_S * NS_PER_S;

    for (;;) {
        enum status st = buf_reserve(answer, READ_SIZE, err);
        if (st == ST_OK)
            st = wait_for(fd, deadline_ns, err);
        if (st != ST_OK)
            return st;
        ssize_t got = recv(fd, answer->data + answer->size, READ_SIZE, 0);
        if (got == 0)
            return ST_OK;
        if (got < 0 && errno != EINTR)
            return fail(err);
        answer->size += got > 0 ? (size_t)got : 0;
    }
}

/* Takes the head off the answer, "HTTP/1.1 200 OK" and the fields.  That nothing is missing at the
 * end need not be checked here: then it is not JSON. */
static enum status take_head(struct buf *answer, int *ret_code, struct error *err)
{
    static const char blank[] = "\r\n\r\n", version[] = "HTTP/1.";
    enum { CODE_AT = 9, CODE_SIZE = 3 };
    const uint8_t *end =
        answer->size > 0 ? memmem(answer->data, answer->size, blank, sizeof(blank) - 1) : NULL;
    char code[CODE_SIZE + 1] = "";

    if (end == NULL || end - answer->data < CODE_AT + CODE_SIZE ||
        memcmp(answer->data, version, sizeof(version) - 1) != 0)
        return error_set(err, ST_INVALID, "the answer is not HTTP");
    memcpy(code, answer->data + CODE_AT, CODE_SIZE);
    *ret_code = (int)strtol(code, NULL, 10);
    answer->size -= (size_t)(end - answer->data) + sizeof(blank) - 1;
    memmove(answer->data, end + sizeof(blank) - 1, answer->size);
    return ST_OK;
}

/* Asks once, for the answer and its HTTP status. */
static enum status ask_once(const char *socket_path, struct buf *answer, int *ret_code,
                            struct error *err)
{
    int fd;

    buf_clear(answer);
    enum status st = connect_to(socket_path, &fd, err);
    if (st != ST_OK)
        return st;
    st = read_answer(fd, answer, err);
    (void)close(fd); /* only read from */
    return st == ST_OK ? take_head(answer, ret_code, err) : st;
}

bool control_ask(const struct config_dirs *dirs, const char *asker, struct buf *answer)
{
    char socket_path[PATH_MAX + 16];
    struct error err = {.text = "it is not ready"};
    int code = STARTING;

    snprintf(socket_path, sizeof(socket_path), "%s/control.sock", dirs->run_dir);
    for (int i = 0; i < STARTING_TRIES && code == STARTING; i++) {
        if (i > 0)
            (void)usleep(STARTING_PAUSE_US);
        if (ask_once(socket_path, answer, &code, &err) != ST_OK)
            code = 0;
    }
    if (code == OK)
        return true;
    fprintf(stderr,
            "%s: no daemon answers at '%s': %s\n"
            "Is telltaled running, and with this run directory (--run-dir)?\n",
            asker, socket_path, err.text);
    return false;
}
