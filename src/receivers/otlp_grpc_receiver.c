/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_receiver.c -- see otlp_grpc_parts.h.  Here: the thread with its mail, what is looked
 * after now and then, starting and stopping.
 *
 * One thread is enough: it is busy only while it converts, and all state is its own.  gRPC has no
 * way to post to a completion queue, so another thread rings a doorbell: it watches a channel that
 * leads nowhere until a time that has passed, which is told at the queue at once.  The journal's
 * thread thus never runs the library's transport. */
#include "receivers/otlp_grpc_receiver.h"

#include <grpc/grpc_security.h>
#include <signal.h>
#include <stdlib.h>

#include "receivers/otlp_grpc_parts.h"
#include "receivers/pem_file.h"
#include "util/clock.h"

enum { STOP_WAIT_S = 5 };

#define LABELS  "receiver=\"otlp_grpc\""
#define TICK_NS (NS_PER_S / 4)
/* A sender that was told to go has read its last answers when it goes; cut off, it might lose them.
 */
#define FAREWELL_NS NS_PER_S

/* --- Mail ----------------------------------------------------------------------------------------
 */

static void ring(struct otlp_grpc_receiver *receiver)
{
    grpc_channel_watch_connectivity_state(receiver->doorbell, GRPC_CHANNEL_TRANSIENT_FAILURE,
                                          gpr_inf_past(GPR_CLOCK_MONOTONIC), receiver->cq,
                                          &receiver->rung);
}

void otlp_grpc_post(struct otlp_grpc_receiver *receiver, struct grpc_mail *mail)
{
    (void)pthread_mutex_lock(&receiver->lock); /* fails only if we hold it */
    if (!mail->waiting) {
        mail->waiting = true;
        mail->next = NULL;
        *receiver->mail_end = mail;
        receiver->mail_end = &mail->next;
    }
    bool rings = !receiver->is_ringing;
    receiver->is_ringing = true;
    (void)pthread_mutex_unlock(&receiver->lock); /* fails only if we do not hold it */
    if (rings)
        ring(receiver);
}

static struct grpc_mail *take_mail(struct otlp_grpc_receiver *receiver)
{
    (void)pthread_mutex_lock(&receiver->lock);
    struct grpc_mail *mail = receiver->mail;
    if (mail == NULL) {
        receiver->is_ringing = false;
    } else {
        receiver->mail = mail->next;
        if (receiver->mail == NULL)
            receiver->mail_end = &receiver->mail;
        mail->waiting = false;
    }
    (void)pthread_mutex_unlock(&receiver->lock);
    return mail;
}

static void on_rung(void *owner, bool ok)
{
    struct otlp_grpc_receiver *receiver = owner;
    struct grpc_mail *mail;

    (void)ok; /* the time has passed, as it should */
    while ((mail = take_mail(receiver)) != NULL)
        mail->on_mail(mail->owner);
}

/* --- The thread ----------------------------------------------------------------------------------
 */

static void end_connections(struct otlp_grpc_receiver *receiver, bool cut)
{
    for (struct grpc_connection *at = receiver->connections; at != NULL; at = at->next)
        otlp_grpc_connection_end(at, cut);
}

static void on_stop(void *owner)
{
    struct otlp_grpc_receiver *receiver = owner;

    receiver->stopping = true;
    end_connections(receiver, false);
}

static void on_finish(void *owner)
{
    struct otlp_grpc_receiver *receiver = owner;

    receiver->finishing = true;
    receiver->cut_ns = clock_monotonic_ns() + FAREWELL_NS;
}

static void tick(struct otlp_grpc_receiver *receiver)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (now_ns < receiver->next_tick_ns)
        return;
    receiver->next_tick_ns = now_ns + TICK_NS;
    otlp_grpc_sweep_calls(receiver, now_ns);
    otlp_grpc_sweep_connections(receiver, now_ns);
    if (receiver->finishing && now_ns >= receiver->cut_ns)
        end_connections(receiver, true);
}

