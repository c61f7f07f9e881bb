/* SPDX-License-Identifier: Apache-2.0 */
/* witness_log.c -- see witness_log.h.  What its file (log_files.h) has behind the origin:
 *
 *     <the three ranges, as tree_growth.h writes them>
 *     <size of the note that was sent> <size of the newest>
 *     <the one><the other>
 */
#include "witness_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char head[] = "telltale-witness 1";

static void forget(struct witness_log *log)
{
    merkle_range_init(&log->witnessed, 0);
    merkle_range_init(&log->sent, 0);
    merkle_range_init(&log->since, 0);
    buf_clear(&log->sent_note);
    buf_clear(&log->newest_note);
    log->growth.count = 0;
}

void witness_log_init(struct witness_log *log)
{
    log->origin[0] = 0;
    buf_init(&log->sent_note, SHOWN_NOTE_MAX);
    buf_init(&log->newest_note, SHOWN_NOTE_MAX);
    forget(log);
}

void witness_log_fini(struct witness_log *log)
{
    buf_fini(&log->sent_note);
    buf_fini(&log->newest_note);
}

/* --- The file --------------------------------------------------------------------------------- */

/* "SENT NEWEST". */
static bool read_sizes(const char *text, size_t *ret_sent, size_t *ret_newest)
{
    char *end;

    *ret_sent = strtoul(text, &end, 10);
    if (end == text || *end != ' ')
        return false;
    text = end + 1;
    *ret_newest = strtoul(text, &end, 10);
    return end != text && *end == 0;
}

/* ST_INVALID: it is not of this version. */
static enum status parse(void *context, struct slice text, struct error *err)
{
    struct witness_log *log = context;
    struct slice ranges, sizes;
    char line[64];
    size_t sent, newest;

    if (!log_files_take_line(&text, &ranges) || !log_files_take_line(&text, &sizes) ||
        sizes.size >= sizeof(line))
        return error_set(err, ST_INVALID, "it is cut off");
    memcpy(line, sizes.data, sizes.size);
    line[sizes.size] = 0;
    enum status st = tree_growth_read(ranges, &log->growth, err);
    if (st != ST_OK || log->growth.count != 3 || !read_sizes(line, &sent, &newest) ||
        sent > text.size || newest != text.size - sent)
        return error_set(err, ST_INVALID, "it is not of this version");
    log->witnessed = log->growth.steps[0];
    log->sent = log->growth.steps[1];
    log->since = log->growth.steps[2];
    log->growth.count = 0;
    st = buf_append(&log->sent_note, text.data, sent, err);
    return st == ST_OK ? buf_append(&log->newest_note, text.data + sent, newest, err) : st;
}

enum status witness_log_open(struct witness_log *log, const struct log_files *files,
                             const char *origin, struct error *err)
{
    bool is_known;

    forget(log);
    (void)snprintf(log->origin, sizeof(log->origin), "%s", origin); /* fits */
    enum status st = log_files_read(files, head, origin, parse, log, &is_known, err);
    if (st == ST_OK && !is_known)
        forget(log); /* the witness says what it has */
    return st;
}

static enum status put(const struct witness_log *log, struct buf *out, struct error *err)
{
    char sizes[64];
    struct tree_growth *ranges = malloc(sizeof(*ranges));

    if (ranges == NULL)
        return error_set(err, ST_NO_MEMORY, "write what a witness has");
    ranges->count = 3;
    ranges->steps[0] = log->witnessed;
    ranges->steps[1] = log->sent;
    ranges->steps[2] = log->since;
    enum status st = tree_growth_put(ranges, out, err);
    free(ranges);
    int size =
        snprintf(sizes, sizeof(sizes), "\n%zu %zu\n", log->sent_note.size, log->newest_note.size);
    if (st == ST_OK)
        st = buf_append(out, sizes, (size_t)size, err);
    if (st == ST_OK)
        st = buf_append(out, log->sent_note.data, log->sent_note.size, err);
    return st == ST_OK ? buf_append(out, log->newest_note.data, log->newest_note.size, err) : st;
}

