/* SPDX-License-Identifier: Apache-2.0 */
/* report.c -- see report.h. */
#include "query/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/attested.h"
#include "query/lookup.h"
#include "query/summary.h"

enum { NAME_MAX_BYTES = 512 };

/* What was denied, by its session and words, and the call that was the last to try it. */
struct report_denied {
    uint64_t words; /* 0: free */
    uint64_t call;
};

enum status report_init(struct report *report, struct error *err)
{
    *report = (struct report){0};
    for (int part = 0; part < REPORT_PART_COUNT; part++) {
        enum status st = tally_init(&report->parts[part], err);
        if (st != ST_OK) {
            report_fini(report);
            return st;
        }
    }
    report->calls = calloc(REPORT_CALLS_MAX, sizeof(*report->calls));
    report->denied = calloc(REPORT_DENIED_MAX, sizeof(*report->denied));
    if (report->calls != NULL && report->denied != NULL)
        return ST_OK;
    report_fini(report);
    return error_set(err, ST_NO_MEMORY, "a report");
}

void report_fini(struct report *report)
{
    for (int part = 0; part < REPORT_PART_COUNT; part++)
        tally_fini(&report->parts[part]);
    free(report->calls);
    free(report->denied);
    *report = (struct report){0};
}

/* --- What was counted ------------------------------------------------------------------------ */

/* Whether a fact of this name about the record's call is new. */
static bool is_new(struct report *report, const char *fact, const struct record_view *view)
{
    struct slice call = lookup_text(view, "gen_ai.tool.call.id");
    uint64_t hash = tally_hash(tally_hash(0, slice_of_text(fact)), call);

    if (call.size == 0)
        return true;
    hash += hash == 0;
    size_t place = (size_t)(hash >> 20) % REPORT_CALLS_MAX;
    for (; report->calls[place] != 0; place = (place + 1) % REPORT_CALLS_MAX) {
        if (report->calls[place] == hash)
            return false;
    }
    if (report->call_count < (size_t)REPORT_CALLS_MAX / 4 * 3) {
        report->calls[place] = hash;
        report->call_count++;
    }
    return true;
}

static uint64_t words_of(const struct record_view *view)
{
    uint64_t hash = tally_hash(0, lookup_text(view, "session.id"));

    hash = tally_hash(hash, lookup_text(view, "gen_ai.tool.name"));
    hash = tally_hash(hash, summary_of_call(view));
    return hash + (hash == 0);
}

/* The place of these words, or a free one; NULL: there is no room. */
static struct report_denied *find_denied(struct report *report, uint64_t words)
{
    size_t place = (size_t)(words >> 20) % REPORT_DENIED_MAX;

    for (; report->denied[place].words != 0; place = (place + 1) % REPORT_DENIED_MAX) {
        if (report->denied[place].words == words)
            return &report->denied[place];
    }
    return report->denied_count < (size_t)REPORT_DENIED_MAX / 4 * 3 ? &report->denied[place] : NULL;
}

/* --- Parts ----------------------------------------------------------------------------------- */

static bool is_text(const struct record_view *view, const char *key, const char *value)
{
    return slice_equal(lookup_text(view, key), slice_of_text(value));
}

static bool is_kind(const struct record_view *view, const char *kind)
{
    return is_text(view, "agent.event.kind", kind);
}

static struct slice or_unknown(struct slice text)
{
    return text.size > 0 ? text : SLICE("(unknown)");
}

static const char *data_of(struct slice text)
{
    return text.size > 0 ? (const char *)text.data : "";
}

/* Names of two parts; what is too long is cut. */
static struct slice join(char name[NAME_MAX_BYTES], struct slice a, const char *between,
                         struct slice b)
{
    enum { EACH = 120 };
    int size = snprintf(name, NAME_MAX_BYTES, "%.*s%s%.*s", (int)(a.size < EACH ? a.size : EACH),
                        data_of(a), between, (int)(b.size < EACH ? b.size : EACH), data_of(b));

