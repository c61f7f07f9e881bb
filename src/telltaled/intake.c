/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c -- see intake.h. */
#include "telltaled/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "metrics/metrics.h"
#include "net/listener.h"
#include "net/user_id.h"
#include "receivers/admission.h"
#include "receivers/control_server.h"
#include "receivers/otlp_grpc_receiver.h"
#include "receivers/otlp_http_receiver.h"
#include "receivers/shedding.h"
#include "receivers/spool.h"
#include "receivers/unix_receiver.h"
#include "telltale/signals.h"
#include "telltaled/source_notes.h"
#include "util/clock.h"
#include "util/log.h"

enum { LISTENERS_MAX = 8, CONTROL_SOCKET_MODE = 0660 };

struct listeners {
    struct listener items[LISTENERS_MAX];
    size_t count;
};

struct intake {
    struct admission admission;
    struct shedding shedding;
    struct listeners unix_listeners, http_listeners, grpc_listeners, control_listeners;
    uid_t http_trusted[CONFIG_TRUSTED_USERS_MAX], grpc_trusted[CONFIG_TRUSTED_USERS_MAX];
    struct unix_receiver *unix_receiver;
    struct event_ids *ids; /* of events that have come lately */
    struct spool *spool;
    struct source_watch *sources; /* NULL: agents may be silent */
    struct otlp_http_receiver *http_receiver;
    struct otlp_grpc_receiver *grpc_receiver;
    struct control_server *control;
    const struct config *config; /* these four are borrowed */
    struct loop *loop;
    struct journal *journal;
    struct status_report *report;
    bool is_open; /* the receivers */
    struct metric *open_gauge;
};

static enum status add_listener(struct listeners *listeners, const char *address,
                                const struct listener_settings *settings, struct error *err)
{
    if (listeners->count == LISTENERS_MAX) {
        return error_set(err, ST_LIMIT, "listen on '%.100s': more than %d addresses", address,
                         LISTENERS_MAX);
    }
    enum status st = listener_open(address, settings, &listeners->items[listeners->count], err);
    if (st == ST_OK)
        listeners->count++;
    return st;
}

static bool stands_in(const struct config_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/* `trusted`: those among them whose senders are; NULL: none. */
static enum status add_listeners(struct listeners *listeners,
                                 const struct config_text_list *addresses,
                                 const struct config_text_list *trusted,
                                 const struct listener_settings *settings, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < addresses->count && st == ST_OK; i++) {
        struct listener_settings own = *settings;
        own.is_trusted = trusted != NULL && stands_in(trusted, addresses->items[i]);
        st = add_listener(listeners, addresses->items[i], &own, err);
    }
    return st;
}

/* *ret borrows `uids`. */
static enum status find_trusted(const struct config_upstreams *upstreams,
                                uid_t uids[CONFIG_TRUSTED_USERS_MAX], struct trusted_senders *ret,
                                struct error *err)
{
    ASSERT(upstreams->users.count <= CONFIG_TRUSTED_USERS_MAX);
    *ret = (struct trusted_senders){.uids = uids};
    for (size_t i = 0; i < upstreams->users.count; i++) {
        enum status st = user_id_find(upstreams->users.items[i], &uids[i], err);
        if (st != ST_OK)
            return error_context(err, "trusted_upstreams.users");
        ret->uid_count++;
    }
    return ST_OK;
}

static void close_listeners(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_close(&listeners->items[i]);
    listeners->count = 0;
}

static struct otlp_limits record_limits(const struct config *config, uint64_t record_size_max)
{
    return (struct otlp_limits){
        .record_size_max = record_size_max,
        .attribute_count_max = (uint32_t)config->limits.attributes,
        .key_size_max = config->limits.key_size,
        .depth_max = (uint32_t)config->limits.depth,
    };
}

/* Where the sockets are closed when the journal is full, it must be able to become full. */
static uint64_t sharing_limit(const struct config *config)
{
    bool closes = config->journal.on_disk_full == CONFIG_DISK_STOP_SOCKETS;

    return closes ? 0 : config->journal.max_size;
}

