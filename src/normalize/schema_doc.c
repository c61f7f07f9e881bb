/* SPDX-License-Identifier: Apache-2.0 */
/* schema_doc.c -- see schema_doc.h.  What is true of all records stands in the text below; what
 * can differ comes from the tables. */
#include "normalize/schema_doc.h"

#include "normalize/dialect.h"
#include "normalize/schema_content.h"
#include "normalize/span_derive.h"
#include "normalize/span_dialects.h"
#include "util/doc_page.h"

static const char introduction[] =
    "# Schema of agent events, version " SCHEMA_VERSION "\n"
    "\n"
    "<!-- Written from the tables in src/normalize/ by the test normalize.schema_doc; to write it\n"
    "     anew, run that test with UPDATE_GOLDEN=1. -->\n"
    "\n"
    "Every record is an OTLP LogRecord as its sender wrote it, with attributes of this schema\n"
    "appended. One record in is one record out, and nothing that the sender wrote is changed; "
    "some\n"
    "spans yield a record besides (\"Events from spans\"). Where one Telltale trusts another that\n"
    "sends to it, the first has appended, and the second nothing (PROTOCOL.md, Trusted "
    "upstreams).\n"
    "\n"
    "## Reading a record\n"
    "\n"
    "1. **Look for `agent.norm.K` first, then for `K`.** Where the sender used a key of this\n"
    "   schema with another value, its value stays at `K` and ours is at `agent.norm.K`. Where\n"
    "   the sender wrote `agent.norm.K` as well, ours has one more `agent.norm.` in front: of\n"
    "   the keys that end in `K` behind up to nine `agent.norm.`, the longest counts, and of\n"
    "   several alike the last. More than nine we do not write, and a sender's key with more is\n"
    "   not part of this. An equal value is not repeated, but for optional keys under `agent.`\n"
    "   that the sender was not trusted with.\n"
    "2. **`agent.norm.errors` lists keys that are not to be believed or could not be read**: keys\n"
    "   of this schema under `agent.` that a sender without our trust wrote, keys that stand\n"
    "   twice, values that are not of the type or the words required (then the normalized value\n"
    "   is missing), texts over 16 KiB (not written a second time; the original is complete), and\n"
    "   the kind of a native event that is unknown. **What it lists under `agent.` is left out\n"
    "   before rule 1**; only the keys that every record has are taken all the same, for their\n"
    "   longest chain is ours or says what ours would. At most 32 keys of together at most\n"
    "   4 KiB are listed. Where a sender wrote more, or a chain of nine, the list ends with\n"
    "   `agent.*`, our `log.record.uid` is the first attribute of ours, and whatever stands\n"
    "   before it under `agent.` is left out. Who has lost the order of attributes believes\n"
    "   nothing else of such a record than what every record has.\n"
    "3. **Time.** `time_unix_nano` is the sender's; if that was 0, the attribute\n"
    "   `event.timestamp`, else the observed time, else the time of receipt.\n"
    "   `agent.time.source` says which. `observed_time_unix_nano` is filled only if it was 0.\n"
    "4. **Name.** `event_name` is replaced only if it was empty or a place in source code\n"
    "   (`event src/file.rs:12`); what it was is then in `agent.original.event_name`.\n"
    "5. **Severity.** `severity_number` is filled only if it was 0. `agent.severity` is always\n"
    "   there: 9 for success, pending and unknown, 13 for denied, cancelled and timeout, 17 for\n"
    "   failure, 21 for a critical risk; of native and unknown senders, what they say.\n"
    "6. **`log.record.uid` is ours**: a UUIDv7 given on arrival. A sender's own stays at that "
    "key,\n"
    "   and ours is then at `agent.norm.log.record.uid`.\n"
    "7. **`agent.peer.*` is the kernel's word about the sender.** A record whose sender wrote "
    "such\n"
    "   a key has all of ours at `agent.norm.agent.peer.*`, behind as many `agent.norm.` as\n"
    "   `agent.peer.attestation` stands, which is always ours; an `agent.peer.*` that stands\n"
    "   elsewhere in that record is the sender's. Paths are escaped: bytes that are no text, that\n"
    "   act on a terminal, and backslashes are `\\xHH`; what ends with `...` was cut.\n"
    "8. **`agent.classification`** is `exact` where the sender said it, `heuristic` where we\n"
    "   concluded it from text or from earlier records, `none` where the record is not\n"
    "   understood.\n"
    "9. Words that mean nothing (`none`, `unknown`, `unix-socket`, `[REDACTED]`, `<REDACTED>`,\n"
    "   empty text and empty values) never become normalized values. A word that is not in a\n"
    "   closed list becomes `unknown`.\n"
    "10. **`agent.pipeline` and `agent.integrity` are the daemon's word only where\n"
    "   `agent.transport` is `internal`.** On the Unix socket anybody may send those kinds, and "
    "`service.name` is whatever a sender says.\n"
    "   Resources and scopes are the sender's too: an `agent.*` there means nothing.\n"
    "\n";

