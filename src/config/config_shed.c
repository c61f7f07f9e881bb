/* SPDX-License-Identifier: Apache-2.0 */
/* config_shed.c -- see config_shed.h.  Never shed are the kinds that say what was asked, decided or
 * blocked, what changed the rules for that, and what is missing; and agent.other, which is what any
 * of them becomes when it says too little. */
#include "config/config_shed.h"

#include <string.h>

const struct config_shed_kind config_shed_kinds[] = {
    {"agent.session", true},   {"agent.turn", true},
    {"agent.prompt", true},    {"agent.response", true},
    {"agent.model", true},     {"agent.tool", true},
    {"agent.approval", false}, {"agent.review", false},
    {"agent.command", true},   {"agent.file", true},
    {"agent.network", false},  {"agent.mcp", true},
    {"agent.sandbox", false},  {"agent.mode", false},
    {"agent.config", false},   {"agent.hook", false},
    {"agent.subagent", true},  {"agent.extension", true},
    {"agent.context", true},   {"agent.auth", true},
    {"agent.resource", true},  {"agent.error", true},
    {"agent.pipeline", false}, {"agent.integrity", false},
    {"agent.other", false},    {NULL, false},
};

const struct config_shed_kind *config_shed_find(const char *name)
{
    for (const struct config_shed_kind *kind = config_shed_kinds; kind->name != NULL; kind++) {
        if (strcmp(kind->name, name) == 0)
            return kind;
    }
    return NULL;
}
