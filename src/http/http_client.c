/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.c -- see include/telltale/http_client.h.
 *
 * One easy handle and one multi handle of libcurl: the multi handle keeps the connection between
 * requests, and can be woken by another thread.  A request runs to one of these ends: an answer, a
 * failure, the deadline, cancel().  What libcurl had of it by then says how far it came: once a
 * connection is ready for the request ("pretransfer"), the destination may have it.
 *
 * HTTP/1.1, also where HTTP/2 is offered: a connection has one request at a time anyway, and is
 * simple when it breaks.  TLS sessions are not resumed, so that new certificates count at once;
 * connections live long.
 *
 * A server that finds a request too large may answer and hang up while we are still sending, and
 * its answer be lost with the connection.  So behind a connection that broke in the middle of a
 * body we ask first ("Expect: 100-continue") and send the body when it is wanted.
 */
#include "telltale/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/answer_head.h"
#include "http/failure_words.h"
#include "http/header_list.h"
#include "http/http_pack.h"
#include "http/http_secrets.h"
#include "http/http_target.h"
#include "util/clock.h"

enum {
    IDLE_KEEP_SIZE = 64 * 1024, /* of buffers, when nothing is to be sent */
    WAIT_MS_MAX = 60 * 1000,
    ASK_FIRST_WAIT_MS = 1000, /* for "100 Continue"; then the body goes out anyway */
    UPLOAD_STEP = 512 * 1024, /* bytes that libcurl hands to the socket or to TLS at a time */
    KEEPALIVE_IDLE_S = 60,
};

/* How the loop over a request ended. */
enum ending { ENDING_DONE, ENDING_DEADLINE, ENDING_CANCELLED, ENDING_NO_MEMORY };

struct http_client {
    const struct http_config *config; /* borrowed */
    CURL *easy;                       /* owned */
    CURLM *multi;                     /* owned; cancel() wakes it */
    atomic_bool cancelled;            /* shared */
    struct http_target endpoint;      /* of the configuration */
    struct http_target other;         /* of a request with an address of its own */
    struct http_secrets secrets;
    struct http_pack pack;
    struct header_list headers;
    struct buf url;
    struct curl_slist connect_to; /* an override's entry */
    char connect_to_text[HTTP_HOST_MAX + 16];
    bool fresh;     /* certificates have changed: the connection is not to be used again */
    bool has_tls;   /* certificates were loaded once */
    bool ask_first; /* see above */
    struct answer_head head;
    bool head_is_too_large;
    struct buf body; /* of the answer */
    bool body_is_cut;
    char problem[CURL_ERROR_SIZE];
};

/* --- Creation -------------------------------------------------------------------------------- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

static void init_global(void)
{
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT); /* for the life of the process */
}

static size_t on_head(char *data, size_t size, size_t count, void *context)
{
    struct http_client *client = context;

    if (answer_head_take(&client->head, slice_of(data, size * count)))
        return size * count;
    client->head_is_too_large = true;
    return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http_client *client = context;
    struct error ignored;
    size_t bytes = size * count;
    size_t room = client->body.limit - client->body.size;

    client->body_is_cut = bytes > room;
    if (buf_append(&client->body, data, bytes < room ? bytes : room, &ignored) != ST_OK)
        client->body_is_cut = true; /* no memory: what there is must do */
    return client->body_is_cut ? 0 : bytes;
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(easy, option, value);                                          \
    } while (0)

static CURLcode set_tls(CURL *easy, const struct http_tls_config *tls)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSLVERSION, tls->min_version == HTTP_TLS_1_3 ? (long)CURL_SSLVERSION_TLSv1_3
                                                             : (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, tls->insecure_skip_verify ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, tls->insecure_skip_verify ? 0L : 2L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (tls->ca_file != NULL) {
        SET(CURLOPT_CAINFO, tls->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    if (tls->cert_file != NULL) {
        SET(CURLOPT_SSLCERT, tls->cert_file);
        SET(CURLOPT_SSLKEY, tls->key_file);
    }
    return code;
}

/* What is the same for all requests. */
static CURLcode set_fixed(struct http_client *client)
{
    CURL *easy = client->easy;
    CURLcode code = set_tls(easy, &client->config->tls);

    SET(CURLOPT_NOSIGNAL, 1L);   /* the daemon ignores SIGPIPE */
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that is silent holds nobody up */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "telltale/" TELLTALE_VERSION);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_STEP);
    SET(CURLOPT_EXPECT_100_TIMEOUT_MS, (long)ASK_FIRST_WAIT_MS);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(client->config->connect_timeout_ns / NS_PER_MS));
    SET(CURLOPT_ERRORBUFFER, client->problem);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, client);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, client);
    return code;
}

