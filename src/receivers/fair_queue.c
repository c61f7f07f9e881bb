/* SPDX-License-Identifier: Apache-2.0 */
/* fair_queue.c -- see fair_queue.h.
 *
 * Each ring has two lists.  A flow without credit goes to the end of the heavy list with one more
 * quantum; so who took much at once waits for several rounds.  Leaving and coming back makes nobody
 * light, nor does a period that ends: only having taken little. */
#include "receivers/fair_queue.h"

#include <stdlib.h>

static void append(struct fair_list *list, struct fair_flow *flow)
{
    flow->next = NULL;
    if (list->first == NULL)
        list->first = flow;
    else
        list->last->next = flow;
    list->last = flow;
}

static void take_out(struct fair_list *list, struct fair_flow *flow)
{
    struct fair_flow *before = NULL;

    for (struct fair_flow *at = list->first; at != flow; at = at->next) {
        ASSERT(at != NULL);
        before = at;
    }
    if (before == NULL)
        list->first = flow->next;
    else
        before->next = flow->next;
    if (list->last == flow)
        list->last = before;
    flow->next = NULL;
}

static struct fair_list *list_of(struct fair_ring *ring, enum fair_place place)
{
    ASSERT(place != FAIR_OUT);
    return place == FAIR_LIGHT ? &ring->light : &ring->heavy;
}

static bool ring_is_empty(const struct fair_ring *ring)
{
    return ring->light.first == NULL && ring->heavy.first == NULL;
}

static void take(struct fair_flow *flow, size_t bytes, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - flow->period_ns;

    if (passed_ns >= FAIR_PERIOD_NS) {
        flow->taken_before = passed_ns < 2 * FAIR_PERIOD_NS ? flow->taken : 0;
        flow->taken = 0;
        flow->period_ns = now_ns;
    }
    flow->taken += bytes;
}

static void ring_add(struct fair_ring *ring, struct fair_flow *flow, uint64_t now_ns)
{
    if (flow->place != FAIR_OUT)
        return;
    take(flow, 0, now_ns);
    size_t taken = flow->taken + flow->taken_before;
    flow->place = taken < FAIR_QUANTUM ? FAIR_LIGHT : FAIR_HEAVY;
    if (flow->place == FAIR_LIGHT)
        flow->credit = FAIR_QUANTUM - (int64_t)taken;
    append(list_of(ring, flow->place), flow);
}

static void ring_remove(struct fair_ring *ring, struct fair_flow *flow)
{
    if (flow->place == FAIR_OUT)
        return;
    take_out(list_of(ring, flow->place), flow);
    flow->place = FAIR_OUT;
}

/* Those at the front of a list that have used up their credit go to the end of the heavy. */
static void rotate(struct fair_ring *ring, struct fair_list *list)
{
    while (list->first != NULL && list->first->credit <= 0) {
        struct fair_flow *flow = list->first;
        take_out(list, flow);
        flow->credit += FAIR_QUANTUM;
        flow->place = FAIR_HEAVY;
        append(&ring->heavy, flow);
    }
}

static struct fair_flow *ring_next(struct fair_ring *ring, bool light_alone)
{
    rotate(ring, &ring->light);
    if (ring->light.first != NULL || light_alone)
        return ring->light.first;
    rotate(ring, &ring->heavy);
    return ring->heavy.first;
}

/* A user's struct begins with its flow. */
static struct fair_user *user_of(struct fair_flow *flow)
{
    return (struct fair_user *)flow;
}

static struct fair_flow *find_light(struct fair_list *users)
{
    for (struct fair_flow *user = users->first; user != NULL; user = user->next) {
        struct fair_flow *found = ring_next(&user_of(user)->connections, true);
        if (found != NULL)
            return found;
    }
    return NULL;
}

struct fair_flow *fair_queue_next(struct fair_queue *queue, enum fair_gate gate)
{
    if (gate == FAIR_GATE_OPEN) {
        struct fair_flow *user = ring_next(&queue->users, false);
        return user != NULL ? ring_next(&user_of(user)->connections, false) : NULL;
    }
    rotate(&queue->users, &queue->users.light);
    struct fair_flow *found = find_light(&queue->users.light);
    if (found == NULL && gate == FAIR_GATE_NARROW) {
        rotate(&queue->users, &queue->users.heavy);
        found = find_light(&queue->users.heavy);
    }
    return found;
}

void fair_queue_add(struct fair_queue *queue, struct fair_user *user, struct fair_flow *flow,
                    uint64_t now_ns)
{
    ring_add(&user->connections, flow, now_ns);
    ring_add(&queue->users, &user->flow, now_ns);
}

void fair_queue_remove(struct fair_queue *queue, struct fair_user *user, struct fair_flow *flow)
{
    ring_remove(&user->connections, flow);
    if (ring_is_empty(&user->connections))
        ring_remove(&queue->users, &user->flow);
}

void fair_queue_charge(struct fair_user *user, struct fair_flow *flow, size_t bytes,
                       uint64_t now_ns)
{
    flow->credit -= (int64_t)bytes;
    user->flow.credit -= (int64_t)bytes;
    take(flow, bytes, now_ns);
    take(&user->flow, bytes, now_ns);
}

bool fair_queue_is_empty(const struct fair_queue *queue)
{
    return ring_is_empty(&queue->users);
}

/* --- Users -------------------------------------------------------------------------------- */

enum status fair_queue_init(struct fair_queue *queue, size_t connections_max, struct error *err)
{
    *queue = (struct fair_queue){.places = calloc(connections_max, sizeof(*queue->places)),
                                 .place_count = connections_max};
    if (queue->places == NULL)
        return error_set(err, ST_NO_MEMORY, "make a queue of %zu users", connections_max);
    return ST_OK;
}

void fair_queue_fini(struct fair_queue *queue)
{
    free(queue->places);
    *queue = (struct fair_queue){0};
}

struct fair_user *fair_queue_join(struct fair_queue *queue, uid_t uid)
{
    struct fair_user *found = NULL;

    for (size_t i = 0; i < queue->place_count; i++) {
        struct fair_user *user = &queue->places[i];
        if (user->connection_count > 0 && user->uid == uid) {
            found = user;
            break;
        }
        if (user->connection_count == 0 && found == NULL)
            found = user;
    }
    ASSERT(found != NULL);
    if (found->connection_count++ == 0)
        *found = (struct fair_user){.uid = uid, .connection_count = 1};
    return found;
}

void fair_queue_leave(struct fair_user *user)
{
    ASSERT(user->connection_count > 0);
    user->connection_count--;
}