static enum status start_unix(struct intake *intake, const struct config *config, struct loop *loop,
                              struct journal *journal, struct error *err)
{
    const struct config_unix_receiver *section = &config->receivers.unix_socket;
    struct listener_settings socket = {
        .mode = (mode_t)section->mode, .owner = section->owner, .group = section->group};
    struct unix_receiver_settings settings = {
        .listeners = intake->unix_listeners.items,
        .limits = record_limits(config, section->max_event_size),
        .connections_max = (unsigned int)section->connections_max,
        .connections_per_uid_max = (unsigned int)section->connections_per_uid_max,
        .shedding = &intake->shedding,
        .sources = intake->sources,
        .ids = intake->ids,
        .journal_size_max = sharing_limit(config),
    };

    if (!section->enabled)
        return ST_OK;
    enum status st = add_listener(&intake->unix_listeners, section->path, &socket, err);
    if (st != ST_OK)
        return error_context(err, "receivers.unix");
    settings.listener_count = intake->unix_listeners.count;
    return unix_receiver_start(&settings, loop, journal, &intake->admission, &intake->unix_receiver,
                               err);
}

/* Who may write to the socket may write to the spool, and read nothing there: the names in it
 * cannot be guessed.  To get there he must get through the state directory, whose own files and
 * directories are closed to others.  A spool that cannot be had is no reason not to start. */
static void start_spool(struct intake *intake)
{
    const struct config *config = intake->config;
    struct spool_settings settings = {
        .mode = 0700,
        .group = (gid_t)-1,
        .limits = record_limits(config, config->receivers.unix_socket.max_event_size),
        .loop = intake->loop,
        .journal = intake->journal,
        .ids = intake->ids,
        .shedding = &intake->shedding,
    };
    char dir[PATH_MAX + sizeof("/spool")];
    struct stat facts;
    struct error err;

    if (intake->unix_listeners.count == 0)
        return;
    snprintf(dir, sizeof(dir), "%s/spool", config->dirs.state_dir);
    settings.dir = dir;
    bool is_shared = lstat(config->receivers.unix_socket.path, &facts) == 0 &&
                     S_ISSOCK(facts.st_mode) && (facts.st_mode & 0022) != 0;
    if (is_shared) {
        settings.group = facts.st_gid;
        settings.mode |= 01000;
        settings.mode |= (facts.st_mode & 0020) != 0 ? 0030 : 0;
        settings.mode |= (facts.st_mode & 0002) != 0 ? 0003 : 0;
        if (stat(config->dirs.state_dir, &facts) == 0)
            (void)chmod(config->dirs.state_dir, (facts.st_mode & 07777) | 0011);
    }
    if (spool_start(&settings, &intake->spool, &err) != ST_OK) {
        log_warn("spool.unavailable",
                 "error=%s next=\"hooks lose what they cannot send while the daemon is away\"",
                 LOG_TEXT(err.text));
    }
}

static enum status start_http(struct intake *intake, const struct config *config,
                              struct journal *journal, struct error *err)
{
    const struct config_otlp_http_receiver *section = &config->receivers.otlp_http;
    struct listener_settings socket = {.mode = (mode_t)section->mode,
                                       .owner = section->owner,
                                       .group = section->group,
                                       .allow_remote = section->allow_remote_plaintext};
    struct otlp_http_settings settings;

    if (!section->enabled)
        return ST_OK;
    otlp_http_settings_default(&settings);
    enum status st =
        find_trusted(&section->trusted_upstreams, intake->http_trusted, &settings.trusted, err);
    if (st == ST_OK)
        st = add_listeners(&intake->http_listeners, &section->listen,
                           &section->trusted_upstreams.addresses, &socket, err);
    if (st != ST_OK)
        return error_context(err, "receivers.otlp_http");
    settings.listeners = intake->http_listeners.items;
    settings.listener_count = intake->http_listeners.count;
    settings.limits = record_limits(config, settings.limits.record_size_max);
    settings.request_limits.body_size_max = section->max_compressed_size;
    settings.request_limits.decoded_size_max = section->max_request_size;
    settings.request_limits.time_max_ns = section->request_timeout;
    settings.signals = signals_named(&section->signals, NULL);
    settings.connections_max = (unsigned int)section->connections_max;
    settings.connections_per_uid_max = (unsigned int)section->connections_per_uid_max;
    settings.shedding = &intake->shedding;
    settings.sources = intake->sources;
    settings.journal_size_max = sharing_limit(config);
    return otlp_http_receiver_start(&settings, journal, &intake->admission, &intake->http_receiver,
                                    err);
}

