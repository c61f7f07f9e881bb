/* SPDX-License-Identifier: Apache-2.0 */
/* control_server.h -- what the daemon says about itself over HTTP: GET /metrics (Prometheus
 * text), /healthz (200 "ok" or 503 and why not), /status (JSON).
 *
 * Threads: each listener has a thread of the HTTP library, which makes the callbacks.  Start and
 * stop on any one thread.
 */
#pragma once

#include <stdbool.h>

#include "net/listener.h"
#include "telltale/buf.h"
#include "telltale/error.h"

struct control_server;

enum { CONTROL_LISTENERS_MAX = 4 };

struct control_callbacks {
    void *context;
    /* False: not healthy; `why` gets a sentence.  Must not block. */
    bool (*is_healthy)(void *context, char *why, size_t why_size);
    /* Appends one JSON object.  Must not block for long. */
    enum status (*write_status)(void *context, struct buf *out, struct error *err);
};

/* `listeners` are borrowed until stop, and not closed by it.  `callbacks` is copied. */
MUST_CHECK enum status control_server_start(const struct listener *listeners, size_t listener_count,
                                            const struct control_callbacks *callbacks,
                                            struct control_server **ret, struct error *err);

/* No callback is made any more when it returns.  NULL is allowed. */
void control_server_stop(struct control_server *server);
