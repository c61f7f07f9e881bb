/* SPDX-License-Identifier: Apache-2.0 */
/* hec_reply_fuzz.c -- what a hostile Splunk may answer: the first two bytes choose the status and
 * how many events were sent, the rest is the body. */
#include <stddef.h>
#include <stdint.h>

#include "exporters/splunk_hec/hec_outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 403, 413, 429, 500, 503};
    struct buf text;

    if (size < 2)
        return 0;
    struct http_response response = {.status = statuses[data[0] % COUNT_OF(statuses)],
                                     .type = "application/json",
                                     .location = "",
                                     .body = slice_of(data + 2, size - 2)};
    struct hec_answer answer = {.response = &response,
                                .event_count = 1 + data[1] % 16,
                                .body_size = data[1] > 127 ? 6 << 20 : 1000,
                                .on_incorrect_index = data[1] & 1};
    buf_init(&text, 256);
    answer.is_reply = hec_reply_read(response.body, &text, &answer.reply);
    const struct hec_judgement judgement = hec_judge(&answer);
    ASSERT(answer.reply.code <= HEC_CODE_MAX);
    ASSERT(judgement.verdict != HEC_EVENT || judgement.event < answer.event_count);
    if (judgement.verdict == HEC_TAKEN)
        ASSERT(answer.is_reply && answer.reply.code == 0 && response.status < 300);
    (void)hec_reply_read_ack(response.body, data[1]);
    buf_fini(&text);
    return 0;
}
