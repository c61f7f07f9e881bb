/* SPDX-License-Identifier: Apache-2.0 */
/* paced_load.c -- see paced_load.h.
 *
 * Unix: the sender notes of each write which event it ends with and when it was due, then writes.
 * Acks are cumulative and in order, so the reader has only to go along that list.
 *
 * HTTP: connection c has the requests c, c + n, c + 2n...  One that is still waiting for its answer
 * when the next is due sends that one late. */
#include "support/paced_load.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "telltale/base.h"
#include "util/clock.h"

enum { ANSWER_SIZE = 16384, LEAD_MS = 20, CONNECT_TRIES = 5000 };

/* --- Sockets and time ---------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    /* The daemon opens one socket after the other, and may be at this one just now. */
    for (int tries = 0; connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0;
         tries++) {
        ASSERT(tries < CONNECT_TRIES);
        (void)usleep(1000);
    }
    return fd;
}

static void write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = send(fd, at, size, MSG_NOSIGNAL);
        ASSERT(written > 0 || errno == EINTR);
        if (written < 0)
            continue;
        at += written;
        size -= (size_t)written;
    }
}

/* Waits for `due_ns`, and notes by how much it was missed. */
static void wait_until_due(uint64_t due_ns, struct latency_histogram *late)
{
    struct timespec due = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};

    while (clock_monotonic_ns() < due_ns)
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    latency_histogram_add(late, clock_monotonic_ns() - due_ns, 1);
}

/* The kernel may let a thread oversleep by 50 us otherwise. */
static void sleep_exactly(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
}

/* --- The Unix protocol --------------------------------------------------------------------- */

struct piece {
    uint64_t last_event;
    uint64_t due_ns;
};

struct line_sender {
    int fd;
    uint64_t sent; /* events */
    struct piece *pieces;
    /* the sender adds a piece, then raises piece_count */
    _Atomic size_t piece_count;
    /* reader */
    size_t next_piece;
    uint64_t acked;
    char answers[ANSWER_SIZE];
    size_t answer_size;
};

struct line_load {
    const struct paced_load *load;
    struct line_sender senders[PACED_CONNECTIONS_MAX];
    struct paced_result *result;
};

static void note_acked(struct line_load *lines, struct line_sender *sender, uint64_t acked)
{
    uint64_t now_ns = clock_monotonic_ns();
    size_t count = atomic_load(&sender->piece_count);

    for (; sender->next_piece < count; sender->next_piece++) {
        const struct piece *piece = &sender->pieces[sender->next_piece];
        if (piece->last_event > acked)
            break;
        latency_histogram_add(&lines->result->acks, now_ns - piece->due_ns,
                              lines->load->events_per_write);
    }
    sender->acked = acked;
}

static void read_answer(struct line_load *lines, struct line_sender *sender, const char *line)
{
    unsigned long long acked;

    if (sscanf(line, "{\"ack\":%llu}", &acked) == 1)
        note_acked(lines, sender, acked);
    else
        lines->result->refused++;
}

/* False: that was all. */
static bool read_answers(struct line_load *lines, struct line_sender *sender)
{
    ssize_t got = recv(sender->fd, sender->answers + sender->answer_size,
                       ANSWER_SIZE - 1 - sender->answer_size, 0);
    if (got <= 0)
        return false;
    sender->answer_size += (size_t)got;
    sender->answers[sender->answer_size] = '\0';
    char *start = sender->answers;
    for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
        *end = '\0';
        read_answer(lines, sender, start);
    }
    sender->answer_size = (size_t)(sender->answers + sender->answer_size - start);
    memmove(sender->answers, start, sender->answer_size);
    return true;
}

static void *run_reader(void *context)
{
    struct line_load *lines = context;
    unsigned int open = lines->load->connections;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    ASSERT(epoll_fd >= 0);
    for (unsigned int i = 0; i < open; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &lines->senders[i]};
        ASSERT(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, lines->senders[i].fd, &event) == 0);
    }
    while (open > 0) {
        struct epoll_event events[PACED_CONNECTIONS_MAX];
        int count = epoll_wait(epoll_fd, events, PACED_CONNECTIONS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct line_sender *sender = events[i].data.ptr;
            if (read_answers(lines, sender))
                continue;
            (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, sender->fd, NULL);
            open--;
        }
    }
    (void)close(epoll_fd);
    return NULL;
}

static void open_senders(struct line_load *lines)
{
    static const char greeting[] = "{\"telltale\":1,\"ack\":true}\n";
    const struct paced_load *load = lines->load;
    size_t pieces = (size_t)(load->writes / load->connections + 1);

    ASSERT(load->connections > 0 && load->connections <= PACED_CONNECTIONS_MAX);
    for (unsigned int i = 0; i < load->connections; i++) {
        struct line_sender *sender = &lines->senders[i];
        sender->fd = connect_to(load->socket_path);
        sender->pieces = malloc(pieces * sizeof(*sender->pieces));
        ASSERT(sender->pieces != NULL);
        memset(sender->pieces, 0, pieces * sizeof(*sender->pieces)); /* its pages are there now */
        write_all(sender->fd, greeting, sizeof(greeting) - 1);
    }
}

