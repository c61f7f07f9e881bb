/* SPDX-License-Identifier: Apache-2.0 */
/* unix_limits_test.c -- events, connections and memory over the limits of the Unix receiver, and a
 * journal that is full or slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/unix_bench.h"

/* --- Limits ----------------------------------------------------------------------------------- */

static void test_too_large_event_is_skipped_and_its_neighbours_are_kept(void **state)
{
    (void)state;
    enum { SIZE = 17 << 20, PIECE = 1 << 20 };
    char *piece = malloc(PIECE);
    int fd = unix_bench_dial();

    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"before\"}\n{\"body\":\"");
    for (int i = 0; i < SIZE / PIECE; i++)
        unix_bench_say_bytes(fd, piece, PIECE);
    unix_bench_say(fd, "\"}\n{\"body\":\"after\"}\n");
    free(piece);
    unix_bench_hear(fd, "{\"ack\":3}\n");
    assert_non_null(strstr(unix_bench.heard, "{\"error\":{\"event\":2,\"code\":\"too_large\""));
    assert_true(test_journal_read(&unix_bench.journal) >= 2);
    assert_string_equal(test_journal_body(&unix_bench.journal, 0), "before");
    assert_string_equal(test_journal_body(&unix_bench.journal, 1), "after");
    unix_bench_hang_up(fd);
}

static void test_large_event_within_the_limit_is_kept(void **state)
{
    (void)state;
    enum { SIZE = 9 << 20 };
    char *body = malloc(SIZE);
    int fd = unix_bench_dial();

    assert_non_null(body);
    memset(body, 'x', SIZE);
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"");
    unix_bench_say_bytes(fd, body, SIZE);
    unix_bench_say(fd, "\"}\n");
    free(body);
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&unix_bench.journal), 1);
    assert_true(unix_bench.journal.batch.records[0].bytes.size > SIZE);
    unix_bench_hang_up(fd);
}

/* Its errors overflow, its events do not. */
static void test_sender_that_never_reads_is_served(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO);
    for (int i = 0; i < COUNT; i++)
        unix_bench_say(fd, "bad\n");
    unix_bench_say(fd, "{\"body\":\"kept\"}\n");
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && journal_committed(unix_bench.journal.journal) < 2;
         i++)
        unix_bench_turn();
    /* Now it reads after all: it is told how much it has missed. */
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && strstr(unix_bench.heard, "{\"ack\":20001}") == NULL;
         i++) {
        unix_bench.heard_size = unix_bench.heard_size > 60000 ? 0 : unix_bench.heard_size;
        (void)unix_bench_listen(fd);
        unix_bench_turn();
    }
    assert_non_null(strstr(unix_bench.heard, "\"code\":\"errors_lost\""));
    assert_non_null(strstr(unix_bench.heard, "{\"ack\":20001}"));
    unix_bench_hang_up(fd);
}

static void test_connections_over_the_limit_are_told_so(void **state)
{
    (void)state;
    int fds[3];

    test_journal_open(&unix_bench.journal);
    unix_bench_start(&(struct unix_receiver_settings){.connections_max = 2});
    for (int i = 0; i < 2; i++) {
        fds[i] = unix_bench_dial();
        unix_bench_say(fds[i], UNIX_BENCH_HELLO "{\"body\":\"x\"}\n");
        unix_bench_hear(fds[i], "{\"ack\":1}\n");
    }
    fds[2] = unix_bench_dial();
    unix_bench_hear(fds[2], "{\"error\":{\"code\":\"too_many_connections\"");
    unix_bench_hear_end(fds[2]);
    unix_bench_hang_up(fds[2]);
    unix_bench_hang_up(fds[0]);
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && unix_receiver_connections(unix_bench.receiver) > 1;
         i++)
        unix_bench_turn();
    fds[2] = unix_bench_dial();
    unix_bench_say(fds[2], UNIX_BENCH_HELLO "{\"body\":\"x\"}\n");
    unix_bench_hear(fds[2], "{\"ack\":1}\n");
    unix_bench_hang_up(fds[1]);
    unix_bench_hang_up(fds[2]);
}

static void test_connections_of_one_user_are_limited(void **state)
{
    (void)state;

    test_journal_open(&unix_bench.journal);
    unix_bench_start(&(struct unix_receiver_settings){.connections_per_uid_max = 1});
    int first = unix_bench_dial();
    unix_bench_turn();
    int second = unix_bench_dial();
    unix_bench_hear(second,
                    "{\"error\":{\"code\":\"too_many_connections\",\"message\":\"this user");
    unix_bench_hear_end(second);
    unix_bench_hang_up(first);
    unix_bench_hang_up(second);
}

