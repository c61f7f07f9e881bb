/* SPDX-License-Identifier: Apache-2.0 */
/* deed_book.c -- see deed_book.h.
 *
 * The writer's order is what can be relied on: the line of the manifest is durable, the deed is
 * done, the record is told, and records come into the journal and into the store in the order in
 * which they were told.  So
 *
 *     a record without its line       is no state of an honest store, whatever failed;
 *     a line without its record       may be one: the record is on its way, was held back by a
 *                                     filter, lost on record, or not told before a crash.
 *
 * The record of a line stands behind all files that the manifest had closed by then, and before the
 * record of any later line.  If anything in between is gone, so may be the record.
 *
 * Records from before they named their line (agent.integrity.manifest) are known by action and
 * file alone, and an erasure was told then before it was done, also when it failed.
 */
#include "verify/deed_book.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/store_record.h"
#include "telltale/line_file.h"
#include "telltale/record_facts.h"
#include "telltale/store_manifest.h"
#include "util/clock.h"
#include "util/text_find.h"

enum {
    DEEDS_MAX = 4 << 20, /* records, and lines of the manifest */
    BASE_SIZE = STORE_FILE_NAME_SIZE,
};

/* A record. */
struct told {
    bool is_erasure, has_line, has_leaf;
    struct hash line; /* chain value */
    char base[BASE_SIZE];
    uint64_t index, sequence;
};

/* A line of the manifest. */
struct deed {
    bool is_erasure;
    struct hash line;
    char base[BASE_SIZE];
    uint64_t number, unix_ns;
    uint64_t from; /* leaf at which, or behind which, its record stands */
};

/* A file that the manifest has, or a run of such that are gone. */
struct span {
    char base[BASE_SIZE];
    uint64_t first, end; /* leaves */
    bool has_gaps;
};

struct list {
    void *items; /* owned */
    size_t count, capacity;
};

struct deed_book {
    char origin[NOTE_NAME_SIZE];
    struct text_needle needle; /* what every record about stores has */
    uint64_t lines_before;     /* of the manifest, when the verification began */
    pthread_mutex_t lock;
    /* shared, under lock */
    struct store_record *record;
    struct record_reader *reader;
    struct list told;     /* struct told */
    uint64_t own_records; /* of kind agent.integrity, about this log */
    const struct file_line *line;
    /* conclusion */
    struct manifest_chain chain;
    struct manifest_fact fact; /* large */
    struct list deeds, spans;  /* struct deed, struct span: in the order of the manifest */
    uint64_t end_index;        /* of all closed files so far */
    uint64_t number;
    bool is_compacted;
};

static enum status list_grow(struct list *list, size_t item_size, struct error *err)
{
    if (list->count < list->capacity)
        return ST_OK;
    size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
    if (capacity > DEEDS_MAX)
        return error_set(err, ST_LIMIT, "more than %zu deletions and erasures", list->capacity);
    void *items = reallocarray(list->items, capacity, item_size);
    if (items == NULL)
        return error_set(err, ST_NO_MEMORY, "keep %zu deletions and erasures", capacity);
    list->items = items;
    list->capacity = capacity;
    return ST_OK;
}

/* --- Making one ------------------------------------------------------------------------------ */

static enum status count_line(void *context, struct slice line, uint64_t number, struct error *err)
{
    (void)line;
    (void)err;
    *(uint64_t *)context = number;
    return ST_OK;
}

enum status deed_book_create(int dir_fd, const char *origin, struct deed_book **ret,
                             struct error *err)
{
    struct deed_book *book = calloc(1, sizeof(*book));

    if (book == NULL)
        return error_set(err, ST_NO_MEMORY, "look for the records of deletions");
    (void)pthread_mutex_init(&book->lock, NULL); /* cannot fail without attributes */
    (void)snprintf(book->origin, sizeof(book->origin), "%s", origin); /* a longer one is no name */
    book->needle = text_needle_of(SLICE("agent.integrity.action"), false);
    enum status st = store_record_create(&book->record, err);
    if (st == ST_OK)
        st = record_reader_create(&book->reader, err);
    if (st == ST_OK)
        st = line_file_read(&disk_io_system, dir_fd, STORE_MANIFEST_NAME, count_line,
                            &book->lines_before, NULL, err);
    if (st == ST_NOT_FOUND || st == ST_LIMIT)
        st = ST_OK; /* others tell of that */
    if (st != ST_OK) {
        deed_book_destroy(book);
        return st;
    }
    *ret = book;
    return ST_OK;
}

