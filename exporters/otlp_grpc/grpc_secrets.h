/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_secrets.h -- certificates, keys and tokens, read from files.
 *
 * Threads: one owner.  gRPC must be initialized.
 */
#pragma once

#include <grpc/grpc_security.h>
#include <stdbool.h>

#include "telltale/secret_file.h"

enum { GRPC_TLS_FILE_COUNT = 3 };

struct grpc_tls_files {
    const char *ca_file;                   /* PEM; NULL: the system's certificates */
    const char *cert_file;                 /* PEM; NULL: no certificate of ours */
    const char *key_file;                  /* PEM; given if and only if cert_file is */
    struct stat seen[GRPC_TLS_FILE_COUNT]; /* the files when they were loaded, in this order */
};

/* ST_IO: a file cannot be read; ST_INVALID: it is not PEM; ST_LIMIT.  On ST_OK the caller owns
 * *ret and ends it with grpc_channel_credentials_release(). */
MUST_CHECK enum status grpc_secrets_load_tls(struct grpc_tls_files *files,
                                             grpc_channel_credentials **ret, struct error *err);

/* Whether a file is no longer the one that was loaded.  One stat(2) a file; a file that is not
 * there at the moment has not changed. */
bool grpc_secrets_tls_changed(const struct grpc_tls_files *files);

/* A bearer token in a file that may be replaced at any time. */
struct grpc_token {
    const char *path;  /* borrowed */
    struct stat seen;  /* the file when `header` was read */
    struct buf header; /* "Bearer TOKEN", not NUL-terminated; empty before the first refresh */
};

void grpc_token_init(struct grpc_token *token, const char *path);
void grpc_token_fini(struct grpc_token *token);

/* Reads the file if it is not the one that was read the last time.  One stat(2) otherwise. */
MUST_CHECK enum status grpc_token_refresh(struct grpc_token *token, struct error *err);
