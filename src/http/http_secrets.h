/* SPDX-License-Identifier: Apache-2.0 */
/* http_secrets.h -- headers whose values stand in files, and certificates, followed as they change.
 *
 * Threads: one owner.
 */
#pragma once

#include "http/http_limits.h"
#include "telltale/http_config.h"
#include "telltale/secret_file.h"

enum {
    HTTP_SECRETS_MAX = HTTP_HEADERS_MAX + 1, /* headers_from_files, and authorization */
    HTTP_TLS_FILES = 3
};

/* One header. */
struct http_secret {
    const char *name;   /* of the header */
    const char *path;   /* of the file with its value */
    const char *scheme; /* stands before the value, "Bearer"; NULL: nothing does */
    const char *user; /* the value is a password of theirs, and is sent as Basic; NULL: it is not */
    struct stat seen; /* the file when `line` was made */
    struct buf line;  /* "name: value" as a C string; empty: not read yet */
};

struct http_secrets {
    const struct http_config *config; /* borrowed */
    struct http_secret items[HTTP_SECRETS_MAX];
    size_t count;
    struct stat tls_seen[HTTP_TLS_FILES]; /* ca_file, cert_file, key_file */
};

/* Reads nothing.  `token_scheme` is borrowed. */
void http_secrets_init(struct http_secrets *secrets, const struct http_config *config,
                       const char *token_scheme);
void http_secrets_fini(struct http_secrets *secrets);

/* Reads the files that are not what they were the last time.  One stat(2) each otherwise. */
MUST_CHECK enum status http_secrets_refresh(struct http_secrets *secrets, struct error *err);

/* Whether a certificate or key is no longer what it was when this was last true, and all of them
 * are whole.  True the first time.  `is_ready` is false when one of them is not there or not PEM:
 * `err` says which. */
bool http_secrets_tls_changed(struct http_secrets *secrets, bool *ret_ready, struct error *err);