    return slice_of(name, (size_t)size);
}

/* By the kernel's word where there is one. */
static struct slice user_of(const struct record_view *view, char name[NAME_MAX_BYTES])
{
    static const char *const keys[] = {"user.email", "user.name", "user.id"};
    struct attested_peer peer;

    attested_read(view, &peer);
    if (peer.uid >= 0)
        return slice_of(name, (size_t)snprintf(name, NAME_MAX_BYTES, "uid %.0f", peer.uid));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice said = lookup_text(view, keys[i]);
        if (said.size > 0)
            return join(name, said, "", SLICE(" (as it says)"));
    }
    return SLICE("(unknown)");
}

/* No number of an agent's may spoil a sum. */
static double amount(const struct record_view *view, const char *key)
{
    double number = lookup_number(view, key, 0);

    return number > 0 && number < 1e15 ? number : 0;
}

static void count_model(struct report *report, const struct record_view *view, struct slice agent,
                        struct slice user)
{
    struct slice model = lookup_text(view, "gen_ai.response.model");
    double input = amount(view, "gen_ai.usage.input_tokens");
    double output = amount(view, "gen_ai.usage.output_tokens");
    double cost = amount(view, "agent.cost.usd");
    double numbers[] = {input > 0 || output > 0, input, output, cost};

    if (lookup_number(view, "agent.usage.duplicate", 0) != 0)
        return;
    if (model.size == 0)
        model = or_unknown(lookup_text(view, "gen_ai.request.model"));
    for (unsigned i = 0; i < COUNT_OF(numbers) && (numbers[0] > 0 || cost > 0); i++) {
        tally_add(&report->parts[REPORT_AGENTS], agent, i + 1, numbers[i]);
        tally_add(&report->parts[REPORT_USERS], user, i + 1, numbers[i]);
        tally_add(&report->parts[REPORT_MODELS], model, i, numbers[i]);
    }
}

static void count_retry(struct report *report, const struct record_view *view)
{
    struct slice tool = or_unknown(lookup_text(view, "gen_ai.tool.name"));
    struct report_denied *denied = find_denied(report, words_of(view));
    uint64_t call = tally_hash(0, lookup_text(view, "gen_ai.tool.call.id"));
    char name[NAME_MAX_BYTES];

    if (denied == NULL || denied->words == 0 || denied->call == call)
        return;
    denied->call = call;
    tally_add(&report->parts[REPORT_RETRIED], join(name, tool, " ", summary_of_call(view)), 0, 1);
}

static void note_denied(struct report *report, const struct record_view *view)
{
    uint64_t words = words_of(view);
    struct report_denied *denied = find_denied(report, words);

    if (denied == NULL || denied->words != 0 || summary_of_call(view).size == 0)
        return;
    *denied = (struct report_denied){
        .words = words, .call = tally_hash(0, lookup_text(view, "gen_ai.tool.call.id"))};
    report->denied_count++;
}

static void count_tool(struct report *report, const struct record_view *view)
{
    struct slice tool = or_unknown(lookup_text(view, "gen_ai.tool.name"));
    bool is_end = !is_text(view, "agent.event.phase", "start");

    if (is_new(report, "call", view) &&
        (is_end || lookup_text(view, "gen_ai.tool.call.id").size > 0))
        tally_add(&report->parts[REPORT_TOOLS], tool, 0, 1);
    count_retry(report, view);
    if (!is_end)
        return;
    if (is_text(view, "agent.outcome", "failure") && is_new(report, "failed", view))
        tally_add(&report->parts[REPORT_TOOLS], tool, 1, 1);
    if (is_text(view, "agent.outcome", "denied")) {
        if (is_new(report, "denied", view))
            tally_add(&report->parts[REPORT_TOOLS], tool, 2, 1);
        note_denied(report, view);
    }
}

