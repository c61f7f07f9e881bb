/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_json.c -- see foreign_json.h. */
#include "wire/foreign_json.h"

#include "wire/json_scan.h"

static const struct {
    struct slice key;
    enum foreign_json meaning;
} marks[] = {
    {SLICE("resourceLogs"), FOREIGN_JSON_OTLP},
    {SLICE("resourceSpans"), FOREIGN_JSON_OTLP},
    {SLICE("resourceMetrics"), FOREIGN_JSON_OTLP},
    {SLICE("hrTime"), FOREIGN_JSON_SDK},       /* of a log record */
    {SLICE("_spanContext"), FOREIGN_JSON_SDK}, /* of a span */
    {SLICE("scopeMetrics"), FOREIGN_JSON_SDK},
};

static enum foreign_json meaning_of(const struct json_text *key)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (json_text_equal(key, marks[i].key))
            return marks[i].meaning;
    }
    return FOREIGN_JSON_NONE;
}

enum foreign_json foreign_json_find(struct slice json)
{
    size_t size = json.size < FOREIGN_JSON_LOOK_MAX ? json.size : FOREIGN_JSON_LOOK_MAX;
    struct json_scan scan = json_scan_start(slice_of(json.data, size));
    struct json_text key;
    bool more;

    if (json_peek(&scan) != '{' || !json_open(&scan, '{', '}', &more))
        return FOREIGN_JSON_NONE;
    while (more && json_read_key(&scan, &key)) {
        enum foreign_json found = meaning_of(&key);
        if (found != FOREIGN_JSON_NONE)
            return found;
        if (!json_skip_value(&scan) || !json_read_separator(&scan, '}', &more))
            break;
    }
    return FOREIGN_JSON_NONE;
}

const char *foreign_json_words(enum foreign_json found)
{
    switch (found) {
    case FOREIGN_JSON_OTLP:
        return "this is OTLP in JSON: send it to the OTLP/HTTP receiver, "
               "POST http://127.0.0.1:4318/v1/logs with Content-Type: application/json";
    case FOREIGN_JSON_SDK:
        return "this is what Gemini CLI and Qwen Code write to telemetry.outfile, and no OTLP: "
               "take "
               "outfile out of the agent's settings, and it sends (telltale install-hooks gemini)";
    default:
        return "";
    }
}
