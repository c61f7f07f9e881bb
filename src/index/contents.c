/* SPDX-License-Identifier: Apache-2.0 */
/* contents.c -- see contents.h.  As bytes:
 *
 *     4  flags: 1, there are more sessions than these; 2, more texts
 *     4  number of sessions
 *     4  number of texts
 *     4  size of the bytes of all texts
 *     for each session, SESSION_SIZE:
 *         4  offset of its id, among the bytes of the texts, 4 its size
 *         4  number of its own session, of a conversation
 *         4  number of the text of its product, 4 host, 4 user; UINT32_MAX: none, as above
 *         4  flags: 1, it is a conversation, and no session.id
 *         4  reserved
 *         8  earliest time, 8 latest, 8 number of records, 8 denied, 8 failed
 *     for each text, TEXT_SIZE: 4 what it is, 4 offset, 4 size, 4 reserved, 8 number of records
 *     the bytes of the texts
 */
#include "index/contents.h"

#include <stdlib.h>

#include <xxhash.h>

#include "util/le.h"

enum {
    HEAD_SIZE = 16,
    SESSION_SIZE = 72,
    TEXT_SIZE = 24,
    FIRST_CAPACITY = 64,
    FLAG_MORE_SESSIONS = 1,
    FLAG_MORE_TEXTS = 2,
    FLAG_CONVERSATION = 1,
    FACT_SESSION = INDEX_FACT_COUNT,
};

/* A session, or a text. */
struct contents_item {
    uint64_t hash;
    uint32_t offset; /* in the bytes */
    uint32_t size;
    uint32_t what; /* a fact; FACT_SESSION */
    bool is_session;
    int32_t parent;
    int32_t product, host, user;
    uint64_t first_unix_ns, last_unix_ns;
    uint64_t count, denied, failed;
};

static void init_list(struct contents_list *list, size_t max)
{
    *list = (struct contents_list){.max = max};
}

void contents_init(struct contents *contents, uint64_t seed)
{
    *contents = (struct contents){.seed = seed};
    init_list(&contents->sessions, CONTENTS_SESSIONS_MAX);
    init_list(&contents->texts, CONTENTS_TEXTS_MAX);
    buf_init(&contents->bytes,
             (size_t)(CONTENTS_SESSIONS_MAX + CONTENTS_TEXTS_MAX) * CONTENTS_TEXT_SIZE_MAX);
}

void contents_fini(struct contents *contents)
{
    free(contents->sessions.items);
    free(contents->sessions.slots);
    free(contents->texts.items);
    free(contents->texts.slots);
    buf_fini(&contents->bytes);
    contents_init(contents, contents->seed);
}

static size_t slot_count(const struct contents_list *list)
{
    return 2 * list->capacity;
}

/* The slot of that item, or the free one where it belongs. */
static uint32_t *find_slot(const struct contents *contents, const struct contents_list *list,
                           const struct contents_item *wanted, struct slice text)
{
    size_t mask = slot_count(list) - 1;

    for (size_t at = (size_t)wanted->hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &list->slots[at];
        if (*slot == 0)
            return slot;
        const struct contents_item *item = &list->items[*slot - 1];
        if (item->hash == wanted->hash && item->what == wanted->what &&
            slice_equal(text, slice_of(contents->bytes.data + item->offset, item->size)))
            return slot;
    }
}

static enum status grow(const struct contents *contents, struct contents_list *list,
                        struct error *err)
{
    size_t capacity = list->capacity > 0 ? 2 * list->capacity : FIRST_CAPACITY;
    struct contents_item *items = reallocarray(list->items, capacity, sizeof(*items));

