/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_test.c -- how events of a session are joined, and what a person reads of them.
 * UPDATE_GOLDEN=1 writes the files in golden/ anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/lookup.h"
#include "query/timeline.h"
#include "support/documented.h"
#include "support/golden.h"
#include "support/recorded_session.h"
#include "support/seen_record.h"
#include "util/clock.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/query/golden"
/* 2026-11-20T22:24:20Z */
#define MOMENT UINT64_C(1795213460000000000)

static const struct record_group no_group;
static struct story story;
static struct error err;
static char text[8192];

static int set_up(void **state)
{
    (void)state;
    story_init(&story);
    return setenv("TZ", "UTC", 1);
}

static int tear_down(void **state)
{
    (void)state;
    story_fini(&story);
    return 0;
}

/* Adds an event `ms` behind MOMENT: kind, then keys and values as texts; NULL at the end. */
static void add(uint64_t ms, const char *kind, ...)
{
    struct seen_record seen;
    const char *key;
    va_list args;

    seen_init(&seen);
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT + ms * NS_PER_MS);
    made_text(&seen.made, "agent.event.kind", kind);
    va_start(args, kind);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (key[0] == '#')
            made_int(&seen.made, key + 1, atoi(value));
        else
            made_text(&seen.made, key, value);
    }
    va_end(args);
    assert_int_equal(story_add(&story, &no_group, seen_bytes(&seen), &err), ST_OK);
    seen_fini(&seen);
}

#define END ((const char *)NULL)

static void add_result(uint64_t ms, const char *id, const char *duration_ms)
{
    add(ms, "agent.tool", "gen_ai.tool.call.id", id, "agent.event.phase", "end", "gen_ai.tool.name",
        "bash", "agent.outcome", "success", "#agent.duration_ms", duration_ms, END);
}

static void join(void)
{
    assert_int_equal(story_join(&story, &err), ST_OK);
}

static const char *timeline(const struct timeline_style *style)
{
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(timeline_write(&story, style, &out, &err), ST_OK);
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_fini(&out);
    return text;
}

static const struct timeline_style plain = {.columns = 100};

static void assert_has(const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("no '%s' in:\n%s", wanted, text);
}

/* --- Joining ------------------------------------------------------------------------------ */

static void test_events_stand_in_the_order_of_time(void **state)
{
    (void)state;
    add(20, "agent.prompt", "prompt", "third", END);
    add(10, "agent.prompt", "prompt", "first", END);
    add(10, "agent.prompt", "prompt", "second", END);
    join();
    for (size_t i = 0; i < 3; i++) {
        static const char *const order[] = {"first", "second", "third"};
        assert_true(
            slice_equal(lookup_text(&story.events[i].view, "prompt"), slice_of_text(order[i])));
    }
}

static void test_one_call_is_all_events_with_its_id(void **state)
{
    (void)state;
    add(0, "agent.approval", "gen_ai.tool.call.id", "a", END);
    add(5, "agent.approval", "gen_ai.tool.call.id", "b", END);
    add_result(30, "a", "10");
    join();
    assert_int_equal(story.call_count, 2);
    assert_int_equal(story.events[0].call, story.events[2].call);
    const struct story_call *call = &story.calls[story.events[0].call];
    assert_true(call->has_decision && call->has_result);
    assert_int_equal(call->begin_unix_ns, MOMENT);
    assert_int_equal(call->end_unix_ns, MOMENT + 30 * NS_PER_MS);
    assert_false(story.calls[story.events[1].call].has_result);
}

static void test_the_same_id_in_another_conversation_is_another_call(void **state)
{
    (void)state;
    add(0, "agent.tool", "gen_ai.tool.call.id", "a", "gen_ai.conversation.id", "x", END);
    add(1, "agent.tool", "gen_ai.tool.call.id", "a", "gen_ai.conversation.id", "y", END);
    join();
    assert_int_equal(story.call_count, 2);
}

static void test_a_call_begins_its_duration_before_its_result(void **state)
{
    (void)state;
    add_result(100, "a", "40");
    join();
    assert_int_equal(story.calls[0].begin_unix_ns, MOMENT + 60 * NS_PER_MS);
}

