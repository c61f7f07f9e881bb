/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_server.h -- which parameters of _bulk the server knows.
 *
 * An unknown one is refused with the whole request, so what is not known to be understood is not
 * said.  When a request has been refused whole the server is asked again before the next one: it
 * may have been replaced by an older one.
 *
 * Threads: one owner.
 */
#pragma once

#include "elastic_config.h"
#include "telltale/http_outcome.h"

struct elastic_server {
    const struct elastic_config *config; /* borrowed */
    bool is_known;
    char query[512]; /* of bulk requests, when it is known */
};

void elastic_server_init(struct elastic_server *server, const struct elastic_config *config);

/* Asks, if it has to.  EXPORT_DONE: it is known; EXPORT_RETRY: it does not answer, as `report` and
 * `err` say. */
enum export_result elastic_server_learn(struct elastic_server *server, struct http_client *client,
                                        uint64_t deadline_ns, struct export_report *report,
                                        struct error *err);

/* Nothing is known any more. */
void elastic_server_forget(struct elastic_server *server);