void deed_book_destroy(struct deed_book *book)
{
    if (book == NULL)
        return;
    store_record_destroy(book->record);
    record_reader_destroy(book->reader);
    free(book->told.items);
    free(book->deeds.items);
    free(book->spans.items);
    (void)pthread_mutex_destroy(&book->lock); /* nobody holds it */
    free(book);
}

/* --- Records --------------------------------------------------------------------------------- */

/* "<base>.jsonl" or "<base>.jsonl.zst"; false: neither. */
static bool cut_name(struct slice name, char base[BASE_SIZE])
{
    struct store_file_name parts;

    if (name.size == 0 || name.size >= BASE_SIZE || memchr(name.data, 0, name.size) != NULL)
        return false;
    memcpy(base, name.data, name.size);
    base[name.size] = 0;
    if (!store_file_name_parse(base, &parts))
        return false;
    *strstr(base, ".jsonl") = 0;
    return true;
}

static enum status add_told(struct deed_book *book, const struct record_facts *facts,
                            struct error *err)
{
    struct told told = {.is_erasure = slice_equal(facts->integrity_action, SLICE("erasure")),
                        .has_leaf = book->line->has_leaf,
                        .index = book->line->index,
                        .sequence = book->line->sequence};

    if (!told.is_erasure && !slice_equal(facts->integrity_action, SLICE("deletion")))
        return ST_OK;
    told.has_line = hash_parse_base64(facts->integrity_manifest, &told.line);
    if (!cut_name(facts->integrity_file, told.base))
        return ST_OK;
    enum status st = list_grow(&book->told, sizeof(told), err);
    if (st == ST_OK)
        ((struct told *)book->told.items)[book->told.count++] = told;
    return st;
}

/* Only the daemon's own word counts, and only about this log. */
static enum status take_record(void *context, const struct store_record_view *view,
                               struct error *err)
{
    struct deed_book *book = context;
    struct record_facts facts;

    enum status st = record_reader_set_group(book->reader, view->group, err);
    if (st == ST_OK)
        st = record_reader_read(book->reader, view->bytes, &facts, err);
    if (st == ST_CORRUPT || st == ST_LIMIT)
        return ST_OK; /* no record of ours */
    if (st != ST_OK || !slice_equal(facts.kind, SLICE("agent.integrity")) ||
        !slice_equal(facts.transport, SLICE("internal")) || facts.integrity_origin.size == 0 ||
        (book->origin[0] != 0 && !slice_equal(facts.integrity_origin, slice_of_text(book->origin))))
        return st;
    book->own_records++;
    return add_told(book, &facts, err);
}

enum status deed_book_line(void *context, const struct file_line *line, bool *ret_alone,
                           struct error *err)
{
    struct deed_book *book = context;

    (void)ret_alone;
    if (text_find(&book->needle, line->text) == NULL)
        return ST_OK;
    (void)pthread_mutex_lock(&book->lock); /* fails only if we hold it */
    book->line = line;
    enum status st = store_record_read(book->record, line->text, take_record, book, err);
    book->line = NULL;
    (void)pthread_mutex_unlock(&book->lock); /* fails only if we do not hold it */
    return st == ST_INVALID || st == ST_CORRUPT || st == ST_LIMIT ? ST_OK : st;
}

/* --- The manifest ---------------------------------------------------------------------------- */

static int compare_span(const void *base, const void *span)
{
    return strcmp(base, ((const struct span *)span)->base);
}

/* Names of files sort as they were closed.  In a manifest where they do not, one may not be found:
 * others tell of that. */
static struct span *find_span(const struct deed_book *book, const char *base)
{
    return book->spans.count == 0 ? NULL
                                  : bsearch(base, book->spans.items, book->spans.count,
                                            sizeof(struct span), compare_span);
}

static enum status add_span(struct deed_book *book, struct error *err)
{
    const struct manifest_fact *fact = &book->fact;

    enum status st = list_grow(&book->spans, sizeof(struct span), err);
    if (st != ST_OK)
        return st;
    struct span *span = (struct span *)book->spans.items + book->spans.count++;
    *span = (struct span){.first = fact->range.first,
                          .end = fact->range.end,
                          .has_gaps = fact->kind == MANIFEST_GONE};
    memcpy(span->base, fact->base, sizeof(span->base));
    if (fact->range.end > book->end_index)
        book->end_index = fact->range.end;
    return ST_OK;
}

