/* SPDX-License-Identifier: Apache-2.0 */
/* http_target.h -- an endpoint, taken apart: where to connect, and what to ask for there.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/buf.h"
#include "telltale/error.h"

enum {
    HTTP_URL_MAX = 4096,
    HTTP_HOST_MAX = 260,     /* a DNS name, or an address in brackets */
    HTTP_UNIX_PATH_MAX = 108 /* sun_path, its NUL included */
};

struct http_target {
    bool is_https;
    bool is_local;                      /* loopback or a Unix socket: not seen by other hosts */
    char unix_path[HTTP_UNIX_PATH_MAX]; /* "": none */
    char host[HTTP_HOST_MAX];           /* in brackets if it is an IPv6 address */
    char port[8];
    char path[HTTP_URL_MAX];  /* without a slash at its end */
    char query[HTTP_URL_MAX]; /* without its '?' */
};

/* "http://host:port/path?query", "https://...", "unix:/path".  ST_INVALID says what is wrong. */
MUST_CHECK enum status http_target_parse(const char *text, struct http_target *ret,
                                         struct error *err);

/* Appends the address as a C string with `path` and `query` behind those of the endpoint (NULL:
 * nothing), and `host` instead of the endpoint's (NULL: that). */
MUST_CHECK enum status http_target_put_url(const struct http_target *target, const char *host,
                                           const char *path, const char *query, struct buf *out,
                                           struct error *err);
