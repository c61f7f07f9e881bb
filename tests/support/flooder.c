/* SPDX-License-Identifier: Apache-2.0 */
/* flooder.c -- see flooder.h.  Events are made once; before they are sent again only their marks
 * are written anew, so that the sender costs less than the daemon. */
#include "support/flooder.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/ack_lines.h"
#include "support/agent_events.h"
#include "support/unix_sender.h"
#include "telltale/base.h"
#include "telltale/buf.h"
#include "wire/otlp.h"

enum {
    EVENTS_MADE = 2000,
    PIECE_SIZE = 64 * 1024,
    REQUEST_RECORDS = 200,
    REQUEST_MAX = 1 << 20,
    RECORD_TEXT = 600,
};

struct flooder {
    struct flooder_settings settings;
    int fd;
    pthread_t writer, reader;
    char *text;   /* owned: lines, or one request */
    char **marks; /* owned: where the marks stand in it */
    size_t *ends; /* owned: of each line; of the request there is one */
    size_t count; /* marks */
    size_t size;  /* of the text */
    uint64_t sent, acked, failed_requests;
    struct ack_lines answers;
    atomic_bool stopping;
};

static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, text, size, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        size -= (size_t)written;
    }
    return true;
}

/* --- Events on the Unix socket -------------------------------------------------------------- */

static void make_lines(struct flooder *flooder)
{
    struct agent_events events;

    agent_events_make(&events, EVENTS_MADE);
    flooder->text = events.text;
    flooder->ends = events.ends;
    flooder->size = events.size;
    flooder->count = events.count;
    for (size_t i = 0; i < events.count; i++) {
        struct slice line = agent_events_line(&events, i);
        flooder->marks[i] = memmem(line.data, line.size, "\"event.id\":\"", 12);
        ASSERT(flooder->marks[i] != NULL);
        flooder->marks[i] += 12;
    }
}

static void *write_lines(void *context)
{
    struct flooder *flooder = context;
    size_t first = 0;

    while (!flooder->stopping) {
        size_t start = first > 0 ? flooder->ends[first - 1] : 0;
        size_t i = first;
        for (; i < flooder->count && flooder->ends[i] - start <= PIECE_SIZE; i++)
            mark_write(flooder->marks[i], flooder->settings.sender, ++flooder->sent);
        ASSERT(write_all(flooder->fd, flooder->text + start, flooder->ends[i - 1] - start));
        first = i % flooder->count;
    }
    ASSERT(shutdown(flooder->fd, SHUT_WR) == 0);
    return NULL;
}

static void *read_lines(void *context)
{
    struct flooder *flooder = context;

    while (ack_lines_read(&flooder->answers, flooder->fd, 0) > 0)
        ;
    return NULL;
}

/* --- Requests over HTTP ----------------------------------------------------------------------- */

static void append_record(struct flooder *flooder, struct buf *scope_logs)
{
    char text[RECORD_TEXT + 1];
    struct buf record;
    struct error err;
    uint8_t *end;

    memset(text, 'x', RECORD_TEXT);
    text[RECORD_TEXT] = '\0';
    buf_init(&record, REQUEST_MAX);
    ASSERT(pb_append_text(&record, RECORD_ATTRIBUTES, SLICE("event.name"), SLICE("tool_result"),
                          &err) == ST_OK);
    ASSERT(pb_append_text(&record, RECORD_ATTRIBUTES, SLICE("event.id"), SLICE("ed00000000000000"),
                          &err) == ST_OK);
    ASSERT(pb_append_text(&record, RECORD_ATTRIBUTES, SLICE("text"), slice_of_text(text), &err) ==
           ST_OK);
    ASSERT(buf_reserve(scope_logs, record.size + PB_TAG_MAX + PB_VARINT_MAX, &err) == ST_OK);
    end = pb_put_bytes(scope_logs->data + scope_logs->size, SCOPE_LOGS_LOG_RECORDS,
                       buf_slice(&record));
    scope_logs->size = (size_t)(end - scope_logs->data);
    buf_fini(&record);
    flooder->count++;
}

/* Puts what is in `inner` around itself as field `number`. */
static void wrap(struct buf *inner, uint32_t number)
{
    struct buf outer;
    struct error err;

    buf_init(&outer, REQUEST_MAX);
    ASSERT(buf_reserve(&outer, inner->size + PB_TAG_MAX + PB_VARINT_MAX, &err) == ST_OK);
    uint8_t *end = pb_put_bytes(outer.data, number, buf_slice(inner));
    outer.size = (size_t)(end - outer.data);
    buf_fini(inner);
    *inner = outer;
}

