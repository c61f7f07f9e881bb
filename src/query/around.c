/* SPDX-License-Identifier: Apache-2.0 */
/* around.c -- see around.h.
 *
 * Of an event only the line that is shown is kept.  The store is in the order of arrival, so what
 * belongs to a session is found by its id, and which prompt came before which event is known at the
 * end only: the latest few of each session are kept. */
#include "query/around.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/around_match.h"
#include "query/around_parts.h"
#include "query/attested.h"
#include "query/lookup.h"
#include "query/summary.h"
#include "query/time_text.h"
#include "query/totals.h"

enum {
    LINE_COLUMNS = 400,   /* of an event */
    PROMPT_COLUMNS = 600, /* of a prompt */
    LINE_MAX = 4096,
};

/* --- Noting ---------------------------------------------------------------------------------- */

enum status around_create(const struct around_question *question, struct around **ret,
                          struct error *err)
{
    struct around *around = calloc(1, sizeof(*around));

    if (around == NULL)
        return error_set(err, ST_NO_MEMORY, "what happened around a moment");
    around->question = *question;
    around->sessions = calloc(AROUND_SESSIONS_MAX, sizeof(*around->sessions));
    around->events = calloc(AROUND_EVENTS_MAX, sizeof(*around->events));
    if (around->sessions == NULL || around->events == NULL) {
        around_destroy(around);
        return error_set(err, ST_NO_MEMORY, "what happened around a moment");
    }
    *ret = around;
    return ST_OK;
}

void around_destroy(struct around *around)
{
    if (around == NULL)
        return;
    for (size_t i = 0; around->sessions != NULL && i < around->session_count; i++) {
        free(around->sessions[i].head);
        for (size_t k = 0; k < AROUND_PROMPTS_MAX; k++)
            free(around->sessions[i].prompts[k].text);
    }
    for (size_t i = 0; around->events != NULL && i < around->event_count; i++)
        free(around->events[i].summary);
    free(around->sessions);
    free(around->events);
    free(around);
}

/* What the page has, as a text of its own; NULL: no memory. */
static char *take_text(struct buf *buf)
{
    return strndup(buf->data != NULL ? (const char *)buf->data : "", buf->size);
}

static char *make_head(const struct record_view *view, const struct attested_peer *peer)
{
    struct error err;
    struct buf out;
    struct page page = {.out = &out, .err = &err};

    buf_init(&out, LINE_MAX);
    struct slice product = lookup_text(view, "agent.product");
    page_put_text(&page, product.size > 0 ? product : SLICE("unknown agent"), 40);
    if (peer->attestation.size > 0) {
        page_put(&page, ", sent by ");
        attested_put(&page, peer);
    }
    char *head = take_text(&out);
    buf_fini(&out);
    return head;
}

/* Texts of the first sender are kept so that others can be held against it. */
static void keep_peer(struct around_session *session, const struct attested_peer *peer)
{
    struct slice executable = peer->executable;
    struct slice container = peer->container_id;

    session->first = *peer;
    session->first.attestation = SLICE_EMPTY;
    if (executable.size + container.size > sizeof(session->peer_text)) {
        session->first.executable = session->first.container_id = SLICE_EMPTY;
        return;
    }
    if (executable.size > 0)
        memcpy(session->peer_text, executable.data, executable.size);
    if (container.size > 0)
        memcpy(session->peer_text + executable.size, container.data, container.size);
    session->first.executable = slice_of(session->peer_text, executable.size);
    session->first.container_id = slice_of(session->peer_text + executable.size, container.size);
}

/* Finds the session of the record, or begins it if there are less than `count_max`.  *ret NULL:
 * there are too many. */
static enum status session_of(struct around *around, const struct record_view *view,
                              size_t count_max, struct around_session **ret, struct error *err)
{
    struct slice id = lookup_text(view, "session.id");
    struct attested_peer peer;

    if (id.size == 0)
        id = lookup_text(view, "gen_ai.conversation.id");
    id.size = id.size < AROUND_ID_MAX ? id.size : AROUND_ID_MAX;
    *ret = NULL;
    for (size_t i = around->session_count; i > 0; i--) {
        struct around_session *session = &around->sessions[i - 1];
        if (slice_equal(slice_of(session->id, session->id_size), id)) {
            *ret = session;
            return ST_OK;
        }
    }
    if (around->session_count >= count_max)
        return ST_OK;
    attested_read(view, &peer);
    struct around_session *session = &around->sessions[around->session_count];
    session->head = make_head(view, &peer);
    if (session->head == NULL)
        return error_set(err, ST_NO_MEMORY, "a session");
    if (id.size > 0)
        memcpy(session->id, id.data, id.size);
    session->id_size = id.size;
    keep_peer(session, &peer);
    around->session_count++;
    *ret = session;
    return ST_OK;
}