static enum status add_deed(struct deed_book *book, struct error *err)
{
    const struct manifest_fact *fact = &book->fact;
    struct span *span = find_span(book, fact->base);

    if (span != NULL)
        span->has_gaps = true;
    enum status st = list_grow(&book->deeds, sizeof(struct deed), err);
    if (st != ST_OK)
        return st;
    struct deed *deed = (struct deed *)book->deeds.items + book->deeds.count++;
    *deed = (struct deed){.is_erasure = fact->kind == MANIFEST_REWRITTEN,
                          .line = book->chain.value,
                          .number = book->number,
                          .unix_ns = fact->unix_ns,
                          .from = book->end_index};
    memcpy(deed->base, fact->base, sizeof(deed->base));
    return ST_OK;
}

/* Whether the chain holds is for others to say. */
static enum status take_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct deed_book *book = context;

    book->number = number;
    enum status st = manifest_read_line(line, &book->chain, &book->fact, err);
    if (st != ST_OK && st != ST_CORRUPT)
        return st == ST_INVALID ? ST_OK : st;
    switch (book->fact.kind) {
    case MANIFEST_CLOSED:
    case MANIFEST_GONE:
        return add_span(book, err);
    case MANIFEST_REWRITTEN:
    case MANIFEST_DELETED:
        return add_deed(book, err);
    case MANIFEST_COMPACTED:
        book->is_compacted = true;
        return ST_OK;
    default:
        return ST_OK;
    }
}

/* --- One beside the other --------------------------------------------------------------------- */

/* Those that name their line by that, the others by what they tell of. */
static int compare_told(const void *a, const void *b)
{
    const struct told *x = a;
    const struct told *y = b;
    int order = (int)x->has_line - (int)y->has_line;

    if (order == 0)
        order = (int)x->is_erasure - (int)y->is_erasure;
    if (order == 0)
        order = x->has_line ? memcmp(x->line.bytes, y->line.bytes, HASH_SIZE) : 0;
    return order != 0 ? order : strcmp(x->base, y->base);
}

/* By line, or, `is_old`, by what it tells of; NULL: there is none. */
static const struct told *find_told(const struct deed_book *book, const struct deed *deed,
                                    bool is_old)
{
    struct told key = {.is_erasure = deed->is_erasure, .has_line = !is_old, .line = deed->line};

    memcpy(key.base, deed->base, sizeof(key.base));
    return book->told.count == 0 ? NULL
                                 : bsearch(&key, book->told.items, book->told.count,
                                           sizeof(struct told), compare_told);
}

static int compare_deed_to_told(const void *told, const void *deed)
{
    const struct deed *have = deed;
    struct told key = {.is_erasure = have->is_erasure, .has_line = true, .line = have->line};

    memcpy(key.base, have->base, sizeof(key.base));
    return compare_told(told, &key);
}

static int compare_deeds(const void *a, const void *b)
{
    const struct deed *have = a;
    struct told key = {.is_erasure = have->is_erasure, .has_line = true, .line = have->line};

    memcpy(key.base, have->base, sizeof(key.base));
    return compare_deed_to_told(&key, b);
}

static int compare_numbers(const void *a, const void *b)
{
    const struct deed *x = a;
    const struct deed *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static void tell_unknown(const struct told *told, struct verify_report *report)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_COMPLETE, VERIFY_NO, STORE_MANIFEST_NAME,
                       "does not have the %s in %s that record %" PRIu64
                       " of the store tells of: a line was changed or taken out",
                       told->is_erasure ? "erasure" : "deletion", told->base, told->sequence);
    finding.has_index = told->has_leaf;
    finding.index = told->index;
    verify_report_add(report, &finding);
}