/* The addresses that are the receiver's own, for TLS. */
struct tls_addresses {
    const char *texts[LISTENERS_MAX];
    bool trusted[LISTENERS_MAX];
};

/* The others are listened on. */
static enum status open_grpc_addresses(struct intake *intake,
                                       const struct config_otlp_grpc_receiver *section,
                                       struct otlp_grpc_settings *settings,
                                       struct tls_addresses *tls, struct error *err)
{
    struct listener_settings socket = {.mode = 0660,
                                       .allow_remote = section->allow_remote_plaintext};
    enum status st = ST_OK;

    settings->tls_addresses = tls->texts;
    settings->tls_trusted = tls->trusted;
    for (size_t i = 0; i < section->listen.count && st == ST_OK; i++) {
        const char *address = section->listen.items[i];
        bool is_unix = address[0] == '/' || strncmp(address, "unix:", 5) == 0;
        socket.is_trusted = stands_in(&section->trusted_upstreams.addresses, address);
        if (is_unix || section->tls.cert_file == NULL) {
            st = add_listener(&intake->grpc_listeners, address, &socket, err);
        } else if (settings->tls_address_count == LISTENERS_MAX) {
            st = error_set(err, ST_LIMIT, "more than %d addresses", LISTENERS_MAX);
        } else {
            tls->trusted[settings->tls_address_count] = socket.is_trusted;
            tls->texts[settings->tls_address_count++] = address;
        }
    }
    settings->listeners = intake->grpc_listeners.items;
    settings->listener_count = intake->grpc_listeners.count;
    return st;
}

static void set_grpc_limits(struct intake *intake, const struct config *config,
                            struct otlp_grpc_settings *settings)
{
    const struct config_otlp_grpc_receiver *section = &config->receivers.otlp_grpc;

    settings->tls = (struct otlp_grpc_tls){section->tls.cert_file, section->tls.key_file,
                                           section->tls.client_ca_file};
    settings->limits = record_limits(config, settings->limits.record_size_max);
    settings->signals = signals_named(&section->signals, NULL);
    settings->message_size_max = section->max_request_size;
    settings->connections_max = (unsigned int)section->connections_max;
    settings->connections_per_uid_max = (unsigned int)section->connections_per_uid_max;
    settings->streams_max = (unsigned int)section->max_concurrent_streams;
    settings->request_time_max_ns = section->request_timeout;
    settings->idle_max_ns = section->keepalive.max_connection_idle;
    settings->keepalive_time_ns = section->keepalive.time;
    settings->keepalive_timeout_ns = section->keepalive.timeout;
    settings->ping_interval_min_ns = section->keepalive.min_time;
    settings->shedding = &intake->shedding;
    settings->sources = intake->sources;
    settings->journal_size_max = sharing_limit(config);
}

static enum status start_grpc(struct intake *intake, const struct config *config, struct loop *loop,
                              struct journal *journal, struct error *err)
{
    const struct config_otlp_grpc_receiver *section = &config->receivers.otlp_grpc;
    struct tls_addresses tls;
    struct otlp_grpc_settings settings;

    if (!section->enabled)
        return ST_OK;
    otlp_grpc_settings_default(&settings);
    set_grpc_limits(intake, config, &settings);
    enum status st =
        find_trusted(&section->trusted_upstreams, intake->grpc_trusted, &settings.trusted, err);
    if (st == ST_OK)
        st = open_grpc_addresses(intake, section, &settings, &tls, err);
    if (st == ST_OK)
        st = otlp_grpc_receiver_start(&settings, loop, journal, &intake->admission,
                                      &intake->grpc_receiver, err);
    if (st != ST_OK)
        return error_context(err, "receivers.otlp_grpc");
    for (size_t i = 0; i < settings.tls_address_count; i++)
        log_info("receiver.listening", "receiver=otlp_grpc address=%s tls=1%s",
                 LOG_TEXT(tls.texts[i]), tls.trusted[i] ? " trusted=1" : "");
    return ST_OK;
}

static enum status write_status(void *context, struct buf *out, struct error *err)
{
    struct intake *intake = context;

    return status_report_copy(intake->report, out, err);
}

static bool is_healthy(void *context, char *why, size_t why_size)
{
    struct intake *intake = context;

    return status_report_is_healthy(intake->report, why, why_size);
}