static enum status open_handles(struct http_client *client, struct error *err)
{
    (void)pthread_once(&global_once, init_global); /* cannot fail with these arguments */
    if (global_code != CURLE_OK)
        return error_set(err, ST_NO_MEMORY, "start libcurl: %s", curl_easy_strerror(global_code));
    client->easy = curl_easy_init();
    client->multi = curl_multi_init();
    if (client->easy == NULL || client->multi == NULL)
        return error_set(err, ST_NO_MEMORY, "make an HTTP client");
    CURLcode code = set_fixed(client);
    if (code == CURLE_OUT_OF_MEMORY)
        return error_set(err, ST_NO_MEMORY, "make an HTTP client");
    if (code != CURLE_OK)
        return error_set(err, ST_INVALID, "libcurl: %s", curl_easy_strerror(code));
    if (curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK)
        return error_set(err, ST_NO_MEMORY, "make an HTTP client");
    return ST_OK;
}

static enum status build(struct http_client *client, struct error *err)
{
    const struct http_config *config = client->config;

    enum status st = http_pack_init(&client->pack, (enum http_compression)config->compression,
                                    (unsigned)config->compression_level, err);
    if (st == ST_OK)
        st = header_list_init(&client->headers, &config->headers, err);
    if (st == ST_OK)
        st = http_target_parse(config->endpoint, &client->endpoint, err);
    if (st == ST_OK)
        st = open_handles(client, err);
    return st;
}

enum status http_client_create(const struct http_client_settings *settings,
                               struct http_client **ret, struct error *err)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return error_set(err, ST_NO_MEMORY, "make an HTTP client");
    client->config = settings->config;
    atomic_init(&client->cancelled, false);
    buf_init(&client->url, HTTP_URL_MAX);
    buf_init(&client->body, settings->config->max_response_size);
    http_secrets_init(&client->secrets, settings->config, settings->token_scheme);
    enum status st = build(client, err);
    if (st != ST_OK) {
        http_client_destroy(client);
        return st;
    }
    *ret = client;
    return ST_OK;
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->easy);
    (void)curl_multi_cleanup(client->multi); /* accepts NULL; nothing is in it */
    header_list_fini(&client->headers);
    http_secrets_fini(&client->secrets);
    http_pack_fini(&client->pack);
    buf_fini(&client->url);
    buf_fini(&client->body);
    free(client);
}

/* --- A request ------------------------------------------------------------------------------- */

static CURLcode set_route(struct http_client *client, const struct http_target *target)
{
    const struct http_config *config = client->config;
    const char *name = config->tls.server_name_override;
    CURL *easy = client->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_UNIX_SOCKET_PATH, target->unix_path[0] != 0 ? target->unix_path : (char *)NULL);
    if (target->is_local || (config->proxy_url != NULL && strcmp(config->proxy_url, "none") == 0))
        SET(CURLOPT_PROXY, "");
    else
        SET(CURLOPT_PROXY, config->proxy_url); /* NULL: the environment's */
    /* libcurl would pass even a proxy that it was given by, where no_proxy says so. */
    SET(CURLOPT_NOPROXY, config->proxy_url != NULL ? "" : (char *)NULL);
    if (name != NULL) {
        snprintf(client->connect_to_text, sizeof(client->connect_to_text), "::%s:%s", target->host,
                 target->port);
        client->connect_to = (struct curl_slist){.data = client->connect_to_text};
    }
    SET(CURLOPT_CONNECT_TO, name != NULL ? &client->connect_to : NULL);
    return code;
}

static CURLcode set_request(struct http_client *client, const struct http_request *request,
                            struct slice body, struct curl_slist *headers)
{
    CURL *easy = client->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, (const char *)client->url.data);
    SET(CURLOPT_HTTPHEADER, headers);
    if (body.size > 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
        SET(CURLOPT_POSTFIELDS, body.data);
    } else if (request->method == NULL) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        SET(CURLOPT_POSTFIELDS, "");
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_FRESH_CONNECT, client->fresh ? 1L : 0L);
    return code;
}

/* Reads what is to be read for a request.  HTTP_ANSWERED: all is there. */
static enum http_transport make_ready(struct http_client *client, struct error *err)
{
    bool tls_is_ready;