    if (items == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu sessions", capacity);
    list->items = items;
    uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
    if (slots == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu sessions", capacity);
    free(list->slots);
    list->slots = slots;
    list->capacity = capacity;
    for (size_t i = 0; i < list->count; i++) {
        const struct contents_item *item = &items[i];
        *find_slot(contents, list, item,
                   slice_of(contents->bytes.data + item->offset, item->size)) = (uint32_t)i + 1;
    }
    return ST_OK;
}

static enum status find(struct contents *contents, struct contents_list *list, uint32_t what,
                        struct slice text, int32_t *ret, struct error *err)
{
    struct contents_item item = {
        .hash = XXH3_64bits_withSeed(text.data, text.size, contents->seed + what),
        .offset = (uint32_t)contents->bytes.size,
        .size = (uint32_t)text.size,
        .what = what,
        .parent = CONTENTS_NONE,
        .product = CONTENTS_NONE,
        .host = CONTENTS_NONE,
        .user = CONTENTS_NONE,
        .first_unix_ns = UINT64_MAX};
    enum status st = ST_OK;

    *ret = CONTENTS_NONE;
    if (text.size == 0)
        return ST_OK;
    if (list->capacity > 0 && text.size <= CONTENTS_TEXT_SIZE_MAX) {
        uint32_t slot = *find_slot(contents, list, &item, text);
        if (slot > 0) {
            *ret = (int32_t)(slot - 1);
            return ST_OK;
        }
    }
    if (list->count >= list->max || text.size > CONTENTS_TEXT_SIZE_MAX) {
        list->is_full = true;
        return ST_OK;
    }
    if (list->count == list->capacity)
        st = grow(contents, list, err);
    if (st == ST_OK)
        st = buf_append(&contents->bytes, text.data, text.size, err);
    if (st != ST_OK)
        return st;
    uint32_t *slot = find_slot(contents, list, &item, text);
    list->items[list->count++] = item;
    *slot = (uint32_t)list->count;
    *ret = (int32_t)(list->count - 1);
    return ST_OK;
}

enum status contents_find_session(struct contents *contents, struct slice id, int32_t *ret,
                                  struct error *err)
{
    return find(contents, &contents->sessions, FACT_SESSION, id, ret, err);
}

enum status contents_find_text(struct contents *contents, enum store_index_fact fact,
                               struct slice text, int32_t *ret, struct error *err)
{
    return find(contents, &contents->texts, fact, text, ret, err);
}

static void count_in(struct contents_item *item, const struct contents_record *record)
{
    item->count++;
    item->denied += record->is_denied;
    item->failed += record->is_failure;
    if (record->unix_ns != 0 && record->unix_ns < item->first_unix_ns)
        item->first_unix_ns = record->unix_ns;
    if (record->unix_ns > item->last_unix_ns)
        item->last_unix_ns = record->unix_ns;
    if (item->product == CONTENTS_NONE)
        item->product = record->facts[INDEX_FACT_PRODUCT];
    if (item->host == CONTENTS_NONE)
        item->host = record->facts[INDEX_FACT_HOST];
    if (item->user == CONTENTS_NONE)
        item->user = record->facts[INDEX_FACT_USER];
}

void contents_count(struct contents *contents, const struct contents_record *record)
{
    struct contents_item *sessions = contents->sessions.items;

    for (size_t i = 0; i < INDEX_FACT_COUNT; i++) {
        if (record->facts[i] != CONTENTS_NONE)
            contents->texts.items[record->facts[i]].count++;
    }
    if (record->session != CONTENTS_NONE) {
        sessions[record->session].is_session = true;
        count_in(&sessions[record->session], record);
    }
    if (record->conversation == CONTENTS_NONE || record->conversation == record->session)
        return;
    count_in(&sessions[record->conversation], record);
    sessions[record->conversation].parent = record->session;
}

/* --- Writing --------------------------------------------------------------------------------- */

static enum status append32(struct buf *out, const uint32_t *values, size_t count,
                            struct error *err)
{
    uint8_t bytes[4];
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < count; i++) {
        le32_put(bytes, values[i]);
        st = buf_append(out, bytes, sizeof(bytes), err);
    }
    return st;
}

static enum status append64(struct buf *out, const uint64_t *values, size_t count,
                            struct error *err)
{
    uint8_t bytes[8];
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < count; i++) {
        le64_put(bytes, values[i]);
        st = buf_append(out, bytes, sizeof(bytes), err);
    }
    return st;
}

static enum status append_session(const struct contents_item *item, struct buf *out,
                                  struct error *err)
{
    const uint32_t heads[] = {item->offset,
                              item->size,
                              (uint32_t)item->parent,
                              (uint32_t)item->product,
                              (uint32_t)item->host,
                              (uint32_t)item->user,
                              item->is_session ? 0 : FLAG_CONVERSATION,
                              0};
    const uint64_t numbers[] = {item->first_unix_ns, item->last_unix_ns, item->count, item->denied,
                                item->failed};
    enum status st = append32(out, heads, COUNT_OF(heads), err);
    return st != ST_OK ? st : append64(out, numbers, COUNT_OF(numbers), err);
}