static const char native_text[] =
    "## Native events\n"
    "\n"
    "A sender on the Unix socket writes the attributes of this schema itself. Those with a value\n"
    "of the type and the words below are the values, and nothing is repeated. A value written\n"
    "differently (a number as text, `Denied`) is put right at `agent.norm.KEY`. The keys\n"
    "`agent.schema.version`, `agent.event.kind`, `agent.dialect`, `agent.dialect.event`,\n"
    "`agent.transport`, `agent.time.source`, `agent.norm.*`, `agent.peer.*` and `log.record.uid`\n"
    "are never the sender's. An event of an unknown kind, or that lacks what its kind requires,\n"
    "is kept as `agent.other`; `agent.norm.errors` says what is missing.\n"
    "\n"
    "The phase is the attribute `agent.event.phase`, or `phase`, or else the kind's first choice.\n"
    "Where `agent.outcome` is missing it follows from `agent.decision.outcome`, from\n"
    "`process.exit.code`, from the presence of `error.type`, in this order; what only began is\n"
    "`pending`.\n"
    "\n";

static const char spans_text[] =
    "## Events from spans\n"
    "\n"
    "Where a product says something only in spans, each such span yields one event besides being\n"
    "kept itself: a LogRecord under the span's resource and scope, with `agent.derived` true,\n"
    "`agent.derived.from` `span:TRACE ID/SPAN ID`, the span's end as its time, its trace and span\n"
    "id, and its kind as `event_name`. `agent.dialect.event` is `span:` and the span's name;\n"
    "`agent.duration_ms` is the span's length. The span's attributes that are named here are\n"
    "copied under their keys, those over 16 KiB excepted: they are listed in\n"
    "`agent.norm.errors` and stand in the span alone. Of a key that a span has twice, the last\n"
    "counts.\n"
    "\n"
    "`agent.tool.parent_call_id` is that of the nearest span above that is about another call, if\n"
    "it came in the same request: of a call that takes long, the calls made for it come before.\n"
    "\n"
    "Nothing is told twice: only spans are looked at whose fact is in no log record of the\n"
    "product. What the recorded sessions showed:\n"
    "\n"
    "| | Codex 0.169.0 | Gemini CLI 0.61.0 | Qwen Code 0.15.10 | opencode 1.18.33 |\n"
    "|---|---|---|---|---|\n"
    "| call of a tool, and its result | log | log | log | spans |\n"
    "| arguments | log | log | log | spans, if configured |\n"
    "| refused by a rule | log | log | log | log (which rule) and spans (which call) |\n"
    "| refused by a person | log | log | not seen | spans |\n"
    "| cancelled before it had a result | spans | log | not seen | not seen |\n"
    "| tokens used | log | log | log | spans |\n"
    "| id of the call | log | spans | none | spans |\n"
    "| sub-agent's parent | log | not seen | not seen | log |\n"
    "\n"
    "A person's refusal in opencode was seen to end the process before the span was sent: then\n"
    "only the question is there. For the same reason the last spans of a session may be missing.\n"
    "\n";

/* --- The model ----------------------------------------------------------------------------- */

