/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c -- see loop.h.
 *
 * epoll, level-triggered, with the watch's address as its data.  The events of a turn are kept
 * in the loop, so that removing a watch can strike out those that have not been handled yet;
 * without that, a callback could be made into freed memory.
 *
 * Timers are a list sorted by deadline: there are a handful.  A heap was not worth its lines.
 *
 * Messages are two lists of the posters' own structs: `posted` under a mutex, for any thread, and
 * `deferred`, for the loop's thread alone.  The eventfd is written only when `posted` becomes
 * non-empty, so a storm of posts is one system call a turn. */
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util/clock.h"

struct message_list {
    struct loop_message *first;
    struct loop_message **last; /* where the next one is hung */
};

struct loop {
    int epoll_fd;
    int wake_fd;   /* eventfd */
    int signal_fd; /* signalfd; -1: none */
    struct loop_watch wake_watch;
    struct loop_watch signal_watch;
    void (*on_signal)(void *context, int signal);
    void *signal_context;
    struct loop_timer *timers; /* by deadline */
    struct message_list deferred;
    struct epoll_event events[LOOP_EVENTS_MAX];
    int event_count;
    int event_index; /* the next to be handled */
    bool turning;
    atomic_bool stopping;

    pthread_mutex_t lock;
    /* shared, under lock */
    struct message_list posted;
};

static void list_init(struct message_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_push(struct message_list *list, struct loop_message *message)
{
    message->next = NULL;
    message->waiting = true;
    *list->last = message;
    list->last = &message->next;
}

static struct loop_message *list_pop(struct message_list *list)
{
    struct loop_message *message = list->first;

    if (message == NULL)
        return NULL;
    list->first = message->next;
    if (list->first == NULL)
        list->last = &list->first;
    message->next = NULL;
    message->waiting = false;
    return message;
}

static void list_remove(struct message_list *list, struct loop_message *message)
{
    struct loop_message **link = &list->first;

    while (*link != NULL && *link != message)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = message->next;
    if (*link == NULL)
        list->last = link;
    message->next = NULL;
    message->waiting = false;
}

/* --- Descriptors ------------------------------------------------------------------------ */

static enum status control(struct loop *loop, int operation, struct loop_watch *watch,
                           uint32_t events, struct error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0)
        return error_set_errno(err, ST_IO, "epoll_ctl on descriptor %d", watch->fd);
    return ST_OK;
}

enum status loop_watch_add(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events,
                           struct error *err)
{
    ASSERT(fd >= 0);
    watch->fd = fd;
    enum status st = control(loop, EPOLL_CTL_ADD, watch, events, err);
    if (st != ST_OK)
        watch->fd = -1;
    return st;
}

enum status loop_watch_change(struct loop *loop, struct loop_watch *watch, uint32_t events,
                              struct error *err)
{
    ASSERT(watch->fd >= 0);
    return control(loop, EPOLL_CTL_MOD, watch, events, err);
}

void loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
    struct error ignored;

    if (watch->fd < 0)
        return;
    enum status st = control(loop, EPOLL_CTL_DEL, watch, 0, &ignored);
    ASSERT(st == ST_OK); /* else the descriptor was closed first */
    watch->fd = -1;
    for (int i = loop->event_index; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
    }
}

/* --- Timers ----------------------------------------------------------------------------- */

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->armed)
        return;
    struct loop_timer **link = &loop->timers;
    while (*link != timer) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = timer->next;
    timer->next = NULL;
    timer->armed = false;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns)
{
    loop_timer_cancel(loop, timer);
    struct loop_timer **link = &loop->timers;
    while (*link != NULL && (*link)->deadline_ns <= deadline_ns)
        link = &(*link)->next;
    timer->deadline_ns = deadline_ns;
    timer->next = *link;
    timer->armed = true;
    *link = timer;
}

/* Fires at most as many timers as were due at the start: one that sets itself into the past
 * cannot starve the rest. */
static void run_timers(struct loop *loop)
{
    if (loop->timers == NULL)
        return;
    uint64_t now_ns = clock_monotonic_ns();
    size_t due = 0;
    for (const struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next)
        due += timer->deadline_ns <= now_ns;
    for (; due > 0 && loop->timers != NULL && loop->timers->deadline_ns <= now_ns; due--) {
        struct loop_timer *timer = loop->timers;
        loop_timer_cancel(loop, timer);
        timer->on_time(timer->context);
    }
}

/* --- Messages --------------------------------------------------------------------------- */

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof(one));

    /* EAGAIN: the counter is at its end, so the loop wakes anyway. */
    ASSERT(written == (ssize_t)sizeof(one) || errno == EAGAIN || errno == EINTR);
}

void loop_post(struct loop *loop, struct loop_message *message)
{
    /* The write stays under the lock: after it, this thread does not touch the loop any more,
     * so that who has received the last message may destroy the loop. */
    (void)pthread_mutex_lock(&loop->lock); /* fails only if we hold it */
    if (!message->waiting) {
        bool was_empty = loop->posted.first == NULL;
        list_push(&loop->posted, message);
        if (was_empty)
            wake(loop);
    }
    (void)pthread_mutex_unlock(&loop->lock);
}

void loop_defer(struct loop *loop, struct loop_message *message)
{
    if (!message->waiting)
        list_push(&loop->deferred, message);
}

void loop_message_cancel(struct loop *loop, struct loop_message *message)
{
    (void)pthread_mutex_lock(&loop->lock);
    list_remove(&loop->posted, message);
    (void)pthread_mutex_unlock(&loop->lock);
    list_remove(&loop->deferred, message);
}

