/* SPDX-License-Identifier: Apache-2.0 */
/* body_list.h -- the requests whose bodies are being received, so that one that does not come to
 * its end can give its memory to the others.
 *
 * Threads: the library's, one list for each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;

struct body_list {
    struct http_request *first; /* borrowed */
};

void body_list_add(struct body_list *list, struct http_request *request);
/* It is allowed that it is not there. */
void body_list_remove(struct body_list *list, struct http_request *request);

/* The request that holds the most memory and has been coming for `age_ns`, but not `except`;
 * NULL: there is none. */
struct http_request *body_list_largest(const struct body_list *list,
                                       const struct http_request *except, uint64_t age_ns);