static enum status start_control(struct intake *intake, const struct config *config,
                                 struct error *err)
{
    const struct config_metrics *section = &config->telemetry.metrics;
    struct listener_settings socket = {.mode = CONTROL_SOCKET_MODE,
                                       .allow_remote = section->allow_remote_plaintext};
    struct control_callbacks callbacks = {
        .context = intake, .is_healthy = is_healthy, .write_status = write_status};

    enum status st = add_listener(&intake->control_listeners, config->control_path, &socket, err);
    if (st == ST_OK)
        st = add_listeners(&intake->control_listeners, &section->listen, NULL, &socket, err);
    if (st != ST_OK)
        return error_context(err, "telemetry.metrics");
    return control_server_start(intake->control_listeners.items, intake->control_listeners.count,
                                &callbacks, &intake->control, err);
}

static enum status start_shedding(struct intake *intake, const struct config *config,
                                  const struct journal *journal, struct error *err)
{
    const struct shedding_settings settings = {
        .kinds = config->limits.shed.items,
        .kind_count = config->limits.shed.count,
        .admission = &intake->admission,
        .journal = journal,
        .journal_size_max = config->journal.max_size,
    };

    enum status st = shedding_init(&intake->shedding, &settings, err);
    return st == ST_OK ? ST_OK : error_context(err, "limits.shed");
}

static void log_listeners(const char *receiver, const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        log_info("receiver.listening", "receiver=%s address=%s%s", receiver,
                 LOG_TEXT(listeners->items[i].name),
                 listeners->items[i].is_trusted ? " trusted=1" : "");
    }
}

void intake_close_receivers(struct intake *intake)
{
    intake->is_open = false;
    metric_set(intake->open_gauge, 0);
    otlp_grpc_receiver_stop(intake->grpc_receiver);
    intake->grpc_receiver = NULL;
    otlp_http_receiver_stop(intake->http_receiver);
    intake->http_receiver = NULL;
    spool_stop(intake->spool);
    intake->spool = NULL;
    unix_receiver_stop(intake->unix_receiver);
    intake->unix_receiver = NULL;
    close_listeners(&intake->grpc_listeners);
    close_listeners(&intake->http_listeners);
    close_listeners(&intake->unix_listeners);
}

enum status intake_open_receivers(struct intake *intake, struct error *err)
{
    enum status st = start_unix(intake, intake->config, intake->loop, intake->journal, err);
    if (st == ST_OK)
        st = start_http(intake, intake->config, intake->journal, err);
    if (st == ST_OK)
        st = start_grpc(intake, intake->config, intake->loop, intake->journal, err);
    if (st != ST_OK) {
        intake_close_receivers(intake);
        return st;
    }
    start_spool(intake);
    if (intake->sources != NULL)
        source_watch_restart(intake->sources, clock_monotonic_ns());
    log_listeners("unix", &intake->unix_listeners);
    log_listeners("otlp_http", &intake->http_listeners);
    log_listeners("otlp_grpc", &intake->grpc_listeners);
    intake->is_open = true;
    metric_set(intake->open_gauge, 1);
    return ST_OK;
}

bool intake_is_open(const struct intake *intake)
{
    return intake->is_open;
}

enum status intake_start(const struct config *config, struct loop *loop, struct journal *journal,
                         struct status_report *report, struct intake **ret, struct error *err)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        return error_set(err, ST_NO_MEMORY, "open the receivers");
    admission_init(&intake->admission, config->limits.in_flight);
    intake->config = config;
    intake->loop = loop;
    intake->journal = journal;
    intake->report = report;
    intake->open_gauge =
        metric_register(METRIC_GAUGE, "telltale_receivers_open",
                        "1: the sockets of the receivers are open; 0: closed by policy.", "");
    enum status st = event_ids_create(&intake->ids, err);
    if (st == ST_OK && config->receivers.silent_after > 0)
        st = source_watch_create(config->receivers.silent_after, &intake->sources, err);
    if (st == ST_OK)
        st = start_shedding(intake, config, journal, err);
    if (st == ST_OK)
        st = start_control(intake, config, err);
    if (st == ST_OK)
        st = intake_open_receivers(intake, err);
    if (st != ST_OK) {
        intake_stop(intake);
        return st;
    }
    log_listeners("control", &intake->control_listeners);
    *ret = intake;
    return ST_OK;
}

