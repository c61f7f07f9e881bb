/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_recorder.c -- see refusal_recorder.h. */
#include "receivers/refusal_recorder.h"

#include "util/clock.h"

#define PERIOD_NS NS_PER_S

enum status refusal_recorder_init(struct refusal_recorder *recorder,
                                  const struct otlp_limits *limits, struct error *err)
{
    *recorder = (struct refusal_recorder){0};
    return native_intake_create(limits, &recorder->intake, err);
}

void refusal_recorder_fini(struct refusal_recorder *recorder)
{
    native_intake_destroy(recorder->intake);
    recorder->intake = NULL;
}

bool refusal_recorder_is_due(const struct refusal_recorder *recorder, uint64_t now_ns)
{
    return now_ns >= recorder->next_ns && recorder->log.pending == 0 &&
           refusal_log_is_open(&recorder->log);
}

bool refusal_recorder_add(struct refusal_recorder *recorder, struct append_batch *batch,
                          uint64_t now_ns)
{
    struct refusal_log *log = &recorder->log;
    struct error ignored;
    bool added = false;

    if (!refusal_log_begin(log))
        return false;
    native_intake_use_batch(recorder->intake, batch);
    for (size_t i = 0; i < REFUSAL_SLOTS; i++) {
        if (log->counts[i].count == 0 ||
            native_intake_add_refusal(recorder->intake, i, &log->counts[i], clock_unix_ns(),
                                      &ignored) != ST_OK)
            continue; /* it stays for the next time */
        refusal_log_take(log, i);
        added = true;
    }
    if (added)
        refusal_log_expect_landing(log);
    recorder->next_ns = now_ns + PERIOD_NS;
    return added;
}
