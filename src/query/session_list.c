/* SPDX-License-Identifier: Apache-2.0 */
/* session_list.c -- see session_list.h.
 *
 * A hash table of rows by id.  Texts are copied once, into blocks that do not move; names are few,
 * and the same one is kept once a row at most. */
#include "query/session_list.h"

#include <stdlib.h>

#include "query/lookup.h"
#include "util/random.h"

enum { BLOCK_SIZE = 1 << 20, SLOTS_FIRST = 1024 };

struct row {
    struct session_row said;
    struct slice parent; /* of a conversation: the session that its last record names */
    bool is_session;
};

struct block {
    struct block *before;
    size_t used;
    uint8_t bytes[BLOCK_SIZE];
};

struct session_list {
    struct row *rows; /* owned */
    size_t count, capacity;
    uint32_t *slots; /* owned: number of the row + 1; a power of two, twice as many as rows */
    size_t slot_count;
    struct block *blocks; /* owned */
    uint64_t left_out;
    uint64_t seed;
};

enum status session_list_create(struct session_list **ret, struct error *err)
{
    *ret = calloc(1, sizeof(**ret));
    if (*ret == NULL)
        return error_set(err, ST_NO_MEMORY, "a list of sessions");
    (*ret)->seed = random_bits();
    return ST_OK;
}

void session_list_destroy(struct session_list *list)
{
    if (list == NULL)
        return;
    while (list->blocks != NULL) {
        struct block *before = list->blocks->before;
        free(list->blocks);
        list->blocks = before;
    }
    free(list->rows);
    free(list->slots);
    free(list);
}

static enum status keep(struct session_list *list, struct slice text, struct slice *ret,
                        struct error *err)
{
    struct block *block = list->blocks;

    if (block == NULL || BLOCK_SIZE - block->used < text.size) {
        block = malloc(sizeof(*block));
        if (block == NULL)
            return error_set(err, ST_NO_MEMORY, "names of sessions");
        block->before = list->blocks;
        block->used = 0;
        list->blocks = block;
    }
    memcpy(block->bytes + block->used, text.data, text.size);
    *ret = slice_of(block->bytes + block->used, text.size);
    block->used += text.size;
    return ST_OK;
}

/* --- Finding a row --------------------------------------------------------------------------- */

