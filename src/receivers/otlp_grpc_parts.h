/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_parts.h -- what the files of the OTLP/gRPC receiver share: otlp_grpc_receiver.c (its
 * thread, start and stop), otlp_grpc_connection.c, otlp_grpc_call.c.
 *
 * One thread waits at gRPC's completion queue and does all work: the library reads and writes its
 * sockets there too.  The loop's and the journal's thread hand it mail (grpc_mail), and wake it.
 *
 * Threads: the receiver's own, unless a line says otherwise.
 */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>

#include "receivers/acceptor.h"
#include "receivers/http_answers.h"
#include "receivers/otlp_exchange.h"
#include "receivers/otlp_grpc_receiver.h"
#include "receivers/recent_bytes.h"
#include "telltale/buf.h"

/* What an operation of the library gives back when it is done. */
struct grpc_tag {
    void (*on_event)(void *owner, bool ok);
    void *owner;
};

/* A message from another thread.  Posting one that waits already changes nothing. */
struct grpc_mail {
    void (*on_mail)(void *owner);
    void *owner;
    struct grpc_mail *next;
    bool waiting;
};

/* A connection of ours with a server of its own, so that nobody's calls are ever taken for
 * another's; or all connections of a TLS address. */
struct grpc_connection {
    struct otlp_grpc_receiver *receiver;
    bool is_tls;
    bool is_trusted;  /* its sender is an upstream whose word is taken */
    struct peer peer; /* TLS: unknown */
    struct grpc_mail arrived, hung_up, farewell;
    /* loop thread */
    struct grpc_connection *next_of_loop, *previous_of_loop;
    struct loop_watch watch; /* for the end of the socket */
    struct loop_message ended, gone;
    int watched_fd; /* a duplicate of `fd`: the library closes its own without a word */
    /* the receiver's thread */
    struct grpc_connection *next, *previous;
    int fd;              /* -1: the library's */
    grpc_server *server; /* NULL: none yet, or not any more */
    grpc_call *call;     /* these three for the next call */
    grpc_call_details details;
    grpc_metadata_array metadata;
    struct grpc_tag requested, shut_down;
    unsigned int pending;    /* tags that are under way, and calls */
    unsigned int call_count; /* of them, calls */
    bool ending;
    uint64_t quiet_since_ns;
    struct recent_bytes recent;
    struct buf sender;           /* encoded agent.peer.* attributes */
    struct peer_address address; /* of a peer that is not known; TLS: each call has its own */
    struct source_id source;
};

enum grpc_call_state {
    CALL_GATED,     /* room for events is short: its message is not asked for yet */
    CALL_RECEIVING, /* its message */
    CALL_TAKEN,     /* see flow_request */
    CALL_ANSWERING,
    CALL_ANSWERED,
};

/* An answer that is an error; code 0: there is none. */
struct grpc_verdict {
    enum rpc_code code;
    unsigned int retry_after_s; /* 0: not said */
    char message[256];
};

struct grpc_exchange {
    struct grpc_connection *connection;
    grpc_call *call; /* owned */
    struct grpc_exchange *next, *previous;
    struct grpc_exchange *next_gated;
    struct grpc_tag received, closed, answered;
    struct grpc_mail resumed;
    unsigned int pending; /* tags that are under way */
    enum grpc_call_state state;
    enum signal signal;
    uint64_t deadline_ns; /* to be received, then to be answered */
    grpc_byte_buffer *message;
    size_t counted_bytes; /* of it, in the admission */
    int cancelled;
    struct otlp_exchange otlp;
    struct grpc_verdict verdict; /* the journal's thread while the batch is the journal's */
};

struct otlp_grpc_receiver {
    struct otlp_grpc_settings settings;
    struct loop *loop;           /* borrowed */
    struct admission *admission; /* borrowed */
    struct receiver_metrics metrics;
    struct ignored_metrics ignored[SIGNAL_COUNT];
    struct metric *gated_calls, *unfinished_calls, *idle_connections, *slow_readers;
    struct request_flow flow;
    grpc_completion_queue *cq;
    grpc_resource_quota *quota;
    grpc_server_credentials *insecure;
    pthread_t thread;
    bool has_thread;

    /* loop thread */
    struct acceptor *acceptor;
    struct grpc_connection *first_of_loop;

    /* the receiver's thread */
    struct grpc_connection *connections;
    struct grpc_exchange *exchanges;
    struct grpc_exchange *gated, **gated_end;
    size_t receiving_count;
    struct otlp_intake *intake;
    struct refusal_recorder refusals;
    bool stopping;   /* no more connections and calls */
    bool finishing;  /* no calls are there that anybody waits for */
    uint64_t cut_ns; /* when the connections that are left then are cut off */
    uint64_t next_tick_ns;

    grpc_channel *doorbell;
    struct grpc_tag rung;
    struct grpc_mail stop, finish;
    pthread_mutex_t lock;
    /* shared, under lock */
    struct grpc_mail *mail, **mail_end;
    bool is_ringing;
};

/* Any thread. */
void otlp_grpc_post(struct otlp_grpc_receiver *receiver, struct grpc_mail *mail);

/* --- otlp_grpc_connection.c --------------------------------------------------------------------
 */

/* loop thread; for struct acceptor_settings. */
void otlp_grpc_on_accepted(void *context, int fd, const struct listener *listener,
                           const struct peer *peer);
/* Before the receiver's thread runs. */
MUST_CHECK enum status otlp_grpc_listen_tls(struct otlp_grpc_receiver *receiver,
                                            const char *address, bool is_trusted,
                                            grpc_server_credentials *credentials,
                                            struct error *err);
/* No more calls; `cut`: those that are there are cancelled. */
void otlp_grpc_connection_end(struct grpc_connection *connection, bool cut);
/* A tag has come back, or a call has ended. */
void otlp_grpc_connection_leave(struct grpc_connection *connection);
void otlp_grpc_sweep_connections(struct otlp_grpc_receiver *receiver, uint64_t now_ns);
/* loop thread, when the receiver's has ended: closes what is left. */
void otlp_grpc_close_connections(struct otlp_grpc_receiver *receiver);

/* --- otlp_grpc_call.c --------------------------------------------------------------------------
 */

/* Takes the call that stands in the connection. */
void otlp_grpc_call_begin(struct grpc_connection *connection);
/* Asks for the messages of calls that wait for it, as long as there is room. */
void otlp_grpc_open_gate(struct otlp_grpc_receiver *receiver);
void otlp_grpc_sweep_calls(struct otlp_grpc_receiver *receiver, uint64_t now_ns);
/* What became of a batch; see struct request_flow_settings. */
void otlp_grpc_on_landed(struct flow_request *flow, enum status status, const struct error *err);
void otlp_grpc_resume(struct flow_request *flow);