/* Unfinished events want more than there is: some are given up, so that another can pass. */
static void test_short_memory_costs_the_largest_unfinished_event(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20, UNFINISHED = 3 };
    int fds[UNFINISHED];
    char *piece = malloc(PIECE);

    test_journal_open(&unix_bench.journal);
    admission_init(&unix_bench.admission, (size_t)2 << 20);
    unix_bench_start(&(struct unix_receiver_settings){.stall_ns = 1});
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    for (int i = 0; i < UNFINISHED; i++) {
        fds[i] = unix_bench_dial();
        unix_bench_say(fds[i], UNIX_BENCH_HELLO "{\"body\":\"");
        unix_bench_say_bytes(fds[i], piece, PIECE / 2);
        for (int j = 0; j < 20; j++)
            unix_bench_turn();
    }
    assert_true(admission_used(&unix_bench.admission) >= (size_t)2 << 20);
    for (int i = 0; i < UNFINISHED; i++)
        unix_bench_say_bytes(fds[i], piece, PIECE);
    int refused = 0;
    for (int i = 0; i < UNFINISHED; i++) {
        unix_bench.heard_size = 0;
        unix_bench.heard[0] = 0;
        unix_bench_say(fds[i], "\"}\n");
        unix_bench_hear(fds[i], "{\"ack\":1}\n");
        refused += strstr(unix_bench.heard, "\"code\":\"overloaded\"") != NULL;
        unix_bench_hang_up(fds[i]);
    }
    assert_in_range(refused, 1, UNFINISHED - 1);
    free(piece);
}

/* --- The journal ------------------------------------------------------------------------------ */

static void test_full_journal_refuses_each_event(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    int fd;

    test_journal_open_with(&unix_bench.journal, 1 << 20, 64 << 20);
    unix_bench_start(&(struct unix_receiver_settings){0});
    fd = unix_bench_dial();
    unix_bench_say(fd, UNIX_BENCH_HELLO);
    char line[1024];
    memset(line, 'x', sizeof(line));
    memcpy(line, "{\"body\":\"", 9);
    memcpy(line + sizeof(line) - 4, "\"}\n", 4);
    for (int i = 0; i < COUNT; i++) {
        unix_bench_say(fd, line);
        (void)unix_bench_listen(fd);
        unix_bench.heard_size = unix_bench.heard_size > 60000 ? 0 : unix_bench.heard_size;
    }
    unix_bench_hear(fd, "\"code\":\"journal_full\"");
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && strstr(unix_bench.heard, "{\"ack\":3000}") == NULL;
         i++) {
        unix_bench.heard_size = unix_bench.heard_size > 60000 ? 0 : unix_bench.heard_size;
        unix_bench_turn();
        (void)unix_bench_listen(fd);
    }
    assert_non_null(strstr(unix_bench.heard, "{\"ack\":3000}"));
    unix_bench_hang_up(fd);
}

/* The queue of the journal has room for one event or two: reading stops, and goes on. */
static void test_slow_journal_stops_reading_and_loses_nothing(void **state)
{
    (void)state;
    enum { COUNT = 20000 };

    test_journal_open_with(&unix_bench.journal, UINT64_C(1) << 30, 64 << 10);
    unix_bench_start(&(struct unix_receiver_settings){.batch_size_target = 16 << 10});
    int fd = unix_bench_dial();
    unix_bench_say(fd, UNIX_BENCH_HELLO);
    test_journal_hold_syncs();
    char line[64];
    int sent = 0;
    /* Until the socket is full: nobody reads it any more. */
    for (;; sent++) {
        int size = snprintf(line, sizeof(line), "{\"body\":\"%d\"}\n", sent);
        if (send(fd, line, (size_t)size, MSG_NOSIGNAL) < 0) {
            for (int i = 0; i < 50; i++)
                unix_bench_turn();
            if (send(fd, line, (size_t)size, MSG_NOSIGNAL) < 0)
                break;
        }
        assert_true(sent < 1000000);
    }
    assert_true(sent > 0);
    test_journal_release_syncs();
    for (int i = 0; i < COUNT; i++, sent++) {
        snprintf(line, sizeof(line), "{\"body\":\"%d\"}\n", sent);
        unix_bench_say(fd, line);
        if (i % 1000 == 0)
            (void)unix_bench_listen(fd);
    }
    char last[48];
    snprintf(last, sizeof(last), "{\"ack\":%d}\n", sent);
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && strstr(unix_bench.heard, last) == NULL; i++) {
        unix_bench.heard_size = unix_bench.heard_size > 60000 ? 0 : unix_bench.heard_size;
        unix_bench_turn();
        (void)unix_bench_listen(fd);
    }
    assert_non_null(strstr(unix_bench.heard, last));
    assert_int_equal(test_journal_read(&unix_bench.journal), sent);
    for (int i = 0; i < sent; i += 997) {
        snprintf(line, sizeof(line), "%d", i);
        assert_string_equal(test_journal_body(&unix_bench.journal, (size_t)i), line);
    }
    unix_bench_hang_up(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_BENCH_TEST(test_too_large_event_is_skipped_and_its_neighbours_are_kept),
        UNIX_BENCH_TEST(test_large_event_within_the_limit_is_kept),
        UNIX_BENCH_TEST(test_sender_that_never_reads_is_served),
        UNIX_BENCH_TEST_BARE(test_connections_over_the_limit_are_told_so),
        UNIX_BENCH_TEST_BARE(test_connections_of_one_user_are_limited),
        UNIX_BENCH_TEST_BARE(test_short_memory_costs_the_largest_unfinished_event),
        UNIX_BENCH_TEST_BARE(test_full_journal_refuses_each_event),
        UNIX_BENCH_TEST_BARE(test_slow_journal_stops_reading_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
