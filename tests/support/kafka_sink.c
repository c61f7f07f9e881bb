/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_sink.c -- see kafka_sink.h. */
#include "support/kafka_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "telltale/base.h"

enum { POLL_MS = 1000, QUIET_POLLS_MAX = 30 };

struct kafka_sink {
    rd_kafka_t *host; /* the cluster lives in its threads */
    rd_kafka_mock_cluster_t *cluster;
};

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[256];

    ASSERT(rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK);
}

static void swallow_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)line;
}

static rd_kafka_t *make_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char reason[256];

    rd_kafka_conf_set_log_cb(conf, swallow_log);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof(reason));
    ASSERT(client != NULL);
    return client;
}

struct kafka_sink *kafka_sink_start(int broker_count)
{
    struct kafka_sink *sink = calloc(1, sizeof(*sink));

    ASSERT(sink != NULL);
    sink->host = make_client(RD_KAFKA_PRODUCER, rd_kafka_conf_new());
    sink->cluster = rd_kafka_mock_cluster_new(sink->host, broker_count);
    ASSERT(sink->cluster != NULL);
    return sink;
}

void kafka_sink_stop(struct kafka_sink *sink)
{
    if (sink == NULL)
        return;
    rd_kafka_mock_cluster_destroy(sink->cluster);
    rd_kafka_destroy(sink->host);
    free(sink);
}

const char *kafka_sink_brokers(const struct kafka_sink *sink)
{
    return rd_kafka_mock_cluster_bootstraps(sink->cluster);
}

rd_kafka_mock_cluster_t *kafka_sink_cluster(const struct kafka_sink *sink)
{
    return sink->cluster;
}

void kafka_sink_make_topic(struct kafka_sink *sink, const char *topic, int partition_count)
{
    ASSERT(rd_kafka_mock_topic_create(sink->cluster, topic, partition_count, 1) ==
           RD_KAFKA_RESP_ERR_NO_ERROR);
}

void kafka_sink_read(struct kafka_sink *sink, const char *topic, int partition_count,
                     void (*visit)(void *context, const rd_kafka_message_t *message), void *context)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partition_count);
    int ends = 0;
    int quiet = 0;

    set(conf, "bootstrap.servers", kafka_sink_brokers(sink));
    set(conf, "group.id", "kafka_sink");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    rd_kafka_t *consumer = make_client(RD_KAFKA_CONSUMER, conf);
    for (int i = 0; i < partition_count; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    ASSERT(rd_kafka_assign(consumer, list) == RD_KAFKA_RESP_ERR_NO_ERROR);
    while (ends < partition_count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);
        if (message == NULL) {
            ASSERT(++quiet < QUIET_POLLS_MAX);
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ends++;
        else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            visit(context, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(list);
    (void)rd_kafka_consumer_close(consumer); /* nobody waits for its offsets */
    rd_kafka_destroy(consumer);
}

struct slice kafka_sink_header(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t size = 0;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLICE_EMPTY;
    return slice_of(value, size);
}
