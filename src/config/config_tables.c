/* SPDX-License-Identifier: Apache-2.0 */
/* config_tables.c -- one table a section, innermost first.  The help texts are the reference
 * page: a change here changes docs/CONFIGURATION.md, and a test sees to it. */
#include "config/config_tables.h"

#include "config/config.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)

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

static const struct config_field receivers_fields[] = {
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
        .max = 7 * 24 * HOUR,
        .default_text = "0s",
        .help =
            "An agent whose process lives, and from which no event came for this long, becomes "
            "an `agent.pipeline` record with the reason `source_silent`; 0: none does. An agent "
            "that waits for its user is silent too.",
    },
    {.key = NULL},
};

static const struct config_field limits_fields[] = {
    {
        .key = "depth",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_limits, depth),
        .min = 8,
        .max = 64, /* OTLP_DEPTH_MAX: readers recurse */
        .default_text = "64",
        .help = "How deeply the values of an event may be nested.",
    },
    {
        .key = "attributes",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_limits, attributes),
        .min = 16,
        .max = 2048, /* readers of records take 4096, and normalization adds its own */
        .default_text = "1024",
        .help = "Attributes of one event.",
    },
    {
        .key = "key_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_limits, key_size),
        .min = 64,
        .max = 64 * KIB,
        .default_text = "1KiB",
        .help = "Length of the name of an attribute.",
    },
    {
        .key = "in_flight",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_limits, in_flight),
        .min = MIB,
        .max = 64 * GIB,
        .default_text = "64MiB",
        .help = "Memory for events that are received and not yet durable. When it is used up, "
                "the daemon stops reading from its senders until the disk has caught up.",
    },
    {
        .key = "shed",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_limits, shed),
        .default_text = "[]",
        .help = "Kinds of events, like `agent.resource`, that are refused first, when `in_flight` "
                "is used to three quarters or the journal holds nine tenths of its `max_size`: the "
                "rest of the room is kept for the others. Never shed, and refused here, are "
                "`agent.approval`, `agent.review`, `agent.network`, `agent.sandbox`, `agent.mode`, "
                "`agent.config`, `agent.hook`, `agent.pipeline` and `agent.other`; nor is an event "
                "of any kind with a decision, or about something that was denied.",
    },
    {.key = NULL},
};

/* In the order of enum config_on_disk_full. */
static const char *const on_disk_full_choices[] = {"refuse", "drop_oldest_delivered",
                                                   "stop_agent_socket", NULL};

/* In the order of enum config_content. */
static const char *const content_choices[] = {"keep", "omit", NULL};

/* In the order of enum config_on_full. */
static const char *const on_full_choices[] = {"hold", "drop_oldest", NULL};

static const struct config_field journal_fields[] = {
    {
        .key = "dir",
        .type = CONFIG_PATH,
        .offset = offsetof(struct config_journal, dir),
        .default_text = "${state_dir}/journal",
        .help = "Where the journal is kept.",
    },
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, max_size),
        .min = 2 * MIB,
        .max = 64 * TIB,
        .default_text = "2GiB",
        .help = "Size of all segments together. This is how far destinations can fall behind.",
    },
    {
        .key = "segment_size",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, segment_size),
        .min = MIB,
        .max = 16 * GIB,
        .default_text = "64MiB",
        .help = "A segment is closed at this size. Space is freed by whole segments, so two of "
                "them must fit into `max_size`.",
    },
    {
        .key = "disk_reserve",
        .type = CONFIG_SIZE,
        .offset = offsetof(struct config_journal, disk_reserve),
        .default_text = "0B",
        .help = "What the journal leaves free on its file system. 0 stands for 5 % of it, at most "
                "5 GiB.",
    },
    {
        .key = "max_delay",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_journal, max_delay),
        .min = 0,
        .max = SECOND,
        .default_text = "2ms",
        .help = "How long events may wait at most for others that are made durable together with "
                "them. They wait for as long as keeps the disk busy for a quarter of the time: it "
                "delays the acknowledgement under load and saves syncs.",
    },
    {
        .key = "on_disk_full",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_journal, on_disk_full),
        .choices = on_disk_full_choices,
        .default_text = "refuse",
        .help = "What happens when less than `disk_reserve` is free. `refuse`: new events are "
                "refused, with an error to their senders, and counted. `drop_oldest_delivered`: "
                "the oldest closed files of stores (exporters of type file) on that disk are "
                "deleted before their time, oldest first, as long as every other destination has "
                "all of their records; if that is not enough, events are refused. "
                "`stop_agent_socket`: the sockets of the receivers are closed until there is room "
                "again, so that agents that must not run unrecorded notice; this one also when "
                "the journal reaches `max_size` and nothing may be dropped.",
    },
    {.key = NULL},
};

