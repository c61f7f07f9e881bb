/* SPDX-License-Identifier: Apache-2.0 */
/* store_plan.c -- see store_plan.h.
 *
 * The exporter writes each text in one way only (wire/json_put.h): so a text stands in a record if
 * and only if its bytes, escaped, stand in the line.  Where it begins or ends a text of the record,
 * the quote belongs to it. */
#include "store/store_plan.h"

#include <stdlib.h>
#include <string.h>

#include "telltale/buf.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"
#include "util/text_find.h"
#include "util/utf8.h"

struct plan_text {
    struct slice value; /* within `bytes` of the plan */
    struct text_needle needle;
    unsigned flags;
};

struct demand {
    size_t first, count; /* of `texts` */
    bool in_bytes;       /* of one of them */
};

struct store_plan {
    uint64_t since_unix_ns, until_unix_ns;
    struct demand demands[PLAN_DEMANDS_MAX];
    size_t demand_count;
    bool is_dropped; /* the last demand */
    bool is_partial; /* there is more to ask of a record than is said here */
    struct plan_text texts[PLAN_TEXTS_MAX];
    size_t text_count;
    struct buf bytes; /* of PLAN_SIZE_MAX from the start, so that it does not move */
    struct text_needle time_key, observed_key, bytes_key;
};

enum status store_plan_create(struct store_plan **ret, struct error *err)
{
    struct store_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "a plan");
    buf_init(&plan->bytes, PLAN_SIZE_MAX);
    enum status st = buf_reserve(&plan->bytes, PLAN_SIZE_MAX, err);
    if (st != ST_OK) {
        store_plan_destroy(plan);
        return st;
    }
    /* Quotes within texts are escaped: only the structure can have these. */
    plan->time_key = text_needle_of(SLICE("\"timeUnixNano\":\""), false);
    plan->observed_key = text_needle_of(SLICE("\"observedTimeUnixNano\":\""), false);
    plan->bytes_key = text_needle_of(SLICE("{\"bytesValue\":"), false);
    plan->is_dropped = true; /* there is none to add to */
    *ret = plan;
    return ST_OK;
}

void store_plan_destroy(struct store_plan *plan)
{
    if (plan == NULL)
        return;
    buf_fini(&plan->bytes);
    free(plan);
}

void store_plan_set_times(struct store_plan *plan, uint64_t since_unix_ns, uint64_t until_unix_ns)
{
    plan->since_unix_ns = since_unix_ns;
    plan->until_unix_ns = until_unix_ns;
}

void store_plan_set_partial(struct store_plan *plan)
{
    plan->is_partial = true;
}

void store_plan_demand(struct store_plan *plan)
{
    plan->is_dropped = plan->demand_count == PLAN_DEMANDS_MAX;
    if (!plan->is_dropped)
        plan->demands[plan->demand_count++] = (struct demand){.first = plan->text_count};
}

void store_plan_drop(struct store_plan *plan)
{
    if (plan->is_dropped)
        return;
    plan->is_dropped = true;
    plan->text_count = plan->demands[--plan->demand_count].first;
}

static void lower(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = text_lower(at[i]);
}

/* Copies the text, as it is and as JSON. */
static enum status copy_text(struct store_plan *plan, struct slice text, unsigned flags,
                             struct error *err)
{
    struct plan_text *ours = &plan->texts[plan->text_count];
    size_t begin = plan->bytes.size;

    enum status st = buf_append(&plan->bytes, text.data, text.size, err);
    size_t middle = plan->bytes.size;
    if (st == ST_OK)
        st = encode_json_text(text, &plan->bytes, err);
    if (st != ST_OK)
        return st;
    uint8_t *data = plan->bytes.data;
    if ((flags & PLAN_ANY_CASE) != 0)
        lower(data + begin, plan->bytes.size - begin);
    size_t from = middle + ((flags & PLAN_BEGINS) == 0);
    size_t end = plan->bytes.size - ((flags & PLAN_ENDS) == 0);
    *ours = (struct plan_text){
        .value = slice_of(data + begin, text.size),
        .needle = text_needle_of(slice_of(data + from, end - from), (flags & PLAN_ANY_CASE) != 0),
        .flags = flags,
    };
    return ST_OK;
}

void store_plan_add(struct store_plan *plan, struct slice text, unsigned flags)
{
    enum { ESCAPE_ROOM = 64 };
    struct error ignored;

    if (plan->is_dropped)
        return;
    /* Escaped, a byte becomes six at most. */
    size_t room = plan->bytes.capacity - plan->bytes.size;
    if (text.size == 0 || !utf8_is_text(text) || plan->text_count == PLAN_TEXTS_MAX ||
        text.size > room / 8 || 8 * text.size + ESCAPE_ROOM > room ||
        copy_text(plan, text, flags, &ignored) != ST_OK) {
        store_plan_drop(plan);
        return;
    }
    struct demand *demand = &plan->demands[plan->demand_count - 1];
    plan->text_count++;
    demand->count++;
    demand->in_bytes |= (flags & PLAN_IN_BYTES) != 0;
}

/* --- Lines ----------------------------------------------------------------------------------- */

