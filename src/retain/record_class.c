/* SPDX-License-Identifier: Apache-2.0 */
/* record_class.c -- see record_class.h.  Rules and holds are questions as `telltale query` asks
 * them, so they are filters of src/query/.
 *
 * Each line is read once.  A rule is asked until one fits; every hold is asked, so that their
 * counts mean something. */
#include "telltale/record_class.h"

#include <stdlib.h>

#include "query/filter.h"
#include "query/lookup.h"
#include "store/store_record.h"
#include "wire/record_uid.h"

enum { SCRATCH_MAX = 64 << 20, WORDS_MAX = 1 << 20 };

struct rule_question {
    const struct retention_rule *rule; /* borrowed */
    struct query_filter filter;        /* agents, users and outcomes */
    struct buf words;                  /* their lists, each with commas and a NUL */
    double severity_min;               /* 0: any */
};

struct hold_filter {
    struct query_filter filter;
    uint64_t from_unix_ns, to_unix_ns;
    struct condition *conditions; /* owned */
    bool is_everything;
};

struct record_classifier {
    const struct retention_config *config;
    const struct hold_list *holds;
    struct rule_question *rules;
    struct hold_filter *hold_filters;
    uint64_t *counts; /* of each hold */
    struct store_record *reader;
    struct buf scratch;
    struct record_class *found; /* during a call */
    bool was_read;
};

/* --- Making ---------------------------------------------------------------------------------- */

/* Appends "a,b" and a NUL; *ret_offset: where it begins. */
static enum status join(struct buf *words, const struct config_text_list *list, size_t *ret_offset,
                        struct error *err)
{
    enum status st = ST_OK;

    *ret_offset = words->size;
    for (size_t i = 0; st == ST_OK && i < list->count; i++) {
        if (i > 0)
            st = buf_append(words, ",", 1, err);
        if (st == ST_OK)
            st = buf_append(words, list->items[i], strlen(list->items[i]), err);
    }
    return st == ST_OK ? buf_append(words, "", 1, err) : st;
}

static enum status make_rule(struct rule_question *question, const struct retention_rule *rule,
                             struct error *err)
{
    size_t outcomes = 0;
    size_t agents = 0;
    size_t users = 0;

    question->rule = rule;
    if (rule->min_severity > 0)
        question->severity_min = 4.0 * (rule->min_severity - 1) + 1;
    enum status st = join(&question->words, &rule->outcomes, &outcomes, err);
    if (st == ST_OK)
        st = join(&question->words, &rule->agents, &agents, err);
    if (st == ST_OK)
        st = join(&question->words, &rule->users, &users, err);
    if (st != ST_OK)
        return error_context(err, "rule '%s'", rule->name);
    const char *words = (const char *)question->words.data;
    question->filter.outcomes = rule->outcomes.count > 0 ? words + outcomes : NULL;
    question->filter.agents = rule->agents.count > 0 ? words + agents : NULL;
    question->filter.users = rule->users.count > 0 ? words + users : NULL;
    return ST_OK;
}

static enum status read_conditions(struct hold_filter *filter,
                                   const struct config_text_list *conditions, struct error *err)
{
    if (conditions->count == 0)
        return ST_OK;
    filter->conditions = calloc(conditions->count, sizeof(filter->conditions[0]));
    if (filter->conditions == NULL)
        return error_set(err, ST_NO_MEMORY, "conditions of a hold");
    for (size_t i = 0; i < conditions->count; i++) {
        enum status st =
            condition_read(slice_of_text(conditions->items[i]), &filter->conditions[i], err);
        if (st != ST_OK)
            return st;
    }
    filter->filter.conditions = filter->conditions;
    filter->filter.condition_count = conditions->count;
    return ST_OK;
}

/* What cannot be asked might be true of everything. */
static enum status make_hold(struct hold_filter *filter, const struct hold *hold,
                             struct buf *scratch, struct error *err)
{
    const struct hold_question *question = &hold->question;

    filter->filter = (struct query_filter){
        .session = question->session,
        .kinds = question->kinds,
        .outcomes = question->outcomes,
        .tool = question->tool,
        .agents = question->agents,
        .users = question->users,
        .hosts = question->hosts,
        .text = question->text,
        .scratch = scratch,
    };
    filter->from_unix_ns = question->from_unix_ns;
    filter->to_unix_ns = question->to_unix_ns != 0 ? question->to_unix_ns : UINT64_MAX;
    filter->is_everything = question->is_everything;
    enum status st = read_conditions(filter, &question->conditions, err);
    if (st == ST_OK && question->grep != NULL)
        st = pattern_create(slice_of_text(question->grep), &filter->filter.grep, err);
    if (st == ST_NO_MEMORY)
        return st;
    filter->is_everything = filter->is_everything || st != ST_OK;
    return ST_OK;
}

enum status record_classifier_create(const struct retention_config *config,
                                     const struct hold_list *holds, struct record_classifier **ret,
                                     struct error *err)
{
    const struct retention_rule *rules = config->rules.items;

