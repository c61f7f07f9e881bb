/* SPDX-License-Identifier: Apache-2.0 */
/* unix_bench.h -- a receiver of the Unix protocol in front of a real journal, and clients of it
 * within the test's thread: whatever waits turns the receiver's loop.  Failures fail the test.
 *
 * Threads: the test's.
 */
#pragma once

#include "net/listener.h"
#include "receivers/unix_receiver.h"
#include "support/test_journal.h"

#define UNIX_BENCH_HELLO "{\"telltale\":1,\"ack\":true}\n"

enum { UNIX_BENCH_TURNS_MAX = 5000 };

struct unix_bench {
    struct test_journal journal;
    struct temp_dir dir;
    struct loop *loop;
    struct listener listener;
    struct admission admission;
    struct unix_receiver *receiver;
    struct error err;
    char heard[65536]; /* what the client of the present test was told */
    size_t heard_size;
};

extern struct unix_bench unix_bench;

/* For cmocka.  After the bare one the test opens the journal and starts the receiver. */
int unix_bench_setup(void **state);
int unix_bench_setup_bare(void **state);
int unix_bench_teardown(void **state);

#define UNIX_BENCH_TEST(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, unix_bench_setup, unix_bench_teardown)
#define UNIX_BENCH_TEST_BARE(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, unix_bench_setup_bare, unix_bench_teardown)

/* What `changes` leaves 0 is as the tests want it. */
void unix_bench_start(const struct unix_receiver_settings *changes);

/* One turn of the loop. */
void unix_bench_turn(void);

/* A connection, of which nothing was heard yet. */
int unix_bench_dial(void);
void unix_bench_hang_up(int fd);

/* Sends all, turning the loop while the socket is full. */
void unix_bench_say_bytes(int fd, const char *data, size_t size);
void unix_bench_say(int fd, const char *text);

/* Takes what was answered so far; false at the end of the stream. */
bool unix_bench_listen(int fd);
/* Turns until `text` was heard; until the connection is closed. */
void unix_bench_hear(int fd, const char *text);
void unix_bench_hear_end(int fd);

/* Turns until so many records are durable. */
void unix_bench_expect_records(uint64_t count);
