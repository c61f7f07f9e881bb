/* SPDX-License-Identifier: Apache-2.0 */
/* hec_acks.c -- see hec_acks.h.
 *
 * A question that fails says nothing about the events, so it is asked again like one that was
 * answered "false".  A token that was disabled meanwhile looks the same and ends by the limit; the
 * events are sent again then, and that request says what is wrong. */
#include "hec_acks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "hec_outcome.h"
#include "telltale/clocks.h"
#include "telltale/peer_words.h"

#define FIRST_PAUSE_NS (250 * NS_PER_MS)
#define QUESTION_NS    (10 * NS_PER_S) /* of one question and its answer */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- Making one ------------------------------------------------------------------------------ */

static enum status make_channel(struct hec_acks *acks, struct error *err)
{
    uint8_t bits[16];
    char *out = acks->channel;

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return error_set_errno(err, ST_IO, "random bits for a channel");
    bits[6] = (uint8_t)((bits[6] & 0x0f) | 0x40); /* version 4 */
    bits[8] = (uint8_t)((bits[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
    for (size_t i = 0; i < sizeof(bits); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        snprintf(out, 3, "%02x", bits[i]);
        out += 2;
    }
    snprintf(acks->query, sizeof(acks->query), "channel=%s", acks->channel);
    return ST_OK;
}

enum status hec_acks_init(struct hec_acks *acks, struct error *err)
{
    acks->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acks->wake_fd < 0)
        return error_set_errno(err, ST_IO, "make an eventfd");
    return make_channel(acks, err);
}

void hec_acks_fini(struct hec_acks *acks)
{
    if (acks->wake_fd >= 0)
        (void)close(acks->wake_fd); /* nothing was written that could be lost */
    acks->wake_fd = -1;
}

/* --- Waiting --------------------------------------------------------------------------------- */

void hec_acks_cancel(struct hec_acks *acks)
{
    const uint64_t one = 1;

    (void)!write(acks->wake_fd, &one, sizeof(one)); /* full: it rings already */
}

bool hec_acks_pause(struct hec_acks *acks, uint64_t until_ns)
{
    struct pollfd wake = {.fd = acks->wake_fd, .events = POLLIN};

    for (;;) {
        uint64_t now = clock_monotonic_ns();
        uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
        int ready =
            poll(&wake, 1, (int)(smaller(wait_ns + NS_PER_MS - 1, 60 * NS_PER_S) / NS_PER_MS));
        if (ready > 0)
            return false;
        if (ready == 0 && clock_monotonic_ns() >= until_ns)
            return true;
    }
}

/* --- Asking ---------------------------------------------------------------------------------- */

/* Whether an answer to a question shows that nobody answers questions there. */
static bool is_no_answer(const struct http_response *response, const struct hec_reply *reply)
{
    static const unsigned of_events[] = {5, 6, 12, 13, 15};

    for (size_t i = 0; reply != NULL && i < COUNT_OF(of_events); i++) {
        if (reply->code == of_events[i])
            return true;
    }
    return response->status == 404 || response->status == 405;
}

/* HEC_ACKS_NOT_KNOWN with ST_OK in `err`: it said "false"; with ST_NOT_FOUND: nobody is there. */
static enum hec_acks_end ask(struct hec_acks *acks, uint64_t ack_id, uint64_t deadline_ns,
                             struct error *err)
{
    const struct http_header channel = {"X-Splunk-Request-Channel", acks->channel};
    struct http_response response;
    struct hec_reply reply;
    char words[128], body[64];

    int size = snprintf(body, sizeof(body), "{\"acks\":[%" PRIu64 "]}", ack_id);
    const struct http_request request = {
        .url = acks->url,
        .path = "/services/collector/ack",
        .query = acks->query,
        .content_type = "application/json",
        .body = slice_of(body, (size_t)size),
        .is_plain = true, /* compression is documented for events only */
        .headers = &channel,
        .header_count = 1,
    };
    *err = (struct error){.status = ST_OK};
    if (http_client_send(acks->client, &request,
                         smaller(deadline_ns, clock_monotonic_ns() + QUESTION_NS), &response,
                         err) != HTTP_ANSWERED)
        return HEC_ACKS_NOT_KNOWN;
    enum hec_ack ack = hec_reply_read_ack(response.body, ack_id);
    if (response.status == 200 && ack == HEC_ACK_TRUE)
        return HEC_ACKS_TRUE;
    if (response.status == 200 && ack == HEC_ACK_PENDING)
        return HEC_ACKS_NOT_KNOWN;
    bool is_reply = hec_reply_read(response.body, acks->text, &reply);
    if (is_reply && reply.code == HEC_CODE_ACK_DISABLED)
        return HEC_ACKS_DISABLED;
    peer_words_copy(words, sizeof(words), is_reply ? reply.text : response.body);
    (void)error_set(err, is_no_answer(&response, is_reply ? &reply : NULL) ? ST_NOT_FOUND : ST_IO,
                    "HTTP %d: %s", response.status, words);
    return HEC_ACKS_NOT_KNOWN;
}

enum hec_acks_end hec_acks_wait(struct hec_acks *acks, uint64_t ack_id, uint64_t deadline_ns,
                                struct error *err)
{
    uint64_t end_ns = smaller(deadline_ns, clock_monotonic_ns() + acks->config->ack_timeout_ns);
    uint64_t pause_ns = smaller(FIRST_PAUSE_NS, acks->config->ack_poll_interval_ns);
    struct error why = {.status = ST_OK};

    for (;;) {
        if (!hec_acks_pause(acks, smaller(clock_monotonic_ns() + pause_ns, end_ns))) {
            (void)error_set(err, ST_STOPPING, "given up: the destination is being stopped");
            return HEC_ACKS_NOT_KNOWN;
        }
        enum hec_acks_end end = ask(acks, ack_id, deadline_ns, &why);
        if (end != HEC_ACKS_NOT_KNOWN)
            return end;
        if (clock_monotonic_ns() >= end_ns)
            break;
        pause_ns = smaller(2 * pause_ns, acks->config->ack_poll_interval_ns);
    }
    (void)error_set(err, ST_IO, "taken, but not acknowledged within %" PRIu64 " s%s%s",
                    acks->config->ack_timeout_ns / NS_PER_S, why.status != ST_OK ? ": " : "",
                    why.status != ST_OK ? why.text : "");
    return HEC_ACKS_NOT_KNOWN;
}

enum hec_acks_end hec_acks_probe(struct hec_acks *acks, uint64_t deadline_ns, struct error *err)
{
    enum hec_acks_end end = ask(acks, 0, deadline_ns, err);

    if (end == HEC_ACKS_NOT_KNOWN && err->status == ST_OK)
        return HEC_ACKS_TRUE;
    return end == HEC_ACKS_NOT_KNOWN && err->status == ST_NOT_FOUND ? HEC_ACKS_DISABLED : end;
}