    if (http_secrets_refresh(&client->secrets, err) != ST_OK)
        return HTTP_UNREADY;
    if (http_secrets_tls_changed(&client->secrets, &tls_is_ready, err)) {
        client->fresh = true;
        client->has_tls = true;
    }
    /* Certificates are replaced long before they expire, so the present connection does until the
     * new files are whole. */
    return tls_is_ready || client->has_tls ? HTTP_ANSWERED : HTTP_UNREADY;
}

static enum status prepare(struct http_client *client, const struct http_request *request,
                           struct slice body, struct error *err)
{
    const struct http_target *target = &client->endpoint;
    const char *name = client->config->tls.server_name_override;
    struct curl_slist *headers = NULL;
    enum status st = ST_OK;

    if (request->url != NULL) {
        st = http_target_parse(request->url, &client->other, err);
        target = &client->other;
    }
    buf_clear(&client->url);
    if (st == ST_OK)
        st = http_target_put_url(target, name, request->path, request->query, &client->url, err);
    if (st == ST_OK)
        st = header_list_make(&client->headers, &client->secrets, request,
                              request->is_plain ? NULL : http_pack_encoding(&client->pack),
                              client->ask_first, &headers, err);
    if (st != ST_OK)
        return st;
    CURLcode code = set_route(client, target);
    if (code == CURLE_OK)
        code = set_request(client, request, body, headers);
    if (code != CURLE_OK)
        return error_set(err, code == CURLE_OUT_OF_MEMORY ? ST_NO_MEMORY : ST_INVALID,
                         "libcurl: %s", curl_easy_strerror(code));
    return ST_OK;
}

static bool take_result(struct http_client *client, CURLcode *ret)
{
    int left;
    const CURLMsg *message;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *ret = message->data.result;
            return true;
        }
    }
    return false;
}

static enum ending run(struct http_client *client, uint64_t deadline_ns, CURLcode *ret_code)
{
    for (;;) {
        int running;
        if (curl_multi_perform(client->multi, &running) != CURLM_OK)
            return ENDING_NO_MEMORY; /* nothing else of what it may say is possible here */
        if (take_result(client, ret_code))
            return ENDING_DONE;
        if (atomic_load(&client->cancelled))
            return ENDING_CANCELLED;
        uint64_t now_ns = clock_monotonic_ns();
        if (now_ns >= deadline_ns)
            return ENDING_DEADLINE;
        uint64_t wait_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
        if (curl_multi_poll(client->multi, NULL, 0,
                            wait_ms < WAIT_MS_MAX ? (int)wait_ms : WAIT_MS_MAX, NULL) != CURLM_OK)
            return ENDING_NO_MEMORY;
    }
}

