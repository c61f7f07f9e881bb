/* SPDX-License-Identifier: Apache-2.0 */
/* fair_queue_test.c -- whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/fair_queue.h"

enum { CONNECTIONS = 16 };

static struct fair_queue queue;
static struct fair_user *users[CONNECTIONS];
static struct fair_flow flows[CONNECTIONS];
static uint64_t now_ns;

static int set_up(void **state)
{
    (void)state;
    struct error err;

    now_ns = 1;
    for (int i = 0; i < CONNECTIONS; i++)
        flows[i] = (struct fair_flow){0};
    return fair_queue_init(&queue, CONNECTIONS, &err) == ST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fair_queue_fini(&queue);
    return 0;
}

static void join(int connection, uid_t uid)
{
    users[connection] = fair_queue_join(&queue, uid);
}

static void make_ready(int connection)
{
    fair_queue_add(&queue, users[connection], &flows[connection], now_ns);
}

/* The connection whose turn it is has `bytes` read from it, and has more. */
static int read_next(enum fair_gate gate, size_t bytes)
{
    struct fair_flow *flow = fair_queue_next(&queue, gate);

    if (flow == NULL)
        return -1;
    int connection = (int)(flow - flows);
    fair_queue_charge(users[connection], flow, bytes, now_ns);
    return connection;
}

static void drained(int connection)
{
    fair_queue_remove(&queue, users[connection], &flows[connection]);
}

/* Reads `turns` times from whoever's turn it is; what each got. */
static void share_out(int turns, size_t *ret_bytes)
{
    for (int i = 0; i < turns; i++) {
        int connection = read_next(FAIR_GATE_OPEN, FAIR_QUANTUM);
        assert_true(connection >= 0);
        ret_bytes[connection] += FAIR_QUANTUM;
    }
}

static void test_connections_of_a_user_get_the_same_bytes(void **state)
{
    (void)state;
    size_t bytes[CONNECTIONS] = {0};

    for (int i = 0; i < 4; i++) {
        join(i, 7);
        make_ready(i);
    }
    share_out(400, bytes);
    for (int i = 0; i < 4; i++)
        assert_in_range(bytes[i], 99 * FAIR_QUANTUM, 101 * FAIR_QUANTUM);
}

static void test_users_share_before_their_connections_do(void **state)
{
    (void)state;
    size_t bytes[CONNECTIONS] = {0};

    join(0, 7);
    for (int i = 1; i < 9; i++)
        join(i, 8);
    for (int i = 0; i < 9; i++)
        make_ready(i);
    share_out(800, bytes);
    assert_in_range(bytes[0], 398 * FAIR_QUANTUM, 402 * FAIR_QUANTUM);
    for (int i = 1; i < 9; i++)
        assert_in_range(bytes[i], 49 * FAIR_QUANTUM, 51 * FAIR_QUANTUM);
}

/* By bytes, not by turns: who sends little at a time is not behind. */
static void test_shares_are_counted_in_bytes(void **state)
{
    (void)state;
    size_t bytes[2] = {0};

    join(0, 7);
    join(1, 8);
    make_ready(0);
    make_ready(1);
    for (int i = 0; i < 5000; i++) {
        struct fair_flow *flow = fair_queue_next(&queue, FAIR_GATE_OPEN);
        int connection = (int)(flow - flows);
        size_t size = connection == 0 ? 1000 : FAIR_QUANTUM;
        fair_queue_charge(users[connection], flow, size, now_ns);
        bytes[connection] += size;
    }
    assert_in_range(bytes[0], bytes[1] - 3 * FAIR_QUANTUM, bytes[1] + 3 * FAIR_QUANTUM);
}

static void test_who_says_little_comes_before_who_floods(void **state)
{
    (void)state;

    join(0, 7);
    join(1, 7);
    make_ready(0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(read_next(FAIR_GATE_OPEN, FAIR_QUANTUM), 0);
    make_ready(1);
    assert_int_equal(read_next(FAIR_GATE_OPEN, 100), 1);
}

static void test_closed_gate_lets_the_light_through(void **state)
{
    (void)state;

    join(0, 7);
    join(1, 7);
    join(2, 8);
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_OPEN, 4 * FAIR_QUANTUM), 0);
    assert_int_equal(read_next(FAIR_GATE_NARROW, 1), -1);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), -1);
    make_ready(1); /* light, but its user is not */
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), -1);
    assert_int_equal(read_next(FAIR_GATE_NARROW, 1), 1);
    make_ready(2);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), 2);
}

static void test_leaving_and_coming_back_makes_nobody_light(void **state)
{
    (void)state;

    join(0, 7);
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 2 * FAIR_QUANTUM), 0);
    drained(0);
    assert_true(fair_queue_is_empty(&queue));
    now_ns += FAIR_PERIOD_NS / 2;
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), -1);
    drained(0);
    now_ns += FAIR_PERIOD_NS; /* what it took is in the period before */
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), -1);
    drained(0);
    now_ns += 2 * FAIR_PERIOD_NS; /* now it has been quiet */
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), 0);
}

/* It takes what it gets at once, so its socket is empty again and again. */
static void test_who_floods_in_small_pieces_is_not_light_at_the_next_period(void **state)
{
    (void)state;
    int light_turns = 0;

    join(0, 7);
    for (int i = 0; i < 1000; i++) {
        make_ready(0);
        if (read_next(FAIR_GATE_LIGHT, FAIR_QUANTUM / 8) == 0)
            light_turns++;
        else
            assert_int_equal(read_next(FAIR_GATE_OPEN, FAIR_QUANTUM / 8), 0);
        drained(0);
        now_ns += FAIR_PERIOD_NS / 16;
    }
    assert_int_equal(light_turns, 8);
}

static void test_user_is_forgotten_with_its_last_connection(void **state)
{
    (void)state;

    join(0, 7);
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_OPEN, 4 * FAIR_QUANTUM), 0);
    drained(0);
    fair_queue_leave(users[0]);
    flows[0] = (struct fair_flow){0};
    join(0, 9);
    make_ready(0);
    assert_int_equal(read_next(FAIR_GATE_LIGHT, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connections_of_a_user_get_the_same_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_users_share_before_their_connections_do, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_shares_are_counted_in_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_says_little_comes_before_who_floods, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_closed_gate_lets_the_light_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving_and_coming_back_makes_nobody_light, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_who_floods_in_small_pieces_is_not_light_at_the_next_period, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_user_is_forgotten_with_its_last_connection, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
