/* SPDX-License-Identifier: Apache-2.0 */
/* around_json.c -- what agents did near a moment, for other programs: see around.h.  The order is
 * that of around_write(): the session that fits best first, and its events by time. */
#include <stdlib.h>

#include "query/around_parts.h"
#include "wire/json_put.h"

static void put_text(struct json_put *json, struct slice name, const char *text)
{
    if (text == NULL || *text == 0)
        return;
    json_put(json, name);
    json_put_text(json, slice_of_text(text));
}

static void put_flag(struct json_put *json, struct slice name, bool flag)
{
    json_put(json, name);
    json_put(json, flag ? SLICE("true") : SLICE("false"));
}

/* {"file":"exact","command":"mentioned"} */
static void put_fits(struct json_put *json, const struct around_match *match)
{
    bool is_first = true;

    json_put(json, SLICE(",\"fits\":{"));
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        if (match->fits[sign] == FIT_NONE)
            continue;
        json_put(json, is_first ? SLICE("\"") : SLICE(",\""));
        json_put(json, slice_of_text(around_sign_name((enum around_sign)sign)));
        json_put(json, match->fits[sign] == FIT_EXACT ? SLICE("\":\"exact\"")
                                                      : SLICE("\":\"mentioned\""));
        is_first = false;
    }
    json_put(json, SLICE("}"));
}

static void put_event(struct json_put *json, const struct around_session *session,
                      const struct around_event *event)
{
    const struct around_prompt *request = around_request_of(session);

    json_put(json, SLICE("{\"time\":"));
    json_put_time(json, event->unix_ns);
    json_put(json, SLICE(",\"session\":"));
    json_put_text(json, slice_of(session->id, session->id_size));
    put_text(json, SLICE(",\"sender\":"), session->head);
    put_text(json, SLICE(",\"uid\":"), event->uid);
    put_text(json, SLICE(",\"kind\":"), event->kind);
    put_text(json, SLICE(",\"outcome\":"), event->outcome);
    put_text(json, SLICE(",\"summary\":"), event->summary);
    json_put(json, SLICE(",\"score\":"));
    json_put_uint(json, event->match.score);
    put_fits(json, &event->match);
    put_flag(json, SLICE(",\"another_process\":"), event->is_of_another);
    put_flag(json, SLICE(",\"forged\":"), event->is_forged);
    if (request != NULL) {
        json_put(json, SLICE(",\"request_time\":"));
        json_put_time(json, request->unix_ns);
        put_text(json, SLICE(",\"request\":"), request->text);
    }
    json_put(json, SLICE("}\n"));
}

static int by_time(const void *left, const void *right)
{
    const struct around_event *a = left;
    const struct around_event *b = right;

    return (a->unix_ns > b->unix_ns) - (a->unix_ns < b->unix_ns);
}

enum status around_write_json(struct around *around, struct buf *out, size_t *ret_left_out,
                              struct error *err)
{
    struct around_session *order[AROUND_SESSIONS_MAX];
    struct json_put json;
    size_t matches;

    size_t shown = around_rank(around, order, &matches);
    json_start(&json, out, err);
    for (size_t i = 0; i < shown; i++) {
        struct around_event *events = around_events_of(around, order[i]);
        qsort(events, order[i]->events, sizeof(*events), by_time);
        for (size_t k = 0; k < order[i]->events; k++)
            put_event(&json, order[i], &events[k]);
    }
    *ret_left_out = around->left_out;
    return json_finish(&json);
}
