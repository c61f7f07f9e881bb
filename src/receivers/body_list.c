/* SPDX-License-Identifier: Apache-2.0 */
/* body_list.c -- see body_list.h. */
#include "receivers/body_list.h"

#include "receivers/http_request.h"
#include "util/clock.h"

void body_list_add(struct body_list *list, struct http_request *request)
{
    request->next_body = list->first;
    list->first = request;
}

void body_list_remove(struct body_list *list, struct http_request *request)
{
    struct http_request **link = &list->first;

    while (*link != NULL && *link != request)
        link = &(*link)->next_body;
    if (*link == NULL)
        return;
    *link = request->next_body;
    request->next_body = NULL;
}

struct http_request *body_list_largest(const struct body_list *list,
                                       const struct http_request *except, uint64_t age_ns)
{
    struct http_request *largest = NULL;
    uint64_t now_ns = clock_monotonic_ns();

    for (struct http_request *request = list->first; request != NULL;
         request = request->next_body) {
        if (request != except && request->counted_bytes > 0 &&
            now_ns - request->begun_ns >= age_ns &&
            (largest == NULL || request->counted_bytes > largest->counted_bytes))
            largest = request;
    }
    return largest;
}