static void make_request(struct flooder *flooder)
{
    char head[160];
    struct buf body;

    buf_init(&body, REQUEST_MAX);
    for (int i = 0; i < REQUEST_RECORDS; i++)
        append_record(flooder, &body);
    wrap(&body, RESOURCE_LOGS_SCOPE_LOGS);
    wrap(&body, REQUEST_RESOURCE_LOGS);
    int head_size = snprintf(head, sizeof(head),
                             "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                             "application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                             body.size);
    flooder->size = (size_t)head_size + body.size;
    flooder->text = malloc(flooder->size);
    ASSERT(flooder->text != NULL);
    memcpy(flooder->text, head, (size_t)head_size);
    memcpy(flooder->text + head_size, body.data, body.size);
    buf_fini(&body);
    char *at = flooder->text;
    for (size_t i = 0; i < flooder->count; i++) {
        at = memmem(at, flooder->size - (size_t)(at - flooder->text),
                    "\x0a\x10"
                    "ed",
                    4);
        ASSERT(at != NULL);
        at += 2;
        flooder->marks[i] = at;
    }
}

static int connect_http(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    ASSERT(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* The status of an answer, read to its end; 0: the connection ended first. */
static int read_answer(int fd)
{
    char text[4096];
    size_t size = 0;
    int status = 0;

    for (;;) {
        ssize_t got = recv(fd, text + size, sizeof(text) - 1 - size, 0);
        if (got <= 0)
            return 0;
        size += (size_t)got;
        text[size] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "content-length:");
        if (body == NULL || length == NULL)
            continue;
        if (size >= (size_t)(body + 4 - text) + strtoul(length + 15, NULL, 10))
            break;
    }
    ASSERT(sscanf(text, "HTTP/1.1 %d", &status) == 1);
    return status;
}

static void note_answer(struct flooder *flooder, int status)
{
    if (status != 200) {
        flooder->failed_requests++;
        snprintf(flooder->answers.last_error, sizeof(flooder->answers.last_error), "HTTP %d",
                 status);
        for (size_t i = 0; i < flooder->count; i++)
            (void)number_set_add(&flooder->answers.refused, flooder->sent - i);
    }
    flooder->answers.handled = flooder->sent;
}

static void *write_requests(void *context)
{
    struct flooder *flooder = context;

    while (!flooder->stopping) {
        if (flooder->fd < 0)
            flooder->fd = connect_http(flooder->settings.address);
        for (size_t i = 0; i < flooder->count; i++)
            mark_write(flooder->marks[i], flooder->settings.sender, ++flooder->sent);
        int status = 0;
        if (write_all(flooder->fd, flooder->text, flooder->size))
            status = read_answer(flooder->fd);
        note_answer(flooder, status);
        if (status == 0) {
            (void)close(flooder->fd);
            flooder->fd = -1;
        }
    }
    return NULL;
}

/* --- Starting and stopping -------------------------------------------------------------------- */

struct flooder *flooder_start(const struct flooder_settings *settings)
{
    struct flooder *flooder = calloc(1, sizeof(*flooder));
    bool is_http = settings->way == FLOOD_HTTP;

    ASSERT(flooder != NULL);
    flooder->settings = *settings;
    flooder->marks = calloc(EVENTS_MADE, sizeof(*flooder->marks));
    ASSERT(flooder->marks != NULL);
    if (is_http)
        make_request(flooder);
    else
        make_lines(flooder);
    flooder->fd = is_http ? -1 : unix_sender_connect(settings->address, settings->uid);
    if (settings->way == FLOOD_UNIX)
        ASSERT(pthread_create(&flooder->reader, NULL, read_lines, flooder) == 0);
    ASSERT(pthread_create(&flooder->writer, NULL, is_http ? write_requests : write_lines,
                          flooder) == 0);
    return flooder;
}

void flooder_finish(struct flooder *flooder)
{
    flooder->stopping = true;
    ASSERT(pthread_join(flooder->writer, NULL) == 0);
    if (flooder->settings.way == FLOOD_UNIX)
        ASSERT(pthread_join(flooder->reader, NULL) == 0);
}

struct flooder_result flooder_result(const struct flooder *flooder)
{
    return (struct flooder_result){
        .sent = flooder->sent,
        .acked = flooder->answers.handled,
        .refused = flooder->answers.refused.count,
        .errors_lost = flooder->answers.errors_lost,
        .failed_requests = flooder->failed_requests,
        .refused_numbers = &flooder->answers.refused,
        .last_error = flooder->answers.last_error,
    };
}

void flooder_free(struct flooder *flooder)
{
    if (flooder->fd >= 0)
        (void)close(flooder->fd);
    ack_lines_fini(&flooder->answers);
    free(flooder->text);
    free(flooder->marks);
    free(flooder->ends);
    free(flooder);
}
