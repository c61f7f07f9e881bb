/* SPDX-License-Identifier: Apache-2.0 */
/* recorded_session.c -- see recorded_session.h. */
#include "support/recorded_session.h"

#include <stdio.h>

#include "support/collected.h"
#include "support/made_record.h"
#include "support/recorded.h"
#include "wire/otlp_json.h"

/* 2026-11-20T21:25:00Z, a little behind the records. */
static const uint64_t received_unix_nano = UINT64_C(1795209900000000000);

static enum transport transport_of(const char *path)
{
    return strstr(path, "/grpc/") != NULL        ? TRANSPORT_OTLP_GRPC
           : strstr(path, "/http-json/") != NULL ? TRANSPORT_OTLP_HTTP_JSON
                                                 : TRANSPORT_OTLP_HTTP_PROTOBUF;
}

/* The request in protobuf, however it was sent. */
static void read_protobuf(const char *path, struct buf *out)
{
    struct buf body;
    struct error err;

    if (transport_of(path) != TRANSPORT_OTLP_HTTP_JSON) {
        recorded_read(path, out);
        return;
    }
    buf_init(&body, (size_t)1 << 26);
    recorded_read(path, &body);
    ASSERT(otlp_json_read_request(buf_slice(&body), &otlp_limits_default, out, &err) == ST_OK);
    buf_fini(&body);
}

static void read_request(struct normalizer *normalizer, const char *path,
                         const struct recorded_session_reader *reader)
{
    struct buf request;
    struct collected collected;
    struct error err;

    buf_init(&request, (size_t)1 << 26);
    read_protobuf(path, &request);
    ASSERT(collected_read(&collected, buf_slice(&request), &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *record = &collected.records[i];
        const struct record_group *group = &collected.groups[record->group_index];
        const struct normalize_input input = {.record = record->bytes,
                                              .transport = transport_of(path),
                                              .received_unix_nano = received_unix_nano};
        ASSERT(normalizer_set_group(normalizer, group, &err) == ST_OK);
        struct normalized *normalized = normalized_make(normalizer, &input);
        reader->on_record(reader->context, group, normalized);
        normalized_destroy(normalized);
    }
    collected_fini(&collected);
    buf_fini(&request);
}

void recorded_session_read_from(const char *session, int request_count,
                                const struct recorded_session_reader *reader)
{
    struct normalizer *normalizer = made_normalizer();
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/", session);
    bool is_json = transport_of(path) == TRANSPORT_OTLP_HTTP_JSON;
    for (int i = 1; i <= request_count; i++) {
        (void)snprintf(path, sizeof(path), "%s/logs/%03d.%s", session, i, is_json ? "json" : "bin");
        read_request(normalizer, path, reader);
    }
    normalizer_destroy(normalizer);
}

void recorded_session_read(const char *scenario, int request_count,
                           const struct recorded_session_reader *reader)
{
    char session[256];

    (void)snprintf(session, sizeof(session), "codex-0.169.0/http-protobuf/%s", scenario);
    recorded_session_read_from(session, request_count, reader);
}
