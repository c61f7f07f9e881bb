/* SPDX-License-Identifier: Apache-2.0 */
/* flight_limit_test.c -- how much is in flight, on disks that are made up: a commit takes a time of
 * its own and that of its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receivers/flight_limit.h"

#define US UINT64_C(1000)
#define MS (1000 * US)

enum { MIN_BYTES = 256 * 1024, MAX_BYTES = 2 * 1024 * 1024, ROUNDS = 400 };

struct made_disk {
    uint64_t sync_ns;
    uint64_t bytes_per_us;
};

static uint64_t now_ns;

static int set_up(void **state)
{
    (void)state;
    now_ns = 1 * MS;
    return 0;
}

/* One batch after the other, each with all that the limit allows before it. */
static void flood(struct flight_limit *limit, const struct made_disk *disk, bool is_shared)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start_ns = now_ns;
        now_ns += disk->sync_ns + limit->limit / disk->bytes_per_us * US;
        flight_limit_note(limit, &(struct flight_landing){.bytes = limit->limit,
                                                          .begun_ns = start_ns,
                                                          .landed_ns = now_ns,
                                                          .held_back = true,
                                                          .is_shared = is_shared});
    }
}

static void send_a_little(struct flight_limit *limit, const struct made_disk *disk)
{
    for (int i = 0; i < 50; i++) {
        uint64_t start_ns = now_ns;
        now_ns += disk->sync_ns;
        flight_limit_note(limit, &(struct flight_landing){
                                     .bytes = 1000, .begun_ns = start_ns, .landed_ns = now_ns});
    }
}

static uint64_t time_of(const struct made_disk *disk, size_t bytes)
{
    return disk->sync_ns + bytes / disk->bytes_per_us * US;
}

static void test_alone_there_is_no_limit_but_the_maximum(void **state)
{
    (void)state;
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    assert_int_equal(flight_limit_bytes(&limit, false), MAX_BYTES);
    assert_int_equal(flight_limit_bytes(&limit, true), MIN_BYTES);
}

static void test_what_happens_alone_changes_nothing(void **state)
{
    (void)state;
    const struct made_disk disk = {1 * MS, 100};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &disk);
    flood(&limit, &disk, false);
    assert_int_equal(limit.limit, MIN_BYTES);
}

static void test_with_others_a_commit_takes_little_longer_than_a_lone_event(void **state)
{
    (void)state;
    const struct made_disk disk = {1 * MS, 1000};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &disk);
    flood(&limit, &disk, true);
    assert_in_range(time_of(&disk, limit.limit), 1150 * US, 1400 * US);
}

static void test_slow_disk_gets_no_less_than_the_minimum(void **state)
{
    (void)state;
    const struct made_disk disk = {100 * US, 10};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &disk);
    flood(&limit, &disk, true);
    assert_in_range(limit.limit, MIN_BYTES, 3 * MIN_BYTES);
}

/* A sync takes long whatever it syncs: little in flight would make everybody slower. */
static void test_disk_with_slow_syncs_gets_much_at_a_time(void **state)
{
    (void)state;
    const struct made_disk disk = {20 * MS, 200};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &disk);
    flood(&limit, &disk, true);
    assert_true(limit.limit > MAX_BYTES / 4);
}

static void test_disk_that_becomes_slow_is_learned(void **state)
{
    (void)state;
    const struct made_disk fast = {300 * US, 2000};
    const struct made_disk slow = {20 * MS, 200};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &fast);
    flood(&limit, &slow, true);
    assert_true(limit.limit > MIN_BYTES);
}

static void test_nobody_held_back_needs_no_more(void **state)
{
    (void)state;
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &(struct made_disk){300 * US, 2000});
    assert_int_equal(limit.limit, MIN_BYTES);
}

/* All that flew when the limit was cut would cut it again. */
static void test_one_slow_commit_of_many_batches_counts_once(void **state)
{
    (void)state;
    const struct made_disk disk = {300 * US, 2000};
    struct flight_limit limit;

    flight_limit_init(&limit, MIN_BYTES, MAX_BYTES);
    send_a_little(&limit, &disk);
    limit.limit = MAX_BYTES;
    uint64_t start_ns = now_ns;
    now_ns += 100 * MS;
    for (int i = 0; i < 8; i++)
        flight_limit_note(&limit, &(struct flight_landing){.bytes = MAX_BYTES,
                                                           .begun_ns = start_ns,
                                                           .landed_ns = now_ns,
                                                           .is_shared = true});
    assert_int_equal(limit.limit, MAX_BYTES - MAX_BYTES / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_alone_there_is_no_limit_but_the_maximum, set_up),
        cmocka_unit_test_setup(test_what_happens_alone_changes_nothing, set_up),
        cmocka_unit_test_setup(test_with_others_a_commit_takes_little_longer_than_a_lone_event,
                               set_up),
        cmocka_unit_test_setup(test_slow_disk_gets_no_less_than_the_minimum, set_up),
        cmocka_unit_test_setup(test_disk_with_slow_syncs_gets_much_at_a_time, set_up),
        cmocka_unit_test_setup(test_disk_that_becomes_slow_is_learned, set_up),
        cmocka_unit_test_setup(test_nobody_held_back_needs_no_more, set_up),
        cmocka_unit_test_setup(test_one_slow_commit_of_many_batches_counts_once, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
