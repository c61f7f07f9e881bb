/* SPDX-License-Identifier: Apache-2.0 */
/* flooder.h -- a sender that sends as fast as it is let, marked (marks.h).
 *
 * Threads: it has its own; functions are for one owner.  Failures abort.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/marks.h"

enum flood_way {
    FLOOD_UNIX,        /* events on the Unix socket; reads its answers */
    FLOOD_UNIX_SILENT, /* asks for answers and never reads them */
    FLOOD_HTTP,        /* requests of OTLP/HTTP, one after the other */
};

struct flooder_settings {
    enum flood_way way;
    const char *address; /* path of the Unix socket, or port of 127.0.0.1 */
    uid_t uid;           /* UNIX_SENDER_ANY_UID: one's own */
    unsigned int sender; /* its mark */
};

struct flooder;

struct flooder *flooder_start(const struct flooder_settings *settings);

/* Sends no more; the last event is whole.  Those that listen hear the last answer. */
void flooder_finish(struct flooder *flooder);

/* After flooder_finish(): */
struct flooder_result {
    uint64_t sent;
    uint64_t acked;   /* all up to this one have an answer; 0 when it does not listen */
    uint64_t refused; /* of them */
    uint64_t errors_lost;
    uint64_t failed_requests; /* of HTTP */
    const struct number_set *refused_numbers;
    const char *last_error;
};
struct flooder_result flooder_result(const struct flooder *flooder);
void flooder_free(struct flooder *flooder);
