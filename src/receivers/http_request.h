/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.h -- one OTLP/HTTP request while it arrives: what its headers ask for, its body
 * within limits, and what is wrong with it, if anything.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <microhttpd.h>

#include "receivers/admission.h"
#include "receivers/body_list.h"
#include "receivers/http_answers.h"
#include "telltale/buf.h"
#include "telltale/error.h"
#include "util/clock.h"
#include "wire/compress.h"
#include "wire/otlp.h"

/* An answer that is an error.  `http_status` 0: there is none, all is well so far. */
struct http_verdict {
    unsigned int http_status;
    enum rpc_code code;
    unsigned int retry_after_s; /* 0: not said */
    bool is_text;               /* the request's encoding is not known: plain text */
    char message[256];
};

#define HTTP_STALL_NS (2 * NS_PER_S)

struct http_request_limits {
    size_t body_size_max;           /* of a compressed one, as it arrives */
    size_t decoded_size_max;        /* after decompression, or without any */
    uint64_t time_max_ns;           /* from its first byte to its last */
    const char *const *extra_paths; /* taken as logs, beside /v1/logs; ends with NULL, or is it */
};

struct http_request {
    const struct http_request_limits *limits; /* borrowed */
    struct admission *admission;              /* borrowed */
    enum signal signal;
    enum otlp_encoding encoding;
    enum content_encoding compression;
    struct buf body;
    size_t counted_bytes;    /* of the body, in the admission */
    uint64_t received_bytes; /* of the body, kept or not */
    uint64_t begun_ns, deadline_ns;
    struct body_list *bodies; /* borrowed; NULL: what is counted here stands alone */
    struct http_request *next_body;
    struct http_verdict verdict;
};

/* Looks at the method, the path and the headers; the verdict may be given already. */
void http_request_init(struct http_request *request, const struct http_request_limits *limits,
                       struct admission *admission, struct MHD_Connection *connection,
                       const char *method, const char *path);
void http_request_fini(struct http_request *request);

/* From here on the body is received together with those of `bodies`: when memory for events in
 * flight is short, the largest that has been coming for HTTP_STALL_NS is given up, so that others
 * find room.  Its sender may as well never finish it. */
void http_request_join(struct http_request *request, struct body_list *bodies);
/* The body is whole. */
void http_request_leave(struct http_request *request);

/* Keeps a piece of the body, or, when there is a verdict, throws it away.  False: the sender goes
 * on for ever, the connection is to be closed. */
MUST_CHECK bool http_request_take(struct http_request *request, const void *data, size_t size);

/* The body is not needed any more. */
void http_request_drop_body(struct http_request *request);

/* The request as protobuf, and the memory that it may stand in. */
struct http_decoded {
    struct slice request; /* in one of the two below, or in the body itself */
    struct buf inflated;
    struct buf translated; /* from JSON */
};
void http_decoded_init(struct http_decoded *decoded, const struct http_request_limits *limits);
void http_decoded_fini(struct http_decoded *decoded);

/* Decompresses and translates the body.  On failure the verdict is given. */
MUST_CHECK enum status http_request_decode(struct http_request *request,
                                           const struct otlp_limits *limits,
                                           struct http_decoded *decoded);

/* Gives the verdict, unless there is one. */
void http_request_fail(struct http_request *request, unsigned int http_status, enum rpc_code code,
                       const char *message);
