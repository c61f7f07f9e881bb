/* SPDX-License-Identifier: Apache-2.0 */
/* config_receiver_tables.c -- the options of receivers: see config_tables.c. */
#include "config/config.h"
#include "config/config_tables.h"
#include "config/config_units.h"

static const struct config_field unix_fields[] = {
    {
        .key = "enabled",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_unix_receiver, enabled),
        .default_text = "true",
        .help = "Whether the socket is opened.",
    },
    {
        .key = "path",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_unix_receiver, path),
        .default_text = "${run_dir}/agent.sock",
        .help = "The socket that agents, hooks and `telltale emit` write events to.",
    },
    {
        .key = "mode",
        .type = CONFIG_MODE,
        .offset = offsetof(struct config_unix_receiver, mode),
        .default_text = "0660",
        .help = "Who may connect: the file mode of the socket.",
    },
    {
        .key = "owner",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct config_unix_receiver, owner),
        .help = "User that owns the socket. By default the user of the daemon; only root can "
                "give it away.",
    },
    {
        .key = "group",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct config_unix_receiver, group),
        .help = "Group of the socket. The daemon must be root or a member of it.",
    },
    {
        .key = "max_event_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_unix_receiver, max_event_size),
        .min = KIB,
        .max = 256 * MIB,
        .default_text = "16MiB",
        .help = "A longer line is refused with an error that names the event.",
    },
    {
        .key = "connections_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_unix_receiver, connections_max),
        .min = 1,
        .max = 65536,
        .default_text = "1024",
        .help = "Connections at one time; more are closed at once and counted.",
    },
    {
        .key = "connections_per_uid_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_unix_receiver, connections_per_uid_max),
        .min = 1,
        .max = 65536,
        .default_text = "256",
        .help = "The same for each user, so that one cannot shut out the others.",
    },
    {.key = NULL},
};

static const struct config_field upstreams_fields[] = {
    {
        .key = "addresses",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_upstreams, addresses),
        .default_text = "[]",
        .help = "Addresses out of `listen`, written as there, that only Telltales of yours, or "
                "collectors behind them, send to. A log record that comes in there with an "
                "`agent.schema.version` that is known is kept byte for byte: what it says of its "
                "sender and of what was decided is believed. Who can reach such an address can "
                "forge all of that.",
    },
    {
        .key = "users",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_upstreams, users),
        .default_text = "[]",
        .help = "Users, by name or number, whose word is taken there; that of others is not. The "
                "kernel tells the user on Unix sockets and on loopback. None: whoever may connect, "
                "which on loopback is every process of the machine.",
    },
    {
        .key = "allow_unauthenticated",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_upstreams, allow_unauthenticated),
        .default_text = "false",
        .help = "Allows addresses that other machines reach and where no certificate is asked of "
                "senders, as where a network policy or a service mesh keeps others away.",
    },
    {.key = NULL},
};