static enum status add_prompt(struct around_session *session, const struct record_view *view,
                              struct error *err)
{
    struct around_prompt *oldest = &session->prompts[0];
    uint64_t time = lookup_time(view);
    struct buf out;

    for (size_t i = 1; i < AROUND_PROMPTS_MAX; i++) {
        if (session->prompts[i].unix_ns < oldest->unix_ns)
            oldest = &session->prompts[i];
    }
    if (oldest->unix_ns > time)
        return ST_OK;
    buf_init(&out, LINE_MAX);
    enum status st = summary_append(&out, view, PROMPT_COLUMNS, err);
    char *text = st == ST_OK ? take_text(&out) : NULL;
    buf_fini(&out);
    if (st != ST_OK)
        return st;
    if (text == NULL)
        return error_set(err, ST_NO_MEMORY, "a prompt");
    free(oldest->text);
    *oldest = (struct around_prompt){.unix_ns = time, .text = text};
    return ST_OK;
}

/* As a text of C, cut to the size of `out`. */
static void copy_word(struct slice word, char *out, size_t size)
{
    snprintf(out, size, "%.*s", SLICE_ARG(word));
}

static struct slice short_kind(const struct record_view *view)
{
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");

    return slice_from(kind, slice_starts_with(kind, prefix) ? prefix.size : 0);
}

static enum status add_event(struct around *around, struct around_session *session,
                             const struct field_record *record, const struct around_match *match,
                             struct error *err)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    struct attested_peer peer;
    uint64_t time = lookup_time(record->view);
    uint64_t moment = around->question.time_unix_ns;
    struct buf out;

    buf_init(&out, LINE_MAX);
    enum status st = summary_append(&out, record->view, LINE_COLUMNS, err);
    char *summary = st == ST_OK ? take_text(&out) : NULL;
    buf_fini(&out);
    if (st != ST_OK)
        return st;
    if (summary == NULL)
        return error_set(err, ST_NO_MEMORY, "an event");
    attested_read(record->view, &peer);
    struct around_event *event = &around->events[around->event_count++];
    *event = (struct around_event){
        .unix_ns = time,
        .distance = time > moment ? time - moment : moment - time,
        .session = (uint32_t)(session - around->sessions),
        .match = *match,
        .is_forged = attested_forged_keys(record->view, forged) > 0,
        .is_of_another = !attested_is_same(&session->first, &peer),
        .summary = summary,
    };
    copy_word(short_kind(record->view), event->kind, sizeof(event->kind));
    copy_word(lookup_text(record->view, "agent.outcome"), event->outcome, sizeof(event->outcome));
    copy_word(lookup_text(record->view, "log.record.uid"), event->uid, sizeof(event->uid));
    session->events++;
    session->matches += match->score > 0;
    if (match->score > session->best || session->events == 1 ||
        (match->score == session->best && event->distance < session->best_distance)) {
        session->best = match->score;
        session->best_distance = event->distance;
        session->best_unix_ns = time;
    }
    return ST_OK;
}

enum status around_add(struct around *around, const struct field_record *record, struct slice bytes,
                       struct error *err)
{
    const struct around_question *question = &around->question;
    const struct record_view *view = record->view;
    uint64_t time = lookup_time(view);
    bool is_within = time + question->window_ns >= question->time_unix_ns &&
                     time <= question->time_unix_ns + question->window_ns;
    bool is_prompt = slice_equal(lookup_text(view, "agent.event.kind"), SLICE("agent.prompt")) &&
                     totals_is_of_a_person(view);
    struct around_session *session = NULL;
    struct around_match match;