static void put_required(struct doc_page *page, const struct schema_kind *kind)
{
    for (size_t i = 0; i < kind->required_count; i++) {
        const uint16_t *either = kind->required[i];
        doc_put(page, "%s`%s`", i > 0 ? ", " : "", schema_attributes[either[0]].key);
        if (either[1] < SCHEMA_KEY_COUNT)
            doc_put(page, " or `%s`", schema_attributes[either[1]].key);
    }
}

static void put_phases(struct doc_page *page, const struct schema_kind *kind)
{
    doc_put(page, "%s", words_phase[kind->default_phase]);
    for (unsigned phase = 0; words_phase[phase] != NULL; phase++) {
        if (phase != kind->default_phase && (kind->phases & 1U << phase) != 0)
            doc_put(page, ", %s", words_phase[phase]);
    }
}

static void put_kinds(struct doc_page *page)
{
    doc_put_text(page, "## Kinds\n\n"
                       "| Kind | Meaning | Phases | Required | Further |\n"
                       "|---|---|---|---|---|\n");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct schema_kind *kind = &schema_kinds[i];
        doc_put(page, "| `%s` | %s | ", kind->name, kind->meaning);
        put_phases(page, kind);
        doc_put_text(page, " | ");
        put_required(page, kind);
        doc_put_text(page, " | ");
        for (const uint16_t *key = kind->optional; *key != SCHEMA_KEY_COUNT; key++)
            doc_put(page, "%s`%s`", key > kind->optional ? ", " : "", schema_attributes[*key].key);
        doc_put_text(page, " |\n");
    }
    doc_put_text(page,
                 "\nOf several phases the first is taken when a native event names none.\n\n");
}

static void put_attributes(struct doc_page *page)
{
    static const char *const types[] = {[VALUE_TEXT] = "string",
                                        [VALUE_INT] = "int",
                                        [VALUE_DOUBLE] = "double",
                                        [VALUE_BOOL] = "boolean",
                                        [VALUE_TEXTS] = "string[]"};
    static const char *const requirements[] = {[SCHEMA_REQUIRED] = "always",
                                               [SCHEMA_CONDITIONAL] = "where it applies",
                                               [SCHEMA_OPTIONAL] = "where known"};
    doc_put_text(page, "## Attributes\n\n"
                       "| Attribute | Type | Present | Meaning | Values |\n"
                       "|---|---|---|---|---|\n");
    for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
        const struct schema_attribute *attribute = &schema_attributes[i];
        doc_put(page, "| `%s` | %s | %s | %s | ", attribute->key, types[attribute->type],
                requirements[attribute->requirement], attribute->meaning);
        bool is_kind = i == KEY_AGENT_EVENT_KIND; /* the table above */
        for (size_t word = 0; attribute->words != NULL && !is_kind && attribute->words[word];
             word++)
            doc_put(page, "%s`%s`", word > 0 ? ", " : "", attribute->words[word]);
        doc_put_text(page, " |\n");
    }
    doc_put_text(page, "\n");
}

static void put_content_words(struct doc_page *page, enum content_place place)
{
    const char *between = "";

    for (size_t i = 0; i < content_word_count; i++) {
        if (content_words[i].place != place)
            continue;
        doc_put(page, "%s`%s`", between, content_words[i].word);
        between = ", ";
    }
}

