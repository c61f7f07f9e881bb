/* SPDX-License-Identifier: Apache-2.0 */
/* loop_test.c -- descriptors, timers, messages from other threads, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/loop.h"
#include "util/clock.h"

struct fixture {
    struct loop *loop;
    struct error err;
    int count;
    int order[8];
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){0};
    *state = &fixture;
    return loop_create(&fixture.loop, &fixture.err) == ST_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    loop_destroy(fixture->loop);
    return 0;
}

/* One turn that does not wait. */
static void turn(struct fixture *fixture)
{
    assert_int_equal(loop_run_once(fixture->loop, 0, &fixture->err), ST_OK);
}

/* --- Descriptors ------------------------------------------------------------------------ */

struct pipe_watch {
    struct fixture *fixture;
    struct loop_watch watch;
    struct loop_watch *other; /* removed when this one is ready */
    int ends[2];
};

static void on_pipe_ready(void *context, uint32_t events)
{
    struct pipe_watch *self = context;

    assert_true(events & EPOLLIN);
    self->fixture->count++;
    if (self->other != NULL)
        loop_watch_remove(self->fixture->loop, self->other);
}

static void open_pipe(struct fixture *fixture, struct pipe_watch *self)
{
    *self = (struct pipe_watch){.fixture = fixture};
    self->watch = (struct loop_watch){on_pipe_ready, self, -1};
    assert_int_equal(pipe(self->ends), 0);
    assert_int_equal(
        loop_watch_add(fixture->loop, &self->watch, self->ends[0], EPOLLIN, &fixture->err), ST_OK);
    assert_int_equal(write(self->ends[1], "x", 1), 1);
}

static void close_pipe(struct pipe_watch *self)
{
    loop_watch_remove(self->fixture->loop, &self->watch);
    assert_int_equal(close(self->ends[0]), 0);
    assert_int_equal(close(self->ends[1]), 0);
}

static void test_ready_descriptor_is_called_back_until_it_is_removed(void **state)
{
    struct fixture *fixture = *state;
    struct pipe_watch pipe_watch;

    open_pipe(fixture, &pipe_watch);
    turn(fixture);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(loop_watch_change(fixture->loop, &pipe_watch.watch, 0, &fixture->err), ST_OK);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    close_pipe(&pipe_watch);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
}

/* Both are ready in the same turn; whichever is first removes the other. */
static void test_watch_removed_in_a_turn_is_not_called_in_it(void **state)
{
    struct fixture *fixture = *state;
    struct pipe_watch one;
    struct pipe_watch two;

    open_pipe(fixture, &one);
    open_pipe(fixture, &two);
    one.other = &two.watch;
    two.other = &one.watch;
    turn(fixture);
    assert_int_equal(fixture->count, 1);
    close_pipe(&one);
    close_pipe(&two);
}

static void test_adding_a_closed_descriptor_fails(void **state)
{
    struct fixture *fixture = *state;
    struct loop_watch watch = {on_pipe_ready, NULL, -1};

    assert_int_equal(loop_watch_add(fixture->loop, &watch, 1000, EPOLLIN, &fixture->err), ST_IO);
    assert_int_equal(watch.fd, -1);
}

/* --- Timers ----------------------------------------------------------------------------- */

struct numbered_timer {
    struct fixture *fixture;
    struct loop_timer timer;
    int number;
    bool again;
};

static void on_time(void *context)
{
    struct numbered_timer *self = context;

    self->fixture->order[self->fixture->count++] = self->number;
    if (self->again)
        loop_timer_set(self->fixture->loop, &self->timer, 1);
}

static void test_timers_fire_in_order_of_their_deadlines(void **state)
{
    struct fixture *fixture = *state;
    struct numbered_timer timers[4];
    const uint64_t deadlines[4] = {30, 10, UINT64_MAX, 20};

    for (int i = 0; i < 4; i++) {
        timers[i] = (struct numbered_timer){.fixture = fixture, .number = i};
        timers[i].timer = (struct loop_timer){.on_time = on_time, .context = &timers[i]};
        loop_timer_set(fixture->loop, &timers[i].timer, deadlines[i]);
    }
    loop_timer_cancel(fixture->loop, &timers[3].timer);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->order[0], 1);
    assert_int_equal(fixture->order[1], 0);
    assert_true(timers[2].timer.armed);
    loop_timer_set(fixture->loop, &timers[2].timer, 5); /* moved */
    turn(fixture);
    assert_int_equal(fixture->order[2], 2);
}

static void test_timer_that_sets_itself_into_the_past_fires_once_a_turn(void **state)
{
    struct fixture *fixture = *state;
    struct numbered_timer timer = {.fixture = fixture, .number = 7, .again = true};

    timer.timer = (struct loop_timer){.on_time = on_time, .context = &timer};
    loop_timer_set(fixture->loop, &timer.timer, 1);
    turn(fixture);
    assert_int_equal(fixture->count, 1);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    loop_timer_cancel(fixture->loop, &timer.timer);
}