static struct loop_message *pop_posted(struct loop *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    struct loop_message *message = list_pop(&loop->posted);
    (void)pthread_mutex_unlock(&loop->lock);
    return message;
}

/* A message that is posted again by its own callback waits for the next turn. */
static void run_messages(struct loop *loop)
{
    size_t limit = 0;

    (void)pthread_mutex_lock(&loop->lock);
    for (struct loop_message *message = loop->posted.first; message != NULL;
         message = message->next)
        limit++;
    (void)pthread_mutex_unlock(&loop->lock);
    for (; limit > 0; limit--) {
        struct loop_message *message = pop_posted(loop);
        if (message == NULL)
            return;
        message->on_message(message->context);
    }
    /* What was posted meanwhile found the list non-empty and did not wake anybody. */
    (void)pthread_mutex_lock(&loop->lock);
    if (loop->posted.first != NULL)
        wake(loop);
    (void)pthread_mutex_unlock(&loop->lock);
}

static void run_deferred(struct loop *loop)
{
    size_t limit = 0;

    for (struct loop_message *message = loop->deferred.first; message != NULL;
         message = message->next)
        limit++;
    for (; limit > 0; limit--) {
        struct loop_message *message = list_pop(&loop->deferred);
        if (message == NULL)
            return;
        message->on_message(message->context);
    }
}

static void on_wake(void *context, uint32_t events)
{
    struct loop *loop = context;
    uint64_t count;

    (void)events;
    ssize_t got = read(loop->wake_fd, &count, sizeof(count));
    (void)got; /* EAGAIN: somebody else's spurious wake; there is nothing to learn from it */
}

/* --- Signals ---------------------------------------------------------------------------- */

static void on_signal_ready(void *context, uint32_t events)
{
    struct loop *loop = context;
    struct signalfd_siginfo info;

    (void)events;
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        loop->on_signal(loop->signal_context, (int)info.ssi_signo);
}

enum status loop_watch_signals(struct loop *loop, const sigset_t *signals,
                               void (*on_signal)(void *context, int signal), void *context,
                               struct error *err)
{
    ASSERT(loop->signal_fd < 0);
    int failure = pthread_sigmask(SIG_BLOCK, signals, NULL);
    ASSERT(failure == 0); /* the set is the caller's constant */
    int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "signalfd");
    loop->on_signal = on_signal;
    loop->signal_context = context;
    loop->signal_watch = (struct loop_watch){on_signal_ready, loop, -1};
    enum status st = loop_watch_add(loop, &loop->signal_watch, fd, EPOLLIN, err);
    if (st != ST_OK) {
        (void)close(fd); /* nothing was written to it */
        return st;
    }
    loop->signal_fd = fd;
    return ST_OK;
}

/* --- Running ---------------------------------------------------------------------------- */

static int wait_ms(const struct loop *loop, uint64_t deadline_ns)
{
    enum { LONGEST_MS = 60 * 60 * 1000 };

    if (loop->deferred.first != NULL)
        return 0;
    if (loop->timers != NULL && loop->timers->deadline_ns < deadline_ns)
        deadline_ns = loop->timers->deadline_ns;
    uint64_t now_ns = clock_monotonic_ns();
    if (deadline_ns <= now_ns)
        return 0;
    uint64_t ms = (deadline_ns - now_ns) / NS_PER_MS + 1; /* rounded up: never too early */
    return ms < LONGEST_MS ? (int)ms : LONGEST_MS;
}

enum status loop_run_once(struct loop *loop, uint64_t deadline_ns, struct error *err)
{
    ASSERT(!loop->turning);
    int count =
        epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, wait_ms(loop, deadline_ns));
    if (count < 0 && errno != EINTR)
        return error_set_errno(err, ST_IO, "epoll_wait");
    loop->turning = true;
    loop->event_count = count < 0 ? 0 : count;
    loop->event_index = 0;
    while (loop->event_index < loop->event_count) {
        const struct epoll_event *event = &loop->events[loop->event_index++];
        struct loop_watch *watch = event->data.ptr;
        if (watch != NULL)
            watch->on_ready(watch->context, event->events);
    }
    loop->event_count = 0;
    loop->event_index = 0;
    run_timers(loop);
    run_messages(loop);
    run_deferred(loop);
    loop->turning = false;
    return ST_OK;
}

enum status loop_run(struct loop *loop, struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK && !atomic_load(&loop->stopping))
        st = loop_run_once(loop, UINT64_MAX, err);
    atomic_store(&loop->stopping, false); /* it may be run again */
    return st;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

enum status loop_create(struct loop **ret, struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    enum status st;

    if (loop == NULL)
        return error_set(err, ST_NO_MEMORY, "make an event loop");
    (void)pthread_mutex_init(&loop->lock, NULL); /* cannot fail on Linux for this kind */
    list_init(&loop->posted);
    list_init(&loop->deferred);
    loop->signal_fd = -1;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->wake_fd < 0 || loop->epoll_fd < 0) {
        st = error_set_errno(err, ST_IO, "make an event loop");
        goto out;
    }
    loop->wake_watch = (struct loop_watch){on_wake, loop, -1};
    st = loop_watch_add(loop, &loop->wake_watch, loop->wake_fd, EPOLLIN, err);
out:
    if (st != ST_OK) {
        loop_destroy(loop);
        return st;
    }
    *ret = loop;
    return ST_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* nothing is ever lost in these */
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    ASSERT(!loop->turning);
    /* A poster may still be between its write and its unlock. */
    (void)pthread_mutex_lock(&loop->lock);
    (void)pthread_mutex_unlock(&loop->lock);
    close_fd(loop->signal_fd);
    close_fd(loop->wake_fd);
    close_fd(loop->epoll_fd);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop);
}
