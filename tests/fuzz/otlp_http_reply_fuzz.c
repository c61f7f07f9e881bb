/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_reply_fuzz.c -- what a hostile receiver may answer over HTTP: the lines of a head up to
 * an empty line, and a body. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_http/otlp_http_outcome.h"
#include "http/answer_head.h"
#include "http/http_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 4096, RECORDS = 7, SAMPLE_UNIX = 1795248000 };

static bool is_shown_text(const char *text, size_t room)
{
    ASSERT(strnlen(text, room) < room);
    for (const char *c = text; *c != 0; c++) {
        if ((uint8_t)*c < 0x20 || *c == 0x7f)
            return false;
    }
    return true;
}

/* The status of the last status line; 0: there is none. */
static int status_of(struct slice line)
{
    const uint8_t *space = line.size > 0 ? memchr(line.data, ' ', line.size) : NULL;
    int status = 0;

    for (size_t i = space != NULL ? (size_t)(space - line.data) + 1 : line.size;
         i < line.size && line.data[i] >= '0' && line.data[i] <= '9' && status < 1000; i++)
        status = status * 10 + (line.data[i] - '0');
    return status;
}

/* Reads the head; what is left is the body. */
static struct slice read_head(struct slice all, struct answer_head *head, int *ret_status)
{
    while (all.size > 0) {
        const uint8_t *end = memchr(all.data, '\n', all.size);
        size_t size = end != NULL ? (size_t)(end - all.data) + 1 : all.size;
        struct slice line = slice_of(all.data, size);
        all = slice_from(all, size);
        if (slice_starts_with(line, SLICE("HTTP/")))
            *ret_status = status_of(line);
        if (!answer_head_take(head, line))
            break;
        ASSERT(head->size <= HTTP_ANSWER_HEAD_MAX);
        if (size <= 2)
            break;
    }
    return all;
}

static void judge(const struct http_response *response, bool asked_in_json)
{
    static const struct record records[RECORDS];
    static const struct record_group group = {.signal = SIGNAL_LOGS};
    const struct batch batch = {
        .records = records, .record_count = RECORDS, .groups = &group, .group_count = 1};
    const struct otlp_http_answer answer = {
        .response = response, .asked_in_json = asked_in_json, .batch = &batch};
    struct export_report report = {.rejected_count = 0};
    struct error err = {.status = ST_OK};
    struct buf text;

    buf_init(&text, WORDS_MAX);
    enum export_result result = otlp_http_outcome(&answer, &text, &report, &err);
    ASSERT(result != EXPORT_DONE || (response->status >= 200 && response->status < 300));
    ASSERT((result == EXPORT_DONE) == (err.status == ST_OK));
    ASSERT(report.rejected_count <= RECORDS);
    ASSERT(is_shown_text(report.message, sizeof(report.message)));
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer_head head = {.size = 0};
    struct http_response response = {.status = 0};

    response.body = read_head(slice_of(data, size), &head, &response.status);
    response.type = head.type;
    response.location = head.location;
    ASSERT(is_shown_text(head.type, sizeof(head.type)));
    ASSERT(is_shown_text(head.location, sizeof(head.location)));
    response.has_retry_after =
        answer_head_retry_after(&head, SAMPLE_UNIX, &response.retry_after_ms);
    judge(&response, false);
    judge(&response, true);
    return 0;
}
