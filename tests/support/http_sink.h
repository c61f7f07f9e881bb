/* SPDX-License-Identifier: Apache-2.0 */
/* http_sink.h -- an HTTP/1.1 server, with TLS if wished, that answers from a script, misbehaves as
 * the script says, and remembers what it got.
 *
 * It has a thread of its own, and one for each connection.  Failures inside it abort the test.
 * Functions are for the thread that started it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/buf.h"

struct http_sink;
struct http_sink_request;

struct http_sink_settings {
    const char *unix_path; /* NULL: 127.0.0.1, any port */
    /* PEM texts; NULL: plain text */
    const char *cert;
    const char *key;
    const char *client_ca; /* asks for a client certificate below this; NULL: does not */
    bool tls_1_2_only;
    bool discard; /* requests are counted and not kept: for benchmarks */
    /* Writes the body of an answer with status 200, instead of the script; on the thread of the
     * connection.  NULL: the script answers. */
    void (*answer)(void *context, const struct http_sink_request *request, struct buf *body);
    void *context; /* borrowed */
};

enum http_sink_deed {
    SINK_ANSWER,
    SINK_CLOSE_AT_ACCEPT,    /* before a byte is read */
    SINK_CLOSE_BEHIND_HEAD,  /* of the request */
    SINK_CLOSE_IN_BODY,      /* when a part of the request's body was read */
    SINK_CLOSE_UNANSWERED,   /* when the request was read */
    SINK_CLOSE_IN_ANSWER,    /* when half of the answer's body was written */
    SINK_ANSWER_BEHIND_HEAD, /* answers, and hangs up, without reading the body */
    SINK_HOLD,               /* reads the request and never answers */
    SINK_HOLD_UNREAD,        /* does not even read it */
    SINK_DRIP,               /* a byte of the answer every 20 ms, for ever */
};

struct http_sink_answer {
    enum http_sink_deed deed;
    int status;          /* 0: 200 */
    const char *headers; /* further ones, each with its "\r\n"; NULL: none */
    struct slice body;
    struct slice raw;    /* sent as it is instead of all that; empty: not */
    bool close;          /* the connection, behind the answer */
    bool without_length; /* no Content-Length: the end of the connection ends the body */
};

/* What arrived; good until the sink is stopped. */
struct http_sink_request {
    char head[32768];    /* request line and headers, NUL-terminated */
    struct slice body;   /* as it came */
    unsigned connection; /* counts from 0 */
};

struct http_sink *http_sink_start(const struct http_sink_settings *settings);
void http_sink_stop(struct http_sink *sink); /* accepts NULL */

int http_sink_port(const struct http_sink *sink);

/* The answers to the next requests, in turn; the last one is given for ever.  Copied, but for what
 * they point to.  Without a script every request is answered with 200 and nothing. */
void http_sink_script(struct http_sink *sink, const struct http_sink_answer *answers, size_t count);

size_t http_sink_count(struct http_sink *sink);
const struct http_sink_request *http_sink_request(struct http_sink *sink, size_t index);

/* How many connections were accepted. */
size_t http_sink_connections(struct http_sink *sink);

/* Copies the value of a header into `out`; false: it did not come. */
bool http_sink_header(const struct http_sink_request *request, const char *name, char *out,
                      size_t out_size);
