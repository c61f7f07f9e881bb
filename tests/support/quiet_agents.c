/* SPDX-License-Identifier: Apache-2.0 */
/* quiet_agents.c -- see quiet_agents.h.  An event has its latency when the ack that covers it
 * was read; its clock starts when it was due, or, if that thread came late, when it was written. */
#include "support/quiet_agents.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/unix_sender.h"
#include "telltale/base.h"
#include "util/clock.h"

enum { PENDING_MAX = 8192, LINE_MAX_SIZE = 512, FINISH_TIMEOUT_S = 120 };

struct quiet_agent {
    int fd;
    uint64_t sent;
    struct ack_lines answers;
    uint64_t starts_ns[PENDING_MAX]; /* of event n at n % PENDING_MAX */
    uint64_t next_ns;
    bool ended;
};

struct latency_list {
    uint64_t *ns; /* owned */
    size_t count, capacity;
};

struct quiet_agents {
    struct quiet_agent *agents; /* owned */
    unsigned int count, open;
    uint64_t interval_ns;
    int epoll_fd;
    pthread_t thread;
    struct latency_list lists[QUIET_PHASES];
    /* shared, atomic */
    _Atomic unsigned int phase;
    atomic_bool stopping;
};

static void note(struct latency_list *list, uint64_t ns)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 4096;
        list->ns = realloc(list->ns, list->capacity * sizeof(*list->ns));
        ASSERT(list->ns != NULL);
    }
    list->ns[list->count++] = ns;
}

static void send_event(struct quiet_agents *agents, unsigned int index)
{
    struct quiet_agent *agent = &agents->agents[index];
    char line[LINE_MAX_SIZE];
    char mark[MARK_SIZE + 1] = "";

    if (agent->sent - agent->answers.handled >= PENDING_MAX)
        return; /* it waits for a whole minute: its latencies say so */
    mark_write(mark, index, agent->sent + 1);
    int size = snprintf(line, sizeof(line),
                        "{\"kind\":\"agent.approval\",\"session\":\"quiet-%u\",\"attributes\":{"
                        "\"event.id\":\"%s\",\"gen_ai.tool.name\":\"Bash\",\"agent.decision."
                        "outcome\":\"allow\",\"agent.decision.source\":\"user\"}}\n",
                        index, mark);
    agent->starts_ns[(agent->sent + 1) % PENDING_MAX] = clock_monotonic_ns();
    ssize_t sent = send(agent->fd, line, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return; /* its socket is full: the next time */
    ASSERT(sent == size);
    agent->sent++;
}

static void send_due(struct quiet_agents *agents, uint64_t now_ns)
{
    for (unsigned int i = 0; i < agents->count; i++) {
        struct quiet_agent *agent = &agents->agents[i];
        if (agent->ended || agent->next_ns > now_ns)
            continue;
        send_event(agents, i);
        agent->next_ns += agents->interval_ns;
        if (agent->next_ns < now_ns)
            agent->next_ns = now_ns + agents->interval_ns;
    }
}

static void read_answers(struct quiet_agents *agents, struct quiet_agent *agent)
{
    struct latency_list *list = &agents->lists[atomic_load(&agents->phase)];
    uint64_t before = agent->answers.handled;

    ptrdiff_t got = ack_lines_read(&agent->answers, agent->fd, MSG_DONTWAIT);
    uint64_t now_ns = clock_monotonic_ns();
    for (uint64_t event = before + 1; event <= agent->answers.handled; event++)
        note(list, now_ns - agent->starts_ns[event % PENDING_MAX]);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    agent->ended = true;
    agents->open--;
    (void)epoll_ctl(agents->epoll_fd, EPOLL_CTL_DEL, agent->fd, NULL); /* it was added */
}

static void read_ready(struct quiet_agents *agents, int wait_ms)
{
    struct epoll_event events[64];

    int count = epoll_wait(agents->epoll_fd, events, COUNT_OF(events), wait_ms);
    for (int i = 0; i < count; i++)
        read_answers(agents, events[i].data.ptr);
}

static uint64_t next_due(const struct quiet_agents *agents)
{
    uint64_t next_ns = UINT64_MAX;

    for (unsigned int i = 0; i < agents->count; i++) {
        if (!agents->agents[i].ended && agents->agents[i].next_ns < next_ns)
            next_ns = agents->agents[i].next_ns;
    }
    return next_ns;
}

static void prefer_this_thread(void)
{
    const struct sched_param first = {.sched_priority = 1};

    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) != 0)
        (void)setpriority(PRIO_PROCESS, 0, -10); /* then as it is */
}

