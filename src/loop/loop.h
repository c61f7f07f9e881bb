/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h -- one thread that waits for many things: descriptors, timers, signals and messages
 * from other threads.
 *
 * Everything that the loop calls back is a struct inside its owner's own (a watch, a timer, a
 * message), so registering never allocates, and what can wait at one time is bounded by what
 * its owners have.  A turn does a bounded amount of work: LOOP_EVENTS_MAX descriptors, then
 * the timers that are due, then the messages, then what was deferred to the end of the turn.
 *
 * Threads: loop_post() and loop_stop() may be called by any thread.  All other functions belong
 * to the thread that runs the loop, or to its maker before it runs.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "telltale/error.h"

enum { LOOP_EVENTS_MAX = 64 };

struct loop;

MUST_CHECK enum status loop_create(struct loop **ret, struct error *err);

/* Nothing may be registered any more, and no thread may post.  NULL is allowed. */
void loop_destroy(struct loop *loop);

/* --- Descriptors ------------------------------------------------------------------------ */

struct loop_watch {
    /* `events` as in epoll_wait(2), level-triggered.  May remove any watch, this one too. */
    void (*on_ready)(void *context, uint32_t events);
    void *context;
    int fd; /* borrowed; -1 while not registered */
};

/* `watch` is borrowed until loop_watch_remove().  `events` as in epoll_ctl(2). */
MUST_CHECK enum status loop_watch_add(struct loop *loop, struct loop_watch *watch, int fd,
                                      uint32_t events, struct error *err);
MUST_CHECK enum status loop_watch_change(struct loop *loop, struct loop_watch *watch,
                                         uint32_t events, struct error *err);

/* Not called back any more, in this turn neither.  A watch that is not registered is allowed.
 * Comes before the close(2) of its descriptor. */
void loop_watch_remove(struct loop *loop, struct loop_watch *watch);

/* --- Timers ----------------------------------------------------------------------------- */

struct loop_timer {
    void (*on_time)(void *context);
    void *context;
    uint64_t deadline_ns; /* monotonic */
    struct loop_timer *next;
    bool armed;
};

/* Fires once, at or after `deadline_ns` (monotonic).  Setting an armed timer moves it.  Costs
 * time proportional to the number of armed timers: one per module, not one per connection. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* --- Messages --------------------------------------------------------------------------- */

struct loop_message {
    void (*on_message)(void *context);
    void *context;
    struct loop_message *next;
    bool waiting;
};

/* Any thread: makes the loop call `on_message` soon, in order of posting.  The message is
 * borrowed until that call begins.  Posting one that waits already changes nothing, so the
 * mailbox holds at most the messages that exist, and posting cannot fail. */
void loop_post(struct loop *loop, struct loop_message *message);

/* The same from the loop's own thread, for the end of the present turn.  No system call.  A
 * message is either always posted or always deferred. */
void loop_defer(struct loop *loop, struct loop_message *message);

/* Forgets a message that waits.  Its poster must not post it again meanwhile. */
void loop_message_cancel(struct loop *loop, struct loop_message *message);

/* --- Signals ---------------------------------------------------------------------------- */

/* Blocks `signals` in the calling thread and gives them to `on_signal` from now on.  Call it
 * once, before other threads are made, so that they block them too. */
MUST_CHECK enum status loop_watch_signals(struct loop *loop, const sigset_t *signals,
                                          void (*on_signal)(void *context, int signal),
                                          void *context, struct error *err);

/* --- Running ---------------------------------------------------------------------------- */

/* Turns until loop_stop().  ST_IO: the kernel refused. */
MUST_CHECK enum status loop_run(struct loop *loop, struct error *err);

/* One turn: waits for something to do, until `deadline_ns` (monotonic) at most.  Not from
 * within a callback. */
MUST_CHECK enum status loop_run_once(struct loop *loop, uint64_t deadline_ns, struct error *err);

/* Any thread, or a signal handler of the loop: loop_run() returns after the present turn. */
void loop_stop(struct loop *loop);