static void *run(void *context)
{
    struct otlp_grpc_receiver *receiver = context;

    while (!receiver->finishing || receiver->connections != NULL) {
        gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                          gpr_time_from_nanos((int64_t)TICK_NS, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_next(receiver->cq, until, NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            struct grpc_tag *tag = event.tag;
            tag->on_event(tag->owner, event.success != 0);
        }
        tick(receiver);
    }
    return NULL;
}

/* --- Starting ------------------------------------------------------------------------------------
 */

void otlp_grpc_settings_default(struct otlp_grpc_settings *ret)
{
    *ret = (struct otlp_grpc_settings){
        .limits = otlp_limits_default,
        .signals = SIGNALS_ALL,
        .message_size_max = (size_t)64 * 1024 * 1024,
        .connections_max = 1024,
        .connections_per_uid_max = 256,
        .streams_max = 64,
        .request_time_max_ns = 30 * NS_PER_S,
        .idle_max_ns = 600 * NS_PER_S,
        .keepalive_time_ns = 60 * NS_PER_S,
        .keepalive_timeout_ns = 20 * NS_PER_S,
        .ping_interval_min_ns = 10 * NS_PER_S,
    };
}

static void register_metrics(struct otlp_grpc_receiver *receiver)
{
    receiver_metrics_register(&receiver->metrics, LABELS);
    ignored_metrics_register(&receiver->ignored[SIGNAL_LOGS], "signal=\"logs\"");
    ignored_metrics_register(&receiver->ignored[SIGNAL_TRACES], "signal=\"traces\"");
    ignored_metrics_register(&receiver->ignored[SIGNAL_METRICS], "signal=\"metrics\"");
    receiver->gated_calls =
        metric_register(METRIC_COUNTER, "telltale_receiver_gated_calls_total",
                        "Calls whose message waited because memory for events was short.", LABELS);
    receiver->unfinished_calls = metric_register(
        METRIC_COUNTER, "telltale_receiver_unfinished_calls_total",
        "Calls that ended before their message was whole: cancelled, too slow or cut off.", LABELS);
    receiver->idle_connections =
        metric_register(METRIC_COUNTER, "telltale_receiver_idle_connections_total",
                        "Connections that were closed because no call came.", LABELS);
    receiver->slow_readers =
        metric_register(METRIC_COUNTER, "telltale_receiver_slow_readers_total",
                        "Calls that were given up because their answer was not read.", LABELS);
}

static enum status read_credentials(const struct otlp_grpc_tls *tls, grpc_server_credentials **ret,
                                    struct error *err)
{
    struct buf cert, key, ca;

    pem_file_init(&cert);
    pem_file_init(&key);
    pem_file_init(&ca);
    enum status st = pem_file_read(tls->cert_file, "tls.cert_file", &cert, err);
    if (st == ST_OK)
        st = pem_file_read(tls->key_file, "tls.key_file", &key, err);
    if (st == ST_OK && tls->client_ca_file != NULL)
        st = pem_file_read(tls->client_ca_file, "tls.client_ca_file", &ca, err);
    if (st == ST_OK) {
        grpc_ssl_pem_key_cert_pair pair = {(const char *)key.data, (const char *)cert.data};
        *ret = grpc_ssl_server_credentials_create_ex(
            tls->client_ca_file != NULL ? (const char *)ca.data : NULL, &pair, 1,
            tls->client_ca_file != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            NULL);
    }
    pem_file_fini(&cert);
    pem_file_fini(&key);
    pem_file_fini(&ca);
    return st;
}

static enum status listen_tls(struct otlp_grpc_receiver *receiver, struct error *err)
{
    const struct otlp_grpc_settings *settings = &receiver->settings;
    grpc_server_credentials *credentials = NULL;

    if (settings->tls_address_count == 0)
        return ST_OK;
    enum status st = read_credentials(&settings->tls, &credentials, err);
    for (size_t i = 0; i < settings->tls_address_count && st == ST_OK; i++)
        st = otlp_grpc_listen_tls(receiver, settings->tls_addresses[i],
                                  settings->tls_trusted != NULL && settings->tls_trusted[i],
                                  credentials, err);
    grpc_server_credentials_release(credentials);
    return st;
}

static enum status init_shared(struct otlp_grpc_receiver *receiver, struct journal *journal,
                               struct error *err)
{
    const struct request_flow_settings flow = {
        .journal = journal,
        .admission = receiver->admission,
        .journal_size_max = receiver->settings.journal_size_max,
        .metric_labels = LABELS,
        .resume = otlp_grpc_resume,
        .on_landed = otlp_grpc_on_landed,
    };

    (void)pthread_mutex_init(&receiver->lock, NULL); /* cannot fail with default attributes */
    receiver->mail_end = &receiver->mail;
    receiver->gated_end = &receiver->gated;
    receiver->rung = (struct grpc_tag){on_rung, receiver};
    receiver->stop = (struct grpc_mail){.on_mail = on_stop, .owner = receiver};
    receiver->finish = (struct grpc_mail){.on_mail = on_finish, .owner = receiver};
    return request_flow_init(&receiver->flow, &flow, err);
}

static void init_library(struct otlp_grpc_receiver *receiver)
{
    grpc_init();
    receiver->cq = grpc_completion_queue_create_for_next(NULL);
    receiver->doorbell = grpc_lame_client_channel_create("doorbell", GRPC_STATUS_UNAVAILABLE, "");
    receiver->insecure = grpc_insecure_server_credentials_create();
    receiver->quota = grpc_resource_quota_create("otlp_grpc");
    /* The library gathers a message however large it says that it is.  When all together are more
     * than this, it gives up calls that are under way. */
    grpc_resource_quota_resize(receiver->quota,
                               receiver->admission->limit + receiver->settings.message_size_max);
}

static enum status start_accepting(struct otlp_grpc_receiver *receiver, struct error *err)
{
    const struct otlp_grpc_settings *settings = &receiver->settings;
    const struct acceptor_settings acceptor = {
        .loop = receiver->loop,
        .listeners = settings->listeners,
        .listener_count = settings->listener_count,
        .connections_max = settings->connections_max,
        .connections_per_uid_max = settings->connections_per_uid_max,
        .metric_labels = LABELS,
        .context = receiver,
        .on_accepted = otlp_grpc_on_accepted,
    };

    return acceptor_start(&acceptor, &receiver->acceptor, err);
}

static enum status start_thread(struct otlp_grpc_receiver *receiver, struct error *err)
{
    int failed = pthread_create(&receiver->thread, NULL, run, receiver);

    if (failed != 0)
        return error_set(err, ST_NO_MEMORY, "start a thread");
    receiver->has_thread = true;
    (void)pthread_setname_np(receiver->thread, "grpc"); /* only a help for people */
    return ST_OK;
}

enum status otlp_grpc_receiver_start(const struct otlp_grpc_settings *settings, struct loop *loop,
                                     struct journal *journal, struct admission *admission,
                                     struct otlp_grpc_receiver **ret, struct error *err)
{
    struct otlp_grpc_receiver *receiver = calloc(1, sizeof(*receiver));

    if (receiver == NULL)
        return error_set(err, ST_NO_MEMORY, "make a receiver");
    receiver->settings = *settings;
    receiver->loop = loop;
    receiver->admission = admission;
    enum status st = init_shared(receiver, journal, err);
    register_metrics(receiver);
    init_library(receiver);
    if (st == ST_OK)
        st = otlp_intake_create(&settings->limits, &receiver->intake, err);
    if (st == ST_OK) {
        otlp_intake_set_shedding(receiver->intake, settings->shedding);
        st = refusal_recorder_init(&receiver->refusals, &settings->limits, err);
    }
    if (st == ST_OK)
        st = listen_tls(receiver, err);
    if (st == ST_OK)
        st = start_thread(receiver, err);
    if (st == ST_OK)
        st = start_accepting(receiver, err);
    if (st != ST_OK) {
        otlp_grpc_receiver_stop(receiver);
        return error_context(err, "start the receiver of OTLP/gRPC");
    }
    *ret = receiver;
    return ST_OK;
}

/* --- Stopping ------------------------------------------------------------------------------------
 */

static void stop_thread(struct otlp_grpc_receiver *receiver)
{
    otlp_grpc_post(receiver, &receiver->stop);
    if (receiver->has_thread)
        request_flow_stop(&receiver->flow, STOP_WAIT_S);
    otlp_grpc_post(receiver, &receiver->finish);
    if (receiver->has_thread)
        (void)pthread_join(receiver->thread, NULL);
    else
        (void)run(receiver); /* there may be servers already, but nobody has called */
}

static void fini_library(struct otlp_grpc_receiver *receiver)
{
    grpc_event event;

    grpc_completion_queue_shutdown(receiver->cq);
    do {
        event = grpc_completion_queue_next(receiver->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    } while (event.type != GRPC_QUEUE_SHUTDOWN); /* the doorbell, perhaps */
    grpc_completion_queue_destroy(receiver->cq);
    grpc_channel_destroy(receiver->doorbell);
    grpc_server_credentials_release(receiver->insecure);
    grpc_resource_quota_unref(receiver->quota);
    grpc_shutdown();
}

void otlp_grpc_receiver_stop(struct otlp_grpc_receiver *receiver)
{
    if (receiver == NULL)
        return;
    if (receiver->acceptor != NULL)
        acceptor_close(receiver->acceptor);
    stop_thread(receiver);
    otlp_grpc_close_connections(receiver);
    acceptor_destroy(receiver->acceptor);
    fini_library(receiver);
    otlp_intake_destroy(receiver->intake);
    refusal_recorder_fini(&receiver->refusals);
    request_flow_fini(&receiver->flow);
    (void)pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}