    if (!is_within && !is_prompt)
        return ST_OK;
    /* What was asked all day leaves room for what happened in the window. */
    size_t sessions_max = is_within ? AROUND_SESSIONS_MAX : AROUND_SESSIONS_MAX / 2;
    enum status st = session_of(around, view, sessions_max, &session, err);
    if (st != ST_OK || session == NULL) {
        around->left_out += st == ST_OK && is_within;
        around->prompts_left_out += st == ST_OK && !is_within;
        return st;
    }
    if (is_prompt)
        st = add_prompt(session, view, err);
    if (st != ST_OK || !is_within)
        return st;
    around_match_read(question, record, bytes, &match);
    /* What tells nothing is no context: the timeline leaves it out too. */
    if (match.score == 0 &&
        slice_equal(lookup_text(view, "agent.event.kind"), SLICE("agent.other")))
        return ST_OK;
    /* What fits to nothing leaves room for what does. */
    size_t room = match.score > 0 ? AROUND_EVENTS_MAX : AROUND_EVENTS_MAX / 2;
    if (around->event_count >= room) {
        around->left_out++;
        return ST_OK;
    }
    return add_event(around, session, record, &match, err);
}

/* --- Showing --------------------------------------------------------------------------------- */

static int by_rank(const void *left, const void *right)
{
    const struct around_event *a = left;
    const struct around_event *b = right;

    if (a->session != b->session)
        return a->session < b->session ? -1 : 1;
    if (a->match.score != b->match.score)
        return a->match.score > b->match.score ? -1 : 1;
    return (a->distance > b->distance) - (a->distance < b->distance);
}

static int by_time(const void *left, const void *right)
{
    const struct around_event *a = left;
    const struct around_event *b = right;

    return (a->unix_ns > b->unix_ns) - (a->unix_ns < b->unix_ns);
}

static int by_best(const void *left, const void *right)
{
    const struct around_session *a = *(const struct around_session *const *)left;
    const struct around_session *b = *(const struct around_session *const *)right;

    if (a->best != b->best)
        return a->best > b->best ? -1 : 1;
    return (a->best_distance > b->best_distance) - (a->best_distance < b->best_distance);
}

static void put_signs(struct page *page, const struct around_match *match)
{
    bool is_first = true;

    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        if (match->fits[sign] == FIT_NONE)
            continue;
        page_put(page, is_first ? "  <- " : ", ");
        page_put_ink(page, match->fits[sign] == FIT_EXACT ? INK_BAD : INK_ODD,
                     around_sign_name((enum around_sign)sign));
        page_put(page, match->fits[sign] == FIT_EXACT ? "" : " mentioned");
        is_first = false;
    }
}

static bool is_exact(const struct around_match *match)
{
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        if (match->fits[sign] == FIT_EXACT)
            return true;
    }
    return false;
}

/* What kind of event, how it came out, and what it was, in so many columns. */
static void put_words(struct page *page, const struct around_event *event, size_t columns)
{
    enum { CELL = 10 };
    struct buf text;
    struct page line = {.out = &text, .err = page->err, .status = page->status};

    buf_init(&text, LINE_MAX);
    page_put_cell(&line, slice_of_text(event->kind), CELL);
    page_put_cell(&line, slice_of_text(event->outcome), CELL);
    page_put(&line, event->summary);
    page->status = line.status;
    page_put_text(page, buf_slice(&text), columns); /* it is safe, and cut once more */
    buf_fini(&text);
}

static void put_event(struct page *page, const struct around_event *event)
{
    enum { USED = 44 };
    char time[TIME_TEXT_SIZE];
    const char *mark = event->match.score == 0 ? "   " : is_exact(&event->match) ? "** " : "*  ";

    time_format_clock(event->unix_ns, time);
    page_put_format(page, "  %s  ", time);
    page_put_ink(page, event->match.score > 0 ? INK_BOLD : INK_PLAIN, mark);
    put_words(page, event, page_columns_behind(page, USED));
    put_signs(page, &event->match);
    if (event->is_of_another)
        page_put_ink(page, INK_BAD, "  ANOTHER PROCESS");
    if (event->is_forged)
        page_put_ink(page, INK_BAD, "  FORGED");
    page_put(page, "\n");
}

const struct around_prompt *around_request_of(const struct around_session *session)
{
    const struct around_prompt *found = NULL;

    for (size_t i = 0; i < AROUND_PROMPTS_MAX; i++) {
        const struct around_prompt *prompt = &session->prompts[i];
        if (prompt->text != NULL && prompt->unix_ns <= session->best_unix_ns &&
            (found == NULL || prompt->unix_ns > found->unix_ns))
            found = prompt;
    }
    return found;
}

