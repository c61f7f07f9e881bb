/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_sink.h -- librdkafka's mock cluster, and a consumer that reads what it has got.
 *
 * The brokers listen on loopback and keep about 5 MB a partition.  Failures abort.
 *
 * Threads: one owner; the cluster has threads of its own.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "telltale/slice.h"

struct kafka_sink;

struct kafka_sink *kafka_sink_start(int broker_count);
void kafka_sink_stop(struct kafka_sink *sink); /* accepts NULL */

/* "127.0.0.1:port,...": good until kafka_sink_stop(). */
const char *kafka_sink_brokers(const struct kafka_sink *sink);

/* For what librdkafka's own functions do: errors, brokers that go down. */
rd_kafka_mock_cluster_t *kafka_sink_cluster(const struct kafka_sink *sink);

void kafka_sink_make_topic(struct kafka_sink *sink, const char *topic, int partition_count);

/* Calls `visit` for every message of the topic, partition by partition as they come. */
void kafka_sink_read(struct kafka_sink *sink, const char *topic, int partition_count,
                     void (*visit)(void *context, const rd_kafka_message_t *message),
                     void *context);

/* The value of a header; empty when there is none. */
struct slice kafka_sink_header(const rd_kafka_message_t *message, const char *name);

/* ApiKeys of Kafka's protocol, for rd_kafka_mock_push_request_errors(). */
enum { KAFKA_API_PRODUCE = 0, KAFKA_API_METADATA = 3, KAFKA_API_INIT_PRODUCER_ID = 22 };
