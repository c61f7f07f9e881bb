/* SPDX-License-Identifier: Apache-2.0 */
/* intake_body.c -- see intake_body.h.
 *
 * Without groups the body is written where it is sent from: prefix, items and what is between them,
 * suffix.  With groups items are kept one behind the other, sorted by their group and time when no
 * more is to come, and copied once. */
#include "intake_body.h"

#include <inttypes.h>
#include <stdlib.h>

#include "telltale/clocks.h"
#include "telltale/encode.h"

#define GROUP_OPEN   SLICE("{\"stream\":")
#define GROUP_MIDDLE SLICE(",\"values\":[")
#define GROUP_CLOSE  SLICE("]}")
#define CUT_MARKER   SLICE(" [cut by telltale]")

enum {
    ITEM_SIZE_LIMIT = 256 << 20, /* beyond max_body_size: an item before it is measured */
    CUT_SIZE_LIMIT = 256 << 20,
    CUT_PART = 8, /* of a body that is larger than JSON makes it look, so much is left */
    IDLE_KEEP_SIZE = 64 * 1024,
    TEMPLATE_RECORD = 0,
    TEMPLATE_GROUP = 1,
};

/* --- Making it ------------------------------------------------------------------------------- */

enum status intake_body_init(struct intake_body *body, const struct intake_plan *plan,
                             struct error *err)
{
    *body = (struct intake_body){.plan = plan};
    buf_init(&body->items, plan->max_body_size + ITEM_SIZE_LIMIT);
    buf_init(&body->labels, plan->max_body_size + ITEM_SIZE_LIMIT);
    buf_init(&body->grouped, plan->max_body_size + ITEM_SIZE_LIMIT);
    buf_init(&body->cut, CUT_SIZE_LIMIT);
    enum status st = record_templates_create(&body->templates, err);
    if (st == ST_OK)
        st = record_templates_add(body->templates, slice_of_text(plan->record), err);
    if (st != ST_OK || plan->group_by == NULL)
        return st;
    body->groups = calloc(plan->max_groups, sizeof(*body->groups));
    if (body->groups == NULL)
        return error_set(err, ST_NO_MEMORY, "a list of %zu groups", plan->max_groups);
    return record_templates_add(body->templates, slice_of_text(plan->group_by), err);
}

void intake_body_fini(struct intake_body *body)
{
    record_templates_destroy(body->templates);
    buf_fini(&body->items);
    buf_fini(&body->labels);
    buf_fini(&body->grouped);
    buf_fini(&body->cut);
    free(body->records);
    free(body->list);
    free(body->groups);
}

static enum status make_room(struct intake_body *body, size_t count, struct error *err)
{
    if (count <= body->capacity)
        return ST_OK;
    uint32_t *records = reallocarray(body->records, count, sizeof(*records));
    if (records != NULL)
        body->records = records;
    struct intake_item *list = NULL;
    if (body->groups != NULL) {
        list = reallocarray(body->list, count, sizeof(*list));
        if (list != NULL)
            body->list = list;
    }
    if (records == NULL || (body->groups != NULL && list == NULL))
        return error_set(err, ST_NO_MEMORY, "a list of %zu records", count);
    body->capacity = count;
    return ST_OK;
}

/* --- An item --------------------------------------------------------------------------------- */

static size_t fixed_size(const struct intake_body *body)
{
    const struct intake_plan *plan = body->plan;
    size_t size = plan->prefix.size + plan->suffix.size;

    if (body->groups != NULL)
        size += GROUP_OPEN.size + GROUP_MIDDLE.size + GROUP_CLOSE.size;
    return size;
}

/* What an item may have at most; what stands around it is never much. */
static size_t item_size_max(const struct intake_body *body)
{
    const struct intake_plan *plan = body->plan;
    size_t around = fixed_size(body) + plan->behind.size;
    size_t most = plan->max_body_size > around ? plan->max_body_size - around : 0;

    return plan->max_item_size != 0 && plan->max_item_size < most ? plan->max_item_size : most;
}

static enum status render(struct intake_body *body, struct slice bytes, uint64_t sequence,
                          struct record_facts *facts, struct error *err)
{
    enum status st = record_templates_read(body->templates, bytes, sequence, facts, err);
    return st != ST_OK
               ? st
               : record_templates_append(body->templates, TEMPLATE_RECORD, &body->items, err);
}

/* Once more with a body that is shorter by what is too much. */
static enum status render_cut(struct intake_body *body, const struct record *record, size_t start,
                              struct record_facts *facts, struct error *err)
{
    size_t size = body->items.size - start, most = item_size_max(body);
    size_t text_size = facts->body_text.size;
    size_t over = size - most + 2 * CUT_MARKER.size;
    size_t keep = over < text_size ? text_size - over : text_size / CUT_PART;