static void test_an_impossible_duration_is_not_believed(void **state)
{
    struct seen_record seen;

    (void)state;
    seen_init(&seen);
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    seen_add_texts(&seen, "agent.event.kind", "agent.tool", "agent.event.phase", "end",
                   "gen_ai.tool.call.id", "a", END);
    made_double(&seen.made, "agent.duration_ms", 1e308);
    assert_int_equal(story_add(&story, &no_group, seen_bytes(&seen), &err), ST_OK);
    seen_fini(&seen);
    join();
    assert_int_equal(story.calls[0].begin_unix_ns, MOMENT);
}

static void test_a_network_decision_joins_the_one_call_that_ran(void **state)
{
    (void)state;
    add_result(100, "a", "50");
    add(70, "agent.network", "server.address", "during", END);
    add(10, "agent.network", "server.address", "before", END);
    join();
    assert_int_equal(story.events[0].call, STORY_NO_CALL);
    assert_int_equal(story.events[1].call, story.events[2].call);
    assert_true(story.events[1].joined_by_time);
}

static void test_a_network_decision_between_two_calls_joins_neither(void **state)
{
    (void)state;
    add_result(100, "a", "50");
    add_result(101, "b", "50");
    add(70, "agent.network", "server.address", "during", END);
    join();
    assert_int_equal(story.events[0].call, STORY_NO_CALL);
    assert_false(story.events[0].joined_by_time);
}

static void test_rubbish_is_no_event(void **state)
{
    (void)state;
    assert_int_equal(story_add(&story, &no_group, SLICE("\x0a\xff\xff"), &err), ST_CORRUPT);
    assert_int_equal(story.event_count, 0);
    join();
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(timeline_write(&story, &plain, &out, &err), ST_NOT_FOUND);
    buf_fini(&out);
}

/* --- The page ------------------------------------------------------------------------------ */

static void test_call_names_the_call_that_it_was_made_for(void **state)
{
    (void)state;
    add_result(30, "child", "5");
    add(31, "agent.tool", "gen_ai.tool.call.id", "child", "agent.tool.parent_call_id", "parent",
        END);
    add(32, "agent.tool", "gen_ai.tool.call.id", "orphan", "agent.tool.parent_call_id", "gone",
        END);
    add(33, "agent.tool", "gen_ai.tool.call.id", "own", "agent.tool.parent_call_id", "own", END);
    add(40, "agent.tool", "gen_ai.tool.call.id", "parent", "agent.event.phase", "end",
        "gen_ai.tool.name", "task", "gen_ai.tool.call.arguments", "look into it", END);
    join();
    timeline(&plain);
    assert_has("tool      bash  (what it asked for was not reported)\n"
               "                made for  task look into it\n");
    assert_has("made for  call gone\n");
    assert_null(strstr(text, "call own"));
}

static void test_what_is_missing_is_shown_as_missing(void **state)
{
    (void)state;
    add(0, "agent.tool", "gen_ai.tool.call.id", "a", "gen_ai.tool.name", "bash", END);
    join();
    timeline(&plain);
    assert_has("22:24:20.000  tool      bash  (what it asked for was not reported)\n"
               "                decision  none was reported\n"
               "                result    none was reported\n");
    assert_has("missing: the results of 1 calls\n");
}

static void test_a_denied_call_was_not_run_or_was_blocked(void **state)
{
    (void)state;
    for (int executed = 0; executed < 2; executed++) {
        add((uint64_t)executed, "agent.tool", "gen_ai.tool.call.id", executed ? "a" : "b",
            "agent.event.phase", "end", "agent.outcome", "denied", "#agent.tool.executed",
            executed ? "1" : "0", "gen_ai.tool.name", executed ? "ran" : "waited", END);
    }
    add(9, "agent.tool", "gen_ai.tool.call.id", "c", "agent.event.phase", "end", "agent.outcome",
        "denied", "gen_ai.tool.name", "unsaid", END);
    join();
    timeline(&plain);
    const char *waited = strstr(text, "waited");
    const char *ran = strstr(text, "ran  ");
    const char *unsaid = strstr(text, "unsaid");
    assert_true(waited != NULL && waited < ran && ran < unsaid);
    const char *not_run = strstr(text, "result    NOT RUN\n");
    const char *blocked = strstr(text, "result    BLOCKED\n");
    assert_true(waited < not_run && not_run < ran && ran < blocked && blocked < unsaid);
    assert_non_null(strstr(unsaid, "result    BLOCKED\n"));
    assert_has("3 tool calls (0 failed, 2 blocked, 1 not run)");
}

