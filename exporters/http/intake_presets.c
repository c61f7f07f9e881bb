/* SPDX-License-Identifier: Apache-2.0 */
/* intake_presets.c -- see intake_presets.h.  The sizes are those that the destinations document. */
#include "intake_presets.h"

#define NS_PER_HOUR UINT64_C(3600000000000)
#define MB          UINT64_C(1000000)

const char *const intake_preset_names[] = {
    "webhook", "sentinel", "google_secops", "datadog", "sumo",
    "loki",    "logscale", "victorialogs",  NULL,
};

const struct intake_preset intake_presets[] = {
    {
        /* webhook: whoever takes JSON */
        .content_type = "application/json",
        .record = "{{shape:otel}}",
        .framing = FRAMING_JSON_ARRAY,
        .compression = COMPRESSION_NONE,
        .max_body_size = 1 * MB,
        .on_large_item = LARGE_REJECT,
    },
    {
        /* sentinel: 1 MB a call, compressed and not; a text of a column is cut at 64 KB there */
        .query = "api-version=2023-01-01",
        .content_type = "application/json",
        .record = "{\"TimeGenerated\":{{time:rfc3339_nano}},\"EventId\":{{uid}},"
                  "\"Kind\":{{kind}},\"Phase\":{{phase}},\"Outcome\":{{outcome}},"
                  "\"Decision\":{{decision}},\"Product\":{{product}},\"SessionId\":{{session}},"
                  "\"Tool\":{{tool}},\"UserName\":{{user_name}},\"HostName\":{{host}},"
                  "\"Severity\":{{severity}},\"Message\":{{body:str}},\"Event\":{{shape:otel}}}",
        .framing = FRAMING_JSON_ARRAY,
        .compression = COMPRESSION_GZIP,
        .max_body_size = 1 * MB,
        .on_large_item = LARGE_TRUNCATE,
    },
    {
        /* google_secops: logs:import of the Chronicle API */
        .content_type = "application/json",
        .record = "{\"data\":{{shape:otel:b64}},\"logEntryTime\":{{time:rfc3339_nano}},"
                  "\"collectionTime\":{{received:rfc3339_nano?}}}",
        .framing = FRAMING_WRAPPED,
        .body_prefix = "{\"inlineSource\":{\"logs\":[",
        .body_suffix = "]}}",
        .compression = COMPRESSION_GZIP,
        .max_body_size = 1 * MB,
        .on_large_item = LARGE_TRUNCATE,
    },
    {
        /* datadog: what is longer it cuts, and answers 2xx; what is older it drops */
        .path = "/api/v2/logs",
        .content_type = "application/json",
        .record = "{\"ddsource\":\"telltale\",\"service\":{{service?}},\"hostname\":{{host?}},"
                  "\"status\":{{severity?}},\"timestamp\":{{time:unix_ms?}},\"uid\":{{uid?}},"
                  "\"message\":{{shape:otel:str}}}",
        .framing = FRAMING_JSON_ARRAY,
        .compression = COMPRESSION_GZIP,
        .max_body_size = 5 * MB,
        .max_items = 1000,
        .max_item_size = 1 * MB,
        .on_large_item = LARGE_TRUNCATE,
        .max_age_ns = 18 * NS_PER_HOUR,
    },
    {
        /* sumo: a line is a message; the address is the secret */
        .content_type = "application/x-ndjson",
        .record = "{{shape:otel}}",
        .framing = FRAMING_NDJSON,
        .compression = COMPRESSION_GZIP,
        .max_body_size = 1 * MB,
        .on_large_item = LARGE_TRUNCATE,
    },
    {
        /* loki: few labels, of few values; the rest is in the line */
        .path = "/loki/api/v1/push",
        .content_type = "application/json",
        .record = "[{{time:unix_ns_str}},{{shape:otel:str}},"
                  "{\"uid\":{{uid?}},\"session\":{{session?}},\"tool\":{{tool?}}}]",
        .framing = FRAMING_WRAPPED,
        .body_prefix = "{\"streams\":[",
        .body_suffix = "]}",
        .group_by = "{\"job\":\"telltale\",\"service_name\":{{service?}},\"kind\":{{kind?}},"
                    "\"outcome\":{{outcome?}}}",
        .compression = COMPRESSION_GZIP,
        .max_body_size = 4 * MB,
        .max_item_size = UINT64_C(256) * 1024,
        .on_large_item = LARGE_TRUNCATE,
    },
    {
        /* logscale: its HEC; whitespace between events */
        .path = "/api/v1/ingest/hec",
        .content_type = "application/json",
        .record = "{\"time\":{{time:unix_dec9?}},\"host\":{{host?}},\"source\":\"telltale\","
                  "\"sourcetype\":\"json\",\"event\":{{shape:otel}}}",
        .framing = FRAMING_NDJSON,
        .compression = COMPRESSION_GZIP,
        .max_body_size = 16 * MB,
        .max_item_size = 1 * MB,
        .on_large_item = LARGE_TRUNCATE,
    },
    {
        /* victorialogs: objects within become fields with dots */
        .path = "/insert/jsonline",
        .query = "_stream_fields=service,host&_time_field=_time&_msg_field=_msg",
        .content_type = "application/stream+json",
        .record = "{\"_time\":{{time:rfc3339_nano?}},\"_msg\":\"{{kind}} {{body}}\","
                  "\"service\":{{service?}},\"host\":{{host?}},\"uid\":{{uid?}},"
                  "\"otel\":{{shape:otel}}}",
        .framing = FRAMING_NDJSON,
        .compression = COMPRESSION_GZIP,
        .max_body_size = 16 * MB,
        .max_item_size = 2 * MB,
        .on_large_item = LARGE_TRUNCATE,
    },
};
