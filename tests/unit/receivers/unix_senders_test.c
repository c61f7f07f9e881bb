/* SPDX-License-Identifier: Apache-2.0 */
/* unix_senders_test.c -- senders of the Unix receiver that come and go as they like, and many at
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "support/unix_bench.h"
#include "telltale/client.h"

/* --- Senders without manners ------------------------------------------------------------------ */

enum { RESTLESS = 24, ACTIONS = 20000 };

/* Sends what the socket takes. */
static void mumble(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* One of them does one thing. */
static void act(int *fd, unsigned int choice)
{
    static const char *const words[] = {
        UNIX_BENCH_HELLO,
        "{\"body\":\"x\"}\n",
        "{\"body\":\"x\"}\nbad\n{\"body\":\"y\",\"resource\":{\"service.name\":\"z\"}}\n",
        "{\"body\":\"begins",
        "\"}\n",
        "\n\n\r\n",
        "{\"telltale\":9}\n",
        "bad\nbad\nbad\nbad\n",
    };
    char ignored[256];

    if (*fd < 0) {
        *fd = unix_bench_dial();
        return;
    }
    switch (choice % 12) {
    case 0:
        unix_bench_hang_up(*fd);
        *fd = -1;
        break;
    case 1:
        (void)shutdown(*fd, SHUT_WR); /* it may be closed from the other end */
        break;
    case 2:
        (void)recv(*fd, ignored, sizeof(ignored), 0);
        break;
    case 3:
        (void)shutdown(*fd, SHUT_RD);
        break;
    default:
        mumble(*fd, words[(choice / 12) % COUNT_OF(words)]);
        break;
    }
}

static void test_senders_that_come_and_go_leave_nothing_behind(void **state)
{
    (void)state;
    int fds[RESTLESS];
    uint64_t random = 88172645463325252U; /* xorshift */

    test_journal_open_with(&unix_bench.journal, UINT64_C(1) << 30, 16 << 10);
    unix_bench_start(
        &(struct unix_receiver_settings){.batch_size_target = 4 << 10, .connections_max = 20});
    for (int i = 0; i < RESTLESS; i++)
        fds[i] = -1;
    for (int i = 0; i < ACTIONS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (random % 64 == 0)
            test_journal_hold_syncs();
        else if (random % 64 < 8)
            test_journal_release_syncs();
        act(&fds[(random >> 8) % RESTLESS], (unsigned int)(random >> 20));
        if (random % 4 == 0)
            assert_int_equal(loop_run_once(unix_bench.loop, 0, &unix_bench.err), ST_OK);
    }
    test_journal_release_syncs();
    for (int i = 0; i < RESTLESS; i++) {
        if (fds[i] >= 0)
            unix_bench_hang_up(fds[i]);
    }
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && unix_receiver_connections(unix_bench.receiver) > 0;
         i++)
        unix_bench_turn();
    assert_int_equal(unix_receiver_connections(unix_bench.receiver), 0);
    int fd = unix_bench_dial(); /* and it still serves */
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"x\"}\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    unix_bench_hang_up(fd);
}

/* --- Many senders at once --------------------------------------------------------------------- */

enum { SENDERS = 4, EVENTS_OF_A_SENDER = 2000 };

static void *run_loop(void *context)
{
    struct error err;

    (void)context;
    return (void *)(uintptr_t)(loop_run(unix_bench.loop, &err) == ST_OK);
}

/* Gives the number of events that were acknowledged. */
static void *send_events(void *context)
{
    struct telltale_client *client;
    struct error err;
    char event[64];
    uint64_t acked = 0;

    if (telltale_client_open(unix_bench.listener.path, UINT64_MAX, &client, &err) != ST_OK)
        return NULL;
    enum status st = ST_OK;
    for (int i = 0; i < EVENTS_OF_A_SENDER && st == ST_OK; i++) {
        int size = snprintf(event, sizeof(event), "{\"body\":\"%s %d\"}", (char *)context, i);
        st = telltale_client_send(client, event, (size_t)size, UINT64_MAX, &err);
        if (st == ST_OK && i % 100 == 0)
            st = telltale_client_wait(client, UINT64_MAX, &err);
    }
    if (st == ST_OK && telltale_client_wait(client, UINT64_MAX, &err) == ST_OK)
        acked = telltale_client_acked(client);
    telltale_client_close(client);
    return (void *)(uintptr_t)acked;
}

static void assert_in_order(size_t count)
{
    int next[SENDERS] = {0};

    for (size_t i = 0; i < count; i++) {
        char sender[2];
        int number;
        assert_int_equal(
            sscanf(test_journal_body(&unix_bench.journal, i), "%1s %d", sender, &number), 2);
        assert_int_equal(number, next[sender[0] - 'a']++);
    }
}

static void test_events_of_many_clients_are_kept_each_in_its_order(void **state)
{
    (void)state;
    static char names[SENDERS][2] = {"a", "b", "c", "d"};
    pthread_t loop_thread;
    pthread_t threads[SENDERS];
    void *result;

    assert_int_equal(pthread_create(&loop_thread, NULL, run_loop, NULL), 0);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_events, names[i]), 0);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((uintptr_t)result, EVENTS_OF_A_SENDER);
    }
    loop_stop(unix_bench.loop);
    assert_int_equal(pthread_join(loop_thread, &result), 0);
    assert_true((bool)result);
    assert_int_equal(test_journal_read(&unix_bench.journal), SENDERS * EVENTS_OF_A_SENDER);
    assert_in_order(SENDERS * EVENTS_OF_A_SENDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_BENCH_TEST_BARE(test_senders_that_come_and_go_leave_nothing_behind),
        UNIX_BENCH_TEST(test_events_of_many_clients_are_kept_each_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