/* Whether a connection was ready for the request, so that the destination may have it. */
static bool went_out(struct http_client *client)
{
    curl_off_t ready_us = 0;

    (void)curl_easy_getinfo(client->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    return ready_us > 0;
}

/* Whether all of the body was handed over. */
static bool body_went_out(struct http_client *client, size_t size)
{
    curl_off_t sent = 0;

    (void)curl_easy_getinfo(client->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= size;
}

/* --- The end of a request -------------------------------------------------------------------- */

static void fill_response(struct http_client *client, struct http_response *ret)
{
    long status = 0;

    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    ret->body = client->head.is_encoded ? SLICE_EMPTY : buf_slice(&client->body);
    ret->is_cut = client->body_is_cut || client->head.is_encoded;
    ret->type = client->head.type;
    ret->location = client->head.location;
    ret->has_retry_after =
        answer_head_retry_after(&client->head, (int64_t)time(NULL), &ret->retry_after_ms);
}

static enum http_transport how_far(struct http_client *client)
{
    return went_out(client) ? HTTP_UNCLEAR : HTTP_NOT_SENT;
}

/* libcurl does not say why a connection was refused. */
static void add_os_words(struct http_client *client, struct error *err)
{
    long number = 0;

    (void)curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &number);
    if (number != 0) {
        errno = (int)number;
        (void)error_set_errno(err, ST_IO, "%s", client->problem);
    }
}

static enum http_transport end_failed(struct http_client *client, CURLcode code, struct error *err)
{
    const char *problem = client->problem[0] != 0 ? client->problem : curl_easy_strerror(code);
    struct failure_words words = failure_words_find(problem);

    if (code == CURLE_OUT_OF_MEMORY)
        (void)error_set(err, ST_NO_MEMORY, "libcurl has no memory");
    else if (client->head_is_too_large)
        (void)error_set(err, ST_LIMIT, "the answer's headers are longer than %d bytes",
                        HTTP_ANSWER_HEAD_MAX);
    else if (words.hint != NULL)
        (void)error_set(err, ST_IO, "%s (%s)", words.hint, problem);
    else
        (void)error_set(err, ST_IO, "%s", problem);
    if (code == CURLE_COULDNT_CONNECT && words.hint == NULL)
        add_os_words(client, err);
    return words.not_sent ? HTTP_NOT_SENT : how_far(client);
}

static enum http_transport end_deadline(struct http_client *client, size_t body_size,
                                        struct error *err)
{
    if (!went_out(client)) {
        (void)error_set(err, ST_IO, "no connection within the timeout");
        return HTTP_NOT_SENT;
    }
    if (!body_went_out(client, body_size))
        (void)error_set(err, ST_IO, "the server did not read the request within the timeout");
    else if (client->head.size == 0)
        (void)error_set(err, ST_IO, "no answer within the timeout");
    else
        (void)error_set(err, ST_IO, "no whole answer within the timeout");
    return HTTP_UNCLEAR;
}

/* Judges how it ended and leaves *ret filled for HTTP_ANSWERED. */
static enum http_transport finish(struct http_client *client, enum ending ending, CURLcode code,
                                  struct http_response *ret, struct error *err)
{
    switch (ending) {
    case ENDING_CANCELLED:
        (void)error_set(err, ST_STOPPING, "given up: the destination is being stopped");
        return how_far(client);
    case ENDING_DEADLINE:
        return end_deadline(client, ret->sent_bytes, err);
    case ENDING_NO_MEMORY:
        (void)error_set(err, ST_NO_MEMORY, "libcurl has no memory");
        return how_far(client);
    case ENDING_DONE:
        break;
    }
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && client->body_is_cut)) {
        fill_response(client, ret);
        client->ask_first = false;
        client->fresh = false;
        return HTTP_ANSWERED;
    }
    if (went_out(client) && !body_went_out(client, ret->sent_bytes))
        client->ask_first = true;
    return end_failed(client, code, err);
}

static enum http_transport transfer(struct http_client *client, uint64_t deadline_ns,
                                    struct http_response *ret, struct error *err)
{
    CURLcode code = CURLE_OK;

    client->head = (struct answer_head){.size = 0};
    client->head_is_too_large = false;
    client->body_is_cut = false;
    client->problem[0] = 0;
    buf_clear(&client->body);
    if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK) {
        (void)error_set(err, ST_NO_MEMORY, "libcurl has no memory");
        return HTTP_NOT_SENT;
    }
    enum ending ending = run(client, deadline_ns, &code);
    enum http_transport transport = finish(client, ending, code, ret, err);
    (void)curl_multi_remove_handle(client->multi, client->easy); /* it is in there */
    return transport;
}

enum http_transport http_client_send(struct http_client *client, const struct http_request *request,
                                     uint64_t deadline_ns, struct http_response *ret,
                                     struct error *err)
{
    struct slice body = request->body;

    *ret = (struct http_response){.type = "", .location = ""};
    if (atomic_load(&client->cancelled)) {
        (void)error_set(err, ST_STOPPING, "given up: the destination is being stopped");
        return HTTP_NOT_SENT;
    }
    if (make_ready(client, err) != HTTP_ANSWERED)
        return HTTP_UNREADY;
    if (!request->is_plain && http_pack_body(&client->pack, request->body, &body, err) != ST_OK)
        return HTTP_NOT_SENT;
    struct http_request signed_request = *request;
    if (request->sign != NULL &&
        request->sign(request->sign_context, body, &signed_request, err) != ST_OK)
        return HTTP_UNREADY;
    if (prepare(client, &signed_request, body, err) != ST_OK)
        return HTTP_NOT_SENT;
    ret->sent_bytes = body.size;
    return transfer(client, deadline_ns, ret, err);
}

void http_client_renew(struct http_client *client)
{
    client->fresh = true;
}

void http_client_cancel(struct http_client *client)
{
    atomic_store(&client->cancelled, true);
    (void)curl_multi_wakeup(client->multi); /* if it fails, the request ends at its deadline */
}

void http_client_trim(struct http_client *client)
{
    if (client->pack.out.capacity > IDLE_KEEP_SIZE)
        buf_trim(&client->pack.out, IDLE_KEEP_SIZE);
    if (client->body.capacity > IDLE_KEEP_SIZE)
        buf_trim(&client->body, IDLE_KEEP_SIZE);
}
