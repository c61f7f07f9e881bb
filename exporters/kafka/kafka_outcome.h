/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_outcome.h -- what an error of a broker, or of librdkafka, means for a message.
 *
 * | Errors | Verdict | Why |
 * |---|---|---|
 * | none | DONE | all in-sync replicas have it (acks=all) |
 * | MSG_SIZE_TOO_LARGE, RECORD_LIST_TOO_LARGE | TOO_LARGE | over the topic's max.message.bytes |
 * | INVALID_MSG, INVALID_RECORD, INVALID_TIMESTAMP, INVALID_MSG_SIZE | REFUSED | a broker has
 * looked at it and will not have it | | authorization, authentication, TLS, unknown topic or
 * partition, policy, versions, compression | REPAIR | the configuration of one side: the batch is
 * not to blame | | everything else, errors that we do not know included | RETRY | nothing is given
 * up on a guess |
 *
 * Threads: pure functions.
 */
#pragma once

#include <librdkafka/rdkafka.h>

enum kafka_verdict {
    KAFKA_DONE,
    KAFKA_RETRY,
    KAFKA_REPAIR, /* the same, but only somebody's hand will help: look again after a while */
    KAFKA_REFUSED,
    KAFKA_TOO_LARGE,
};

enum kafka_verdict kafka_verdict_of(rd_kafka_resp_err_t error);
