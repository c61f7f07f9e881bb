/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_reply_fuzz.c -- what a hostile server may answer to a _bulk request: a byte with the number
 * of records, two that make the status, and the body. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "exporters/elastic/elastic_answer.h"
#include "telltale/bulk_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 3, RECORDS_MAX = 255, TEXT_MAX = 4096 };

struct telling {
    struct export_report report; /* first */
    size_t count;                /* of the batch */
    uint8_t outcomes[RECORDS_MAX + 1];
    size_t told;
};

static bool is_shown_text(const char *text, size_t room)
{
    ASSERT(strnlen(text, room) < room);
    for (const char *c = text; *c != 0; c++) {
        if ((uint8_t)*c < 0x20 || *c == 0x7f)
            return false;
    }
    return true;
}

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    struct telling *telling = (struct telling *)(void *)report;

    ASSERT(index < telling->count && telling->told++ == index);
    ASSERT(words == NULL || is_shown_text(words, ITEM_WORDS_MAX + 1));
    telling->outcomes[index] = (uint8_t)outcome;
}

static void judge(const struct http_response *response, uint32_t count, bool show_reasons)
{
    struct telling telling = {.report = {.tell = tell}, .count = count};
    struct error err = {.status = ST_OK};
    struct elastic_body body = {.size_max = 0};
    struct buf text;

    buf_init(&body.positions, (RECORDS_MAX + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        ASSERT(buf_append(&body.positions, &i, sizeof(i), &err) == ST_OK);
    buf_init(&text, TEXT_MAX);
    const struct elastic_answer answer = {.transport = HTTP_ANSWERED,
                                          .response = response,
                                          .body = &body,
                                          .record_count = count,
                                          .show_reasons = show_reasons};
    enum export_result result = elastic_answer_outcome(&answer, &text, &telling.report, &err);
    bool is_success = response->status >= 200 && response->status <= 299;
    ASSERT(is_success || (result != EXPORT_DONE && result != EXPORT_MIXED));
    ASSERT((result == EXPORT_DONE) == (err.status == ST_OK));
    ASSERT(result != EXPORT_REJECTED); /* nothing rejects a whole request */
    ASSERT((result != EXPORT_DONE && result != EXPORT_MIXED) || telling.told == count);
    for (size_t i = 0; result == EXPORT_DONE && i < count; i++)
        ASSERT(telling.outcomes[i] == ITEM_DONE);
    ASSERT(telling.report.put_aside_count <= count);
    ASSERT(is_shown_text(telling.report.message, sizeof(telling.report.message)));
    buf_fini(&text);
    buf_fini(&body.positions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bulk_server server;

    if (size < HEAD)
        return 0;
    struct http_response response = {
        .status = 100 + (data[1] << 8 | data[2]) % 500,
        .body = slice_of(data + HEAD, size - HEAD),
        .type = "application/json",
        .location = "",
    };
    uint32_t count = data[0] > 0 ? data[0] : 1;
    judge(&response, count, false);
    judge(&response, count, true);
    if (bulk_reply_read_server(response.body, &server))
        ASSERT(server.major < 10000 && server.minor < 10000);
    return 0;
}