enum status contents_append(const struct contents *contents, struct buf *out, struct error *err)
{
    const uint32_t head[] = {(contents->sessions.is_full ? FLAG_MORE_SESSIONS : 0) |
                                 (contents->texts.is_full ? FLAG_MORE_TEXTS : 0),
                             (uint32_t)contents->sessions.count, (uint32_t)contents->texts.count,
                             (uint32_t)contents->bytes.size};
    enum status st = append32(out, head, COUNT_OF(head), err);

    for (size_t i = 0; st == ST_OK && i < contents->sessions.count; i++)
        st = append_session(&contents->sessions.items[i], out, err);
    for (size_t i = 0; st == ST_OK && i < contents->texts.count; i++) {
        const struct contents_item *item = &contents->texts.items[i];
        const uint32_t row[] = {item->what, item->offset, item->size, 0};
        st = append32(out, row, COUNT_OF(row), err);
        if (st == ST_OK)
            st = append64(out, &item->count, 1, err);
    }
    return st != ST_OK ? st : buf_append(out, contents->bytes.data, contents->bytes.size, err);
}

/* --- Reading --------------------------------------------------------------------------------- */

bool contents_read(struct slice bytes, struct contents_view *ret)
{
    if (bytes.size < HEAD_SIZE)
        return false;
    uint32_t flags = le32_get(bytes.data);
    struct contents_view view = {.bytes = slice_from(bytes, HEAD_SIZE),
                                 .has_all_sessions = (flags & FLAG_MORE_SESSIONS) == 0,
                                 .has_all_texts = (flags & FLAG_MORE_TEXTS) == 0,
                                 .session_count = le32_get(bytes.data + 4),
                                 .text_count = le32_get(bytes.data + 8)};
    if (view.session_count > CONTENTS_SESSIONS_MAX || view.text_count > CONTENTS_TEXTS_MAX)
        return false;
    size_t rows = view.session_count * SESSION_SIZE + view.text_count * TEXT_SIZE;
    if (view.bytes.size < rows || view.bytes.size - rows != le32_get(bytes.data + 12))
        return false;
    view.texts = slice_from(view.bytes, rows);
    *ret = view;
    return true;
}

/* Empty where it does not lie within. */
static struct slice text_at(const struct contents_view *view, const uint8_t *place)
{
    uint32_t offset = le32_get(place);
    uint32_t size = le32_get(place + 4);

    if (size == 0 || offset > view->texts.size || size > view->texts.size - offset)
        return SLICE_EMPTY;
    return slice_of(view->texts.data + offset, size);
}

static struct slice text_of(const struct contents_view *view, uint32_t number)
{
    if (number >= view->text_count)
        return SLICE_EMPTY;
    const uint8_t *row =
        view->bytes.data + view->session_count * SESSION_SIZE + (size_t)number * TEXT_SIZE;
    return text_at(view, row + 4);
}

void contents_session(const struct contents_view *view, size_t number,
                      struct store_index_session *ret)
{
    ASSERT(number < view->session_count);
    const uint8_t *row = view->bytes.data + number * SESSION_SIZE;
    uint32_t parent = le32_get(row + 8);

    *ret = (struct store_index_session){
        .id = text_at(view, row),
        .product = text_of(view, le32_get(row + 12)),
        .host = text_of(view, le32_get(row + 16)),
        .user = text_of(view, le32_get(row + 20)),
        .is_conversation = (le32_get(row + 24) & FLAG_CONVERSATION) != 0,
        .first_unix_ns = le64_get(row + 32),
        .last_unix_ns = le64_get(row + 40),
        .record_count = le64_get(row + 48),
        .denied_count = le64_get(row + 56),
        .failure_count = le64_get(row + 64),
    };
    if (parent < view->session_count)
        ret->session_id = text_at(view, view->bytes.data + (size_t)parent * SESSION_SIZE);
}

void contents_tally(const struct contents_view *view, size_t number, struct store_index_tally *ret)
{
    ASSERT(number < view->text_count);
    const uint8_t *row = view->bytes.data + view->session_count * SESSION_SIZE + number * TEXT_SIZE;
    uint32_t what = le32_get(row);

    *ret = (struct store_index_tally){
        .fact = what < INDEX_FACT_COUNT ? (enum store_index_fact)what : INDEX_FACT_KIND,
        .text = text_at(view, row + 4),
        .count = le64_get(row + 16),
    };
}