static const struct config_field otlp_http_fields[] = {
    {
        .key = "enabled",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_otlp_http_receiver, enabled),
        .default_text = "true",
        .help = "Whether the addresses are listened on.",
    },
    {
        .key = "listen",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_otlp_http_receiver, listen),
        .default_text = "[\"127.0.0.1:4318\", \"unix:${run_dir}/otlp-http.sock\"]",
        .help = "Addresses: `127.0.0.1:4318`, `[::1]:4318` or `unix:/path`. Over a Unix socket the "
                "kernel says which process sends, over loopback which user.",
    },
    {
        .key = "mode",
        .type = CONFIG_MODE,
        .offset = offsetof(struct config_otlp_http_receiver, mode),
        .default_text = "0660",
        .help = "Who may connect to its Unix sockets: their file mode.",
    },
    {
        .key = "owner",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct config_otlp_http_receiver, owner),
        .help = "User that owns its Unix sockets. By default the user of the daemon; only root can "
                "give them away.",
    },
    {
        .key = "group",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct config_otlp_http_receiver, group),
        .help = "Group of its Unix sockets. The daemon must be root or a member of it.",
    },
    {
        .key = "allow_remote_plaintext",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_otlp_http_receiver, allow_remote_plaintext),
        .default_text = "false",
        .help = "Allows addresses that other machines reach. There is neither encryption nor "
                "authentication on them: anybody there can read along and forge events.",
    },
    {
        .key = "max_request_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_otlp_http_receiver, max_request_size),
        .min = KIB,
        .max = GIB,
        .default_text = "64MiB",
        .help = "Size of a request after decompression; a larger one is answered with 413.",
    },
    {
        .key = "max_compressed_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_otlp_http_receiver, max_compressed_size),
        .min = KIB,
        .max = GIB,
        .default_text = "32MiB",
        .help = "Size of a compressed request as it arrives.",
    },
    {
        .key = "connections_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_otlp_http_receiver, connections_max),
        .min = 1,
        .max = 65536,
        .default_text = "1024",
        .help = "Connections at one time; more are closed at once and counted.",
    },
    {
        .key = "connections_per_uid_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_otlp_http_receiver, connections_per_uid_max),
        .min = 1,
        .max = 65536,
        .default_text = "256",
        .help = "The same for each user, over all addresses. Connections whose user the kernel "
                "does not tell, from other machines for instance, count as those of one user.",
    },
    {
        .key = "request_timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_http_receiver, request_timeout),
        .min = SECOND,
        .max = HOUR,
        .default_text = "30s",
        .help = "A connection on which nothing moves for this long is closed.",
    },
    {
        .key = "signals",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_otlp_http_receiver, signals),
        .default_text = "[logs, traces, metrics]",
        .help = "What is kept. Requests of other signals are answered with success and counted.",
    },
    {
        .key = "trusted_upstreams",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_otlp_http_receiver, trusted_upstreams),
        .fields = upstreams_fields,
        .help = "Whose records were normalized before, by a Telltale that is trusted "
                "(docs/PROTOCOL.md, Trusted upstreams). By default nobody's.",
    },
    {.key = NULL},
};

#define TLS_OFFSET       offsetof(struct config_otlp_grpc_receiver, tls)
#define KEEPALIVE_OFFSET offsetof(struct config_otlp_grpc_receiver, keepalive)

static const struct config_field otlp_grpc_tls_fields[] = {
    {
        .key = "cert_file",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_otlp_grpc_receiver, tls.cert_file) - TLS_OFFSET,
        .help = "Certificate in PEM, with the chain. Every TCP address is TLS then; Unix sockets "
                "are not.",
    },
    {
        .key = "key_file",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_otlp_grpc_receiver, tls.key_file) - TLS_OFFSET,
        .help = "Its key, in PEM.",
    },
    {
        .key = "client_ca_file",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_otlp_grpc_receiver, tls.client_ca_file) - TLS_OFFSET,
        .help = "Authorities, in PEM. Only senders with a certificate that one of them signed are "
                "let in.",
    },
    {.key = NULL},
};

static const struct config_field otlp_grpc_keepalive_fields[] = {
    {
        .key = "max_connection_idle",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_grpc_receiver, keepalive.max_connection_idle) -
                  KEEPALIVE_OFFSET,
        .min = SECOND,
        .max = 24 * HOUR,
        .default_text = "10m",
        .help = "A connection without a call is closed then.",
    },
    {
        .key = "time",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_grpc_receiver, keepalive.time) - KEEPALIVE_OFFSET,
        .min = SECOND,
        .max = 24 * HOUR,
        .default_text = "60s",
        .help = "A connection on which nothing comes for this long is pinged.",
    },
    {
        .key = "timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_grpc_receiver, keepalive.timeout) - KEEPALIVE_OFFSET,
        .min = SECOND,
        .max = HOUR,
        .default_text = "20s",
        .help = "How long the answer to a ping is waited for before the connection is closed.",
    },
    {
        .key = "min_time",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_grpc_receiver, keepalive.min_time) - KEEPALIVE_OFFSET,
        .min = MS,
        .max = HOUR,
        .default_text = "10s",
        .help = "Who pings more often than this without a call is closed.",
    },
    {.key = NULL},
};

