/* SPDX-License-Identifier: Apache-2.0 */
/* json_bench.c -- how long native_json_read() takes for one event.
 *
 * The events are made here, in five shapes that agents send in equal numbers: a prompt, a tool
 * decision, a tool result with a page of code, an MCP call and a network decision; about 780 bytes
 * and 17 attributes in the mean.  Usage: json_bench [ROUNDS].
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/native_json.h"

enum { EVENTS = 5000, LINE_MAX_SIZE = 4096, DEFAULT_ROUNDS = 60 };

struct events {
    char *text;
    struct slice lines[EVENTS];
    size_t size;
};

static uint64_t random_state = 42;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned random_below(unsigned limit)
{
    return (unsigned)(random_bits() >> 33) % limit;
}

static const char *pick_word(void)
{
    static const char *const words[] = {
        "buffer", "the",          "a",       "configuration", "is",   "retry", "output",
        "plugin", "of",           "metrics", "engine",        "when", "chunk", "storage",
        "not",    "na\xc3\xafve", "record",  "path",          "and",  "TLS",
    };
    return words[random_below(COUNT_OF(words))];
}

/* Words of about `size` bytes in all; `escaped` puts an escape behind every few of them, as
 * code has them. */
static size_t put_words(char *out, size_t size, int escaped)
{
    size_t at = 0;
    for (unsigned i = 0; at < size; i++) {
        const char *end = escaped && i % 6 == 5 ? "\\n    " : " ";
        at += (size_t)sprintf(out + at, "%s%s", pick_word(), end);
    }
    return at;
}

static size_t put_head(char *out, const char *kind, const char *severity)
{
    uint64_t session = random_bits() % 60 * 0x123456789abcdefULL;
    return (size_t)sprintf(
        out,
        "{\"v\":1,\"id\":\"%016llx%016llx\",\"seq\":%u,\"time\":\"2026-11-20T%02u:%02u:%02u.%"
        "09uZ\","
        "\"kind\":\"%s\",\"severity\":\"%s\",\"session\":\"%016llx-4a2b\",\"turn\":%u,"
        "\"user\":{\"id\":\"u-%05u\",\"name\":\"carla.m\"},"
        "\"agent\":{\"name\":\"coder\",\"version\":\"2.14.%u\"}",
        (unsigned long long)random_bits(), (unsigned long long)random_bits(), random_below(1000000),
        random_below(24), random_below(60), random_below(60), random_below(1000000000), kind,
        severity, (unsigned long long)session, random_below(80), random_below(8), random_below(16));
}

static size_t put_prompt(char *out)
{
    size_t at = put_head(out, "agent.prompt", "info");
    at += (size_t)sprintf(out + at,
                          ",\"model\":\"model-large-4\",\"prompt\":{\"length\":260,\"tokens\":%u},"
                          "\"body\":\"",
                          30 + random_below(60));
    at += put_words(out + at, 220 + random_below(80), 0);
    return at + (size_t)sprintf(out + at, "\"}");
}

static size_t put_decision(char *out)
{
    size_t at = put_head(out, "agent.approval", "info");
    return at + (size_t)sprintf(out + at,
                                ",\"tool\":{\"name\":\"Bash\",\"use_id\":\"toolu_%016llx%08x\"},"
                                "\"decision\":\"accept\",\"source\":\"user_permanent\"}",
                                (unsigned long long)random_bits(), random_below(1U << 30));
}

static size_t put_result(char *out)
{
    size_t at = put_head(out, "agent.tool", random_below(10) > 0 ? "info" : "error");
    at += (size_t)sprintf(
        out + at,
        ",\"tool\":{\"name\":\"Bash\",\"use_id\":\"toolu_%016llx%08x\",\"input\":{\"command\":"
        "\"grep -rn \\\"%s\\\" src/flb_%s.c | head -%u\",\"cwd\":\"/home/dev/src/plugins/%s\"}},"
        "\"success\":true,\"duration_ms\":%u.%03u,\"exit_code\":0,\"body\":\"",
        (unsigned long long)random_bits(), random_below(1U << 30), pick_word(), pick_word(),
        random_below(90), pick_word(), random_below(4000), random_below(1000));
    at += put_words(out + at, 1150 + random_below(200), 1);
    return at + (size_t)sprintf(out + at, "\"}");
}