    buf_clear(&body->cut);
    enum status st = encode_cut_body(record->bytes, keep, CUT_MARKER, &body->cut, err);
    if (st != ST_OK)
        return st;
    body->items.size = start;
    return render(body, buf_slice(&body->cut), record->sequence, facts, err);
}

static enum status check_age(const struct intake_body *body, const struct record_facts *facts,
                             uint64_t now_unix_ns, struct error *err)
{
    uint64_t max_ns = body->plan->max_age_ns;

    if (max_ns == 0 || facts->time_unix_ns == 0 || facts->time_unix_ns + max_ns >= now_unix_ns)
        return ST_OK;
    return error_set(err, ST_INVALID,
                     "%" PRIu64 " seconds old, which the destination does not take (max_age is "
                     "%" PRIu64 ")",
                     (now_unix_ns - facts->time_unix_ns) / NS_PER_S, max_ns / NS_PER_S);
}

/* Writes an item behind `items`.  ST_LIMIT, ST_INVALID, ST_CORRUPT: it can never be sent. */
static enum status put_item(struct intake_body *body, const struct record *record,
                            uint64_t now_unix_ns, struct record_facts *facts, struct error *err)
{
    const struct intake_plan *plan = body->plan;
    size_t start = body->items.size;

    enum status st = render(body, record->bytes, record->sequence, facts, err);
    if (st == ST_OK)
        st = check_age(body, facts, now_unix_ns, err);
    size_t whole = body->items.size - start;
    if (st == ST_OK && whole > item_size_max(body) && plan->truncate && facts->body_text.size > 0)
        st = render_cut(body, record, start, facts, err);
    if (st == ST_OK && body->items.size - start > item_size_max(body))
        st = error_set(err, ST_LIMIT, "a record of %zu bytes in the request, limit %zu", whole,
                       item_size_max(body));
    return st;
}

/* --- Groups ---------------------------------------------------------------------------------- */

static struct slice label(const struct intake_body *body, size_t index)
{
    const struct intake_group *group = &body->groups[index];
    return slice_of(body->labels.data + group->offset, group->size);
}

/* The group of the record that was read last.  False: there are too many in this request. */
static enum status find_group(struct intake_body *body, uint32_t *ret, bool *ret_full,
                              struct error *err)
{
    size_t start = body->labels.size;

    enum status st = record_templates_append(body->templates, TEMPLATE_GROUP, &body->labels, err);
    if (st != ST_OK)
        return st;
    struct slice own = slice_of(body->labels.data + start, body->labels.size - start);
    for (size_t i = body->group_count; i > 0; i--) {
        if (slice_equal(label(body, i - 1), own)) {
            body->labels.size = start;
            *ret = (uint32_t)(i - 1);
            return ST_OK;
        }
    }
    *ret_full = body->group_count == body->plan->max_groups;
    if (*ret_full) {
        body->labels.size = start;
        return ST_OK;
    }
    body->groups[body->group_count] = (struct intake_group){.offset = start, .size = own.size};
    *ret = (uint32_t)body->group_count++;
    body->size += own.size + GROUP_OPEN.size + GROUP_MIDDLE.size + GROUP_CLOSE.size;
    return ST_OK;
}

