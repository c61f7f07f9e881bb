/* SPDX-License-Identifier: Apache-2.0 */
/* http_sink.c -- see http_sink.h. */
#include "support/http_sink.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "telltale/base.h"

enum {
    CONNECTIONS_MAX = 4096,
    REQUESTS_MAX = 4096,
    SCRIPT_MAX = 256,
    DRIP_MS = 20,
    PART = 1024,
    ANSWER_MAX = 16 << 20,
};

struct connection {
    struct http_sink *sink;
    pthread_t thread;
    int fd;
    SSL *ssl; /* NULL: plain text */
    unsigned index;
    struct buf answer;
};

struct http_sink {
    int fd;
    int port;
    bool discard;
    void (*answer)(void *context, const struct http_sink_request *request, struct buf *body);
    void *context; /* borrowed */
    SSL_CTX *tls;  /* NULL: plain text */
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    bool stopping;
    struct connection *connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct http_sink_request *requests[REQUESTS_MAX];
    size_t request_count;
    struct http_sink_answer script[SCRIPT_MAX];
    size_t script_count, script_at;
};

static void lock(struct http_sink *sink)
{
    ASSERT(pthread_mutex_lock(&sink->lock) == 0);
}

static void unlock(struct http_sink *sink)
{
    ASSERT(pthread_mutex_unlock(&sink->lock) == 0);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static X509 *read_cert(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ASSERT(cert != NULL);
    BIO_free(bio);
    return cert;
}

static SSL_CTX *make_tls(const struct http_sink_settings *settings)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    X509 *cert = read_cert(settings->cert);
    BIO *bio = BIO_new_mem_buf(settings->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    ASSERT(tls != NULL && SSL_CTX_use_certificate(tls, cert) == 1 &&
           SSL_CTX_use_PrivateKey(tls, key) == 1);
    if (settings->tls_1_2_only)
        ASSERT(SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION) == 1);
    if (settings->client_ca != NULL) {
        X509 *ca = read_cert(settings->client_ca);
        ASSERT(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca) == 1);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_free(ca);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return tls;
}

/* --- A connection ---------------------------------------------------------------------------- */

static ssize_t get(struct connection *connection, void *data, size_t size)
{
    if (connection->ssl != NULL)
        return SSL_read(connection->ssl, data, (int)size);
    return recv(connection->fd, data, size, 0);
}

