/* SPDX-License-Identifier: Apache-2.0 */
/* agent_events.c -- see agent_events.h. */
#include "support/agent_events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "telltale/base.h"

enum { LINE_SIZE_MAX = 4096 };

const char *const agent_event_shape_names[AGENT_EVENT_SHAPES] = {"prompt", "decision", "result",
                                                                 "mcp", "network"};

/* A line that is being written. */
struct line {
    char *text;
    size_t size;
};

static uint64_t random_state;

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

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line->text + line->size, LINE_SIZE_MAX - line->size, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0 && (size_t)size < LINE_SIZE_MAX - line->size);
    line->size += (size_t)size;
}

static const char *pick(const char *const *words, size_t count)
{
    return words[random_below((unsigned)count)];
}
#define PICK(...)                                                                                  \
    pick((const char *const[]){__VA_ARGS__}, COUNT_OF(((const char *const[]){__VA_ARGS__})))

static const char *pick_word(void)
{
    static const char *const words[] = {
        "a",       "after",   "all",     "and",       "any",     "are",    "as",          "at",
        "be",      "before",  "buffer",  "but",       "by",      "cache",  "caf\xc3\xa9", "can",
        "change",  "check",   "chunk",   "client",    "close",   "code",   "command",     "config",
        "copy",    "count",   "data",    "default",   "delete",  "does",   "each",        "empty",
        "engine",  "error",   "event",   "every",     "fail",    "field",  "file",        "first",
        "flush",   "for",     "format",  "from",      "handler", "has",    "header",      "how",
        "if",      "in",      "index",   "input",     "into",    "is",     "it",          "key",
        "last",    "length",  "limit",   "line",      "list",    "log",    "loop",        "make",
        "memory",  "message", "metric",  "migration", "module",  "must",   "name",        "new",
        "next",    "no",      "not",     "number",    "of",      "offset", "on",          "only",
        "open",    "option",  "or",      "order",     "output",  "page",   "parse",       "path",
        "please",  "plugin",  "pointer", "port",      "process", "queue",  "read",        "record",
        "remove",  "rename",  "request", "response",  "retry",   "return", "rule",        "run",
        "server",  "should",  "signal",  "size",      "socket",  "so",     "state",       "storage",
        "stream",  "string",  "table",   "test",      "that",    "the",    "then",        "this",
        "thread",  "time",    "to",      "token",     "type",    "update", "user",        "value",
        "version", "wait",    "when",    "where",     "which",   "why",    "with",        "write",
    };
    return pick(words, COUNT_OF(words));
}

/* Words of about `size` bytes in all. */
static void put_words(struct line *line, size_t size)
{
    size_t end = line->size + size;

    while (line->size < end)
        put(line, "%s ", pick_word());
}

/* Lines of code, with the escapes that they need in JSON. */
static void put_code(struct line *line, size_t size)
{
    static const char *const shapes[] = {
        "    if (%s->%s == NULL) {\\n        return -%u;\\n    }\\n",
        "    %s = %s_create(ctx, %u);\\n",
        "static int %s_%s(struct stage *stage, int number%u)\\n{\\n",
        "    log_warn(\\\"%s has no %s, limit %u\\\");\\n",
        "    /* %s of the %s, see section %u */\\n",
        "\\tcase %s_%s:\\n\\t\\tnumber += %u;\\n\\t\\tbreak;\\n",
    };
    size_t end = line->size + size;

    while (line->size < end) {
        const char *first = pick_word();
        const char *second = pick_word();
        put(line, pick(shapes, COUNT_OF(shapes)), first, second, random_below(4000));
    }
}

static void put_head(struct line *line, const char *kind, const char *severity)
{
    static unsigned sequence;
    uint64_t session = random_below(60) * UINT64_C(0x123456789abcdef);

    put(line, "{\"kind\":\"%s\",\"time\":\"2026-11-20T%02u:%02u:%02u.%09uZ\",\"severity\":\"%s\"",
        kind, random_below(24), random_below(60), random_below(60), random_below(1000000000),
        severity);
    put(line, ",\"session\":\"%08x-4a2b-4c1d-9e8f-%012llx\",\"attributes\":{", (unsigned)session,
        (unsigned long long)(session >> 16 & 0xffffffffffff));
    put(line, "\"event.id\":\"%016llx\",\"agent.event.sequence\":%u",
        (unsigned long long)random_bits(), sequence++);
    put(line, ",\"agent.turn.id\":\"%u\",\"user.id\":\"u-%05u\",\"user.name\":\"%s\"",
        random_below(80), random_below(8), PICK("ana.ito", "bo.chen", "carla.m", "dmitri.k"));
    put(line, ",\"gen_ai.agent.name\":\"coder\",\"agent.product.version\":\"2.14.%u\"",
        random_below(16));
}

static const char *pick_tool(void)
{
    return PICK("Bash", "Read", "Edit", "Write", "Grep", "Glob", "WebFetch", "Task");
}