static int compare_items(const void *a, const void *b)
{
    const struct intake_item *left = a, *right = b;

    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    if (left->unix_ns != right->unix_ns)
        return left->unix_ns < right->unix_ns ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static void put(struct buf *out, struct slice bytes)
{
    buf_append_reserved(out, bytes.data, bytes.size);
}

static enum status lay_groups(struct intake_body *body, struct error *err)
{
    const struct intake_plan *plan = body->plan;
    struct buf *out = &body->grouped;

    buf_clear(out);
    enum status st = buf_reserve(out, body->size + body->group_count, err);
    if (st != ST_OK)
        return st;
    qsort(body->list, body->count, sizeof(*body->list), compare_items);
    put(out, plan->prefix);
    for (size_t i = 0; i < body->count; i++) {
        const struct intake_item *item = &body->list[i];
        bool is_first = i == 0 || body->list[i - 1].group != item->group;
        if (i > 0 && is_first)
            put(out, GROUP_CLOSE);
        if (i > 0)
            put(out, plan->between);
        if (is_first) {
            put(out, GROUP_OPEN);
            put(out, label(body, item->group));
            put(out, GROUP_MIDDLE);
        }
        put(out, slice_of(body->items.data + item->offset, item->size));
    }
    put(out, GROUP_CLOSE);
    put(out, plan->suffix);
    return ST_OK;
}

/* --- A body ---------------------------------------------------------------------------------- */

static bool is_full(const struct intake_body *body)
{
    const struct intake_plan *plan = body->plan;
    return body->count > 0 && (body->size > plan->max_body_size ||
                               (plan->max_items != 0 && body->count == plan->max_items));
}

static void forget(struct intake_body *body, size_t items, size_t labels, size_t groups,
                   size_t size)
{
    body->items.size = items;
    body->labels.size = labels;
    body->group_count = groups;
    body->size = size;
}

/* Takes the record at `end` up, or tells of it.  *ret_full: it does not fit any more. */
static enum status take_record(struct intake_body *body, const struct record *record,
                               uint64_t now_unix_ns, struct export_report *report, bool *ret_full,
                               struct error *err)
{
    const struct intake_plan *plan = body->plan;
    size_t items = body->items.size, labels = body->labels.size, groups = body->group_count;
    size_t size = body->size;
    struct record_facts facts = {.time_unix_ns = 0};
    uint32_t group = 0;

    *ret_full = plan->max_items != 0 && body->count == plan->max_items;
    if (*ret_full)
        return ST_OK;
    enum status st = ST_OK;
    if (body->count > 0 && body->groups == NULL)
        st = buf_append(&body->items, plan->between.data, plan->between.size, err);
    size_t start = body->items.size;
    if (st == ST_OK)
        st = put_item(body, record, now_unix_ns, &facts, err);
    size_t item_size = body->items.size - start;
    if (st == ST_OK && body->groups != NULL)
        st = find_group(body, &group, ret_full, err);
    else if (st == ST_OK)
        st = buf_append(&body->items, plan->behind.data, plan->behind.size, err);
    body->size += plan->between.size + item_size + plan->behind.size;
    *ret_full = *ret_full || (st == ST_OK && is_full(body));
    if (st != ST_OK || *ret_full)
        forget(body, items, labels, groups, size);
    if (st == ST_NO_MEMORY || *ret_full)
        return st;
    if (st == ST_OK) {
        if (body->groups != NULL)
            body->list[body->count] = (struct intake_item){group, (uint32_t)body->count, start,
                                                           item_size, facts.time_unix_ns};
        body->records[body->count++] = (uint32_t)body->end;
    } else {
        report->tell(report, body->end, st == ST_LIMIT ? ITEM_TOO_LARGE : ITEM_REJECTED, err->text);
        body->told_count++;
    }
    body->end++;
    return ST_OK;
}

static enum status begin(struct intake_body *body, size_t count, struct error *err)
{
    const struct intake_plan *plan = body->plan;

    buf_clear(&body->items);
    buf_clear(&body->labels);
    body->group_count = body->count = body->end = body->told_count = 0;
    body->size = plan->prefix.size + plan->suffix.size;
    enum status st = make_room(body, count, err);
    if (st == ST_OK && body->groups == NULL)
        st = buf_append(&body->items, plan->prefix.data, plan->prefix.size, err);
    return st;
}

static enum status finish(struct intake_body *body, struct error *err)
{
    const struct intake_plan *plan = body->plan;

    if (body->count == 0)
        return ST_OK;
    return body->groups != NULL
               ? lay_groups(body, err)
               : buf_append(&body->items, plan->suffix.data, plan->suffix.size, err);
}

enum status intake_body_fill(struct intake_body *body, const struct batch *batch,
                             uint64_t now_unix_ns, struct export_report *report, struct error *err)
{
    const struct record_group *group = NULL;
    enum status group_status = ST_OK;
    bool full = false;

    enum status st = begin(body, batch->record_count, err);
    while (st == ST_OK && !full && body->end < batch->record_count) {
        const struct record *record = &batch->records[body->end];
        if (group != &batch->groups[record->group_index]) {
            group = &batch->groups[record->group_index];
            group_status = record_templates_set_group(body->templates, group, err);
        }
        if (group_status == ST_NO_MEMORY) {
            st = group_status;
        } else if (group_status != ST_OK) {
            report->tell(report, body->end,
                         group_status == ST_LIMIT ? ITEM_TOO_LARGE : ITEM_REJECTED, err->text);
            body->told_count++;
            body->end++;
        } else {
            st = take_record(body, record, now_unix_ns, report, &full, err);
        }
    }
    return st == ST_OK ? finish(body, err) : st;
}

struct slice intake_body_bytes(const struct intake_body *body)
{
    return buf_slice(body->groups != NULL ? &body->grouped : &body->items);
}

void intake_body_trim(struct intake_body *body)
{
    struct buf *const bufs[] = {&body->items, &body->labels, &body->grouped, &body->cut};

    for (size_t i = 0; i < COUNT_OF(bufs); i++) {
        if (bufs[i]->capacity > IDLE_KEEP_SIZE)
            buf_trim(bufs[i], IDLE_KEEP_SIZE);
    }
}
