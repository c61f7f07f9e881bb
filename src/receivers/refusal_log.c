/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_log.c -- see refusal_log.h. */
#include "receivers/refusal_log.h"

#include <string.h>

static void add(struct refusal_count *count, uint64_t more, uint64_t now_unix_ns)
{
    if (count->count == 0)
        count->first_unix_ns = now_unix_ns;
    count->last_unix_ns = now_unix_ns;
    count->count += more;
}

void refusal_log_add(struct refusal_log *log, enum refusal refusal, uint64_t count,
                     uint64_t now_unix_ns)
{
    ASSERT(refusal != REFUSAL_SHED);
    add(&log->counts[refusal], count, now_unix_ns);
}

void refusal_log_add_shed(struct refusal_log *log, enum event_kind kind, uint64_t count,
                          uint64_t now_unix_ns)
{
    add(&log->counts[REFUSAL_COUNT + kind], count, now_unix_ns);
}

bool refusal_log_is_open(const struct refusal_log *log)
{
    for (size_t i = 0; i < REFUSAL_SLOTS; i++) {
        if (log->counts[i].count > 0)
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
    for (size_t i = 0; i < REFUSAL_SLOTS; i++) {
        struct refusal_count *count = &log->counts[i];
        if (log->in_flight[i] > 0)
            count->first_unix_ns = count->last_unix_ns; /* of what came meanwhile, about */
        count->count -= log->in_flight[i];
    }
}