/* What a destination with `content: omit` is not sent. */
static void put_content(struct doc_page *page)
{
    const char *between = "";

    doc_put_text(
        page, "## Content\n\n"
              "Content is what was said to an agent, what it said and did with it, and what came "
              "back. A\n"
              "destination with `content: omit` (CONFIGURATION.md) is not sent:\n\n"
              "* the body of a log record, and the message of a span's status;\n"
              "* of this schema: ");
    for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
        if (schema_content[i] != SCHEMA_CONTENT)
            continue;
        doc_put(page, "%s`%s`", between, schema_attributes[i].key);
        between = ", ";
    }
    doc_put_text(page,
                 ";\n* attributes of senders whose key, taken apart at its dots, has one of these "
                 "words, written with or\n"
                 "  without capitals, `_` and `-`: anywhere ");
    put_content_words(page, CONTENT_WITHIN);
    doc_put_text(page, "; anywhere, unless the last part only\n  measures it (`id`, `length`) ");
    put_content_words(page, CONTENT_ABOUT);
    doc_put_text(page, "; as the last part ");
    put_content_words(page, CONTENT_LAST);
    doc_put_text(page,
                 ";\n* lists of keys and values with such a key anywhere in them.\n\n"
                 "This holds for records, spans, their events and links, resources and scopes. "
                 "Not content are ");
    for (size_t i = 0; content_exceptions[i] != NULL; i++)
        doc_put(page, "%s`%s`", i > 0 ? ", " : "", content_exceptions[i]);
    doc_put_text(
        page,
        " and the other attributes of this schema: names, ids, paths, URLs, sizes and "
        "verdicts\n"
        "stay, and so does the name of an event, which opencode has only in the first text of its "
        "body.\n"
        "What a sender writes under a key that says nothing stays too. Data points of metrics are "
        "not\n"
        "looked at.\n\n"
        "`agent.content.omitted` then lists the keys, each with the size of its value in "
        "bytes\n"
        "(`prompt=1782`), 64 at most, and `agent.content.omitted_bytes` is the sum; "
        "`agent.content.state`\n"
        "is `redacted_by_collector` where it was `present` or `truncated`.\n\n");
}

/* --- Dialects ------------------------------------------------------------------------------ */

static void put_rule(struct doc_page *page, const struct dialect *dialect, const struct rule *rule)
{
    static const char *const how[] = {[RULE_TEXT] = "",
                                      [RULE_INT] = "to int",
                                      [RULE_INT_FROM_ZERO] = "to int, plus 1",
                                      [RULE_DOUBLE] = "to double",
                                      [RULE_SECONDS] = "milliseconds to seconds",
                                      [RULE_BOOL] = "to boolean",
                                      [RULE_WORD] = "",
                                      [RULE_WORD_OR_TEXT] = "other words as they are",
                                      [RULE_KNOWN_WORD] = "other words not",
                                      [RULE_LIST] = "split at commas",
                                      [RULE_CONTENT] = ""};
    doc_put(page, "| `%s` | `%s` | ", dialect->sources[rule->source],
            schema_attributes[rule->target].key);
    const char *between = "";
    for (const struct word_map *word = rule->words; word != NULL && word->from != NULL; word++) {
        doc_put(page, "%s%s → %s", between, word->from, word->to);
        between = "; ";
    }
    doc_put(page, "%s%s |\n", how[rule->how][0] != '\0' ? between : "", how[rule->how]);
}

