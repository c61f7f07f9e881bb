/* SPDX-License-Identifier: Apache-2.0 */
/* config.h -- the daemon's whole configuration: read, checked and then never changed.
 *
 * No file is a complete configuration too.  A file is used as a whole or not at all: every
 * mistake in it is reported, with its place, and then nothing is loaded.
 *
 * The structs hold what the tables of config_tables.c describe; docs/CONFIGURATION.md says
 * what each option means.  Texts and lists belong to the configuration.
 *
 * Threads: load and destroy by one owner; what was loaded is immutable and may be read by any
 * thread until then.
 */
#pragma once

#include "config/config_dirs.h"
#include "config/config_filter.h"
#include "telltale/buf.h"
#include "telltale/config_field.h"
#include "telltale/exporter.h"
#include "util/log.h"

enum {
    CONFIG_FILE_SIZE_MAX = 1024 * 1024,
    CONFIG_EXPORTERS_MAX = 64,
    CONFIG_NAME_MAX = 64, /* of "type/name": cursors and dead letters are files called so */
    CONFIG_TRUSTED_USERS_MAX = 16,
};

struct config_unix_receiver {
    bool enabled;
    const char *path;
    uint32_t mode;
    const char *owner, *group; /* NULL: as the daemon makes it */
    uint64_t max_event_size;
    uint64_t connections_max, connections_per_uid_max;
};

/* Collectors whose word is taken. */
struct config_upstreams {
    struct config_text_list addresses; /* some of `listen` */
    struct config_text_list users;     /* names or numbers; none: whoever may connect */
    bool allow_unauthenticated;
};

struct config_otlp_http_receiver {
    bool enabled;
    struct config_text_list listen; /* each is good for config_read_address() */
    uint32_t mode;                  /* this and the next two: of the Unix sockets among them */
    const char *owner, *group;      /* NULL: as the daemon makes it */
    bool allow_remote_plaintext;
    uint64_t max_request_size; /* after decompression */
    uint64_t max_compressed_size;
    uint64_t connections_max, connections_per_uid_max;
    uint64_t request_timeout; /* ns, to receive one request */
    struct config_text_list signals;
    struct config_upstreams trusted_upstreams;
};

struct config_otlp_grpc_receiver {
    bool enabled;
    struct config_text_list listen; /* each is good for config_read_address() */
    struct {
        const char *cert_file, *key_file; /* NULL, both: plaintext */
        const char *client_ca_file;
    } tls;
    bool allow_remote_plaintext;
    uint64_t max_request_size; /* as it arrives, and after decompression */
    uint64_t connections_max, connections_per_uid_max;
    uint64_t max_concurrent_streams;
    uint64_t request_timeout; /* ns, to receive one request */
    struct config_text_list signals;
    struct {
        uint64_t max_connection_idle, time, timeout, min_time; /* ns */
    } keepalive;
    struct config_upstreams trusted_upstreams;
};

struct config_receivers {
    struct config_unix_receiver unix_socket;
    struct config_otlp_grpc_receiver otlp_grpc;
    struct config_otlp_http_receiver otlp_http;
    uint64_t silent_after; /* ns; 0: agents may be silent for ever */
};

struct config_limits {
    uint64_t depth;
    uint64_t attributes;
    uint64_t key_size;
    uint64_t in_flight;
    struct config_text_list shed; /* kinds of events */
};

/* What happens when the disk has less free than journal.disk_reserve. */
enum config_on_disk_full {
    CONFIG_DISK_REFUSE,
    CONFIG_DISK_DROP_DELIVERED,
    CONFIG_DISK_STOP_SOCKETS,
};

/* What a destination does whose backlog, or whose dead letters, reach their bound. */
enum config_on_full { CONFIG_HOLD, CONFIG_DROP_OLDEST };

struct config_journal {
    const char *dir;
    uint64_t max_size;
    uint64_t segment_size;
    uint64_t disk_reserve; /* bytes; 0: one twentieth of the file system */
    uint64_t max_delay;    /* ns */
    int on_disk_full;      /* enum config_on_disk_full */
};

struct config_metrics {
    struct config_text_list listen; /* besides the control socket */
    bool allow_remote_plaintext;
};

struct config_telemetry {
    int log_level; /* enum log_level */
    struct config_metrics metrics;
};

struct config_shutdown {
    uint64_t drain_timeout; /* ns */
};

/* Whether a destination is sent what was said and done. */
enum config_content { CONFIG_CONTENT_KEEP, CONFIG_CONTENT_OMIT };

/* What every exporter has beside the options of its type. */
struct config_delivery {
    struct {
        uint64_t max_size, max_count;
        uint64_t max_delay; /* ns */
    } batch;
    uint64_t timeout; /* ns, of one send() */
    uint64_t requests_in_flight_max;
    struct {
        uint64_t initial, max; /* ns */
    } retry;
    struct config_filter filter;
    int content;         /* enum config_content */
    int on_journal_full; /* enum config_on_full */
    struct {
        uint64_t max_size;
        int on_full; /* enum config_on_full */
    } dead_letters;
};

struct config_exporter {
    const char *name; /* "type" or "type/name" */
    const struct exporter_ops *ops;
    const void *config; /* of ops->config_size bytes */
    struct config_delivery delivery;
};

struct config {
    struct config_dirs dirs;
    const char *control_path; /* the control socket: status, metrics, health; always there */
    struct config_receivers receivers;
    struct config_limits limits;
    struct config_journal journal;
    struct config_telemetry telemetry;
    struct config_shutdown shutdown;
    const struct config_exporter *exporters; /* in the order of the file */
    size_t exporter_count;
    struct config_storage *storage; /* owns all that */
};

struct config_source {
    const char *path;  /* the file; NULL: there is none, all defaults */
    struct slice text; /* its content when it is in memory already; data NULL: read `path` */
    const struct config_dirs *dirs;
    const struct exporter_ops *const *exporters; /* the types that this build knows */
    size_t exporter_count;
    bool passes_other_types; /* sections of other types are passed over, unchecked */
};

/* Reads and checks.  `source` and what it points to is borrowed during the call, but for the
 * exporter types, which are static.  On ST_OK the caller owns *ret.  ST_INVALID: `report` has
 * got all mistakes as text for people, and `err` their number; ST_IO: the file cannot be read. */
MUST_CHECK enum status config_load(const struct config_source *source, const struct config **ret,
                                   struct buf *report, struct error *err);

/* NULL is allowed. */
void config_destroy(const struct config *config);
