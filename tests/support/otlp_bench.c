/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_bench.c -- see otlp_bench.h. */
#include "support/otlp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct otlp_bench otlp_bench;
unsigned otlp_bench_signals = SIGNALS_ALL;

unsigned int otlp_bench_connections;

void otlp_bench_start(uint64_t journal_size, uint64_t pending_bytes_max)
{
    static const char *const extra_paths[] = {"/codex", NULL};
    char address[LISTENER_NAME_MAX];
    const struct listener_settings listening = {.mode = 0600};
    struct otlp_http_settings settings;

    memset(&otlp_bench, 0, sizeof(otlp_bench));
    test_journal_open_with(&otlp_bench.journal, journal_size, pending_bytes_max);
    temp_dir_make(&otlp_bench.dir);
    snprintf(address, sizeof(address), "unix:%.90s/h.sock", otlp_bench.dir.path);
    assert_int_equal(
        listener_open("127.0.0.1:0", &listening, &otlp_bench.listeners[0], &otlp_bench.err), ST_OK);
    assert_int_equal(listener_open(address, &listening, &otlp_bench.listeners[1], &otlp_bench.err),
                     ST_OK);
    admission_init(&otlp_bench.admission, (size_t)64 << 20);
    otlp_http_settings_default(&settings);
    settings.listeners = otlp_bench.listeners;
    settings.listener_count = 2;
    if (otlp_bench_connections > 0)
        settings.connections_per_uid_max = otlp_bench_connections;
    settings.signals = otlp_bench_signals;
    settings.request_limits.body_size_max = BODY_SIZE_MAX;
    settings.request_limits.decoded_size_max = DECODED_SIZE_MAX;
    settings.request_limits.extra_paths = extra_paths;
    assert_int_equal(otlp_http_receiver_start(&settings, otlp_bench.journal.journal,
                                              &otlp_bench.admission, &otlp_bench.receiver,
                                              &otlp_bench.err),
                     ST_OK);
    buf_init(&otlp_bench.scratch, 64 << 20);
}

int otlp_bench_make(void **state)
{
    (void)state;
    otlp_bench_start(UINT64_C(1) << 30, UINT64_C(64) << 20);
    return 0;
}

int otlp_bench_drop(void **state)
{
    (void)state;
    test_journal_release_syncs();
    otlp_http_receiver_stop(otlp_bench.receiver);
    assert_int_equal(admission_used(&otlp_bench.admission), 0);
    listener_close(&otlp_bench.listeners[0]);
    listener_close(&otlp_bench.listeners[1]);
    test_journal_close(&otlp_bench.journal);
    temp_dir_remove(&otlp_bench.dir);
    buf_fini(&otlp_bench.scratch);
    return 0;
}

/* --- A client --------------------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct otlp_reply *reply = context;
    size_t all = size * count;

    assert_true(reply->headers_size + all < sizeof(reply->headers));
    memcpy(reply->headers + reply->headers_size, data, all);
    reply->headers_size += all;
    return all;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct otlp_reply *reply = context;
    size_t all = size * count;

    assert_true(reply->body_size + all < sizeof(reply->body));
    memcpy(reply->body + reply->body_size, data, all);
    reply->body_size += all;
    return all;
}

static size_t on_read(char *out, size_t size, size_t count, void *context)
{
    struct otlp_call *call = context;
    size_t all = size * count < call->body.size ? size * count : call->body.size;

    if (all > 0)
        memcpy(out, call->body.data, all);
    call->body = slice_from(call->body, all);
    return all;
}

void otlp_call_add_header(struct otlp_call *call, const char *name, const char *value)
{
    char line[160];

    snprintf(line, sizeof(line), "%s: %s", name, value);
    call->headers = curl_slist_append(call->headers, line);
    assert_non_null(call->headers);
}

void otlp_call_prepare(struct otlp_call *call, const char *path, const char *type,
                       const char *encoding, struct slice body)
{
    char url[200];

    *call = (struct otlp_call){.curl = curl_easy_init(), .body = body};
    assert_non_null(call->curl);
    snprintf(url, sizeof(url), "http://%s%s", otlp_bench.listeners[0].name, path);
    curl_easy_setopt(call->curl, CURLOPT_URL, url);
    curl_easy_setopt(call->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(call->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(call->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(call->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(call->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(call->curl, CURLOPT_READDATA, call);
    curl_easy_setopt(call->curl, CURLOPT_HEADERDATA, &call->reply);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->reply);
    if (type != NULL)
        otlp_call_add_header(call, "Content-Type", type);
    else
        call->headers = curl_slist_append(call->headers, "Content-Type:");
    if (encoding != NULL)
        otlp_call_add_header(call, "Content-Encoding", encoding);
}

void otlp_call_finish(struct otlp_call *call)
{
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &call->reply.http_status);
    call->reply.headers[call->reply.headers_size] = 0;
    call->reply.body[call->reply.body_size] = 0;
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
}

void otlp_call_perform(struct otlp_call *call)
{
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    CURLcode code = curl_easy_perform(call->curl);
    if (code != CURLE_OK)
        fail_msg("%s", curl_easy_strerror(code));
    otlp_call_finish(call);
}

struct otlp_reply otlp_post(const char *path, const char *type, const char *encoding,
                            struct slice body)
{
    struct otlp_call call;

    otlp_call_prepare(&call, path, type, encoding, body);
    otlp_call_perform(&call);
    return call.reply;
}

struct otlp_reply otlp_post_text(const char *type, const char *text)
{
    return otlp_post("/v1/logs", type, NULL, slice_of_text(text));
}

const char *otlp_reply_text(const struct otlp_reply *reply)
{
    return (const char *)reply->body;
}

const char *otlp_one_record(const char *body)
{
    static char text[512];

    snprintf(text, sizeof(text),
             "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":"
             "\"%s\"}}]}]}]}",
             body);
    return text;
}
