/* SPDX-License-Identifier: Apache-2.0 */
/* witness_post.c -- see witness_post.h. */
#include "witness_post.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "telltale/http_outcome.h"
#include "telltale/peer_words.h"

enum { WORDS_SIZE = 160, SIZE_DIGITS_MAX = 19 };

static enum status put_body(const struct witness_log *log, struct buf *body, struct error *err)
{
    char line[64];
    struct merkle_path path;

    buf_clear(body);
    enum status st = tree_growth_prove(&log->witnessed, &log->sent, &path, err);
    int size = snprintf(line, sizeof(line), "old %" PRIu64 "\n", log->witnessed.end);
    if (st == ST_OK)
        st = buf_append(body, line, (size_t)size, err);
    for (size_t i = 0; st == ST_OK && i < path.count; i++) {
        hash_format_base64(&path.hashes[i], line);
        line[HASH_BASE64_SIZE] = '\n';
        st = buf_append(body, line, HASH_BASE64_SIZE + 1, err);
    }
    if (st == ST_OK)
        st = buf_append(body, "\n", 1, err);
    return st == ST_OK ? buf_append(body, log->sent_note.data, log->sent_note.size, err) : st;
}

/* The line of the witness that we asked; others may stand beside it. */
static enum status keep_line(const struct note *whole, const struct note_vkey *key,
                             const struct witness_log *log, struct buf *note, struct error *err)
{
    buf_clear(note);
    for (size_t i = 0; i < whole->count; i++) {
        const struct note_signature *signature = &whole->signatures[i];
        if (signature->key_id != key->id || !slice_equal(signature->name, slice_of_text(key->name)))
            continue;
        /* It borrows from `note`, which is long enough and only gets shorter. */
        size_t start = log->sent_note.size;
        memmove(note->data + start, signature->line.data, signature->line.size);
        note->size = start + signature->line.size;
        return ST_OK;
    }
    return error_set(err, ST_NOT_FOUND, "no cosignature of %s", key->name);
}

static enum status read_cosignature(const struct witness_log *log, const struct note_vkey *key,
                                    const struct http_response *response, struct buf *note,
                                    struct witness_reply *ret, struct error *err)
{
    struct note *whole = malloc(sizeof(*whole));

    if (whole == NULL)
        return error_set(err, ST_NO_MEMORY, "read a cosignature");
    buf_clear(note);
    enum status st = buf_append(note, log->sent_note.data, log->sent_note.size, err);
    if (st == ST_OK)
        st = buf_append(note, response->body.data, response->body.size, err);
    if (st == ST_OK)
        st = note_parse(buf_slice(note), whole, err);
    if (st == ST_OK && whole->text.size >= log->sent_note.size)
        st = error_set(err, ST_INVALID, "it is more than signatures");
    if (st == ST_OK)
        st = note_verify(whole, key, &ret->unix_s, err);
    if (st == ST_OK)
        st = keep_line(whole, key, log, note, err);
    free(whole);
    return st == ST_OK ? ST_OK : error_context(err, "answer of the witness");
}

/* Decimal, without sign and leading zeros, and with one '\n' or none. */
static bool read_size(const struct http_response *response, uint64_t *ret)
{
    struct slice text = response->body;
    uint64_t value = 0;

    if (strcmp(response->type, "text/x.tlog.size") != 0)
        return false;
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    if (text.size == 0 || text.size > SIZE_DIGITS_MAX || (text.data[0] == '0' && text.size > 1))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return value <= MERKLE_SIZE_MAX;
}

static const char *meaning_of(int status)
{
    switch (status) {
    case 400:
        return "it does not understand the request";
    case 403:
        return "no key of this log that it knows signed the checkpoint";
    case 404:
        return "it does not know this log: give its origin and the log's key to who runs it";
    case 409:
        return "it has another tree, and says no other size to go on from";
    case 422:
        return "it says that this tree does not continue the one it has seen";
    default:
        return "it did not cosign";
    }
}

/* `old` is the size that the witness was said to have: the same once more leads nowhere. */
static enum witness_word judge(const struct http_response *response, uint64_t old,
                               struct witness_reply *ret, struct error *err)
{
    char words[WORDS_SIZE];
    int status = response->status;

    if (status == 409 && read_size(response, &ret->size) && ret->size != old)
        return WITNESS_ELSEWHERE;
    peer_words_copy(words, sizeof(words), response->body);
    (void)error_set(err, ST_IO, "the witness answered %d: %s%s%s", status, meaning_of(status),
                    words[0] != 0 ? ": " : "", words);
    bool is_verdict =
        status == 400 || status == 403 || status == 404 || status == 409 || status == 422;
    return is_verdict ? WITNESS_REFUSES : WITNESS_SILENT;
}

enum witness_word witness_post(struct http_client *client, const struct witness_log *log,
                               const struct note_vkey *key, uint64_t deadline_ns, struct buf *body,
                               struct buf *note, struct witness_reply *ret, struct error *err)
{
    struct http_response response;

    *ret = (struct witness_reply){.status = 0};
    if (put_body(log, body, err) != ST_OK)
        return WITNESS_SILENT;
    const struct http_request request = {
        .path = "/add-checkpoint",
        .content_type = "text/plain",
        .body = buf_slice(body),
    };
    if (http_client_send(client, &request, deadline_ns, &response, err) != HTTP_ANSWERED)
        return WITNESS_SILENT;
    ret->status = response.status;
    ret->retry_after_ms = response.has_retry_after ? response.retry_after_ms : 0;
    if (response.status != 200)
        return judge(&response, log->witnessed.end, ret, err);
    return read_cosignature(log, key, &response, note, ret, err) == ST_OK ? WITNESS_COSIGNED
                                                                          : WITNESS_REFUSES;
}
