/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_list.c -- the dialects that there are, and what their rules do. */
#include "normalize/coerce.h"
#include "normalize/dialect.h"

const struct dialect *const dialect_list[] =
    {
        &dialect_codex,        &dialect_claude,      &dialect_gemini, &dialect_qwen,
        &dialect_copilot_chat, &dialect_copilot_cli, &dialect_cursor, &dialect_opencode,
        &dialect_genai, /* last: its sign is in records of others as well */
};
const size_t dialect_count = COUNT_OF(dialect_list);

static void put_word(struct mapping *m, const struct rule *rule, struct slice text)
{
    for (const struct word_map *word = rule->words; word->from != NULL; word++) {
        if (text_equal_nocase(text, word->from)) {
            mapping_put_text(m, rule->target, slice_of_text(word->to));
            return;
        }
    }
    if (rule->how != RULE_KNOWN_WORD)
        mapping_put_text(m, rule->target, rule->how == RULE_WORD ? SLICE("unknown") : text);
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = slice_from(text, 1);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static void put_list(struct mapping *m, const struct rule *rule, struct slice text)
{
    enum { LIST_MAX = 64 };
    struct slice items[LIST_MAX];
    size_t count = 0;
    while (text.size > 0 && count < LIST_MAX) {
        const uint8_t *comma = memchr(text.data, ',', text.size);
        size_t size = comma != NULL ? (size_t)(comma - text.data) : text.size;
        struct slice item = trim(slice_of(text.data, size));
        if (item.size > 0)
            items[count++] = item;
        text = slice_from(text, size + 1);
    }
    if (text.size > 0)
        mapping_error(m, slice_of_text(schema_attributes[rule->target].key));
    mapping_put_texts(m, rule->target, items, count);
}

/* Returns false when the value is not of a type that the rule can read. */
static bool apply_to_text(struct mapping *m, const struct rule *rule, const struct any_view *value)
{
    if (value->type != ANY_TYPE_STRING)
        return false;
    struct slice text = value->bytes;
    if (text_is_redacted(text) || text.size == 0)
        return true;
    if (rule->how == RULE_CONTENT) {
        mapping_put_text(m, rule->target, text);
        return true;
    }
    if (text_is_sentinel(text))
        return true;
    if (rule->how == RULE_TEXT)
        mapping_put_text(m, rule->target, text);
    else if (rule->how == RULE_LIST)
        put_list(m, rule, text);
    else
        put_word(m, rule, text);
    return true;
}

static bool apply_to_number(struct mapping *m, const struct rule *rule,
                            const struct any_view *value)
{
    int64_t integer = 0;
    double number = 0;
    bool truth = false;
    switch (rule->how) {
    case RULE_INT:
    case RULE_INT_FROM_ZERO:
        if (!coerce_int(value, &integer) || integer == INT64_MAX)
            return false;
        mapping_put_int(m, rule->target, rule->how == RULE_INT ? integer : integer + 1);
        return true;
    case RULE_DOUBLE:
    case RULE_SECONDS:
        if (!coerce_double(value, &number))
            return false;
        mapping_put_double(m, rule->target, rule->how == RULE_DOUBLE ? number : number / 1000);
        return true;
    default:
        if (!coerce_bool(value, &truth))
            return false;
        mapping_put_bool(m, rule->target, truth);
        return true;
    }
}

static bool is_number_rule(enum rule_how how)
{
    return how == RULE_INT || how == RULE_INT_FROM_ZERO || how == RULE_DOUBLE ||
           how == RULE_SECONDS || how == RULE_BOOL;
}

void dialect_apply_rules(struct mapping *m, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        const struct any_view *value = mapping_source(m, rule->source);
        if (value == NULL)
            continue;
        bool is_nothing = value->type == ANY_TYPE_STRING && text_is_sentinel(value->bytes);
        bool read = is_number_rule(rule->how) ? is_nothing || apply_to_number(m, rule, value)
                                              : apply_to_text(m, rule, value);
        if (!read)
            mapping_error(m, m->record.attributes[m->at[m->source_ids[rule->source]] - 1].key);
    }
}