static void send_lines(struct line_load *lines, const struct agent_events *events)
{
    const struct paced_load *load = lines->load;
    uint64_t due_ns = clock_monotonic_ns() + LEAD_MS * NS_PER_MS;
    size_t first = 0;

    ASSERT(load->events_per_write <= events->count);
    for (uint64_t i = 0; i < load->writes; i++, due_ns += load->interval_ns) {
        struct line_sender *sender = &lines->senders[i % load->connections];
        size_t count = atomic_load(&sender->piece_count);
        if (first + load->events_per_write > events->count)
            first = 0;
        size_t start = first == 0 ? 0 : events->ends[first - 1];
        first += load->events_per_write;
        wait_until_due(due_ns, &lines->result->late);
        sender->sent += load->events_per_write;
        sender->pieces[count] = (struct piece){sender->sent, due_ns};
        atomic_store(&sender->piece_count, count + 1);
        write_all(sender->fd, events->text + start, events->ends[first - 1] - start);
    }
}

void paced_load_unix(const struct paced_load *load, const struct agent_events *events,
                     struct paced_result *ret)
{
    struct line_load *lines = calloc(1, sizeof(*lines));
    pthread_t reader;

    ASSERT(lines != NULL);
    *ret = (struct paced_result){.refused = 0};
    lines->load = load;
    lines->result = ret;
    sleep_exactly();
    open_senders(lines);
    ASSERT(pthread_create(&reader, NULL, run_reader, lines) == 0);
    send_lines(lines, events);
    for (unsigned int i = 0; i < load->connections; i++)
        ASSERT(shutdown(lines->senders[i].fd, SHUT_WR) == 0);
    ASSERT(pthread_join(reader, NULL) == 0);
    for (unsigned int i = 0; i < load->connections; i++) {
        ASSERT(lines->senders[i].acked == lines->senders[i].sent);
        (void)close(lines->senders[i].fd);
        free(lines->senders[i].pieces);
    }
    free(lines);
}

/* --- HTTP ---------------------------------------------------------------------------------- */

struct request_sender {
    const struct paced_load *load;
    struct slice request; /* with its header */
    unsigned int index;
    uint64_t start_ns;
    pthread_t thread;
    struct paced_result result;
};

/* Reads one answer; its status. */
static int read_response(int fd)
{
    char answer[ANSWER_SIZE];
    size_t size = 0;
    size_t wanted = 0;
    int status = 0;

    do {
        ASSERT(size < sizeof(answer) - 1);
        ssize_t got = recv(fd, answer + size, sizeof(answer) - 1 - size, 0);
        ASSERT(got > 0);
        size += (size_t)got;
        answer[size] = '\0';
        char *body = strstr(answer, "\r\n\r\n");
        if (body == NULL)
            continue;
        char *length = strcasestr(answer, "\r\nContent-Length:");
        ASSERT(length != NULL && length < body);
        wanted = (size_t)(body + 4 - answer) + strtoul(length + 17, NULL, 10);
        ASSERT(sscanf(answer, "HTTP/1.1 %d", &status) == 1);
    } while (wanted == 0 || size < wanted);
    ASSERT(size == wanted);
    return status;
}

static void *run_requests(void *context)
{
    struct request_sender *sender = context;
    const struct paced_load *load = sender->load;
    int fd = connect_to(load->socket_path);

    sleep_exactly();
    for (uint64_t i = sender->index; i < load->writes; i += load->connections) {
        uint64_t due_ns = sender->start_ns + i * load->interval_ns;
        wait_until_due(due_ns, &sender->result.late);
        write_all(fd, sender->request.data, sender->request.size);
        if (read_response(fd) != 200)
            sender->result.refused++;
        latency_histogram_add(&sender->result.acks, clock_monotonic_ns() - due_ns,
                              load->events_per_write);
    }
    (void)close(fd);
    return NULL;
}

static struct slice with_header(struct slice request)
{
    static const char format[] = "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\n"
                                 "Content-Type: application/x-protobuf\r\n"
                                 "Content-Length: %zu\r\n\r\n";
    char *text = malloc(sizeof(format) + 20 + request.size);

    ASSERT(text != NULL);
    size_t size = (size_t)sprintf(text, format, request.size);
    memcpy(text + size, request.data, request.size);
    return slice_of(text, size + request.size);
}

void paced_load_http(const struct paced_load *load, struct slice request, struct paced_result *ret)
{
    struct request_sender *senders = calloc(load->connections, sizeof(*senders));
    struct slice whole = with_header(request);
    uint64_t start_ns = clock_monotonic_ns() + LEAD_MS * NS_PER_MS;

    ASSERT(senders != NULL);
    *ret = (struct paced_result){.refused = 0};
    for (unsigned int i = 0; i < load->connections; i++) {
        senders[i] = (struct request_sender){
            .load = load, .request = whole, .index = i, .start_ns = start_ns};
        ASSERT(pthread_create(&senders[i].thread, NULL, run_requests, &senders[i]) == 0);
    }
    for (unsigned int i = 0; i < load->connections; i++) {
        ASSERT(pthread_join(senders[i].thread, NULL) == 0);
        latency_histogram_merge(&ret->acks, &senders[i].result.acks);
        latency_histogram_merge(&ret->late, &senders[i].result.late);
        ret->refused += senders[i].result.refused;
    }
    free((void *)whole.data);
    free(senders);
}
