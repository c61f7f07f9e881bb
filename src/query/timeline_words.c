/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_words.c -- see timeline_words.h. */
#include "query/timeline_words.h"

struct word {
    const char *value;
    const char *text;
    enum page_ink ink;
};

static const struct word decisions[] = {
    {"allow", "approved", INK_GOOD}, {"deny", "DENIED", INK_BAD},
    {"ask", "asked", INK_ODD},       {"modify", "approved with changes", INK_ODD},
    {"abort", "ABORTED", INK_BAD},   {"timeout", "TIMED OUT", INK_BAD},
    {"defer", "deferred", INK_ODD},
};

static const struct word network_decisions[] = {
    {"allow", "allowed", INK_GOOD}, {"deny", "BLOCKED", INK_BAD}, {"ask", "asked", INK_ODD}};

static const struct word deciders[] = {
    {"user", "by the user", INK_PLAIN},
    {"config", "by configuration", INK_PLAIN},
    {"hook", "by a hook", INK_PLAIN},
    {"auto_reviewer", "by the automatic reviewer", INK_PLAIN},
    {"policy", "by policy", INK_PLAIN},
    {"network_proxy", "by the network proxy", INK_PLAIN},
    {"sandbox", "by the sandbox", INK_PLAIN},
    {"host_app", "by the host application", INK_PLAIN},
};

static const struct word outcomes[] = {
    {"success", "ok", INK_GOOD},
    {"failure", "FAILED", INK_BAD},
    {"denied", "BLOCKED", INK_BAD},
    {"cancelled", "CANCELLED", INK_ODD},
    {"timeout", "TIMED OUT", INK_BAD},
    {"pending", "pending", INK_ODD},
    {"unknown", "outcome unknown", INK_ODD},
};

static const struct word scopes[] = {
    {"session", "for the session", INK_PLAIN},
    {"permanent", "for good", INK_PLAIN},
    {"rule_added", "and a rule was added", INK_PLAIN},
};

static const struct word threads[] = {
    {"reviewer", "(the reviewer) ", INK_PLAIN},
    {"subagent", "(a sub-agent) ", INK_PLAIN},
    {"teammate", "(a teammate) ", INK_PLAIN},
};

static const struct {
    const struct word *words;
    size_t count;
} lists[] = {
    [WORDS_DECISION] = {decisions, COUNT_OF(decisions)},
    [WORDS_NETWORK] = {network_decisions, COUNT_OF(network_decisions)},
    [WORDS_DECIDER] = {deciders, COUNT_OF(deciders)},
    [WORDS_OUTCOME] = {outcomes, COUNT_OF(outcomes)},
    [WORDS_SCOPE] = {scopes, COUNT_OF(scopes)},
    [WORDS_THREAD] = {threads, COUNT_OF(threads)},
};

static const struct word *find(enum timeline_words list, struct slice value)
{
    for (size_t i = 0; i < lists[list].count; i++) {
        if (slice_equal(value, slice_of_text(lists[list].words[i].value)))
            return &lists[list].words[i];
    }
    return NULL;
}

const char *timeline_words_find(enum timeline_words list, struct slice value)
{
    const struct word *word = find(list, value);

    return word != NULL ? word->text : NULL;
}

bool timeline_words_put(struct page *page, enum timeline_words list, struct slice value,
                        const char *otherwise)
{
    const struct word *word = find(list, value);

    if (word != NULL)
        page_put_ink(page, word->ink, word->text);
    else
        page_put_ink(page, INK_ODD, otherwise);
    return word != NULL;
}

size_t timeline_words_put_thread(struct page *page, struct slice role)
{
    const struct word *word = find(WORDS_THREAD, role);

    if (word == NULL)
        return 0;
    page_put_ink(page, word->ink, word->text);
    return strlen(word->text);
}

void timeline_words_put_tokens(struct page *page, double input, double output)
{
    page_put_number(page, input);
    page_put(page, " tokens in, ");
    page_put_number(page, output);
    page_put(page, " out");
}