static size_t put_mcp(char *out)
{
    size_t at = put_head(out, "agent.mcp", "info");
    at += (size_t)sprintf(out + at,
                          ",\"mcp\":{\"server\":\"github\",\"method\":\"create_issue\","
                          "\"transport\":\"stdio\",\"request_id\":%u,\"arguments\":{\"query\":\"",
                          random_below(1000000));
    at += put_words(out + at, 80, 0);
    return at + (size_t)sprintf(
                    out + at,
                    "\",\"limit\":%u,\"labels\":[\"bug\",\"p%u\",\"%s\"],\"filters\":{\"state\":"
                    "\"open\",\"assignee\":null}}},\"duration_ms\":%u.%03u,\"success\":true,"
                    "\"result\":{\"bytes\":%u,\"items\":%u}}",
                    random_below(100), random_below(4), pick_word(), random_below(900),
                    random_below(1000), random_below(100000), random_below(50));
}

static size_t put_network(char *out)
{
    size_t at = put_head(out, "agent.network", random_below(20) > 0 ? "info" : "warn");
    return at + (size_t)sprintf(out + at,
                                ",\"net\":{\"host\":\"files.example.org\",\"port\":443,"
                                "\"method\":\"CONNECT\",\"path\":\"/v1/%s\",\"verdict\":\"allow\","
                                "\"rule\":\"r-%03u\",\"bytes_out\":%u,\"bytes_in\":%u,"
                                "\"status\":200}}",
                                pick_word(), random_below(200), random_below(100000),
                                random_below(1000000));
}

static int make_events(struct events *events)
{
    static size_t (*const shapes[])(char *) = {put_prompt, put_decision, put_result, put_mcp,
                                               put_network};

    events->text = malloc((size_t)EVENTS * LINE_MAX_SIZE);
    if (events->text == NULL)
        return -1;
    char *at = events->text;
    for (size_t i = 0; i < EVENTS; i++) {
        size_t size = shapes[i % COUNT_OF(shapes)](at);
        events->lines[i] = slice_of(at, size);
        events->size += size;
        at += size + 1;
    }
    return 0;
}

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Reads every `step`th event from the `first` on; returns ns per event, or less than 0. */
static double read_events(const struct events *events, size_t first, size_t step, struct buf *out,
                          size_t *ret_bytes)
{
    static struct native_scratch scratch;
    struct native_event event;
    struct error err;
    size_t count = 0;
    double start = now_ns();

    *ret_bytes = 0;
    buf_clear(out);
    for (size_t i = first; i < EVENTS; i += step, count++) {
        if (native_json_read(events->lines[i], 1795000000000000000, &otlp_limits_default, &scratch,
                             out, &event, &err) != ST_OK) {
            fprintf(stderr, "event %zu: %s\n", i, err.text);
            return -1;
        }
        *ret_bytes += event.record_size;
        if (out->size > (size_t)1 << 18)
            buf_clear(out);
    }
    return (now_ns() - start) / (double)count;
}

/* The fastest of `rounds`: what the code costs, without what else the machine did. */
static int print_best(const struct events *events, const char *name, size_t first, size_t step,
                      int rounds)
{
    struct buf out;
    double best = 0;
    size_t bytes = 0;

    buf_init(&out, (size_t)1 << 26);
    for (int round = 0; round < rounds; round++) {
        double ns = read_events(events, first, step, &out, &bytes);
        if (ns < 0)
            return -1;
        if (round == 0 || ns < best)
            best = ns;
    }
    printf("%-10s %7.1f ns/event, %.0f bytes of record\n", name, best,
           (double)bytes / (double)((EVENTS - first + step - 1) / step));
    buf_fini(&out);
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"prompt", "decision", "result", "mcp", "network"};
    static struct events events;
    int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;

    if (make_events(&events) != 0)
        return 1;
    printf("%d events, %.0f bytes of JSON in the mean\n", EVENTS, (double)events.size / EVENTS);
    int result = print_best(&events, "all", 0, 1, rounds);
    for (size_t i = 0; result == 0 && i < COUNT_OF(names); i++)
        result = print_best(&events, names[i], i, COUNT_OF(names), rounds);
    free(events.text);
    return result == 0 ? 0 : 1;
}