static const struct config_field otlp_grpc_fields[] = {
    {
        .key = "enabled",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_otlp_grpc_receiver, enabled),
        .default_text = "true",
        .help = "Whether the addresses are listened on.",
    },
    {
        .key = "listen",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_otlp_grpc_receiver, listen),
        .default_text = "[\"127.0.0.1:4317\", \"unix:${run_dir}/otlp-grpc.sock\"]",
        .help = "Addresses: `127.0.0.1:4317`, `[::1]:4317` or `unix:/path`. On a Unix socket the "
                "kernel "
                "says who sends.",
    },
    {
        .key = "tls",
        .type = CONFIG_SECTION,
        .offset = TLS_OFFSET,
        .fields = otlp_grpc_tls_fields,
        .help = "Encryption of the TCP addresses.",
    },
    {
        .key = "allow_remote_plaintext",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_otlp_grpc_receiver, allow_remote_plaintext),
        .default_text = "false",
        .help = "Allows addresses that other machines reach, without `tls`. There is neither "
                "encryption "
                "nor authentication on them: anybody there can read along and forge events.",
    },
    {
        .key = "max_request_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_otlp_grpc_receiver, max_request_size),
        .min = KIB,
        .max = GIB,
        .default_text = "64MiB",
        .help = "Size of a request, as it arrives and after decompression; a larger one is "
                "answered with "
                "RESOURCE_EXHAUSTED.",
    },
    {
        .key = "connections_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_otlp_grpc_receiver, connections_max),
        .min = 1,
        .max = 65536,
        .default_text = "1024",
        .help = "Connections at one time, TLS not counted; more are closed at once and counted.",
    },
    {
        .key = "connections_per_uid_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_otlp_grpc_receiver, connections_per_uid_max),
        .min = 1,
        .max = 65536,
        .default_text = "256",
        .help = "The same for each user on Unix sockets, so that one cannot shut out the others.",
    },
    {
        .key = "max_concurrent_streams",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_otlp_grpc_receiver, max_concurrent_streams),
        .min = 1,
        .max = 65536,
        .default_text = "64",
        .help = "Requests of one connection at one time; its sender waits with more.",
    },
    {
        .key = "request_timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_otlp_grpc_receiver, request_timeout),
        .min = SECOND,
        .max = HOUR,
        .default_text = "30s",
        .help = "A request that is not whole after this long is given up, and so is a connection "
                "on which "
                "an answer is not read.",
    },
    {
        .key = "keepalive",
        .type = CONFIG_SECTION,
        .offset = KEEPALIVE_OFFSET,
        .fields = otlp_grpc_keepalive_fields,
        .help = "Connections that are quiet.",
    },
    {
        .key = "signals",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_otlp_grpc_receiver, signals),
        .default_text = "[logs, traces, metrics]",
        .help = "What is kept. Requests of other signals are answered with success and counted.",
    },
    {
        .key = "trusted_upstreams",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_otlp_grpc_receiver, trusted_upstreams),
        .fields = upstreams_fields,
        .help = "Whose records were normalized before, by a Telltale that is trusted "
                "(docs/PROTOCOL.md, Trusted upstreams). By default nobody's.",
    },
    {.key = NULL},
};

const struct config_field config_receivers_fields[] = {
    {
        .key = "unix",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_receivers, unix_socket),
        .fields = unix_fields,
        .help = "Events as JSON, one a line, over a Unix socket. The kernel says who sends.",
    },
    {
        .key = "otlp_http",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_receivers, otlp_http),
        .fields = otlp_http_fields,
        .help = "OpenTelemetry logs, traces and metrics over HTTP, protobuf and JSON.",
    },
    {
        .key = "otlp_grpc",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_receivers, otlp_grpc),
        .fields = otlp_grpc_fields,
        .help = "OpenTelemetry logs over gRPC.",
    },
    {
        .key = "silent_after",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_receivers, silent_after),
        .max = 7 * DAY,
        .default_text = "0s",
        .help =
            "An agent whose process lives, and from which no event came for this long, becomes "
            "an `agent.pipeline` record with the reason `source_silent`; 0: none does. An agent "
            "that waits for its user is silent too.",
    },
    {.key = NULL},
};