static void test_a_refused_call_needs_no_result(void **state)
{
    (void)state;
    add(0, "agent.approval", "gen_ai.tool.call.id", "a", "gen_ai.tool.name", "Bash",
        "agent.decision.outcome", "deny", "agent.decision.source", "user", "#agent.tool.executed",
        "0", END);
    add(1, "agent.file", "gen_ai.tool.call.id", "a", "agent.file.operation", "create", "file.path",
        "/a", "agent.outcome", "success", END);
    join();
    timeline(&plain);
    assert_has("                decision  DENIED by the user\n"
               "                          file      create /a\n"
               "                result    NOT RUN\n");
    assert_has("1 tool calls (0 failed, 0 blocked, 1 not run)");
    assert_null(strstr(text, "missing: the results"));
}

static void test_trouble_of_any_kind_is_shown(void **state)
{
    (void)state;
    add(0, "agent.hook", "agent.hook.name", "guard", "agent.outcome", "denied", END);
    add(1, "agent.hook", "agent.hook.name", "tidy", "agent.outcome", "success", END);
    join();
    timeline(&plain);
    assert_has("hook      guard  BLOCKED\n");
    assert_has("hook      tidy\n");
}

static void test_decisions_and_calls_without_an_id_are_told_in_words(void **state)
{
    (void)state;
    add(0, "agent.approval", "gen_ai.tool.name", "deploy", "agent.decision.outcome", "deny",
        "agent.decision.source", "user", "agent.decision.reason", "not on a Friday", END);
    add(1, "agent.tool", "gen_ai.tool.name", "deploy", "process.command_line", "make prod",
        "agent.event.phase", "end", "agent.outcome", "failure", "#process.exit.code", "2", END);
    join();
    timeline(&plain);
    assert_has("22:24:20.000  approval  deploy  DENIED by the user: not on a Friday\n");
    assert_has("22:24:20.001  tool      deploy make prod\n"
               "                result    FAILED, exit code 2\n");
    assert_has("1 tool calls (1 failed, 0 blocked, 0 not run)");
}

static void test_long_output_is_cut_to_its_first_lines(void **state)
{
    static const struct timeline_style whole = {.columns = 100, .whole_texts = true};

    (void)state;
    add(0, "agent.tool", "gen_ai.tool.call.id", "a", "agent.event.phase", "end", "agent.outcome",
        "success", "gen_ai.tool.call.result", "one\ntwo\nthree\nfour\nfive", END);
    join();
    timeline(&plain);
    assert_has("                          three\n"
               "                          (more: --full shows all)\n");
    assert_null(strstr(text, "four"));
    story.calls[0].shown = false;
    timeline(&whole);
    assert_has("                          five\n");
}

static void test_the_machinery_is_shown_when_asked_for(void **state)
{
    static const struct timeline_style everything = {.columns = 100, .everything = true};

    (void)state;
    add(0, "agent.model", "agent.outcome", "success", "gen_ai.request.model", "m-1",
        "#gen_ai.usage.input_tokens", "12", "#gen_ai.usage.output_tokens", "34", END);
    add(1, "agent.model", "agent.outcome", "failure", "gen_ai.request.model", "m-2",
        "agent.error.message", "too \x1b[1m many", END);
    add(2, "agent.other", "agent.dialect.event", "codex.sse", END);
    join();
    timeline(&plain);
    assert_has("model     m-2 FAILED: too \\x1b[1m many\n");
    assert_null(strstr(text, "m-1 ok"));
    assert_null(strstr(text, "codex.sse"));
    assert_has("1 model answers (12 tokens in, 34 out)\n");
    timeline(&everything);
    assert_has("model     m-1 ok, 12 tokens in, 34 out\n");
    assert_has("other     codex.sse\n");
}

static void test_color_is_ours_alone(void **state)
{
    static const struct timeline_style colored = {.columns = 100, .color = true};

    (void)state;
    add_result(10, "a\x1b[31m", "5");
    join();
    timeline(&plain);
    assert_null(strchr(text, '\x1b'));
    story.calls[0].shown = false;
    timeline(&colored);
    assert_has("\x1b[1mbash\x1b[0m");
    assert_has("\x1b[32mok\x1b[0m");
}

