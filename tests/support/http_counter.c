/* SPDX-License-Identifier: Apache-2.0 */
/* http_counter.c -- see http_counter.h. */
#include "support/http_counter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/http_sink.h"
#include "support/otlp_count.h"
#include "wire/compress.h"

enum { INFLATED_MAX = 64 << 20 };

struct http_counter {
    struct http_sink *sink;
    enum http_counter_protocol protocol;
    /* shared, atomic */
    _Atomic uint64_t requests;
    _Atomic uint64_t wire_bytes;
    _Atomic uint64_t records;
};

static void must(enum status status)
{
    ASSERT(status == ST_OK);
}

static void put(struct buf *body, struct slice text)
{
    struct error err;

    must(buf_append(body, text.data, text.size, &err));
}

static uint64_t count_lines(struct slice body)
{
    const uint8_t *end = body.data + body.size;
    uint64_t count = 0;

    for (const uint8_t *at = body.data;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    return count;
}

/* The objects of a body that are in no other one. */
static uint64_t count_objects(struct slice body)
{
    const uint8_t *end = body.data + body.size;
    bool is_in_string = false;
    uint64_t count = 0;
    size_t depth = 0;

    for (const uint8_t *at = body.data; at < end; at++) {
        if (is_in_string && *at == '\\')
            at++;
        else if (*at == '"')
            is_in_string = !is_in_string;
        else if (!is_in_string && *at == '{')
            depth++;
        else if (!is_in_string && *at == '}' && --depth == 0)
            count++;
    }
    return count;
}

static void answer_bulk(uint64_t count, struct buf *body)
{
    put(body, SLICE("{\"errors\":false,\"items\":["));
    for (uint64_t i = 0; i < count; i++)
        put(body, i > 0 ? SLICE(",{\"create\":{\"status\":201}}")
                        : SLICE("{\"create\":{\"status\":201}}"));
    put(body, SLICE("]}"));
}

/* The records of a request, which is answered. */
static uint64_t take(const struct http_counter *counter, struct slice request, struct buf *body)
{
    uint64_t count;

    switch (counter->protocol) {
    case COUNT_OTLP_HTTP:
        return otlp_count_records(request, NULL);
    case COUNT_SPLUNK_HEC:
        put(body, SLICE("{\"text\":\"Success\",\"code\":0}"));
        count = count_lines(request); /* one an event; exporters may as well put nothing between */
        return count > 0 ? count : count_objects(request);
    case COUNT_BULK:
        count = count_lines(request) / 2; /* an action and a document */
        answer_bulk(count, body);
        return count;
    }
    abort();
}

static void answer(void *context, const struct http_sink_request *request, struct buf *body)
{
    struct http_counter *counter = context;
    enum content_encoding encoding = ENCODING_NONE;
    struct slice content = request->body;
    struct buf inflated;
    struct error err;
    char name[32];

    buf_init(&inflated, INFLATED_MAX);
    if (http_sink_header(request, "content-encoding", name, sizeof(name)))
        must(content_encoding_parse(slice_of_text(name), &encoding, &err));
    if (encoding != ENCODING_NONE) {
        must(content_decode(encoding, content, &inflated, &err));
        content = buf_slice(&inflated);
    }
    counter->requests++;
    counter->wire_bytes += request->body.size;
    counter->records += take(counter, content, body);
    buf_fini(&inflated);
}

struct http_counter *http_counter_start(const char *unix_path, enum http_counter_protocol protocol)
{
    struct http_counter *counter = calloc(1, sizeof(*counter));
    const struct http_sink_settings settings = {
        .unix_path = unix_path, .discard = true, .answer = answer, .context = counter};

    ASSERT(counter != NULL);
    counter->protocol = protocol;
    counter->sink = http_sink_start(&settings);
    return counter;
}

int http_counter_port(const struct http_counter *counter)
{
    return http_sink_port(counter->sink);
}

struct sink_counts http_counter_read(struct http_counter *counter)
{
    return (struct sink_counts){counter->requests, counter->wire_bytes, counter->records};
}

void http_counter_stop(struct http_counter *counter)
{
    http_sink_stop(counter->sink);
    free(counter);
}
