/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.c -- see http_request.h.
 *
 * The library lets us answer before the body or after it, not within.  So what is refused in the
 * middle is read to its end and thrown away, up to DISCARD_FACTOR times what would have been
 * accepted; a body whose Content-Length is too large is refused before it. */
#include "receivers/http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "util/clock.h"
#include "wire/otlp_json.h"

enum {
    DISCARD_FACTOR = 4,
    TRANSLATION_FACTOR = 2, /* protobuf is larger than JSON only for lists of tiny values */
};

void http_request_fail(struct http_request *request, unsigned int http_status, enum rpc_code code,
                       const char *message)
{
    struct http_verdict *verdict = &request->verdict;

    if (verdict->http_status != 0)
        return;
    verdict->http_status = http_status;
    verdict->code = code;
    snprintf(verdict->message, sizeof(verdict->message), "%s", message);
    http_request_drop_body(request);
}

static void fail_in_text(struct http_request *request, unsigned int http_status,
                         const char *message)
{
    request->verdict.is_text = true;
    http_request_fail(request, http_status, RPC_INVALID_ARGUMENT, message);
}

/* --- Headers ------------------------------------------------------------------------------ */

static bool is_extra_path(const struct http_request_limits *limits, const char *path)
{
    for (const char *const *extra = limits->extra_paths; extra != NULL && *extra != NULL; extra++) {
        if (strcmp(*extra, path) == 0)
            return true;
    }
    return false;
}

static bool find_signal(const struct http_request_limits *limits, const char *path,
                        enum signal *ret)
{
    if (strcmp(path, "/v1/logs") == 0 || is_extra_path(limits, path))
        *ret = SIGNAL_LOGS;
    else if (strcmp(path, "/v1/traces") == 0)
        *ret = SIGNAL_TRACES;
    else if (strcmp(path, "/v1/metrics") == 0)
        *ret = SIGNAL_METRICS;
    else
        return false;
    return true;
}

/* "application/json; charset=utf-8": what stands before the parameters. */
static bool is_media_type(const char *header, const char *type)
{
    size_t size = strlen(type);

    if (strncasecmp(header, type, size) != 0)
        return false;
    const char *rest = header + size;
    rest += strspn(rest, " \t");
    return *rest == 0 || *rest == ';';
}

static bool find_encoding(const char *content_type, enum otlp_encoding *ret)
{
    if (content_type == NULL)
        return false;
    content_type += strspn(content_type, " \t");
    if (is_media_type(content_type, "application/x-protobuf"))
        *ret = OTLP_PROTOBUF;
    else if (is_media_type(content_type, "application/json"))
        *ret = OTLP_JSON;
    else
        return false;
    return true;
}

static void check_content_length(struct http_request *request, const char *header)
{
    char message[96];

    if (header == NULL || strtoull(header, NULL, 10) <= request->body.limit)
        return;
    snprintf(message, sizeof(message), "the body may have %zu bytes", request->body.limit);
    http_request_fail(request, MHD_HTTP_CONTENT_TOO_LARGE, RPC_RESOURCE_EXHAUSTED, message);
}

static void check_headers(struct http_request *request, struct MHD_Connection *connection)
{
    struct error err;
    const char *type =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *compression =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);

    if (!find_encoding(type, &request->encoding)) {
        fail_in_text(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                     "send application/x-protobuf or application/json");
        return;
    }
    if (content_encoding_parse(slice_of_text(compression != NULL ? compression : ""),
                               &request->compression, &err) != ST_OK)
        http_request_fail(request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT, err.text);
    if (request->compression == ENCODING_NONE)
        request->body.limit = request->limits->decoded_size_max;
    check_content_length(request, MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                              MHD_HTTP_HEADER_CONTENT_LENGTH));
}

void http_request_init(struct http_request *request, const struct http_request_limits *limits,
                       struct admission *admission, struct MHD_Connection *connection,
                       const char *method, const char *path)
{
    *request = (struct http_request){.limits = limits, .admission = admission};
    request->begun_ns = clock_monotonic_ns();
    request->deadline_ns = request->begun_ns + limits->time_max_ns;
    buf_init(&request->body, limits->body_size_max);
    if (!find_signal(limits, path, &request->signal))
        fail_in_text(request, MHD_HTTP_NOT_FOUND, "there is /v1/logs, /v1/traces and /v1/metrics");
    else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        fail_in_text(request, MHD_HTTP_METHOD_NOT_ALLOWED, "use POST");
    else
        check_headers(request, connection);
}

void http_request_join(struct http_request *request, struct body_list *bodies)
{
    request->bodies = bodies;
    body_list_add(bodies, request);
}

