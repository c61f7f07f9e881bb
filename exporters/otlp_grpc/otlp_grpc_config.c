/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_config.c -- see otlp_grpc_config.h.
 *
 * Plain text is spoken to this machine only (loopback, Unix sockets), unless the configuration
 * says tls.insecure. */
#include "otlp_grpc_config.h"

#include <grpc/grpc.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "telltale/signals.h"

enum { HEADERS_MAX = 64 };

static const char *const compression_choices[] = {"none", "gzip", NULL};

static const struct config_field tls_fields[] = {
    {.key = "insecure",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct tls_config, insecure),
     .default_text = "false",
     .help = "Speak plain text to a host that is not this one."},
    {.key = "ca_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, ca_file),
     .help = "Certificates (PEM) that the server's must descend from; the system's when absent."},
    {.key = "cert_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, cert_file),
     .help = "Our own certificate chain (PEM), for servers that ask for one."},
    {.key = "key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, key_file),
     .help = "The private key (PEM) of cert_file."},
    {.key = "server_name_override",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct tls_config, server_name_override),
     .help = "The name that the server's certificate must bear, if it is not the endpoint's host."},
    {.key = NULL},
};

static const struct config_field keepalive_fields[] = {
    {.key = "time",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct keepalive_config, time_ns),
     .min = UINT64_C(10000000000),
     .max = UINT64_C(86400000000000),
     .default_text = "5m",
     .help = "Ping the server when a call has been quiet for this long. Many servers hang up on "
             "clients that ping more often than every 5 minutes."},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct keepalive_config, timeout_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(600000000000),
     .default_text = "20s",
     .help = "Give the connection up when nothing comes back for this long."},
    {.key = NULL},
};

const struct config_field otlp_grpc_fields[] = {
    {.key = "endpoint",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct otlp_grpc_config, endpoint),
     .required = true,
     .help = "host:port (4317 when no port is given), with http:// or https:// if you like, or "
             "unix:/path."},
    {.key = "tls",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct otlp_grpc_config, tls),
     .fields = tls_fields,
     .help = "Used for every endpoint that is not on this machine; and there, with https:// or "
             "ca_file."},
    {.key = "headers",
     .type = CONFIG_TEXT_MAP,
     .offset = offsetof(struct otlp_grpc_config, headers),
     .secret = true,
     .help = "Metadata that goes with every request."},
    {.key = "token_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct otlp_grpc_config, token_file),
     .help = "A file with a token that is sent as 'authorization: Bearer TOKEN'. It is read again "
             "when it changes."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct otlp_grpc_config, compression),
     .choices = compression_choices,
     .default_text = "gzip",
     .help = "How requests are compressed."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct otlp_grpc_config, compression_level),
     .min = 1,
     .max = 12,
     .default_text = "1",
     .help = "From 1, the fastest, to 12, the smallest."},
    {.key = "keepalive",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct otlp_grpc_config, keepalive),
     .fields = keepalive_fields,
     .help = "How a dead connection is noticed."},
    {.key = "max_message_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct otlp_grpc_config, max_message_size),
     .min = 4096,
     .max = UINT64_C(64) * 1024 * 1024,
     .default_text = "3584KiB",
     .help = "Requests of more than one record are split above this, measured before compression. "
             "Most servers refuse more than 4 MiB."},
    {.key = "signals",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct otlp_grpc_config, signals),
     .default_text = "[logs, traces, metrics]",
     .help = "What is sent there; the rest passes it by."},
    {.key = NULL},
};

bool otlp_grpc_config_wants_tls(const struct otlp_grpc_config *config,
                                const struct grpc_endpoint *endpoint)
{
    if (endpoint->scheme != GRPC_SCHEME_NONE)
        return endpoint->scheme == GRPC_SCHEME_HTTPS;
    if (config->tls.insecure)
        return false;
    return !endpoint->is_local || config->tls.ca_file != NULL || config->tls.cert_file != NULL;
}

static enum status check_tls(const struct otlp_grpc_config *config,
                             const struct grpc_endpoint *endpoint, struct error *err)
{
    const struct tls_config *tls = &config->tls;

    if ((tls->cert_file == NULL) != (tls->key_file == NULL))
        return error_set(err, ST_INVALID, "tls.cert_file and tls.key_file go together");
    if (tls->insecure && endpoint->scheme == GRPC_SCHEME_HTTPS)
        return error_set(err, ST_INVALID, "tls.insecure contradicts https://");
    if (otlp_grpc_config_wants_tls(config, endpoint))
        return ST_OK;
    if (!endpoint->is_local && !tls->insecure) {
        return error_set(err, ST_INVALID,
                         "plain text to another host needs tls.insecure: true; '%s' is not on "
                         "this machine",
                         config->endpoint);
    }
    if (tls->ca_file != NULL || tls->cert_file != NULL || tls->server_name_override != NULL) {
        return error_set(err, ST_INVALID,
                         "certificates and names have no use in plain text; say https://");
    }
    return ST_OK;
}

static bool is_reserved(const char *key)
{
    static const char *const names[] = {"content-type", "te", "user-agent", "host", "connection"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcasecmp(key, names[i]) == 0)
            return true;
    }
    size_t size = strlen(key);
    return strncasecmp(key, "grpc-", 5) == 0 || key[0] == ':' ||
           (size >= 4 && strcasecmp(key + size - 4, "-bin") == 0);
}

grpc_slice otlp_grpc_config_header_key(const char *key)
{
    grpc_slice slice = grpc_slice_from_copied_string(key);

    for (size_t i = 0; i < GRPC_SLICE_LENGTH(slice); i++) {
        uint8_t *byte = GRPC_SLICE_START_PTR(slice) + i;
        if (*byte >= 'A' && *byte <= 'Z')
            *byte = (uint8_t)(*byte + ('a' - 'A'));
    }
    return slice;
}

static enum status check_header(const struct config_text_pair *pair, bool has_token,
                                struct error *err)
{
    grpc_slice key = otlp_grpc_config_header_key(pair->key);
    grpc_slice value = grpc_slice_from_static_string(pair->value);
    bool key_ok = grpc_header_key_is_legal(key) != 0 && !is_reserved(pair->key);
    bool value_ok = grpc_header_nonbin_value_is_legal(value) != 0;

    grpc_slice_unref(key);
    if (!key_ok)
        return error_set(err, ST_INVALID, "headers: '%s' cannot be set", pair->key);
    if (!value_ok)
        return error_set(err, ST_INVALID, "headers: the value of '%s' is not ASCII text",
                         pair->key);
    if (has_token && strcasecmp(pair->key, "authorization") == 0)
        return error_set(err, ST_INVALID,
                         "headers: 'authorization' and token_file exclude another");
    return ST_OK;
}

static enum status check_headers(const struct otlp_grpc_config *config, struct error *err)
{
    if (config->headers.count > HEADERS_MAX) {
        return error_set(err, ST_LIMIT, "headers: %zu of them, limit %d", config->headers.count,
                         HEADERS_MAX);
    }
    for (size_t i = 0; i < config->headers.count; i++) {
        enum status st = check_header(&config->headers.pairs[i], config->token_file != NULL, err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

enum status otlp_grpc_config_check(const struct otlp_grpc_config *config, struct error *err)
{
    struct grpc_endpoint endpoint;

    enum status st = grpc_endpoint_parse(config->endpoint, &endpoint, err);
    if (st == ST_OK)
        st = check_tls(config, &endpoint, err);
    if (st == ST_OK)
        st = check_headers(config, err);
    if (st == ST_OK)
        st = signals_check("signals", &config->signals, err);
    return st;
}
