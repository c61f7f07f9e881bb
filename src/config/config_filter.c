/* SPDX-License-Identifier: Apache-2.0 */
/* config_filter.c -- see config_filter.h. */
#include "config/config_filter.h"

#include <string.h>

#include "config/config_shed.h"
#include "config/config_suggest.h"

const char *const config_outcomes[] = {"success", "failure", "denied",  "cancelled",
                                       "timeout", "pending", "unknown", NULL};

const char *const config_severities[] = {"trace", "debug", "info", "warn", "error", "fatal", NULL};

const struct config_field config_filter_fields[] = {
    {
        .key = "kinds",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_filter, kinds),
        .default_text = "[]",
        .help =
            "Kinds of events, like `agent.command`, that the destination is to have; none: all. "
            "An event counts as every kind that it has facts of (`agent.event.facets`): a tool "
            "call that ran a command is an `agent.command` too.",
    },
    {
        .key = "exclude_kinds",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_filter, exclude_kinds),
        .default_text = "[]",
        .help = "Kinds that it is not to have. `agent.pipeline`, which tells of lost events, and "
                "`agent.integrity`, which attests the store, are left out only if they are named "
                "here, whatever else this section says.",
    },
    {
        .key = "outcomes",
        .type = CONFIG_TEXT_LIST,
        .offset = offsetof(struct config_filter, outcomes),
        .default_text = "[]",
        .help = "Outcomes, like `denied`, of the events that it is to have; none: all.",
    },
    {
        .key = "min_severity",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct config_filter, min_severity),
        .choices = config_severities,
        .default_text = "trace",
        .help = "The least `agent.severity` that it is to have, as a word: numbers from 1, 5, 9, "
                "13, 17 and 21 on.",
    },
    {.key = NULL},
};

uint64_t config_filter_severity(const struct config_filter *filter)
{
    return (uint64_t)filter->min_severity * 4 + 1;
}

static bool is_kind(const char *word, struct config_suggestion *suggestion)
{
    for (const struct config_shed_kind *kind = config_shed_kinds; kind->name != NULL; kind++)
        config_suggest(suggestion, kind->name);
    return config_shed_find(word) != NULL;
}

static bool is_outcome(const char *word, struct config_suggestion *suggestion)
{
    bool found = false;

    for (size_t i = 0; config_outcomes[i] != NULL; i++) {
        config_suggest(suggestion, config_outcomes[i]);
        found = found || strcmp(config_outcomes[i], word) == 0;
    }
    return found;
}

static void check_list(const struct config_text_list *list, const struct yaml_node *node,
                       const char *key, const char *path, struct config_report *report)
{
    const struct yaml_node *option = yaml_find(node, key);
    const struct yaml_node *item = option != NULL ? option->first : NULL;
    bool are_outcomes = strcmp(key, "outcomes") == 0;

    for (size_t i = 0; i < list->count; i++) {
        const char *word = list->items[i];
        struct config_suggestion suggestion = {.wrong = word};
        struct config_place place = item != NULL ? item->place : (struct config_place){0, 0};
        bool is_known = are_outcomes ? is_outcome(word, &suggestion) : is_kind(word, &suggestion);
        item = item != NULL ? item->next : NULL;
        if (is_known || word[0] == 0)
            continue; /* an empty one could not be read, which was reported */
        config_report_add(report, place, path, "filter.%s: '%.64s' is no %s%s%s%s", key, word,
                          are_outcomes ? "outcome" : "kind of events",
                          suggestion.best != NULL ? "; did you mean '" : "",
                          suggestion.best != NULL ? suggestion.best : "",
                          suggestion.best != NULL ? "'?" : "");
    }
}

void config_filter_check(const struct config_filter *filter, const struct yaml_node *node,
                         const char *path, struct config_report *report)
{
    if (node == NULL)
        return;
    check_list(&filter->kinds, node, "kinds", path, report);
    check_list(&filter->exclude_kinds, node, "exclude_kinds", path, report);
    check_list(&filter->outcomes, node, "outcomes", path, report);
}
