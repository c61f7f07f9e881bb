/* SPDX-License-Identifier: Apache-2.0 */
/* retention_fields.c -- the options of retention, and what they must not say together. */
#include <string.h>

#include "normalize/schema.h"
#include "telltale/retention.h"

static const char *const severities[] = {"any",  "trace", "debug", "info",
                                         "warn", "error", "fatal", NULL};

static const struct config_field rule_fields[] = {
    {.key = "kinds",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, kinds),
     .default_text = "[]",
     .choices = words_kind,
     .help = "Kinds of events (`agent.event.kind`), like `agent.prompt`, that the rule is for; "
             "none: all."},
    {.key = "exclude_kinds",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, exclude_kinds),
     .default_text = "[]",
     .choices = words_kind,
     .help = "Kinds that it is not for."},
    {.key = "outcomes",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, outcomes),
     .default_text = "[]",
     .choices = words_outcome,
     .help = "Outcomes, like `denied`; none: all."},
    {.key = "agents",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, agents),
     .default_text = "[]",
     .help = "`agent.product` or `gen_ai.agent.name`; none: all."},
    {.key = "sessions",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, sessions),
     .default_text = "[]",
     .help = "Whole ids of sessions or conversations; none: all."},
    {.key = "users",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct retention_rule, users),
     .default_text = "[]",
     .help = "A number is the uid that the kernel names; else `user.name`, `.id`, `.email` or "
             "`process.user.name` as the sender says it; none: all."},
    {.key = "min_severity",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct retention_rule, min_severity),
     .choices = severities,
     .default_text = "any",
     .help = "The least `agent.severity`."},
    {.key = "keep",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct retention_rule, keep_ns),
     .min = UINT64_C(1000000000),
     .required = true,
     .help = "How long records are kept that match all of the above, counted from when the daemon "
             "took them: instead of `max_age`, shorter or longer."},
    {.key = NULL},
};

const struct config_field retention_fields[] = {
    {.key = "max_age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct retention_config, max_age_ns),
     .default_text = "180d",
     .help = "A closed file is deleted when its last line is older than this. 0s: never. Records "
             "that a rule is for go by that instead."},
    {.key = "max_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct retention_config, max_size_bytes),
     .default_text = "20GiB",
     .help = "The oldest closed files are deleted while all files together, as they lie on the "
             "disk, are larger than this; those with records that are held do not count. 0: "
             "never."},
    {.key = "max_files",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct retention_config, max_files),
     .default_text = "0",
     .help = "The oldest closed files are deleted while there are more than this, not counted "
             "those with records that are held. 0: never."},
    {.key = "min_free",
     .type = CONFIG_ROOM,
     .offset = offsetof(struct retention_config, min_free),
     .default_text = "0",
     .help = "The oldest closed files are deleted while the file system has less than this free. "
             "0: never."},
    {.key = "min_age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct retention_config, min_age_ns),
     .default_text = "0s",
     .help = "Nothing whose file was written to within this time is deleted, neither for size, "
             "count and room nor by `journal.on_disk_full: drop_delivered`. When the disk fills "
             "with it, `journal.on_disk_full` decides what happens to new events."},
    {.key = "slack",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct retention_config, slack_ns),
     .default_text = "1d",
     .help = "How long records may stay behind their time in a file that must stay for others: a "
             "file is written again without them when the first of them is this late."},
    {.key = "rules",
     .type = CONFIG_SECTION_MAP,
     .offset = offsetof(struct retention_config, rules),
     .max = RETENTION_RULES_MAX,
     .fields = rule_fields,
     .item_size = sizeof(struct retention_rule),
     .help = "How long some records are kept instead of `max_age`, under names of your own: "
             "`rules: { prompts: { kinds: [agent.prompt], keep: 30d } }`. The first rule that a "
             "record matches counts, in the order of the file; at most 32."},
    {.key = NULL},
};

static enum status check_words(const struct retention_rule *rule, struct error *err)
{
    const struct config_text_list *lists[] = {&rule->agents, &rule->sessions, &rule->users};

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (size_t j = 0; j < lists[i]->count; j++) {
            const char *word = lists[i]->items[j];
            if (word[0] == 0 || strchr(word, ',') != NULL)
                return error_set(
                    err, ST_INVALID,
                    "retention.rules.%s: '%.64s' is not a name: empty, or with a comma", rule->name,
                    word);
        }
    }
    return ST_OK;
}

enum status retention_check(const struct retention_config *config, struct error *err)
{
    const struct retention_rule *rules = config->rules.items;

    if (config->max_age_ns != 0 && config->max_age_ns < config->min_age_ns)
        return error_set(err, ST_INVALID, "retention.max_age is shorter than retention.min_age");
    for (size_t i = 0; i < config->rules.count; i++) {
        if (rules[i].keep_ns < config->min_age_ns)
            return error_set(err, ST_INVALID,
                             "retention.rules.%s: keep is shorter than retention.min_age",
                             rules[i].name);
        enum status st = check_words(&rules[i], err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}
