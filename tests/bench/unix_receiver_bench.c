/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver_bench.c -- what an event costs from a Unix socket to the durable journal.
 *
 *     unix_receiver_bench [events]
 *
 * One sender, events of about 800 bytes, until the last is acknowledged.  Prints wall time for
 * each event, and processor time of the loop's thread and of the whole process (the sender
 * included). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/listener.h"
#include "receivers/unix_receiver.h"
#include "support/test_journal.h"
#include "telltale/client.h"
#include "util/clock.h"

struct bench {
    struct loop *loop;
    uint64_t loop_cpu_ns;
};

static uint64_t cpu_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* cannot fail for these clocks */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void *run_loop(void *context)
{
    struct bench *bench = context;
    struct error err;

    if (loop_run(bench->loop, &err) != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    bench->loop_cpu_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static const char event_start[] =
    "{\"kind\":\"agent.tool\",\"time\":\"2026-01-31T23:59:59.123456789Z\",\"session\":"
    "\"0198f2c4-7b1e-7c30-9d2a-0f3c5a1b9e77\",\"body\":\"shell\",\"attributes\":{"
    "\"agent.tool.name\":\"shell\",\"gen_ai.tool.call.id\":\"call_9f8e7d6c5b4a\","
    "\"agent.tool.arguments\":\"{\\\"command\\\":[\\\"bash\\\",\\\"-lc\\\",\\\"cargo test\\\"]}\","
    "\"agent.duration_ms\":1532.25,\"process.exit.code\":0,\"agent.content.state\":\"present\","
    "\"output\":\"";
static const char event_end[] = "\"}}";

static void check(enum status st, const struct error *err)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void send_all(const char *path, uint64_t count)
{
    struct telltale_client *client;
    struct error err;
    char event[1024];

    size_t size = sizeof(event_start) - 1;
    memcpy(event, event_start, size);
    memset(event + size, 'o', 800 - size);
    memcpy(event + 800, event_end, sizeof(event_end) - 1);
    size = 800 + sizeof(event_end) - 1;
    check(telltale_client_open(path, UINT64_MAX, &client, &err), &err);
    /* Many in one write, as a busy sender does; the client sends one at a time. */
    for (uint64_t i = 0; i < count; i++)
        check(telltale_client_send(client, event, size, UINT64_MAX, &err), &err);
    check(telltale_client_wait(client, UINT64_MAX, &err), &err);
    telltale_client_close(client);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    struct test_journal journal;
    struct listener listener;
    struct admission admission;
    struct unix_receiver *receiver;
    struct bench bench;
    struct error err;
    pthread_t thread;
    char address[LISTENER_NAME_MAX];

    test_journal_open_with(&journal, UINT64_C(4) << 30, UINT64_C(64) << 20);
    snprintf(address, sizeof(address), "unix:%.90s/a.sock", journal.dir.path);
    const struct listener_settings listening = {.mode = 0600};
    check(listener_open(address, &listening, &listener, &err), &err);
    check(loop_create(&bench.loop, &err), &err);
    admission_init(&admission, (size_t)64 << 20);
    const struct unix_receiver_settings settings = {
        .listeners = &listener,
        .listener_count = 1,
        .limits = otlp_limits_default,
        .connections_max = 1024,
        .connections_per_uid_max = 256,
    };
    check(unix_receiver_start(&settings, bench.loop, journal.journal, &admission, &receiver, &err),
          &err);
    (void)pthread_create(&thread, NULL, run_loop, &bench);
    uint64_t start_ns = clock_monotonic_ns();
    uint64_t start_cpu_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    send_all(listener.path, count);
    uint64_t wall_ns = clock_monotonic_ns() - start_ns;
    uint64_t all_cpu_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_ns;
    loop_stop(bench.loop);
    (void)pthread_join(thread, NULL);
    printf("%lu events: %.2f us wall, %.2f us loop thread, %.2f us whole process, each\n",
           (unsigned long)count, (double)wall_ns / (double)count / 1000,
           (double)bench.loop_cpu_ns / (double)count / 1000,
           (double)all_cpu_ns / (double)count / 1000);
    unix_receiver_stop(receiver);
    listener_close(&listener);
    loop_destroy(bench.loop);
    test_journal_close(&journal);
    return 0;
}
