/* SPDX-License-Identifier: Apache-2.0 */
/* filter_made.c -- see filter_made.h. */
#include "support/filter_made.h"

#include <stdlib.h>
#include <string.h>

#include "query/time_text.h"

const struct filter_made_row filter_made_table[] = {
    {.options = {"kind", "tool"}, .finds = true},
    {.options = {"kind", "agent.tool,network"}, .finds = true},
    {.options = {"kind", "tool,"}, .finds = true},
    {.options = {"kind", "ool"}},
    {.options = {"outcome", "denied"}, .finds = true},
    {.options = {"outcome", "denied,failure", "kind", "tool"}, .finds = true},
    {.options = {"tool", "exec_command"}, .finds = true},
    {.options = {"tool", "exec"}},
    {.options = {"agent", "codex"}, .finds = true},
    {.options = {"agent", "no such agent"}, .is_exact = true},
    {.options = {"user", "1000"}, .finds = true},
    {.options = {"user", "user7@example.com"}, .finds = true},
    {.options = {"host", "host-7.example.com,other"}, .finds = true},
    {.options = {"session", "01a0c450"}, .finds = true},
    {.options = {"session", "no-such-session"}, .is_exact = true},
    {.options = {"session", "01a0"}},
    {.options = {"text", "CURL"}, .finds = true},
    {.options = {"text", "co"}, .finds = true},
    {.options = {"text", "\n"}, .finds = true},
    {.options = {"text", "\""}, .finds = true},
    {.options = {"text", "gen_ai.TOOL.name"}, .finds = true},
    {.options = {"text", "\\"}, .finds = true},
    {.options = {"text", "stringValue\":"}},
    {.options = {"text", "*"}, .finds = true},
    {.options = {"text", "no text has these words"}, .is_exact = true},
    {.options = {"word", "curl"}, .finds = true},
    {.options = {"word", "CURL", "word", "https"}, .finds = true},
    {.options = {"word", "cur"}},
    {.options = {"word", "exec_command"}, .finds = true},
    {.options = {"grep", "cur[l]+ "}, .finds = true},
    {.options = {"grep", "(?i)HTTPS?://"}, .finds = true},
    {.options = {"grep", "no text has this|or that"}},
    {.options = {"grep", "\\bgit (status|diff)"}, .finds = true},
    {.options = {"grep", "nothing has (this)+"}, .is_exact = true},
    {.options = {"where", "agent.event.kind=agent.tool"}, .finds = true},
    {.options = {"where", "agent.event.kind!=agent.tool"}, .finds = true},
    {.options = {"where", "server.port=443"}, .finds = true},
    {.options = {"where", "server.port=443.0"}, .finds = true},
    {.options = {"where", "server.port=4.43e2"}, .finds = true},
    {.options = {"where", "server.port=0443"}, .finds = true},
    {.options = {"where", "server.port<100"}, .finds = true},
    {.options = {"where", "agent.duration_ms>1"}, .finds = true},
    {.options = {"where", "agent.tool.executed=false"}, .finds = true},
    {.options = {"where", "agent.tool.executed=true"}, .finds = true},
    {.options = {"where", "gen_ai.tool.name~*_comm*"}, .finds = true},
    {.options = {"where", "gen_ai.tool.name~*"}, .finds = true},
    {.options = {"where", "gen_ai.tool.name!~*_comm*"}, .finds = true},
    {.options = {"where", "agent.tool.executed~f?lse"}, .finds = true},
    {.options = {"where", "gen_ai.tool.name"}, .finds = true},
    {.options = {"where", "!gen_ai.tool.name"}, .finds = true},
    {.options = {"where", "no.such.key"}, .is_exact = true},
    {.options = {"where", "resource.host.name~host-1*"}, .finds = true},
    {.options = {"where", "resource.service.name=codex_exec"}, .finds = true},
    {.options = {"where", "attributes.time~*"}},
    {.options = {"where", "body~*o*"}, .finds = true},
    {.options = {"where", "event_name~*codex*"}, .finds = true},
    {.options = {"where", "scope.name=codex_otel.log_only"}, .finds = true},
    {.options = {"where", "severity_number=9"}, .finds = true},
    {.options = {"where", "severity_text=INFO"}, .finds = true},
    {.options = {"where", "summary~*exec_command*"}, .finds = true},
    {.options = {"where", "time>2026-09-21"}, .finds = true},
    {.options = {"where", "time~2026-09-21T*"}, .finds = true},
    {.options = {"where", "trace_id~*a*"}, .finds = true},
    {.options = {"where", "agent.peer.uid=1000"}, .finds = true},
    {.options = {"where", "agent.peer.attestation"}, .finds = true},
    {.options = {"where", "agent.norm.errors~*"}},
    {.options = {"since", "2026-09-21T14:13:30Z"}, .finds = true},
    {.options = {"until", "2026-09-21T14:13:30Z"}, .finds = true},
    {.options = {"since", "2026-09-21T14:13:30Z", "until", "2026-09-21T14:13:31Z"},
     .finds = true,
     .is_exact = true},
    {.options = {"since", "2027-01-01"}, .is_exact = true},
    {.options = {"kind", "tool", "text", "curl", "user", "1000,user7@example.com"}},
};

const size_t filter_made_table_count = COUNT_OF(filter_made_table);

static uint64_t read_time(const char *text)
{
    struct error err;
    uint64_t time;

    ASSERT(time_parse(text, 0, &time, &err) == ST_OK);
    return time;
}

static const char **text_option(struct query_filter *filter, const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"session", &filter->session}, {"kind", &filter->kinds},   {"outcome", &filter->outcomes},
        {"tool", &filter->tool},       {"agent", &filter->agents}, {"user", &filter->users},
        {"host", &filter->hosts},      {"text", &filter->text},
    };

    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (strcmp(options[i].name, name) == 0)
            return options[i].value;
    }
    return NULL;
}

static void take(struct filter_made *made, const char *name, const char *value)
{
    struct query_filter *filter = &made->filter;
    const char **text = text_option(filter, name);
    struct error err;

    if (text != NULL) {
        *text = value;
    } else if (strcmp(name, "word") == 0) {
        filter->words[filter->word_count++] = value;
    } else if (strcmp(name, "since") == 0) {
        filter->since_unix_ns = read_time(value);
    } else if (strcmp(name, "until") == 0) {
        filter->until_unix_ns = read_time(value);
    } else if (strcmp(name, "grep") == 0) {
        ASSERT(pattern_create(slice_of_text(value), &filter->grep, &err) == ST_OK);
    } else {
        ASSERT(strcmp(name, "where") == 0);
        ASSERT(condition_read(slice_of_text(value), &made->conditions[filter->condition_count++],
                              &err) == ST_OK);
    }
}

void filter_made_init(struct filter_made *made, const char *const *options)
{
    *made = (struct filter_made){.filter = {.conditions = made->conditions}};
    buf_init(&made->scratch, (size_t)64 << 20);
    made->filter.scratch = &made->scratch;
    for (size_t i = 0; options[i] != NULL; i += 2)
        take(made, options[i], options[i + 1]);
}

void filter_made_fini(struct filter_made *made)
{
    pattern_destroy(made->filter.grep);
    buf_fini(&made->scratch);
}