void intake_stop(struct intake *intake)
{
    if (intake == NULL)
        return;
    intake_close_receivers(intake);
    control_server_stop(intake->control);
    close_listeners(&intake->control_listeners);
    event_ids_destroy(intake->ids);
    source_watch_destroy(intake->sources);
    free(intake);
}

void intake_look_for_silence(struct intake *intake, struct pipeline_notes *notes)
{
    if (intake->sources != NULL && intake->is_open)
        source_watch_sweep(intake->sources, clock_monotonic_ns(), clock_unix_ns(),
                           source_notes_take, notes);
}

/* --- Comparing --------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_list(const struct config_text_list *a, const struct config_text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static bool same_unix(const struct config_unix_receiver *a, const struct config_unix_receiver *b)
{
    return a->enabled == b->enabled && same_text(a->path, b->path) && a->mode == b->mode &&
           same_text(a->owner, b->owner) && same_text(a->group, b->group) &&
           a->max_event_size == b->max_event_size && a->connections_max == b->connections_max &&
           a->connections_per_uid_max == b->connections_per_uid_max;
}

static bool same_upstreams(const struct config_upstreams *a, const struct config_upstreams *b)
{
    return same_list(&a->addresses, &b->addresses) && same_list(&a->users, &b->users);
}

static bool same_http(const struct config_otlp_http_receiver *a,
                      const struct config_otlp_http_receiver *b)
{
    return a->enabled == b->enabled && same_list(&a->listen, &b->listen) && a->mode == b->mode &&
           same_text(a->owner, b->owner) && same_text(a->group, b->group) &&
           a->connections_per_uid_max == b->connections_per_uid_max &&
           a->allow_remote_plaintext == b->allow_remote_plaintext &&
           a->max_request_size == b->max_request_size &&
           a->max_compressed_size == b->max_compressed_size &&
           a->connections_max == b->connections_max && a->request_timeout == b->request_timeout &&
           same_upstreams(&a->trusted_upstreams, &b->trusted_upstreams) &&
           same_list(&a->signals, &b->signals);
}

static bool same_grpc(const struct config_otlp_grpc_receiver *a,
                      const struct config_otlp_grpc_receiver *b)
{
    return a->enabled == b->enabled && same_list(&a->listen, &b->listen) &&
           same_upstreams(&a->trusted_upstreams, &b->trusted_upstreams) &&
           same_list(&a->signals, &b->signals) && same_text(a->tls.cert_file, b->tls.cert_file) &&
           same_text(a->tls.key_file, b->tls.key_file) &&
           same_text(a->tls.client_ca_file, b->tls.client_ca_file) &&
           a->allow_remote_plaintext == b->allow_remote_plaintext &&
           a->max_request_size == b->max_request_size && a->connections_max == b->connections_max &&
           a->connections_per_uid_max == b->connections_per_uid_max &&
           a->max_concurrent_streams == b->max_concurrent_streams &&
           a->request_timeout == b->request_timeout &&
           a->keepalive.max_connection_idle == b->keepalive.max_connection_idle &&
           a->keepalive.time == b->keepalive.time && a->keepalive.timeout == b->keepalive.timeout &&
           a->keepalive.min_time == b->keepalive.min_time;
}

static bool same_limits(const struct config_limits *a, const struct config_limits *b)
{
    return a->depth == b->depth && a->attributes == b->attributes && a->key_size == b->key_size &&
           a->in_flight == b->in_flight && same_list(&a->shed, &b->shed);
}

bool intake_opens_the_same(const struct config *a, const struct config *b)
{
    return same_limits(&a->limits, &b->limits) &&
           a->receivers.silent_after == b->receivers.silent_after &&
           same_unix(&a->receivers.unix_socket, &b->receivers.unix_socket) &&
           same_http(&a->receivers.otlp_http, &b->receivers.otlp_http) &&
           same_grpc(&a->receivers.otlp_grpc, &b->receivers.otlp_grpc) &&
           same_list(&a->telemetry.metrics.listen, &b->telemetry.metrics.listen) &&
           a->telemetry.metrics.allow_remote_plaintext ==
               b->telemetry.metrics.allow_remote_plaintext;
}