/* Records that name a line which is not there.  The deeds are sorted by line meanwhile. */
static void look_at_records(struct deed_book *book, struct verify_report *report)
{
    const struct told *all = book->told.items;
    const struct told *before = NULL;

    if (book->deeds.count > 0)
        qsort(book->deeds.items, book->deeds.count, sizeof(struct deed), compare_deeds);
    for (size_t i = 0; i < book->told.count; i++) {
        const struct told *told = &all[i];
        /* Without the log's name others' stores are not told from this one. */
        if (!told->has_line || !told->has_leaf || book->is_compacted || book->origin[0] == 0 ||
            (before != NULL && compare_told(before, told) == 0))
            continue;
        before = told;
        if (book->deeds.count == 0 || bsearch(told, book->deeds.items, book->deeds.count,
                                              sizeof(struct deed), compare_deed_to_told) == NULL)
            tell_unknown(told, report);
    }
    if (book->deeds.count > 0)
        qsort(book->deeds.items, book->deeds.count, sizeof(struct deed), compare_numbers);
}

/* Whether anything from leaf `first` to before `end` is gone. */
static bool has_gap(const struct deed_book *book, uint64_t first, uint64_t end)
{
    const struct span *spans = book->spans.items;
    size_t low = 0, high = book->spans.count;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (spans[at].end <= first)
            low = at + 1;
        else
            high = at;
    }
    for (; low < book->spans.count && spans[low].first < end; low++) {
        if (spans[low].has_gaps)
            return true;
    }
    return false;
}

static void tell_missing(const struct deed *deed, struct verify_report *report)
{
    struct verify_finding finding;
    char time[32] = "";
    struct tm parts;
    time_t unix_s = (time_t)(deed->unix_ns / NS_PER_S);

    if (gmtime_r(&unix_s, &parts) != NULL)
        (void)strftime(time, sizeof(time), "%FT%TZ", &parts); /* fits, or stays empty */
    verify_finding_set(&finding, VERIFY_COMPLETE, VERIFY_CANNOT, STORE_MANIFEST_NAME,
                       "%s in %s, %s: no record tells of it, and all that one could stand in is "
                       "there: it is on its way, was lost or held back, or this was not the "
                       "store's own deed",
                       deed->is_erasure ? "erasure" : "deletion", deed->base, time);
    finding.has_line = true;
    finding.line = deed->number;
    finding.has_index = true;
    finding.index = deed->from;
    verify_report_add(report, &finding);
}

/* Lines without their record.  The deeds are in the order of the manifest. */
static void look_at_lines(struct deed_book *book, struct verify_report *report)
{
    struct deed *deeds = book->deeds.items;
    uint64_t gone = 0;
    uint64_t unasked = 0;
    uint64_t until = UINT64_MAX; /* the first record of a later line */

    for (size_t i = book->deeds.count; i > 0; i--) {
        struct deed *deed = &deeds[i - 1];
        const struct told *told = find_told(book, deed, false);
        const struct span *span = find_span(book, deed->base);
        if (span != NULL && span->end > deed->from)
            deed->from = span->end; /* nobody deletes what is not closed */
        if (told != NULL && told->has_leaf && told->index < until)
            until = told->index;
        if (told == NULL)
            told = find_told(book, deed, true);
        if (told != NULL || deed->number > book->lines_before)
            continue;
        if (book->own_records == 0)
            unasked++;
        else if (has_gap(book, deed->from, until))
            gone++;
        else
            tell_missing(deed, report);
    }
    if (unasked > 0)
        verify_report_say(report, VERIFY_COMPLETE, VERIFY_CANNOT, STORE_MANIFEST_NAME,
                          "has %" PRIu64 " deletions and erasures, and the store has no record of "
                          "its own about itself: a filter holds them back, or they are gone",
                          unasked);
    if (gone > 0)
        verify_report_say(report, VERIFY_COMPLETE, VERIFY_YES, STORE_MANIFEST_NAME,
                          "the records of %" PRIu64 " deletions and erasures may be among those "
                          "that are gone: they are believed",
                          gone);
}

enum status deed_book_conclude(struct deed_book *book, int dir_fd, struct verify_report *report,
                               struct error *err)
{
    enum status st =
        line_file_read(&disk_io_system, dir_fd, STORE_MANIFEST_NAME, take_fact, book, NULL, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_LIMIT && book->deeds.count < DEEDS_MAX && book->spans.count < DEEDS_MAX)
        st = ST_OK; /* a line that is too long: others tell of that */
    if (st != ST_OK)
        return st;
    if (book->told.count > 0)
        qsort(book->told.items, book->told.count, sizeof(struct told), compare_told);
    look_at_records(book, report);
    look_at_lines(book, report);
    return ST_OK;
}