void http_request_leave(struct http_request *request)
{
    if (request->bodies != NULL)
        body_list_remove(request->bodies, request);
    request->bodies = NULL;
}

void http_request_fini(struct http_request *request)
{
    http_request_leave(request);
    http_request_drop_body(request);
}

/* --- The body ----------------------------------------------------------------------------- */

void http_request_drop_body(struct http_request *request)
{
    buf_fini(&request->body);
    admission_give(request->admission, request->counted_bytes);
    request->counted_bytes = 0;
}

static void fail_for_memory(struct http_request *request)
{
    request->verdict.retry_after_s = 1;
    http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE,
                      "memory for events in flight is short");
}

/* Takes memory, if need be from those that had their time. */
static bool take_memory(struct http_request *request, size_t size)
{
    while (!admission_take(request->admission, request->counted_bytes, size)) {
        struct http_request *stalled =
            request->bodies != NULL ? body_list_largest(request->bodies, request, HTTP_STALL_NS)
                                    : NULL;
        if (stalled == NULL)
            return false;
        fail_for_memory(stalled);
    }
    return true;
}

static void keep(struct http_request *request, const void *data, size_t size)
{
    struct error err;

    if (!take_memory(request, size)) {
        fail_for_memory(request);
        return;
    }
    request->counted_bytes += size;
    enum status st = buf_append(&request->body, data, size, &err);
    if (st == ST_LIMIT) {
        http_request_fail(request, MHD_HTTP_CONTENT_TOO_LARGE, RPC_RESOURCE_EXHAUSTED, err.text);
    } else if (st != ST_OK) {
        request->verdict.retry_after_s = 1;
        http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, err.text);
    }
}

bool http_request_take(struct http_request *request, const void *data, size_t size)
{
    request->received_bytes += size;
    if (request->received_bytes / DISCARD_FACTOR > request->body.limit)
        return false;
    if (clock_monotonic_ns() > request->deadline_ns)
        return false;
    if (request->verdict.http_status == 0)
        keep(request, data, size);
    return true;
}

/* --- Decoding ----------------------------------------------------------------------------- */

static void fail_decoding(struct http_request *request, enum status status, const char *message)
{
    if (status == ST_LIMIT) {
        http_request_fail(request, MHD_HTTP_CONTENT_TOO_LARGE, RPC_RESOURCE_EXHAUSTED, message);
    } else if (status == ST_NO_MEMORY) {
        request->verdict.retry_after_s = 1;
        http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, message);
    } else {
        http_request_fail(request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT, message);
    }
}

static enum status decompress(struct http_request *request, struct buf *out, struct slice *ret,
                              struct error *err)
{
    char message[96];

    *ret = buf_slice(&request->body);
    if (request->compression == ENCODING_NONE)
        return ST_OK;
    enum status st = content_decode(request->compression, *ret, out, err);
    if (st == ST_LIMIT) {
        snprintf(message, sizeof(message), "the body may have %zu bytes when it is decompressed",
                 out->limit);
        return error_set(err, ST_LIMIT, "%s", message);
    }
    *ret = buf_slice(out);
    return st;
}

/* An empty body is an empty request, in JSON too. */
static enum status translate(struct http_request *request, const struct otlp_limits *limits,
                             struct slice content, struct buf *out, struct slice *ret,
                             struct error *err)
{
    if (request->encoding == OTLP_PROTOBUF || content.size == 0) {
        *ret = content;
        return ST_OK;
    }
    enum status st = otlp_json_read_request(content, request->signal, limits, out, err);
    *ret = buf_slice(out);
    if (st == ST_LIMIT)
        st = err->status = ST_INVALID; /* it nests too deep: 413 would say that it is too large */
    return st;
}

enum status http_request_decode(struct http_request *request, const struct otlp_limits *limits,
                                struct http_decoded *decoded)
{
    struct slice content = SLICE_EMPTY;
    struct error err;

    enum status st = decompress(request, &decoded->inflated, &content, &err);
    if (st == ST_OK)
        st = translate(request, limits, content, &decoded->translated, &decoded->request, &err);
    if (st != ST_OK)
        fail_decoding(request, st, err.text);
    return st;
}

void http_decoded_init(struct http_decoded *decoded, const struct http_request_limits *limits)
{
    *decoded = (struct http_decoded){0};
    buf_init(&decoded->inflated, limits->decoded_size_max);
    buf_init(&decoded->translated, TRANSLATION_FACTOR * limits->decoded_size_max);
}

void http_decoded_fini(struct http_decoded *decoded)
{
    buf_fini(&decoded->inflated);
    buf_fini(&decoded->translated);
}