static void test_a_kind_that_acts_is_made_safe(void **state)
{
    (void)state;
    add(0, "agent.x\x1b[2J\n", END);
    join();
    timeline(&plain);
    assert_has("22:24:20.000  x\\x1b[2J\xe2\x80\xa6 \n");
}

#define CODEX                                                                                      \
    "agent.peer.attestation", "kernel", "#agent.peer.pid", "10", "#agent.peer.uid", "1000",        \
        "agent.peer.executable.path", "/usr/bin/codex"
#define INTRUDER                                                                                   \
    "agent.peer.attestation", "kernel", "#agent.peer.pid", "20", "#agent.peer.uid", "1001",        \
        "agent.peer.executable.path", "/tmp/\x1b[2J"

static void test_the_sender_of_a_session_stands_at_its_head(void **state)
{
    (void)state;
    add(0, "agent.prompt", "prompt", "text", CODEX, "agent.peer.container.id",
        "0123456789abcdef0123", END);
    join();
    timeline(&plain);
    assert_has("\n  sender   uid 1000, pid 10, /usr/bin/codex, container 0123456789ab (kernel)\n");
    assert_null(strstr(text, "ANOTHER PROCESS"));
}

static void test_events_of_another_process_are_marked_however_they_are_dated(void **state)
{
    (void)state;
    add(50, "agent.prompt", "prompt", "text", CODEX, END);
    add(0, "agent.approval", "agent.decision.outcome", "allow", INTRUDER, END);
    add_result(60, "a", "1");
    add(70, "agent.network", "server.address", "x", "gen_ai.tool.call.id", "a",
        "agent.peer.attestation", "none", END);
    add(80, "agent.prompt", "prompt", "text", CODEX, END);
    join();
    timeline(&plain);
    assert_has("\n  sender   uid 1000, pid 10, /usr/bin/codex (kernel)\n");
    assert_has(
        "approval    approved by whom is not said\n"
        "                sender    ANOTHER PROCESS: uid 1001, pid 20, /tmp/\\x1b[2J (kernel)\n");
    assert_has("                sender    ANOTHER PROCESS: not known (none)\n");
    assert_has("2 events were sent by another process than the first\n");
}

/* An agent that speaks of its peer itself: what is ours stands further on. */
static void test_forged_keys_are_shown_for_what_they_are(void **state)
{
    struct seen_record seen;

    (void)state;
    seen_init(&seen);
    made_fixed64(&seen.made, RECORD_TIME_UNIX_NANO, MOMENT);
    made_text(&seen.made, "agent.peer.executable.path", "/usr/sbin/trusted");
    made_text(&seen.made, "agent.norm.agent.peer.executable.path", "/usr/sbin/trusted");
    made_text(&seen.made, "agent.event.kind", "agent.prompt");
    made_text(&seen.made, "agent.transport", "unix_socket");
    made_text(&seen.made, "agent.norm.agent.peer.attestation", "uid");
    made_int(&seen.made, "agent.norm.agent.peer.uid", 1001);
    made_texts(&seen.made, "agent.norm.errors", "agent.peer.executable.path");
    assert_int_equal(story_add(&story, &no_group, seen_bytes(&seen), &err), ST_OK);
    seen_fini(&seen);
    join();
    timeline(&plain);
    assert_has("\n  sender   uid 1001 (uid)\n");
    assert_null(strstr(text, "trusted"));
    assert_has("                FORGED    written by the sender: agent.peer.executable.path\n");
    assert_has("1 events carry forged keys: ");
}

/* A native sender says what its event is; a value that had to be put right is no forgery. */
static void test_what_a_native_sender_may_say_is_not_forged(void **state)
{
    struct seen_record seen;

    (void)state;
    seen_init(&seen);
    made_text(&seen.made, "agent.duration_ms", "12");
    made_text(&seen.made, "agent.event.kind", "agent.prompt");
    made_text(&seen.made, "agent.dialect", "native");
    made_texts(&seen.made, "agent.norm.errors", "agent.duration_ms");
    assert_int_equal(story_add(&story, &no_group, seen_bytes(&seen), &err), ST_OK);
    seen_fini(&seen);
    join();
    timeline(&plain);
    assert_null(strstr(text, "FORGED"));
}

