/* SPDX-License-Identifier: Apache-2.0 */
/* window_test.c -- the cursor against a model that counts record by record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/window.h"
#include "telltale/base.h"

enum { CLAIMS_MAX = 5, FIRST = 10, RECORDS_MAX = 32 };

/* Claims of 1, 2, 3 ... records, so that no two are alike. */
struct model {
    struct window window;
    uint64_t tickets[CLAIMS_MAX];
    uint64_t begins[CLAIMS_MAX];
    bool settled[FIRST + RECORDS_MAX]; /* by sequence number */
    uint64_t end;
};

static void make_claims(struct model *model, size_t count)
{
    *model = (struct model){.end = FIRST};
    window_init(&model->window, count, FIRST);
    for (size_t i = 0; i < count; i++) {
        model->begins[i] = model->end;
        model->end += i + 1;
        model->tickets[i] = window_claim(&model->window, model->end);
    }
}

static uint64_t settled_prefix(const struct model *model)
{
    uint64_t next = FIRST;

    while (next < model->end && model->settled[next])
        next++;
    return next;
}

static void settle(struct model *model, size_t claim, uint64_t next)
{
    for (uint64_t i = model->begins[claim]; i < next; i++)
        model->settled[i] = true;
    window_settle(&model->window, model->tickets[claim], next);
    assert_int_equal(window_settled(&model->window), settled_prefix(model));
}

/* Goes through every order in which `count` claims can be settled; each step settles a claim as a
 * whole, or, with `in_parts`, first its first record and in a later step the rest. */
static size_t try_orders(const struct model *before, size_t count, bool in_parts,
                         unsigned steps_left[CLAIMS_MAX])
{
    size_t orders = 0;

    for (size_t i = 0; i < count; i++) {
        if (steps_left[i] == 0)
            continue;
        struct model model = *before;
        steps_left[i]--;
        uint64_t end = model.begins[i] + i + 1;
        settle(&model, i, in_parts && steps_left[i] > 0 ? model.begins[i] + 1 : end);
        orders += try_orders(&model, count, in_parts, steps_left);
        steps_left[i]++;
    }
    if (orders == 0) { /* all is settled */
        assert_int_equal(window_settled(&before->window), before->end);
        assert_int_equal(window_count(&before->window), 0);
        return 1;
    }
    return orders;
}

static void test_the_cursor_is_the_longest_settled_prefix_in_every_order(void **state)
{
    static const size_t factorials[] = {1, 1, 2, 6, 24, 120};
    struct model model;

    (void)state;
    for (size_t count = 1; count <= CLAIMS_MAX; count++) {
        unsigned steps[CLAIMS_MAX] = {1, 1, 1, 1, 1};
        make_claims(&model, count);
        assert_int_equal(try_orders(&model, count, false, steps), factorials[count]);
    }
}

static void test_the_cursor_follows_parts_of_the_oldest_claim(void **state)
{
    struct model model;

    (void)state;
    for (size_t count = 1; count <= 4; count++) {
        unsigned steps[CLAIMS_MAX] = {1, 2, 2, 2}; /* the first claim has one record */
        make_claims(&model, count);
        assert_true(try_orders(&model, count, true, steps) >= count);
    }
}

static void test_the_window_is_full_until_its_oldest_claim_is_settled(void **state)
{
    struct window window;
    uint64_t tickets[3];

    (void)state;
    window_init(&window, 3, 1);
    for (uint64_t i = 0; i < 3; i++)
        tickets[i] = window_claim(&window, 10 * (i + 1));
    assert_false(window_has_room(&window));
    window_settle(&window, tickets[1], 20);
    window_settle(&window, tickets[2], 30);
    assert_false(window_has_room(&window));
    assert_int_equal(window_settled(&window), 1);
    window_settle(&window, tickets[0], 5);
    assert_false(window_has_room(&window));
    assert_int_equal(window_settled(&window), 5);
    window_settle(&window, tickets[0], 10);
    assert_int_equal(window_count(&window), 0);
    assert_int_equal(window_settled(&window), 30);
    assert_int_equal(window_next(&window), 30);
}

static void test_a_window_goes_round_its_ring(void **state)
{
    struct window window;
    uint64_t next = 1;
    uint64_t older;

    (void)state;
    window_init(&window, 2, next);
    older = window_claim(&window, ++next);
    for (size_t i = 0; i < 3 * (size_t)WINDOW_CLAIMS_MAX; i++) {
        uint64_t newer = window_claim(&window, ++next);
        assert_false(window_has_room(&window));
        window_settle(&window, older, next - 1);
        assert_int_equal(window_settled(&window), next - 1);
        older = newer;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cursor_is_the_longest_settled_prefix_in_every_order),
        cmocka_unit_test(test_the_cursor_follows_parts_of_the_oldest_claim),
        cmocka_unit_test(test_the_window_is_full_until_its_oldest_claim_is_settled),
        cmocka_unit_test(test_a_window_goes_round_its_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
