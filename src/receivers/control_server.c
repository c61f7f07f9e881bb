/* SPDX-License-Identifier: Apache-2.0 */
/* control_server.c -- see control_server.h.  Nothing here can wait for anything, so requests are
 * answered within the library's callback. */
#include "receivers/control_server.h"

#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "metrics/metrics.h"

enum {
    ANSWER_MAX = 4 * 1024 * 1024,
    CONNECTIONS_MAX = 32,
    IDLE_TIMEOUT_S = 10,
    CONNECTION_MEMORY = 16 * 1024,
};

struct control_server {
    struct control_callbacks callbacks;
    struct MHD_Daemon *daemons[CONTROL_LISTENERS_MAX];
    size_t daemon_count;
};

struct answer {
    unsigned int http_status;
    const char *type;
    const char *allow; /* NULL: no such header */
};

static enum status write_health(struct control_server *server, struct answer *answer,
                                struct buf *out, struct error *err)
{
    char why[256] = "ok";

    if (!server->callbacks.is_healthy(server->callbacks.context, why, sizeof(why)))
        answer->http_status = MHD_HTTP_SERVICE_UNAVAILABLE;
    enum status st = buf_append(out, why, strlen(why), err);
    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

static enum status write_answer(struct control_server *server, const char *method, const char *path,
                                struct answer *answer, struct buf *out, struct error *err)
{
    static const char not_found[] = "there is /metrics, /healthz and /status\n";
    static const char use_get[] = "use GET\n";

    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer->http_status = MHD_HTTP_METHOD_NOT_ALLOWED;
        answer->allow = "GET, HEAD";
        return buf_append(out, use_get, strlen(use_get), err);
    }
    if (strcmp(path, "/metrics") == 0) {
        answer->type = "text/plain; version=0.0.4; charset=utf-8";
        return metrics_write(out, err);
    }
    if (strcmp(path, "/healthz") == 0)
        return write_health(server, answer, out, err);
    if (strcmp(path, "/status") == 0) {
        answer->type = "application/json";
        return server->callbacks.write_status(server->callbacks.context, out, err);
    }
    answer->http_status = MHD_HTTP_NOT_FOUND;
    return buf_append(out, not_found, strlen(not_found), err);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct answer *answer,
                                   const struct buf *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->size, body->data, MHD_RESPMEM_MUST_COPY);

    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (answer->allow != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    enum MHD_Result result = MHD_queue_response(connection, answer->http_status, response);
    MHD_destroy_response(response);
    return result;
}

/* A body, which no request here needs, is read and thrown away first. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **seen)
{
    static char mark;
    struct answer answer = {MHD_HTTP_OK, "text/plain; charset=utf-8", NULL};
    struct buf body;
    struct error err;

    (void)version;
    (void)upload;
    if (*seen == NULL || *upload_size > 0) {
        *seen = &mark;
        *upload_size = 0;
        return MHD_YES;
    }
    buf_init(&body, ANSWER_MAX);
    enum status st = write_answer(context, method, path, &answer, &body, &err);
    if (st != ST_OK) {
        unsigned int status =
            st == ST_AGAIN ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_INTERNAL_SERVER_ERROR;
        answer = (struct answer){status, "text/plain; charset=utf-8", NULL};
        buf_clear(&body);
    }
    enum MHD_Result result = send_answer(connection, &answer, &body);
    buf_fini(&body);
    return result;
}

enum status control_server_start(const struct listener *listeners, size_t listener_count,
                                 const struct control_callbacks *callbacks,
                                 struct control_server **ret, struct error *err)
{
    ASSERT(listener_count <= CONTROL_LISTENERS_MAX);
    struct control_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return error_set(err, ST_NO_MEMORY, "make a control server");
    server->callbacks = *callbacks;
    for (size_t i = 0; i < listener_count; i++) {
        struct MHD_Daemon *daemon = MHD_start_daemon(
            MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server,
            MHD_OPTION_LISTEN_SOCKET, listeners[i].fd, MHD_OPTION_CONNECTION_LIMIT,
            (unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned int)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
        if (daemon == NULL) {
            (void)error_set_errno(err, ST_IO, "start the control server on %s", listeners[i].name);
            control_server_stop(server);
            return ST_IO;
        }
        server->daemons[server->daemon_count++] = daemon;
    }
    *ret = server;
    return ST_OK;
}

void control_server_stop(struct control_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->daemon_count; i++) {
        (void)MHD_quiesce_daemon(server->daemons[i]); /* else it closes the listening socket */
        MHD_stop_daemon(server->daemons[i]);
    }
    free(server);
}
