/* SPDX-License-Identifier: Apache-2.0 */
/* http_config.h -- the options that all exporters over HTTP have.  Implemented in src/http/.
 *
 * An exporter lays a `struct http_config` into its own struct and the rows for it into its table:
 *
 *     struct hec_config {
 *         struct http_config http;
 *         ...
 *     };
 *     const struct config_field hec_fields[] = {
 *         HTTP_CONFIG_FIELDS(struct hec_config, http, "https://host:8088; ..."),
 *         HTTP_CONFIG_BODY_FIELDS(struct hec_config, http, http_compressions_gzip, "gzip", "2MiB"),
 *         ...
 *         {.key = NULL},
 *     };
 *
 * and calls http_config_check() from its own check().
 *
 * Plain text is spoken to this machine only (loopback, Unix sockets), unless the configuration says
 * tls.insecure.
 *
 * Threads: constant tables and pure functions.
 */
#pragma once

#include "telltale/config_field.h"
#include "telltale/error.h"

enum http_compression { HTTP_COMPRESSION_NONE, HTTP_COMPRESSION_GZIP, HTTP_COMPRESSION_ZSTD };

enum http_tls_version { HTTP_TLS_1_2, HTTP_TLS_1_3 };

struct http_tls_config {
    bool insecure;             /* plain text to another host */
    bool insecure_skip_verify; /* TLS with anybody */
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const char *server_name_override;
    int min_version; /* enum http_tls_version */
};

struct http_basic_auth_config {
    const char *user;
    const char *password_file;
};

struct http_config {
    const char *endpoint; /* http://, https:// or unix:/path; see http_client.h for what follows */
    struct http_tls_config tls;
    struct config_text_map headers;
    struct config_text_map headers_from_files; /* name -> path */
    const char *token_file;
    struct http_basic_auth_config basic_auth;
    const char *proxy_url;
    uint64_t connect_timeout_ns;
    uint64_t max_response_size; /* bytes */
    int compression;            /* enum http_compression */
    uint64_t compression_level;
    /* Bytes before compression.  The client does not look at it: cutting is the exporter's. */
    uint64_t max_body_size;
};

extern const struct config_field http_tls_fields[];
extern const struct config_field http_basic_auth_fields[];

/* Choices of `compression`, for destinations that take both, or gzip only. */
extern const char *const http_compressions_all[];
extern const char *const http_compressions_gzip[];

/* The rows of where and how to connect.  `endpoint_help` says what an endpoint of this exporter
 * looks like. */
#define HTTP_CONFIG_FIELDS(owner, member, endpoint_help)                                           \
    {.key = "endpoint",                                                                            \
     .type = CONFIG_TEXT,                                                                          \
     .offset = offsetof(owner, member) + offsetof(struct http_config, endpoint),                   \
     .required = true,                                                                             \
     .help = (endpoint_help)},                                                                     \
        {.key = "tls",                                                                             \
         .type = CONFIG_SECTION,                                                                   \
         .offset = offsetof(owner, member) + offsetof(struct http_config, tls),                    \
         .fields = http_tls_fields,                                                                \
         .help = "How https:// is spoken, and whether http:// may leave this machine."},           \
        {.key = "headers",                                                                         \
         .type = CONFIG_TEXT_MAP,                                                                  \
         .offset = offsetof(owner, member) + offsetof(struct http_config, headers),                \
         .secret = true,                                                                           \
         .help = "Headers that go with every request."},                                           \
        {.key = "headers_from_files",                                                              \
         .type = CONFIG_TEXT_MAP,                                                                  \
         .offset = offsetof(owner, member) + offsetof(struct http_config, headers_from_files),     \
         .help = "Headers whose values stand in files, name and absolute path. A file is read "    \
                 "again when it changes."},                                                        \
        {.key = "token_file",                                                                      \
         .type = CONFIG_PATH,                                                                      \
         .offset = offsetof(owner, member) + offsetof(struct http_config, token_file),             \
         .help = "A file with a token that is sent in the header 'authorization'. It is read "     \
                 "again when it changes."},                                                        \
        {.key = "basic_auth",                                                                      \
         .type = CONFIG_SECTION,                                                                   \
         .offset = offsetof(owner, member) + offsetof(struct http_config, basic_auth),             \
         .fields = http_basic_auth_fields,                                                         \
         .help = "A user and a password that are sent in the header 'authorization'."},            \
        {.key = "proxy_url",                                                                       \
         .type = CONFIG_TEXT,                                                                      \
         .offset = offsetof(owner, member) + offsetof(struct http_config, proxy_url),              \
         .secret = true,                                                                           \
         .help = "http://, https://, socks5:// or socks5h:// and the proxy's host:port; 'none' "   \
                 "goes there directly. When absent, the environment says it (https_proxy, "        \
                 "no_proxy). This machine is never asked through a proxy."},                       \
        {.key = "connect_timeout",                                                                 \
         .type = CONFIG_DURATION,                                                                  \
         .offset = offsetof(owner, member) + offsetof(struct http_config, connect_timeout_ns),     \
         .min = UINT64_C(100000000),                                                               \
         .max = UINT64_C(300000000000),                                                            \
         .default_text = "5s",                                                                     \
         .help = "How long a connection may take until it can be used."},                          \
    {                                                                                              \
        .key = "max_response_size", .type = CONFIG_SIZE,                                           \
        .offset = offsetof(owner, member) + offsetof(struct http_config, max_response_size),       \
        .min = 4096, .max = UINT64_C(64) * 1024 * 1024, .default_text = "4MiB",                    \
        .help = "Of an answer no more is read."                                                    \
    }

/* The rows of how requests are compressed.  `compression_choices` is one of the lists above;
 * `default_compression` is a text. */
#define HTTP_CONFIG_COMPRESSION_FIELDS(owner, member, compression_choices, default_compression)    \
    {.key = "compression",                                                                         \
     .type = CONFIG_ENUM,                                                                          \
     .offset = offsetof(owner, member) + offsetof(struct http_config, compression),                \
     .choices = (compression_choices),                                                             \
     .default_text = (default_compression),                                                        \
     .help = "How requests are compressed."},                                                      \
    {                                                                                              \
        .key = "compression_level", .type = CONFIG_INTEGER,                                        \
        .offset = offsetof(owner, member) + offsetof(struct http_config, compression_level),       \
        .min = 1, .max = 12, .default_text = "1",                                                  \
        .help = "From 1, the fastest, to 12, the smallest."                                        \
    }

/* The same, and how large they may be under the name that most exporters have for it.
 * `default_max_body` is a text. */
#define HTTP_CONFIG_BODY_FIELDS(owner, member, compression_choices, default_compression,           \
                                default_max_body)                                                  \
    HTTP_CONFIG_COMPRESSION_FIELDS(owner, member, compression_choices, default_compression),       \
    {                                                                                              \
        .key = "max_body_size", .type = CONFIG_SIZE,                                               \
        .offset = offsetof(owner, member) + offsetof(struct http_config, max_body_size),           \
        .min = 4096, .max = UINT64_C(64) * 1024 * 1024, .default_text = (default_max_body),        \
        .help = "Requests of more than one record are split above this, measured before "          \
                "compression."                                                                     \
    }

/* Checks what the tables cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status http_config_check(const struct http_config *config, struct error *err);

/* The same for another address of the same destination, which stands in the option `key`; NULL is
 * allowed. */
MUST_CHECK enum status http_config_check_url(const struct http_config *config, const char *key,
                                             const char *url, struct error *err);

/* What an operator has to be told whenever this configuration is used; NULL: nothing.  Static. */
const char *http_config_caution(const struct http_config *config);
