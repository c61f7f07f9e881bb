/* SPDX-License-Identifier: Apache-2.0 */
/* around.c -- see around.h.
 *
 * Of an event only the line that is shown is kept.  The store is in the order of arrival, so what
 * belongs to a session is found by its id, and which prompt came before which event is known at the
 * end only: the latest few of each session are kept. */
#include "query/around.h"

#include <stdlib.h>

#include "query/around_match.h"
#include "query/attested.h"
#include "query/lookup.h"
#include "query/summary.h"
#include "query/time_text.h"
#include "query/totals.h"

enum {
    ID_MAX = 256,         /* bytes of a session's id that tell it from others */
    SENDER_MAX = 512,     /* bytes of the line about who sent it */
    LINE_COLUMNS = 400,   /* of an event */
    PROMPT_COLUMNS = 600, /* of a prompt */
    LINE_MAX = 4096,
};

struct prompt {
    uint64_t unix_ns;
    char *text; /* owned; safe; NULL: free */
};

struct session {
    char id[ID_MAX];
    size_t id_size;
    char *head;                 /* owned; safe: agent and sender */
    struct attested_peer first; /* of its first record; the texts stand in `peer_text` */
    char peer_text[SENDER_MAX];
    struct prompt prompts[AROUND_PROMPTS_MAX];
    unsigned best;          /* score of its best event */
    uint64_t best_distance; /* of that from the moment */
    uint64_t best_unix_ns;
    size_t events, matches;
};

struct event {
    uint64_t unix_ns, distance;
    uint32_t session;
    struct around_match match;
    bool is_forged, is_of_another;
    char *line; /* owned; safe */
};

struct around {
    struct around_question question;
    struct session *sessions; /* owned */
    size_t session_count;
    struct event *events; /* owned */
    size_t event_count;
    size_t left_out;         /* events over the limits */
    size_t prompts_left_out; /* sessions' prompts from before the window */
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
        free(around->events[i].line);
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
static void keep_peer(struct session *session, const struct attested_peer *peer)
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
                              size_t count_max, struct session **ret, struct error *err)
{
    struct slice id = lookup_text(view, "session.id");
    struct attested_peer peer;

    if (id.size == 0)
        id = lookup_text(view, "gen_ai.conversation.id");
    id.size = id.size < ID_MAX ? id.size : ID_MAX;
    *ret = NULL;
    for (size_t i = around->session_count; i > 0; i--) {
        struct session *session = &around->sessions[i - 1];
        if (slice_equal(slice_of(session->id, session->id_size), id)) {
            *ret = session;
            return ST_OK;
        }
    }
    if (around->session_count >= count_max)
        return ST_OK;
    attested_read(view, &peer);
    struct session *session = &around->sessions[around->session_count];
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

static enum status add_prompt(struct session *session, const struct record_view *view,
                              struct error *err)
{
    struct prompt *oldest = &session->prompts[0];
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
    *oldest = (struct prompt){.unix_ns = time, .text = text};
    return ST_OK;
}

static enum status write_line(const struct record_view *view, struct buf *out, struct error *err)
{
    struct page page = {.out = out, .err = err, .status = ST_OK};
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");

    page_put_cell(&page, slice_from(kind, slice_starts_with(kind, prefix) ? prefix.size : 0), 10);
    page_put_cell(&page, lookup_text(view, "agent.outcome"), 10);
    return page.status == ST_OK ? summary_append(out, view, LINE_COLUMNS, err) : page.status;
}

static enum status add_event(struct around *around, struct session *session,
                             const struct field_record *record, const struct around_match *match,
                             struct error *err)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    struct attested_peer peer;
    uint64_t time = lookup_time(record->view);
    uint64_t moment = around->question.time_unix_ns;
    struct buf out;

    buf_init(&out, LINE_MAX);
    enum status st = write_line(record->view, &out, err);
    char *line = st == ST_OK ? take_text(&out) : NULL;
    buf_fini(&out);
    if (st != ST_OK)
        return st;
    if (line == NULL)
        return error_set(err, ST_NO_MEMORY, "an event");
    attested_read(record->view, &peer);
    struct event *event = &around->events[around->event_count++];
    *event = (struct event){
        .unix_ns = time,
        .distance = time > moment ? time - moment : moment - time,
        .session = (uint32_t)(session - around->sessions),
        .match = *match,
        .is_forged = attested_forged_keys(record->view, forged) > 0,
        .is_of_another = !attested_is_same(&session->first, &peer),
        .line = line,
    };
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
    struct session *session = NULL;
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
    const struct event *a = left;
    const struct event *b = right;

    if (a->session != b->session)
        return a->session < b->session ? -1 : 1;
    if (a->match.score != b->match.score)
        return a->match.score > b->match.score ? -1 : 1;
    return (a->distance > b->distance) - (a->distance < b->distance);
}