static void put_rules(struct doc_page *page, const struct dialect *dialect,
                      const struct rule *rules, size_t count)
{
    if (count == 0)
        return;
    doc_put_text(page, "\n| From | To | How |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        put_rule(page, dialect, &rules[i]);
}

static void put_event(struct doc_page *page, const struct dialect *dialect,
                      const struct dialect_event *event)
{
    doc_put(page, "### `%s` → %s %s\n\n", event->name, schema_kinds[event->kind].name,
            words_phase[event->phase]);
    doc_put(page, "%s%s", event->note != NULL ? event->note : "", event->note != NULL ? " " : "");
    doc_put(page, "Classification `%s`; outcome `%s` unless said otherwise.\n",
            words_classification[event->classification], words_outcome[event->outcome]);
    put_rules(page, dialect, event->rules, event->rule_count);
    doc_put_text(page, "\n");
}

static void put_signs(struct doc_page *page, const struct dialect *dialect)
{
    const char *between = "Known by";
    bool has_sign = dialect->scope_prefix != NULL || dialect->event_prefix != NULL ||
                    dialect->services != NULL || dialect->key_prefixes != NULL;
    if (dialect->product != NULL)
        doc_put(page, "Product `%s`. ", dialect->product);
    if (!has_sign)
        doc_put_text(page, "Known by its name (PROTOCOL.md, \"Hooks\")");
    if (dialect->scope_prefix != NULL) {
        doc_put(page, "%s a scope that begins with `%s`", between, dialect->scope_prefix);
        between = ", or";
    }
    if (dialect->event_prefix != NULL) {
        doc_put(page, "%s an `event.name`%s that begins with `%s`", between,
                dialect->prefix_in_body ? ", `event_name` or body" : " or `event_name`",
                dialect->event_prefix);
        between = ", or";
    }
    for (const char *const *service = dialect->services; service != NULL && *service != NULL;
         service++) {
        doc_put(page, "%s the `service.name` `%s`", between, *service);
        between = ", or";
    }
    if (dialect->key_prefixes != NULL) {
        doc_put(page, "%s a key that begins with ", between);
        for (size_t i = 0; dialect->key_prefixes[i] != NULL; i++)
            doc_put(page, "%s`%s`", i > 0 ? " or " : "", dialect->key_prefixes[i]);
        doc_put_text(page, " where nothing else tells");
    }
    doc_put_text(page, ". Names that are not below become `agent.other`.\n\n");
}

/* What a dialect says of log records or of spans, but for its heading. */
static void put_tables(struct doc_page *page, const struct dialect *dialect)
{
    if (dialect->rule_count > 0) {
        doc_put_text(page, "On every event:\n");
        put_rules(page, dialect, dialect->rules, dialect->rule_count);
        doc_put_text(page, "\n");
    }
    if (dialect->note != NULL)
        doc_put(page, "%s\n\n", dialect->note);
    for (size_t i = 0; i < dialect->event_count; i++)
        put_event(page, dialect, &dialect->events[i]);
    for (size_t i = 0; i < dialect->refined_count; i++)
        put_event(page, dialect, dialect->refined[i]);
    if (dialect->chapter != NULL)
        doc_put_text(page, dialect->chapter);
}

static void put_dialect(struct doc_page *page, const struct dialect *dialect)
{
    doc_put(page, "## Dialect `%s`\n\n", dialect->name);
    put_signs(page, dialect);
    put_tables(page, dialect);
}

/* --- Spans ----------------------------------------------------------------------------------- */

static void put_span_sources(struct doc_page *page)
{
    doc_put_text(page, "| Scope begins with | or `service.name` | Spans looked at | Why |\n"
                       "|---|---|---|---|\n");
    for (size_t i = 0; i < span_source_count; i++) {
        const struct span_source *source = &span_sources[i];
        doc_put(page, "| %s | %s | ", source->scope_prefix != NULL ? source->scope_prefix : "",
                source->service != NULL ? source->service : "");
        const char *between = "";
        for (size_t at = 0; source->dialect != NULL && at < source->dialect->event_count; at++) {
            doc_put(page, "%s`%s`", between, source->dialect->events[at].name);
            between = ", ";
        }
        for (size_t at = 0; source->marks != NULL && source->marks[at] != NULL; at++) {
            doc_put(page, "%swith `%s`", between, source->marks[at]);
            between = ", ";
        }
        doc_put(page, "%s | %s |\n", source->dialect == NULL ? "none" : "", source->note);
    }
    doc_put_text(page, "\n");
}

static void put_spans(struct doc_page *page)
{
    doc_put_text(page, spans_text);
    put_span_sources(page);
    for (size_t i = 0; i < span_dialect_count; i++) {
        if (span_dialect_list[i] == &span_dialect_genai)
            continue; /* as the log records */
        doc_put(page, "## Spans of `%s`\n\n", span_dialect_list[i]->name);
        put_tables(page, span_dialect_list[i]);
    }
}

enum status schema_write_markdown(struct buf *out, struct error *err)
{
    struct doc_page page = {.out = out, .err = err};
    doc_put_text(&page, introduction);
    put_kinds(&page);
    put_attributes(&page);
    put_content(&page);
    doc_put_text(&page, native_text);
    for (size_t i = 0; i < dialect_count; i++)
        put_dialect(&page, dialect_list[i]);
    put_spans(&page);
    return page.status;
}
