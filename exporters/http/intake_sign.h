/* SPDX-License-Identifier: Apache-2.0 */
/* intake_sign.h -- signatures: HMAC-SHA256 of a body, AWS Signature Version 4, RS256 of a JWT.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"

enum {
    SIGN_HEX_SIZE = 65,  /* SHA-256 in hexadecimal digits, and NUL */
    SIGN_TIME_SIZE = 17, /* "20150830T123600Z" and NUL */
};

/* ST_NO_MEMORY. */
MUST_CHECK enum status sign_hmac_hex(struct slice key, struct slice data, char out[SIGN_HEX_SIZE],
                                     struct error *err);
MUST_CHECK enum status sign_sha256_hex(struct slice data, char out[SIGN_HEX_SIZE],
                                       struct error *err);

struct sigv4_request {
    const char *method;
    const char *host;  /* with its port, if it is not that of the scheme */
    const char *path;  /* escaped; "": "/" */
    const char *query; /* escaped, without '?'; NULL: none */
    const char *region, *service;
    const char *key_id;
    struct slice secret_key;
    const char *session_token; /* NULL: none */
    const char *time;          /* "20150830T123600Z" */
    const char *body_hash;     /* of the body as it goes out, in hexadecimal digits */
    bool sign_body_hash;       /* it goes along as x-amz-content-sha256 */
};

/* Replaces `out` by the value of the header Authorization, NUL-terminated.  Signed are host,
 * x-amz-date and, where they are there, x-amz-content-sha256 and x-amz-security-token. */
MUST_CHECK enum status sigv4_authorization(const struct sigv4_request *request, struct buf *out,
                                           struct error *err);

/* Appends `bytes` in the base64 of URLs, without padding. */
MUST_CHECK enum status sign_put_base64url(struct buf *out, struct slice bytes, struct error *err);

/* Appends a JWT: claims in JSON, signed by an RSA key in PEM.  ST_INVALID: it is none. */
MUST_CHECK enum status sign_put_jwt(struct buf *out, struct slice claims, const char *key_id,
                                    struct slice private_key, struct error *err);

/* Appends what stands for `text` in a form or a query: RFC 3986. */
MUST_CHECK enum status sign_put_escaped(struct buf *out, struct slice text, struct error *err);