static void test_a_full_page_is_a_failure(void **state)
{
    struct buf out;

    (void)state;
    add(0, "agent.prompt", "prompt", "text", END);
    join();
    buf_init(&out, 50);
    assert_int_equal(timeline_write(&story, &plain, &out, &err), ST_LIMIT);
    assert_true(out.size <= 50);
    buf_fini(&out);
}

/* --- Recorded sessions ----------------------------------------------------------------------- */

static void add_to_story(void *context, const struct record_group *group,
                         const struct normalized *record)
{
    (void)context; /* there is one story */
    if (lookup_text(&record->whole, "session.id").size > 0)
        assert_int_equal(story_add(&story, group, buf_slice(&record->bytes), &err), ST_OK);
}

/* `session` is a directory of tests/corpus/; `name` is that of the golden text. */
static void check_session_from(const char *session, int request_count, const char *name)
{
    static const struct timeline_style style = {.columns = 120};
    static const struct recorded_session_reader reader = {.on_record = add_to_story};
    char path[512];
    struct buf out;

    recorded_session_read_from(session, request_count, &reader);
    join();
    buf_init(&out, (size_t)1 << 20);
    assert_int_equal(timeline_write(&story, &style, &out, &err), ST_OK);
    (void)snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN_DIR, name);
    golden_check(path, buf_slice(&out));
    buf_fini(&out);
}

static void check_session(const char *scenario, int request_count)
{
    char session[128];

    (void)snprintf(session, sizeof(session), "codex-0.169.0/http-protobuf/%s", scenario);
    check_session_from(session, request_count, scenario);
}

static void test_an_exfiltration_reads_as_it_happened(void **state)
{
    (void)state;
    check_session("exfil", 1);
}

static void test_approvals_read_as_they_happened(void **state)
{
    (void)state;
    check_session("approvals-appserver", 2);
}

static void test_a_reviewers_thread_adds_no_prompt_and_no_call(void **state)
{
    (void)state;
    check_session("autoreview", 1);
}

static void test_a_subagents_thread_adds_no_prompt(void **state)
{
    (void)state;
    check_session("subagent", 1);
}

static void test_a_network_proxy_reads_as_it_happened(void **state)
{
    (void)state;
    check_session("netproxy", 2);
}

static void test_calls_of_gemini_cli_read_as_they_happened(void **state)
{
    (void)state;
    check_session_from("gemini-cli-0.61.0/grpc/exfil-yolo", 1, "gemini-exfil-yolo");
}

/* Driven by an editor: the first record is of another session. */
static void test_a_refusal_in_gemini_cli_reads_as_it_happened(void **state)
{
    (void)state;
    check_session_from("gemini-cli-0.61.0/grpc/approvals-acp", 2, "gemini-approvals-acp");
}

/* What was done to files stands with the calls that did it. */
static void test_file_operations_of_gemini_cli_stand_with_their_calls(void **state)
{
    (void)state;
    check_session_from("gemini-cli-0.61.0/http-json/refactor", 1, "gemini-refactor");
}

static void test_file_operations_of_qwen_code_stand_with_their_calls(void **state)
{
    (void)state;
    check_session_from("qwen-code-0.15.10/grpc/refactor", 1, "qwen-refactor");
}

static void test_failures_of_qwen_code_read_as_they_happened(void **state)
{
    (void)state;
    check_session_from("qwen-code-0.15.10/grpc/mcpfail", 1, "qwen-mcpfail");
}

static void test_documented_claude_code_reads_as_it_happened(void **state)
{
    static const struct timeline_style style = {.columns = 120};
    static const struct recorded_session_reader reader = {.on_record = add_to_story};
    struct buf out;

    (void)state;
    documented_session_read("claude-code/details.json", &reader);
    join();
    buf_init(&out, (size_t)1 << 20);
    assert_int_equal(timeline_write(&story, &style, &out, &err), ST_OK);
    golden_check(GOLDEN_DIR "/claude-details.txt", buf_slice(&out));
    buf_fini(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* --- Said in several ways ------------------------------------------------------------------- */

#define FROM_HOOK "agent.dialect", "codex_hook"
#define FROM_LOG  "agent.dialect", "codex_otel"
#define FROM_SPAN "#agent.derived", "1"

static size_t count_of(const char *wanted)
{
    size_t count = 0;

    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted))
        count++;
    return count;
}