static void put_call_id(struct line *line)
{
    put(line, "\"gen_ai.tool.call.id\":\"toolu_%016llx%08x\"", (unsigned long long)random_bits(),
        random_below(1U << 30));
}

static void put_prompt(struct line *line)
{
    put_head(line, "agent.prompt", "info");
    put(line,
        ",\"gen_ai.request.model\":\"model-large-4\",\"agent.content.state\":\"present\","
        "\"agent.prompt.length\":260,\"agent.prompt.source\":\"user\",\"prompt.tokens\":%u},"
        "\"body\":\"",
        30 + random_below(60));
    put_words(line, 170 + random_below(80));
    put(line, "\"}\n");
}

static void put_decision(struct line *line)
{
    put_head(line, "agent.approval", "info");
    put(line, ",\"gen_ai.tool.name\":\"%s\",", pick_tool());
    put_call_id(line);
    put(line, ",\"agent.decision.outcome\":\"%s\",\"agent.decision.source\":\"%s\"}}\n",
        PICK("allow", "allow", "allow", "deny"), PICK("config", "user", "hook"));
}

static void put_result(struct line *line)
{
    bool good = random_below(10) > 0;

    put_head(line, "agent.tool", good ? "info" : "error");
    put(line, ",\"gen_ai.tool.name\":\"%s\",\"agent.tool.category\":\"shell\",", pick_tool());
    put_call_id(line);
    put(line,
        ",\"tool.input\":{\"command\":\"grep -rn \\\"%s\\\" src/%s_%s.c | head -%u\","
        "\"cwd\":\"/home/dev/src/plugins/%s\"},\"agent.tool.reported_success\":%s,"
        "\"agent.duration_ms\":%u.%03u,\"process.exit.code\":%d},\"body\":\"",
        pick_word(), pick_word(), pick_word(), random_below(90), pick_word(),
        good ? "true" : "false", random_below(4000), random_below(1000), good ? 0 : 1);
    put_code(line, 780 + random_below(160));
    put(line, "\"}\n");
}

static void put_mcp(struct line *line)
{
    put_head(line, "agent.mcp", "info");
    put(line,
        ",\"agent.mcp.server.name\":\"%s\",\"mcp.method.name\":\"tools/call\","
        "\"network.transport\":\"pipe\",\"jsonrpc.request.id\":\"%u\",\"arguments\":{\"query\":\"",
        PICK("github", "jira", "postgres", "slack", "linear"), random_below(1000000));
    put_words(line, 75);
    put(line,
        "\",\"limit\":%u,\"labels\":[\"bug\",\"p%u\",\"%s\"],\"filters\":{\"state\":\"open\","
        "\"assignee\":null}},\"agent.duration_ms\":%u.%03u,\"result\":{\"bytes\":%u,\"items\":%u}"
        "}}\n",
        random_below(100), random_below(4), pick_word(), random_below(900), random_below(1000),
        random_below(100000), random_below(50));
}

static void put_network(struct line *line)
{
    put_head(line, "agent.network", random_below(20) > 0 ? "info" : "warn");
    put(line,
        ",\"server.address\":\"%s\",\"server.port\":443,\"http.request.method\":\"%s\","
        "\"url.path\":\"/v1/%s\",\"agent.decision.outcome\":\"%s\",\"rule\":\"r-%03u\","
        "\"agent.network.bytes_sent\":%u,\"agent.network.bytes_received\":%u,"
        "\"http.response.status_code\":%s}}\n",
        PICK("files.example.org", "api.example.com", "mirror.example.net"),
        PICK("GET", "POST", "CONNECT"), pick_word(), PICK("allow", "allow", "deny"),
        random_below(200), random_below(100000), random_below(1000000), PICK("200", "304", "403"));
}

void agent_events_make(struct agent_events *events, size_t count)
{
    static void (*const shapes[AGENT_EVENT_SHAPES])(struct line *) = {
        put_prompt, put_decision, put_result, put_mcp, put_network};

    *events = (struct agent_events){.count = count,
                                    .text = malloc(count * LINE_SIZE_MAX),
                                    .ends = calloc(count, sizeof(*events->ends))};
    ASSERT(events->text != NULL && events->ends != NULL);
    random_state = 42;
    for (size_t i = 0; i < count; i++) {
        struct line line = {.text = events->text + events->size};
        shapes[i % AGENT_EVENT_SHAPES](&line);
        events->size += line.size;
        events->ends[i] = events->size;
    }
    char *fitting = realloc(events->text, events->size);
    ASSERT(fitting != NULL);
    events->text = fitting;
}

void agent_events_free(struct agent_events *events)
{
    free(events->text);
    free(events->ends);
    *events = (struct agent_events){.text = NULL};
}

struct slice agent_events_line(const struct agent_events *events, size_t index)
{
    ASSERT(index < events->count);
    size_t start = index > 0 ? events->ends[index - 1] : 0;
    return slice_of((const uint8_t *)events->text + start, events->ends[index] - start - 1);
}
