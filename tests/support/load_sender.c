/* SPDX-License-Identifier: Apache-2.0 */
/* load_sender.c -- see load_sender.h. */
#include "support/load_sender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "telltale/base.h"
#include "util/clock.h"

enum { PIECE_SIZE = 64 * 1024 };

static void cover(struct load_sender *sender, size_t *next, uint64_t acked)
{
    uint64_t now_ns = clock_monotonic_ns();
    size_t count = atomic_load(&sender->piece_count);

    for (; *next < count && sender->pieces[*next].last_event <= acked; (*next)++)
        sender->latencies_ns[*next] = now_ns - sender->pieces[*next].start_ns;
    atomic_store(&sender->acked, acked);
}

static void *read_acks(void *context)
{
    struct load_sender *sender = context;
    char lines[4096];
    size_t size = 0;
    size_t next = 0;

    for (;;) {
        ssize_t got = recv(sender->fd, lines + size, sizeof(lines) - 1 - size, 0);
        if (got <= 0)
            return NULL;
        size += (size_t)got;
        lines[size] = '\0';
        char *start = lines;
        for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
            unsigned long long acked;
            if (sscanf(start, "{\"ack\":%llu}", &acked) != 1) {
                fprintf(stderr, "the daemon answers: %.*s\n", (int)(end - start), start);
                abort();
            }
            cover(sender, &next, acked);
        }
        size = (size_t)(lines + size - start);
        memmove(lines, start, size);
    }
}

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, text, size, MSG_NOSIGNAL);
        ASSERT(written > 0 || errno == EINTR);
        if (written < 0)
            continue;
        text += written;
        size -= (size_t)written;
    }
}

void load_sender_open(struct load_sender *sender, const char *path, size_t pieces_max)
{
    static const char greeting[] = "{\"telltale\":1,\"ack\":true}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *sender =
        (struct load_sender){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                             .pieces = calloc(pieces_max, sizeof(*sender->pieces)),
                             .latencies_ns = calloc(pieces_max, sizeof(*sender->latencies_ns))};
    ASSERT(sender->fd >= 0 && sender->pieces != NULL && sender->latencies_ns != NULL);
    ASSERT(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    ASSERT(connect(sender->fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    write_all(sender->fd, greeting, sizeof(greeting) - 1);
    ASSERT(pthread_create(&sender->reader, NULL, read_acks, sender) == 0);
}

/* One write that completes `events` events, or none. */
static void send_piece(struct load_sender *sender, const char *text, size_t size, uint64_t events)
{
    size_t count = atomic_load(&sender->piece_count);

    sender->sent += events;
    if (events > 0) {
        sender->pieces[count] = (struct load_piece){sender->sent, clock_monotonic_ns()};
        atomic_store(&sender->piece_count, count + 1);
    }
    write_all(sender->fd, text, size);
}

static void sleep_until(uint64_t time_ns)
{
    struct timespec time = {(time_t)(time_ns / NS_PER_S), (long)(time_ns % NS_PER_S)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

void load_sender_send_paced(struct load_sender *sender, const struct agent_events *events,
                            size_t count, unsigned per_second)
{
    uint64_t time_ns = clock_monotonic_ns();

    for (size_t i = 0; i < count; i++) {
        struct slice line = agent_events_line(events, i % events->count);
        sleep_until(time_ns);
        send_piece(sender, (const char *)line.data, line.size + 1, 1);
        time_ns += NS_PER_S / per_second;
    }
}

void load_sender_send_fast(struct load_sender *sender, const struct agent_events *events,
                           size_t count)
{
    size_t left = count;

    while (left > 0) {
        size_t now = left < events->count ? left : events->count;
        size_t size = events->ends[now - 1];
        size_t event = 0;
        for (size_t at = 0; at < size; at += PIECE_SIZE) {
            size_t piece = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;
            size_t before = event;
            while (event < now && events->ends[event] <= at + piece)
                event++;
            send_piece(sender, events->text + at, piece, event - before);
        }
        left -= now;
    }
}

void load_sender_finish(struct load_sender *sender)
{
    ASSERT(shutdown(sender->fd, SHUT_WR) == 0);
    ASSERT(pthread_join(sender->reader, NULL) == 0);
    ASSERT(atomic_load(&sender->acked) == sender->sent);
}

void load_sender_close(struct load_sender *sender)
{
    (void)close(sender->fd);
    free(sender->pieces);
    free(sender->latencies_ns);
}
