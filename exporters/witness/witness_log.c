/* SPDX-License-Identifier: Apache-2.0 */
/* witness_log.c -- see witness_log.h.  The file:
 *
 *     telltale-witness 1
 *     <origin>
 *     <the three ranges, as tree_growth.h writes them>
 *     <size of the note that was sent> <size of the newest>
 *     <the one><the other>
 *     <SHA-256 of all that, base64>
 */
#include "witness_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 128 << 10, NAME_SIZE = 32, ORIGIN_HASH_BYTES = 8 };

#define HEAD SLICE("telltale-witness 1\n")

static void forget(struct witness_log *log)
{
    merkle_range_init(&log->witnessed, 0);
    merkle_range_init(&log->sent, 0);
    merkle_range_init(&log->since, 0);
    buf_clear(&log->sent_note);
    buf_clear(&log->newest_note);
    log->growth.count = 0;
    log->due_ns = 0;
    log->told_status = 0;
}

void witness_log_init(struct witness_log *log)
{
    log->origin[0] = 0;
    log->used = 0;
    buf_init(&log->sent_note, WITNESS_NOTE_MAX);
    buf_init(&log->newest_note, WITNESS_NOTE_MAX);
    forget(log);
}

void witness_log_fini(struct witness_log *log)
{
    buf_fini(&log->sent_note);
    buf_fini(&log->newest_note);
}

/* --- The file --------------------------------------------------------------------------------- */

/* An origin may hold whatever a name of a key may. */
static void name_of(const char *origin, char out[NAME_SIZE])
{
    struct hash hash = hash_bytes(slice_of_text(origin));

    for (size_t i = 0; i < ORIGIN_HASH_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash.bytes[i]);
    (void)snprintf(out + (size_t)2 * ORIGIN_HASH_BYTES, 8, ".log"); /* fits */
}

static bool take_line(struct slice *text, struct slice *ret)
{
    const uint8_t *end = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;

    if (end == NULL)
        return false;
    *ret = slice_of(text->data, (size_t)(end - text->data));
    *text = slice_from(*text, ret->size + 1);
    return true;
}

static bool take_hash(struct slice *text)
{
    enum { TAIL = HASH_BASE64_SIZE + 1 };
    struct hash said;

    if (text->size < TAIL || text->data[text->size - 1] != '\n' ||
        !hash_parse_base64(slice_of(text->data + text->size - TAIL, HASH_BASE64_SIZE), &said))
        return false;
    text->size -= TAIL;
    struct hash found = hash_bytes(*text);
    return hash_equal(&said, &found);
}

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

/* ST_INVALID: it is damaged, or of another log. */
static enum status parse(struct witness_log *log, struct slice text, struct error *err)
{
    struct slice origin, ranges, sizes;
    char line[64];
    size_t sent, newest;

    if (!take_hash(&text) || !slice_starts_with(text, HEAD))
        return error_set(err, ST_INVALID, "it is damaged");
    text = slice_from(text, HEAD.size);
    if (!take_line(&text, &origin) || !slice_equal(origin, slice_of_text(log->origin)) ||
        !take_line(&text, &ranges) || !take_line(&text, &sizes) || sizes.size >= sizeof(line))
        return error_set(err, ST_INVALID, "it is of another log");
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

static enum status read_file(struct witness_log *log, const struct disk_io *io, int fd,
                             struct error *err)
{
    size_t size;
    uint8_t *data = malloc(FILE_SIZE_MAX);

    if (data == NULL)
        return error_set(err, ST_NO_MEMORY, "read what a witness has");
    enum status st = disk_read(io, fd, data, FILE_SIZE_MAX, 0, &size, err);
    if (st == ST_OK)
        st = parse(log, slice_of(data, size), err);
    free(data);
    return st;
}

enum status witness_log_open(struct witness_log *log, const struct disk_io *io, int dir_fd,
                             const char *origin, struct error *err)
{
    char name[NAME_SIZE];

    forget(log);
    (void)snprintf(log->origin, sizeof(log->origin), "%s", origin); /* fits */
    name_of(origin, name);
    int fd = io->open_at(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0 && errno == ENOENT)
        return ST_OK;
    enum status st =
        fd < 0 ? error_set_errno(err, ST_IO, "open '%s'", name) : read_file(log, io, fd, err);
    if (fd >= 0)
        (void)close(fd); /* only read from */
    if (st == ST_INVALID || st == ST_LIMIT) {
        forget(log); /* the witness says what it has */
        st = ST_OK;
    }
    if (st != ST_OK)
        log->origin[0] = 0;
    return st;
}

static enum status put(const struct witness_log *log, struct buf *out, struct error *err)
{
    char sizes[64];
    char hash_text[HASH_BASE64_SIZE + 1];
    struct tree_growth *ranges = malloc(sizeof(*ranges));

    if (ranges == NULL)
        return error_set(err, ST_NO_MEMORY, "write what a witness has");
    ranges->count = 3;
    ranges->steps[0] = log->witnessed;
    ranges->steps[1] = log->sent;
    ranges->steps[2] = log->since;
    enum status st = buf_append(out, HEAD.data, HEAD.size, err);
    if (st == ST_OK)
        st = buf_append(out, log->origin, strlen(log->origin), err);
    if (st == ST_OK)
        st = buf_append(out, "\n", 1, err);
    if (st == ST_OK)
        st = tree_growth_put(ranges, out, err);
    free(ranges);
    int size =
        snprintf(sizes, sizeof(sizes), "\n%zu %zu\n", log->sent_note.size, log->newest_note.size);
    if (st == ST_OK)
        st = buf_append(out, sizes, (size_t)size, err);
    if (st == ST_OK)
        st = buf_append(out, log->sent_note.data, log->sent_note.size, err);
    if (st == ST_OK)
        st = buf_append(out, log->newest_note.data, log->newest_note.size, err);
    if (st != ST_OK)
        return st;
    struct hash hash = hash_bytes(buf_slice(out));
    hash_format_base64(&hash, hash_text);
    hash_text[HASH_BASE64_SIZE] = '\n';
    return buf_append(out, hash_text, sizeof(hash_text), err);
}

enum status witness_log_save(const struct witness_log *log, const struct disk_io *io, int dir_fd,
                             struct error *err)
{
    char name[NAME_SIZE];
    struct buf text;

    name_of(log->origin, name);
    buf_init(&text, FILE_SIZE_MAX);
    enum status st = put(log, &text, err);
    if (st == ST_OK)
        st = disk_publish(io, dir_fd, name, text.data, text.size, err);
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
    log->told_status = 0;
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
