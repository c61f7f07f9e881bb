/* SPDX-License-Identifier: Apache-2.0 */
/* around_json.c -- what agents did near a moment, for other programs: see around.h.  The order is
 * that of around_write(): the session that fits best first, and its events by time. */
#include <stdlib.h>

#include "query/around_parts.h"
#include "wire/json_member.h"

/* {"file":"exact","command":"mentioned"} */
static void put_fits(struct json_put *json, const struct around_match *match)
{
    json_member_key(json, "fits");
    json_put(json, SLICE("{"));
    for (int sign = 0; sign < SIGN_COUNT; sign++) {
        if (match->fits[sign] != FIT_NONE)
            json_member_text(json, around_sign_name((enum around_sign)sign),
                             match->fits[sign] == FIT_EXACT ? "exact" : "mentioned");
    }
    json_put(json, SLICE("}"));
}

static void put_event(struct json_put *json, const struct around_session *session,
                      const struct around_event *event)
{
    const struct around_prompt *request = around_request_of(session);

    json_put(json, SLICE("{"));
    json_member_time(json, "time", event->unix_ns);
    json_member_key(json, "session");
    json_put_text(json, slice_of(session->id, session->id_size));
    json_member_known_text(json, "sender", session->head);
    json_member_known_text(json, "uid", event->uid);
    json_member_known_text(json, "kind", event->kind);
    json_member_known_text(json, "outcome", event->outcome);
    json_member_known_text(json, "summary", event->summary);
    json_member_uint(json, "score", event->match.score);
    put_fits(json, &event->match);
    json_member_bool(json, "another_process", event->is_of_another);
    json_member_bool(json, "forged", event->is_forged);
    if (request != NULL) {
        json_member_time(json, "request_time", request->unix_ns);
        json_member_known_text(json, "request", request->text);
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
