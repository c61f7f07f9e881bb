/* SPDX-License-Identifier: Apache-2.0 */
/* ordered_load.c -- gibibytes of events that are numbered, and a sink that looks at the numbers.
 *
 *     ordered_load send SOCKET MIB MIB_PER_SECOND    0: as fast as they are taken
 *     ordered_load receive ADDRESS                   "127.0.0.1:4317"
 *
 * `send` numbers its events from 1 in the attribute test.sequence, waits until all are
 * acknowledged, and prints how many there were.  `receive` serves OTLP/gRPC until its standard
 * input ends; for each line that it reads there it prints, as JSON, what has come.  It keeps no
 * ids: a number that is not the one after the last is a gap or out of order. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/counting_sink.h"
#include "telltale/base.h"
#include "telltale/client.h"
#include "util/clock.h"
#include "wire/otlp.h"

enum { EVENT_SIZE = 4096, BODY_SIZE = EVENT_SIZE - 256, TEXT_SIZE = 1 << 20, ACK_EVERY = 4096 };

#define TIMEOUT_NS (600 * NS_PER_S)
#define SEQUENCE   "test.sequence"

static int fail(const char *what, const struct error *err)
{
    fprintf(stderr, "ordered_load: %s: %s\n", what, err->text);
    return 1;
}

/* --- Sending --------------------------------------------------------------------------- */

/* Words of letters, so that compression has something to do, and not too little. */
static char *make_text(void)
{
    char *text = malloc(TEXT_SIZE);
    uint64_t bits = 42;

    ASSERT(text != NULL);
    for (size_t i = 0; i < TEXT_SIZE; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned letter = (unsigned)(bits >> 59);
        text[i] = letter < 26 ? (char)('a' + letter) : ' ';
    }
    return text;
}

/* Waits until so many bytes may have been sent. */
static void keep_pace(uint64_t start_ns, uint64_t sent_bytes, uint64_t mib_per_second)
{
    if (mib_per_second == 0)
        return;
    uint64_t due_ns = start_ns + (sent_bytes >> 10) * (NS_PER_S >> 10) / mib_per_second;
    struct timespec due = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due,
                          NULL); /* a signal: a little early */
}

static enum status send_all(struct telltale_client *client, uint64_t size, uint64_t mib_per_second,
                            struct error *err)
{
    char *text = make_text();
    char event[EVENT_SIZE];
    uint64_t start_ns = clock_monotonic_ns();
    enum status st = ST_OK;

    for (uint64_t number = 1, sent = 0; sent < size && st == ST_OK; number++) {
        size_t at = number * 7919 % (TEXT_SIZE - BODY_SIZE);
        int length = snprintf(event, sizeof(event),
                              "{\"kind\":\"agent.tool\",\"session\":\"load\",\"attributes\":{"
                              "\"" SEQUENCE "\":%" PRIu64 ",\"gen_ai.tool.name\":\"shell\","
                              "\"agent.tool.category\":\"shell\"},\"body\":\"%.*s\"}",
                              number, BODY_SIZE, text + at);
        uint64_t deadline_ns = clock_monotonic_ns() + TIMEOUT_NS;
        st = telltale_client_send(client, event, (size_t)length, deadline_ns, err);
        sent += (uint64_t)length;
        if (st == ST_OK && number % ACK_EVERY == 0) {
            keep_pace(start_ns, sent, mib_per_second);
            st = telltale_client_wait(client, deadline_ns, err);
        }
    }
    free(text);
    return st;
}

static int run_sender(const char *path, uint64_t mib, uint64_t mib_per_second)
{
    struct telltale_client *client;
    struct error err;

    if (telltale_client_open(path, clock_monotonic_ns() + TIMEOUT_NS, &client, &err) != ST_OK)
        return fail("connect", &err);
    enum status st = send_all(client, mib << 20, mib_per_second, &err);
    if (st == ST_OK)
        st = telltale_client_wait(client, clock_monotonic_ns() + TIMEOUT_NS, &err);
    printf("%" PRIu64 "\n", telltale_client_acked(client) - telltale_client_refused(client));
    telltale_client_close(client);
    return st == ST_OK ? 0 : fail("send", &err);
}

/* --- Receiving ------------------------------------------------------------------------------- */

/* Written by the sink's thread. */
struct order {
    _Atomic uint64_t count;
    _Atomic uint64_t last;
    _Atomic uint64_t skipped;      /* numbers that were passed over */
    _Atomic uint64_t out_of_order; /* records whose number was not above the last */
};

/* The number of a record; 0: it has none, the daemon made it. */
static uint64_t read_number(struct slice record)
{
    struct pb_walk walk = pb_walk_start(record);
    struct pb_field field;
    struct attribute_view attribute;
    struct error err;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RECORD_ATTRIBUTES &&
            otlp_read_attribute(field.bytes, &attribute, &err) == ST_OK &&
            slice_equal(attribute.key, SLICE(SEQUENCE)) && attribute.value.type == ANY_TYPE_INT)
            return (uint64_t)attribute.value.integer;
    }
    return 0;
}

static void look_at(void *context, struct slice record)
{
    struct order *order = context;
    uint64_t number = read_number(record);

    if (number == 0)
        return;
    order->count++;
    if (number <= order->last) {
        order->out_of_order++;
        return;
    }
    order->skipped += number - order->last - 1;
    order->last = number;
}

static int run_receiver(const char *address)
{
    struct order order = {.count = 0};
    char line[16];

    struct counting_sink *sink = counting_sink_start_visiting(address, look_at, &order);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        printf("{\"count\":%" PRIu64 ",\"last\":%" PRIu64 ",\"skipped\":%" PRIu64
               ",\"out_of_order\":%" PRIu64 ",\"requests\":%" PRIu64 "}\n",
               order.count, order.last, order.skipped, order.out_of_order,
               counting_sink_read(sink).requests);
        (void)fflush(stdout);
    }
    counting_sink_stop(sink);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "send") == 0)
        return run_sender(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        return run_receiver(argv[2]);
    fprintf(stderr, "usage: ordered_load send SOCKET MIB MIB_PER_SECOND | receive ADDRESS\n");
    return 2;
}