static const struct config_field metrics_fields[] = {
    {
        .key = "listen",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_metrics, listen),
        .default_text = "[]",
        .help =
            "Addresses that serve `/metrics`, `/healthz` and `/status`, besides the control socket "
            "`${run_dir}/control.sock`, which always does. Commonly `127.0.0.1:9464`.",
    },
    {
        .key = "allow_remote_plaintext",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct config_metrics, allow_remote_plaintext),
        .default_text = "false",
        .help = "Allows addresses that other machines reach. Counters, the names of the "
                "destinations and their last errors can be read there, and no events.",
    },
    {.key = NULL},
};

/* In the order of enum log_level. */
static const char *const log_level_choices[] = {"debug", "info", "warn", "error", NULL};

static const struct config_field telemetry_fields[] = {
    {
        .key = "log_level",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_telemetry, log_level),
        .choices = log_level_choices,
        .default_text = "info",
        .help = "Less important lines of the daemon's own log are left out.",
    },
    {
        .key = "metrics",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_telemetry, metrics),
        .fields = metrics_fields,
        .help = "Counters in the Prometheus text format, and the state of health.",
    },
    {.key = NULL},
};

static const struct config_field shutdown_fields[] = {
    {
        .key = "drain_timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_shutdown, drain_timeout),
        .min = 0,
        .max = HOUR,
        .default_text = "10s",
        .help = "How long the destinations get to take what is waiting when the daemon is "
                "stopped. The rest is sent after the next start.",
    },
    {.key = NULL},
};

#define BATCH(member)                                                                              \
    (offsetof(struct config_delivery, batch.member) - offsetof(struct config_delivery, batch))
#define RETRY(member)                                                                              \
    (offsetof(struct config_delivery, retry.member) - offsetof(struct config_delivery, retry))

static const struct config_field batch_fields[] = {
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = BATCH(max_size),
        .min = KIB,
        .max = 64 * MIB,
        .default_text = "1MiB",
        .help = "Bytes of one request, before compression. One event that is larger goes alone.",
    },
    {
        .key = "max_count",
        .type = CONFIG_INTEGER,
        .offset = BATCH(max_count),
        .min = 1,
        .max = 65536,
        .default_text = "8192",
        .help = "Events of one request.",
    },
    {
        .key = "max_delay",
        .type = CONFIG_DURATION,
        .offset = BATCH(max_delay),
        .min = 0,
        .max = HOUR,
        .default_text = "200ms",
        .help = "How long an event may wait for others to fill its request.",
    },
    {.key = NULL},
};

static const struct config_field retry_fields[] = {
    {
        .key = "initial",
        .type = CONFIG_DURATION,
        .offset = RETRY(initial),
        .min = MS,
        .max = HOUR,
        .default_text = "500ms",
        .help = "The first pause after a failure. It doubles with every further one and is cut "
                "by a random part.",
    },
    {
        .key = "max",
        .type = CONFIG_DURATION,
        .offset = RETRY(max),
        .min = MS,
        .max = 24 * HOUR,
        .default_text = "30s",
        .help = "The longest pause. There is no last attempt.",
    },
    {.key = NULL},
};

#define LETTERS(member)                                                                            \
    (offsetof(struct config_delivery, dead_letters.member) -                                       \
     offsetof(struct config_delivery, dead_letters))

