/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_fixture.c -- see gemini_fixture.h. */
#include "support/gemini_fixture.h"

struct gemini_fixture gemini;

int gemini_set_up(void **state)
{
    (void)state;
    gemini.normalizer = made_normalizer();
    made_init(&gemini.made);
    return 0;
}

int gemini_tear_down(void **state)
{
    (void)state;
    normalizer_destroy(gemini.normalizer);
    made_fini(&gemini.made);
    return 0;
}

void gemini_make_event(const char *scope, const char *name)
{
    made_fini(&gemini.made);
    made_init(&gemini.made);
    gemini.scope = scope;
    made_text(&gemini.made, "session.id", "s1");
    made_text(&gemini.made, "event.name", name);
}

static void make_call(const char *scope, const char *name, const char *tool)
{
    gemini_make_event(scope, name);
    made_text(&gemini.made, "function_name", tool);
    made_text(&gemini.made, "tool_type", "native");
}

void gemini_make_call(const char *tool)
{
    make_call("gemini-cli", "gemini_cli.tool_call", tool);
}

void qwen_make_call(const char *tool)
{
    make_call("qwen-code", "qwen-code.tool_call", tool);
}

void gemini_set_mode(const char *scope, const char *mode)
{
    bool is_gemini = strcmp(scope, "gemini-cli") == 0;
    gemini_make_event(scope, is_gemini ? "gemini_cli.config" : "qwen-code.config");
    made_text(&gemini.made, "approval_mode", mode);
    gemini_drop();
}

struct normalized *gemini_normalize(void)
{
    return made_normalize_otlp(&gemini.made, gemini.normalizer, gemini.scope);
}

void gemini_drop(void)
{
    normalized_destroy(gemini_normalize());
}
