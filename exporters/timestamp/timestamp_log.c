/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_log.c -- see timestamp_log.h.  What its file (log_files.h) has behind the origin:
 *
 *     <newest size> <stamped size> <asked> <answered: 0 or 1> <time of the token>
 *     <signer>
 *     <bytes of the newest checkpoint> <of the stamped one> <of the token>
 *     <the three>
 */
#include "timestamp_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = 5, LINE_SIZE = 128 };

static const char head[] = "telltale-timestamp 1";

static void forget(struct timestamp_log *log)
{
    buf_clear(&log->newest);
    buf_clear(&log->stamped);
    buf_clear(&log->token);
    log->newest_size = log->stamped_size = log->asked_unix_s = log->token_unix_s = 0;
    log->is_answered = log->is_told = false;
    log->tell_due_ns = 0;
    log->failures = 0;
    log->signer[0] = 0;
}

void timestamp_log_init(struct timestamp_log *log)
{
    log->origin[0] = 0;
    buf_init(&log->newest, SHOWN_NOTE_MAX + 1); /* with a NUL, where it is told */
    buf_init(&log->stamped, SHOWN_NOTE_MAX + 1);
    buf_init(&log->token, TIMESTAMP_TOKEN_TEXT_MAX + 1);
    forget(log);
}

void timestamp_log_fini(struct timestamp_log *log)
{
    buf_fini(&log->newest);
    buf_fini(&log->stamped);
    buf_fini(&log->token);
}

/* --- The file --------------------------------------------------------------------------------- */

/* A line of numbers, with one space between them. */
static bool read_numbers(struct slice *text, uint64_t *ret, size_t count)
{
    struct slice line;
    char copy[LINE_SIZE];
    char *at = copy;

    if (!log_files_take_line(text, &line) || line.size >= sizeof(copy))
        return false;
    memcpy(copy, line.data, line.size);
    copy[line.size] = 0;
    for (size_t i = 0; i < count; i++) {
        char *end;
        ret[i] = strtoumax(at, &end, 10);
        if (end == at || *end != (i + 1 < count ? ' ' : 0))
            return false;
        at = end + 1;
    }
    return true;
}

/* ST_INVALID: it is not of this version. */
static enum status parse(void *context, struct slice text, struct error *err)
{
    struct timestamp_log *log = context;
    uint64_t numbers[NUMBERS_MAX], sizes[3];
    struct slice signer;

    if (!read_numbers(&text, numbers, NUMBERS_MAX) || !log_files_take_line(&text, &signer) ||
        signer.size >= sizeof(log->signer) || !read_numbers(&text, sizes, COUNT_OF(sizes)) ||
        sizes[0] > SHOWN_NOTE_MAX || sizes[1] > SHOWN_NOTE_MAX ||
        sizes[2] > TIMESTAMP_TOKEN_TEXT_MAX || sizes[0] + sizes[1] + sizes[2] != text.size)
        return error_set(err, ST_INVALID, "it is not of this version");
    log->newest_size = numbers[0];
    log->stamped_size = numbers[1];
    log->asked_unix_s = numbers[2];
    log->is_answered = numbers[3] != 0;
    log->token_unix_s = numbers[4];
    memcpy(log->signer, signer.data, signer.size);
    log->signer[signer.size] = 0;
    enum status st = buf_append(&log->newest, text.data, sizes[0], err);
    if (st == ST_OK)
        st = buf_append(&log->stamped, text.data + sizes[0], sizes[1], err);
    return st == ST_OK ? buf_append(&log->token, text.data + sizes[0] + sizes[1], sizes[2], err)
                       : st;
}

enum status timestamp_log_open(struct timestamp_log *log, const struct log_files *files,
                               const char *origin, struct error *err)
{
    bool is_known;

    forget(log);
    (void)snprintf(log->origin, sizeof(log->origin), "%s", origin); /* fits */
    enum status st = log_files_read(files, head, origin, parse, log, &is_known, err);
    if (st == ST_OK && !is_known)
        forget(log); /* the next checkpoint is stamped */
    return st;
}

static enum status put(const struct timestamp_log *log, struct buf *out, struct error *err)
{
    char lines[2 * LINE_SIZE + TIMESTAMP_SIGNER_SIZE];

    int size = snprintf(lines, sizeof(lines),
                        "%" PRIu64 " %" PRIu64 " %" PRIu64 " %d %" PRIu64 "\n%s\n%zu %zu %zu\n",
                        log->newest_size, log->stamped_size, log->asked_unix_s, log->is_answered,
                        log->token_unix_s, log->signer, log->newest.size, log->stamped.size,
                        log->token.size);
    enum status st = buf_append(out, lines, (size_t)size, err);
    if (st == ST_OK)
        st = buf_append(out, log->newest.data, log->newest.size, err);
    if (st == ST_OK)
        st = buf_append(out, log->stamped.data, log->stamped.size, err);
    return st == ST_OK ? buf_append(out, log->token.data, log->token.size, err) : st;
}

enum status timestamp_log_save(const struct timestamp_log *log, const struct log_files *files,
                               struct error *err)
{
    struct buf text;

    buf_init(&text, LOG_FILE_SIZE_MAX);
    enum status st = put(log, &text, err);
    if (st == ST_OK)
        st = log_files_write(files, head, log->origin, buf_slice(&text), err);
    buf_fini(&text);
    return st == ST_OK ? ST_OK : error_context(err, "keep what waits for a time stamp");
}

/* --- Steps ------------------------------------------------------------------------------------ */

enum status timestamp_log_take(struct timestamp_log *log, uint64_t size, struct slice note,
                               bool *ret_is_news, struct error *err)
{
    *ret_is_news = size > log->newest_size && size > log->stamped_size;
    if (!*ret_is_news)
        return ST_OK;
    struct buf *newest = &log->newest;
    enum status st =
        buf_reserve(newest, note.size > newest->size ? note.size - newest->size : 0, err);
    if (st != ST_OK)
        return st;
    buf_clear(newest);
    buf_append_reserved(newest, note.data, note.size);
    log->newest_size = size;
    return ST_OK;
}

enum status timestamp_log_settle(struct timestamp_log *log, struct slice token,
                                 const struct timestamp_info *info, struct error *err)
{
    buf_clear(&log->token);
    enum status st = timestamp_token_put_text(token, &log->token, err);
    if (st != ST_OK)
        return st;
    struct buf old = log->stamped;
    log->stamped = log->newest;
    log->newest = old;
    buf_clear(&log->newest);
    log->stamped_size = log->newest_size;
    log->newest_size = 0;
    log->is_answered = true;
    log->is_told = false;
    log->tell_due_ns = 0;
    log->token_unix_s = info->unix_s;
    (void)snprintf(log->signer, sizeof(log->signer), "%s", info->signer); /* fits */
    return ST_OK;
}

bool timestamp_log_saw(struct timestamp_log *log, struct slice token)
{
    if (log->token.size == 0 || !slice_equal(token, buf_slice(&log->token)))
        return false;
    buf_clear(&log->stamped);
    buf_clear(&log->token);
    log->token_unix_s = 0;
    log->signer[0] = 0;
    return true;
}