static void test_a_call_told_by_log_hook_and_span_is_shown_once(void **state)
{
    (void)state;
    add(0, "agent.tool", FROM_HOOK, "agent.event.phase", "start", "gen_ai.tool.call.id", "c",
        "gen_ai.tool.name", "Bash", "process.command_line", "make", "agent.outcome", "pending",
        "gen_ai.conversation.id", "parent", END);
    add(900, "agent.tool", FROM_HOOK, "agent.event.phase", "end", "gen_ai.tool.call.id", "c",
        "gen_ai.tool.name", "Bash", "agent.outcome", "unknown", "gen_ai.tool.call.result",
        "what it printed", "gen_ai.conversation.id", "parent", END);
    add(910, "agent.tool", FROM_LOG, "agent.event.phase", "end", "gen_ai.tool.call.id", "c",
        "gen_ai.tool.name", "exec_command", "agent.outcome", "failure", "#process.exit.code", "2",
        "gen_ai.conversation.id", "child", END);
    add(920, "agent.tool", FROM_SPAN, "agent.event.phase", "end", "gen_ai.tool.call.id", "c",
        "gen_ai.tool.name", "exec_command", "agent.outcome", "unknown", "gen_ai.conversation.id",
        "child", END);
    join();
    assert_int_equal(story.call_count, 1);
    timeline(&plain);
    assert_int_equal(count_of("tool      "), 1);
    assert_int_equal(count_of("result    "), 1);
    assert_has("FAILED, exit code 2  [log, hook, span]");
    assert_has("what it printed");
    assert_has("1 tool calls (1 failed,");
}

static void test_calls_without_ids_are_joined_by_their_words(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint64_t at = (uint64_t)i * 10000;
        add(at, "agent.tool", FROM_HOOK, "agent.event.phase", "start", "gen_ai.tool.name", "shell",
            "process.command_line", "make", "agent.outcome", "pending", END);
        add(at + 10, "agent.approval", FROM_HOOK, "agent.event.phase", "start", "gen_ai.tool.name",
            "shell", "process.command_line", "make", "agent.decision.outcome", "ask", END);
        add(at + 500, "agent.tool", FROM_HOOK, "agent.event.phase", "end", "gen_ai.tool.name",
            "shell", "process.command_line", "make", "agent.outcome", "unknown", END);
        add(at + 510, "agent.tool", FROM_LOG, "agent.event.phase", "end", "gen_ai.tool.name",
            "shell", "process.command_line", "make", "agent.outcome", "success", END);
    }
    add(30000, "agent.tool", FROM_LOG, "agent.event.phase", "end", "gen_ai.tool.name", "shell",
        "process.command_line", "rm", "agent.outcome", "success", END);
    join();
    assert_int_equal(story.call_count, 2);
    timeline(&plain);
    assert_int_equal(count_of("tool      "), 3);
    assert_int_equal(count_of("ok  [joined by what it says]  [log, hook]"), 2);
    assert_int_equal(count_of("asked"), 2);
    assert_has("3 tool calls");
}

/* Whoever names another's call or session does not speak for him. */
static void test_nobody_speaks_for_another_user(void **state)
{
    (void)state;
    add(0, "agent.prompt", FROM_LOG, "agent.event.phase", "point", "prompt", "go on", CODEX, END);
    add(5, "agent.prompt", FROM_HOOK, "agent.event.phase", "point", "prompt", "go on",
        "agent.peer.attestation", "uid", "#agent.peer.uid", "1001", END);
    add(6, "agent.prompt", FROM_SPAN, "agent.event.phase", "point", "prompt", "go on",
        "agent.peer.attestation", "uid", "#agent.peer.uid", "1000", END);
    join();
    timeline(&plain);
    assert_int_equal(count_of("prompt    go on"), 2);
    assert_int_equal(count_of("ANOTHER PROCESS: uid 1001"), 1);
}

