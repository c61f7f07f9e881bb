/* SPDX-License-Identifier: Apache-2.0 */
/* schema_content_test.c -- which keys hold content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "normalize/schema.h"
#include "normalize/schema_content.h"

static void expect(const char *key, bool is_content)
{
    if (content_is_at(slice_of_text(key)) != is_content)
        fprintf(stderr, "%s\n", key);
    assert_int_equal(content_is_at(slice_of_text(key)), is_content);
}

static void test_it_is_decided_for_every_attribute(void **state)
{
    char key[256];

    (void)state;
    for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
        if (schema_content[i] == SCHEMA_UNDECIDED)
            fprintf(stderr, "%s: add it to schema_content.c\n", schema_attributes[i].key);
        assert_int_not_equal(schema_content[i], SCHEMA_UNDECIDED);
        expect(schema_attributes[i].key, schema_content[i] == SCHEMA_CONTENT);
        snprintf(key, sizeof(key), "agent.norm.agent.norm.%s", schema_attributes[i].key);
        expect(key, schema_content[i] == SCHEMA_CONTENT);
    }
}

static void test_words_stand_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < content_word_count; i++) {
        const char *word = content_words[i].word;
        size_t size = strlen(word);
        assert_in_range(size, 1, CONTENT_WORD_MAX);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz"), size);
        if (i == 0)
            continue;
        const char *before = content_words[i - 1].word;
        assert_true(strlen(before) < size || (strlen(before) == size && strcmp(before, word) < 0));
    }
}

static void test_keys_of_agents_that_hold_content(void **state)
{
    static const char *const keys[] = {
        "process.command_args",
        "prompt",
        "request_text",
        "response_text",
        "arguments",
        "output",
        "tool_input",
        "tool_parameters",
        "body",
        "function_args",
        "metadata",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "rationale",
        "response",
        "hook_input",
        "hook_output",
        "stdout",
        "stderr",
        "error",
        "error.message",
        "error_message",
        "exception.message",
        "exception.stacktrace",
        /* of spans */
        "ai.prompt",
        "ai.prompt.messages",
        "ai.response.text",
        "ai.response.toolCalls",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "db.query.text",
        "gen_ai.tool.definitions",
        /* of hooks */
        "input-messages",
        "last-assistant-message",
        "tool_response",
        "old_string",
        "github.copilot.tool.parameters.command",
        "cursor.grok_bot.shell.command",
        /* taken apart by a sender */
        "gen_ai.prompt.0.content",
        "gen_ai.completion.0.tool_calls.1.arguments",
        "llm.input_messages.0.message.content",
        "tool_input.name",
        "toolInput",
        "Tool-Input",
        "some.vendor.PROMPT",
        "messages.0",
        "prompt.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        expect(keys[i], true);
}

static void test_keys_of_agents_that_only_tell_of_it(void **state)
{
    static const char *const keys[] = {
        "prompt_id",
        "prompt.id",
        "prompt_length",
        "gen_ai.prompt.name",
        "message.id",
        "cursor.conversation.message.id",
        "output_truncated",
        "output_token_count",
        "content_length",
        "rationale_length",
        "gen_ai.output.type",
        "gen_ai.response.model",
        "ai.response.id",
        "ai.usage.outputTokens",
        "ai.prompt.toolChoice",
        "tool_input_size_bytes",
        "tool_result_seq",
        "http.response.status_code",
        "error.type",
        "error_type",
        "exception.type",
        "process.command",
        "process.executable.path",
        "network.policy.reason",
        "url.full",
        "file.path",
        "file_path",
        "function_name",
        "tool_name",
        "reasoning_effort",
        "reasoning_summary",
        "reasoning_token_count",
        "mcp_tools",
        "body_ref",
        "status_code",
        "user.email",
        "cwd",
        "decision",
        "transcript_path",
        "",
        ".",
        "..",
        "0",
        ".0.",
        "agent.norm.",
        "agent.norm.x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        expect(keys[i], false);
}

static void test_a_key_that_is_long_is_taken_apart_all_the_same(void **state)
{
    char key[2048];

    (void)state;
    memset(key, 'x', sizeof(key) - 1);
    key[sizeof(key) - 1] = 0;
    expect(key, false);
    memcpy(key + sizeof(key) - sizeof(".prompt"), ".prompt", sizeof(".prompt"));
    expect(key, true);
    memset(key, '_', sizeof(key) - 1);
    memcpy(key + sizeof(key) - sizeof("prompt"), "prompt", sizeof("prompt"));
    expect(key, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_decided_for_every_attribute),
        cmocka_unit_test(test_words_stand_in_their_order),
        cmocka_unit_test(test_keys_of_agents_that_hold_content),
        cmocka_unit_test(test_keys_of_agents_that_only_tell_of_it),
        cmocka_unit_test(test_a_key_that_is_long_is_taken_apart_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