static const struct config_field dead_letters_fields[] = {
    {
        .key = "max_size",
        .type = CONFIG_SIZE,
        .offset = LETTERS(max_size),
        .min = MIB,
        .max = 64 * TIB,
        .default_text = "1GiB",
        .help = "Size of all files of this destination together.",
    },
    {
        .key = "on_full",
        .type = CONFIG_ENUM,
        .offset = LETTERS(on_full),
        .choices = on_full_choices,
        .default_text = "hold",
        .help = "What happens then. `hold`: delivery stops at the next such record until somebody "
                "has made room. `drop_oldest`: the oldest file is deleted, and the loss ledger "
                "says what was in it.",
    },
    {.key = NULL},
};

const struct config_field config_delivery_fields[] = {
    {
        .key = "batch",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, batch),
        .fields = batch_fields,
        .help = "How events are gathered into requests.",
    },
    {
        .key = "timeout",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct config_delivery, timeout),
        .min = 10 * MS,
        .max = HOUR,
        .default_text = "10s",
        .help = "How long one request may take, its answer included. Then it counts as failed "
                "and comes again. `elastic` has 90s unless this says otherwise.",
    },
    {
        .key = "requests_in_flight_max",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct config_delivery, requests_in_flight_max),
        .min = 1,
        .max = 64,
        .default_text = "4",
        .help = "How many requests may be under way at one time when much is waiting. Events may "
                "come out of order then, and after a crash up to twice as many requests again. "
                "With 1 they come in order. The exporter `file` writes in order and always has 1; "
                "`kafka` has 1 unless this says otherwise.",
    },
    {
        .key = "retry",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, retry),
        .fields = retry_fields,
        .help = "Pauses after failures.",
    },
    {
        .key = "filter",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, filter),
        .fields = config_filter_fields,
        .help = "Which log records the destination is to have: those that agree with all of this. "
                "The others pass it by and are counted. Spans and metrics are not filtered.",
    },
    {
        .key = "content",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_delivery, content),
        .choices = content_choices,
        .default_text = "keep",
        .help = "`omit`: the destination is not sent what was said, done and answered: prompts, "
                "responses, arguments and results of tools, command lines, bodies of log records, "
                "texts of errors. `agent.content.omitted` says what was left out and how large it "
                "was; all else goes. docs/SCHEMA.md, \"Content\", says what counts.",
    },
    {
        .key = "on_journal_full",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_delivery, on_journal_full),
        .choices = on_full_choices,
        .default_text = "hold",
        .help = "What happens when the journal is about to reach `journal.max_size` because this "
                "destination is behind. `hold`: it keeps its backlog, and new events are refused. "
                "`drop_oldest`: it gives up its oldest records, a segment of the journal at a "
                "time, as few as it takes; what it never got is written to the loss ledger first "
                "(`telltale losses`).",
    },
    {
        .key = "dead_letters",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config_delivery, dead_letters),
        .fields = dead_letters_fields,
        .help = "The files of records that the destination will never take.",
    },
    {.key = NULL},
};

const struct config_field config_root_fields[] = {
    {
        .key = "receivers",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, receivers),
        .fields = receivers_fields,
        .help = "Where events come from. Every receiver is on unless it is disabled.",
    },
    {
        .key = "limits",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, limits),
        .fields = limits_fields,
        .help = "What every receiver refuses.",
    },
    {
        .key = "journal",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, journal),
        .fields = journal_fields,
        .help = "The one log that receivers write and exporters read. An event is acknowledged "
                "when it is durable there.",
    },
    {
        .key = "exporters",
        .type = CONFIG_SECTION,
        .help = "Where events go to.",
    },
    {
        .key = "telemetry",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, telemetry),
        .fields = telemetry_fields,
        .help = "What the daemon says about itself.",
    },
    {
        .key = "shutdown",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct config, shutdown),
        .fields = shutdown_fields,
        .help = "How the daemon stops.",
    },
    {.key = NULL},
};
