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

void recorded_logs_read(struct normalizer *normalizer, const char *name,
                        const struct recorded_session_reader *reader)
{
    struct buf request;
    struct collected collected;
    struct error err;

    buf_init(&request, (size_t)1 << 26);
    recorded_read_protobuf(name, &request);
    ASSERT(collected_read(&collected, buf_slice(&request), &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *record = &collected.records[i];
        const struct record_group *group = &collected.groups[record->group_index];
        const struct normalize_input input = {.record = record->bytes,
                                              .transport = transport_of(name),
                                              .received_unix_nano = received_unix_nano};
        ASSERT(normalizer_set_group(normalizer, group, &err) == ST_OK);
        struct normalized *normalized = normalized_make(normalizer, &input);
        reader->on_record(reader->context, group, normalized);
        normalized_destroy(normalized);
    }
    collected_fini(&collected);
    buf_fini(&request);
}

size_t recorded_spans_read(struct normalizer *normalizer, const char *name,
                           const struct recorded_session_reader *reader)
{
    struct span_deriver *deriver = NULL;
    struct buf request, out;
    struct collected collected; /* a trace request has the same shape down to its spans */
    struct error err;

    buf_init(&request, (size_t)1 << 26);
    buf_init(&out, (size_t)1 << 26);
    recorded_read(name, &request);
    ASSERT(collected_read(&collected, buf_slice(&request), &err) == ST_OK);
    ASSERT(span_deriver_create(normalizer, &otlp_limits_default, &deriver, &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *span = &collected.records[i];
        const struct record_group *group = &collected.groups[span->group_index];
        const struct span_input input = {.span = span->bytes,
                                         .transport = TRANSPORT_OTLP_HTTP_PROTOBUF,
                                         .received_unix_nano = received_unix_nano};
        bool made = false;
        buf_clear(&out);
        ASSERT(span_deriver_set_group(deriver, group, &err) == ST_OK);
        ASSERT(span_derive(deriver, &input, &out, &made, &err) == ST_OK);
        ASSERT(made == (out.size > 0));
        if (!made)
            continue;
        struct normalized *normalized = normalized_read(buf_slice(&out), 0);
        reader->on_record(reader->context, group, normalized);
        normalized_destroy(normalized);
    }
    size_t count = collected.record_count;
    span_deriver_destroy(deriver);
    collected_fini(&collected);
    buf_fini(&request);
    buf_fini(&out);
    return count;
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
        recorded_logs_read(normalizer, path, reader);
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