/* Ids are chosen by agents, which do not know the seed. */
static uint64_t hash_of(const struct session_list *list, struct slice text)
{
    uint64_t hash = list->seed;

    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

static uint32_t *find_slot(const struct session_list *list, struct slice id)
{
    for (uint64_t at = hash_of(list, id);; at++) {
        uint32_t *slot = &list->slots[at & (list->slot_count - 1)];
        if (*slot == 0 || slice_equal(list->rows[*slot - 1].said.id, id))
            return slot;
    }
}

static enum status grow(struct session_list *list, struct error *err)
{
    size_t capacity = list->capacity > 0 ? 2 * list->capacity : SLOTS_FIRST / 2;
    struct row *rows = reallocarray(list->rows, capacity, sizeof(*rows));

    if (rows == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu sessions", capacity);
    list->rows = rows;
    uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
    if (slots == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu sessions", capacity);
    free(list->slots);
    list->slots = slots;
    list->slot_count = 2 * capacity;
    list->capacity = capacity;
    for (size_t i = 0; i < list->count; i++)
        *find_slot(list, rows[i].said.id) = (uint32_t)(i + 1);
    return ST_OK;
}

/* *ret NULL: there is no room for it, or it is none. */
static enum status find(struct session_list *list, struct slice id, struct row **ret,
                        struct error *err)
{
    enum status st = ST_OK;

    *ret = NULL;
    if (id.size == 0)
        return ST_OK;
    if (id.size > SESSION_TEXT_SIZE_MAX) {
        list->left_out++;
        return ST_OK;
    }
    if (list->count == list->capacity && list->count < SESSION_LIST_MAX)
        st = grow(list, err);
    if (st != ST_OK)
        return st;
    uint32_t *slot = find_slot(list, id);
    if (*slot == 0) {
        if (list->count == SESSION_LIST_MAX) {
            list->left_out++;
            return ST_OK;
        }
        struct row row = {.is_session = false};
        st = keep(list, id, &row.said.id, err);
        if (st != ST_OK)
            return st;
        list->rows[list->count++] = row;
        *slot = (uint32_t)list->count;
    }
    ASSERT(list->rows != NULL); /* a slot that is taken has its row */
    *ret = &list->rows[*slot - 1];
    return ST_OK;
}

/* --- Adding ---------------------------------------------------------------------------------- */

static enum status keep_first(struct session_list *list, struct slice text, struct slice *known,
                              struct error *err)
{
    if (known->size > 0 || text.size == 0 || text.size > SESSION_TEXT_SIZE_MAX)
        return ST_OK;
    return keep(list, text, known, err);
}

/* Counts `more`, of records that came behind all that were counted for the row. */
static enum status count_in(struct session_list *list, struct row *row,
                            const struct session_row *more, struct error *err)
{
    struct session_row *sum = &row->said;

    sum->record_count += more->record_count;
    sum->denied_count += more->denied_count;
    sum->failure_count += more->failure_count;
    if (more->first_unix_ns != 0 &&
        (sum->first_unix_ns == 0 || more->first_unix_ns < sum->first_unix_ns))
        sum->first_unix_ns = more->first_unix_ns;
    if (more->last_unix_ns > sum->last_unix_ns)
        sum->last_unix_ns = more->last_unix_ns;
    enum status st = keep_first(list, more->product, &sum->product, err);
    if (st == ST_OK)
        st = keep_first(list, more->host, &sum->host, err);
    return st == ST_OK ? keep_first(list, more->user, &sum->user, err) : st;
}

static enum status count_conversation(struct session_list *list, struct slice id,
                                      struct slice session, const struct session_row *more,
                                      struct error *err)
{
    struct slice parent = SLICE_EMPTY;
    struct row *row;

    enum status st = find(list, session, &row, err);
    if (st == ST_OK && row != NULL)
        parent = row->said.id;
    if (st == ST_OK)
        st = find(list, id, &row, err);
    if (st != ST_OK || row == NULL)
        return st;
    row->parent = parent;
    return count_in(list, row, more, err);
}

static struct slice host_of(const struct field_record *record)
{
    struct slice host = lookup_resource_text(record->group, "host.name");

    return host.size > 0 ? host : lookup_text(record->view, "host.name");
}

static struct slice user_of(const struct record_view *view)
{
    static const char *const keys[] = {"user.email", "user.name", "user.id", "process.user.name"};
    struct slice user = SLICE_EMPTY;

    for (size_t i = 0; i < COUNT_OF(keys) && user.size == 0; i++)
        user = lookup_text(view, keys[i]);
    return user;
}

enum status session_list_add(struct session_list *list, const struct field_record *record,
                             struct error *err)
{
    const struct record_view *view = record->view;
    struct slice id = lookup_text(view, "session.id");
    struct slice conversation = lookup_text(view, "gen_ai.conversation.id");
    struct slice outcome = lookup_text(view, "agent.outcome");
    const struct session_row more = {
        .product = lookup_text(view, "agent.product"),
        .host = host_of(record),
        .user = user_of(view),
        .first_unix_ns = lookup_time(view),
        .last_unix_ns = lookup_time(view),
        .record_count = 1,
        .denied_count = slice_equal(outcome, SLICE("denied")),
        .failure_count = slice_equal(outcome, SLICE("failure")),
    };
    struct row *row;

    enum status st = find(list, id, &row, err);
    if (st == ST_OK && row != NULL) {
        row->is_session = true;
        st = count_in(list, row, &more, err);
    }
    if (st == ST_OK && !slice_equal(id, conversation))
        st = count_conversation(list, conversation, id, &more, err);
    return st;
}

enum status session_list_add_index(struct session_list *list, const struct store_index *index,
                                   struct error *err)
{
    struct store_index_session said;
    enum status st = ST_OK;
    struct row *row;

    for (size_t i = 0; st == ST_OK && i < store_index_session_count(index); i++) {
        store_index_session(index, i, &said);
        const struct session_row more = {
            .product = said.product,
            .host = said.host,
            .user = said.user,
            .first_unix_ns = said.first_unix_ns <= said.last_unix_ns ? said.first_unix_ns : 0,
            .last_unix_ns = said.first_unix_ns <= said.last_unix_ns ? said.last_unix_ns : 0,
            .record_count = said.record_count,
            .denied_count = said.denied_count,
            .failure_count = said.failure_count,
        };
        if (said.record_count == 0)
            continue; /* another record names it as its parent */
        if (said.is_conversation) {
            st = count_conversation(list, said.id, said.session_id, &more, err);
            continue;
        }
        st = find(list, said.id, &row, err);
        if (st == ST_OK && row != NULL) {
            row->is_session = true;
            st = count_in(list, row, &more, err);
        }
    }
    return st;
}

/* --- Reading --------------------------------------------------------------------------------- */

static int by_last(const void *left, const void *right)
{
    const struct session_row *a = &((const struct row *)left)->said;
    const struct session_row *b = &((const struct row *)right)->said;

    if (a->last_unix_ns != b->last_unix_ns)
        return a->last_unix_ns > b->last_unix_ns ? -1 : 1;
    size_t shorter = a->id.size < b->id.size ? a->id.size : b->id.size;
    int order = memcmp(a->id.data, b->id.data, shorter);
    return order != 0 ? order : (a->id.size > b->id.size) - (a->id.size < b->id.size);
}

size_t session_list_finish(struct session_list *list, uint64_t *ret_left_out)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct row *row = &list->rows[i];
        if (row->said.record_count > 0 && (row->is_session || row->parent.size == 0))
            list->rows[kept++] = *row;
    }
    list->count = kept;
    if (kept > 0)
        qsort(list->rows, kept, sizeof(*list->rows), by_last);
    *ret_left_out = list->left_out;
    return kept;
}

void session_list_row(const struct session_list *list, size_t number, struct session_row *ret)
{
    ASSERT(number < list->count);
    *ret = list->rows[number].said;
}
