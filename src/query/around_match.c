/* SPDX-License-Identifier: Apache-2.0 */
/* around_match.c -- see around_match.h. */
#include "query/around_match.h"

#include <string.h>

#include "query/attested.h"
#include "query/filter.h"
#include "query/lookup.h"

/* The user alone says little: everything that a user's agents do fits. */
enum { SCORE_EXACT = 8, SCORE_MENTIONED = 3, SCORE_USER = 1 };

const char *around_sign_name(enum around_sign sign)
{
    static const char *const names[SIGN_COUNT] = {"pid", "file", "address", "command", "user"};

    return names[sign];
}

static enum around_fit fit_pid(long pid, const struct record_view *view)
{
    static const char *const keys[] = {"process.pid", "process.parent_pid"};
    struct attested_peer peer;

    attested_read(view, &peer);
    if (peer.pid == (double)pid)
        return FIT_EXACT;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (lookup_number(view, keys[i], -1) == (double)pid)
            return FIT_EXACT;
    }
    return FIT_NONE;
}

struct wanted {
    struct slice text;
};

static bool is_wanted(void *context, struct slice text)
{
    return slice_equal(text, ((struct wanted *)context)->text);
}

/* `keys` ends with NULL.  Lists count by their members. */
static enum around_fit fit_keys(const char *const *keys, const char *text,
                                const struct record_view *view, struct slice bytes)
{
    struct wanted wanted = {.text = slice_of_text(text)};

    for (size_t i = 0; keys[i] != NULL; i++) {
        const struct any_view *value = lookup_attribute(view, keys[i]);
        if (value != NULL && field_each_text(value, is_wanted, &wanted))
            return FIT_EXACT;
    }
    return query_contains(bytes, wanted.text) ? FIT_MENTIONED : FIT_NONE;
}

/* A command line that holds the text is that command, run by a shell. */
static enum around_fit fit_command(const char *text, const struct record_view *view,
                                   struct slice bytes)
{
    struct slice wanted = slice_of_text(text);

    if (query_contains(lookup_text(view, "process.command_line"), wanted))
        return FIT_EXACT;
    return query_contains(bytes, wanted) ? FIT_MENTIONED : FIT_NONE;
}

void around_match_read(const struct around_question *question, const struct field_record *record,
                       struct slice bytes, struct around_match *ret)
{
    static const char *const files[] = {"file.path", "agent.file.paths", "agent.file.path.previous",
                                        "process.executable.path", NULL};
    static const char *const addresses[] = {"server.address", "url.domain", "url.full",
                                            "client.address", NULL};
    const struct record_view *view = record->view;

    *ret = (struct around_match){.score = 0};
    if (question->pid >= 0)
        ret->fits[SIGN_PID] = fit_pid(question->pid, view);
    if (question->file != NULL)
        ret->fits[SIGN_FILE] = fit_keys(files, question->file, view, bytes);
    if (question->address != NULL)
        ret->fits[SIGN_ADDRESS] = fit_keys(addresses, question->address, view, bytes);
    if (question->command != NULL)
        ret->fits[SIGN_COMMAND] = fit_command(question->command, view, bytes);
    if (question->user != NULL && query_is_of_user(question->user, view))
        ret->fits[SIGN_USER] = FIT_EXACT;
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        unsigned exact = sign == SIGN_USER ? SCORE_USER : SCORE_EXACT;
        if (ret->fits[sign] != FIT_NONE)
            ret->score += ret->fits[sign] == FIT_EXACT ? exact : SCORE_MENTIONED;
    }
}