static void count_approval(struct report *report, const struct record_view *view)
{
    struct slice source = or_unknown(lookup_text(view, "agent.decision.source"));
    struct slice outcome = or_unknown(lookup_text(view, "agent.decision.outcome"));
    struct slice tool = or_unknown(lookup_text(view, "gen_ai.tool.name"));
    double waited_s = amount(view, "agent.decision.latency_ms") / 1000;
    char name[NAME_MAX_BYTES];

    count_retry(report, view);
    /* A question is not yet a decision. */
    if (is_text(view, "agent.event.phase", "start") || slice_equal(outcome, SLICE("ask")))
        return;
    if (slice_equal(outcome, SLICE("deny")))
        note_denied(report, view);
    if (!is_new(report, "decided", view))
        return;
    struct slice both = join(name, source, ": ", outcome);
    tally_add(&report->parts[REPORT_APPROVALS], both, 0, 1);
    tally_add(&report->parts[REPORT_APPROVALS], both, 1, waited_s);
    if (slice_equal(source, SLICE("user"))) {
        tally_add(&report->parts[REPORT_ASKED], tool, 0, 1);
        tally_add(&report->parts[REPORT_ASKED], tool, 1, waited_s);
    }
}

static void count_network(struct report *report, const struct record_view *view)
{
    struct slice address = lookup_text(view, "server.address");
    double port = amount(view, "server.port");
    char name[NAME_MAX_BYTES], port_text[32] = "";

    if (!is_text(view, "agent.decision.outcome", "deny"))
        return;
    if (address.size == 0)
        address = or_unknown(lookup_text(view, "url.domain"));
    if (port > 0)
        snprintf(port_text, sizeof(port_text), ":%.0f", port);
    tally_add(&report->parts[REPORT_DESTINATIONS], join(name, address, port_text, SLICE_EMPTY), 0,
              1);
}

static void count_failure(struct report *report, const struct record_view *view)
{
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");
    struct slice what = lookup_text(view, "error.type");
    char name[NAME_MAX_BYTES];

    bool is_failure = is_text(view, "agent.outcome", "failure") || is_kind(view, "agent.error");
    if (!is_failure || !is_new(report, "failure", view))
        return;
    kind = slice_from(kind, slice_starts_with(kind, prefix) ? prefix.size : 0);
    if (what.size == 0)
        what = lookup_text(view, "gen_ai.tool.name");
    if (what.size == 0)
        what = lookup_text(view, "agent.mcp.server.name");
    tally_add(&report->parts[REPORT_FAILURES], join(name, kind, ": ", or_unknown(what)), 0, 1);
}

void report_add(struct report *report, const struct field_record *record)
{
    const struct record_view *view = record->view;
    struct slice forged[ATTESTED_FORGED_MAX];
    struct slice agent = or_unknown(lookup_text(view, "agent.product"));
    uint64_t time = lookup_time(view);
    char name[NAME_MAX_BYTES];

    report->records++;
    report->forged += attested_forged_keys(view, forged) > 0;
    if (time != 0 && (report->first_unix_ns == 0 || time < report->first_unix_ns))
        report->first_unix_ns = time;
    if (time > report->last_unix_ns)
        report->last_unix_ns = time;
    if (is_kind(view, "agent.pipeline") || is_kind(view, "agent.integrity"))
        return; /* the daemon's own */
    struct slice user = user_of(view, name);
    tally_add(&report->parts[REPORT_AGENTS], agent, 0, 1);
    tally_add(&report->parts[REPORT_USERS], user, 0, 1);
    if (is_kind(view, "agent.model"))
        count_model(report, view, agent, user);
    else if (is_kind(view, "agent.tool"))
        count_tool(report, view);
    else if (is_kind(view, "agent.approval"))
        count_approval(report, view);
    else if (is_kind(view, "agent.network"))
        count_network(report, view);
    count_failure(report, view);
}

void report_finish(struct report *report)
{
    for (int part = 0; part < REPORT_PART_COUNT; part++)
        tally_sort(&report->parts[part], 0);
}
