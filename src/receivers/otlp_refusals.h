/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_refusals.h -- what an OTLP receiver refuses or ignores: counted, and noted for the next
 * agent.pipeline record.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "receivers/otlp_intake.h"
#include "receivers/refusal_recorder.h"

/* Counts what was refused of a request.  `whole` is why all of it was, when nobody knows how many
 * records it holds; REFUSAL_COUNT: it was not. */
void otlp_refusals_note(struct refusal_recorder *recorder, const struct receiver_metrics *metrics,
                        const struct otlp_intake_result *result, enum refusal whole);

/* Adds what was refused lately to the batch, which is made if there is none, for up to `size_max`
 * bytes.  True: there is something, and refusal_log_landed() is to be called. */
MUST_CHECK bool otlp_refusals_record(struct refusal_recorder *recorder, size_t size_max,
                                     struct append_batch **batch);

/* No record at all could be read: the whole request is bad, not a part of it. */
bool otlp_refusals_is_invalid(const struct otlp_intake_result *result);

/* How large a batch becomes at most, of a request of `decoded_size_max` bytes. */
size_t otlp_batch_size_max(size_t decoded_size_max, size_t record_size_max);

/* Requests of a signal that is not kept: they are answered with success. */
struct ignored_metrics {
    struct metric *requests, *bytes;
};
/* `labels` as in signal="traces". */
void ignored_metrics_register(struct ignored_metrics *metrics, const char *labels);
void ignored_metrics_count(const struct ignored_metrics *metrics, uint64_t bytes);
