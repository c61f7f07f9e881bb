/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_proof.c -- see include/telltale/tlog_proof.h. */
#include "telltale/tlog_proof.h"

#include <inttypes.h>
#include <stdio.h>

#include "integrity/note_text.h"
#include "integrity/strict_base64.h"
#include "telltale/signed_note.h"

enum { NUMBER_MAX = 32, ENTRY_BASE64_SIZE = 56 };

static const struct slice head = {(const uint8_t *)"c2sp.org/tlog-proof@v1\n", 23};
static const struct slice extra_word = {(const uint8_t *)"extra ", 6};
static const struct slice index_word = {(const uint8_t *)"index ", 6};

_Static_assert((STORE_ENTRY_SIZE + 2) / 3 * 4 == ENTRY_BASE64_SIZE, "of the entry");

static void put_base64_line(struct buf *out, const uint8_t *bytes, size_t size)
{
    base64_put(slice_of(bytes, size), (char *)out->data + out->size);
    out->size += base64_size(size);
    buf_append_reserved(out, "\n", 1);
}

enum status tlog_proof_put(uint64_t index, const uint8_t entry[STORE_ENTRY_SIZE],
                           const struct merkle_path *path, struct slice checkpoint_note,
                           struct buf *out, struct error *err)
{
    char number[NUMBER_MAX];

    ASSERT(path->count <= MERKLE_PATH_MAX);
    int number_size = snprintf(number, sizeof(number), "index %" PRIu64 "\n", index);
    enum status st =
        buf_reserve(out,
                    head.size + extra_word.size + ENTRY_BASE64_SIZE + 1 + (size_t)number_size +
                        path->count * (HASH_BASE64_SIZE + 1) + 1 + checkpoint_note.size,
                    err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(out, head.data, head.size);
    if (entry != NULL) {
        buf_append_reserved(out, extra_word.data, extra_word.size);
        put_base64_line(out, entry, STORE_ENTRY_SIZE);
    }
    buf_append_reserved(out, number, (size_t)number_size);
    for (size_t i = 0; i < path->count; i++)
        put_base64_line(out, path->hashes[i].bytes, HASH_SIZE);
    buf_append_reserved(out, "\n", 1);
    buf_append_reserved(out, checkpoint_note.data, checkpoint_note.size);
    return ST_OK;
}

enum status tlog_proof_parse(struct slice text, struct tlog_proof *ret, struct error *err)
{
    struct slice rest = slice_from(text, head.size), line = SLICE_EMPTY;
    size_t size;

    if (!slice_starts_with(text, head) || !note_text_take_line(&rest, &line))
        return error_set(err, ST_INVALID, "not a tlog-proof@v1");
    ret->has_entry = false;
    if (slice_starts_with(line, extra_word)) {
        struct slice extra = slice_from(line, extra_word.size);
        if (!base64_check(extra, &size))
            return error_set(err, ST_INVALID, "a proof with data that is no base64");
        ret->has_entry = base64_take(extra, ret->entry, STORE_ENTRY_SIZE);
        line = SLICE_EMPTY;
        (void)note_text_take_line(&rest, &line); /* an empty line is none, below */
    }
    if (!slice_starts_with(line, index_word) ||
        !note_text_number(slice_from(line, index_word.size), &ret->index))
        return error_set(err, ST_INVALID, "a proof without an index");
    for (ret->path.count = 0;; ret->path.count++) {
        if (!note_text_take_line(&rest, &line))
            return error_set(err, ST_INVALID, "a proof without a checkpoint");
        if (line.size == 0)
            break;
        if (ret->path.count == MERKLE_PATH_MAX ||
            !hash_parse_base64(line, &ret->path.hashes[ret->path.count]))
            return error_set(err, ST_INVALID, "a proof with a line that is no hash, or too many");
    }
    ret->checkpoint_note = rest;
    return ST_OK;
}