static void put_session(struct page *page, const struct around_session *session)
{
    const struct around_prompt *request = around_request_of(session);
    char time[TIME_TEXT_SIZE];

    page_put(page, "\n");
    page_put_ink(page, INK_BOLD, session->id_size > 0 ? "session " : "no session");
    page_put_text(page, slice_of(session->id, session->id_size), 0);
    page_put(page, "  ");
    page_put(page, session->head);
    page_put_format(page, "\n  %zu events, %zu fit\n", session->events, session->matches);
    if (request == NULL) {
        page_put(page, "  request  none was reported\n");
        return;
    }
    time_format_local(request->unix_ns, time);
    page_put_format(page, "  request  %s  ", time);
    page_put_text(page, slice_of_text(request->text), 0);
    page_put(page, "\n");
}

static void put_events(struct page *page, struct around_event *events, size_t count)
{
    size_t matches = 0;

    while (matches < count && events[matches].match.score > 0)
        matches++;
    size_t shown = matches < AROUND_MATCHES_SHOWN ? matches : AROUND_MATCHES_SHOWN;
    size_t others = count - matches < AROUND_CONTEXT_SHOWN ? count - matches : AROUND_CONTEXT_SHOWN;
    for (size_t i = 0; i < others; i++) {
        struct around_event kept = events[shown + i];
        events[shown + i] = events[matches + i];
        events[matches + i] = kept;
    }
    qsort(events, shown + others, sizeof(*events), by_time);
    for (size_t i = 0; i < shown + others; i++)
        put_event(page, &events[i]);
    if (shown + others < count)
        page_put_format(page, "  %zu more of the time are not shown: telltale timeline\n",
                        count - shown - others);
}

static void put_asked(struct page *page, const struct around_question *question)
{
    const char *const texts[] = {question->file, question->address, question->command,
                                 question->user};
    char time[TIME_TEXT_SIZE], window[TIME_TEXT_SIZE];

    time_format_local(question->time_unix_ns, time);
    time_format_duration((double)question->window_ns / 1e6, window);
    page_put_format(page, "around %s, %s before and after", time, window);
    if (question->pid >= 0)
        page_put_format(page, ", pid %ld", question->pid);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i] == NULL)
            continue;
        page_put_format(page, ", %s ", around_sign_name((enum around_sign)(SIGN_FILE + i)));
        page_put_text(page, slice_of_text(texts[i]), 0);
    }
    page_put(page, "\n");
}

size_t around_rank(struct around *around, struct around_session *order[AROUND_SESSIONS_MAX],
                   size_t *ret_matches)
{
    size_t shown = 0;

    *ret_matches = 0;
    qsort(around->events, around->event_count, sizeof(*around->events), by_rank);
    for (size_t i = 0; i < around->session_count; i++)
        *ret_matches += around->sessions[i].matches;
    /* When something fits, the others are noise. */
    for (size_t i = 0; i < around->session_count; i++) {
        struct around_session *session = &around->sessions[i];
        if (session->events > 0 && (*ret_matches == 0 || session->matches > 0))
            order[shown++] = session;
    }
    if (shown > 0)
        qsort(order, shown, sizeof(struct around_session *), by_best);
    return shown;
}

struct around_event *around_events_of(struct around *around, const struct around_session *session)
{
    size_t first = 0;

    while (around->events[first].session != (uint32_t)(session - around->sessions))
        first++;
    return &around->events[first];
}

void around_write(struct around *around, struct page *page)
{
    struct around_session *order[AROUND_SESSIONS_MAX];
    size_t matches = 0;

    put_asked(page, &around->question);
    size_t shown = around_rank(around, order, &matches);
    page_put_format(page, "%zu events, %zu fit\n", around->event_count, matches);
    for (size_t i = 0; i < shown; i++) {
        put_session(page, order[i]);
        put_events(page, around_events_of(around, order[i]), order[i]->events);
    }
    if (around->prompts_left_out > 0)
        page_put_format(
            page, "\n%zu prompts from before were too many to be kept: --host leaves some out\n",
            around->prompts_left_out);
    if (around->left_out > 0)
        page_put_format(page,
                        "\n%zu events of the time were too many to be kept: a smaller --window"
                        " shows them\n",
                        around->left_out);
}
