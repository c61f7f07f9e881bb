/* SPDX-License-Identifier: Apache-2.0 */
/* request_copies.c -- see request_copies.h.  Firsts stand in chains by their marks; there are few
 * at a time, for each has a connection or a stream. */
#include "receivers/request_copies.h"

#include "telltale/base.h"

enum status request_copies_init(struct request_copies *copies, const char *labels,
                                void (*resume)(struct request_copy *copy), struct error *err)
{
    copies->resume = resume;
    copies->repeated =
        metric_register(METRIC_COUNTER, "telltale_receiver_repeated_requests_total",
                        "Requests that came again and were durable: answered with success, and "
                        "not kept twice.",
                        labels);
    return recent_requests_init(&copies->recent, err);
}

static struct request_copy **bucket_of(struct request_copies *copies, struct request_mark mark)
{
    return &copies->under_way[mark.high % REQUEST_COPY_BUCKETS];
}

static struct request_copy *find_first(struct request_copies *copies, struct request_mark mark)
{
    struct request_copy *at = *bucket_of(copies, mark);

    while (at != NULL && !request_mark_equal(at->mark, mark))
        at = at->next;
    return at;
}

static void put_under_way(struct request_copies *copies, struct request_copy *copy)
{
    struct request_copy **bucket = bucket_of(copies, copy->mark);

    copy->is_first = true;
    copy->next = *bucket;
    *bucket = copy;
}

enum request_meeting request_copies_meet(struct request_copies *copies, struct request_copy *copy,
                                         struct request_mark mark, uint64_t now_ns)
{
    enum request_fate fate = recent_requests_find(&copies->recent, mark, now_ns);

    ASSERT(!copy->is_first);
    copy->mark = mark;
    if (fate == REQUEST_DURABLE) {
        metric_add(copies->repeated, 1);
        return MEETING_DURABLE;
    }
    if (find_first(copies, mark) != NULL)
        return MEETING_COPY;
    put_under_way(copies, copy);
    return fate == REQUEST_REFUSED ? MEETING_REFUSED : MEETING_FIRST;
}

bool request_copies_wait(struct request_copies *copies, struct request_copy *copy)
{
    struct request_copy *first = find_first(copies, copy->mark);

    ASSERT(first != copy);
    if (first == NULL)
        return false;
    copy->next = first->copies;
    first->copies = copy;
    return true;
}

static void take_from_bucket(struct request_copies *copies, struct request_copy *copy)
{
    struct request_copy **at = bucket_of(copies, copy->mark);

    while (*at != copy)
        at = &(*at)->next;
    *at = copy->next;
    copy->next = NULL;
    copy->is_first = false;
}

void request_copies_settle(struct request_copies *copies, struct request_copy *copy,
                           enum request_fate fate, uint64_t now_ns)
{
    if (!copy->is_first)
        return;
    take_from_bucket(copies, copy);
    if (fate != REQUEST_UNKNOWN)
        recent_requests_add(&copies->recent, copy->mark, fate, now_ns);
    while (copy->copies != NULL) {
        struct request_copy *waiting = copy->copies;
        copy->copies = waiting->next;
        waiting->next = NULL;
        copies->resume(waiting); /* it may be gone from here on */
    }
}