static void test_one_way_says_two_things_when_it_says_it_twice(void **state)
{
    (void)state;
    add(0, "agent.prompt", FROM_LOG, "agent.event.phase", "point", "prompt", "go on", END);
    add(5, "agent.prompt", FROM_HOOK, "agent.event.phase", "point", "prompt", "go on", END);
    add(900, "agent.prompt", FROM_LOG, "agent.event.phase", "point", "prompt", "go on", END);
    add(905, "agent.prompt", FROM_HOOK, "agent.event.phase", "point", "prompt", "go on", END);
    add(9000, "agent.prompt", FROM_HOOK, "agent.event.phase", "point", "prompt", "go on", END);
    add(9100, "agent.prompt", FROM_LOG, "agent.event.phase", "point", "prompt", "stop", END);
    join();
    timeline(&plain);
    assert_int_equal(count_of("go on"), 3);
    assert_has("4 prompts");
}

static void test_decisions_of_two_kinds_are_both_shown(void **state)
{
    (void)state;
    add(0, "agent.approval", FROM_HOOK, "agent.event.phase", "start", "gen_ai.tool.call.id", "c",
        "agent.decision.outcome", "ask", END);
    add(10, "agent.approval", FROM_LOG, "agent.event.phase", "end", "gen_ai.tool.call.id", "c",
        "agent.decision.outcome", "deny", "agent.decision.source", "user", END);
    add(20, "agent.approval", FROM_HOOK, "agent.event.phase", "end", "gen_ai.tool.call.id", "c",
        "agent.decision.outcome", "deny", "agent.decision.source", "unknown", END);
    join();
    timeline(&plain);
    assert_int_equal(count_of("decision  "), 2);
    assert_has("asked");
    assert_has("DENIED by the user  [log, hook]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_events_stand_in_the_order_of_time),
        TEST(test_one_call_is_all_events_with_its_id),
        TEST(test_the_same_id_in_another_conversation_is_another_call),
        TEST(test_a_call_begins_its_duration_before_its_result),
        TEST(test_an_impossible_duration_is_not_believed),
        TEST(test_a_network_decision_joins_the_one_call_that_ran),
        TEST(test_a_network_decision_between_two_calls_joins_neither),
        TEST(test_a_call_told_by_log_hook_and_span_is_shown_once),
        TEST(test_calls_without_ids_are_joined_by_their_words),
        TEST(test_nobody_speaks_for_another_user),
        TEST(test_one_way_says_two_things_when_it_says_it_twice),
        TEST(test_decisions_of_two_kinds_are_both_shown),
        TEST(test_rubbish_is_no_event),
        TEST(test_call_names_the_call_that_it_was_made_for),
        TEST(test_what_is_missing_is_shown_as_missing),
        TEST(test_a_denied_call_was_not_run_or_was_blocked),
        TEST(test_a_refused_call_needs_no_result),
        TEST(test_trouble_of_any_kind_is_shown),
        TEST(test_decisions_and_calls_without_an_id_are_told_in_words),
        TEST(test_long_output_is_cut_to_its_first_lines),
        TEST(test_the_machinery_is_shown_when_asked_for),
        TEST(test_color_is_ours_alone),
        TEST(test_a_kind_that_acts_is_made_safe),
        TEST(test_the_sender_of_a_session_stands_at_its_head),
        TEST(test_events_of_another_process_are_marked_however_they_are_dated),
        TEST(test_forged_keys_are_shown_for_what_they_are),
        TEST(test_what_a_native_sender_may_say_is_not_forged),
        TEST(test_a_full_page_is_a_failure),
        TEST(test_an_exfiltration_reads_as_it_happened),
        TEST(test_approvals_read_as_they_happened),
        TEST(test_a_reviewers_thread_adds_no_prompt_and_no_call),
        TEST(test_a_subagents_thread_adds_no_prompt),
        TEST(test_a_network_proxy_reads_as_it_happened),
        TEST(test_calls_of_gemini_cli_read_as_they_happened),
        TEST(test_a_refusal_in_gemini_cli_reads_as_it_happened),
        TEST(test_file_operations_of_gemini_cli_stand_with_their_calls),
        TEST(test_file_operations_of_qwen_code_stand_with_their_calls),
        TEST(test_failures_of_qwen_code_read_as_they_happened),
        TEST(test_documented_claude_code_reads_as_it_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