static void *run(void *context)
{
    struct quiet_agents *agents = context;

    prefer_this_thread();
    while (!agents->stopping) {
        uint64_t now_ns = clock_monotonic_ns();
        send_due(agents, now_ns);
        uint64_t next_ns = next_due(agents);
        ASSERT(agents->open == agents->count); /* nobody may be thrown out */
        read_ready(agents, next_ns > now_ns ? (int)((next_ns - now_ns) / NS_PER_MS) + 1 : 0);
    }
    for (unsigned int i = 0; i < agents->count; i++)
        (void)shutdown(agents->agents[i].fd, SHUT_WR); /* the reading shows if it is gone */
    uint64_t deadline_ns = clock_monotonic_ns() + FINISH_TIMEOUT_S * NS_PER_S;
    while (agents->open > 0) {
        ASSERT(clock_monotonic_ns() < deadline_ns);
        read_ready(agents, 100);
    }
    return NULL;
}

struct quiet_agents *quiet_agents_start(const char *socket_path, unsigned int count,
                                        double per_second)
{
    struct quiet_agents *agents = calloc(1, sizeof(*agents));

    ASSERT(agents != NULL && per_second > 0);
    agents->agents = calloc(count, sizeof(*agents->agents));
    agents->count = agents->open = count;
    agents->interval_ns = (uint64_t)((double)NS_PER_S / per_second);
    agents->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ASSERT(agents->agents != NULL && agents->epoll_fd >= 0);
    uint64_t start_ns = clock_monotonic_ns();
    for (unsigned int i = 0; i < count; i++) {
        struct quiet_agent *agent = &agents->agents[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = agent};
        agent->fd = unix_sender_connect(socket_path, UNIX_SENDER_ANY_UID);
        agent->next_ns = start_ns + agents->interval_ns * i / count;
        ASSERT(epoll_ctl(agents->epoll_fd, EPOLL_CTL_ADD, agent->fd, &event) == 0);
    }
    ASSERT(pthread_create(&agents->thread, NULL, run, agents) == 0);
    return agents;
}

void quiet_agents_enter_phase(struct quiet_agents *agents, unsigned int phase)
{
    ASSERT(phase < QUIET_PHASES);
    atomic_store(&agents->phase, phase);
}

void quiet_agents_finish(struct quiet_agents *agents)
{
    agents->stopping = true;
    ASSERT(pthread_join(agents->thread, NULL) == 0);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

struct quiet_latencies quiet_agents_latencies(struct quiet_agents *agents, unsigned int phase)
{
    struct latency_list *list = &agents->lists[phase];

    if (list->count == 0)
        return (struct quiet_latencies){0};
    qsort(list->ns, list->count, sizeof(*list->ns), compare);
    return (struct quiet_latencies){
        .count = list->count,
        .p50_ms = (double)list->ns[list->count / 2] / NS_PER_MS,
        .p90_ms = (double)list->ns[list->count * 90 / 100] / NS_PER_MS,
        .p99_ms = (double)list->ns[list->count * 99 / 100] / NS_PER_MS,
        .max_ms = (double)list->ns[list->count - 1] / NS_PER_MS,
    };
}

uint64_t quiet_agents_sent(const struct quiet_agents *agents, unsigned int sender)
{
    return agents->agents[sender].sent;
}

const struct ack_lines *quiet_agents_answers(const struct quiet_agents *agents, unsigned int sender)
{
    return &agents->agents[sender].answers;
}

void quiet_agents_free(struct quiet_agents *agents)
{
    for (unsigned int i = 0; i < agents->count; i++) {
        (void)close(agents->agents[i].fd);
        ack_lines_fini(&agents->agents[i].answers);
    }
    for (unsigned int i = 0; i < QUIET_PHASES; i++)
        free(agents->lists[i].ns);
    (void)close(agents->epoll_fd);
    free(agents->agents);
    free(agents);
}