    struct record_classifier *classifier = calloc(1, sizeof(*classifier));
    if (classifier == NULL)
        return error_set(err, ST_NO_MEMORY, "make a classifier of records");
    classifier->config = config;
    classifier->holds = holds;
    buf_init(&classifier->scratch, SCRATCH_MAX);
    classifier->rules = calloc(config->rules.count + 1, sizeof(classifier->rules[0]));
    classifier->hold_filters = calloc(holds->count + 1, sizeof(classifier->hold_filters[0]));
    classifier->counts = calloc(holds->count + 1, sizeof(classifier->counts[0]));
    enum status st = ST_OK;
    if (classifier->rules == NULL || classifier->hold_filters == NULL || classifier->counts == NULL)
        st = error_set(err, ST_NO_MEMORY, "make a classifier of records");
    for (size_t i = 0; st == ST_OK && i < config->rules.count; i++) {
        buf_init(&classifier->rules[i].words, WORDS_MAX);
        st = make_rule(&classifier->rules[i], &rules[i], err);
    }
    for (size_t i = 0; st == ST_OK && i < holds->count; i++)
        st = make_hold(&classifier->hold_filters[i], holds->items[i], &classifier->scratch, err);
    if (st == ST_OK)
        st = store_record_create(&classifier->reader, err);
    if (st != ST_OK) {
        record_classifier_destroy(classifier);
        return st;
    }
    *ret = classifier;
    return ST_OK;
}

void record_classifier_destroy(struct record_classifier *classifier)
{
    if (classifier == NULL)
        return;
    for (size_t i = 0; classifier->rules != NULL && i < classifier->config->rules.count; i++)
        buf_fini(&classifier->rules[i].words);
    for (size_t i = 0; classifier->hold_filters != NULL && i < classifier->holds->count; i++) {
        pattern_destroy(classifier->hold_filters[i].filter.grep);
        free(classifier->hold_filters[i].conditions);
    }
    free(classifier->rules);
    free(classifier->hold_filters);
    free(classifier->counts);
    store_record_destroy(classifier->reader);
    buf_fini(&classifier->scratch);
    free(classifier);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static bool has_word(const struct config_text_list *list, struct slice word)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equal(slice_of_text(list->items[i]), word))
            return true;
    }
    return false;
}

/* Whole ids: a part that is good enough to find a session with is not to delete one by. */
static bool is_of_sessions(const struct config_text_list *list, const struct record_view *view)
{
    return has_word(list, lookup_text(view, "session.id")) ||
           has_word(list, lookup_text(view, "gen_ai.conversation.id"));
}

static bool rule_fits(const struct rule_question *question, struct slice bytes,
                      const struct field_record *seen)
{
    const struct retention_rule *rule = question->rule;

    if (rule->kinds.count > 0 || rule->exclude_kinds.count > 0) {
        struct slice kind = lookup_text(seen->view, "agent.event.kind");
        if ((rule->kinds.count > 0 && !has_word(&rule->kinds, kind)) ||
            has_word(&rule->exclude_kinds, kind))
            return false;
    }
    if (question->severity_min > 0 &&
        lookup_number(seen->view, "agent.severity", 0) < question->severity_min)
        return false;
    if (rule->sessions.count > 0 && !is_of_sessions(&rule->sessions, seen->view))
        return false;
    return query_filter_matches(&question->filter, bytes, seen);
}

static bool is_within(const struct hold_filter *filter, uint64_t unix_ns)
{
    return unix_ns >= filter->from_unix_ns && unix_ns < filter->to_unix_ns;
}

/* An agent chooses what time it says, and not when it says it. */
static bool hold_covers(const struct hold_filter *filter, const struct store_record_view *view,
                        const struct field_record *seen, uint64_t arrived_unix_ns)
{
    if (filter->is_everything)
        return true;
    if (!is_within(filter, lookup_time(view->record)) &&
        (arrived_unix_ns == 0 || !is_within(filter, arrived_unix_ns)))
        return false;
    return query_filter_matches(&filter->filter, view->bytes, seen);
}

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct record_classifier *classifier = context;
    struct record_class *found = classifier->found;
    const struct field_record seen = {.group = view->group, .view = view->record};
    size_t class = 0;

    (void)err;
    classifier->was_read = true;
    found->arrived_unix_ns = record_uid_unix_ns(lookup_text(view->record, "log.record.uid"));
    while (class < classifier->config->rules.count &&
           !rule_fits(&classifier->rules[class], view->bytes, &seen))
        class ++;
    found->class = class;
    for (size_t i = 0; i < classifier->holds->count; i++) {
        if (!hold_covers(&classifier->hold_filters[i], view, &seen, found->arrived_unix_ns))
            continue;
        found->is_held = true;
        classifier->counts[i]++;
    }
    return ST_OK;
}

void record_classify(struct record_classifier *classifier, struct slice line,
                     struct record_class *ret)
{
    struct error ignored; /* what cannot be read is none of ours */

    *ret = (struct record_class){.class = classifier->config->rules.count};
    classifier->found = ret;
    classifier->was_read = false;
    if (line.size > 0 && line.data[line.size - 1] == '\n')
        line.size--;
    enum status st = store_record_read(classifier->reader, line, on_record, classifier, &ignored);
    classifier->found = NULL;
    if (st != ST_OK || !classifier->was_read) {
        *ret = (struct record_class){.class = classifier->config->rules.count};
        ret->is_held = classifier->holds->count > 0;
        for (size_t i = 0; i < classifier->holds->count; i++)
            classifier->counts[i]++;
    }
    ret->is_held = ret->is_held || classifier->holds->unreadable > 0;
}

bool record_classifier_has_holds(const struct record_classifier *classifier)
{
    return hold_list_holds(classifier->holds);
}

const uint64_t *record_classifier_counts(const struct record_classifier *classifier)
{
    return classifier->counts;
}