/* The number behind `key`; 0: there is none. */
static uint64_t read_time(const struct text_needle *key, struct slice line)
{
    enum { DIGITS_MAX = 19 }; /* of any time that fits 64 bits with its sign */
    const uint8_t *found = text_find(key, line);
    const uint8_t *end = line.data + line.size;
    uint64_t time = 0;

    if (found == NULL)
        return 0;
    const uint8_t *at = found + key->text.size;
    for (size_t digits = 0; at < end && *at >= '0' && *at <= '9'; at++, digits++) {
        if (digits == DIGITS_MAX)
            return UINT64_MAX;
        time = time * 10 + (*at - '0');
    }
    return time;
}

/* False: it is known that it happened at another time. */
static bool takes_time(const struct store_plan *plan, struct slice line)
{
    if (plan->since_unix_ns == 0 && plan->until_unix_ns == 0)
        return true;
    uint64_t time = read_time(&plan->time_key, line);
    if (time == 0)
        time = read_time(&plan->observed_key, line);
    return time == UINT64_MAX || (time >= plan->since_unix_ns &&
                                  (plan->until_unix_ns == 0 || time < plan->until_unix_ns));
}

static bool is_fulfilled(const struct store_plan *plan, const struct demand *demand,
                         struct slice line)
{
    for (size_t i = 0; i < demand->count; i++) {
        const struct plan_text *text = &plan->texts[demand->first + i];
        if ((text->flags & PLAN_INDEX) == 0 && text_find(&text->needle, line) != NULL)
            return true;
    }
    return demand->in_bytes && text_find(&plan->bytes_key, line) != NULL;
}

bool store_plan_takes_line(const struct store_plan *plan, struct slice line)
{
    struct store_place place;

    for (size_t i = 0; i < plan->demand_count; i++) {
        if (!is_fulfilled(plan, &plan->demands[i], line))
            return !store_line_place(line, &place);
    }
    return takes_time(plan, line) || !store_line_place(line, &place);
}

/* --- Frames ---------------------------------------------------------------------------------- */

static bool has_part(struct slice id, struct slice part)
{
    return id.size >= part.size &&
           (slice_starts_with(id, part) || slice_equal(slice_from(id, id.size - part.size), part));
}

/* Ids of which a part is asked for are looked up in the list of all. */
static void find_id_part(const struct plan_text *text, const struct store_index *index,
                         struct frame_set *set)
{
    struct store_index_session session;

    store_index_find_id(index, text->value, set);
    if (!store_index_has_all_sessions(index)) {
        frame_set_add_all(set);
        return;
    }
    for (size_t i = 0; i < store_index_session_count(index); i++) {
        store_index_session(index, i, &session);
        if (has_part(session.id, text->value))
            store_index_find_id(index, session.id, set);
        if (has_part(session.session_id, text->value))
            store_index_find_id(index, session.session_id, set);
    }
}

static void find_text(const struct plan_text *text, const struct store_index *index,
                      struct frame_set *set)
{
    unsigned flags = text->flags;

    if ((flags & PLAN_NO_WORD) != 0)
        frame_set_add_all(set);
    else if ((flags & PLAN_ID_PART) != 0)
        find_id_part(text, index, set);
    else if ((flags & PLAN_UID) != 0)
        (void)store_index_find_uid(index, text->value, set); /* else all are added */
    else if ((flags & PLAN_ID) != 0)
        store_index_find_id(index, text->value, set);
    else
        (void)store_index_find_text(index, text->value, (flags & (PLAN_BEGINS | PLAN_WORDS)) != 0,
                                    (flags & (PLAN_ENDS | PLAN_WORDS)) != 0,
                                    set); /* else all are added */
}

enum status store_plan_find_frames(const struct store_plan *plan, const struct store_index *index,
                                   struct frame_set *ret, struct error *err)
{
    struct frame_set found = {.count = 0};
    size_t count = store_index_frame_count(index);

    enum status st = frame_set_init(ret, count, err);
    if (st == ST_OK)
        st = frame_set_init(&found, count, err);
    if (st != ST_OK) {
        frame_set_fini(ret);
        return st;
    }
    store_index_find_times(index, plan->since_unix_ns, plan->until_unix_ns, ret);
    for (size_t i = 0; i < plan->demand_count; i++) {
        const struct demand *demand = &plan->demands[i];
        frame_set_clear(&found);
        for (size_t k = 0; k < demand->count; k++)
            find_text(&plan->texts[demand->first + k], index, &found);
        frame_set_intersect(ret, &found);
    }
    frame_set_fini(&found);
    return ST_OK;
}

bool store_plan_takes_all(const struct store_plan *plan, const struct store_index *index)
{
    struct store_index_frame frame;

    if (plan->is_partial)
        return false;
    if (plan->since_unix_ns == 0 && plan->until_unix_ns == 0)
        return true;
    for (size_t i = 0; i < store_index_frame_count(index); i++) {
        store_index_frame(index, i, &frame);
        if (frame.first_unix_ns > frame.last_unix_ns || frame.first_unix_ns < plan->since_unix_ns ||
            (plan->until_unix_ns != 0 && frame.last_unix_ns >= plan->until_unix_ns))
            return false;
    }
    return true;
}
