/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_log.c -- see refusal_log.h. */
#include "receivers/refusal_log.h"

#include <string.h>

bool refusal_log_is_open(const struct refusal_log *log)
{
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        if (log->counts[i] > 0)
            return true;
    }
    return false;
}

bool refusal_log_begin(struct refusal_log *log)
{
    if (log->pending > 0)
        return false;
    memset(log->in_flight, 0, sizeof(log->in_flight));
    log->failed = false;
    return true;
}

void refusal_log_landed(struct refusal_log *log, enum status status)
{
    ASSERT(log->pending > 0);
    log->pending--;
    log->failed |= status != ST_OK;
    if (log->pending > 0 || log->failed)
        return;
    for (int i = 0; i < REFUSAL_COUNT; i++)
        log->counts[i] -= log->in_flight[i];
}