enum status witness_log_save(const struct witness_log *log, const struct log_files *files,
                             struct error *err)
{
    struct buf text;

    buf_init(&text, LOG_FILE_SIZE_MAX);
    enum status st = put(log, &text, err);
    if (st == ST_OK)
        st = log_files_write(files, head, log->origin, buf_slice(&text), err);
    buf_fini(&text);
    return st == ST_OK ? ST_OK : error_context(err, "keep what the witness has");
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void join(struct merkle_range *range, const struct merkle_range *next)
{
    struct error err;

    enum status st = merkle_range_append(range, next, &err);
    ASSERT(st == ST_OK); /* they lie side by side */
}

static enum status replace(struct buf *note, struct slice bytes, struct error *err)
{
    enum status st = buf_reserve(note, bytes.size > note->size ? bytes.size - note->size : 0, err);

    if (st != ST_OK)
        return st;
    buf_clear(note);
    buf_append_reserved(note, bytes.data, bytes.size);
    return ST_OK;
}

enum status witness_log_take(struct witness_log *log, const struct tree_growth *growth,
                             struct slice note, bool *ret_is_news, struct error *err)
{
    uint64_t size = tree_growth_size(growth);
    struct merkle_range more;
    size_t before;

    *ret_is_news = size > log->since.end;
    if (size >= log->since.end)
        log->growth = *growth;
    if (!*ret_is_news)
        return ST_OK;
    enum status st = replace(&log->newest_note, note, err);
    if (st != ST_OK)
        return st;
    if (log->since.end == 0) {
        tree_growth_join(growth, 0, growth->count, &log->since);
    } else if (tree_growth_meets(growth, log->since.end, &before)) {
        tree_growth_join(growth, before, growth->count, &more);
        join(&log->since, &more);
    } else {
        merkle_range_init(&log->witnessed, 0);
        merkle_range_init(&log->sent, 0);
        buf_clear(&log->sent_note);
        tree_growth_join(growth, 0, growth->count, &log->since);
    }
    return ST_OK;
}

enum status witness_log_choose(struct witness_log *log, struct error *err)
{
    if (log->sent_note.size > 0)
        return ST_OK;
    enum status st = replace(&log->sent_note, buf_slice(&log->newest_note), err);
    if (st != ST_OK)
        return st;
    join(&log->sent, &log->since);
    merkle_range_init(&log->since, log->sent.end);
    buf_clear(&log->newest_note);
    return ST_OK;
}

void witness_log_settle(struct witness_log *log)
{
    join(&log->witnessed, &log->sent);
    merkle_range_init(&log->sent, log->witnessed.end);
    buf_clear(&log->sent_note);
}

enum status witness_log_go_to(struct witness_log *log, uint64_t size, struct error *err)
{
    size_t before;

    if (size == log->sent.end) {
        join(&log->witnessed, &log->sent);
        merkle_range_init(&log->sent, size);
        return ST_OK;
    }
    if (size == 0) {
        join(&log->witnessed, &log->sent);
        log->sent = log->witnessed;
        merkle_range_init(&log->witnessed, 0);
        return ST_OK;
    }
    if (size > log->since.end)
        return error_set(err, ST_NOT_FOUND,
                         "the witness has size %" PRIu64 " of this log, and the newest here is "
                         "%" PRIu64 ": the log was set back, or two are written with its keys",
                         size, log->since.end);
    if (log->growth.count == 0 || !tree_growth_meets(&log->growth, size, &before) ||
        before == log->growth.count)
        return error_set(err, ST_NOT_FOUND,
                         "the witness has size %" PRIu64
                         " of this log, and how the tree grew from there on is not known any more",
                         size);
    uint64_t end = log->since.end;
    tree_growth_join(&log->growth, 0, before, &log->witnessed);
    tree_growth_join(&log->growth, before, log->growth.count, &log->sent);
    if (log->newest_note.size > 0) {
        enum status st = replace(&log->sent_note, buf_slice(&log->newest_note), err);
        if (st != ST_OK)
            return st;
        buf_clear(&log->newest_note);
    }
    ASSERT(log->sent.end == end);
    merkle_range_init(&log->since, end);
    return ST_OK;
}