static int by_time(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;

    return (a->unix_ns > b->unix_ns) - (a->unix_ns < b->unix_ns);
}

static int by_best(const void *left, const void *right)
{
    const struct session *a = *(const struct session *const *)left;
    const struct session *b = *(const struct session *const *)right;

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

static void put_event(struct page *page, const struct event *event)
{
    enum { USED = 44 };
    char time[TIME_TEXT_SIZE];
    const char *mark = event->match.score == 0 ? "   " : is_exact(&event->match) ? "** " : "*  ";

    time_format_clock(event->unix_ns, time);
    page_put_format(page, "  %s  ", time);
    page_put_ink(page, event->match.score > 0 ? INK_BOLD : INK_PLAIN, mark);
    /* It is safe, and cut once more. */
    page_put_text(page, slice_of_text(event->line), page_columns_behind(page, USED));
    put_signs(page, &event->match);
    if (event->is_of_another)
        page_put_ink(page, INK_BAD, "  ANOTHER PROCESS");
    if (event->is_forged)
        page_put_ink(page, INK_BAD, "  FORGED");
    page_put(page, "\n");
}

/* The latest prompt that is not after the session's best event. */
static const struct prompt *request_of(const struct session *session)
{
    const struct prompt *found = NULL;

    for (size_t i = 0; i < AROUND_PROMPTS_MAX; i++) {
        const struct prompt *prompt = &session->prompts[i];
        if (prompt->text != NULL && prompt->unix_ns <= session->best_unix_ns &&
            (found == NULL || prompt->unix_ns > found->unix_ns))
            found = prompt;
    }
    return found;
}

static void put_session(struct page *page, const struct session *session)
{
    const struct prompt *request = request_of(session);
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

static void put_events(struct page *page, struct event *events, size_t count)
{
    size_t matches = 0;

    while (matches < count && events[matches].match.score > 0)
        matches++;
    size_t shown = matches < AROUND_MATCHES_SHOWN ? matches : AROUND_MATCHES_SHOWN;
    size_t others = count - matches < AROUND_CONTEXT_SHOWN ? count - matches : AROUND_CONTEXT_SHOWN;
    for (size_t i = 0; i < others; i++) {
        struct event kept = events[shown + i];
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

void around_write(struct around *around, struct page *page)
{
    struct session *order[AROUND_SESSIONS_MAX];
    size_t matches = 0;

    put_asked(page, &around->question);
    qsort(around->events, around->event_count, sizeof(*around->events), by_rank);
    for (size_t i = 0; i < around->session_count; i++) {
        order[i] = &around->sessions[i];
        matches += order[i]->matches;
    }
    qsort(order, around->session_count, sizeof(order) / COUNT_OF(order), by_best);
    page_put_format(page, "%zu events, %zu fit\n", around->event_count, matches);
    for (size_t i = 0; i < around->session_count; i++) {
        uint32_t index = (uint32_t)(order[i] - around->sessions);
        size_t first = 0;
        while (first < around->event_count && around->events[first].session != index)
            first++;
        if (order[i]->events == 0 || (matches > 0 && order[i]->matches == 0))
            continue; /* when something fits, the others are noise */
        put_session(page, order[i]);
        put_events(page, around->events + first, order[i]->events);
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