static bool put(struct connection *connection, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t sent = connection->ssl != NULL ? SSL_write(connection->ssl, at, (int)size)
                                               : send(connection->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads up to the empty line; false: the peer has gone. */
static bool get_head(struct connection *connection, char *head, size_t head_size)
{
    size_t size = 0;

    while (size < head_size - 1) {
        if (get(connection, head + size, 1) != 1)
            return false;
        head[++size] = 0;
        if (size >= 4 && memcmp(head + size - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static bool find_header(const char *head, const char *name, char *out, size_t out_size)
{
    size_t name_size = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
            continue;
        const char *value = line + name_size + 1;
        while (*value == ' ')
            value++;
        snprintf(out, out_size, "%.*s", (int)strcspn(value, "\r\n"), value);
        return true;
    }
    return false;
}

bool http_sink_header(const struct http_sink_request *request, const char *name, char *out,
                      size_t out_size)
{
    return find_header(request->head, name, out, out_size);
}

static size_t body_size(const char *head)
{
    char text[32];

    return find_header(head, "content-length", text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

static bool get_body(struct connection *connection, uint8_t *out, size_t size)
{
    size_t at = 0;

    while (at < size) {
        ssize_t got = get(connection, out + at, size - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

static struct http_sink_answer next_answer(struct http_sink *sink, bool at_accept)
{
    struct http_sink_answer answer = {.deed = SINK_ANSWER};

    lock(sink);
    if (sink->script_count > 0) {
        answer = sink->script[sink->script_at];
        bool take = (answer.deed == SINK_CLOSE_AT_ACCEPT) == at_accept;
        if (take && sink->script_at + 1 < sink->script_count)
            sink->script_at++;
    }
    unlock(sink);
    return answer;
}

static void remember(struct http_sink *sink, struct http_sink_request *request)
{
    lock(sink);
    ASSERT(sink->discard || sink->request_count < REQUESTS_MAX);
    if (sink->discard) {
        free((void *)request->body.data);
        free(request);
    } else {
        sink->requests[sink->request_count] = request;
    }
    sink->request_count++;
    unlock(sink);
}

static bool is_stopping(struct http_sink *sink)
{
    lock(sink);
    bool stopping = sink->stopping;
    unlock(sink);
    return stopping;
}

static void wait_ms(struct connection *connection, int ms)
{
    struct pollfd gone = {.fd = connection->fd, .events = POLLRDHUP};

    (void)poll(&gone, 1, ms); /* a peer that goes is found by the next write */
}

static bool put_answer(struct connection *connection, const struct http_sink_answer *answer)
{
    char head[4096];
    char length[64] = "";
    size_t size = answer->body.size;

    if (answer->raw.size > 0)
        return put(connection, answer->raw.data, answer->raw.size) && !answer->close;
    if (!answer->without_length)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size);
    int head_size = snprintf(head, sizeof(head), "HTTP/1.1 %d Scripted\r\n%s%s%s\r\n",
                             answer->status != 0 ? answer->status : 200, length,
                             answer->close ? "Connection: close\r\n" : "",
                             answer->headers != NULL ? answer->headers : "");
    ASSERT(head_size > 0 && (size_t)head_size < sizeof(head));
    if (answer->deed == SINK_DRIP) {
        bool goes = put(connection, "HTTP/1.1 200 OK\r\nX-Drip: ", 25);
        while (goes && !is_stopping(connection->sink)) {
            goes = put(connection, "x", 1);
            wait_ms(connection, DRIP_MS);
        }
        return false;
    }
    if (answer->deed == SINK_CLOSE_IN_ANSWER)
        size /= 2;
    return put(connection, head, (size_t)head_size) && put(connection, answer->body.data, size) &&
           answer->deed == SINK_ANSWER && !answer->close && !answer->without_length;
}

static void hold(struct connection *connection)
{
    while (!is_stopping(connection->sink))
        wait_ms(connection, DRIP_MS);
}

/* Hangs up so that the peer gets what was written last. */
static void drain(int fd)
{
    char rest[PART];

    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof(rest), 0) > 0)
        ;
}

/* Whether all is done before the body is read. */
static bool ends_behind_head(enum http_sink_deed deed)
{
    return deed == SINK_CLOSE_BEHIND_HEAD || deed == SINK_HOLD_UNREAD ||
           deed == SINK_ANSWER_BEHIND_HEAD || deed == SINK_CLOSE_IN_BODY;
}

static void act_behind_head(struct connection *connection, const struct http_sink_answer *answer,
                            bool is_asked)
{
    char part[PART];

    if (answer->deed == SINK_HOLD_UNREAD)
        hold(connection);
    if (answer->deed == SINK_CLOSE_IN_BODY)
        (void)get(connection, part, sizeof(part)); /* as much as there is */
    if (answer->deed != SINK_ANSWER_BEHIND_HEAD)
        return;
    (void)put_answer(connection, answer);
    if (is_asked)
        drain(connection->fd);
}

static void get_request_body(struct connection *connection, struct http_sink_request *request,
                             bool *ret_whole)
{
    size_t size = body_size(request->head);
    uint8_t *body = size > 0 ? malloc(size) : NULL;

    ASSERT(size == 0 || body != NULL);
    *ret_whole = get_body(connection, body, size);
    request->body = slice_of(body, size);
}

static void answer_by_callback(struct connection *connection,
                               const struct http_sink_request *request,
                               struct http_sink_answer *answer)
{
    buf_clear(&connection->answer);
    connection->sink->answer(connection->sink->context, request, &connection->answer);
    answer->body = buf_slice(&connection->answer);
}

/* False: the connection is to end. */
static bool serve(struct connection *connection)
{
    struct http_sink *sink = connection->sink;
    struct http_sink_request *request = calloc(1, sizeof(*request));
    ASSERT(request != NULL);
    char text[32];
    bool whole = true;

    request->connection = connection->index;
    if (!get_head(connection, request->head, sizeof(request->head))) {
        free(request);
        return false;
    }
    struct http_sink_answer answer = next_answer(sink, false);
    bool is_asked = find_header(request->head, "expect", text, sizeof(text));
    if (ends_behind_head(answer.deed)) {
        remember(sink, request);
        act_behind_head(connection, &answer, is_asked);
        return false;
    }
    if (is_asked && !put(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        whole = false;
    else
        get_request_body(connection, request, &whole);
    if (whole && sink->answer != NULL)
        answer_by_callback(connection, request, &answer);
    remember(sink, request);
    if (!whole || answer.deed == SINK_CLOSE_UNANSWERED)
        return false;
    if (answer.deed == SINK_HOLD) {
        hold(connection);
        return false;
    }
    return put_answer(connection, &answer);
}

static void *run_connection(void *context)
{
    struct connection *connection = context;
    struct http_sink *sink = connection->sink;

    bool closes = next_answer(sink, true).deed == SINK_CLOSE_AT_ACCEPT;
    if (!closes && sink->tls != NULL) {
        connection->ssl = SSL_new(sink->tls);
        ASSERT(connection->ssl != NULL && SSL_set_fd(connection->ssl, connection->fd) == 1);
        closes = SSL_accept(connection->ssl) != 1;
        if (closes)
            drain(connection->fd);
    }
    while (!closes)
        closes = !serve(connection);
    lock(sink);
    if (connection->ssl != NULL)
        (void)SSL_shutdown(connection->ssl); /* the peer may have gone */
    SSL_free(connection->ssl);
    (void)close(connection->fd);
    connection->fd = -1;
    unlock(sink);
    return NULL;
}

/* --- The server ------------------------------------------------------------------------------ */

static void *run_sink(void *context)
{
    struct http_sink *sink = context;

    for (;;) {
        int fd = accept4(sink->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL; /* it is shut down */
        struct connection *connection = calloc(1, sizeof(*connection));
        ASSERT(connection != NULL);
        connection->sink = sink;
        connection->fd = fd;
        /* Or the body of an answer waits for the acknowledgement of its head.  A Unix socket
         * refuses, and has no need of it. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        buf_init(&connection->answer, ANSWER_MAX);
        lock(sink);
        ASSERT(sink->connection_count < CONNECTIONS_MAX);
        connection->index = (unsigned)sink->connection_count;
        sink->connections[sink->connection_count++] = connection;
        bool stopping = sink->stopping;
        if (stopping)
            (void)shutdown(fd, SHUT_RDWR);
        ASSERT(pthread_create(&connection->thread, NULL, run_connection, connection) == 0);
        unlock(sink);
    }
}

static void listen_unix(struct http_sink *sink, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    sink->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(sink->fd >= 0 &&
           bind(sink->fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
}

static void listen_tcp(struct http_sink *sink)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    sink->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(sink->fd >= 0 &&
           bind(sink->fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ASSERT(getsockname(sink->fd, (struct sockaddr *)&address, &size) == 0);
    sink->port = ntohs(address.sin_port);
}

struct http_sink *http_sink_start(const struct http_sink_settings *settings)
{
    struct http_sink *sink = calloc(1, sizeof(*sink));
    ASSERT(sink != NULL && pthread_mutex_init(&sink->lock, NULL) == 0);
    sink->discard = settings->discard;
    sink->answer = settings->answer;
    sink->context = settings->context;
    if (settings->cert != NULL)
        sink->tls = make_tls(settings);
    if (settings->unix_path != NULL)
        listen_unix(sink, settings->unix_path);
    else
        listen_tcp(sink);
    ASSERT(listen(sink->fd, 64) == 0);
    ASSERT(pthread_create(&sink->thread, NULL, run_sink, sink) == 0);
    return sink;
}

void http_sink_stop(struct http_sink *sink)
{
    if (sink == NULL)
        return;
    lock(sink);
    sink->stopping = true;
    (void)shutdown(sink->fd, SHUT_RDWR); /* ends accept() */
    unlock(sink);
    ASSERT(pthread_join(sink->thread, NULL) == 0);
    lock(sink);
    for (size_t i = 0; i < sink->connection_count; i++) {
        if (sink->connections[i]->fd >= 0)
            (void)shutdown(sink->connections[i]->fd, SHUT_RDWR);
    }
    unlock(sink);
    for (size_t i = 0; i < sink->connection_count; i++) {
        ASSERT(pthread_join(sink->connections[i]->thread, NULL) == 0);
        buf_fini(&sink->connections[i]->answer);
        free(sink->connections[i]);
    }
    for (size_t i = 0; i < sink->request_count && !sink->discard; i++) {
        free((void *)sink->requests[i]->body.data);
        free(sink->requests[i]);
    }
    (void)close(sink->fd);
    SSL_CTX_free(sink->tls);
    (void)pthread_mutex_destroy(&sink->lock);
    free(sink);
}

int http_sink_port(const struct http_sink *sink)
{
    return sink->port;
}

void http_sink_script(struct http_sink *sink, const struct http_sink_answer *answers, size_t count)
{
    ASSERT(count <= SCRIPT_MAX);
    lock(sink);
    memcpy(sink->script, answers, count * sizeof(*answers));
    sink->script_count = count;
    sink->script_at = 0;
    unlock(sink);
}

size_t http_sink_count(struct http_sink *sink)
{
    lock(sink);
    size_t count = sink->request_count;
    unlock(sink);
    return count;
}

size_t http_sink_connections(struct http_sink *sink)
{
    lock(sink);
    size_t count = sink->connection_count;
    unlock(sink);
    return count;
}

const struct http_sink_request *http_sink_request(struct http_sink *sink, size_t index)
{
    lock(sink);
    ASSERT(index < sink->request_count);
    const struct http_sink_request *request = sink->requests[index];
    unlock(sink);
    return request;
}
