/* SPDX-License-Identifier: Apache-2.0 */
/* client.h -- libtelltale: sending events to the daemon and knowing that its disk has them.
 *
 *     struct telltale_client *client;
 *     if (telltale_client_open("/run/telltale/agent.sock", deadline_ns, &client, &err) == ST_OK) {
 *         st = telltale_client_send(client, event, strlen(event), deadline_ns, &err);
 *         if (st == ST_OK)
 *             st = telltale_client_wait(client, deadline_ns, &err);
 *         telltale_client_close(client);
 *     }
 *
 * An event is one JSON object on one line, as docs/PROTOCOL.md says.  Deadlines are nanoseconds
 * of CLOCK_MONOTONIC.  Nothing blocks for longer than its deadline.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "telltale/error.h"

struct telltale_client;

/* Connects to the daemon's socket at `path` and asks for acknowledgements.  ST_NOT_FOUND: nobody
 * listens there; ST_AGAIN: the deadline has passed; ST_IO: refused by the system. */
MUST_CHECK enum status telltale_client_open(const char *path, uint64_t deadline_ns,
                                            struct telltale_client **ret, struct error *err);

/* Hands one event to the kernel; the answer comes later.  `event` has no newline within (one at
 * its end is left out).  ST_INVALID: it has, or is empty; ST_AGAIN: the deadline has passed
 * (part of the event may be sent, so the client is of no more use); ST_IO: the daemon is gone. */
MUST_CHECK enum status telltale_client_send(struct telltale_client *client, const char *event,
                                            size_t size, uint64_t deadline_ns, struct error *err);

/* Waits until the daemon has answered for every event that was sent.  ST_OK: all are durable.
 * ST_INVALID: some were refused, the others are durable; `err` names the first that was.
 * ST_AGAIN: the deadline has passed; ST_IO: the daemon is gone, or refuses this connection:
 * events beyond telltale_client_acked() may be lost.  ST_CORRUPT: that is no daemon of ours. */
MUST_CHECK enum status telltale_client_wait(struct telltale_client *client, uint64_t deadline_ns,
                                            struct error *err);

uint64_t telltale_client_sent(const struct telltale_client *client);
/* The first of the sent events that have an answer: durable, or refused. */
uint64_t telltale_client_acked(const struct telltale_client *client);
uint64_t telltale_client_refused(const struct telltale_client *client);

/* Closes without waiting.  NULL is allowed. */
void telltale_client_close(struct telltale_client *client);