/* The loop sleeps, and the timer ends that: without it the test would not end. */
static void test_loop_wakes_for_a_timer_to_come(void **state)
{
    struct fixture *fixture = *state;
    struct numbered_timer timer = {.fixture = fixture};

    timer.timer = (struct loop_timer){.on_time = on_time, .context = &timer};
    uint64_t deadline_ns = clock_monotonic_ns() + 2 * NS_PER_MS;
    loop_timer_set(fixture->loop, &timer.timer, deadline_ns);
    while (fixture->count == 0)
        assert_int_equal(loop_run_once(fixture->loop, UINT64_MAX, &fixture->err), ST_OK);
    assert_true(clock_monotonic_ns() >= deadline_ns);
}

/* --- Messages --------------------------------------------------------------------------- */

struct counting_message {
    struct fixture *fixture;
    struct loop_message message;
    struct loop_message *posts; /* posted by the callback */
    int stop_at;                /* 0: never */
};

static void on_message(void *context)
{
    struct counting_message *self = context;

    self->fixture->count++;
    if (self->posts != NULL)
        loop_post(self->fixture->loop, self->posts);
    if (self->fixture->count == self->stop_at)
        loop_stop(self->fixture->loop);
}

static void init_message(struct fixture *fixture, struct counting_message *self)
{
    *self = (struct counting_message){.fixture = fixture};
    self->message = (struct loop_message){.on_message = on_message, .context = self};
}

static void test_message_posted_twice_is_delivered_once(void **state)
{
    struct fixture *fixture = *state;
    struct counting_message message;

    init_message(fixture, &message);
    loop_post(fixture->loop, &message.message);
    loop_post(fixture->loop, &message.message);
    turn(fixture);
    turn(fixture);
    assert_int_equal(fixture->count, 1);
}

static void test_message_posted_by_its_own_callback_waits_for_the_next_turn(void **state)
{
    struct fixture *fixture = *state;
    struct counting_message message;

    init_message(fixture, &message);
    message.posts = &message.message;
    loop_post(fixture->loop, &message.message);
    turn(fixture);
    assert_int_equal(fixture->count, 1);
    /* It must also wake the loop from sleep. */
    assert_int_equal(loop_run_once(fixture->loop, UINT64_MAX, &fixture->err), ST_OK);
    assert_int_equal(fixture->count, 2);
    loop_message_cancel(fixture->loop, &message.message);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
}

static void test_deferred_message_runs_at_the_end_of_the_turn(void **state)
{
    struct fixture *fixture = *state;
    struct counting_message deferred;

    init_message(fixture, &deferred);
    loop_defer(fixture->loop, &deferred.message);
    loop_defer(fixture->loop, &deferred.message);
    assert_int_equal(loop_run_once(fixture->loop, UINT64_MAX, &fixture->err), ST_OK);
    assert_int_equal(fixture->count, 1);
}

enum { POSTS_OF_A_THREAD = 5000, POSTERS = 3 };

struct poster {
    struct fixture *fixture;
    struct counting_message *messages; /* its own */
};

static void *post_many(void *context)
{
    struct poster *poster = context;

    for (int i = 0; i < POSTS_OF_A_THREAD; i++)
        loop_post(poster->fixture->loop, &poster->messages[i].message);
    return NULL;
}

static void test_no_message_from_other_threads_is_lost(void **state)
{
    struct fixture *fixture = *state;
    static struct counting_message messages[POSTERS][POSTS_OF_A_THREAD];
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];

    for (int t = 0; t < POSTERS; t++) {
        for (int i = 0; i < POSTS_OF_A_THREAD; i++) {
            init_message(fixture, &messages[t][i]);
            messages[t][i].stop_at = POSTERS * POSTS_OF_A_THREAD;
        }
        posters[t] = (struct poster){fixture, messages[t]};
        assert_int_equal(pthread_create(&threads[t], NULL, post_many, &posters[t]), 0);
    }
    assert_int_equal(loop_run(fixture->loop, &fixture->err), ST_OK);
    assert_int_equal(fixture->count, POSTERS * POSTS_OF_A_THREAD);
    for (int t = 0; t < POSTERS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
}

/* --- Signals ---------------------------------------------------------------------------- */

static void on_signal(void *context, int signal)
{
    struct fixture *fixture = context;

    fixture->order[fixture->count++] = signal;
    loop_stop(fixture->loop);
}

static void test_signal_arrives_as_a_callback(void **state)
{
    struct fixture *fixture = *state;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    assert_int_equal(loop_watch_signals(fixture->loop, &signals, on_signal, fixture, &fixture->err),
                     ST_OK);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(loop_run(fixture->loop, &fixture->err), ST_OK);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->order[0], SIGUSR1);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_ready_descriptor_is_called_back_until_it_is_removed),
        LOOP_TEST(test_watch_removed_in_a_turn_is_not_called_in_it),
        LOOP_TEST(test_adding_a_closed_descriptor_fails),
        LOOP_TEST(test_timers_fire_in_order_of_their_deadlines),
        LOOP_TEST(test_timer_that_sets_itself_into_the_past_fires_once_a_turn),
        LOOP_TEST(test_loop_wakes_for_a_timer_to_come),
        LOOP_TEST(test_message_posted_twice_is_delivered_once),
        LOOP_TEST(test_message_posted_by_its_own_callback_waits_for_the_next_turn),
        LOOP_TEST(test_deferred_message_runs_at_the_end_of_the_turn),
        LOOP_TEST(test_no_message_from_other_threads_is_lost),
        LOOP_TEST(test_signal_arrives_as_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
