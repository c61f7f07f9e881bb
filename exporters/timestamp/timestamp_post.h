/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_post.h -- asking a time stamp authority over HTTP, RFC 3161 section 3.4.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/http_client.h"
#include "telltale/timestamp.h"

struct timestamp_answer {
    struct timestamp_reply reply; /* the token is borrowed from the client */
    uint32_t retry_after_ms;      /* the authority's own wish; 0: none */
};

/* Sends the query and checks what comes.  What HTTP itself refuses has a reply.trouble as well: the
 * status.  `err` is set for every word but TIMESTAMP_GRANTED.  `body` is scratch. */
enum timestamp_word timestamp_post(struct http_client *client, const struct timestamp_query *query,
                                   struct timestamp_authority *authority, uint64_t deadline_ns,
                                   struct buf *body, struct timestamp_answer *ret,
                                   struct error *err);

/* What an answer means; timestamp_post() without the sending. */
enum timestamp_word timestamp_judge(const struct http_response *response,
                                    const struct timestamp_query *query,
                                    struct timestamp_authority *authority,
                                    struct timestamp_answer *ret, struct error *err);
