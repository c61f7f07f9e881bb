/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.h -- one HTTP request after the other to one destination.  Implemented in src/http/.
 *
 * A client keeps its connection.  It speaks HTTP/1.1, follows no redirects, keeps no cookies, and
 * reads no more of an answer than its limits say.  Certificates, tokens and passwords in files are
 * taken up when they change.
 *
 * An answer of any status is an answer: what it means for a batch is said by http_outcome.h.
 *
 * Threads: one owner, http_client_cancel() excepted.
 */
#pragma once

#include "telltale/http_config.h"
#include "telltale/slice.h"

struct http_client;

struct http_client_settings {
    const struct http_config *config; /* checked; borrowed until http_client_destroy() */
    const char *token_scheme;         /* what stands before the token, "Splunk"; NULL: "Bearer" */
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method;       /* NULL: POST */
    const char *url;          /* instead of the endpoint, in the same forms; NULL: the endpoint */
    const char *path;         /* appended to the path there, "/v1/logs"; NULL: nothing */
    const char *query;        /* appended to the query there, "channel=1", escaped; NULL: nothing */
    const char *content_type; /* of the body */
    struct slice body;        /* before compression; empty: none */
    bool is_plain;            /* the body is sent as it is, whatever the configuration says */
    const struct http_header *headers; /* beside those of the configuration */
    size_t header_count;
};

/* How far a request came. */
enum http_transport {
    HTTP_ANSWERED, /* wholly, or as far as the limit allowed: see `is_cut` */
    HTTP_NOT_SENT, /* the destination has nothing of it: no address, no connection, no trust */
    HTTP_UNREADY,  /* the same, because of a file of ours: somebody has to repair it */
    HTTP_UNCLEAR,  /* it went out, perhaps not all of it, and no whole answer came */
};

/* Texts and bytes are borrowed from the client until its next request. */
struct http_response {
    int status;              /* 200 */
    struct slice body;       /* at most max_response_size */
    bool is_cut;             /* there was more */
    const char *type;        /* Content-Type in lower case, without parameters; "" if absent */
    const char *location;    /* of a redirect; "" if absent */
    bool has_retry_after;    /* a Retry-After that can be read */
    uint32_t retry_after_ms; /* rounded up, cut at the type's end; a time that has passed is 0 */
    size_t sent_bytes;       /* of the body, as it went out; set for every result */
};

/* On ST_OK the caller owns *ret.  Opens no connection.  ST_NO_MEMORY, ST_INVALID. */
MUST_CHECK enum status http_client_create(const struct http_client_settings *settings,
                                          struct http_client **ret, struct error *err);
void http_client_destroy(struct http_client *client); /* accepts NULL */

/* Sends and waits for the answer, until `deadline_ns` (monotonic) at most.  *ret is zeroed first.
 * `err` is set for every result but HTTP_ANSWERED, with words on what to do. */
MUST_CHECK enum http_transport http_client_send(struct http_client *client,
                                                const struct http_request *request,
                                                uint64_t deadline_ns, struct http_response *ret,
                                                struct error *err);

/* The next request opens a connection of its own: behind a load balancer, with luck, to another
 * server. */
void http_client_renew(struct http_client *client);

/* Makes the request under way, and every later one, end at once.  From any thread, between create
 * and destroy; does not block. */
void http_client_cancel(struct http_client *client);

/* Gives memory back that a burst of large requests took. */
void http_client_trim(struct http_client *client);
