/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_post.c -- see timestamp_post.h. */
#include "timestamp_post.h"

#include <string.h>

#include "telltale/http_outcome.h"
#include "telltale/peer_words.h"

enum { WORDS_SIZE = 160, STATUS_OK = 200 };

static const char reply_type[] = "application/timestamp-reply";

/* The common table of http_outcome.h: what concerns the way to the authority is for somebody to
 * repair, like what it has judged. */
static enum timestamp_word judge_status(const struct http_response *response, struct error *err)
{
    const struct http_outcome_input input = {.transport = HTTP_ANSWERED, .response = response};
    char words[WORDS_SIZE];

    bool is_passing = http_outcome_judge(&input) == HTTP_VERDICT_RETRY;
    peer_words_copy(words, sizeof(words), response->body);
    (void)error_set(err, ST_IO, "the time stamp authority answered %d: %s%s%s", response->status,
                    is_passing ? "it may work the next time"
                               : "are the endpoint and the credentials those of an authority?",
                    words[0] != 0 ? ": " : "", words);
    return is_passing ? TIMESTAMP_LATER : TIMESTAMP_REFUSED;
}

enum timestamp_word timestamp_judge(const struct http_response *response,
                                    const struct timestamp_query *query,
                                    struct timestamp_authority *authority,
                                    struct timestamp_answer *ret, struct error *err)
{
    char type[WORDS_SIZE];

    *ret = (struct timestamp_answer){
        .reply = {.trouble = response->status},
        .retry_after_ms = response->has_retry_after ? response->retry_after_ms : 0,
    };
    if (response->status != STATUS_OK)
        return judge_status(response, err);
    if (strcmp(response->type, reply_type) != 0) {
        peer_words_copy(type, sizeof(type), slice_of_text(response->type));
        (void)error_set(err, ST_IO,
                        "the time stamp authority answered with '%s' and not %s: is the endpoint "
                        "that of an authority?",
                        type, reply_type);
        return TIMESTAMP_REFUSED;
    }
    if (response->is_cut || response->body.size > TIMESTAMP_REPLY_MAX) {
        (void)error_set(err, ST_LIMIT,
                        "the time stamp authority answered with more than %d bytes, or than "
                        "max_response_size: choose one with fewer certificates",
                        TIMESTAMP_REPLY_MAX);
        return TIMESTAMP_REFUSED;
    }
    return timestamp_reply_read(response->body, query, authority, &ret->reply, err);
}

enum timestamp_word timestamp_post(struct http_client *client, const struct timestamp_query *query,
                                   struct timestamp_authority *authority, uint64_t deadline_ns,
                                   struct buf *body, struct timestamp_answer *ret,
                                   struct error *err)
{
    static const struct http_header accept = {"accept", reply_type};
    struct http_response response;

    *ret = (struct timestamp_answer){.retry_after_ms = 0};
    buf_clear(body);
    if (timestamp_query_put(query, body, err) != ST_OK)
        return TIMESTAMP_LATER;
    const struct http_request request = {
        .content_type = "application/timestamp-query",
        .body = buf_slice(body),
        .is_plain = true,
        .headers = &accept,
        .header_count = 1,
    };
    if (http_client_send(client, &request, deadline_ns, &response, err) != HTTP_ANSWERED)
        return TIMESTAMP_LATER;
    return timestamp_judge(&response, query, authority, ret, err);
}
