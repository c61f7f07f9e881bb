/* SPDX-License-Identifier: Apache-2.0 */
/* opencode.c -- see opencode.h. */
#include "normalize/opencode.h"

#include "normalize/coerce.h"

const struct word_map opencode_providers[] = {
    {"openai.chat", "openai"},
    {"openai.responses", "openai"},
    {"anthropic.messages", "anthropic"},
    {"google.generative-ai", "gcp.gemini"},
    {"google", "gcp.gemini"},
    {"google-vertex", "gcp.vertex_ai"},
    {"amazon-bedrock", "aws.bedrock"},
    {"azure", "azure.ai.openai"},
    {"mistral", "mistral_ai"},
    {"xai", "x_ai"},
    {NULL, NULL},
};

static const struct {
    const char *name;
    enum tool_category category;
} tools[] = {
    {"bash", TOOL_SHELL},
    {"read", TOOL_FILE_READ},
    {"write", TOOL_FILE_WRITE},
    {"edit", TOOL_FILE_EDIT},
    {"multiedit", TOOL_FILE_EDIT},
    {"patch", TOOL_FILE_EDIT},
    {"apply_patch", TOOL_FILE_EDIT},
    {"glob", TOOL_SEARCH},
    {"grep", TOOL_SEARCH},
    {"list", TOOL_SEARCH},
    {"codesearch", TOOL_SEARCH},
    {"webfetch", TOOL_WEB_FETCH},
    {"websearch", TOOL_WEB_SEARCH},
    {"task", TOOL_SUBAGENT},
    {"skill", TOOL_SKILL},
    {"todowrite", TOOL_PLANNING},
    {"todoread", TOOL_PLANNING},
    {"plan_enter", TOOL_PLANNING},
    {"plan_exit", TOOL_PLANNING},
    {"question", TOOL_ASK_USER},
    {"lsp", TOOL_OTHER},
    {"invalid", TOOL_OTHER},
    {"external_directory", TOOL_OTHER},
    {"doom_loop", TOOL_OTHER},
};

void opencode_be_heuristic(struct mapping *m)
{
    if (m->classification == CLASS_EXACT)
        m->classification = CLASS_HEURISTIC;
}

enum tool_category opencode_category(struct slice name, bool *ret_builtin)
{
    *ret_builtin = true;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (slice_equal(name, slice_of_text(tools[i].name)))
            return tools[i].category;
    }
    *ret_builtin = false;
    bool has_server = name.size > 0 && memchr(name.data, '_', name.size) != NULL;
    return has_server ? TOOL_MCP : TOOL_OTHER;
}

void opencode_put_tool(struct mapping *m, struct slice name)
{
    bool builtin = false;
    enum tool_category category = opencode_category(name, &builtin);
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN, builtin ? SLICE("builtin") : SLICE("unknown"));
    if (category == TOOL_MCP)
        opencode_be_heuristic(m);
}

void opencode_put_session(struct mapping *m, struct slice id)
{
    mapping_put_text(m, KEY_GEN_AI_CONVERSATION_ID, id);
    const struct lineage_thread *thread = lineage_open(m->lineage, id);
    if (thread == NULL) {
        mapping_put_text(m, KEY_SESSION_ID, id);
        return;
    }
    m->role = thread->role;
    mapping_put_text(m, KEY_SESSION_ID,
                     lineage_id_slice(thread->root.size > 0 ? &thread->root : &thread->id));
    if (thread->parent.size > 0)
        mapping_put_text(m, KEY_AGENT_PARENT_CONVERSATION_ID, lineage_id_slice(&thread->parent));
}

void opencode_put_url(struct mapping *m, struct slice url)
{
    mapping_put_text(m, KEY_URL_FULL, url);
    const uint8_t *colon = url.size > 0 ? memmem(url.data, url.size, "://", 3) : NULL;
    if (colon == NULL)
        return;
    struct slice host = slice_from(url, (size_t)(colon - url.data) + 3);
    size_t size = 0;
    while (size < host.size && strchr("/?#\\", host.data[size]) == NULL)
        size++;
    host.size = size;
    const uint8_t *at = host.size > 0 ? memrchr(host.data, '@', host.size) : NULL;
    if (at != NULL)
        host = slice_from(host, (size_t)(at - host.data) + 1);
    bool bracketed = host.size > 0 && host.data[0] == '[';
    const uint8_t *end = host.size > 0 ? memchr(host.data, bracketed ? ']' : ':', host.size) : NULL;
    if (end != NULL)
        host.size = (size_t)(end - host.data);
    if (bracketed)
        host = slice_from(host, 1);
    if (host.size == 0)
        return;
    mapping_put_text(m, KEY_URL_DOMAIN, host);
    mapping_put_text(m, KEY_SERVER_ADDRESS, host);
}
