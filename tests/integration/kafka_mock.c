/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_mock.c -- librdkafka's mock cluster as a program, for tests in Python.
 *
 * Says where it listens, then obeys lines:
 *
 *     down, up             all brokers go away, come back
 *     error CODE           the next request of a producer is answered with that error
 *     read TOPIC COUNT     prints a line "PARTITION FIRST-INDEX KEY VALUE" for each message of the
 *                          topic's COUNT partitions, all but the numbers in hexadecimal behind an x
 *
 * and answers each with "done".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/kafka_sink.h"
#include "telltale/base.h"

enum { LINE_SIZE = 256 };

static void print_hex(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    printf(" x");
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static void print_message(void *context, const rd_kafka_message_t *message)
{
    struct slice first = kafka_sink_header(message, "first-index");

    (void)context;
    printf("%d %.*s", (int)message->partition, SLICE_ARG(first));
    print_hex(message->key, message->key_len);
    print_hex(message->payload, message->len);
    printf("\n");
}

static void obey(struct kafka_sink *sink, const char *line)
{
    rd_kafka_mock_cluster_t *cluster = kafka_sink_cluster(sink);
    char topic[LINE_SIZE];
    int number;

    if (strcmp(line, "down\n") == 0) {
        ASSERT(rd_kafka_mock_broker_set_down(cluster, -1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    } else if (strcmp(line, "up\n") == 0) {
        ASSERT(rd_kafka_mock_broker_set_up(cluster, -1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    } else if (sscanf(line, "error %d", &number) == 1) {
        rd_kafka_mock_push_request_errors(cluster, KAFKA_API_PRODUCE, 1,
                                          (rd_kafka_resp_err_t)number);
    } else {
        ASSERT(sscanf(line, "read %200s %d", topic, &number) == 2);
        kafka_sink_read(sink, topic, number, print_message, NULL);
    }
}

int main(int argc, char **argv)
{
    char line[LINE_SIZE];
    struct kafka_sink *sink = kafka_sink_start(1);

    for (int i = 1; i + 1 < argc; i += 2) /* TOPIC PARTITIONS ... */
        kafka_sink_make_topic(sink, argv[i], atoi(argv[i + 1]));
    printf("%s\n", kafka_sink_brokers(sink));
    (void)fflush(stdout); /* a reader that is gone ends us at the next line */
    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(sink, line);
        printf("done\n");
        (void)fflush(stdout); /* the same */
    }
    kafka_sink_stop(sink);
    return 0;
}
