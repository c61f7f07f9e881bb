/* SPDX-License-Identifier: Apache-2.0 */
/* documented.c -- see documented.h. */
#include "support/documented.h"

#include <stdio.h>

#include "support/collected.h"
#include "support/made_record.h"
#include "support/recorded.h"
#include "wire/otlp_json.h"

const char *const documented_requests[] = {
    "claude-code/details.json",
    "claude-code/defaults.json",
    "copilot/chat.json",
    "copilot/cli.json",
    "cursor/export.json",
    "cursor/bot.json",
    NULL,
};

enum { REQUEST_SIZE_MAX = 1 << 26 };

/* 2026-11-20T21:25:00Z, a little behind the records. */
static const uint64_t received_unix_nano = UINT64_C(1795209900000000000);

void documented_read(const char *name, struct buf *out)
{
    char path[512];
    struct buf json;
    struct error err;
    (void)snprintf(path, sizeof(path), "documented/%s", name); /* the open tells */
    buf_init(&json, REQUEST_SIZE_MAX);
    recorded_read(path, &json);
    ASSERT(otlp_json_read_request(buf_slice(&json), &otlp_limits_default, out, &err) == ST_OK);
    buf_fini(&json);
}

void documented_session_read(const char *name, const struct recorded_session_reader *reader)
{
    struct normalizer *normalizer = made_normalizer();
    struct buf request;
    struct collected collected;
    struct error err;

    buf_init(&request, REQUEST_SIZE_MAX);
    documented_read(name, &request);
    ASSERT(collected_read(&collected, buf_slice(&request), &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *record = &collected.records[i];
        const struct record_group *group = &collected.groups[record->group_index];
        const struct normalize_input input = {.record = record->bytes,
                                              .transport = TRANSPORT_OTLP_HTTP_JSON,
                                              .received_unix_nano = received_unix_nano};
        ASSERT(normalizer_set_group(normalizer, group, &err) == ST_OK);
        struct normalized *normalized = normalized_make(normalizer, &input);
        reader->on_record(reader->context, group, normalized);
        normalized_destroy(normalized);
    }
    collected_fini(&collected);
    buf_fini(&request);
    normalizer_destroy(normalizer);
}
